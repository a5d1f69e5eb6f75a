"""What the numbers that a layer gives are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chainrule.tracing.formula import Symbol

__all__ = ["Columns", "is_long"]


@dataclass(frozen=True)
class Columns:
    """What the numbers that a layer gives are called.

    names, head, mark
        As a `Symbol` has them.
    """

    names: tuple[str, ...]
    head: str = ""
    mark: str = ""

    def symbol(self, column: int, value: Any, row: int | None = None) -> Symbol:
        """The symbol of one column, with its value."""
        name = self.names[column] if column < len(self.names) else f"v{column + 1}"
        own = self.head if not name[:1].isalpha() else ""
        return Symbol(name, value, own, row=row, mark=self.mark, bracketed=is_long(name))

    def passed(self) -> Columns:
        """The same columns after a layer without weights."""
        return Columns(self.names, self.head, self.mark + "~")


SIGNS = re.compile(r"[\s=+*/<>()^|·-]")


def is_long(name: str) -> bool:
    """Whether a name has spaces or signs in it, so that a formula with it is hard to read."""
    return SIGNS.search(name) is not None
