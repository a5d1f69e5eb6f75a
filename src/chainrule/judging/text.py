"""An evaluation as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.reporting import few_rows

if TYPE_CHECKING:
    from chainrule.judging.evaluation import Evaluation

__all__ = ["evaluation_text", "slices_lines", "table_lines", "thresholds_lines", "worst_lines"]

MOST_SLICES = 10
MOST_COLUMNS = 6
Lines = Sequence[tuple[str, ...]]


def table_lines(header: Sequence[str], lines: Lines, left: int = 1) -> list[str]:
    """Cells in columns, the first ones to the left, numbers to the right."""
    rows = [tuple(header), *lines]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def evaluation_text(found: Evaluation) -> str:
    """Scores, thresholds, slices and the worst rows, as far as there are any."""
    rows = f"{found.target}: {found.judgment.rows:,} rows judged"
    unseen = found.judgment.unseen
    rows += f", {unseen:,} left out, of labels not seen in training" if unseen else ""
    few = few_rows(found.judgment.to_record())
    parts = [[rows, *_score_lines(found), *([few] if few else [])]]
    if found.thresholds:
        parts.append(thresholds_lines(found))
    if found.slices:
        parts.append(slices_lines(found))
    if found.worst:
        parts.append(worst_lines(found))
    if found.fitting:
        parts.append([found.fitting])
    return "\n\n".join("\n".join(part) for part in parts)


def _score_lines(found: Evaluation) -> list[str]:
    names = sorted(found.scores, key=lambda name: name != found.metric)
    lines = [(name, _number(found.scores[name]), _reach(found.intervals.get(name)))
             for name in names]  # fmt: skip
    return table_lines(("score", "value", "95 % interval"), lines)


def thresholds_lines(found: Evaluation) -> list[str]:
    """What each threshold comes to, and how they were chosen."""
    priced = any(one.cost is not None for one in found.thresholds)
    header = ["threshold", "from", "precision", "recall", "f1", "accuracy", "flagged"]
    header += ["cost per 1,000", "saves", "95 % interval"] if priced else []
    lines = []
    for one in found.thresholds:
        values = (one.threshold, one.precision, one.recall, one.f1, one.accuracy, one.flagged)
        cells = [one.name, *(_number(value, 3) for value in values)]
        if priced:
            cells += [_number(one.cost), _number(one.saves), _reach(one.interval)]
        lines.append(tuple(cells))
    positive = found.labels[found.positive]
    first = f"a row is called {positive!r} from this probability on:"
    return [first, *table_lines(header, lines), found.thresholds_told]


def slices_lines(found: Evaluation, most: int = MOST_SLICES) -> list[str]:
    """The slices where it fails worst."""
    lines: Lines = [
        (
            one.column, one.value, f"{one.rows:,}", _number(one.score), _reach(one.interval),
            _number(one.rest), f"{'beyond' if one.beyond_noise else 'within'} noise",
        )
        for one in found.slices[:most]
    ]  # fmt: skip
    by = found.slices[0].by
    count = len(found.slices)
    header = ("column", "value", "rows", by, "95 % interval", "the rest", "which is")
    failing = sum(one.beyond_noise and one.difference > 0 for one in found.slices)
    return [
        f"{by} by value, the worst first ({count} looked at, {failing} worse than the rest beyond "
        "noise):",
        *table_lines(header, lines, left=2),
        "beyond noise: losses dealt out at random seldom (5 %) make any of these differ as much.",
    ]


def worst_lines(found: Evaluation) -> list[str]:
    """The rows that it gets most wrong."""
    names = list(found.worst[0]["columns"])[:MOST_COLUMNS]
    what = "probability" if found.labels else "error"
    lines: Lines = [
        (
            f"{one['row']:,}", _cell(one["truth"]), _cell(one["prediction"]), _number(one[what]),
            *(_cell(one["columns"][name]) for name in names),
        )
        for one in found.worst
    ]  # fmt: skip
    told = "counted from 0; probability: that of the truth" if found.labels else "counted from 0"
    header = ("row", "truth", "prediction", what, *names)
    return [f"the rows it gets most wrong ({told}):", *table_lines(header, lines, left=0)]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)[:24]


def _number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:,.{digits}g}"


def _reach(interval: Any) -> str:
    return "" if interval is None else f"{_number(interval[0])} to {_number(interval[1])}"
