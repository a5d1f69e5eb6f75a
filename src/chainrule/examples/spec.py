"""A network or an expression described in TOML, to be traced."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError, SettingError, listing, nearest
from chainrule.examples.formulas import check_name, node_of, quoted
from chainrule.examples.objects import check_settings, made_of
from chainrule.examples.shapes import check_shapes, matrix, oriented
from chainrule.files import read_toml
from chainrule.graph import Node, constant, reachable, variable
from chainrule.layers import LAYERS, Input, Layer
from chainrule.losses import LOSSES
from chainrule.models import Sequential
from chainrule.optimizers import OPTIMIZERS
from chainrule.tracing import Notation, StepTrace, Trace, as_notation, trace

__all__ = ["ExpressionSpec", "NetworkSpec", "Spec", "read_spec", "spec_of"]

REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum"}


@dataclass(frozen=True)
class ExpressionSpec:
    """An expression to be traced.

    values, constants
        Variables and constants with their values: numbers or lists of them.
    expressions
        Formulas by the name of what they make, in order; the last is the result.
    """

    expressions: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    digits: int = 6

    def nodes(self) -> dict[str, Node]:
        """Every node that has a name.

        Raises `SettingError` for what is no formula, where shapes do not fit, and for a formula
        that the last one does not use.
        """
        found: dict[str, Node] = {}
        self._check_names()
        for name, value in self.constants.items():
            found[name] = constant(matrix(f"constants: {name}", value))
        for name, value in self.values.items():
            found[name] = variable(matrix(f"values: {name}", value))
        for name, formula in self.expressions.items():
            where = f"expressions: {name}"
            try:
                with np.errstate(all="ignore"):
                    made = node_of(formula, found, where)
                found[name] = made if isinstance(made, Node) else constant(made)
            except SettingError:
                raise
            except (ChainruleError, ArithmeticError) as error:
                message = f"{where} = {quoted(formula)}: {error}"
                raise SettingError(message) from error
            if not np.isfinite(np.asarray(found[name].array)).all():
                message = (
                    f"{where} = {quoted(formula)} is {found[name].value} at these values; change "
                    "one."
                )
                raise SettingError(message)
        self._check_result(found)
        return found

    def _check_names(self) -> None:
        """Raise for a name that no formula can have, and for one that is given twice."""
        for part in ("constants", "values", "expressions"):
            for name in getattr(self, part):
                check_name(part, name)
        for one, other in itertools.combinations(
            (self.constants, self.values, self.expressions), 2
        ):
            for name in one.keys() & other.keys():
                message = f"spec: the name {name!r} is given twice; give each thing its own."
                raise SettingError(message)

    def _check_result(self, found: Mapping[str, Node]) -> None:
        """Raise where the last formula makes no single number, or does not use another one."""
        *others, last = self.expressions
        if (shape := found[last].shape) != ():
            summed = f"sum({self.expressions[last]})"
            message = (
                f"expressions: {last} is what is traced and must be one number, got shape "
                f"{shape}; put sum or mean around it, {last} = {quoted(summed)}."
            )
            raise SettingError(message)
        used = {id(node) for node in reachable([found[last]])}
        for name in others:
            if id(found[name]) not in used:
                message = (
                    f"expressions: {name} is not used by {last}, the last one, which is what is "
                    "traced; leave it out, or put it last."
                )
                raise SettingError(message)

    def trace(self, **how: Any) -> Trace:
        """Every number of it.

        how
            `digits` and `check`, as `chainrule.trace` takes them.

        Raises `SettingError` for what an expression has not: layers and steps.
        """
        given = {name: one for name, one in how.items() if one is not None}
        for name in given.keys() - {"digits", "check"}:
            message = f"trace: {name}: an expression has no layers and no steps; leave it out."
            raise SettingError(message)
        nodes = self.nodes()
        result = list(nodes.values())[-1]
        return replace(trace(result, nodes, **{"digits": self.digits} | given), title=self.title)


@dataclass(frozen=True)
class NetworkSpec:
    """A network with its weights, rows and rule of training, to be traced.

    layers
        For each its settings: `kind` ("Dense" where left out); `bias` and one of `kernel` (inputs,
        units), `W` (units, inputs) and `theta` (units, 1 + inputs) as lists, or `units` of a Dense
        layer whose weights are drawn; and any setting of the layer.
    X, y
        Rows and targets.
    loss, reduction
        By name; "mean" or "sum" over rows.
    optimizer
        `name` and settings.
    notation
        How it is shown.
    """

    layers: tuple[Mapping[str, Any], ...]
    X: Any
    y: Any
    loss: str = "mean_squared_error"
    reduction: str = "mean"
    optimizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "sgd"})
    notation: Notation = field(default_factory=Notation)
    title: str = ""
    steps: int = 1
    seed: int = 0
    dtype: str = "float64"

    def model(self) -> Sequential:
        """The network with its weights, compiled.

        Raises `SettingError` for settings that there are not, `ShapeError` where shapes
        contradict each other.
        """
        X, y = matrix("data: X", self.X), matrix("data: y", self.y)
        for number, one in enumerate(self.layers, start=1):
            check_settings(f"layer {number}", one.get("kind", "Dense"), LAYERS, one)
        described = [oriented(number, one) for number, one in enumerate(self.layers, start=1)]
        loss = made_of("loss", self.loss, LOSSES, {"reduction": self._reduction()})
        check_shapes(described, X, y, loss.target_kind == "labels")
        members = [_layer(number, one) for number, one in enumerate(described, start=1)]
        model = Sequential([Input(X.shape[1:]), *members], seed=self.seed, dtype=self.dtype)
        settings = {name: value for name, value in self.optimizer.items() if name != "name"}
        rule = made_of("optimizer", self.optimizer.get("name", "sgd"), OPTIMIZERS, settings)
        model.compile(rule, loss)
        for layer, one in zip(model.layers, described, strict=True):
            for name in ("kernel", "bias"):
                if name in one:
                    setattr(layer, name, one[name])
        return model

    def trace(
        self, steps: int | None = None, notation: str | None = None, check: bool = False, **how: Any
    ) -> StepTrace:
        """Every number of a step, or of several.

        steps, notation
            Where given, in place of the spec's own.
        how
            Settings of the notation.
        """
        given = {name: one for name, one in how.items() if one is not None}
        shown = as_notation(self.notation, given, form=notation)
        X, y = matrix("data: X", self.X), matrix("data: y", self.y)
        steps = self.steps if steps is None else steps
        made = self.model().trace(X, y, steps=steps, notation=shown, check=check)
        return replace(made, title=self.title)

    def _reduction(self) -> str:
        if self.reduction not in tuple(REDUCTIONS):
            message = f"spec: reduction must be {listing(REDUCTIONS)}, got {self.reduction!r}."
            raise SettingError(message)
        return REDUCTIONS[self.reduction]


Spec = ExpressionSpec | NetworkSpec


def read_spec(path: str | os.PathLike[str]) -> Spec:
    """What a TOML file describes.

    Raises `MissingFileError` where there is no file, `SettingError` where it is no TOML or has
    settings that there are not.
    """
    return spec_of(read_toml(path))


def spec_of(record: Mapping[str, Any]) -> Spec:
    """What a record describes: an expression where it has `expressions`, else a network.

    >>> spec = spec_of({"values": {"x": 3.0}, "expressions": {"f": "x * x"}})
    >>> float(spec.trace()["x"].derivative)
    6.0
    """
    given = dict(record)
    if not isinstance(given.get("title", ""), str):
        message = f"spec: title must be text, got {given['title']!r}."
        raise SettingError(message)
    if "expressions" in given:
        for name in ("values", "constants", "expressions"):
            _table(name, given.get(name, {}))
        if not given["expressions"]:
            message = 'spec: expressions is empty; write one such as f = "x + y".'
            raise SettingError(message)
        return ExpressionSpec(**_known("spec", given, ExpressionSpec))
    if given.keys() & {"values", "constants"}:
        message = (
            "spec: expressions are missing; write what is computed with the values under "
            '[expressions], such as f = "x + y".'
        )
        raise SettingError(message)
    settings = ["data", *(name for name in _names(NetworkSpec) if name not in ("X", "y"))]
    _check_known("spec", given, ["expressions", *settings])
    for name in ("layers", "data"):
        if not given.get(name):
            message = (
                f"spec: {name} is missing; a network needs [[layers]] and [data], an expression "
                "[expressions]; chainrule trace --example mazur --spec prints one to start from."
            )
            raise SettingError(message)
    data = _table("data", given.pop("data"))
    notation = as_notation(Notation(), _table("notation", given.pop("notation", {})))
    layers = given.pop("layers")
    if not isinstance(layers, list):
        message = "spec: layers must be tables, each under its own [[layers]]."
        raise SettingError(message)
    tables = tuple(_table(f"layers {place}", one) for place, one in enumerate(layers, start=1))
    if set(data) != {"X", "y"}:
        message = f"spec: data must have X and y, got {listing(data) or 'nothing'}."
        raise SettingError(message)
    _table("optimizer", given.get("optimizer", {}))
    made: NetworkSpec = NetworkSpec(
        layers=tables, X=data["X"], y=data["y"], notation=notation, **given
    )  # fmt: skip
    return made


def _table(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        message = f"spec: {name} must be a table of settings, got {given!r}."
        raise SettingError(message)
    return dict(given)


def _names(kind: type) -> list[str]:
    return [one.name for one in fields(kind)]


def _check_known(owner: str, given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise for a setting that there is not, with the nearest."""
    for name in given:
        if name not in names:
            message = f"{owner}: there is no setting {name!r}; {nearest(name, names)}"
            raise SettingError(message)


def _known(owner: str, given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Settings that a kind has; raises with the nearest for another."""
    _check_known(owner, given, _names(kind))
    return dict(given)


def _layer(number: int, described: Mapping[str, Any]) -> Layer:
    """A layer of its settings; its weights are set later."""
    left_out = ("kind", "kernel", "bias", "stands")
    settings = {k: v for k, v in described.items() if k not in left_out}
    kind = described.get("kind", "Dense")
    if kind == "Dense":
        if "kernel" in described:
            settings["units"] = np.shape(described["kernel"])[1]
            if settings.get("use_bias", "bias" in described) != ("bias" in described):
                what = "a bias is" if "bias" in described else "no bias is"
                message = (
                    f"spec: layer {number}: use_bias is {settings['use_bias']}, but {what} given; "
                    "leave use_bias out."
                )
                raise SettingError(message)
            settings["use_bias"] = "bias" in described
        elif "units" not in settings:
            message = (
                f"spec: layer {number}: give its kernel, or its units to have weights drawn; a "
                'layer of another kind says it: kind = "Dropout".'
            )
            raise SettingError(message)
    made: Layer = made_of(f"layer {number}", kind, LAYERS, settings)
    return made
