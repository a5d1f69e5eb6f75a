"""Which of two models is better on the same rows, and how sure that is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import DataError, listing
from chainrule.estimators import TableModel, load_table_model
from chainrule.files import RunFolder
from chainrule.judging.answered import Answered, answered, check_metric
from chainrule.reporting import (
    LOWER_IS_BETTER,
    JudgedRows,
    grouped_rows,
    leads_over_baselines,
    score_classification,
    score_regression,
)
from chainrule.text import Block, blocks_html, plural, score_digits, spell_interval, spell_score

__all__ = ["PairedComparison", "compare"]

Array = np.ndarray[Any, np.dtype[Any]]
SECOND = "second"


@dataclass(frozen=True, repr=False)
class PairedComparison:
    """Two models on the same rows.

    first, second
        Their scores by `metric`.
    by, interval
        How far the first is ahead, below 0 where the second is, whichever way the score goes; its
        95 % interval. None where it is not defined; no interval where rows are too few.
    only_first, only_second, p
        Of classes the rows that one of them alone has right, and how likely chance alone parts
        them as unevenly (McNemar's test, exact); None of numbers.
    sentence
        What this says.
    groups
        How many groups were drawn whole for the interval; None where rows were drawn.
    """

    target: str
    metric: str
    rows: int
    first: float | None
    second: float | None
    by: float | None
    interval: tuple[float, float] | None
    only_first: int | None
    only_second: int | None
    p: float | None
    sentence: str
    cannot_tell: str = (
        "The interval is of the choice of rows: that training again with another seed would give "
        "other networks is not in it."
    )
    groups: int | None = None

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out 0, on either side."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        record = asdict(self)
        record["interval"] = None if self.interval is None else list(self.interval)
        return {**record, "beyond_noise": self.beyond_noise}

    def __repr__(self) -> str:
        return self._block().to_text()

    def _repr_html_(self) -> str:
        return blocks_html([self._block()])

    def _block(self) -> Block:
        digits = score_digits(self.first)
        lines = [
            ("first", spell_score(self.first, digits), ""),
            ("second", spell_score(self.second, digits), ""),
            ("first ahead by", spell_score(self.by, digits), spell_interval(self.interval, digits)),
        ]
        title = f"{self.target}: {plural(self.rows, 'row')} judged by both"
        told = "\n".join(filter(None, [self.sentence, grouped_rows(self.groups)]))
        if self.p is not None:
            told += (
                f"\n{self.only_first:,} rows only the first has right, {self.only_second:,} only "
                f"the second: p = {self.p:.3g} (McNemar's test, exact"
            ) + (")." if self.groups is None else ", of rows as if independent).")
        told += f"\ncannot tell: {self.cannot_tell}"
        return Block(title, ("model", self.metric, "95 % interval"), lines, (1, 2), told=told)


def compare(
    first: Any,
    second: Any,
    X: Any,
    y: Any = None,
    *,
    metric: str | None = None,
    sample_weight: Any = None,
) -> PairedComparison:
    """Compare two models on the same rows, which neither should have learned from.

    first, second, X, y, sample_weight
        As `chainrule.evaluate` takes a model and rows; both must predict the same target.
    metric
        The score to compare by; by default that which both were trained for, else `roc_auc` or
        `rmse`.

    The interval is a paired percentile bootstrap (Efron, 1979): the rows are drawn again with
    replacement, the same ones for both; where the models were trained with groups and X has their
    column, whole groups. McNemar's test asks of the rows that only one of the two
    classifies right whether they are as likely to be the one's as the other's; weights and groups
    do not count in it.

    Raises `DataError`, `InputTypeError`, `SettingError` or `ShapeError` with one sentence.

    >>> import chainrule
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> models = [LogisticRegression(C=C).fit(X[::2], y[::2]) for C in (1.0, 0.001)]
    >>> found = chainrule.compare(*models, X[1::2], y[1::2], metric="log_loss")
    >>> found.beyond_noise, found.only_first, found.only_second
    (True, 18, 2)
    """
    if y is None:
        _check_alike(*map(_predicted, (first, second)))
    one = answered("compare", first, X, y, sample_weight)
    two = answered("compare", second, X, y, sample_weight)
    _check_alike(*((found.target, found.labels) for found in (one, two)))
    if metric is None and one.metric != two.metric:
        metric = "roc_auc" if one.task == "classification" else "rmse"
    metric = check_metric("compare", metric, one)
    two = replace(two, weights=one.weights, positive=one.positive)
    one, two = one.counted, two.counted
    judged = JudgedRows(
        one.task, one.target, one.truth, one.answers, None, "", one.weights, one.labels,
        one.positive, {SECOND: two.answers}, one.groups if one.groups is not None else two.groups,
    )  # fmt: skip
    lead = leads_over_baselines(judged, metric)[SECOND]
    only_first, only_second, p = _mcnemar(one, two)
    count = len(one.truth)
    return PairedComparison(
        one.target, metric, count, _score(one, metric), _score(two, metric), lead.by,
        lead.interval, only_first, only_second, p,
        _sentence(metric, count, lead.by, lead.interval),
        groups=None if judged.groups is None else len(np.unique(judged.groups)),
    )  # fmt: skip


def _predicted(model: Any) -> tuple[str, tuple[Any, ...]] | None:
    """The target of a model of a table and its classes, before rows are asked for it."""
    if isinstance(model, str | os.PathLike):
        model = load_table_model(RunFolder.open(model).model_path)
    inner = getattr(model, "model_", model)
    if not isinstance(inner, TableModel):
        return None
    return inner.labels.name, tuple(getattr(inner.labels, "classes", ()))


def _check_alike(*predicted: tuple[str, tuple[Any, ...]] | None) -> None:
    known = [one for one in predicted if one is not None]
    if len(set(known)) > 1:
        what = [
            f"{target} ({listing(labels) if labels else 'numbers'})" for target, labels in known
        ]
        message = (
            f"compare: the models predict other things, {what[0]} and {what[1]}; compare models of "
            "one target."
        )
        raise DataError(message)


def _score(found: Answered, metric: str) -> float | None:
    if found.task == "regression":
        scores: Mapping[str, float | None] = score_regression(
            found.truth, found.answers, found.weights
        )
    else:
        scores = score_classification(
            found.truth, found.answers, found.labels, found.weights, positive=found.positive
        )
    return scores[metric]


def _mcnemar(one: Answered, two: Answered) -> tuple[int | None, int | None, float | None]:
    if one.task == "regression":
        return None, None, None
    from scipy.stats import binomtest

    right, other = (found.answers.argmax(axis=1) == found.truth for found in (one, two))
    only_first, only_second = int((right & ~other).sum()), int((other & ~right).sum())
    apart = only_first + only_second
    p = float(binomtest(only_first, apart).pvalue) if apart else 1.0
    return only_first, only_second, p


def _sentence(
    metric: str, rows: int, by: float | None, interval: tuple[float, float] | None
) -> str:
    if by is None:
        return f"{metric} is not defined for both on these rows: nothing is said of them."
    if by == 0:
        return f"By {metric} both are equally good on these {rows:,} rows."
    better = "first" if by > 0 else "second"
    way = "lower" if metric in LOWER_IS_BETTER else "higher"
    by_rows = f"its {metric} is {abs(by):.4g} {way} on these {rows:,} rows"
    if interval is None:
        return f"The {better} is ahead: {by_rows}; they are too few to say whether that is noise."
    low, high = interval if by > 0 else (-interval[1], -interval[0])
    reach = f"{low:.4g} to {high:.4g} with 95 %"
    if low > 0:
        return (
            f"The {better} is better: {by_rows} ({reach}), beyond what the choice of rows explains."
        )
    return f"The {better} is ahead, but within noise: {by_rows} ({reach})."
