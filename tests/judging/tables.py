"""Rows to judge models by."""

import numpy as np
import pandas as pd

QUICK = {"epochs": 8, "members": 3, "hidden": (16,), "learning_rate": 0.01}


def people(rows=600, seed=0):
    """Two classes by age and town, missing cells, and a column that says nothing."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, rows).round()
    town = rng.choice(["Bonn", "Ulm", "Mainz"], rows)
    odds = 0.06 * (age - 45) + 1.5 * (town == "Ulm") - 0.7
    left = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    town = np.where(rng.random(rows) < 0.1, None, town)
    X = pd.DataFrame({"age": age, "town": town, "noise": rng.normal(size=rows)})
    return X, pd.Series(left, name="left")


def three(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 2))
    return X, (X[:, 0] + 0.5 * rng.normal(size=rows) > np.where(X[:, 1] > 0, 0.5, -0.5)) + 1 * (
        X[:, 1] + 0.7 * rng.normal(size=rows) > 0.4
    )
