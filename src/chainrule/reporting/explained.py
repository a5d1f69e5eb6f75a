"""What a report shows of an explanation: importances with intervals, answers by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.chart import Axis, Chart, Legend, Mark, Pen, Tick
from chainrule.reporting.explained_rows import digits_of, row_pictures, told
from chainrule.reporting.sentences import MEANINGS, spelled_score
from chainrule.text import plural

__all__ = ["explained_section"]

MOST_COLUMNS = 20
MOST_VALUES = 12
MOST_LINES = 6
DATES = 3
BESIDE = 12
"""Of the range of an axis, how far beside it missing values stand."""
RUG = 0.04
"""Of the height of a chart: marks of rows."""

Record = Mapping[str, Any]


def explained_section(record: Record | None, command: str) -> dict[str, Any] | None:
    """The section of a report, of the record `explained.json`; None where there is none.

    command
        What explains the rows of the run, up to its options.
    """
    if record is None:
        return None
    if record.get("reason"):
        return {"reason": record["reason"], "bars": [], "pictures": [], "cannot_tell": []}
    importance = record["importance"]
    # what each picture says last, and SHAP values first, holds of all: importance has said it
    sentences = [said for one in record["dependence"] for said in one["cannot_tell"][:-1]]
    sentences += (record.get("shap") or {}).get("cannot_tell", [])[1:]
    sentences = list(dict.fromkeys([*importance["cannot_tell"], *sentences]))
    return {
        "reason": "",
        "lead": _lead(importance),
        "moved": _moved(record.get("shap")),
        "bars": _bars(importance, record.get("shap")),
        "left": len(importance["columns"]) - MOST_COLUMNS,
        "pictures": [_picture(one) for one in record["dependence"]],
        "rows": row_pictures(record.get("rows", ())),
        "judged": plural(importance["rows"], "test row"),
        "command": command,
        "cannot_tell": sentences,
    }


def _lead(importance: Record) -> str:
    name = importance["scale"]
    what = MEANINGS.get(name, "")
    meaning = f" ({what})" if what else ""
    return (
        f"How much {name}{meaning} gets worse when the values of a column are exchanged among "
        f"{importance['rows']:,} test rows, {importance['repeats']} times each; it is "
        f"{spelled_score(importance['base'])} as they are. Lines are 95 % intervals."
    )


def _moved(shap: Record | None) -> str:
    """What the mean sizes of SHAP values are; nothing where there are none."""
    if not shap:
        return ""
    of = "answers" if shap["scale"] == "number" else f"the {shap['scale']} of {shap['output']}"
    return (
        f"Moves: how far a column moves {of} from the mean one, up or down (mean size of the SHAP "
        f"values of {shap['rows']:,} rows)."
    )


def _bars(importance: Record, shap: Record | None) -> list[dict[str, Any]]:
    """Each column with its loss of score, and marks of a strip on one scale."""
    columns = importance["columns"][:MOST_COLUMNS]
    ends = [end for one in columns for end in (one["interval"] or ())]
    values = [one["value"] for one in columns]
    pen = Pen(Axis.of([0.0, *values, *ends], room=0.02), Axis(0.0, 1.0))
    digits = digits_of(values)
    sizes = {one["column"]: one["value"] for one in (shap or {}).get("columns", [])}
    exact = digits_of(list(sizes.values()))
    return [
        {
            "column": one["column"],
            "value": told(one["value"], digits),
            "interval": " to ".join(told(end, digits) for end in one["interval"] or ()),
            "moves": told(sizes[one["column"]], exact) if one["column"] in sizes else "",
            "marks": _bar(pen, one),
        }
        for one in columns
    ]


def _bar(pen: Pen, one: Record) -> tuple[Mark, ...]:
    low, high = sorted((0.0, one["value"]))
    style = "c1 shade3" if one["value"] >= 0 else "c2 shade3"
    marks = [
        pen.boxes([low], [high], [0.2], [0.8], style),
        pen.posts([0.0], [0.0], [1.0], "guide"),
    ]
    if one["interval"]:
        marks.append(pen.line(one["interval"], [0.5, 0.5], "medium solid"))
    return tuple(marks)


def _picture(one: Record) -> dict[str, Any]:
    """A chart where values are numbers or dates, else a list of values."""
    title = f"By {one['column']}"
    caption = " ".join(one["findings"])
    if one["counts"]:
        return {"chart": None, "title": title, "caption": caption, **_listed(one)}
    return {"chart": _chart(one, title, caption), "title": title, "caption": caption}


def _chart(one: Record, title: str, caption: str) -> Chart:
    """The mean answer over values, above it single rows where there is one output."""
    known = len(one["grid"]) - (one.get("missing") is not None)
    across = _numbers(one, one["grid"][:known])
    rug = _numbers(one, one["marks"])
    lacking = [_beside(np.concatenate([across, rug]))] if known < len(one["grid"]) else []
    curves = one["curves"][:MOST_LINES]
    single = len(curves) == 1
    rows = [np.array(row) for curve in curves for row in curve["ice"]] if single else []
    ends = [np.array(curve["intervals"]) for curve in curves]
    means = [np.array(curve["means"]) for curve in curves]
    whole = one["kind"] == "number" and not np.any(np.concatenate([across, rug]) % 1)
    x = Axis.of([*across, *lacking], room=0.02, is_whole=bool(whole))
    y = Axis.of(*rows, *ends, *means)
    pen = Pen(x, y)
    marks = [pen.line(across, row[:known], "c6 faint") for row in rows]
    for turn, (mean, pair) in enumerate(zip(means, ends, strict=True)):
        style = f"c{turn + 1}"
        marks.append(pen.band(across, pair[:known, 0], pair[:known, 1], f"{style} shade2"))
        marks.append(pen.line(across, mean[:known], f"{style} medium"))
        if lacking:
            marks.append(pen.posts(lacking, pair[-1:, 0], pair[-1:, 1], f"{style} medium solid"))
            marks.append(pen.dots(lacking, mean[-1:], style))
    foot = np.full(len(rug), y.low)
    marks.append(pen.posts(rug, foot, foot + RUG * (y.high - y.low), "thin c6"))
    return Chart(
        _which(one, title, curves), f"Mean answer by {one['column']}: {_told(one, curves, known)}.",
        x, y, str(one["column"]), _measured(one, curves), tuple(marks),
        (*_legend(curves, single), *([Legend("dot c1", "missing")] if lacking else [])),
        caption, "small", _ticks(one, x, across, rug),
    )  # fmt: skip


def _beside(across: Any) -> float:
    """Where a missing value stands: beside all others."""
    return float(across.max() + (np.ptp(across) / BESIDE or 1.0))


def _which(one: Record, title: str, curves: Sequence[Record]) -> str:
    """A title that says where not all classes are drawn."""
    count = len(one["curves"])
    return f"{title} ({len(curves)} of {count:,} classes)" if len(curves) < count else title


def _legend(curves: Sequence[Record], single: bool) -> tuple[Legend, ...]:
    if not single:
        return tuple(
            Legend(f"line c{turn + 1} medium", str(curve["output"]))
            for turn, curve in enumerate(curves)
        )
    return (
        Legend("line c1 medium", "mean with its interval"), Legend("line c6 faint", "single rows"),
    )  # fmt: skip


def _ticks(one: Record, axis: Axis, numbers: Any, rug: Any) -> tuple[Tick, ...]:
    """Dates below an axis of them, else numbers: none below what is missing."""
    if one["kind"] != "datetime":
        last = 100.0
        if one.get("missing") is not None:
            last *= float(axis.share(max([*numbers, *rug])))
        return tuple(tick for tick in axis.ticks if tick.place <= last)
    chosen = np.linspace(0, len(numbers) - 1, min(DATES, len(numbers))).astype(int)
    return tuple(
        Tick(round(100 * float(axis.share(numbers[place])), 2), str(one["labels"][place])[:10])
        for place in chosen
    )


def _numbers(one: Record, values: Sequence[Any]) -> Any:
    if one["kind"] == "datetime":
        return np.array(values, "datetime64[us]").astype(np.int64) / 8.64e10
    return np.array(values, np.float64)


def _measured(one: Record, curves: Sequence[Record]) -> str:
    if one["scale"] == "number":
        return str(one["target"])
    return f"{one['scale']} of {curves[0]['output']}" if len(curves) == 1 else str(one["scale"])


def _told(one: Record, curves: Sequence[Record], known: int) -> str:
    """Where the lines begin and end, for those who do not see them."""
    last = known - 1
    return "; ".join(
        f"{curve['output']} from {curve['means'][0]:.4g} at {one['labels'][0]} to "
        f"{curve['means'][last]:.4g} at {one['labels'][last]}"
        + (f", {curve['means'][-1]:.4g} where missing" if known < len(curve["means"]) else "")
        for curve in curves
    )


def _listed(one: Record) -> dict[str, Any]:
    """The most frequent values with the mean answer of the output that moves most.

    It is one of those that curves are drawn of.
    """
    curve = max(one["curves"][:MOST_LINES], key=lambda curve: float(np.ptp(curve["means"])))
    pairs = curve["intervals"]
    pen = Pen(Axis.of(*pairs, curve["means"], room=0.04), Axis(0.0, 1.0))
    shown = range(min(MOST_VALUES, len(one["labels"])))
    return {
        "measured": _measured(one, [curve]),
        "left": len(one["labels"]) - len(shown),
        "lines": [
            {
                "label": str(one["labels"][place]),
                "rows": f"{one['counts'][place]:,}",
                "mean": spelled_score(curve["means"][place]),
                "marks": (
                    pen.line(pairs[place], [0.5, 0.5], "c1 medium solid"),
                    pen.dots([curve["means"][place]], [0.5], "c1"),
                ),
            }
            for place in shown
        ],
    }
