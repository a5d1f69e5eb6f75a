"""Explanations as text: a table for each method, with bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.cli.output import plural, text_table
from chainrule.text import spell_cell

__all__ = ["METHOD_TEXTS"]

BAR = 20
MOST_COLUMNS = 30
MOST_DRIVERS = 10
MOST_CLASSES = 4
MOST_DIGITS = 8


def _permutation(record: Mapping[str, Any]) -> Iterator[str]:
    columns = record["columns"][:MOST_COLUMNS]
    digits = _digits([one["value"] for one in columns])
    yield (
        f"permutation importance: loss of {record['scale']} (now {_spelled(record['base'])}) when "
        f"a column's values are exchanged among {plural(record['rows'], 'row')}, "
        f"{record['repeats']} times"
    )
    bars = _bars([one["value"] for one in columns])
    lines = [
        (one["column"], _number(one["value"], digits), _interval(one["interval"], digits), bar)
        for one, bar in zip(columns, bars, strict=True)
    ]
    yield text_table(("column", "loss", "95 % interval", ""), lines, right=(1, 2))
    yield from _left(len(record["columns"]) - len(columns))


def _left(count: int) -> Iterator[str]:
    """That some columns are not shown."""
    if count > 0:
        yield f"  ... and {plural(count, 'more column')}, see --json"


def _lime(record: Mapping[str, Any]) -> Iterator[str]:
    what = _measure(record)
    yield (
        f"row {record['row']:,}: {what} {_spelled(record['prediction'])}, by a sum over columns "
        f"that stands for the model around it {_spelled(record['fitted'])} (weighted R2 "
        f"{record['quality']:.2f})"
    )
    yield _additions(record, record["base"])


def _added_to_row(record: Mapping[str, Any]) -> Iterator[str]:
    is_mean = record["method"] == "shap"
    where = "the mean over the background" if is_mean else "the answer to the baseline"
    yield (
        f"row {record['row']:,}: {_measure(record)} {_spelled(record['prediction'])}, of which "
        f"{_spelled(record['base'])} is {where}"
    )
    yield _additions(record, record["base"])


def _additions(record: Mapping[str, Any], base: float) -> str:
    """What each column adds, and the sum so far, from the base on."""
    values = [one["value"] for one in record["columns"]]
    digits = _digits([*values, base])
    sums = base + np.cumsum(values)
    lines = [("(base)", "", "", _number(base, digits), "")]
    for one, total, bar in zip(record["columns"], sums, _bars(values), strict=True):
        added = _number(one["value"], digits, "+")
        lines.append((one["column"], spell_cell(one["cell"]), added, _number(total, digits), bar))
    return text_table(("column", "value", "adds", "sum", ""), lines, right=(2, 3))


def _mean_sizes(record: Mapping[str, Any]) -> Iterator[str]:
    """Of many rows how far columns move answers, or how fast they change with them."""
    is_slope, measured = record["method"] == "saliency", _measure(record)
    values = [one["value"] for one in record["columns"]]
    digits = _digits(values)
    what = (
        f"how fast the {measured} changes with each column" if is_slope
        else f"how far each column moves the {measured}"
    )  # fmt: skip
    yield f"{record['method']}: {what}, mean over {plural(record['rows'], 'row')}"
    lines = [
        (one["column"], _number(one["value"], digits), _interval(one["interval"], digits), bar)
        for one, bar in zip(record["columns"], _bars(values), strict=True)
    ]
    header = ("column", "slope" if is_slope else "moves", "95 % interval", "")
    yield text_table(header, lines, right=(1, 2))


def _added(record: Mapping[str, Any]) -> Iterator[str]:
    yield from _added_to_row(record) if record["row"] is not None else _mean_sizes(record)


def _slopes(record: Mapping[str, Any]) -> Iterator[str]:
    """How fast the answer to a row changes with each column, or to many on the mean."""
    if record["row"] is None:
        yield from _mean_sizes(record)
        return
    values = [one["value"] for one in record["columns"]]
    digits = _digits(values)
    yield (
        f"row {record['row']:,}: {_measure(record)} {_spelled(record['prediction'])}, and how it "
        "changes, by slopes, with a standard deviation of a number or other values of a category"
    )
    lines = [
        (one["column"], spell_cell(one["cell"]), _number(one["value"], digits, "+"), bar)
        for one, bar in zip(record["columns"], _bars(values), strict=True)
    ]
    yield text_table(("column", "value", "slope", ""), lines, right=(2,))


def _curves(record: Mapping[str, Any]) -> Iterator[str]:
    if not record["in_full"]:
        values = [one["value"] for one in record["columns"]]
        digits = _digits(values)
        whose = "mean answer" if record["row"] is None else f"answer to row {record['row']:,}"
        yield f"{record['method']}: how far the {whose} moves over the values of each column"
        lines = [
            (one["column"], _number(one["value"], digits), _range(one), bar)
            for one, bar in zip(record["columns"], _bars(values), strict=True)
        ]
        yield text_table(("column", "moves", "over", ""), lines, right=(1,))
        yield "--column C shows one of them in full"
        return
    for one in record["columns"]:
        yield from _curve(one, record["row"])


def _range(one: Mapping[str, Any]) -> str:
    if one["counts"]:
        return plural(len(one["labels"]), "value")
    last, also = (-1, "") if one["missing"] is None else (-2, ", and missing")
    return f"{one['labels'][0]} to {one['labels'][last]}{also}"


def _curve(one: Mapping[str, Any], row: int | None) -> Iterator[str]:
    """The values of a column with the answer at each."""
    curves = one["curves"][:MOST_CLASSES]
    whose = f"mean over {plural(one['rows'], 'row')}" if row is None else f"row {row:,}"
    scale = one["target"] if one["scale"] == "number" else one["scale"]
    yield f"{one['column']}: {scale} by its values, {whose}"
    digits = _digits([value for curve in curves for value in curve["means"]])
    header, cells = ["value"], [list(one["labels"])]
    if one["counts"]:
        header.append("rows")
        cells.append([f"{count:,}" for count in one["counts"]])
    for curve in curves:
        header.append(str(curve["output"]))
        cells.append([_number(value, digits) for value in curve["means"]])
        if row is None and len(curves) == 1:
            header.append("95 % interval")
            known = one["rows"] > 1  # one row does not tell how others differ
            cells.append(
                [_interval(ends if known else None, digits) for ends in curve["intervals"]]
            )
            if curve["ice"]:
                header.append("8 in 10 rows")
                low, high = np.quantile(curve["ice"], [0.1, 0.9], axis=0)
                ends = zip(low.tolist(), high.tolist(), strict=True)
                cells.append([_interval(pair, digits) for pair in ends])
    lines = list(zip(*cells, strict=True))
    yield text_table(header, lines, right=tuple(range(1, len(header))))
    left = len(one["curves"]) - len(curves)
    if left:
        yield f"{left:,} more class{'es' * (left > 1)}: see --json, or name one with --class"
    if row is None:
        yield from one["findings"]


def _unit(record: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{record['unit']} of network {record['member']}: {record['name']} (not 0 in "
        f"{record['active']:.0%} of rows)"
    )
    drivers = record["columns"][:MOST_DRIVERS]
    parts = [bar for driver in drivers for bar in _driving(driver)]
    changes = [change for _, change in parts]
    digits = _digits(changes)
    lines = [
        (name, _number(change, digits, "+"), bar)
        for (name, change), bar in zip(parts, _bars(changes), strict=True)
    ]
    yield "\nwhat drives it: a deviation of a number, or a value in place of the usual ones"
    yield text_table(("column", "change", ""), lines, right=(1,))
    yield from _left(len(record["columns"]) - len(drivers))
    names = [one["column"] for one in record["columns"][:3]]
    rows = [
        (
            f"{one['row']:,}",
            f"{one['activation']:.4g}",
            *(spell_cell(one["values"][n]) for n in names),
        )
        for one in record["rows"]
    ]
    yield "\nrows that excite it most (counted from 0)"
    yield text_table(("row", "activation", *names), rows, right=(0, 1))
    yield from _effect(record["effect"])


def _effect(effect: Mapping[str, Any]) -> Iterator[str]:
    """The mean answer with a unit held, for the outputs that it moves most."""
    moves = -np.ptp(effect["means"], axis=0)
    shown = sorted(np.argsort(moves, kind="stable")[:MOST_CLASSES])
    means = np.array(effect["means"])[:, shown]
    digits = _digits(means.ravel().tolist())
    lines = [
        (f"{level:.4g}", *(_number(value, digits) for value in line))
        for level, line in zip(effect["activation"], means.tolist(), strict=True)
    ]
    yield "\nmean answer of this network when the unit is held at"
    names = [str(effect["outputs"][place]) for place in shown]
    yield text_table(("activation", *names), lines, right=tuple(range(len(names) + 1)))
    left = len(effect["outputs"]) - len(names)
    if left:
        yield f"  ... and {left:,} more class{'es' * (left > 1)} that it moves less, see --json"


def _driving(driver: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The slope of a column, or its values that raise and lower most."""
    if driver["slope"] is not None:
        return [(driver["column"], driver["slope"])]
    values = driver["values"]
    ends = values if len(values) < 3 else [values[0], values[-1]]
    return [(f"{driver['column']} = {one['value']}", one["change"]) for one in ends]


