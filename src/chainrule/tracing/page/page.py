"""The page's text: one file with style, scripts and numbers in it."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from chainrule.tracing.expression import Trace
from chainrule.tracing.page.expression import shipped_expression
from chainrule.tracing.page.network import shipped_step

__all__ = ["frame_of", "page_of"]

PLACE = Path(__file__).parent
SCRIPTS = (
    "operations.js", "tape.js", "words.js", "formula.js", "step.js", "choice.js", "network.js",
    "outputs.js", "own_operations.js", "own_loss.js", "own_layer.js", "forward.js", "narration.js",
    "rows.js", "normal.js", "spread.js", "mixing.js", "own.js", "rule.js", "panel.js", "scene.js",
    "curve.js", "subject.js", "equations.js", "layers.js", "expression.js", "drawing.js",
    "making.js", "page.js",
)  # fmt: skip


def page_of(trace: Any) -> str:
    """The page of a `Trace` or a `StepTrace`; it needs nothing beside itself.

    A network's parameters are in it in their own type, four bytes a float32 number, and the page
    multiplies gradients out: 784-300-100-10 takes below 2 MB; a large network's float64 is rounded.
    """
    known = isinstance(trace, Trace)
    numbers = shipped_expression(trace) if known else shipped_step(trace)
    parts = {
        "title": html.escape(numbers["title"]),
        "style": _text("page.css"),
        "numbers": _script_safe(json.dumps(numbers, separators=(",", ":"), allow_nan=False)),
        "script": "\n".join(map(_text, SCRIPTS)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _text("page.html"))


def frame_of(trace: Any) -> str:
    """The page in a frame of its own, for a notebook; its scripts reach nothing outside."""
    return (
        f'<iframe srcdoc="{html.escape(page_of(trace))}" sandbox="allow-scripts" '
        'title="trace" '
        'style="width: 100%; height: 56rem; max-height: 92vh; border: 0"></iframe>'
    )


def _script_safe(text: str) -> str:
    """JSON in which no letter ends a script or begins a comment or a tag."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _text(name: str) -> str:
    return (PLACE / name).read_text("utf-8")
