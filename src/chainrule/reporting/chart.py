"""Charts as plain records that a template turns into SVG: marks in a square of 1000 by 1000.

The square is stretched to the place that the page has for it; lines keep their width, and numbers
beside the axes are text of the page, which is as large on a telephone as on a screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "NARROW", "Axis", "Chart", "Legend", "Mark", "Pen", "Tick", "named_ticks", "spelled",
    "together",
]  # fmt: skip

SIZE = 1000
MOST_TICKS = 6
WIDE, NARROW = 100, 36
"""Letters that have room below a chart of a page's width, and below one of a telephone's."""
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A number or a name beside an axis, `place` percent from its beginning.

    is_spare
        Whether a telephone has no room for it.
    """

    place: float
    text: str
    is_spare: bool = False


@dataclass(frozen=True)
class Axis:
    """From what to what an axis goes, evenly or by powers of ten; of whole numbers, if it is so."""

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    @classmethod
    def of(
        cls,
        *values: ArrayLike,
        is_log: bool = False,
        is_whole: bool = False,
        room: float = 0.03,
    ) -> Axis:
        """An axis that holds all finite values, with some room at both ends."""
        joined = np.concatenate([np.asarray(one, np.float64).ravel() for one in values])
        joined = joined[np.isfinite(joined) & ((joined > 0) | (not is_log))]
        low, high = (float(joined.min()), float(joined.max())) if len(joined) else (0.0, 1.0)
        if is_log:
            low, high = (math.log10(low), math.log10(high)) if len(joined) else (-1.0, 0.0)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
            wide = abs(low) / 2 or 0.5
            low, high = low - wide, high + wide
        margin = (high - low) * room
        low, high = low - margin, high + margin
        return (
            cls(10**low, 10**high, True, is_whole) if is_log else cls(low, high, is_whole=is_whole)
        )

    def share(self, values: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Where values stand, 0 at the beginning and 1 at the end."""
        array = np.asarray(values, np.float64)
        if not self.is_log:
            return np.clip((array - self.low) / (self.high - self.low), 0.0, 1.0)
        start, end = math.log10(self.low), math.log10(self.high)
        found = (np.log10(np.maximum(array, self.low)) - start) / (end - start)
        return np.clip(found, 0.0, 1.0)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Round numbers along it.

        >>> [tick.text for tick in Axis(0, 1).ticks]
        ['0', '0.2', '0.4', '0.6', '0.8', '1']
        """
        values = self._powers() if self.is_log else ()
        values = values or self._round()
        return tuple(
            Tick(round(100 * float(self.share(value)), 2), spelled(value)) for value in values
        )

    def _round(self) -> tuple[float, ...]:
        wide = (self.high - self.low) / (MOST_TICKS - 1)
        wide = max(wide, 1.0) if self.is_whole else wide
        power = 10.0 ** math.floor(math.log10(wide))
        step = next(s * power for s in STEPS if self._fits(s * power, wide))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, 2 - math.floor(math.log10(step)))
        return tuple(round(number * step, digits) for number in range(first, last + 1))

    def _fits(self, step: float, wide: float) -> bool:
        return step >= wide * 0.999 and not (self.is_whole and step % 1)

    def _powers(self) -> tuple[float, ...]:
        """Powers of ten, thinned; also 2 and 5 times them where there are few."""
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        powers = [10.0**power for power in range(first, last + 1)]
        if len(powers) >= 3:
            return tuple(powers[:: math.ceil(len(powers) / MOST_TICKS)])
        finer = [m * 10.0**power for power in range(first - 1, last + 1) for m in (1, 2, 5)]
        found = tuple(value for value in finer if self.low <= value <= self.high)
        return found if len(found) >= 2 else ()


@dataclass(frozen=True)
class Mark:
    """A path in the square, with the names of the styles that it is drawn in."""

    path: str
    style: str


