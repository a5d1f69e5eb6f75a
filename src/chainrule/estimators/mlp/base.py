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
from sklearn.neural_network import MLPClassifier as Original
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.errors import SettingError, TrainingError
from chainrule.estimators.mlp.design import (
    STOCHASTIC_SOLVERS,
    WORDS,
    draw_first_values,
    network_of,
    optimizer_of,
)
from chainrule.estimators.mlp.lbfgs import minimize
from chainrule.estimators.mlp.order import ShuffledOrder
from chainrule.estimators.mlp.rows import Given, TakesRows
from chainrule.estimators.mlp.validation import Validation
from chainrule.estimators.mlp.watching import RateRule, Watch
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


class BaseMLP(TakesRows, BaseEstimator, ABC):  # type: ignore[misc]
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
    _rate: RateRule | None = None
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
    def trainer(self) -> Trainer:
        """The network at work, with `coefs_` and `intercepts_` as they are."""
        check_is_fitted(self)
        self._take_coefs()
        return self._trainer

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
        shown = X
        X, y = self._validate_input(X, y, incremental, reset=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        sample_weight = self._class_weighted(y, sample_weight, incremental)
        self._random_state = check_random_state(self.random_state)
        self._start(y)
        self._prepare(X, hidden, first, incremental)
        rows = Given(X, y, sample_weight, shown)
        data, validation = self._parts(rows, eval_set, incremental)
        if self._stochastic:
            self._fit_stochastic(data, validation, incremental)
        else:
            self._fit_lbfgs(data)
        if not all(np.isfinite(one).all() for one in chain(self.coefs_, self.intercepts_)):
            raise MLPError(NOT_FINITE)
        return self

    def _prepare(self, X: Any, hidden: list[Any], first: bool, incremental: bool) -> None:
        """Build the network, with its first values or those that it has."""
        before: Trainer | None = None if first else self._trainer
        if before is not None:
            hidden = self._kept_units(len(hidden))
        loss, ending = self._loss_and_ending()
        network = network_of(X.shape[1], hidden, self._units(), ending, vars(self))
        if before is not None:
            self._take_coefs()
            same = before.network == network and before.task.losses == (loss,)
            if incremental and same and self._rate is not None:
                return
        dtype = X.dtype if before is None else before.parameters.dtype
        parameters = Parameters(network.parameters(), dtype)
        if before is None:
            draw_first_values(parameters, self.activation, self._random_state)
        random = self._random_state.randint(2**31 - 1) if np.any(self.dropout) else 0
        goes_on = before is not None and self._rate is not None
        goes_on = goes_on and (incremental or not self._stochastic)
        rule: Any = "sgd"  # of lbfgs, which does not use it
        if before is not None and goes_on:
            rule = before.optimizer.description
        elif self._stochastic:
            rule, self._rate = optimizer_of(vars(self)), RateRule.of(self)
        trainer = Trainer(
            network, loss, rule, dtype=dtype.name, parameters=parameters,
            seed=int(random) + (0 if before is None else self.t_),  # other masks in a warm start
        )  # fmt: skip
        if before is not None:
            trainer.adopt(before)
            if goes_on:
                trainer.adopt_optimizer(before)
        self._trainer = trainer
        self.coefs_, self.intercepts_ = self._own()
        if first:
            self.n_iter_ = self.t_ = 0
            self.n_layers_ = len(hidden) + 2
            self._best = self._trainer.get_weights() if self.early_stopping else None
            self._forget_curves()

    def _kept_units(self, layers: int) -> list[int]:
        """Units of the hidden layers there are, which a fit that goes on keeps."""
        if layers != len(self.coefs_) - 1 or self._units() != self.coefs_[-1].shape[1]:
            message = (
                f"the network has {len(self.coefs_) - 1} hidden layers and "
                f"{self.coefs_[-1].shape[1]} outputs, and cannot go on with {layers} and "
                f"{self._units()}; fit it anew, without warm_start."
            )
            raise ValueError(message)
        return [kernel.shape[1] for kernel in self.coefs_[:-1]]

    def _forget_curves(self) -> None:
        if not self._stochastic:
            self._rate = None
            return
        self.loss_curve_ = []
        self._no_improvement_count = 0
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_loss_curve_ = None
        self.validation_scores_ = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None

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

    def _fit_lbfgs(self, data: Data) -> None:
        for name in ("dropout", "batch_norm", "callbacks", "schedule"):
            if np.any(getattr(self, name)):
                message = f"{name}: solver='lbfgs' goes without it; use 'adam' or 'sgd'."
                raise SettingError(message)
        self.loss_, self.n_iter_ = minimize(
            self._trainer, data, self._unpenalized(), max_iter=self.max_iter, max_fun=self.max_fun,
            tol=self.tol, verbose=self.verbose,
        )  # fmt: skip

    def _unpenalized(self) -> Trainer:
        """The same network with the same parameters, without alpha's penalty."""
        loss, ending = self._loss_and_ending()
        units = [kernel.shape[1] for kernel in self.coefs_[:-1]]
        settings = {**vars(self), "alpha": 0.0}
        network = network_of(self.coefs_[0].shape[0], units, self._units(), ending, settings)
        shared = self._trainer.parameters
        parameters = Parameters(network.parameters(), shared.dtype)
        parameters.flat = shared.flat
        return Trainer(network, loss, "sgd", dtype=shared.dtype.name, parameters=parameters)

    def _fit_stochastic(self, data: Data, validation: Validation | None, incremental: bool) -> None:
        self._begin_curves(validation)
        idle = data.variant.weighted and not data.arrays["weight"].all()
        watch = Watch(self, data.rows, validation, some_weigh_nothing=idle)
        self.n_iter_ = 0
        plan = Plan(
            self._batch_size(data.rows), 1 if incremental else self.max_iter,
            shuffle=self.shuffle,
            order=ShuffledOrder(data.rows, self._random_state if self.shuffle else None),
        )  # fmt: skip
        own = self.callbacks
        own = [] if own is None else list(own) if isinstance(own, list | tuple) else [own]
        watched = None if validation is None else validation.data
        try:
            self._trainer.fit_data(data, watched, plan, [watch, *own])
        except TrainingError as error:
            message = f"{NOT_FINITE} {str(error)[:1].upper()}{str(error)[1:]}"
            if idle:
                message += " A batch of which all rows weigh 0 has no loss: leave such rows out."
            raise MLPError(message) from None
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        finally:
            self._trainer.history = self._trainer.row_numbers = None
        self.stopped_ = bool(self._trainer.stop_training)
        best = self._best if self.early_stopping else None
        if best is not None and (watch.finished or not incremental):
            self._trainer.set_weights(best)
        if not incremental:
            self._best = None  # where a warm start improves on nothing, its last weights stay
        if self.n_iter_ == self.max_iter and not watch.finished and not incremental:
            message = (
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet."
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _begin_curves(self, validation: Validation | None) -> None:
        """Whatever a fit before this one has left out."""
        if not hasattr(self, "loss_curve_"):
            self._forget_curves()
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf
        if validation is None:
            return
        if self.best_validation_score_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        if self.validation_loss_curve_ is None:
            self.validation_loss_curve_ = []

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
