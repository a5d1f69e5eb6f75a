"""Which of several runs is better on the same test rows, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.reporting.answers import (
    ClassAnswers,
    NumberAnswers,
    class_answers,
    groups_of_rows,
    number_answers,
)
from chainrule.reporting.bootstrap import LEVEL, intervals, resamples_for
from chainrule.reporting.few import too_few_rows
from chainrule.reporting.judged import JudgedRows
from chainrule.reporting.runs import Run
from chainrule.reporting.scores import (
    LOWER_IS_BETTER,
    Scorer,
    classification_scorer,
    main_score,
    regression_scorer,
)

__all__ = [
    "Comparison",
    "Difference",
    "Lead",
    "compare_runs",
    "groups_of_same_rows",
    "leads_over_baselines",
    "settings_that_differ",
    "why_apart",
]

SEED = 0
TOLERANCE = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lead:
    """How far the first of two is ahead on the same rows.

    by, interval
        Above 0 where the first is better, whichever way the score goes; None where it is not
        defined. There is no interval where rows are too few to say how sure it is.
    """

    by: float | None
    interval: tuple[float, float] | None

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out 0, on either side."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


@dataclass(frozen=True, eq=False)
class Difference:
    """How far a run is behind the best one on the same rows.

    behind, interval
        Above 0 where the best one is better, whichever way the score goes; None where the score
        is not defined. There is no interval where rows are too few to say how sure it is.
    """

    run: Run
    behind: float | None
    interval: tuple[float, float] | None

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and self.interval[0] > 0

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "run": str(self.run.path), "behind": self.behind,
            "interval": None if self.interval is None else list(self.interval),
            "beyond_noise": self.beyond_noise,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs judged on the same rows.

    score
        The score that they are compared by.
    runs
        Best first.
    differences
        Of each other run to the first, in the order of `runs`.
    level
        How sure each interval of a difference is by itself, so that all of them hold at once with
        95 %.
    too_few
        What there is too little of to say how sure a difference is ("3 test rows of 'yes'"), if
        anything.
    groups
        How many groups were drawn whole for the intervals; None where rows were drawn.
    """

    score: str
    rows: int
    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    level: float
    too_few: str = ""
    groups: int | None = None

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        first = self.runs[0]
        return {
            "target": first.target, "task": first.task, "score": self.score, "rows": self.rows,
            "runs": [str(run.path) for run in self.runs], "best": str(first.path),
            "level": self.level, "groups": self.groups,
            "differences": [one.to_record() for one in self.differences],
        }  # fmt: skip


def groups_of_same_rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs by what they were judged on; those without test rows are left out."""
    groups: list[list[Run]] = []
    for run in runs:
        if run.judged is None or run.metrics is None:
            continue
        same = next((group for group in groups if why_apart(run, group[0]) is None), None)
        if same is None:
            groups.append([run])
        else:
            same.append(run)
    return groups


def why_apart(run: Run, other: Run) -> str | None:
    """In some words, what keeps two runs with the same target from being compared, if any."""
    one, two = run.judged, other.judged
    if one is None or two is None:
        return "the answers row by row not kept"
    if one.task != two.task:
        return "another kind of task"
    if one.fingerprint != two.fingerprint:
        return "judged on rows of another table"
    if not _equal(one.rows, two.rows):
        return "judged on another part of the table (as another seed draws it)"
    if one.labels != two.labels or (len(one.labels) == 2 and one.positive != two.positive):
        return "other labels, or another positive one"
    if not _same_truth(one, two):
        return "other targets of the test rows"
    if not _equal(one.weights, two.weights):
        return "other weights of the test rows"
    return None


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare runs of one group of `groups_of_same_rows`.

    The score is the metric that all of them were trained for, else the task's main score. The
    interval of a difference is a paired percentile bootstrap (Efron, 1979): the rows are drawn
    again with replacement (whole groups, where rows have groups), the same ones for all runs, and
    both are scored on them. Which of k runs
    is the best was seen on the same rows, so all k (k - 1) / 2 pairs count as compared: both sides
    of each interval are stretched from the 95 % point of a normal distribution to that of
    1 - 0.05 / pairs (Bonferroni), so that all hold at once with 95 %. Fewer than ten rows, of all
    or of the rarest class, drawn again say next to nothing of other rows: then there is none.

    The intervals are of the choice of test rows. That training again with another seed would give
    other networks is not in them.

    Raises `DataError` or `ShapeError` where what was kept of the rows is damaged.
    """
    task = str(runs[0].task)
    asked = {run.settings.get("metric") for run in runs}
    score = main_score(task, asked.pop() if len(asked) == 1 else None)
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    ranked = sorted(runs, key=lambda run: -sign * _or_worst(run, score, sign))
    judged = [run.judged for run in ranked if run.judged is not None]
    pairs = len(ranked) * (len(ranked) - 1) // 2
    level = 1 - (1 - LEVEL) / max(1, pairs)

    found = _leads(judged, score, level)
    differences = tuple(
        Difference(run, lead.by, lead.interval)
        for run, lead in zip(ranked[1:], found.leads, strict=True)
    )
    return Comparison(
        score, found.rows, tuple(ranked), differences, level, found.too_few, found.groups
    )


