"""SHAP values: what each column adds to an answer, fairly shared out over all orders of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, SettingError
from chainrule.explaining.attributions import Attributions
from chainrule.explaining.explanation import library_of, spelled
from chainrule.explaining.game import game_of
from chainrule.explaining.outputs import chosen_outputs
from chainrule.explaining.pool import TablePool
from chainrule.explaining.shapley import Ends, exact_values, sampled_values
from chainrule.explaining.subject import Subject, subject_of
from chainrule.settings import check_count, check_number, check_seed

__all__ = ["background_of_subject", "shap_values"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_BACKGROUND = 1000
MOST_COLUMNS = 16
"""Of rows that are explained exactly: all their coalitions are gone through."""
SLACK = 1.1
"""Times the error asked for that is not worth a word: it is aimed at by what is expected."""
CANNOT_TELL = (
    "What would follow from changing a column in the world: values say how this model gets from "
    "its mean answer to this one.",
    "What the model does with likely rows alone: columns are exchanged one by one, so that rows "
    "are asked that may not occur where columns depend on each other.",
)


def shap_values(
    model: Any, X: Any, background: Any = None, *, scale: str | None = None, classes: Any = None,
    seed: int = 0, error: float = 0.002, rounds: int = 4,
) -> Attributions:  # fmt: skip
    """What each column adds to the answer to each row: base + sum over columns = prediction.

    model
        A fitted estimator of ours or of scikit-learn's kind, a run folder, or a `TableModel`.
    X
        The rows to explain, as `predict` takes them.
    background
        Rows that stand for all others, up to 1,000: the base is the mean answer to them. The 100
        rows of training that a model of ours keeps where None.
    scale
        "probability" (of classes, where None), "logit" (log-odds of a class against all others),
        or "number", the unit of the target.
    classes
        A class, or several; where None the positive one of two, or all of more.
    error
        What the sampling error (a standard deviation) of the value of each column should stay
        below: a probability, on other scales a share of the standard deviation of the answers to
        the background. 0 for exact values of up to 16 columns, by all coalitions, which takes long.
    rounds
        How often each row of the background is gone through at most to get there. Where that is
        not enough `cannot_tell` says so.
    seed
        What the orders of columns are drawn from. The same bits on any number of threads.

    A column's value for a row x is the mean over rows b of the background and over orders of the
    columns of the change in the answer when the column turns from b's value to x's, after those
    before it in the order have done so (Shapley, 1953; Lundberg and Lee, 2017: interventional
    values). Orders are drawn with their reverses, in balanced sets, for each b anew; where a model
    answers with the mean of several networks, each has orders of its own.

    Raises `DataError`, `SettingError` or `InputTypeError` with one sentence for what does not fit.

    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[float(i), float(i % 3)] for i in range(30)])
    >>> found = shap_values(LinearRegression().fit(X, X @ [2.0, 1.0]), X[:4], X)
    >>> found.values[3].round(6).tolist(), round(float(found.base), 6)  # 2 (3 - 14.5), 0 - 1
    ([-23.0, -1.0], 30.0)
    """
    check_number("shap_values", "error", error, "of 0 or more", lambda number: number >= 0)
    check_count("shap_values", "rounds", rounds)
    check_seed("shap_values", seed)
    subject = subject_of(model, X)
    others = background_of_subject(subject, model, background)
    scale = subject.scale(scale)
    outputs = list(chosen_outputs(subject, classes))
    base = others.answers(scale)[:, outputs]
    prediction = subject.answers(scale)[:, outputs]
    if not error:
        _check_columns(subject)
    game = game_of(subject, others, scale, outputs)
    differs = differing(subject, others)
    ends = Ends.of(game, subject.rows, others.rows, len(subject.columns))
    if error:
        error *= 1.0 if scale == "probability" else float(base.std(axis=0).max())
        values, spread = sampled_values(game, differs, ends, seed=seed, error=error, rounds=rounds)
    else:
        values = exact_values(game, differs, ends)
        spread = np.zeros_like(values)
    single = len(outputs) == 1 and (classes is None or np.ndim(classes) == 0)
    found = Attributions(
        method="shap",
        values=values[..., 0] if single else values,
        base=float(base.mean()) if single else base.mean(axis=0),
        prediction=prediction[:, 0] if single else prediction,
        error=spread[..., 0] if single else spread,
        columns=subject.columns,
        cells={name: subject.values(name) for name in subject.columns},
        outputs=tuple(subject.outputs[one] for one in outputs),
        scale=scale,
        cannot_tell=(*CANNOT_TELL, *_not_reached(spread, error, rounds)),
        library=library_of(X),
    )
    found.check()
    return found


def _not_reached(spread: Array, error: float, rounds: int) -> Iterator[str]:
    """That sampling ended above the error asked for."""
    largest = float(spread.max(initial=0.0))
    if largest > SLACK * error:
        yield (
            f"Single values to {spelled(error)}, the sampling error asked for: the largest is "
            f"{spelled(largest)} (a standard deviation) after rounds={rounds}; more come nearer."
        )


def background_of_subject(subject: Subject, model: Any, background: Any) -> Subject:
    """The rows given, or those of training that a model keeps; raises where there are none."""
    pool = subject.pool
    kept = pool.model.background if isinstance(pool, TablePool) else None
    if background is None and kept is not None:
        return subject_of(model, kept)
    if background is None:
        message = (
            f"background: {_why_none(model)}; give some, such as 100 of those it was trained on."
        )
        raise SettingError(message)
    try:
        others = subject_of(model, background)
    except (DataError, InputTypeError) as error:
        message = f"background: {error}"
        raise type(error)(message) from None
    if not 1 <= others.rows <= MOST_BACKGROUND:
        message = (
            f"background: must be 1 to {MOST_BACKGROUND:,} rows, got {others.rows:,}; give a "
            "sample, such as 100 rows."
        )
        raise SettingError(message)
    return others


def _why_none(model: Any) -> str:
    """Why there are no rows of training as X has them."""
    steps = getattr(model, "steps", None)
    if steps and hasattr(steps[-1][-1], "model_"):
        return (
            "the pipeline's last step keeps rows of training as the steps before it made them, not "
            "as X has them"
        )
    return "the model keeps no rows of training"


def differing(subject: Subject, others: Subject) -> Array:
    """Where a row and a row of the background have different values: (rows, others, columns)."""
    joined = subject.joined(others)
    found = np.zeros((subject.rows, others.rows, len(subject.columns)), dtype=bool)
    for place, name in enumerate(subject.columns):
        codes = joined.cells(name).codes
        found[:, :, place] = codes[: subject.rows, np.newaxis] != codes[subject.rows :]
    return found


def _check_columns(subject: Subject) -> None:
    if len(subject.columns) > MOST_COLUMNS:
        message = (
            f"error: 0 asks for exact values, which {len(subject.columns)} columns have too many "
            f"coalitions for (at most {MOST_COLUMNS} columns); give an error such as 0.002."
        )
        raise SettingError(message)
