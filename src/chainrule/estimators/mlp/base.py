"""What the drop-in classifier and regressor have in common: a fit in scikit-learn's steps."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as Original
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.errors import SettingError, TrainingError
from chainrule.estimators.mlp.design import (
    STOCHASTIC_SOLVERS,
    WORDS,
    draw_first_values,
    network_of,
    optimizer_of,
)
from chainrule.estimators.mlp.lbfgs import minimize
from chainrule.estimators.mlp.validation import Validation, scorer_of
from chainrule.estimators.mlp.watching import Watch
from chainrule.layers import ACTIVATIONS, Parameters
from chainrule.losses import Loss
from chainrule.optimizers import Optimizer
from chainrule.training import Data, Plan, Trainer

__all__ = ["BaseMLP", "MLPError", "for_stochastic_solvers", "in_context"]

Array = np.ndarray[Any, np.dtype[Any]]

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


in_context: Callable[[Any], Any] = _fit_context(prefer_skip_nested_validation=True)
for_stochastic_solvers: Callable[[Any], Any] = available_if(lambda self: self._check_solver())


class MLPError(TrainingError, ValueError):
    """Training ended at a loss that is not finite; scikit-learn raises ValueError then."""


class BaseMLP(BaseEstimator, ABC):  # type: ignore[misc]
    """The common part of `MLPClassifier` and `MLPRegressor`."""

    _parameter_constraints: Mapping[str, Any] = {
        **Original._parameter_constraints,
        "activation": [StrOptions({*WORDS, *ACTIVATIONS}), "array-like", callable],
        "solver": [StrOptions({"lbfgs", *STOCHASTIC_SOLVERS}), Optimizer],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_norm": ["boolean"],
        "schedule": [None, callable],
        "metric": [None, str, callable],
        "callbacks": "no_validation",
    }

    n_iter_: int
    t_: int
    loss_: float
    best_loss_: Any
    loss_curve_: list[float]
    validation_scores_: Any
    validation_loss_curve_: Any
    best_validation_score_: Any
    stopped_: bool
    coefs_: list[Array]
    _trainer: Trainer
    _best: list[Array] | None
    intercepts_: list[Array]

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Features as an array, and the targets as scikit-learn would see them."""

    @abstractmethod
    def _targets(self, y: Any) -> Array:
        """Targets as the network takes them."""

    @abstractmethod
    def _loss_and_ending(self) -> tuple[Loss, Any]:
        """The loss, and the last activation or the layer after the last dense one."""

    @abstractmethod
    def _labels(self, outputs: Array) -> Array:
        """What the outputs of the network predict."""

    @abstractmethod
    def _default_score(self, y: Any, predicted: Array, weights: Any) -> float:
        """Accuracy, or R2."""

    @abstractmethod
    def _start(self, y: Any) -> None:
        """Take what is learned of the targets: `out_activation_`, `n_outputs_`."""

    @property
    def _stochastic(self) -> bool:
        return isinstance(self.solver, Optimizer) or self.solver in STOCHASTIC_SOLVERS

    def _check_solver(self) -> bool:
        if not self._stochastic:
            message = (
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
            raise AttributeError(message)
        return True

    def _hidden(self) -> list[Any]:
        given = self.hidden_layer_sizes
        sizes = list(given) if hasattr(given, "__iter__") else [given]
        if np.any(np.array(sizes) <= 0):
            message = f"hidden_layer_sizes must be > 0, got {sizes}."
            raise ValueError(message)
        return sizes

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, eval_set: Any, *, incremental: bool = False
    ) -> BaseMLP:
        hidden = self._hidden()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._validate_input(X, y, incremental, reset=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        sample_weight = self._class_weighted(y, sample_weight, incremental)
        self._random_state = check_random_state(self.random_state)
        self._start(y)
        self._prepare(X, hidden, first, incremental)
        data, validation = self._parts(X, y, sample_weight, eval_set, incremental)
        if self._stochastic:
            self._fit_stochastic(data, validation, incremental)
        else:
            self._fit_lbfgs(data)
        if not all(np.isfinite(one).all() for one in chain(self.coefs_, self.intercepts_)):
            raise MLPError(NOT_FINITE)
        return self

    def _class_weighted(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        given = getattr(self, "class_weight", None)
        if given is None:
            return sample_weight
        if incremental and given == "balanced":
            message = (
                "class_weight='balanced' is not supported for partial_fit, which does not see all "
                "rows; use compute_class_weight('balanced', classes=classes, y=y) of scikit-learn "
                "on all of them, and give a dict of its weights."
            )
            raise ValueError(message)
        factors = compute_sample_weight(given, y)
        return factors if sample_weight is None else sample_weight * factors

    def _prepare(self, X: Any, hidden: list[Any], first: bool, incremental: bool) -> None:
        """Build the network, with its first values or those that it has."""
        loss, ending = self._loss_and_ending()
        network = network_of(X.shape[1], hidden, self._units(), ending, vars(self))
        before: Trainer | None = None if first else self._trainer
        if before is not None:
            self._take_coefs()
            if incremental and before.network == network and before.task.losses == (loss,):
                return
        dtype = X.dtype if before is None else before.parameters.dtype
        parameters = Parameters(network.parameters(), dtype)
        if before is None:
            draw_first_values(parameters, self.activation, self._random_state)
        random = self._random_state.randint(2**31 - 1) if np.any(self.dropout) else 0
        rule = optimizer_of(vars(self)) if self._stochastic else "sgd"
        trainer = Trainer(
            network, loss, rule, dtype=dtype.name, seed=int(random), parameters=parameters
        )
        if before is not None:
            trainer.adopt(before)
            if incremental:
                trainer.adopt_optimizer(before)
        self._trainer = trainer
        self.coefs_, self.intercepts_ = self._own()
        if first:
            self._reset(len(hidden) + 2)

    def _reset(self, layers: int) -> None:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = layers
        self._best = self._trainer.get_weights() if self.early_stopping else None
        if not self._stochastic:
            return
        self.loss_curve_ = []
        self._no_improvement_count = 0
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_ = self.validation_loss_curve_ = self.best_validation_score_ = None

    def _units(self) -> int:
        """Units of the last layer."""
        return int(self.n_outputs_)

    def _own(self) -> tuple[list[Array], list[Array]]:
        """Kernels and biases of the dense layers, as views of the parameters."""
        parameters = self._trainer.parameters
        names = [name for name in parameters.names if name.startswith("coefs_")]
        kernels, biases = (
            [parameters[name] for name in names if name.endswith(ending)]
            for ending in ("/kernel", "/bias")
        )
        return kernels, biases

    def _take_coefs(self) -> None:
        """Give the network what a user has put into `coefs_` and `intercepts_`."""
        for shown, own in zip((self.coefs_, self.intercepts_), self._own(), strict=True):
            for index, (given, view) in enumerate(zip(shown, own, strict=True)):
                if given is not view and _address(given) != _address(view):
                    view[...] = given
                    shown[index] = view

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_trainer"):
            if not self._trainer.parameters.flat.flags.writeable:  # mapped from a file
                self._trainer = deepcopy(self._trainer)
            self._take_coefs()

    def _data(self, X: Any, target: Array | None = None, weights: Any = None) -> Data:
        """Rows as programs take them."""
        dtype = self._trainer.parameters.dtype
        sparse = hasattr(X, "tocsr")
        X = X.tocsr().astype(dtype, copy=False) if sparse else np.ascontiguousarray(X, dtype)
        arrays = {"input/input": X}
        if target is not None:
            arrays[f"target/{self._trainer.network.output_names[0]}"] = target
        data = Data(arrays, X.shape[0], sparse=sparse)
        return data if weights is None else data.weighted(np.ascontiguousarray(weights, dtype))

    def _parts(
        self, X: Any, y: Any, sample_weight: Any, eval_set: Any, incremental: bool
    ) -> tuple[Data, Validation | None]:
        """Rows to learn from, and rows held back."""
        if self.early_stopping and incremental and eval_set is None and self._stochastic:
            message = (
                "partial_fit does not support early_stopping=True without rows to watch: give it "
                "eval_set=(X, y)."
            )
            raise ValueError(message)
        if eval_set is not None:
            return self._data(X, self._targets(y), sample_weight), self._given(eval_set)
        if not self.early_stopping or not self._stochastic:
            return self._data(X, self._targets(y), sample_weight), None
        train, held = train_test_split(
            np.arange(X.shape[0]),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(y),
        )
        if len(held) < 2:
            message = (
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
            raise ValueError(message)
        learned, watched = (
            (X[rows], y[rows], None if sample_weight is None else sample_weight[rows])
            for rows in (train, held)
        )
        return self._data(learned[0], self._targets(learned[1]), learned[2]), self._held(*watched)

    def _strata(self, y: Any) -> Any:
        """What the rows held back have the same shares of; None for nothing."""
        return None

    def _given(self, eval_set: Any) -> Validation:
        if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
            message = (
                f"eval_set must be (X, y) or (X, y, sample_weight), got {type(eval_set).__name__}."
            )
            raise SettingError(message)
        X, y, *weights = eval_set
        X, y = self._validate_input(X, y, incremental=True, reset=False)
        weight = _check_sample_weight(weights[0], X) if weights and weights[0] is not None else None
        return self._held(X, y, weight)

    def _held(self, X: Any, y: Any, weights: Any) -> Validation:
        data = self._data(X, self._targets(y), weights)
        return Validation(data, X, y, weights, scorer_of(self.metric))

    def _fit_lbfgs(self, data: Data) -> None:
        for name in ("dropout", "batch_norm", "callbacks", "schedule"):
            if np.any(getattr(self, name)):
                message = f"{name}: solver='lbfgs' goes without it; use 'adam' or 'sgd'."
                raise SettingError(message)
        self.loss_, self.n_iter_ = minimize(
            self._trainer, data, max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol,
            verbose=self.verbose,
        )  # fmt: skip

    def _fit_stochastic(self, data: Data, validation: Validation | None, incremental: bool) -> None:
        if validation is not None and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_ = [], []
            self.best_validation_score_ = -np.inf
        watch = Watch(self, data.rows, validation)
        self.n_iter_ = 0
        plan = Plan(
            self._batch_size(data.rows), 1 if incremental else self.max_iter,
            order=self._order(data.rows),
        )  # fmt: skip
        own = self.callbacks
        own = [] if own is None else list(own) if isinstance(own, list | tuple) else [own]
        watched = None if validation is None else validation.data
        try:
            self._trainer.fit_data(data, watched, plan, [watch, *own])
        except TrainingError as error:
            message = f"{NOT_FINITE} {error}"
            raise MLPError(message) from None
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        finally:
            self._trainer.history = None
        self.stopped_ = watch.finished
        best = self._best if self.early_stopping else None
        if best is not None and (watch.finished or not incremental):
            self._trainer.set_weights(best)
        if self.n_iter_ == self.max_iter and not watch.finished and not incremental:
            message = (
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet."
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _batch_size(self, rows: int) -> int:
        if isinstance(self.batch_size, str):
            return min(200, rows)
        if self.batch_size > rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=6,
            )
        return int(np.clip(self.batch_size, 1, rows))

    def _order(self, rows: int) -> Callable[[int], Array]:
        """The orders of the epochs: each is the one before it, shuffled as scikit-learn does."""
        order = np.arange(rows)

        def next_epochs(epochs: int) -> Array:
            nonlocal order
            found = []
            for _ in range(epochs):
                if self.shuffle:
                    places = np.arange(rows)
                    self._random_state.shuffle(places)
                    order = order[places]
                found.append(order)
            return found[0] if epochs == 1 else np.concatenate(found)

        return next_epochs

    def _outputs(self, X: Any) -> Array:
        """What the network gives for rows, shape (rows, units)."""
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        self._take_coefs()
        return self._trainer.predict_data(self._data(X))  # type: ignore[no-any-return]

    def _answers(self, data: Data) -> Array:
        """What is predicted for rows that are ready."""
        return self._labels(self._trainer.predict_data(data))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _address(array: Any) -> Any:
    return np.asarray(array).__array_interface__["data"][0]