def leads_over_baselines(judged: JudgedRows, score: str) -> dict[str, Lead]:
    """How far the network is ahead of each simple model whose answers were kept, by name.

    The interval is that of `compare_runs` for two runs: 95 % for each simple model by itself, for
    they were not chosen by what they score on these rows.

    Raises `DataError` or `ShapeError` where what was kept of the rows is damaged.
    """
    simple = [replace(judged, answers=answers) for answers in judged.baselines.values()]
    if not simple:
        return {}
    leads = _leads([judged, *simple], score, LEVEL).leads
    return dict(zip(judged.baselines, leads, strict=True))


def settings_that_differ(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, with each run's value; None where it has none."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    table = {name: [run.settings.get(name) for run in runs] for name in names}
    return {
        name: values for name, values in table.items() if any(one != values[0] for one in values)
    }


def _equal(one: Any, two: Any) -> bool:
    return np.array_equal(one, two) if one is not None and two is not None else one is two


def _same_truth(one: JudgedRows, two: JudgedRows) -> bool:
    """Numbers may differ in their last digits: each run scales them by its own training rows."""
    if one.task == "classification" or one.truth.shape != two.truth.shape:
        return np.array_equal(one.truth, two.truth)
    return np.allclose(one.truth, two.truth, rtol=0.0, atol=TOLERANCE * np.abs(one.truth).max())


def _scorer(judged: JudgedRows) -> tuple[Scorer, ClassAnswers | NumberAnswers]:
    """The scores of the answers for weightings of the rows that count, and these rows."""
    if judged.task == "regression":
        numbers = number_answers(judged.truth, judged.answers, judged.weights)
        return regression_scorer(numbers), numbers
    classes = len(judged.labels)
    answers = class_answers(judged.truth, judged.answers, classes, judged.weights, None)
    return classification_scorer(answers, classes, judged.positive), answers


def _or_worst(run: Run, score: str, sign: float) -> float:
    value = (run.metrics or {}).get(score)
    return -sign * np.inf if value is None else value


@dataclass(frozen=True)
class _Leads:
    """How many rows count, in how many groups, which are too few; how far the first is ahead."""

    rows: int
    groups: int | None
    too_few: str
    leads: list[Lead]


def _leads(judged: Sequence[JudgedRows], score: str, level: float) -> _Leads:
    """How far the first is ahead of each other."""
    sign = -1.0 if score in LOWER_IS_BETTER else 1.0
    scorers = [_scorer(one) for one in judged]
    rows = scorers[0][1]
    weights = rows.weights / rows.weights.max()
    known = next((one.groups for one in judged if one.groups is not None), None)
    groups = groups_of_rows(known, rows)
    too_few = too_few_rows(rows.truth, weights, judged[0].labels, score)

    def ahead(weightings: Floats) -> dict[str, Floats]:
        absent = np.full(len(weightings), np.nan)
        values = [scorer(weightings).get(score, absent) for scorer, _ in scorers]
        # + 0.0, for equal runs would differ by -0.0
        return {str(place): sign * (values[0] - value) + 0.0 for place, value in enumerate(values)}

    points = ahead(weights[np.newaxis])
    found: dict[str, tuple[float, float] | None] = {}
    if not too_few:
        resamples = resamples_for(len(weights), len(judged))
        found = intervals(ahead, weights, resamples, SEED, groups)
    places = [str(place) for place in range(1, len(judged))]
    leads = [_lead(float(points[one][0]), found.get(one), level) for one in places]
    count = None if groups is None else len(np.unique(groups))
    return _Leads(len(weights), count, too_few, leads)


def _lead(by: float, interval: tuple[float, float] | None, level: float) -> Lead:
    if not np.isfinite(by):
        return Lead(None, None)
    if interval is None:
        return Lead(by, None)
    normal = NormalDist()
    stretch = normal.inv_cdf((1 + level) / 2) / normal.inv_cdf((1 + LEVEL) / 2)
    low = by - max(0.0, by - interval[0]) * stretch
    return Lead(by, (low, by + max(0.0, interval[1] - by) * stretch))
