"""How far something is, as lines of text that fit a width: numbers, times, a bar, a curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real

__all__ = ["NumberRow", "progress_text", "spell_number", "spell_rate", "spell_seconds"]

CURVE = "▁▂▃▄▅▆▇█"
FULL, EMPTY = "━", "─"
GAP = "  "
SHORTEST_BAR, LONGEST_BAR = 6, 40
SHORTEST_CURVE, LONGEST_CURVE = 8, 32
ROOM_FOR_CURVE = 60
"""From so many columns on the curve goes before metrics."""


@dataclass(frozen=True)
class NumberRow:
    """Numbers by name under a label, with their course up to now and a word on when they were.

    short
        Label and note where there is little room.
    """

    label: str
    short: str
    numbers: Mapping[str, float]
    course: Sequence[float] = field(default=())
    note: str = ""


def progress_text(
    before: Sequence[str],
    after: Sequence[str],
    share: float,
    rows: Sequence[NumberRow],
    columns: int,
    blocks: bool,
) -> str:
    """A line of parts with a bar between them, and a line for each row of numbers.

    blocks
        Whether block letters can be shown; without them there is no curve.

    What has no room in so many columns is left out: the bar, parts in the middle, the curves, the
    numbers that come last.

    >>> row = NumberRow("training", "train", {"loss": 0.5, "mae": 0.25}, [4.0, 2.0, 1.0, 0.5])
    >>> before, after = ["epoch 2/4", "step 1/9"], ["9.2k rows/s", "25%"]
    >>> print(progress_text(before, after, 0.25, [row], 60, True))
    epoch 2/4  step 1/9  ━━━━━────────────────  9.2k rows/s  25%
    training  loss 0.5000  mae 0.2500  █▆▃▁
    >>> print(progress_text(before, after, 0.25, [row], 30, True))
    epoch 2/4  9.2k rows/s  25%
    train  loss 0.5000  mae 0.2500
    """
    lines = [_first_line(before, after, share, columns, blocks)]
    return "\n".join([*lines, *_number_lines(rows, columns, blocks)])


def _first_line(
    before: Sequence[str], after: Sequence[str], share: float, columns: int, blocks: bool
) -> str:
    """All parts but those that have no room; of these the last before the bar goes first."""
    front, back = [one for one in before if one], [one for one in after if one]
    while len(GAP.join([*front, *back])) > columns:
        if len(front) > 1:
            front.pop()
        elif len(back) > 1:
            back.pop(0)
        else:
            break
    room = min(LONGEST_BAR, columns - len(GAP.join([*front, "", *back])))
    if room >= SHORTEST_BAR:
        front.append(_bar(share, room, blocks))
    return GAP.join([*front, *back])


def _number_lines(rows: Sequence[NumberRow], columns: int, blocks: bool) -> list[str]:
    """Names and numbers in columns of their own, and curves of one scale."""
    wide = columns >= ROOM_FOR_CURVE
    labels = [row.label if wide else row.short for row in rows]
    notes = [GAP + row.note if wide and row.note else "" for row in rows]
    drawn = [row.course for row in rows if blocks and len(row.course) > 1]
    label, note = max(map(len, labels), default=0), max(map(len, notes), default=0)
    reserved = len(GAP) + SHORTEST_CURVE if drawn and wide else 0
    bodies = _bodies(rows, columns - label - note - reserved)
    room = columns - label - len(bodies[0]) - note - len(GAP) if drawn else 0
    curves = [""] * len(rows)
    if room >= SHORTEST_CURVE:
        width = min(room, LONGEST_CURVE, max(map(len, drawn)))
        ends = _ends([_thinned(values, width) for values in drawn])
        curves = [GAP + _curve(_thinned(row.course, width), ends).ljust(width) for row in rows]
    parts = zip(labels, bodies, curves, notes, strict=True)
    return [(start.ljust(label) + "".join(rest)).rstrip() for start, *rest in parts]


def _bodies(rows: Sequence[NumberRow], room: int) -> list[str]:
    """The numbers of each row, in columns; "..." stands for those that have no room."""
    names = list(dict.fromkeys(name for row in rows for name in row.numbers))
    bodies = [""] * len(rows)
    for place, name in enumerate(names):
        cells = [
            f"{GAP}{name} {spell_number(row.numbers[name])}" if name in row.numbers else ""
            for row in rows
        ]
        width = max(map(len, cells))
        rest = len(GAP + "...") if place < len(names) - 1 else 0
        if place and len(bodies[0]) + width + rest > room:
            more = GAP + "..." if len(bodies[0]) + len(GAP + "...") <= room else ""
            return [body + more for body in bodies]
        bodies = [body + cell.ljust(width) for body, cell in zip(bodies, cells, strict=True)]
    return bodies


def spell_number(value: object) -> str:
    """Four digits of a number; what else a callback has put among the numbers as it is.

    >>> [spell_number(value) for value in (0.5, 12.3456, 1234.5, 1e-05, float("nan"))]
    ['0.5000', '12.35', '1234', '1.000e-05', 'nan']
    """
    if not isinstance(value, Real):
        return str(value)
    return f"{value:#.4g}".rstrip(".")


def spell_rate(rate: float, unit: str = "rows") -> str:
    """How many a second, in three digits.

    >>> spell_rate(0.25), spell_rate(812), spell_rate(48_230), spell_rate(1_250_000)
    ('0.25 rows/s', '812 rows/s', '48.2k rows/s', '1.25M rows/s')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= 0.9995 * size:
            digits = f"{rate / size:#.3g}".rstrip(".")
            return f"{digits}{letter} {unit}/s"
    return f"{rate:.3g} {unit}/s"


def spell_seconds(seconds: float) -> str:
    """A time for people.

    >>> [spell_seconds(seconds) for seconds in (0.042, 0.42, 7.25, 75, 7300)]
    ['42 ms', '0.4 s', '7 s', '1 min 15 s', '2 h 1 min']
    """
    seconds = max(0.0, seconds)
    whole = round(seconds)
    if seconds < 0.095:
        return f"{1000 * seconds:.0f} ms"
    if whole < 1:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _bar(share: float, width: int, blocks: bool) -> str:
    if not blocks:
        full = int(share * (width - 2))
        return f"[{'=' * full}{' ' * (width - 2 - full)}]"
    full = int(share * width)
    return FULL * full + EMPTY * (width - full)


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """As many as there is room for, evenly; the last one is always there."""
    count = min(width, len(values))
    return [values[(place + 1) * len(values) // count - 1] for place in range(count)]


def _ends(courses: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The lowest and the highest of the values that are finite, nan where there is none."""
    finite = [value for values in courses for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def _curve(values: Sequence[float], ends: tuple[float, float]) -> str:
    """A letter for each value, `!` for one that is not finite."""
    lowest, highest = ends
    rule = math.log if lowest > 0 else float
    letters = []
    for value in values:
        if not math.isfinite(value):
            letters.append("!")
            continue
        height = 0.5
        if rule(highest) > rule(lowest):
            height = (rule(value) - rule(lowest)) / (rule(highest) - rule(lowest))
        letters.append(CURVE[min(int(height * len(CURVE)), len(CURVE) - 1)])
    return "".join(letters)
