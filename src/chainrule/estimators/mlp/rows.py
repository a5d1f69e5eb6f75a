"""The rows that an estimator is given: to learn from, and to watch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from chainrule.errors import SettingError
from chainrule.estimators.mlp.validation import Validation, scorer_of
from chainrule.training import Data

__all__ = ["Given", "TakesRows"]

Array = np.ndarray[Any, np.dtype[Any]]


class Given(NamedTuple):
    """Checked features, targets and weights, and the features as the user gave them."""

    X: Any
    y: Any
    weights: Any
    shown: Any

    def take(self, rows: Array) -> Given:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Given(self.X[rows], self.y[rows], weights, _safe_indexing(self.shown, rows))


class TakesRows:
    """What an estimator does with rows before it learns from them."""

    def _class_weighted(self: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        given = getattr(self, "class_weight", None)
        if given is None:
            return sample_weight
        if incremental and isinstance(given, str):
            message = (
                "class_weight='balanced' is not supported for partial_fit, which does not see all "
                "rows; use compute_class_weight('balanced', classes=classes, y=y) of scikit-learn "
                "on all of them, and give a dict of its weights."
            )
            raise ValueError(message)
        if incremental and isinstance(given, dict):  # a batch need not have every class
            given = {label: weight for label, weight in given.items() if np.any(y == label)} or None
        factors = compute_sample_weight(given, y)
        return factors if sample_weight is None else sample_weight * factors

    def _data(self: Any, X: Any, target: Array | None = None, weights: Any = None) -> Data:
        """Rows as programs take them."""
        dtype = self._trainer.parameters.dtype
        sparse = hasattr(X, "tocsr")
        X = X.tocsr().astype(dtype, copy=False) if sparse else np.ascontiguousarray(X, dtype)
        arrays = {"input/input": X}
        if target is not None:
            arrays[f"target/{self._trainer.network.output_names[0]}"] = target
        data = Data(arrays, X.shape[0], sparse=sparse)
        return data if weights is None else data.weighted(np.ascontiguousarray(weights, dtype))

    def _ready(self: Any, rows: Given) -> Data:
        target = self._targets(rows.y)
        wanted = self._trainer.task.losses[0].target_shape((self._units(),))
        if target.shape[1:] != wanted:
            message = (
                f"y has shape {rows.y.shape}, but the network was fitted on {self.n_outputs_} "
                "outputs; give targets of the same form."
            )
            raise ValueError(message)
        data: Data = self._data(rows.X, target, rows.weights)
        return data

    def _parts(
        self: Any, rows: Given, eval_set: Any, incremental: bool
    ) -> tuple[Data, Validation | None]:
        """Rows to learn from, and rows to watch."""
        scorer = scorer_of(self.metric)
        self._trainer.row_numbers = None
        held: Given | None = None
        if eval_set is not None:
            held = self._given(eval_set)
        elif self.early_stopping and self._stochastic:
            if incremental:
                message = (
                    "partial_fit does not support early_stopping=True without rows to watch: give "
                    "it eval_set=(X, y)."
                )
                raise ValueError(message)
            rows, held = self._split(rows)
        if held is None:
            return self._ready(rows), None
        watched = Validation(self._ready(held), held.shown, held.y, held.weights, scorer)
        return self._ready(rows), watched

    def _split(self: Any, rows: Given) -> tuple[Given, Given]:
        """Rows to learn from and rows held back, drawn as scikit-learn draws them."""
        train, held = train_test_split(
            np.arange(rows.X.shape[0]),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(rows.y),
        )
        if len(held) < 2:
            message = (
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
            raise ValueError(message)
        self._trainer.row_numbers = train
        return rows.take(train), rows.take(held)

    def _strata(self, y: Any) -> Any:
        """What the rows held back have the same shares of; None for nothing."""
        return None

    def _given(self: Any, eval_set: Any) -> Given:
        if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
            message = (
                f"eval_set must be (X, y) or (X, y, sample_weight), got {type(eval_set).__name__}."
            )
            raise SettingError(message)
        shown, y, *weights = eval_set
        try:
            X, y = self._validate_input(shown, y, incremental=True, reset=False)
            weight = weights[0] if weights else None
            weight = None if weight is None else _check_sample_weight(weight, X)
            return Given(X, y, self._class_weighted(y, weight, incremental=False), shown)
        except ValueError as error:
            message = f"eval_set: {error}"
            raise SettingError(message) from None
