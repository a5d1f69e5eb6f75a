"""What is searched: for each setting the values that it may have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from chainrule.errors import SettingError, listing, nearest
from chainrule.estimators import SETTINGS, TableSettings

__all__ = [
    "DECAYING", "LAYERS", "SEARCHED", "UNITS", "Choice", "Dimension", "Range", "Space", "ends",
    "is_whole", "plain_choice", "space_of",
]  # fmt: skip

LAYERS, UNITS = "layers", "units"
DECAYING = "adamw"
"""The optimizer that weight_decay belongs to."""
SEARCHED = (
    LAYERS, UNITS, "hidden", "activation", "normalization", "bins", "dropout", "l1", "l2",
    "optimizer", "learning_rate", "weight_decay", "batch_size", "epochs", "patience",
)  # fmt: skip
"""The settings that may be searched; layers of as many units each are a way to say `hidden`."""

MOST_LISTED = 16
"""A range of whole numbers has so many of them at most that a grid takes all."""
ZERO_SHARE = 0.2
"""How often a range with zero gives 0."""


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both allowed.

    log
        Whether each factor is as likely as another, not each difference.
    zero
        Whether 0 is allowed too, below a `low` above it: one draw in five gives it.
    steps
        How many of them a grid takes, evenly between the ends; other methods take any.

    >>> Range(1e-4, 1e-2, log=True, steps=3)
    Range(low=0.0001, high=0.01, log=True, zero=False, steps=3)
    """

    low: float
    high: float
    log: bool = False
    zero: bool = False
    steps: int | None = None


@dataclass(frozen=True)
class Choice:
    """Some values.

    >>> Choice((32, 64, 128)).values
    (32, 64, 128)
    """

    values: tuple[Any, ...]


Dimension = Range | Choice


@dataclass(frozen=True)
class Space:
    """The dimensions of a search by the name of their setting, checked; `space_of` makes one."""

    dimensions: Mapping[str, Dimension]

    def at(self, shares: Mapping[str, float]) -> dict[str, Any]:
        """A place of the space, given for each dimension how far along it, from 0 to below 1."""
        return {
            name: _along(one, shares[name], is_whole(name)) for name, one in self.dimensions.items()
        }

    def settings(self, place: Mapping[str, Any], hidden: Sequence[int]) -> dict[str, Any]:
        """The settings that a place stands for, weight_decay only where the optimizer takes it.

        hidden
            Whose number of layers, or units of the first, is taken where only the other is
            searched.
        """
        found = {name: self._value(name, value) for name, value in place.items()}
        if LAYERS in found or UNITS in found:
            layers = found.pop(LAYERS, len(hidden))
            found["hidden"] = (found.pop(UNITS, hidden[0] if hidden else 64),) * layers
        if found.get("optimizer", DECAYING) != DECAYING:
            found.pop("weight_decay", None)
        return found

    def _value(self, name: str, value: Any) -> Any:
        dimension = self.dimensions[name]
        if isinstance(dimension, Range):
            return 0.0 if dimension.zero and value < dimension.low else value
        return next(one for one in dimension.values if plain_choice(one) == value)

    def grid(self) -> list[dict[str, Any]]:
        """Every place, the last dimension changing first; raises SettingError where it is endless.

        >>> space_of({"units": [8, 16], "layers": (1, 2)}).grid()[:2]
        [{'layers': 1, 'units': 8}, {'layers': 1, 'units': 16}]
        """
        listed = [_points(name, one) for name, one in self.dimensions.items()]
        return [dict(zip(self.dimensions, place, strict=True))
                for place in itertools.product(*listed)]  # fmt: skip

    def to_record(self) -> dict[str, Any]:
        """Plain values, as a TOML file has them: a list, or a table of low and high."""
        return {name: _record(one) for name, one in self.dimensions.items()}


