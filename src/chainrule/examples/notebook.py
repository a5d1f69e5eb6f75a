"""A worked example as a notebook shows it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["example_html"]


def example_html(
    title: str, text: str, rows: Iterable[tuple[str, Sequence[str], str]], picture: str | None
) -> str:
    """Title, sentence, table and picture as HTML.

    rows
        Of the table: a name, its numbers, and where they come from.
    picture
        As SVG. It is told as an image, so that names within meet none of other pictures.
    """
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"<td>{'&ensp;'.join(map(escape, values))}</td><td>{escape(how)}</td></tr>"
        for name, values, how in rows
    )
    shown = ""
    if picture is not None:
        data = base64.b64encode(picture.encode()).decode()
        shown = f'<img src="data:image/svg+xml;base64,{data}" alt="Picture: {escape(title)}">'
    return (
        f"<div><p><b>{escape(title)}</b></p><p>{escape(text)}</p>"
        f"<table><tbody>{body}</tbody></table>{shown}</div>"
    )
