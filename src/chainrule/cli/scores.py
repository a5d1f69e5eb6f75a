"""Scores of a trained model beside a naive and a linear one, as records and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.described import learned_rows_name
from chainrule.cli.output import plural, text_table
from chainrule.estimators import positive_code
from chainrule.reporting import LOWER_IS_BETTER, few_rows, grouped_rows, main_score
from chainrule.text import score_digits, spell_interval, spell_score

if TYPE_CHECKING:
    from chainrule.data import Labels, Numbers, Table
    from chainrule.estimators import Held, Predictions, TableModel, TablePlan
    from chainrule.reporting import Baseline, Judgment

__all__ = [
    "Scores",
    "judge",
    "judge_plan",
    "learned_scores",
    "remark",
    "scores_text",
]

MOST_LEARNED = 10_000
LEARNED_STREAM = 4

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Scores:
    """What a training is worth: test rows, the same rows by simple models, validation rows."""

    test: Judgment | None
    baselines: tuple[Baseline, ...]
    validation: dict[str, float | None] | None

    def to_record(self) -> dict[str, Any]:
        """The "metrics" of the record that `train --json` prints."""
        return {
            "test": None if self.test is None else dict(self.test.metrics),
            "validation": self.validation,
            "baselines": {one.name: dict(one.judgment.metrics) for one in self.baselines},
        }

    def details(self) -> dict[str, Any]:
        """Intervals, confusion or residuals, and what the simple models are."""
        return {
            "test": None if self.test is None else self.test.to_record(),
            "baselines": {one.name: one.to_record() for one in self.baselines},
        }


def judge(
    truth: Array,
    predictions: Predictions,
    labels: Labels | Numbers,
    weights: Array | None,
    *,
    positive: str | None,
    seed: int,
    groups: Array | None = None,
) -> Judgment:
    """The scores of predictions, with intervals."""
    from chainrule.reporting import judge_classification, judge_regression

    if predictions.probabilities is None:
        return judge_regression(truth, predictions.values, weights, seed=seed, groups=groups)
    return judge_classification(
        truth,
        predictions.probabilities,
        predictions.classes,
        weights,
        positive=positive_code(labels, positive),
        seed=seed,
        groups=groups,
    )


def judge_plan(plan: TablePlan, predictions: Predictions | None, held: Held | None) -> Scores:
    """All scores of a training: `predictions` are of the plan's test rows."""
    from chainrule.data import groups_of

    settings = plan.settings
    test: Judgment | None = None
    baselines: tuple[Baseline, ...] = ()
    if predictions is not None and plan.test_table is not None:
        table = plan.test_table
        test = judge(
            plan.truth(table), predictions, plan.labels, plan.weights(table),
            positive=settings.positive, seed=settings.seed, groups=groups_of(table, plan.schema),
        )  # fmt: skip
        baselines = _baselines(plan, table)
    return Scores(test, baselines, None if held is None else _held_scores(plan, held))


def _baselines(plan: TablePlan, table: Table) -> tuple[Baseline, ...]:
    from chainrule import reporting

    train, test = (_design(plan, one) for one in (plan.train_table, table))
    train = replace(train, called=learned_rows_name(plan, train.rows))
    seed = plan.settings.seed
    if not plan.is_classification:
        return (
            reporting.naive_regression(train, test, seed=seed),
            reporting.linear_regression(train, test, seed=seed),
        )
    classes: Sequence[Any] = getattr(plan.labels, "classes", ())
    code = positive_code(plan.labels, plan.settings.positive)
    return (
        reporting.naive_classification(train, test, classes, positive=code, seed=seed),
        reporting.linear_classification(train, test, classes, positive=code, seed=seed),
    )


def _design(plan: TablePlan, table: Table) -> Any:
    from chainrule.data import groups_of
    from chainrule.reporting import Design

    encoded = plan.encoded(table)
    return Design(
        encoded.numbers, plan.truth(table), encoded.categories, plan.weights(table),
        groups=groups_of(table, plan.schema),
    )  # fmt: skip


def _held_scores(plan: TablePlan, held: Held) -> dict[str, float | None]:
    from chainrule.reporting import score_classification, score_regression

    if not plan.is_classification:
        return score_regression(held.truth, held.answers, held.weights)
    classes: Sequence[Any] = getattr(plan.labels, "classes", ())
    code = positive_code(plan.labels, plan.settings.positive)
    return score_classification(held.truth, held.answers, classes, held.weights, positive=code)


def learned_scores(plan: TablePlan, model: TableModel) -> dict[str, Any]:
    """Scores on rows learned from, at most 10,000 of them evenly drawn, beside their number."""
    from chainrule import random
    from chainrule.estimators import Held

    table = plan.train_table
    if table.rows > MOST_LEARNED:
        drawn = random.permutation(plan.settings.seed, LEARNED_STREAM, 0, table.rows)
        table = table.take(np.sort(drawn[:MOST_LEARNED]))
    answers = model.answers(plan.encoded(table))
    held = Held(plan.truth(table), answers, plan.weights(table))
    return {"rows": table.rows, "scores": _held_scores(plan, held)}


def scores_text(
    test: Judgment | None,
    baselines: Sequence[Baseline] = (),
    validation: Mapping[str, float | None] | None = None,
    *,
    title: str,
) -> str:
    """The scores as a table: the model's with its interval, simple models', validation rows'."""
    names = list(test.metrics if test is not None else validation or {})
    columns: list[tuple[str, Mapping[str, float | None]]] = []
    if test is not None:
        columns.append((title, test.metrics))
    columns += [(one.name, one.judgment.metrics) for one in baselines]
    if validation is not None:
        columns.append(("validation", validation))
    lines = []
    for name in names:
        digits = score_digits(next((m[name] for _, m in columns if m.get(name)), 0.0))
        cells = [spell_score(metrics.get(name), digits) for _, metrics in columns]
        if test is not None:
            cells.insert(1, spell_interval(test.intervals.get(name), digits))
        lines.append((name, *cells))
    header = ["score", *(title for title, _ in columns)]
    if test is not None:
        header.insert(2, "95 % interval")
    return text_table(header, lines, right=tuple(range(1, len(header))))


def remark(scores: Scores, metric: str | None) -> Iterator[str]:
    """Sentences on what the table of scores does not say by itself."""
    test = scores.test
    if test is None:
        yield (
            "note: there is no test part: too few rows, or too few of each class; judge by a table "
            "of its own (--test)."
        )
        return
    if test.unseen:
        yield f"note: {plural(test.unseen, 'test row')} with a label that training has not seen."
    few = few_rows(test.to_record())
    if few:
        yield f"note: {few}"
    if test.groups is not None:
        yield f"note: {grouped_rows(test.groups)}"
    name = main_score(test.task, metric)
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    ours = test.metrics.get(name)
    for one in scores.baselines:
        other = one.judgment.metrics.get(name)
        if ours is not None and other is not None and sign * other >= sign * ours:
            how = "as good as" if other == ours else "better than"
            yield f"note: by {name} the {one.name} model is {how} the network on these rows."
