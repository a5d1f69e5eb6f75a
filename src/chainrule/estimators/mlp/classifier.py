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

from chainrule.errors import SettingError
from chainrule.estimators.mlp.base import Array, BaseMLP, for_stochastic_solvers, in_context
from chainrule.estimators.mlp.labels import GroupedLabels, codes_of, has_several, labels_in
from chainrule.estimators.mlp.losses import (
    BinaryLogLoss,
    GroupedLogLoss,
    GroupedSoftmax,
    LogLoss,
)
from chainrule.losses import (
    CategoricalCrossentropy,
    Loss,
    SparseCategoricalCrossentropy,
    find_loss,
)

__all__ = ["MLPClassifier"]

OF_SEVERAL = (CategoricalCrossentropy, SparseCategoricalCrossentropy)


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """scikit-learn's MLPClassifier on the native engine: change the import line, nothing else.

    The numbers are scikit-learn's: with the same integer `random_state` the first weights are equal
    to the bit, rows come in the same order, and the losses of epochs agree to rounding (in float64;
    it computes in the type of X, float32 or float64). Its oddities are followed: reported
    losses take no probability for less than the type's epsilon (where scikit-learn's own 1 - p
    rounds to few digits, ours does not), and the score of several labels asks for all at once.

    Parameters of scikit-learn, in its places and with its defaults:

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
    class_weight
        "balanced", or a dict of label to weight (for several labels a list of dicts); multiplied
        with sample weights, of rows to watch too.
    loss
        "log_loss", or a loss of `chainrule.losses`, or a function `(y_true, y_pred)` on nodes: of
        0 and 1 for each class, and of probabilities; divided by the sum of weights.
    schedule
        A schedule of `chainrule.optimizers.schedules`, or a function of the step, as the rate.
    metric
        What `validation_scores_` are and early stopping goes by: a name of scikit-learn's scorers
        ("roc_auc", "neg_log_loss"), a function `(estimator, X, y) -> score`, or "loss" for the
        validation loss; None for accuracy.
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

    Several targets of classes at once (y with a column for each) are learned by one network:
    `classes_` and `predict_proba` are lists then.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from chainrule import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(random_state=0, max_iter=500, early_stopping=True, metric="loss")
    >>> make_pipeline(StandardScaler(), network).fit(X, y).score(X, y) > 0.9
    True
    """

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
        """Learn from rows; what was learned before is forgotten, but with `warm_start`.

        X
            Shape (rows, features): array, frame or sparse matrix of numbers.
        y
            Targets: (rows,); (rows, labels) of 0 and 1; or (rows, targets) of labels.
        sample_weight
            The weight of each row in the loss, which is divided by their sum.
        eval_set
            `(X, y)` or `(X, y, sample_weight)`: rows to watch.
        """
        return self._fit(X, y, sample_weight, eval_set)

    @for_stochastic_solvers
    @in_context
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None, *,
        eval_set: Any = None,
    ) -> Any:  # fmt: skip
        """One epoch over rows, from where the last call left off; arguments as those of `fit`.

        `classes` are all labels there will be (for several targets a list of them), at the first
        call.

        With `early_stopping` it needs an `eval_set`; after the call that makes `stopped_` True the
        best weights are back.
        """
        self._first_classes(y, classes)
        return self._fit(X, y, sample_weight, eval_set, incremental=True)

    def _first_classes(self, y: Any, classes: Any) -> None:
        """Learn the classes at the first call of partial_fit; later ones are compared."""
        known = hasattr(self, "classes_")
        if classes is None and known:
            return
        labels: GroupedLabels | None = None
        listed = classes is not None and not isinstance(classes, np.ndarray | str)
        if listed and all(np.ndim(one) == 1 for one in classes):
            labels = GroupedLabels().fit(classes)
            same = known and isinstance(self._labels_of, GroupedLabels) and (
                [one.tolist() for one in labels.classes_]
                == [one.tolist() for one in self.classes_]
            )  # fmt: skip
            if known and not same:
                message = f"classes={classes} are not those of the last call, {self.classes_}."
                raise ValueError(message)
        elif classes is None and has_several(y):
            labels = GroupedLabels().fit(np.asarray(y).T)
        elif _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._labels_of = LabelBinarizer().fit(y if several else classes)
        if labels is not None:
            self._labels_of, self.classes_ = labels, labels.classes_

    def predict(self, X: Any) -> Array:
        """The most probable labels, in the shape of the targets."""
        check_is_fitted(self)
        return self._labels(self._outputs(X))

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, (rows, classes); a list for several targets."""
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
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._labels_of = labels_in(y)
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
            if self.loss != "log_loss":
                message = f"loss: several targets of classes go with 'log_loss', got {self.loss!r}."
                raise SettingError(message)
            loss = GroupedLogLoss(targets=len(labels.groups), **by_weight)
            return loss, GroupedSoftmax(labels.groups)
        ending = "sigmoid" if self.out_activation_ == "logistic" else "softmax"
        if self.loss != "log_loss":
            given = find_loss(self.loss)
            if ending == "sigmoid" and isinstance(given, OF_SEVERAL):
                message = f"loss: {given.name} is of three classes or more; use 'log_loss'."
                raise SettingError(message)
            return replace(given, **by_weight), ending
        return (BinaryLogLoss if ending == "sigmoid" else LogLoss)(**by_weight), ending

    def _targets(self, y: Any) -> Array:
        loss, trainer = self._trainer.task.losses[0], self._trainer
        if isinstance(self._labels_of, GroupedLabels):
            return np.asarray(self._labels_of.transform(y))
        if loss.target_kind == "labels":
            return codes_of(self.classes_, y)
        found = self._labels_of.transform(y)
        found = found.toarray() if hasattr(found, "toarray") else found
        return np.ascontiguousarray(found, trainer.parameters.dtype)

    def _labels(self, outputs: Array) -> Array:
        found = outputs.ravel() if self.n_outputs_ == 1 else outputs
        labels: Array = self._labels_of.inverse_transform(found)
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose labels are right, of several all at once."""
        return self._default_score(y, self.predict(X), sample_weight)

    def _default_score(self, y: Any, predicted: Array, weights: Any) -> float:
        if isinstance(self._labels_of, GroupedLabels):
            right = (np.asarray(y) == predicted).all(axis=1)
            return float(np.average(right, weights=weights))
        return float(accuracy_score(y, predicted, sample_weight=weights))

    def _strata(self, y: Any) -> Any:
        return self._labels_of.transform(y).astype(bool) if self.n_outputs_ == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
