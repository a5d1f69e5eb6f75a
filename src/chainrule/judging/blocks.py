"""A table with what is said of it, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from chainrule.text import aligned

__all__ = ["Block", "blocks_html"]


@dataclass(frozen=True)
class Block:
    """A table.

    title, told
        What is said above and below it; "" for nothing.
    header, lines
        Names of the columns and cells; no table where there are no names.
    numbers
        The columns that are aligned to the right.
    whole
        Those of which no cell is cut where the width is small.
    """

    title: str
    header: Sequence[str] = ()
    lines: Sequence[Sequence[str]] = ()
    numbers: Sequence[int] = ()
    whole: Sequence[int] = ()
    told: str = ""

    def to_text(self, width: int | None = None) -> str:
        """Aligned; `width` letters a line of the table, None for as many as it takes."""
        table = ""
        if self.header:
            table = aligned(
                self.header, self.lines, right=self.numbers, whole=self.whole, width=width
            )
        return "\n".join(filter(None, [self.title, table, self.told]))

    def to_html(self) -> str:
        """As HTML, with nothing cut."""
        title, told = (escape(one).replace("\n", "<br>") for one in (self.title, self.told))
        below = f"<p>{told}</p>" if told else ""
        if not self.header:
            return f"<p>{title}</p>{below}"
        head = "".join(f'<th scope="col">{escape(one)}</th>' for one in self.header)
        body = "".join(
            f'<tr><th scope="row">{escape(line[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in line[1:])
            + "</tr>"
            for line in self.lines
        )
        return (
            f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{below}"
        )


def blocks_html(blocks: Iterable[Block]) -> str:
    """What a notebook shows."""
    return f"<div>{''.join(block.to_html() for block in blocks)}</div>"
