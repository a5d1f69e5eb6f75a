"""Thresholds other than 0.5: what each finds, and what it costs or saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.judging.answered import Answered
from chainrule.reporting import intervals, resamples_for

__all__ = ["Threshold", "check_costs", "check_threshold", "thresholds_of"]

Array = np.ndarray[Any, np.dtype[Any]]
Costs = Mapping[str, float]
KINDS = ("false_positive", "false_negative")
CHOSEN_BY_HELD = (
    "{which} chosen on rows that the networks were watched on, and judged on the rows given."
)
CHOSEN_HERE = (
    "{which} chosen on the very rows that judge it, for the model has no held rows: that flatters."
)
OF_F1 = "The threshold of the best F1 was"
OF_BOTH = "The thresholds of the best F1 and of the least cost were each"


@dataclass(frozen=True)
class Threshold:
    """What calling a row positive from a probability on comes to.

    name
        Why this one: "one half", "best F1", "least cost" or "given".
    precision, recall, f1
        None where no row is positive; precision is 0 where none is called so, as scikit-learn's.
    flagged
        The share of rows that are called positive.
    cost, saves, interval
        Per 1,000 rows: what mistakes cost; how much less than at 0.5, with its 95 % interval by
        a paired bootstrap. None where no costs were given.
    """

    name: str
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float
    flagged: float
    cost: float | None = None
    saves: float | None = None
    interval: tuple[float, float] | None = None

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        record = asdict(self)
        record["interval"] = None if self.interval is None else list(self.interval)
        return record


def check_threshold(found: Answered, threshold: Any, costs: Any) -> None:
    """Raise SettingError where a threshold or costs cannot be of these classes."""
    if threshold is None and costs is None:
        return
    name = "costs" if threshold is None else "threshold"
    if not found.is_binary:
        what = f"has {len(found.labels)} classes" if found.labels else "is a number"
        message = (
            f"{name}: the target {found.target!r} {what}; a threshold is for two classes: leave it "
            "out."
        )
        raise SettingError(message)
    if threshold is not None and not (_is_number(threshold) and 0 <= threshold <= 1):
        message = f"threshold: must be a number from 0 to 1, got {threshold!r}."
        raise SettingError(message)


def check_costs(costs: Any) -> Costs | None:
    """Costs of both mistakes; raises SettingError for what is none."""
    if costs is None:
        return None
    right = isinstance(costs, Mapping) and set(costs) == set(KINDS)
    right = right and all(_is_number(one) and 0 <= one < np.inf for one in costs.values())
    if not right or not any(costs.values()):
        message = (
            'costs: must be {"false_positive": A, "false_negative": B} with numbers of 0 or more, '
            f"not both 0, got {costs!r}."
        )
        raise SettingError(message)
    return {kind: float(costs[kind]) for kind in KINDS}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def thresholds_of(
    found: Answered, threshold: float | None, costs: Costs | None, seed: int
) -> tuple[tuple[Threshold, ...], str]:
    """Each threshold of interest with what it comes to; and how those chosen were chosen.

    found
        Rows of two classes that are scored.
    """
    held = found.held
    by_held = held is not None and len(np.unique(held.truth)) == 2
    if by_held and held is not None:
        positive, score = held.truth == found.positive, held.answers[:, found.positive]
        weights = np.ones(len(score)) if held.weights is None else held.weights
    else:
        positive, score = found.truth == found.positive, found.answers[:, found.positive]
        weights = np.ones(len(score)) if found.weights is None else found.weights
    chosen = {"one half": 0.5}
    if (weights * positive).any():
        chosen["best F1"] = _best_f1(positive, score, weights)
    if costs is not None:
        chosen["least cost"] = _cheapest(positive, score, weights, costs)
    if threshold is not None:
        chosen["given"] = float(threshold)
    told = CHOSEN_BY_HELD if by_held else CHOSEN_HERE
    which = OF_F1 if costs is None else OF_BOTH
    return tuple(_all_judged(found, chosen, costs, seed)), told.format(which=which)


def _steps(positive: Array, score: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Thresholds between neighboring scores, falling; weights right and wrong of those flagged."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    levels = score[order][last].astype(np.float64)
    right = np.cumsum((weights * positive)[order])[last]
    wrong = np.cumsum((weights * ~positive)[order])[last]
    cuts = np.append((levels[:-1] + levels[1:]) / 2, 0.0)
    none = (1 + levels[0]) / 2
    if none > levels[0]:
        return np.append(none, cuts), np.append(0.0, right), np.append(0.0, wrong)
    return cuts, right, wrong


def _best_f1(positive: Array, score: Array, weights: Array) -> float:
    cuts, right, wrong = _steps(positive, score, weights)
    f1 = 2 * right / (right + wrong + right[-1])
    return float(cuts[int(np.argmax(f1))])


def _cheapest(positive: Array, score: Array, weights: Array, costs: Costs) -> float:
    cuts, right, wrong = _steps(positive, score, weights)
    missed = right[-1] - right
    cost = costs["false_positive"] * wrong + costs["false_negative"] * missed
    return float(cuts[int(np.argmin(cost))])


def _all_judged(
    found: Answered, chosen: Mapping[str, float], costs: Costs | None, seed: int
) -> list[Threshold]:
    score = found.answers[:, found.positive].astype(np.float64)
    positive = found.truth == found.positive
    weights = np.ones(len(score)) if found.weights is None else found.weights
    flags = {name: score >= one for name, one in chosen.items()}
    paid = {
        name: _paid(flag, positive, costs) if costs is not None else None
        for name, flag in flags.items()
    }
    reach = _saved(paid, weights, seed, found.groups) if costs is not None else {}
    judged = []
    for name, flag in flags.items():
        row = _shares(flag, positive, weights)
        own, half = paid[name], paid["one half"]
        if own is not None and half is not None:
            row["cost"] = 1000 * float(np.average(own, weights=weights))
            row["saves"] = 1000 * float(np.average(half - own, weights=weights)) + 0.0
            row["interval"] = None if name == "one half" else reach.get(name)
        judged.append(Threshold(name, chosen[name], **row))
    return judged


def _shares(flag: Array, positive: Array, weights: Array) -> dict[str, Any]:
    right = float(weights @ (flag & positive))
    flagged, actual, total = float(weights @ flag), float(weights @ positive), float(weights.sum())
    return {
        "precision": (right / flagged if flagged else 0.0) if actual else None,
        "recall": right / actual if actual else None,
        "f1": 2 * right / (flagged + actual) if actual else None,
        "accuracy": float(weights @ (flag == positive)) / total,
        "flagged": flagged / total,
    }


def _paid(flag: Array, positive: Array, costs: Costs) -> Array:
    """What each row costs."""
    paid: Array = costs["false_positive"] * (flag & ~positive) + costs["false_negative"] * (
        ~flag & positive
    )
    return paid


def _saved(
    paid: Mapping[str, Array | None], weights: Array, seed: int, groups: Array | None
) -> dict[str, tuple[float, float] | None]:
    """Intervals of how much less than at 0.5 is paid per 1,000 rows."""
    half = paid["one half"]

    def scorer(weightings: Array) -> dict[str, Array]:
        total = weightings.sum(axis=1)
        return {
            name: 1000 * (weightings @ (half - own)) / total
            for name, own in paid.items()
            if own is not None and half is not None
        }

    return intervals(scorer, weights / weights.max(), resamples_for(len(weights)), seed, groups)
