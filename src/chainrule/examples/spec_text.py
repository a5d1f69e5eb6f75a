"""Specs as TOML that people read and change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.examples.objects import PARTS
from chainrule.examples.shapes import KERNELS
from chainrule.examples.spec import REDUCTIONS, ExpressionSpec, NetworkSpec, Spec
from chainrule.layers import Dense
from chainrule.losses import LOSSES, Loss
from chainrule.models import Sequential
from chainrule.optimizers import OPTIMIZERS
from chainrule.tracing import Notation

__all__ = ["spec_of_model", "spec_text"]


def spec_text(spec: Spec) -> str:
    """A spec as TOML, with a comment for each part.

    >>> from chainrule.examples.spec import spec_of
    >>> print(spec_text(spec_of({"values": {"x": 3.0}, "expressions": {"f": "x * x"}})), end="")
    # chainrule trace --spec THIS.toml
    digits = 6
    <BLANKLINE>
    # Variables: the result is differentiated with respect to these.
    [values]
    x = 3.0
    <BLANKLINE>
    # + - * / ** @, parentheses, operations such as sigmoid(z); the last one is the result.
    [expressions]
    f = "x * x"
    """
    lines = _expression(spec) if isinstance(spec, ExpressionSpec) else _network(spec)
    return "\n".join(["# chainrule trace --spec THIS.toml", *lines]) + "\n"


def spec_of_model(
    model: Sequential, X: Any, y: Any, *, title: str = "", notation: Notation | None = None
) -> NetworkSpec:
    """A spec of a compiled model of Dense layers with the weights that it has, and of rows.

    Raises `SettingError` where something of it cannot be written as a spec.
    """
    shown = Notation() if notation is None else notation
    settings = model.compile_settings
    loss: Loss = settings["loss"]
    names = [name for name, kind in LOSSES.items() if kind is type(loss)]
    reductions = [name for name, one in REDUCTIONS.items() if one == loss.reduction]
    rule = [name for name, kind in OPTIMIZERS.items() if kind is type(settings["optimizer"])]
    for what, found in (("loss", names), ("reduction", reductions), ("optimizer", rule)):
        if not found:
            message = f"spec: the model's {what} is one of your own, which TOML cannot hold."
            raise SettingError(message)
    return NetworkSpec(
        tuple(_layer(layer, shown.form) for layer in model.layers),
        np.asarray(X).tolist(), np.asarray(y).tolist(), names[0], reductions[0],
        {"name": rule[0]} | _changed("optimizer", settings["optimizer"], ()),
        shown, title, dtype=model.dtype, seed=model.seed,
    )  # fmt: skip


def _layer(layer: Any, form: str) -> dict[str, Any]:
    described = layer.description
    if not isinstance(described, Dense):
        message = (
            f"spec: layer {layer.name!r} is a {type(described).__name__}; a spec is made of models "
            "of Dense layers."
        )
        raise SettingError(message)
    left_out = ("units", "use_bias", "kernel_initializer", "bias_initializer", "name")
    kernel, bias = layer.kernel, layer.bias if described.use_bias else None
    if form == "theta" and bias is not None:
        found: dict[str, Any] = {"theta": np.column_stack([bias, kernel.T]).tolist()}
    else:
        name = "W" if form == "columns" else "kernel"
        found = {name: (kernel.T if form == "columns" else kernel).tolist()}
        found |= {} if bias is None else {"bias": bias.tolist()}
    return found | _changed(f"layer {layer.name!r}", described, left_out)


def _changed(owner: str, made: Any, left_out: tuple[str, ...]) -> dict[str, Any]:
    """The settings of an object that are not their defaults."""
    found = {}
    for one in fields(made):
        value = getattr(made, one.name)
        if one.name in left_out or (one.default is not MISSING and value == one.default):
            continue
        kinds = (pair for parts in PARTS.values() for pair in parts.items())
        kind = [name for name, known in kinds if type(value) is known]
        if kind:
            value = {"name": kind[0]} | _changed(owner, value, ())
        elif not isinstance(value, str | int | float | bool):
            message = (
                f"spec: {owner}: {one.name} is {value!r}, which a spec does not hold; leave it out."
            )
            raise SettingError(message)
        found[one.name] = value
    return found


def _expression(spec: ExpressionSpec) -> Iterator[str]:
    yield from _pairs({"title": spec.title} if spec.title else {})
    yield from _pairs({"digits": spec.digits})
    if spec.constants:
        yield from ("", "# Nothing is differentiated with respect to these.", "[constants]")
        yield from _pairs(spec.constants)
    yield from ("", "# Variables: the result is differentiated with respect to these.", "[values]")
    yield from _pairs(spec.values)
    yield ""
    yield "# + - * / ** @, parentheses, operations such as sigmoid(z); the last one is the result."
    yield "[expressions]"
    yield from _pairs(spec.expressions)


def _network(spec: NetworkSpec) -> Iterator[str]:
    yield from _pairs({"title": spec.title} if spec.title else {})
    yield f"loss = {_value(spec.loss)}"
    yield f"reduction = {_value(spec.reduction)}  # over rows: mean or sum"
    yield f"steps = {spec.steps}"
    yield f"dtype = {_value(spec.dtype)}  # float64 or float32"
    yield f"seed = {spec.seed}  # of weights that are drawn, and of dropout"
    yield from ("", "[optimizer]")
    yield from _pairs(spec.optimizer)
    yield from ("", "# rows (a W), columns (W a), theta (a unit of 1 for the bias);")
    yield "# names by pattern: {n} {i} {j} {from} {to} {layer}"
    yield "[notation]"
    shown = spec.notation
    yield from _pairs(
        {one.name: getattr(shown, one.name) for one in fields(Notation)
         if getattr(shown, one.name) is not None}
    )  # fmt: skip
    yield from ("", "[data]")
    yield from _pairs({"X": spec.X, "y": spec.y})
    for number, layer in enumerate(spec.layers):
        yield ""
        if not number:
            yield from (f"# {name}: {standing}" for name, standing in KERNELS.items())
            yield "# units = 3 in their place draws weights; a layer without bias has none"
            yield '# kind = "Dropout", rate = 0.5: a layer of another kind, a line for each setting'
        yield "[[layers]]"
        yield from _pairs(layer)


def _pairs(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        yield f"{_key(name)} = {_value(value)}"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}"
    if isinstance(value, list | tuple):
        parts = [_value(one) for one in value]
        nested = value and isinstance(value[0], list | tuple)
        if nested and sum(map(len, parts)) > 80:
            return "[\n" + "".join(f"    {part},\n" for part in parts) + "]"
        return f"[{', '.join(parts)}]"
    return repr(float(value)) if isinstance(value, float) else str(value)


def _text(value: str) -> str:
    # TOML's basic strings are JSON's, but for DEL
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
