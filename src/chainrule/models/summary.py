"""A model as a table of layers or as one line."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.layers import Parameters
from chainrule.models.bound import BoundLayer

__all__ = ["one_line", "summary_text"]


def summary_text(name: str, layers: Sequence[BoundLayer], parameters: Parameters) -> str:
    """Layers with shapes and numbers of parameters, then totals."""
    rows = [("Layer (type)", "Output shape", "Parameters")]
    for layer in layers:
        kind = type(layer.description).__name__
        count = f"{layer.count_params():,}"
        rows.append((f"{layer.name} ({kind})", str(layer.output_shape), count))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}".rstrip()
        for row in rows
    ]
    rule = "-" * (sum(widths) + 4)
    total, trainable = parameters.count, parameters.trainable_count
    size = total * parameters.dtype.itemsize
    return "\n".join(
        [
            f'Model "{name}"',
            rule,
            lines[0],
            rule,
            *lines[1:],
            rule,
            f"Total parameters: {total:,} ({size:,} bytes)",
            f"Trainable: {trainable:,}",
            f"Not trainable: {total - trainable:,}",
        ]
    )


def one_line(name: str, layers: Sequence[BoundLayer], parameters: Parameters | None) -> str:
    """Name, layers and numbers of parameters."""
    if parameters is None:
        shown, total = [layer.name for layer in layers], "no input shape yet"
    else:
        shown = [f"{layer.name} ({layer.count_params():,})" for layer in layers]
        total = f"{parameters.count:,} parameters"
    return f"<Sequential {name!r}: {', '.join(shown) or 'no layers'}; {total}>"
