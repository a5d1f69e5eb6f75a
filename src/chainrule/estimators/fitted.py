"""Whether an estimator has been fitted, before more is asked of it."""

from __future__ import annotations

from typing import Any

__all__ = ["check_fitted"]


def check_fitted(what: str, model: Any) -> None:
    """Raise scikit-learn's NotFittedError for an estimator without what its `fit` leaves.

    Says nothing of what does not tell, such as scikit-learn's regressors: their `predict` raises.

    >>> from chainrule import TabularRegressor
    >>> check_fitted("save", TabularRegressor())
    Traceback (most recent call last):
    sklearn.exceptions.NotFittedError: save: this TabularRegressor is not fitted; call fit first.
    """
    from sklearn.exceptions import NotFittedError

    if isinstance(model, type):
        return
    told = getattr(model, "__sklearn_is_fitted__", None)
    classifies = hasattr(model, "predict_proba") and not hasattr(model, "classes_")
    if classifies if told is None else not told():
        message = f"{what}: this {type(model).__name__} is not fitted; call fit first."
        raise NotFittedError(message)
