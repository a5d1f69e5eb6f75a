"""scikit-learn's MLPClassifier, on the native engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.estimators.mlp.base import Array, BaseMLP, for_stochastic_solvers, in_context
from chainrule.estimators.mlp.labels import GroupedLabels
from chainrule.estimators.mlp.losses import (
    BinaryLogLoss,
    GroupedLogLoss,
    GroupedSoftmax,
    LogLoss,
)
from chainrule.losses import Loss, find_loss

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron for classes."""

    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
        "loss": [str, callable, Loss],
    }

    classes_: Any
    _labels_of: Any

    def __init__(
        self,
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
        class_weight: Any = None,
        loss: Any = "log_loss",
        schedule: Any = None,
        metric: Any = None,
        callbacks: Any = None,
    ) -> None:
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
        self.class_weight = class_weight
        self.loss = loss
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
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None, *,
        eval_set: Any = None,
    ) -> Any:  # fmt: skip
        """One epoch over rows."""
        self._first_classes(y, classes)
        return self._fit(X, y, sample_weight, eval_set, incremental=True)

    def _first_classes(self, y: Any, classes: Any) -> None:
        """Learn the classes at the first call of partial_fit."""
        kind = type_of_target(y)
        if kind == GroupedLabels.y_type_:
            if not hasattr(self, "classes_"):
                columns = np.asarray(y).T if classes is None else classes
                self._labels_of = GroupedLabels().fit(columns)
                self.classes_ = self._labels_of.classes_
        elif _check_partial_fit_first_call(self, classes):
            self._labels_of = LabelBinarizer().fit(y if kind.startswith("multilabel") else classes)

    def predict(self, X: Any) -> Array:
        """Predict labels."""
        check_is_fitted(self)
        return self._labels(self._outputs(X))

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class."""
        check_is_fitted(self)
        outputs = self._outputs(X)
        if isinstance(self._labels_of, GroupedLabels):
            return self._labels_of.split(outputs)
        if self.n_outputs_ == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of `predict_proba`."""
        found = self.predict_proba(X)
        if isinstance(found, list):
            return [np.log(one, out=one) for one in found]
        return np.log(found, out=found)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        if hasattr(y, "toarray"):
            y = y.toarray()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            several = type_of_target(y) == GroupedLabels.y_type_
            self._labels_of = GroupedLabels().fit(y.T) if several else LabelBinarizer().fit(y)
            self.classes_ = self._labels_of.classes_
        elif isinstance(self._labels_of, GroupedLabels):
            self._check_grouped(y)
        else:
            self._check_classes(y, incremental)
        return X, y

    def _check_grouped(self, y: Any) -> None:
        if y.ndim != 2 or y.shape[1] != len(self.classes_):
            message = f"y has shape {y.shape}; give {len(self.classes_)} columns, as before."
            raise ValueError(message)
        unknown = self._labels_of.unknown(y)
        if unknown is not None:
            column, label = unknown
            message = (
                f"`y` has classes not in `self.classes_`: {label!r} in column {column}, which has "
                f"{self.classes_[column]}."
            )
            raise ValueError(message)

    def _check_classes(self, y: Any, incremental: bool) -> None:
        classes = unique_labels(y)
        if self.warm_start and not incremental:
            if set(classes) != set(self.classes_):
                message = (
                    "warm_start can only be used where `y` has the same classes as in the previous "
                    f"call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
                raise ValueError(message)
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            message = (
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )
            raise ValueError(message)

    def _start(self, y: Any) -> None:
        kind: str = self._labels_of.y_type_
        if kind in ("multilabel-indicator", GroupedLabels.y_type_):
            self.n_outputs_ = len(self.classes_)
        else:
            self.n_outputs_ = 1 if len(self.classes_) <= 2 else len(self.classes_)
        several = kind in ("multiclass", GroupedLabels.y_type_)
        self.out_activation_ = "softmax" if several else "logistic"

    def _units(self) -> int:
        labels = self._labels_of
        return sum(labels.groups) if isinstance(labels, GroupedLabels) else self.n_outputs_

    def _loss_and_ending(self) -> tuple[Loss, Any]:
        by_weight: dict[str, Any] = {"reduction": "mean_with_sample_weight"}
        labels = self._labels_of
        if isinstance(labels, GroupedLabels):
            loss = GroupedLogLoss(targets=len(labels.groups), **by_weight)
            return loss, GroupedSoftmax(labels.groups)
        ending = "sigmoid" if self.out_activation_ == "logistic" else "softmax"
        if self.loss != "log_loss":
            return replace(find_loss(self.loss), **by_weight), ending
        return (BinaryLogLoss if ending == "sigmoid" else LogLoss)(**by_weight), ending

    def _targets(self, y: Any) -> Array:
        loss, trainer = self._trainer.task.losses[0], self._trainer
        if isinstance(self._labels_of, GroupedLabels):
            return np.asarray(self._labels_of.transform(y))
        if loss.target_kind == "labels":
            codes: Array = np.searchsorted(self.classes_, y).astype(np.int32)
            return codes
        found = self._labels_of.transform(y)
        return np.ascontiguousarray(found, trainer.parameters.dtype)

    def _labels(self, outputs: Array) -> Array:
        found = outputs.ravel() if self.n_outputs_ == 1 else outputs
        return np.asarray(self._labels_of.inverse_transform(found))

    def _default_score(self, y: Any, predicted: Array, weights: Any) -> float:
        if isinstance(self._labels_of, GroupedLabels):
            return float(np.average((y == predicted).mean(axis=1), weights=weights))
        return float(accuracy_score(y, predicted, sample_weight=weights))

    def _strata(self, y: Any) -> Any:
        return self._labels_of.transform(y).astype(bool) if self.n_outputs_ == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
