"""A table of every kind of column, with a target of classes and one of numbers."""

import numpy as np
import pandas as pd

from chainrule import TabularClassifier, TabularRegressor

QUICK = {"epochs": 3, "members": 2, "hidden": (8,)}
ROWS = 90


def frame(rows=ROWS):
    """Numbers with gaps, text, dates and booleans; `x` decides."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    return pd.DataFrame({
        "x": x,
        "city": rng.choice(["Oslo", "Rome", "Bern"], rows),
        "when": pd.date_range("2020-01-01", periods=rows),
        "flag": rng.random(rows) > 0.5,
        "gap": np.where(rng.random(rows) > 0.8, np.nan, x),
    })  # fmt: skip


X = frame()
LABELS = np.where(X["x"] > 0, "yes", "no")
PRICE = X["x"].to_numpy() * 100


def classifier(**settings):
    return TabularClassifier(**QUICK | settings)


def regressor(**settings):
    return TabularRegressor(**QUICK | settings)
