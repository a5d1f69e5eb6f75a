"""scikit-learn's MLPRegressor, on the native engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.errors import DataError
from chainrule.estimators.mlp.base import Array, BaseMLP, for_stochastic_solvers, in_context
from chainrule.estimators.mlp.losses import HalfPoissonDeviance, HalfSquaredError
from chainrule.losses import Loss, find_loss

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron for numbers."""

    _parameter_constraints = {**BaseMLP._parameter_constraints, "loss": [str, callable, Loss]}

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        schedule: Any = None,
        metric: Any = None,
        callbacks: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.schedule = schedule
        self.metric = metric
        self.callbacks = callbacks

    @in_context
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None) -> Any:
        """Learn from rows."""
        return self._fit(X, y, sample_weight, eval_set)

    @for_stochastic_solvers
    @in_context
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None
    ) -> Any:
        """One epoch over rows."""
        return self._fit(X, y, sample_weight, eval_set, incremental=True)

    def predict(self, X: Any) -> Array:
        """Predict numbers."""
        check_is_fitted(self)
        return self._labels(self._outputs(X))

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and np.min(y) < 0:
            row = int(np.argmax(np.asarray(y).reshape(len(y), -1).min(axis=1) < 0))
            message = f"y is {y[row]} in row {row}; loss='poisson' needs targets of 0 or more."
            raise DataError(message)
        return X, y

    def _targets(self, y: Any) -> Array:
        return np.ascontiguousarray(y.reshape(len(y), -1), self._trainer.parameters.dtype)

    def _start(self, y: Any) -> None:
        self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"

    def _loss_and_ending(self) -> tuple[Loss, Any]:
        by_weight: dict[str, Any] = {"reduction": "mean_with_sample_weight"}
        if self.loss == "squared_error":
            return HalfSquaredError(**by_weight), None
        if self.loss == "poisson":
            return HalfPoissonDeviance(**by_weight), "exponential"
        return replace(find_loss(self.loss), **by_weight), None

    def _labels(self, outputs: Array) -> Array:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _default_score(self, y: Any, predicted: Array, weights: Any) -> float:
        return float(r2_score(y, predicted, sample_weight=weights))
