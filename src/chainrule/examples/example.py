"""What a worked example gives: a sentence, named numbers, and what they were computed with."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.drawing import svg_of
from chainrule.errors import MissingNameError, SettingError, nearest
from chainrule.examples.notebook import example_html
from chainrule.examples.spec import ExpressionSpec, Spec
from chainrule.examples.spec_text import spec_of_model
from chainrule.graph import Node
from chainrule.layers import Dense
from chainrule.models import Sequential
from chainrule.settings import check_count
from chainrule.tracing import Notation, StepTrace, Trace, as_notation

__all__ = ["Example", "Quantity", "numbers", "titled"]

WIDTH = 96
SMALL, LARGE = 1e-4, 1e5
"""Numbers nearer to 0, and those from here on, are printed with a power of ten."""


@dataclass(frozen=True)
class Quantity:
    """A row of an example's table.

    name
        What it is called there.
    value
        A number, a text, or a tuple of these.
    how
        The formula, or where it comes from.
    """

    name: str
    value: Any
    how: str = ""

    def shown(self, digits: int) -> list[str]:
        """The value as texts, numbers with so many digits after the point."""
        parts = self.value if isinstance(self.value, tuple) else (self.value,)
        return [_shown(part, digits) for part in parts]


def _shown(value: Any, digits: int) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value == 0 or not math.isfinite(value):
        return f"{abs(value):g}"
    if abs(value) < SMALL or abs(value) >= LARGE:
        return f"{value:.{min(digits, 4)}e}"
    return f"{value:.0f}" if value == round(value) else f"{value:.{digits}f}"


def numbers(values: Any) -> tuple[float, ...]:
    """The numbers of a node or an array, in C order, as a quantity keeps them."""
    array = values.value if isinstance(values, Node) else values
    return tuple(float(value) for value in np.asarray(array).ravel())


def titled(ax: Any, title: str) -> Any:
    """The axes of a picture, with a title of its own."""
    ax.set_title(title)
    return ax


@dataclass(frozen=True, eq=False, repr=False)
class Example:
    """A worked example: every number in it was computed when it was called.

    title, text
        What it shows.
    quantities
        Its table, row by row; `example["loss"]` is the value of one row.
    digits
        How many digits after the point are printed, unless `to_text` is told otherwise.
    models, nodes, arrays
        What the numbers were computed with, by name.
    picture
        Draws it on axes, or on new ones: `plot` asks it.
    notation
        How its text book writes it; traces show it so.
    expressions
        Of an expression the formula of each node that is made, by name.
    traced
        What is said of the network that is traced, beside the title.

    >>> from chainrule import examples
    >>> examples.xyz()["df/dx"]
    -4.0
    """

    title: str
    text: str
    quantities: tuple[Quantity, ...]
    digits: int = 6
    models: Mapping[str, Sequential] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    arrays: Mapping[str, Any] = field(default_factory=dict)
    picture: Callable[[Any], Any] | None = None
    notation: Notation | None = None
    expressions: Mapping[str, str] = field(default_factory=dict)
    traced: str = ""

    @property
    def model(self) -> Sequential:
        """The first of the models; raises `SettingError` where there is none."""
        if not self.models:
            message = f"{self.title}: it has no model; look at its nodes and quantities."
            raise SettingError(message)
        return next(iter(self.models.values()))

    def __getitem__(self, name: str) -> Any:
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity.value
        known = [quantity.name for quantity in self.quantities]
        message = f"{self.title}: {name!r} is not in its table; {nearest(str(name), known)}"
        raise MissingNameError(message)

    def to_text(self, digits: int | None = None) -> str:
        """Title, sentence and table.

        digits
            Digits after the point, 0 or more; the example's own when None.
        """
        if digits is not None:
            digits = check_count("to_text", "digits", digits, least=0)
        rows = self._rows(self.digits if digits is None else digits)
        return "\n".join([self.title, *textwrap.wrap(self.text, WIDTH), "", *_aligned(rows)])

    def _rows(self, digits: int) -> list[tuple[str, list[str], str]]:
        return [(one.name, one.shown(digits), one.how) for one in self.quantities]

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """What a notebook shows: what is printed, and the picture."""
        picture = None if self.picture is None else svg_of(self.plot)
        return example_html(self.title, self.text, self._rows(self.digits), picture)

    def plot(self, ax: Any = None) -> Any:
        """Its picture, on matplotlib axes where some are given; what it gives are the axes.

        A notebook shows a new figure below the cell; elsewhere `matplotlib.pyplot.show()` does.

        Raises `SettingError` where it has none.
        """
        if self.picture is None:
            message = f"{self.title}: it has no picture; print it to see its numbers."
            raise SettingError(message)
        return self.picture(ax)

    def spec(self, notation: str | None = None, steps: int | None = None, **how: Any) -> Spec:
        """What it traces, as a spec: print `chainrule.examples.spec_text` of it to start from.

        notation, how, steps
            The form of the notation, and settings of it; how many steps.

        Raises `SettingError` where it has nothing that could be traced.
        """
        if self.expressions:
            values = {
                name: node.value for name, node in self.nodes.items()
                if node.operation is None
            }  # fmt: skip
            fixed = {n: v for n, v in values.items() if self.nodes[n].role == "constant"}
            free = {name: value for name, value in values.items() if name not in fixed}
            digits = how.get("digits", self.digits)
            return ExpressionSpec(self.expressions, free, fixed, self.title, digits)
        if not self.is_traceable:
            message = f"{self.title}: it has no step of training to trace; print it, or plot it."
            raise SettingError(message)
        shown = self._shown_in(notation, how)
        X, y = self.rows
        steps_before = self.model.trainer.iterations
        said = f"trained for {steps_before:,} steps before" if steps_before else self.traced
        title = f"{self.title} ({said})" if said else self.title
        made = spec_of_model(self.model, X, y, title=title, notation=shown)
        return made if steps is None else replace(made, steps=steps)

    @property
    def rows(self) -> tuple[Any, Any]:
        """What a step of training takes: the rows that the model was trained with."""
        names = ("X_train", "y_train") if "X_train" in self.arrays else ("X", "y")
        X, y = (self.arrays[name] for name in names)
        return X, y

    @property
    def is_traceable(self) -> bool:
        """Whether it has an expression, or a network with rows."""
        return bool(self.expressions or (self.models and {"X", "y"} <= set(self.arrays)))

    def _shown_in(self, notation: str | None, how: dict[str, Any]) -> Notation:
        """Its own notation, with what is asked for in place of its own."""
        own = Notation(digits=self.digits) if self.notation is None else self.notation
        return as_notation(own, how, form=notation)

    def trace(
        self, steps: int | None = None, notation: str | None = None, check: bool = False, **how: Any
    ) -> Trace | StepTrace:
        """Every number of it; of a network those of a training step.

        steps, notation, check, how
            As `Sequential.trace` takes them; how are settings of `chainrule.tracing.Notation`.

        Raises `SettingError` where it has nothing that could be traced.

        >>> from chainrule import examples
        >>> examples.mazur().trace().delta[1].round(8)
        array([[ 0.13849856, -0.03809824]])
        """
        layers = self.model.layers if self.models else []
        if not self.is_traceable or all(isinstance(one.description, Dense) for one in layers):
            return self.spec().trace(steps=steps, notation=notation, check=check, **how)
        shown = self._shown_in(notation, how)
        return self.model.trace(*self.rows, notation=shown, steps=steps or 1, check=check)


def _aligned(rows: Iterable[tuple[str, list[str], str]]) -> list[str]:
    """Rows in columns; numbers that stand below each other end at the same place."""
    rows = list(rows)
    names = max((len(name) for name, _, _ in rows), default=0)
    each = max((len(one) for _, shown, _ in rows for one in shown if _number(one)), default=0)
    values = ["  ".join(o.rjust(each) if _number(o) else o for o in v) for _, v, _ in rows]
    width = max((len(value) for value in values), default=0)
    return [
        f"{name:<{names}}  {value:<{width}}  {how}".rstrip()
        for (name, _, how), value in zip(rows, values, strict=True)
    ]


def _number(text: str) -> bool:
    return text.lstrip("-")[:1].isdigit()
