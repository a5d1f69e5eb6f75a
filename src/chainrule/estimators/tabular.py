"""What the estimators of tables share: from X and y to a plan, and from a plan to predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.data import Labels, Table
from chainrule.errors import ModelFileError, SettingError, warn
from chainrule.estimators.fit import fit_table
from chainrule.estimators.given import Given, given_table, watched_table
from chainrule.estimators.keeping import Keeper
from chainrule.estimators.layout import Layout
from chainrule.estimators.metric import chosen_score
from chainrule.estimators.model import Predictions, TableModel, load_table_model
from chainrule.estimators.plain import plain, unboxed, unplain
from chainrule.estimators.plan import ClassWeight, TablePlan, plan_table
from chainrule.estimators.run import Watch
from chainrule.estimators.settings import TableSettings
from chainrule.estimators.targets import combined, labels_as_given

__all__ = ["TabularEstimator", "tabular_estimator"]

Array = np.ndarray[Any, np.dtype[Any]]
MOST_SEED = 2**31


class TabularEstimator(BaseEstimator):  # type: ignore[misc]
    """The common part of `TabularClassifier` and `TabularRegressor`, which say what settings are.

    `fit` is `plan` and then `fit_plan`, which may be called by themselves.
    """

    _task: ClassVar[str]

    def __init__(
        self,
        *,
        ignore: Any = (),
        kinds: Any = (),
        time: Any = None,
        targets: Any = None,
        metric: Any = None,
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
        self.ignore = ignore
        self.kinds = kinds
        self.time = time
        self.targets = targets
        self.metric = metric
        self.model = model
        self.hidden = hidden
        self.activation = activation
        self.normalization = normalization
        self.bins = bins
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.members = members
        self.time_limit = time_limit
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        eval_set: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train on the rows of X.

        X
            A pandas, polars or pyarrow frame, a dict of columns, or an array (rows, columns), of
            numbers, text, booleans and dates, with or without missing values. Of text the usual
            spellings of a missing value ("", "NA", "?" ...) are missing.
        y
            A target a row; a frame or array with several columns for several targets. Rows whose
            target is None or NaN are left out, with a warning.
        sample_weight
            What each row counts, 0 or more.
        eval_set
            `(X, y)` or `(X, y, sample_weight)`: rows to watch every network on, in place of a
            part of X.
        groups
            A value a row; rows of one value fall in one part when rows to watch are drawn.

        Ctrl-C ends training with a warning and keeps the best weights so far, if an epoch is done.
        Raises `DataError`, `SettingError`, `InputTypeError` or `ShapeError` with one sentence.
        """
        self.fit_plan(self.plan(X, y, sample_weight, eval_set, groups))
        if self.model_.interrupted:
            warn("Training interrupted by user: the best weights so far are kept.")
        return self

    def plan(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        eval_set: Any = None,
        groups: Any = None,
    ) -> TablePlan:
        """The first half of `fit`: all that is settled before training, to look at."""
        weighted = isinstance(eval_set, tuple | list) and len(eval_set) == 3
        weighted = weighted and eval_set[2] is not None
        given = given_table(
            self, X, y, sample_weight, groups, self._task, self.targets, weighted=weighted
        )
        self._check_given(given)
        watched = None if eval_set is None else watched_table(self, given, eval_set)
        plan = plan_table(
            given.table,
            given.names,
            self._settings(given),
            validation=watched,
            test_share=0.0,
            tasks=dict(zip(given.names, given.tasks, strict=True)),
            class_weights=self._class_weights(given),
        )
        codecs = tuple(
            labels_as_given(codec, target.values)
            for codec, target in zip(plan.codecs, given.targets, strict=True)
        )
        plan = replace(plan, codecs=codecs, layout=given.layout)
        self._check_plan(plan)
        return plan

    def fit_plan(
        self, plan: TablePlan, *, watch: Watch | None = None, keeper: Keeper | None = None
    ) -> Self:
        """The second half of `fit`: train what `plan` (or `plan_table`) settled.

        watch
            Told after each epoch of each network (`TableProgress`).
        keeper
            Writes checkpoints, and has that which training goes on from.

        Ctrl-C ends training and keeps the best weights so far, if an epoch is done.
        """
        model = fit_table(plan, watch=watch, score=chosen_score(plan), keeper=keeper)
        layout = plan.layout or Layout.of_schema(plan.schema)
        model.estimator = {
            "class": type(self).__name__,
            "settings": {name: plain(one) for name, one in self.get_params(deep=False).items()},
            "layout": layout.to_record(),
        }
        self._adopt(model, layout)
        return self

    def predict(self, X: Any) -> Any:
        """The target of each row, in the labels and the unit of y.

        Of several targets an array (rows, targets); a frame of the kind that y was, with its
        labels, where y was a frame with columns of several kinds (text, numbers, booleans). X may
        have its columns in another order, others beside them, and need not have those that
        `fit` left out.
        """
        found = self._predictions(X)
        if not self._layout.several:
            return found[0].values
        labels = self._layout.targets or self.model_.schema.target_names
        columns = {label: one.values for label, one in zip(labels, found, strict=True)}
        return combined(columns, self._layout.frame, getattr(X, "index", None))

    def table_of(self, X: Any) -> Table:
        """Rows as the trained model (`model_`) takes them, columns as in training."""
        check_is_fitted(self)
        return self._layout.table(X, self, self.model_.encoder.columns)

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator as one safetensors file, which `load` and `chainrule predict`
        open; no pickle.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        check_is_fitted(self)
        self.model_.save(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The estimator that `save` or `chainrule train` wrote.

        Raises `MissingFileError` where there is no file, `ModelFileError` where it is damaged or
        holds another estimator.
        """
        model = load_table_model(path)
        record = model.estimator
        task = "classification" if model.schema.task == "classification" else "regression"
        wanted = f"Tabular{'Classifier' if task == 'classification' else 'Regressor'}"
        wanted = wanted if record is None else record["class"]
        if wanted != cls.__name__:
            message = f"{path}: holds a {wanted}; open it with {wanted}.load."
            raise ModelFileError(message)
        if record is None:
            estimator = cls(**_settings_of(cls, model.settings))
            estimator._adopt(model, Layout.of_schema(model.schema))
            return estimator
        known = cls._get_param_names()
        settings = {n: unplain(one) for n, one in record["settings"].items() if n in known}
        estimator = cls(**settings)
        estimator._adopt(model, Layout.from_record(record["layout"]))
        return estimator

    def _adopt(self, model: TableModel, layout: Layout) -> None:
        """Take a trained model as one's own."""
        self.model_ = model
        self.history_ = model.history
        self.findings_ = model.doctor["findings"]
        self.n_iter_ = max(row["epoch"] for row in model.history)
        self.n_features_in_ = len(layout.features)
        self.n_outputs_ = len(model.codecs)
        if layout.named:
            self.feature_names_in_ = np.array(layout.features, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._layout = layout

    def _predictions(self, X: Any) -> tuple[Predictions, ...]:
        table = self.table_of(X)
        return self.model_.predict_each(table)

    def _settings(self, given: Given) -> TableSettings:
        """The settings of the table front; raises SettingError for a value that is not allowed."""
        known = vars(TableSettings())
        found: dict[str, Any] = {
            name: _setting(value)
            for name, value in self.get_params(deep=False).items()
            if name in known
        }
        if isinstance(self.kinds, Mapping):
            found["kinds"] = tuple(f"{name}={kind}" for name, kind in self.kinds.items())
        for name in ("ignore", "kinds"):
            found[name] = _names(found[name])
        found["time"] = _name(unboxed(self.time))
        if found.get("positive") is not None:
            found["positive"] = str(found["positive"])
        if not isinstance(found.get("class_weight"), str):
            found.pop("class_weight", None)
        found |= {"weight": given.weight, "group": given.group, "seed": self._seed()}
        return TableSettings(**found, task=given.tasks[0] if len(given.tasks) == 1 else "auto")

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer) and self.random_state >= 0:
            return int(self.random_state)
        try:
            return int(check_random_state(self.random_state).randint(MOST_SEED))
        except ValueError:
            message = (
                "random_state: must be a whole number of 0 or more, a numpy RandomState or None, "
                f"got {self.random_state!r}."
            )
            raise SettingError(message) from None

    def _class_weights(self, given: Given) -> dict[str, ClassWeight]:
        """What classes count, by target; nothing where there are no classes."""
        return {}

    def _check_given(self, given: Given) -> None:
        """Raise where y is not for this estimator."""

    def _check_plan(self, plan: TablePlan) -> None:
        """Raise where settings do not fit what was found in y."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


def tabular_estimator(plan: TablePlan) -> TabularEstimator:
    """An estimator with the settings of a plan, not fitted yet: of classes or of numbers.

    >>> from chainrule.data import as_table
    >>> from chainrule.estimators import TableSettings, plan_table
    >>> table = as_table({"x": [float(i % 7) for i in range(60)], "y": ["a", "b", "a"] * 20})
    >>> tabular_estimator(plan_table(table, "y", TableSettings(epochs=2)))
    TabularClassifier(epochs=2)
    """
    from chainrule.estimators.tabular_classifier import TabularClassifier
    from chainrule.estimators.tabular_regressor import TabularRegressor

    kind = TabularClassifier if isinstance(plan.labels, Labels) else TabularRegressor
    return kind(**_settings_of(kind, plan.settings))


def _settings_of(kind: type[TabularEstimator], settings: TableSettings) -> dict[str, Any]:
    """Settings of the table front as those of an estimator."""
    found = {name: value for name, value in vars(settings).items() if name in _names_of(kind)}
    return {**found, "random_state": settings.seed}


def _setting(value: Any) -> Any:
    """A setting with numbers of NumPy as Python's own, what is a list as a tuple."""
    value = unboxed(value)
    return tuple(map(unboxed, value)) if isinstance(value, list | tuple) else value


def _names(given: Any) -> Any:
    """Names of columns as a table has them: one or several; none where None."""
    if given is None:
        return ()
    if isinstance(given, set | frozenset):
        given = tuple(sorted(given, key=str))
    return tuple(_name(one) for one in (given if isinstance(given, tuple) else (given,)))


def _name(label: Any) -> Any:
    """The name that a column with a number or several levels as its label has in a table."""
    numbered = isinstance(label, int) and not isinstance(label, bool)
    return str(label) if numbered or isinstance(label, tuple) else label


def _names_of(kind: type[TabularEstimator]) -> list[str]:
    names: list[str] = kind._get_param_names()
    return names
