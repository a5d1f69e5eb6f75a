"""What is said of a kink, where a central difference is not the derivative."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.tracing.equations import number_text

__all__ = ["kink_said"]

KINK = 1e-3
"""How far slopes on both sides differ where a kink lies, as a share of the larger."""


def kink_said(
    slopes: Sequence[float], exact: float, digits: int, of: str, opposite: bool = False
) -> str:
    """Why the central difference is not the derivative; "" where it is, or no kink lies there.

    slopes
        The central difference, and the slopes below and above.
    exact
        The derivative.
    of, opposite
        What has the kink, and whether all these are the negatives of its slopes.
    """
    center, below, above = slopes
    if not (_differ(below, above) and _differ(center, exact)):
        return ""
    shown = [number_text(slope, digits) for slope in (below, above)]
    whose = ", minus whose slope" if opposite else ", whose slope"
    return f"at a kink of {of}{whose} is {shown[0]} below this value and {shown[1]} above"


def _differ(left: float, right: float) -> bool:
    return abs(left - right) > KINK * max(abs(left), abs(right))