def _measure(record: Mapping[str, Any]) -> str:
    return f"{record['output']}" if record["scale"] == "number" else (
        f"{record['scale']} of {record['output']}"
    )  # fmt: skip


def _digits(values: Sequence[float]) -> int:
    """Decimals that show three digits of the largest value."""
    largest = max(map(abs, values), default=0.0)
    return max(0, 2 - math.floor(math.log10(largest))) if largest else 2


def _spelled(value: float) -> str:
    """A number in a sentence: four digits, without a power of ten where it is of a usual size."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def _number(value: float, digits: int, sign: str = "") -> str:
    """With so many decimals, and with a power of ten where they are more than 8."""
    return f"{value:{sign}.3g}" if digits > MOST_DIGITS else f"{value:{sign}z,.{digits}f}"


def _interval(ends: Sequence[float] | None, digits: int) -> str:
    return "-" if ends is None else " to ".join(_number(end, digits) for end in ends)


def _bars(values: Sequence[float]) -> list[str]:
    """A bar for each number: of + above 0 and of - below."""
    largest = max(map(abs, values), default=0.0) or 1.0
    return [("+" if one > 0 else "-") * round(BAR * abs(one) / largest) for one in values]


METHOD_TEXTS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "permutation": _permutation,
    "shap": _added,
    "lime": _lime,
    "pdp": _curves,
    "ice": _curves,
    "gradients": _added,
    "saliency": _slopes,
    "unit": _unit,
}