@dataclass(frozen=True)
class Legend:
    """What a style stands for."""

    style: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A picture with its axes, and in words what it shows.

    title, caption
        Above and below it.
    label
        For those who do not see it.
    shape
        "wide", "low" (and wide), or "square".
    names
        Below the x axis in place of numbers, where it has names.
    """

    title: str
    label: str
    x: Axis
    y: Axis
    x_title: str
    y_title: str
    marks: tuple[Mark, ...]
    legend: tuple[Legend, ...] = ()
    caption: str = ""
    shape: str = "wide"
    names: tuple[Tick, ...] | None = None

    @property
    def x_ticks(self) -> tuple[Tick, ...]:
        """What stands below the x axis."""
        if self.names is not None:
            return self.names
        if self.shape != "square":
            return self.x.ticks
        powers_first = sorted(
            self.x.ticks, key=lambda tick: self.x.is_log and not _is_power(tick.text)
        )
        return _apart(powers_first, NARROW)


def named_ticks(names: Sequence[str], room: int = WIDE) -> tuple[Tick, ...]:
    """Names below the middles of as many equal parts of an axis, those that there is room for.

    room
        Letters that have room below it on a page.

    >>> [(tick.text, tick.is_spare) for tick in named_ticks(["dense_0", "a", "dense_1", "b"] * 2)]
    [('dense_0', False), ('a', True), ('dense_1', False), ('b', True), ('dense_0', False), ...
    """
    middles = [round(100 * (place + 0.5) / len(names), 2) for place in range(len(names))]
    shown = _apart([Tick(*one) for one in zip(middles, names, strict=True)], room)
    on_telephone = _apart(shown, NARROW)
    return tuple(replace(tick, is_spare=tick not in on_telephone) for tick in shown)


def _apart(ticks: Iterable[Tick], room: int) -> tuple[Tick, ...]:
    """Those whose texts do not meet where so many letters have room, the first ones first."""
    kept: list[Tick] = []
    for tick in ticks:
        if all(
            abs(tick.place - one.place) * room / 100 > (len(tick.text) + len(one.text)) / 2 + 1
            for one in kept
        ):
            kept.append(tick)
    return tuple(sorted(kept, key=lambda tick: tick.place))


def _is_power(text: str) -> bool:
    return text.replace(",", "").strip("0.") == "1" or text.startswith("1e")


class Pen:
    """Draws on the square of two axes."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y

    def line(self, x: ArrayLike, y: ArrayLike, style: str) -> Mark:
        """A line through points; it is broken where a value is not finite."""
        path, before = [], False
        for left, down, finite in self._places(x, y):
            if finite:
                path.append(f"{'L' if before else 'M'}{left:g} {down:g}")
            before = finite
        return Mark("".join(path), f"line {style}")

    def dots(self, x: ArrayLike, y: ArrayLike, style: str) -> Mark:
        """A dot for each point."""
        places = self._places(x, y)
        return Mark("".join(f"M{a:g} {b:g}h0" for a, b, finite in places if finite), f"dot {style}")

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: str) -> Mark:
        """The area between two lines."""
        places = [*self._places(x, high), *reversed(self._places(x, low))]
        corners = "L".join(f"{a:g} {b:g}" for a, b, finite in places if finite)
        return Mark(f"M{corners}Z" if corners else "", f"area {style}")

    def bars(self, left: ArrayLike, right: ArrayLike, high: ArrayLike, style: str) -> Mark:
        """Bars from the beginning of the y axis."""
        low = np.full(len(np.asarray(high)), self.y.low)
        return self.boxes(left, right, low, high, style)

    def boxes(
        self, left: ArrayLike, right: ArrayLike, low: ArrayLike, high: ArrayLike, style: str
    ) -> Mark:
        """Rectangles."""
        corners = zip(self._places(left, low), self._places(right, high), strict=True)
        path = "".join(f"M{a:g} {b:g}H{c:g}V{d:g}H{a:g}Z" for (a, b, _), (c, d, _) in corners)
        return Mark(path, f"area {style}")

    def posts(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: str) -> Mark:
        """Upright lines."""
        ends = zip(self._places(x, low), self._places(x, high), strict=True)
        return Mark(
            "".join(f"M{a:g} {b:g}V{d:g}" for (a, b, _), (_, d, _) in ends), f"line {style}"
        )

    def _places(self, x: ArrayLike, y: ArrayLike) -> list[tuple[float, float, bool]]:
        across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
        finite = np.isfinite(across) & np.isfinite(up)
        left = np.round(SIZE * self.x.share(np.where(finite, across, self.x.low)), 1)
        down = np.round(SIZE * (1 - self.y.share(np.where(finite, up, self.y.low))), 1)
        return list(zip(left.tolist(), down.tolist(), finite.tolist(), strict=True))


def spelled(value: float) -> str:
    """A number as short as a picture needs it.

    >>> spelled(0.25), spelled(15000), spelled(2e6), spelled(1e-5)
    ('0.25', '15,000', '2M', '1e-05')
    """
    size = abs(value)
    for unit, name in ((1e9, "G"), (1e6, "M")):
        if unit <= size < 1000 * unit:
            return f"{value / unit:g}{name}"
    if 1000 <= size < 1e6:
        return f"{value:,.0f}"
    return f"{value:.6g}"


def together(texts: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> together(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)
