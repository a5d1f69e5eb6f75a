"""Numbers from tables, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from chainrule.estimators.intervals import check_coverage
from chainrule.estimators.scoring import score_each
from chainrule.estimators.tabular import TabularEstimator

__all__ = ["TabularRegressor"]


class TabularRegressor(RegressorMixin, TabularEstimator):  # type: ignore[misc]
    """Predicts numbers from the columns of a table as they are.

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
        The task of columns of y that are not numbers, by name or position:
        `{"sold": "classification"}`.
    metric
        The score that chooses the best epoch (rmse, mae, r2, median_absolute_error); the
        validation loss where None.
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

    After `fit`: `model_` (what was trained), `history_` (a dict for each epoch of each network),
    `n_iter_` (epochs of the network that had most), `n_features_in_`, `feature_names_in_` (where
    columns of X have names), `n_outputs_`.

    >>> import numpy as np
    >>> from chainrule import TabularRegressor
    >>> size = np.linspace(20, 120, 60)
    >>> X = {"size": size, "town": ["Bergen", "Oslo", None] * 20}
    >>> model = TabularRegressor(epochs=5, members=2).fit(X, 3000 * size)
    >>> model.predict({"town": ["Oslo"], "size": [55.0]}).shape
    (1,)
    """

    _task = "regression"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 of the predictions, the mean over targets; of targets of classes the accuracy."""
        return float(np.mean(score_each(self, X, y, sample_weight)))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Any:
        """An interval for each row that covers its truth with a stated chance: array (rows, 2).

        Of several targets a list, an array for each target of numbers.

        The bounds are split-conformal: residuals of the rows that networks were watched on
        (`model_.held`) say how far the truth lies from a prediction of about this size. Of rows
        like those of training they cover the stated share on average over all rows and draws,
        whatever the network and the noise, provided that what answered for the rows watched errs on
        them as the model does on new ones. Two things lean on that. The best epoch was chosen by
        those rows, which makes intervals narrow where they are few: at 90 % asked for, tables of
        100 rows had 87 % covered on average (84 % with one network), of 300 rows 90 % (88 %). And
        where networks are watched on draws
        of their own (several networks, no `eval_set`), one or two of them answer for a held row
        and all of them for a new one, as in the jackknife+-after-bootstrap (Kim, Xu and Barber,
        2020): the mean of all errs less. How much less is estimated from how far networks disagree,
        and from 400 held rows on intervals are made narrower by that; what is left is an estimate,
        not a guarantee. From fewer all intervals have one width.
        With one network or an `eval_set` only the first remains. Coverage is not promised for a
        given kind of rows, nor where new rows come from elsewhere than those of training. Sample
        weights count: the share is then of the weights.

        coverage
            The share of rows to cover, above 0 and below 1.

        Raises `SettingError` for another share, `DataError` where the held rows are too few for it
        or the model was saved without them.
        """
        found = self._predictions(X)
        check_coverage(coverage)
        arrays = [
            intervals.around(one.values)
            for intervals, one in zip(self.model_.intervals(coverage), found, strict=True)
            if intervals is not None
        ]
        return arrays if self._layout.several else arrays[0]
