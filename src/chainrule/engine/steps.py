"""What a run gives back."""

from __future__ import annotations

from typing import NamedTuple

from chainrule.engine.tape import Array

__all__ = ["Steps"]


class Steps(NamedTuple):
    """What a run gives back.

    results
        By name: a scalar result as float64 with one number a batch, another with an entry a row.
    rows
        The number of rows of each batch.
    stopped
        The first batch whose loss was not finite (its update was not made), or None.
    """

    results: dict[str, Array]
    rows: Array
    stopped: int | None = None

    @property
    def made(self) -> int:
        """How many batches were run to their end."""
        return len(self.rows) if self.stopped is None else self.stopped
