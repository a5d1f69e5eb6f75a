"""What the Doctor finds: records in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

__all__ = ["SEVERITIES", "Finding", "digits_apart", "merged"]

SEVERITIES = ("severe", "warning", "note")
"""Training has failed or hardly can succeed; it could be better; worth knowing."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong in training, with what to try.

    severity
        "severe", "warning" or "note".
    kind
        "vanishing gradient", "exploding gradient", "dead units", "saturated units", "symmetric
        units", "loss not finite", "learning rate too high", "learning rate too low", "nothing
        learned" or "overfitting".
    layer
        Where it was seen; None where it concerns the network as a whole.
    step, last_step
        After how many steps it was first and last seen; of a loss that is not finite its step,
        from 1.
    sentence, remedy
        What is wrong, with numbers; what to try.
    operation, rows
        Of a loss that is not finite what made the first such number, and the rows of the batch.
    """

    severity: str
    kind: str
    layer: str | None
    step: int
    sentence: str
    remedy: str
    last_step: int
    operation: str | None = None
    rows: tuple[int, ...] | None = None

    def to_record(self) -> dict[str, Any]:
        """Plain values; operation and rows only of a loss that is not finite."""
        record = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.rows is None:
            del record["operation"], record["rows"]
        else:
            record["rows"] = list(self.rows)
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Finding:
        """The finding that `to_record` wrote."""
        rows = record.get("rows")
        return cls(**{**record, "rows": None if rows is None else tuple(rows)})

    def __str__(self) -> str:
        return f"{self.severity}, {self.kind}: {self.sentence} {self.remedy}"


def merged(before: Iterable[Finding], found: Iterable[Finding]) -> list[Finding]:
    """Findings with new ones: of one kind in one layer there is one, first seen when it was.

    The words are those of the more severe, of the first where both are equal.
    """
    known = {(one.kind, one.layer): one for one in before}
    for one in found:
        old = known.setdefault((one.kind, one.layer), one)
        if old is not one:
            worse = SEVERITIES.index(one.severity) < SEVERITIES.index(old.severity)
            known[one.kind, one.layer] = replace(
                one if worse else old, step=old.step, last_step=one.last_step
            )
    return list(known.values())


def digits_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with three digits, or as many as tell them apart.

    >>> digits_apart(0.5, 0.25), digits_apart(0.65512, 0.65508)
    (('0.5', '0.25'), ('0.65512', '0.65508'))
    """
    shown = [(f"{one:.{count}g}", f"{other:.{count}g}") for count in range(3, 18)]
    return next((pair for pair in shown if pair[0] != pair[1]), shown[0])
