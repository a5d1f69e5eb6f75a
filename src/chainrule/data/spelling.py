"""How people write numbers, dates and missing values: the forms that are understood, in one table.

The patterns are used by DuckDB (RE2) on files and by Python (re) on single values, so they are
written in what both share.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

__all__ = [
    "DATE_FORMS",
    "MISSING_SPELLINGS",
    "NUMBER_FORMS",
    "DateForm",
    "NumberForm",
    "canonical",
    "parse_date",
    "parse_number",
    "spell_number",
]

MISSING_SPELLINGS = (
    "", "?", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NaT", "null", "NULL",
    "Null", "None", "-", "--", ".",
)  # fmt: skip

TRUTH = {"true": 1.0, "false": 0.0}

_EXPONENT = "([eE][+-]?[0-9]+)?"
_SIGN = "[+-]?"
_POINTS = "[0-9]{1,3}(\\.[0-9]{3})+"
_SPACES = "[0-9]{1,3}([ \u00a0\u202f][0-9]{3})+"
_COMMAS = "[0-9]{1,3}(,[0-9]{3})+"


@dataclass(frozen=True)
class NumberForm:
    """One way to write numbers: the pattern every value must fit, then what is dropped."""

    name: str
    pattern: str
    dropped: str = ""
    decimal: str = "."
    telling: str = ""

    def parse(self, text: str) -> float | None:
        """The number that a text spells in this form, None where it does not fit."""
        if re.fullmatch(self.pattern, text) is None:
            return None
        for mark in self.dropped:
            text = text.replace(mark, "")
        return float(text.replace(self.decimal, "."))


PLAIN = NumberForm(
    "plain",
    _SIGN
    + "((0|[1-9][0-9]*)(\\.[0-9]*)?|\\.[0-9]+|0[0-9]+\\.[0-9]+)"
    + _EXPONENT
    + "|[+-]?([iI]nf|INF|[iI]nfinity|∞)",
)
DECIMAL_COMMA = NumberForm(
    "decimal comma",
    f"{_SIGN}((0|[1-9][0-9]*|{_POINTS}|{_SPACES})(,[0-9]*)?|,[0-9]+|0[0-9]+,[0-9]+){_EXPONENT}",
    ". \u00a0\u202f",
    ",",
)
THOUSANDS = NumberForm(
    "thousands separator",
    f"{_SIGN}(0|[1-9][0-9]*|{_COMMAS}|{_SPACES})(\\.[0-9]*)?{_EXPONENT}",
    ", \u00a0\u202f",
)
NUMBER_FORMS = {form.name: form for form in (PLAIN, DECIMAL_COMMA, THOUSANDS)}


@dataclass(frozen=True)
class DateForm:
    """One way to write dates: the pattern, and the strptime format, empty for ISO 8601."""

    name: str
    format: str
    pattern: str

    def parse(self, text: str) -> datetime | None:
        """The date that a text spells in this form (UTC, without a zone), None where not."""
        if re.fullmatch(self.pattern, text) is None:
            return None
        try:
            if self.format:
                return datetime.strptime(text, self.format)
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return moment


_CLOCKS = (("", ""), (" %H:%M", " [0-9]{1,2}:[0-9]{2}"), (" %H:%M:%S", " [0-9]{1,2}(:[0-9]{2}){2}"))
_DAYS = (
    ("%m/%d/%Y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"),
    ("%d/%m/%Y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"),
    ("%d.%m.%Y", "[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{4}"),
    ("%d-%m-%Y", "[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"),
    ("%m-%d-%Y", "[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"),
    ("%Y/%m/%d", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"),
    ("%d %b %Y", "[0-9]{1,2} [A-Za-z]{3} [0-9]{4}"),
    ("%d %B %Y", "[0-9]{1,2} [A-Za-z]+ [0-9]{4}"),
    ("%d-%b-%Y", "[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}"),
    ("%b %d, %Y", "[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}"),
    ("%B %d, %Y", "[A-Za-z]+ [0-9]{1,2}, [0-9]{4}"),
)
ISO_PATTERN = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    "([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
DATE_FORMS = {
    form.name: form
    for form in (
        DateForm("ISO", "", ISO_PATTERN),
        *(
            DateForm(day + clock, day + clock, day_pattern + clock_pattern)
            for day, day_pattern in _DAYS
            for clock, clock_pattern in _CLOCKS
        ),
    )
}


def spell_number(value: float) -> str:
    """A number as people write it: whole numbers without a point.

    >>> spell_number(3.0), spell_number(0.1)
    ('3', '0.1')
    """
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


_SIMPLE = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?")


def canonical(text: str) -> str:
    """A category's key: "3.0" is "3" and "True" is "true"; "007" and all else stay as written.

    >>> canonical("3.0"), canonical("007"), canonical("TRUE"), canonical("Oslo")
    ('3', '007', 'true', 'Oslo')
    """
    if _SIMPLE.fullmatch(text):
        return spell_number(float(text))
    folded = text.casefold()
    return folded if folded in TRUTH else text


def parse_number(text: str) -> float | None:
    """The number that a text spells in the first form that it fits, None where it fits none.

    >>> parse_number("1.5"), parse_number("1,5"), parse_number("1,234.5"), parse_number("x")
    (1.5, 1.5, 1234.5, None)
    """
    for form in NUMBER_FORMS.values():
        number = form.parse(text)
        if number is not None:
            return number
    return None


@cache
def _date_forms() -> tuple[DateForm, ...]:
    return tuple(DATE_FORMS.values())


def parse_date(text: str, preferred: str = "") -> datetime | None:
    """The date that a text spells, the preferred form tried first; None where it fits none.

    >>> parse_date("05/01/2020", "%d/%m/%Y")
    datetime.datetime(2020, 1, 5, 0, 0)
    """
    forms = _date_forms()
    if preferred in DATE_FORMS:
        forms = (DATE_FORMS[preferred], *forms)
    for form in forms:
        moment = form.parse(text)
        if moment is not None:
            return moment
    return None
