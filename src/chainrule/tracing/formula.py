"""Formulas as trees: what text and LaTeX write, and what can be computed again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "BY_PLACES", "FUNCTIONS", "PRODUCTS", "Call", "Expression", "Negative", "Number", "Power",
    "Product", "Quotient", "Rest", "Sum", "Symbol", "dot", "evaluate", "folded", "mean_of", "minus",
    "negated", "parts_of", "product", "settings_of", "signs_of", "some", "told_with", "total",
]  # fmt: skip

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A name with its value, a number or an array.

    name
        As the reader writes it.
    head
        What of it, if not itself: "z", "δ" ...: z_h1.
    by
        Where it is a derivative, what is differentiated with respect to the name: dE/dw5.
    row
        Of which row of a batch, from 1; None where there is one row only, or none is meant.
    mark
        "'" for what an update makes of it, "~" for each layer without sums that it has passed.
    opposite
        Whether it is the negative of a derivative.
    sign
        How a derivative is written: "d" for a whole one, "∂" for the local one of a step by what it
        uses; "" where no local one has its name, which text writes with d, LaTeX with ∂.
    bracketed
        Whether text puts the name into brackets: "city = x" has spaces or signs in it.
    letter
        What LaTeX writes for the name, where books have a letter: η for a rate.
    parameter
        Of a_own[1,2] "a", "own" and "1,2", which LaTeX sets apart; None of other names.
    upright
        Whether LaTeX writes a vector's numbers as a column.
    """

    name: str
    value: Any
    head: str = ""
    by: Symbol | None = None
    row: int | None = None
    mark: str = ""
    opposite: bool = False
    sign: str = ""
    bracketed: bool = False
    letter: str = ""
    parameter: tuple[str, str, str] | None = None
    upright: bool = False

    def of(self, head: str, value: Any, row: int | None = None) -> Symbol:
        """Another quantity of the same name."""
        return replace(self, head=head, value=value, row=row, mark="")

    def slope(self, by: Symbol, value: Any, opposite: bool = False, sign: str = "") -> Symbol:
        """The derivative of `by` with respect to this."""
        factor = -1 if opposite else 1
        return replace(self, by=by, value=factor * value, opposite=opposite, sign=sign)


@dataclass(frozen=True, eq=False)
class Number:
    """A number of the formula itself."""

    value: Any


@dataclass(frozen=True, eq=False)
class Sum:
    """Terms added."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Product:
    """Factors, element by element where they are arrays."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Quotient:
    """One divided by another."""

    top: Expression
    bottom: Expression


