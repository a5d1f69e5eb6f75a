"""Explanations by slopes: integrated gradients, which add up, and saliency, which is local."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.explaining.asked import asked_of
from chainrule.explaining.attributions import Attributions
from chainrule.explaining.column_values import ColumnValues
from chainrule.explaining.explanation import library_of
from chainrule.explaining.paths import summed_slopes
from chainrule.explaining.shapley import in_parallel
from chainrule.settings import check_count, check_number

__all__ = ["integrated_gradients", "saliency"]

Array = np.ndarray[Any, np.dtype[Any]]

CANNOT_TELL = (
    "What would follow from changing a column in the world: values say how this model gets from "
    "its answer at the baseline to this one.",
    "What holds for another baseline: values are of the straight line from this one, on which no "
    "real row need lie.",
)
LOCAL = (
    "How much of an answer a column makes: it is a slope at the row alone, and flat where the "
    "model is sure.",
)


def integrated_gradients(
    model: Any, X: Any, baseline: Any = None, *, scale: str | None = None, classes: Any = None,
    tolerance: float = 1e-3, most: int = 200_000,
    progress: Callable[[int, int], None] | None = None,
) -> Attributions:  # fmt: skip
    """What each column adds on the straight way from a baseline to each row, by slopes.

    model
        A model of a table (run folder, `TableModel`, `TabularClassifier`, `TabularRegressor`), a
        `Sequential` of one input, or an `MLPClassifier` or `MLPRegressor`.
    X
        The rows to explain, as `predict` takes them.
    baseline
        Where the way begins: a row, as X has them. Where None, of a table the mean of the rows of
        training that the model keeps, as its first layer is given them: one way for each row, of
        which it can be said that all adds up. Else a row of zeros.
    scale, classes
        As `shap_values` takes them for tables; of other networks the outputs as they are, and
        which of them, counted from 0 (or labels of an `MLPClassifier`).
    tolerance
        By how much values may add up to more or less than the change of the answer: a probability,
        on the scale "logit" in log-odds, of numbers a share of the target's standard deviation.
    most
        Points at which slopes are taken for one row at most.
    progress
        Called with how many rows are done and how many there are.

    The value of a column is the integral of the slope along the way times the way, over all that
    the column becomes (Sundararajan, Taly and Yan, 2017). For tables the way is straight where the
    first layer is given its numbers: scaled numbers, ones of categories, rows of embeddings, units
    of spread numbers; so a category moves from the baseline's place to its own.

    Raises `SettingError` where the tolerance cannot be reached, and as `shap_values` does.

    >>> from chainrule import Sequential
    >>> from chainrule.layers import Dense, Input
    >>> model = Sequential([Input((2,)), Dense(4, "relu"), Dense(1)], seed=0)
    >>> found = integrated_gradients(model, [[1.0, 2.0]])
    >>> gap = found.values.sum() - (model.predict([[1.0, 2.0]]) - model.predict([[0.0, 0.0]]))
    >>> bool(abs(gap) < 1e-3)
    True
    """
    check_number("integrated_gradients", "tolerance", tolerance, "above 0", lambda one: one > 0)
    check_count("integrated_gradients", "most", most)
    asked = asked_of(model, X, scale, classes)
    start = asked.start(model, baseline)
    base = asked.slopes.answers(start[np.newaxis])[0]
    allowed = tolerance * asked.unit

    def explained(row: int) -> Array:
        point = asked.points[[row]]
        wanted: dict[str, Any] = {"tolerance": allowed, "most": most, "first": row}
        return np.stack(
            [summed_slopes(asked.slopes, start, point, one, **wanted)[0] for one in asked.outputs],
            axis=-1,
        )

    values = np.stack(in_parallel(explained, range(len(asked.points)), progress))
    chosen = list(asked.outputs)
    single = len(chosen) == 1 and (classes is None or np.ndim(classes) == 0)
    prediction = asked.prediction[:, chosen]
    found = Attributions(
        method="integrated gradients",
        values=values[..., 0] if single else values,
        base=float(base[chosen[0]]) if single else base[chosen],
        prediction=prediction[:, 0] if single else prediction,
        error=np.zeros(values.shape[:2] if single else values.shape),
        columns=asked.columns, cells=asked.cells,
        outputs=asked.labels, scale=asked.scale,
        cannot_tell=CANNOT_TELL,
        library=library_of(X),
    )  # fmt: skip
    found.check(allowed + 1e-4)
    return found


def saliency(model: Any, X: Any, *, scale: str | None = None, classes: Any = None) -> ColumnValues:
    """How fast each answer changes with each column, at the row itself.

    model, X, scale, classes
        As `integrated_gradients` takes them.

    Of a table: for a number, what the slopes by all that it is encoded as say of one standard
    deviation more, half of it to both sides; for a category, a date and all else the root of the
    mean square of what the slope says of the values of the rows of training that the model keeps,
    which has no sign.
    Of other networks the derivative by each input.

    >>> from chainrule import Sequential
    >>> from chainrule.layers import Dense, Input
    >>> model = Sequential([Input((2,)), Dense(1)], seed=0)
    >>> bool(np.allclose(saliency(model, [[1.0, 2.0]]).values, model.layers[0].kernel.T))
    True
    """
    asked = asked_of(model, X, scale, classes)
    chosen = list(asked.outputs)
    values = np.stack([asked.local(output, model) for output in chosen], axis=-1)
    prediction = asked.prediction[:, chosen]
    single = len(chosen) == 1 and (classes is None or np.ndim(classes) == 0)
    return ColumnValues(
        method="saliency",
        values=values[..., 0] if single else values,
        prediction=prediction[:, 0] if single else prediction,
        columns=asked.columns,
        cells=asked.cells,
        outputs=asked.labels,
        scale=asked.scale,
        cannot_tell=LOCAL,
        library=library_of(X),
    )
