"""Columns of one kind seen as another: text as numbers or dates, with the first misfit named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.spelling import TRUTH, parse_date, parse_number
from chainrule.data.table import Column
from chainrule.errors import DataError

__all__ = ["as_booleans", "as_moments", "as_numbers", "first_misfit"]


def as_numbers(column: Column, name: str) -> Column:
    """The column as numbers; raises DataError with the first value that is none."""
    if column.kind in ("number", "boolean"):
        return Column("number", column.values, column.missing)
    if column.kind == "datetime":
        message = f"column {name!r}: dates where numbers are needed; give numbers."
        raise DataError(message)
    return _parsed(column, name, parse_number, "numbers", np.nan)


def as_booleans(column: Column, name: str) -> Column:
    """The column as 0 and 1; raises DataError with the first value that is neither."""
    if column.kind == "boolean":
        return column
    if column.kind == "number":
        wrong = ~column.missing & (column.values != 0) & (column.values != 1)
        if wrong.any():
            raise DataError(first_misfit(column, name, wrong, "true, false, 0 or 1"))
        return Column("boolean", column.values, column.missing)
    truth = {**TRUTH, "1": 1.0, "0": 0.0}
    numbers = _parsed(column, name, lambda text: truth.get(text.casefold()), "true or false", 0.0)
    return Column("boolean", np.where(numbers.missing, np.nan, numbers.values), numbers.missing)


def as_moments(column: Column, name: str, form: str = "") -> Column:
    """The column as dates, day and month in the order of `form` where a date can be read twice.

    Raises DataError with the first value that is no date.
    """
    if column.kind == "datetime":
        return _swapped(column) if _is_swapped(column, form) else column
    if column.kind != "text":
        if column.missing.all():
            nothing = np.full(len(column.values), "NaT", dtype="datetime64[us]")
            return Column("datetime", nothing, column.missing)
        raise DataError(first_misfit(column, name, ~column.missing, "dates"))

    def parse(text: str) -> np.datetime64 | None:
        moment = parse_date(text, form)
        return None if moment is None else np.datetime64(moment, "us")

    return _parsed(column, name, parse, "dates", np.datetime64("NaT", "us"))


def _is_swapped(column: Column, form: str) -> bool:
    """Whether the file showed no day above 12, so that it was read month first by default."""
    pairs = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y"}
    orders = {**pairs, **{second: first for first, second in pairs.items()}}
    if form[:8] not in orders or orders[form[:8]] != column.form[:8]:
        return False
    days = column.values[~column.missing].astype("datetime64[D]")
    return bool(((days - days.astype("datetime64[M]")).astype(np.int64) < 12).all())


def _swapped(column: Column) -> Column:
    months = column.values.astype("datetime64[M]")
    days = (column.values.astype("datetime64[D]") - months).astype(np.int64)
    years = months.astype("datetime64[Y]")
    month_index = (months - years.astype("datetime64[M]")).astype(np.int64)
    clock = column.values - column.values.astype("datetime64[D]")
    month = years.astype("datetime64[M]") + days.astype("timedelta64[M]")
    turned = month.astype("datetime64[D]") + month_index.astype("timedelta64[D]") + clock
    return Column("datetime", turned.astype("datetime64[us]"), column.missing, column.form)


def _parsed(
    column: Column, name: str, parse: Callable[[str], Any], wanted: str, empty: Any
) -> Column:
    """Each different text parsed once."""
    parsed: dict[str, Any] = {text: parse(text) for text in set(column.values[~column.missing])}
    wrong_texts = {text for text, value in parsed.items() if value is None}
    if wrong_texts:
        wrong = np.fromiter(
            (text in wrong_texts for text in column.values), bool, count=len(column.values)
        )
        raise DataError(first_misfit(column, name, wrong & ~column.missing, wanted))
    dates = isinstance(empty, np.datetime64)
    values: NDArray[Any] = np.full(
        len(column.values), empty, dtype="datetime64[us]" if dates else np.float64
    )
    known = ~column.missing
    values[known] = [parsed[text] for text in column.values[known]]
    return Column("datetime" if dates else "number", values, column.missing)


def first_misfit(column: Column, name: str, wrong: NDArray[np.bool_], wanted: str) -> str:
    """The sentence on values that are not what is needed, with the first of them."""
    row = int(np.flatnonzero(wrong)[0])
    value = column.values[row]
    shown = value if isinstance(value, str) else str(value)
    return (
        f"column {name!r}: {int(wrong.sum())} of {len(wrong)} values are not {wanted} (first: row "
        f"{row}, counted from 0: {shown!r}); correct them, or leave them empty."
    )
