"""MLPClassifier or MLPRegressor of a module, on a table that is encoded as most users do it."""

import importlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SETS = ("abalone", "wine-quality", "credit-scoring", "spambase", "letter", "adult")
FEW_ROWS = 10_000
NEVER = 10**6


def described(name: str) -> dict[str, Any]:
    """What meta.json says of a set."""
    path = Path(os.environ["CHAINRULE_DATA"]) / name / "meta.json"
    return dict(json.loads(path.read_text()))


def epochs_of(name: str) -> int:
    """Fewer where there are many rows."""
    return 20 if described(name)["rows"] < FEW_ROWS else 10


def rows_to_learn(name: str) -> Any:
    """The training rows of the given split, as a frame."""
    import pandas

    folder = Path(os.environ["CHAINRULE_DATA"]) / name
    if not (folder / "split.json").exists():
        return pandas.read_parquet(folder / "train.parquet")
    frame = pandas.read_parquet(folder / "data.parquet")
    return frame.drop(index=json.loads((folder / "split.json").read_text())["test_index"])


def encoded(name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Columns and target in float64 (classes as they are), and whether it is a class."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    meta, frame = described(name), rows_to_learn(name)
    target = frame.pop(meta["target"])
    categories = meta["categorical"]
    numbers = [column for column in frame if column not in categories]
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(sparse_output=False), categories),
    )
    X = np.ascontiguousarray(encoder.fit_transform(frame), np.float64)
    is_class = meta["task"] != "regression"
    y = target.to_numpy()
    return X, y if is_class else (y - y.mean()) / y.std(), is_class


def training(module: str, name: str, epochs: int) -> dict[str, Callable[[], None]]:
    """One call, named by rows, columns and the loss that it ends with."""
    from sklearn.exceptions import ConvergenceWarning

    X, y, is_class = encoded(name)
    kind = "MLPClassifier" if is_class else "MLPRegressor"
    maker = getattr(importlib.import_module(module), kind)

    def fit() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return maker(max_iter=epochs, n_iter_no_change=NEVER, random_state=0).fit(X, y)

    fitted = fit()
    if fitted.n_iter_ != epochs:
        message = f"{module}: {fitted.n_iter_} epochs in place of {epochs}"
        raise RuntimeError(message)
    return {f"{X.shape[0]} {X.shape[1]} {float(fitted.loss_)!r}": lambda: fit() and None}
