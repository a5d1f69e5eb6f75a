"""A history as a small piece of HTML, for notebooks: numbers by metric, and the loss as a curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from chainrule.training.monitor import LARGER_IS_BETTER

__all__ = ["history_html"]

WIDTH, HEIGHT, ROOM = 300, 90, 4
POINTS = 200
"""More epochs are thinned for the curve."""
DASHES = {"loss": "", "val_loss": ' stroke-dasharray="6 3"'}


def history_html(history: Mapping[str, Sequence[Any]], epochs: Sequence[int]) -> str:
    """A table of the first, last and best number of each metric, above the curve of the loss.

    history, epochs
        A list for each name, one value an epoch; the epochs' numbers, from 0.

    >>> text = history_html({"loss": [0.5, 0.25]}, [0, 1])
    >>> "<td>0.5</td><td>0.25</td><td>0.25 (epoch 2)</td>" in text
    True
    """
    made = len(epochs)
    caption = f"History of {made:,} epoch{'s' * (made != 1)}"
    head = "".join(f'<th scope="col">{one}</th>' for one in ("metric", "first", "last", "best"))
    rows = "".join(_row(str(name), values, epochs) for name, values in history.items() if values)
    table = (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    return f"<div>{table}{_curve(history)}</div>"


def _row(name: str, values: Sequence[Any], epochs: Sequence[int]) -> str:
    numbers = [(float(one), place) for place, one in enumerate(values) if _finite(one)]
    best = "\N{EN DASH}"
    if numbers:
        rising = name.endswith(LARGER_IS_BETTER)
        value, place = (max if rising else min)(numbers, key=lambda pair: pair[0])
        epoch = epochs[place] if len(epochs) == len(values) else place
        best = f"{value:.4g} (epoch {epoch + 1:,})"
    cells = "".join(f"<td>{one}</td>" for one in (_shown(values[0]), _shown(values[-1]), best))
    return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError):
        return False


def _shown(value: Any) -> str:
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError):
        return escape(str(value))


def _curve(history: Mapping[str, Sequence[Any]]) -> str:
    """The loss by epoch, with that of validation dashed; nothing where there is no curve."""
    lines = {
        name: [float(one) if _finite(one) else math.nan for one in history[name]]
        for name in DASHES
        if len(history.get(name, ())) > 1
    }
    seen = [one for values in lines.values() for one in values if math.isfinite(one)]
    if not seen:
        return ""
    low, high = min(seen), max(seen)
    longest = max(map(len, lines.values()))
    drawn = "".join(
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5"{DASHES[name]} '
        f'points="{_points(values, longest, low, high)}"/>'
        for name, values in lines.items()
    )
    beside = ", that of validation dashed" if "val_loss" in lines else ""
    label = f"Loss by epoch, from {low:.4g} to {high:.4g}{beside}"
    return (
        f'<svg role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{drawn}</svg><div>{label}</div>'
    )


def _points(values: Sequence[float], longest: int, low: float, high: float) -> str:
    """Places of a line; what is no number is left out."""
    across, up = (WIDTH - 2 * ROOM) / max(1, longest - 1), (HEIGHT - 2 * ROOM) / ((high - low) or 1)
    last = len(values) - 1
    step = -(-len(values) // POINTS)
    return " ".join(
        f"{ROOM + place * across:.1f},{ROOM + (high - values[place]) * up:.1f}"
        for place in sorted({*range(0, len(values), step), last})
        if math.isfinite(values[place])
    )
