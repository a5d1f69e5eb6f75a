"""Classes from tables, as a scikit-learn estimator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from chainrule.data import Labels
from chainrule.errors import SettingError, listing
from chainrule.estimators.given import Given
from chainrule.estimators.layout import Layout
from chainrule.estimators.model import TableModel
from chainrule.estimators.plan import ClassWeight, TablePlan
from chainrule.estimators.scoring import score_each
from chainrule.estimators.tabular import TabularEstimator

__all__ = ["TabularClassifier"]

Array = np.ndarray[Any, np.dtype[Any]]


class TabularClassifier(ClassifierMixin, TabularEstimator):  # type: ignore[misc]
    """Predicts classes from the columns of a table as they are.

    Numbers, text, booleans, dates and missing values need no preparation: what each column is is
    read off the rows, and `plan` shows it. Several networks are trained, each watched on other
    rows, and their predictions averaged; what is left open (None) is chosen by the size of the
    table.

    ignore
        Columns to leave out, by name.
    kinds
        What columns are where that was read wrongly, as `{"zip": "category"}`: number, category,
        boolean, datetime or identifier.
    time
        A column to order rows by; the last ones are watched.
    targets
        The task of columns of y that are not classes, by name or position:
        `{"price": "regression"}`.
    positive
        Of two labels the one that scores such as f1 are of; the second where None.
    metric
        The score that chooses the best epoch (accuracy, balanced_accuracy, roc_auc, log_loss,
        f1_macro; of two classes also precision, recall, f1, average_precision); the validation
        loss where None.
    class_weight
        "balanced" (each class counts as much as every other) or a dict of label to weight, 1 for
        labels that are not named; for several targets also a list of these, a column each.
    model
        "tabular" (strong defaults for tables) or "mlp" (one plain network).
    hidden, activation, normalization
        Units of the hidden layers; their function (relu, leaky_relu, elu, selu, gelu, silu, mish,
        softplus, tanh, sigmoid ...; the small layers of spread numbers keep relu); what brings
        their sums to mean 0 and deviation 1 before it: "none", "batch" or "layer".
    bins, dropout, l1, l2
        Parts that the range of a number is spread over, share of hidden units left out, penalties
        on the sizes and the squares of the weights of dense layers, in the loss of training alone.
    optimizer, learning_rate, weight_decay, batch_size
        What makes steps of gradients ("adamw", "adam", "nadam", "rmsprop", "adagrad", or "sgd"
        with momentum 0.9), step size, decay (of adamw alone), rows an update.
    epochs, patience
        Passes over the rows at most; how many without a better validation end training.
    members
        How many networks.
    time_limit
        Seconds to train at most; the first epoch is always made.
    random_state
        What every random number comes from: 0 or more, a RandomState, or None for another each
        time.

    After `fit`: `classes_` (labels in order, in the type of y; of several targets a list, an array
    for each target of classes), `model_` (what was trained), `history_` (a dict for each epoch of
    each network), `n_iter_` (epochs of the network that had most), `n_features_in_`,
    `feature_names_in_` (where columns of X have names), `n_outputs_`.

    >>> from chainrule import TabularClassifier
    >>> X = {"age": [25, None, 47, 33] * 15, "plan": ["basic", "plus", "basic", None] * 15}
    >>> y = ["left", "stays", "stays", "left"] * 15
    >>> model = TabularClassifier(epochs=5, members=2).fit(X, y)
    >>> model.classes_.tolist(), model.predict_proba(X).shape
    (['left', 'stays'], (60, 2))
    """

    _task = "classification"

    def __init__(
        self,
        *,
        ignore: Any = (),
        kinds: Any = (),
        time: Any = None,
        targets: Any = None,
        positive: Any = None,
        metric: Any = None,
        class_weight: Any = None,
        model: Any = "tabular",
        hidden: Any = None,
        activation: Any = "relu",
        normalization: Any = "none",
        bins: Any = None,
        dropout: Any = None,
        l1: Any = 0.0,
        l2: Any = 0.0,
        optimizer: Any = "adamw",
        learning_rate: Any = None,
        weight_decay: Any = None,
        batch_size: Any = None,
        epochs: Any = 200,
        patience: Any = 20,
        members: Any = None,
        time_limit: Any = None,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            ignore=ignore, kinds=kinds, time=time, targets=targets, metric=metric, model=model,
            hidden=hidden, activation=activation, normalization=normalization, bins=bins,
            dropout=dropout, l1=l1, l2=l2, optimizer=optimizer, learning_rate=learning_rate,
            weight_decay=weight_decay, batch_size=batch_size, epochs=epochs, patience=patience,
            members=members, time_limit=time_limit, random_state=random_state,
        )  # fmt: skip
        self.positive = positive
        self.class_weight = class_weight

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, shape (rows, classes), in the order of `classes_`.

        Of several targets a list, an array for each target of classes.
        """
        found = [
            one.probabilities / one.probabilities.sum(axis=1, keepdims=True)
            for one in self._predictions(X)
            if one.probabilities is not None
        ]
        return found if self._layout.several else found[0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are right; the mean over targets, of numbers their R2."""
        return float(np.mean(score_each(self, X, y, sample_weight)))

    def _adopt(self, model: TableModel, layout: Layout) -> None:
        super()._adopt(model, layout)
        found = [
            codec.decode(np.arange(len(codec.classes)))
            for codec in model.codecs
            if isinstance(codec, Labels)
        ]
        self.classes_ = found if layout.several else found[0]

    def _class_weights(self, given: Given) -> dict[str, ClassWeight]:
        weights = self.class_weight
        if weights is None or isinstance(weights, str):
            return {}
        classes = [task == "classification" for task in given.tasks]
        if isinstance(weights, list | tuple):
            if len(weights) != len(given.names):
                message = (
                    f"class_weight: a list needs one for each column of y, {len(given.names)}, got "
                    f"{len(weights)}."
                )
                raise SettingError(message)
            return dict(zip(given.names, weights, strict=True))
        if not isinstance(weights, Mapping) or sum(classes) > 1:
            message = (
                "class_weight must be 'balanced', a dict of label to weight, or for several "
                f"targets a list of these, got {weights!r}."
            )
            raise SettingError(message)
        return {
            name: weights if is_class else None
            for name, is_class in zip(given.names, classes, strict=True)
        }

    def _check_given(self, given: Given) -> None:
        if "classification" not in given.tasks:
            message = "targets: none is of classes; use TabularRegressor."
            raise SettingError(message)

    def _check_plan(self, plan: TablePlan) -> None:
        for codec, weights in zip(plan.codecs, plan.class_weights, strict=True):
            if isinstance(weights, Mapping) and isinstance(codec, Labels):
                _check_weights(weights, codec)
            elif not isinstance(weights, Mapping) and weights not in (None, "balanced"):
                message = f"class_weight: must be 'balanced' or a dict, got {weights!r}."
                raise SettingError(message)


def _check_weights(weights: Mapping[Any, Any], labels: Labels) -> None:
    for label, weight in weights.items():
        if label not in labels.classes:
            shown = listing(labels.classes[:10]) + (" ..." if labels.classes[10:] else "")
            message = (
                f"class_weight: {label!r} is no label of {labels.name!r}; its labels are {shown}."
            )
            raise SettingError(message)
        right = isinstance(weight, int | float | np.number) and 0 <= weight < math.inf
        if not right:
            message = (
                f"class_weight: the weight of {label!r} must be a number of 0 or more, got "
                f"{weight!r}."
            )
            raise SettingError(message)