@dataclass(frozen=True, eq=False)
class Power:
    """A base with an exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, eq=False)
class Negative:
    """The negative."""

    operand: Expression


@dataclass(frozen=True, eq=False)
class Call:
    """A function, by its name in `FUNCTIONS`, of arguments."""

    function: str
    arguments: tuple[Expression, ...]
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Rest:
    """Terms that are left out of a sum: how many, and what they come to."""

    count: int
    value: Any


Expression: TypeAlias = Symbol | Number | Sum | Product | Quotient | Power | Negative | Call | Rest


def product(*factors: Expression) -> Expression:
    """A product, without factors that are the number 1; one factor alone is itself."""
    kept = [one for one in factors if not (isinstance(one, Number) and np.all(one.value == 1))]
    if not kept:
        return Number(1.0)
    return kept[0] if len(kept) == 1 else Product(tuple(kept))


def total(terms: Iterable[Expression]) -> Expression:
    """A sum; one term alone is itself."""
    held = tuple(terms)
    return held[0] if len(held) == 1 else Sum(held) if held else Number(0.0)


def minus(left: Expression, right: Expression) -> Expression:
    """A difference."""
    return Sum((left, Negative(right)))


def negated(one: Expression) -> Expression:
    """The negative, with the signs of a difference turned round."""
    if isinstance(one, Negative):
        return one.operand
    if isinstance(one, Sum):
        turned = tuple(negated(term) for term in one.terms)
        return Sum(tuple(sorted(turned, key=lambda term: isinstance(term, Negative))))
    if isinstance(one, Product):
        for place, factor in enumerate(one.factors):
            if isinstance(factor, Sum):
                before, after = one.factors[:place], one.factors[place + 1 :]
                return Product((*before, negated(factor), *after))
    return Negative(one)


def parts_of(one: Expression) -> Iterator[Expression]:
    """A formula and all that it is made of."""
    yield one
    match one:
        case Sum():
            inside: tuple[Expression, ...] = one.terms
        case Product():
            inside = one.factors
        case Quotient():
            inside = (one.top, one.bottom)
        case Power():
            inside = (one.base, one.exponent)
        case Negative():
            inside = (one.operand,)
        case Call():
            inside = one.arguments
        case Symbol():
            inside = () if one.by is None else (one.by,)
        case _:
            inside = ()
    for part in inside:
        yield from parts_of(part)


def signs_of(one: Product) -> list[str]:
    """What stands before each factor but the first: "⊙" where both are arrays, else "·"."""
    found, arrays = [], _is_array(one.factors[0])
    for factor in one.factors[1:]:
        found.append("⊙" if arrays and _is_array(factor) else "·")
        arrays = arrays or _is_array(factor)
    return found


def _is_array(one: Expression) -> bool:
    leaves = (part for part in parts_of(one) if isinstance(part, Symbol | Number | Rest))
    return any(np.size(leaf.value) > 1 for leaf in leaves) and np.size(evaluate(one)) > 1


def settings_of(settings: Mapping[str, Any], axes: int) -> list[str]:
    """What an operation on so many axes is told: "axis=0", where that is not all of them."""
    told = {name: value for name, value in settings.items() if name != "keepdims"}
    along = told.get("axis")
    if along is not None and np.size(along) == axes:
        del told["axis"]
    elif isinstance(along, tuple) and len(along) == 1:
        told["axis"] = along[0]
    return [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in told.items()
    ]


def told_with(one: Call) -> list[str]:
    """What the function of a call is told besides its arguments."""
    return settings_of(dict(one.settings), np.ndim(evaluate(one.arguments[0])))


def mean_of(terms: Expression, count: int) -> Expression:
    """1/count times a sum; the sum itself for one."""
    if count == 1:
        return terms
    return Product((Quotient(Number(1), Number(count)), terms))


def folded(terms: Sequence[Expression], most: int) -> Expression:
    """The sum of terms: of more than `most` the largest are shown, and what the others come to."""
    values = [np.asarray(evaluate(term), np.float64) for term in terms]
    kept = _largest([np.abs(value).max(initial=0.0) for value in values], most)
    others = [value for place, value in enumerate(values) if place not in set(kept)]
    rest = [Rest(len(others), np.sum(others, axis=0))] if others else []
    return total([*(terms[place] for place in kept), *rest])


def dot(
    lefts: Any,
    rights: Any,
    term: Callable[[int], Expression],
    most: int,
    scale: Any = 1.0,
    first: Sequence[int] = (),
) -> list[Expression]:
    """Terms of sum(scale * lefts * rights), of which `term` writes one.

    Of many the `first` places are shown, where there are none the `most` largest, and what the
    others come to.
    """
    values = np.asarray(lefts, np.float64) * np.asarray(rights, np.float64) * scale
    return some(values, _largest(values, most, first), term)


def some(values: Any, kept: Sequence[int], term: Callable[[int], Expression]) -> list[Expression]:
    """The terms of a sum of values at the places kept, and what the others come to."""
    others = np.delete(np.asarray(values, np.float64), list(kept))
    rest = [Rest(len(others), float(others.sum()))] if len(others) else []
    return [*(term(place) for place in kept), *rest]


def _largest(sizes: Any, most: int, first: Sequence[int] = ()) -> list[int]:
    """The places of the terms that are shown, in order; one more than `most` is shown too."""
    if len(sizes) <= most + 1:
        return list(range(len(sizes)))
    if first:
        return list(first)
    order = np.nan_to_num(np.abs(np.asarray(sizes)), nan=np.inf)
    return [int(place) for place in np.sort(np.argpartition(-order, most)[:most])]


def _sigmoid(x: Any) -> Any:
    return np.exp(-np.logaddexp(0.0, -x))


def _log_softmax(z: Any, axis: int = -1) -> Any:
    return z - np.logaddexp.reduce(z, axis=axis, keepdims=True)


def _contracted(upstream: Any, local: Any) -> Any:
    """What a derivative comes to through a local one: summed over the axes of the user."""
    return np.tensordot(upstream, local, axes=np.ndim(upstream))


def _by_class(by_p: Any, by_z: Any) -> Any:
    return np.einsum("...k,...kj->...j", by_p, by_z)


def _normal_share(x: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(x)


BEND, CUBED = math.sqrt(2 / math.pi), 0.044715
"""Of the approximate GELU: sqrt(2/π) (x + 0.044715 x^3)."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "between": lambda low, x, high: np.asarray((low < x) & (x < high), np.float64),
    "by_class": _by_class, "chain": _contracted, "cos": np.cos, "exp": np.exp,
    "exceeds": lambda x, y: (1 + np.sign(x - y)) / 2,
    "dot": np.matmul, "expm1": np.expm1,
    "matrix_column": np.matmul, "row_matrix": np.matmul,
    "flat_sum": lambda x, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims),
    "from_zero": lambda x: np.asarray(x >= 0, np.float64),
    "holds": lambda x: np.asarray(x > 0, np.float64), "log": np.log, "log1p": np.log1p,
    "huber": lambda e, d: np.where(np.abs(e) <= d, e * e / 2, d * (np.abs(e) - d / 2)),
    "clip": lambda x, low, high: np.clip(x, low, high), "pinball": lambda e, q: np.maximum(
        q * e, (q - 1) * e
    ),
    "matmul": np.matmul, "maximum": np.maximum, "minimum": np.minimum, "outer": np.outer,
    "relu": lambda x: np.maximum(x, 0), "sigmoid": _sigmoid, "sign": np.sign, "sin": np.sin,
    "softplus": lambda x: np.logaddexp(0.0, x), "softsign": lambda x: x / (1 + np.abs(x)),
    "log_softmax_slope": lambda s: np.eye(len(s)) - np.exp(s),
    "softmax_slope": lambda p: np.diag(p) - np.outer(p, p),
    "log_softmax": _log_softmax, "softmax": lambda z, axis=-1: np.exp(_log_softmax(z, axis)),
    "sqrt": np.sqrt, "stop_gradient": lambda x: x, "tanh": np.tanh,
    "times": np.matmul, "transposed": np.transpose,
    "u": lambda x: BEND * (x + CUBED * x**3), "u'": lambda x: BEND * (1 + 3 * CUBED * x**2),
    "upto_zero": lambda x: np.asarray(x <= 0, np.float64),
    "Φ": _normal_share, "φ": lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "cross_entropy": lambda z, t: np.logaddexp(0.0, z) - t * z,
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "leaky_relu": lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
}  # fmt: skip
"""What a formula may call: name and meaning."""
PRODUCTS = ("by_class", "chain", "dot", "matrix_column", "outer", "row_matrix", "times")
"""Those of two arguments that are written with a dot between them."""
BY_PLACES = ("log_softmax_slope", "softmax_slope")
"""Those that are written for any entry, of the i-th number by the j-th, and not with numbers."""


def evaluate(one: Expression) -> Any:
    """What a formula comes to with the values of its symbols, in float64.

    >>> float(evaluate(minus(Symbol("x", 2.0), Number(0.5))))
    1.5
    """
    with np.errstate(all="ignore"):
        return _evaluated(one)


def _evaluated(one: Expression) -> Any:
    match one:
        case Symbol() | Number() | Rest():
            value = np.asarray(one.value)
            return value.astype(np.float64)[()]
        case Sum():
            result = _evaluated(one.terms[0])
            for term in one.terms[1:]:
                result = result + _evaluated(term)
        case Product():
            result = _evaluated(one.factors[0])
            for factor in one.factors[1:]:
                result = result * _evaluated(factor)
        case Quotient():
            result = np.divide(_evaluated(one.top), _evaluated(one.bottom))
        case Power():
            result = np.power(_evaluated(one.base), _evaluated(one.exponent))
        case Negative():
            result = -_evaluated(one.operand)
        case Call():
            arguments = [_evaluated(argument) for argument in one.arguments]
            result = FUNCTIONS[one.function](*arguments, **dict(one.settings))
    return result
