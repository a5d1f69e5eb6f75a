"""Over- and underfitting: one rule, in units of what is gained over a constant answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Any

from chainrule.reporting.comparison import leads_over_baselines
from chainrule.reporting.judged import JudgedRows

__all__ = ["Fit", "fit_of", "fitting_of_run"]

LOST = 0.1
LOST_STRONGLY = 0.3
LITTLE = 0.1
SCALES = {"roc_auc": (0.5, 1.0), "r2": (0.0, 1.0)}
OVERFITTING = "More rows, more dropout or weight decay, or fewer units may help"
UNDERFITTING = "More units, more epochs, a larger step size or better columns may help"


@dataclass(frozen=True)
class Fit:
    """What scores on rows learned from and on rows never seen say together.

    gain
        On rows learned from, as a share of the way from a constant answer (0) to a faultless one
        (1); nan where a faultless one has no score.
    lost
        The share of it that is lost on new rows.
    overfits
        Whether that is a tenth and more.
    beyond_noise
        Whether the loss is more than the choice of rows explains.
    behind_linear
        Whether a linear model is ahead of it.
    """

    gain: float
    lost: float
    overfits: bool
    beyond_noise: bool
    behind_linear: bool = False

    @property
    def underfits(self) -> bool:
        """Whether it hardly gains even where it learned, or is behind a linear model."""
        return self.gain < LITTLE or self.behind_linear

    @property
    def verdict(self) -> str:
        """What "the model" does.

        >>> fit_of(0.9, 0.6, 0.05, naive=0.5, perfect=1.0).verdict
        'overfits strongly'
        """
        strongly = " strongly" if self.lost >= LOST_STRONGLY else ""
        if self.overfits and self.beyond_noise:
            return f"underfits and also overfits{strongly}" if self.underfits else (
                f"overfits{strongly}"
            )  # fmt: skip
        if self.underfits:
            return "underfits"
        return "may overfit" if self.overfits else "neither over- nor underfits by much"


def fit_of(
    learned: float, new: float, noise: float, *, naive: float, perfect: float,
    behind_linear: bool = False,
) -> Fit | None:  # fmt: skip
    """The rule: it overfits where a tenth of its gain and more, beyond noise, is lost on new rows.

    It underfits where it gains less than a tenth of the way even on rows that it learned from, or a
    linear model is ahead. None where the scores do not say.

    learned, new
        Scores on rows learned from and on rows never seen.
    noise
        By how much they may differ by chance, with 95 %.
    naive, perfect
        The same score of a constant answer and of a faultless one; nan where the latter has none.

    >>> fit_of(0.0, 5.0, 0.1, naive=10.0, perfect=0.0).lost
    0.5
    """
    way = (perfect if isfinite(perfect) else learned) - naive
    if not isfinite(way) or way == 0 or not isfinite(learned + new):
        return None
    gain, kept = (learned - naive) / way, (new - naive) / way
    gap = gain - kept
    lost = gap / gain if gain > 0 else nan
    return Fit(
        gain if isfinite(perfect) else nan, lost, bool(gap >= LOST * max(gain, LITTLE)),
        bool(gap > noise / abs(way)), behind_linear,
    )  # fmt: skip


def fitting_of_run(
    metrics: Mapping[str, Any], judged: JudgedRows | None, test: Mapping[str, Any],
    rows: str = "these rows",
) -> tuple[str, str]:  # fmt: skip
    """The verdict on a run by `fit_of` and a sentence or two; "" where its scores do not say.

    The score is `roc_auc` of classes and `r2` of numbers. A linear model is ahead where on the test
    rows of training it gains more by a tenth of its own gain and beyond a paired 95 % interval, and
    gains more there than the network does even on rows that it learned from.

    metrics
        What `metrics.json` of the run says.
    judged
        The test rows of training, where they were kept.
    test
        The record of a `Judgment` of the new rows.
    rows
        What they are called.
    """
    score = {"classification": "roc_auc", "regression": "r2"}[test["task"]]
    learned = metrics.get("learned") or {}
    before, now = (learned.get("scores") or {}).get(score), test["metrics"].get(score)
    if before is None or now is None:
        return "", ""
    interval = test["intervals"].get(score)
    noise = inf
    if interval is not None:  # of both scores, of which that of more rows varies less
        noise = (interval[1] - now) * sqrt(1 + test["rows"] / max(1, learned.get("rows") or 1))
    ahead = _linear_ahead(score, metrics, judged, before)
    naive, perfect = SCALES[score]
    found = fit_of(before, now, noise, naive=naive, perfect=perfect, behind_linear=bool(ahead))
    if found is None:
        return "", ""
    told = f"The model {found.verdict}: {score} {before:.4g} on rows learned from, {now:.4g} on "
    return found.verdict, f"{told}{rows}{_because(found)}{ahead}{_advice(found)}."


def _because(found: Fit) -> str:
    """What the verdict rests on."""
    little = ", little better than a constant answer even where it learned"
    told = little * (found.gain < LITTLE)
    if not found.overfits:
        return told
    much = f"{found.lost:.0%}" if found.lost < 1 else "all"
    chance = "" if found.beyond_noise else ", which may be chance"
    return f"{told}: {much} of what it gained over a constant answer is lost on new rows{chance}"


def _advice(found: Fit) -> str:
    overfits = found.overfits and found.beyond_noise
    advice = [OVERFITTING] * overfits + [UNDERFITTING] * found.underfits
    told = "".join(f". {one}" for one in advice)
    return f"{told}; what counts is the score on new rows" if overfits else told


def _linear_ahead(
    score: str, metrics: Mapping[str, Any], judged: JudgedRows | None, before: float
) -> str:
    """By how much a linear model is ahead; "" where it is not, or not beyond noise."""
    details = metrics.get("details") or {}
    linear = (details.get("baselines") or {}).get("linear") or {}
    ours, its = (
        (one.get("metrics") or {}).get(score) for one in (details.get("test") or {}, linear)
    )
    if judged is None or ours is None or its is None or its <= before:
        return ""
    if its - ours < LOST * (its - SCALES[score][0]):
        return ""
    lead = leads_over_baselines(judged, score).get("linear")
    if lead is None or lead.interval is None or lead.interval[1] >= 0:
        return ""
    return (
        f"; on the test rows of training a linear model has {its:.4g} and it {ours:.4g} (apart by "
        f"{-lead.interval[1]:.4g} to {-lead.interval[0]:.4g} with 95 %)"
    )
