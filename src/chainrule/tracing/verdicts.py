"""What is said of a slope that was measured, beside the derivative."""

from __future__ import annotations

import math

from chainrule.graph import SETTLED, Slopes
from chainrule.tracing.equations import number_text

__all__ = ["measured_text", "opposite_of", "verdict_on"]


def measured_text(slopes: Slopes, digits: int) -> str:
    """The central difference; "none" where no values are finite."""
    return "none" if math.isnan(slopes.central) else number_text(slopes.central, digits)


def opposite_of(slopes: Slopes) -> Slopes:
    """The negatives of slopes."""
    return Slopes(-slopes.central, -slopes.below, -slopes.above, slopes.rounding)


def verdict_on(
    slopes: Slopes, exact: float, digits: int, of: str, *, opposite: bool = False, why: str = ""
) -> str:
    """How measured slopes and the derivative agree, in the words of the page; "" where they do.

    exact
        The derivative.
    of, opposite
        What has the kink, and whether all these are the negatives of its slopes.
    why
        Why they are apart, where that is known.
    """
    if math.isnan(slopes.central):
        return "not measurable here"
    if slopes.below != slopes.above:
        shown = [number_text(slope, digits) for slope in (slopes.below, slopes.above)]
        whose = ", minus whose slope" if opposite else ", whose slope"
        return f"at a kink of {of}{whose} is {shown[0]} below this value and {shown[1]} above"
    gap, larger = abs(slopes.central - exact), max(abs(slopes.central), abs(exact))
    if not math.isfinite(gap):
        return "apart"
    if gap == 0 or gap < SETTLED * larger:
        return ""
    if gap <= slopes.rounding + SETTLED * larger:
        return "the same but for rounding"
    percent = float(f"{100 * gap / larger:.2g}")
    return f"apart by {percent:g} % of the larger{f': {why}' if why else ''}"
