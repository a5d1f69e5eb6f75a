"""A model as a table of layers or as one line."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chainrule.layers import Parameters
from chainrule.models.bound import BoundLayer

__all__ = ["one_line", "summary_html", "summary_text"]

HEADINGS = ("Layer (type)", "Output shape", "Parameters")


def summary_text(name: str, layers: Sequence[BoundLayer], parameters: Parameters) -> str:
    """Layers with shapes and numbers of parameters, then totals."""
    rows = [HEADINGS, *_rows(layers)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}".rstrip()
        for row in rows
    ]
    rule = "-" * (sum(widths) + 4)
    return "\n".join(
        [f'Model "{name}"', rule, lines[0], rule, *lines[1:], rule, *_totals(parameters)]
    )


def summary_html(name: str, layers: Sequence[BoundLayer], parameters: Parameters) -> str:
    """The same as a table of HTML, for notebooks."""
    head = "".join(f'<th scope="col">{one}</th>' for one in HEADINGS)
    rows = "".join(
        f'<tr><th scope="row">{escape(layer)}</th><td>{shape}</td><td>{count}</td></tr>'
        for layer, shape, count in _rows(layers)
    )
    totals = "<br>".join(_totals(parameters))
    return (
        f"<div><table><caption>Model &quot;{escape(name)}&quot;</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{totals}</p></div>"
    )


def _rows(layers: Sequence[BoundLayer]) -> list[tuple[str, str, str]]:
    """Name and kind, shape of the result and number of parameters of each layer."""
    return [
        (
            f"{layer.name} ({type(layer.description).__name__})", str(layer.output_shape),
            f"{layer.count_params():,}",
        )
        for layer in layers
    ]  # fmt: skip


def _totals(parameters: Parameters) -> list[str]:
    total, trainable = parameters.count, parameters.trainable_count
    size = total * parameters.dtype.itemsize
    return [
        f"Total parameters: {total:,} ({size:,} bytes)",
        f"Trainable: {trainable:,}",
        f"Not trainable: {total - trainable:,}",
    ]


def one_line(name: str, layers: Sequence[BoundLayer], parameters: Parameters | None) -> str:
    """Name, layers and numbers of parameters."""
    if parameters is None:
        shown, total = [layer.name for layer in layers], "no input shape yet"
    else:
        shown = [f"{layer.name} ({layer.count_params():,})" for layer in layers]
        total = f"{parameters.count:,} parameters"
    return f"<Sequential {name!r}: {', '.join(shown) or 'no layers'}; {total}>"
