"""scikit-learn's MLPRegressor, on the native engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.errors import DataError, SettingError
from chainrule.estimators.mlp.base import Array, BaseMLP, in_context
from chainrule.estimators.mlp.losses import HalfPoissonDeviance, HalfSquaredError
from chainrule.losses import Loss, find_loss

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """scikit-learn's MLPRegressor on the native engine: change the import line, nothing else.

    The numbers are scikit-learn's: with the same integer `random_state` the first weights are equal
    to the bit, rows come in the same order, and the losses of epochs agree to rounding (in float64;
    it computes in the type of X, float32 or float64). Its oddities are followed: the squared
    loss of several outputs is reported as their mean, and what descends is their sum.

    Parameters of scikit-learn, in its places and with its defaults:

    loss
        "squared_error" (1/2 (p - t)^2) or "poisson" (half the deviance, after exp).
        Also: a loss of `chainrule.losses` by name or object ("mae", "huber", `Quantile(0.9)`), or a
        function `(y_true, y_pred)` on nodes; divided by the sum of weights.
    hidden_layer_sizes, activation
        Units of the hidden layers; "identity", "logistic", "tanh" or "relu". Also: any name or
        object of `chainrule.activations`, or a list with one for each hidden layer.
    solver
        "adam", "sgd" or "lbfgs" (SciPy's, for small tables). Also: "adamw", "rmsprop", "adagrad",
        "nadam" with their own settings, or an object of `chainrule.optimizers`.
    alpha
        Strength of the penalty alpha / 2 * sum w^2 of kernels, divided by the weight of a batch.
    batch_size, max_iter, shuffle, random_state
        Rows an update ("auto": 200), epochs at most, whether rows are shuffled, and from what
        everything is drawn.
    learning_rate, learning_rate_init, power_t, momentum, nesterovs_momentum
        For "sgd": "constant", "invscaling" (divided by t^power_t after each epoch, t the rows seen)
        or "adaptive" (divided by 5 where nothing improves). `learning_rate_init` is for all.
    beta_1, beta_2, epsilon
        For "adam".
    tol, n_iter_no_change, early_stopping, validation_fraction
        Training stops after so many epochs in a row that were not better by tol: by the loss, or
        with early stopping by the score of rows held back, whose best weights come back.
    verbose, warm_start, max_fun
        Whether epochs are printed; whether a fit goes on from the one before; calls of lbfgs.

    What scikit-learn has not, by keyword; the defaults change nothing:

    dropout
        Share of hidden units left out in training, or a list with one for each hidden layer.
    batch_norm
        Whether hidden layers are normalized over the batch before their activation.
    schedule
        A schedule of `chainrule.optimizers.schedules`, or a function of the step, as the rate.
    metric
        What `validation_scores_` are and early stopping goes by: a name of scikit-learn's scorers
        ("roc_auc", "neg_log_loss"), a function `(estimator, X, y) -> score`, or "loss" for the
        validation loss; None for R2.
    callbacks
        Of `chainrule.callbacks`, such as `ProgressBar()`.

    `fit` and `partial_fit` take `eval_set=(X, y)` or `(X, y, sample_weight)`: rows to watch in
    place of a part that is held back. In a pipeline it reaches the network as it is given, so
    transform its X with the steps before it. With it `partial_fit` stops early too: `stopped_`
    tells when.

    After `fit` there are scikit-learn's attributes (`coefs_`, `intercepts_`, `loss_curve_`,
    `validation_scores_`, `n_iter_`, ...), and `validation_loss_curve_` and `stopped_` (whether
    training ended before `max_iter`). `coefs_` show the weights themselves: changing them changes
    predictions.

    Raises ValueError in scikit-learn's words for settings and data; also where the loss is not
    finite, at its first step, with the rows. With early stopping that is a ConvergenceWarning, and
    the best weights stay.

    >>> from sklearn.datasets import load_diabetes
    >>> from chainrule import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegressor(solver="lbfgs", random_state=0, max_iter=100, tol=1.0)
    >>> network.fit(X, y).score(X, y) > 0.5
    True
    """

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
        """Learn from rows; what was learned before is forgotten, but with `warm_start`.

        X
            Shape (rows, features): array, frame or sparse matrix of numbers.
        y
            Targets: (rows,), or (rows, outputs).
        sample_weight
            The weight of each row in the loss, which is divided by their sum.
        eval_set
            `(X, y)` or `(X, y, sample_weight)`: rows to watch.
        """
        return self._fit(X, y, sample_weight, eval_set)

    @in_context
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None
    ) -> Any:
        """One epoch over rows, from where the last call left off; arguments as those of `fit`.

        With "lbfgs" it is a fit that goes on (as scikit-learn's). With `early_stopping` it needs
        an `eval_set`; after the call that makes `stopped_` True the best weights are back.
        """
        return self._fit(X, y, sample_weight, eval_set, incremental=True)

    def predict(self, X: Any) -> Array:
        """The predicted numbers, shape (rows,), or (rows, outputs)."""
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
        loss = find_loss(self.loss)
        if loss.target_kind in ("labels", "probabilities"):
            message = f"loss: {loss.name} is a loss of classes; use it with MLPClassifier."
            raise SettingError(message)
        return replace(loss, **by_weight), None

    def _labels(self, outputs: Array) -> Array:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _default_score(self, y: Any, predicted: Array, weights: Any) -> float:
        return float(r2_score(y, predicted, sample_weight=weights))
