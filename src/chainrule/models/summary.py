"""A model as a table of layers."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.layers import Parameters
from chainrule.models.bound import BoundLayer

__all__ = ["summary_text"]


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