def plain_choice(value: Any) -> Any:
    """A choice as a plain value: units of layers as text."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def space_of(given: Any) -> Space:
    """A checked space of a dict, or of what a TOML file holds.

    given
        For each setting a `Range`, a `Choice`, a list of values, a pair (low, high), or a dict
        with the names of a Range's fields. `layers` and `units` together make `hidden`.

    Raises `SettingError` with one sentence for what cannot be searched.

    >>> space_of({"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "units": [64, 128]})
    Space(dimensions={'units': Choice(values=(64, 128)), 'learning_rate': Range(low=0.0001, ...
    """
    if isinstance(given, Space):
        return given
    if not isinstance(given, Mapping) or not given:
        message = (
            'space: must be a dict of settings such as {"units": [32, 64]}, with one or more, got '
            f"{given!r}."
        )
        raise SettingError(message)
    dimensions = {}
    for name, one in given.items():
        _check_name(name)
        dimensions[name] = _dimension(name, one)
        _check(name, dimensions[name])
    if "hidden" in dimensions and (LAYERS in dimensions or UNITS in dimensions):
        message = "space: hidden says layers and units already; leave out one or the other."
        raise SettingError(message)
    # in one order, however they were written: what is drawn hangs on it
    return Space({name: dimensions[name] for name in SEARCHED if name in dimensions})


def _check_name(name: Any) -> None:
    if name in SEARCHED:
        return
    if name == "members":
        message = (
            "space: members: each trial trains one network; the best settings are trained with "
            "as many as you set."
        )
    elif name in SETTINGS:
        message = f"space: {name!r} is no setting to search; there are {listing(SEARCHED)}."
    else:
        message = f"space: there is no setting {name!r}; {nearest(str(name), SEARCHED)}"
    raise SettingError(message)


def _dimension(name: str, given: Any) -> Dimension:
    """What is given for a setting as a range or a choice."""
    if isinstance(given, Range | Choice):
        return given
    if isinstance(given, Mapping):
        known = [one.name for one in fields(Range)]
        for key in given:
            if key not in known:
                message = f"space: {name}: a range has no {key!r}; {nearest(str(key), known)}"
                raise SettingError(message)
        if not {"low", "high"} <= given.keys():
            message = f"space: {name}: a range needs low and high, got {dict(given)!r}."
            raise SettingError(message)
        return Range(**given)
    if isinstance(given, tuple) and len(given) == 2 and name != "hidden":
        return Range(*given)
    if isinstance(given, list | tuple):
        values = tuple(tuple(one) if isinstance(one, list) else one for one in given)
        return Choice(values)
    message = (
        f"space: {name}: must be a list of values or a range of low and high, got {given!r}; a "
        "setting of one value is fixed where the others are set."
    )
    raise SettingError(message)


def _check(name: str, dimension: Dimension) -> None:
    """Raise SettingError where a dimension is empty, or holds what the setting may not be."""
    if isinstance(dimension, Range):
        _check_range(name, dimension)
        return
    if not dimension.values:
        message = f"space: {name}: there is no value in the list; give one or more."
        raise SettingError(message)
    for value in dimension.values:
        _check_value(name, value)
    plain = [(type(one), one) for one in map(plain_choice, dimension.values)]
    if len(set(plain)) < len(plain):
        message = f"space: {name}: a value is listed twice in {list(dimension.values)!r}."
        raise SettingError(message)


def _check_range(name: str, one: Range) -> None:
    problem = ""
    if name not in (LAYERS, UNITS) and SETTINGS[name].kind not in ("integer", "number"):
        problem = "is no number, so it has no range; give a list of values"
    elif not all(_is_number(end) for end in (one.low, one.high)):
        problem = f"low and high must be numbers, got {one.low!r} and {one.high!r}"
    elif is_whole(name) and not all(isinstance(end, int) for end in (one.low, one.high)):
        problem = f"is a whole number, so low and high are too, got {one.low} and {one.high}"
    elif one.low >= one.high:
        problem = f"the range from {one.low} to {one.high} is empty; low must be below high"
    elif (one.log or one.zero) and one.low <= 0:
        problem = f"a log range begins above 0, got low = {one.low}; add zero = true to allow 0 too"
    elif one.zero and (is_whole(name) or not one.log):
        problem = "zero = true is for log ranges of numbers; begin the range at 0 instead"
    elif one.steps is not None and not (_is_number(one.steps) and one.steps >= 2):
        problem = f"steps must be a whole number of 2 or more, got {one.steps!r}"
    if problem:
        message = f"space: {name}: {problem}."
        raise SettingError(message)
    for end in (one.low, one.high, *([0.0] if one.zero else [])):
        _check_value(name, end)


def _check_value(name: str, value: Any) -> None:
    """Hold a value against the table of settings."""
    try:
        if name in (LAYERS, UNITS):
            if not (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
                message = f"{name}: must be a whole number of 1 or more, got {value!r}."
                raise SettingError(message)
        else:
            TableSettings(**{name: value})
    except SettingError as error:
        message = f"space: {error}"
        raise SettingError(message) from None
    if value is None:
        message = f"space: {name}: None is no value to search; leave it out."
        raise SettingError(message)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(name: str) -> bool:
    """Whether the numbers of a setting are whole ones."""
    return name in (LAYERS, UNITS) or SETTINGS[name].kind == "integer"


def ends(dimension: Range) -> tuple[float, float]:
    """From where to where is drawn: with zero, a part below `low` stands for it."""
    if not dimension.zero:
        return dimension.low, dimension.high
    longer = ZERO_SHARE / (1 - ZERO_SHARE)
    return dimension.low / (dimension.high / dimension.low) ** longer, dimension.high


def _along(dimension: Dimension, share: float, whole: bool) -> Any:
    """The value at a share of a dimension, all values as likely as others."""
    if isinstance(dimension, Choice):
        return plain_choice(dimension.values[int(share * len(dimension.values))])
    low, high = ends(dimension)
    if whole:
        low, high = low - 0.5, high + 0.5
    if dimension.log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    if whole:
        return int(min(max(round(value), dimension.low), dimension.high))
    return min(max(value, ends(dimension)[0]), high)


def _points(name: str, dimension: Dimension) -> list[Any]:
    """The values that a grid takes."""
    if isinstance(dimension, Choice):
        return list(map(plain_choice, dimension.values))
    low, high, steps = dimension.low, dimension.high, dimension.steps
    if steps is None:
        if not is_whole(name) or dimension.log or high - low >= MOST_LISTED:
            message = (
                f"space: {name}: a grid needs some of the numbers from {low} to {high}; add steps "
                "to the range, or give a list."
            )
            raise SettingError(message)
        return list(range(int(low), int(high) + 1))
    return sorted({*_even(dimension, steps, is_whole(name)), *([0.0] if dimension.zero else [])})


def _even(one: Range, steps: int, whole: bool) -> Iterator[float]:
    for step in range(steps):
        share = step / (steps - 1)
        value = one.low * (one.high / one.low) ** share if one.log else (
            one.low + share * (one.high - one.low))  # fmt: skip
        yield round(value) if whole else float(f"{value:.12g}")


def _record(dimension: Dimension) -> Any:
    if isinstance(dimension, Choice):
        return [list(one) if isinstance(one, tuple) else one for one in dimension.values]
    found: dict[str, Any] = {"low": dimension.low, "high": dimension.high}
    found |= {name: True for name in ("log", "zero") if getattr(dimension, name)}
    return found if dimension.steps is None else {**found, "steps": dimension.steps}
