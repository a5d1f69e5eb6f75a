"""Every metric, over rows given in batches, through a network that hands its input on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.peers.libraries import keras

import chainrule as cr
from chainrule.losses import LOSSES, METRICS

pytestmark = [
    pytest.mark.filterwarnings("ignore:The model does not have any trainable weights"),
    pytest.mark.filterwarnings("ignore:layer 'activation' ends in linear"),
]

RNG = np.random.default_rng(6)
ROWS, BATCH = 50, 7
RATED = RNG.uniform(size=(ROWS, 1))
RATED[3:9] = RATED[3]  # rows rated alike
TRUE = (RNG.uniform(size=(ROWS, 1)) < 0.3 + 0.4 * RATED).astype(float)
SCORES = RNG.dirichlet(np.ones(6), size=ROWS)
LABELS = np.arange(ROWS) % 6
ONE_HOT = np.eye(6)[LABELS]
NUMBERS, GUESSES = RNG.normal(size=(ROWS, 3)), RNG.normal(size=(ROWS, 3))
GUESSES += NUMBERS


@dataclass(frozen=True)
class Watched:
    """A metric: ours and Keras's, and the rows."""

    name: str
    ours: Any
    keras: Any
    data: tuple[np.ndarray, np.ndarray]
    loss: str = "mse"
    differs: str = ""


def several(name, ours, its, *data, loss="mse"):
    return [Watched(f"{name} {what}", ours, its, rows, loss) for what, rows in data]


BINARY, ALL = ("binary", (RATED, TRUE)), ("one-hot", (SCORES, ONE_HOT))
SPARSE, REAL = ("labels", (SCORES, LABELS)), ("numbers", (GUESSES, NUMBERS))
M, K = cr.metrics, keras.metrics
CASES = [
    *(
        Watched(f"accuracy {what}", lambda: "accuracy", lambda: "accuracy", rows, loss)
        for (what, rows), loss in (
            (BINARY, "binary_crossentropy"), (ALL, "categorical_crossentropy"),
            (SPARSE, "sparse_categorical_crossentropy"),
        )
    ),
    *several("binary_accuracy", lambda: "binary_accuracy", lambda: "binary_accuracy", BINARY, ALL),
    *several(
        "BinaryAccuracy(threshold=0.2)", lambda: M.BinaryAccuracy(0.2),
        lambda: K.BinaryAccuracy(threshold=0.2), BINARY, ALL,
    ),
    *several(
        "categorical_accuracy", lambda: "categorical_accuracy", lambda: "categorical_accuracy", ALL
    ),
    *several(
        "sparse_categorical_accuracy", lambda: "sparse_categorical_accuracy",
        lambda: "sparse_categorical_accuracy", SPARSE, loss="sparse_categorical_crossentropy",
    ),
    *several("top_k", lambda: "top_k", lambda: "top_k_categorical_accuracy", ALL),
    *several(
        "TopKCategoricalAccuracy(k=2)", lambda: M.TopKCategoricalAccuracy(k=2),
        lambda: K.TopKCategoricalAccuracy(k=2), ALL,
    ),
    *several(
        "SparseTopKCategoricalAccuracy(k=2)", lambda: M.SparseTopKCategoricalAccuracy(k=2),
        lambda: K.SparseTopKCategoricalAccuracy(k=2), SPARSE,
        loss="sparse_categorical_crossentropy",
    ),
    *several("precision", lambda: "precision", K.Precision, BINARY, ALL),
    *several("recall", lambda: "recall", K.Recall, BINARY, ALL),
    *several("Precision(0.2)", lambda: M.Precision(0.2), lambda: K.Precision(0.2), BINARY, ALL),
    *several("Recall(0.2)", lambda: M.Recall(0.2), lambda: K.Recall(0.2), BINARY, ALL),
    *several(
        "Precision(0.2, class_id=1)", lambda: M.Precision(0.2, class_id=1),
        lambda: K.Precision(0.2, class_id=1), ALL,
    ),
    *several(
        "Recall(0.2, class_id=1)", lambda: M.Recall(0.2, class_id=1),
        lambda: K.Recall(0.2, class_id=1), ALL,
    ),
    *several("Precision(0.999)", lambda: M.Precision(0.999), lambda: K.Precision(0.999), BINARY),
    *(
        case
        for average in ("macro", "micro", "weighted")
        for case in several(
            f"F1Score({average})", lambda average=average: M.F1Score(average),
            lambda average=average: K.F1Score(average), ALL,
        )
    ),
    *several(
        "F1Score(threshold=0.2)", lambda: M.F1Score(threshold=0.2),
        lambda: K.F1Score("macro", threshold=0.2), ALL,
    ),
    *several(
        "f1", lambda: "f1", lambda: K.F1Score("macro", threshold=0.5), BINARY
    ),
    *several("rmse", lambda: "rmse", K.RootMeanSquaredError, REAL),
    *several("r2_score", lambda: "r2_score", K.R2Score, REAL),
    *(
        Watched(f"{name} as a metric", lambda name=name: name, lambda name=name: name, rows, loss)
        for name, rows, loss in (
            ("mean_squared_error", REAL[1], "mae"), ("mse", REAL[1], "mae"),
            ("mean_absolute_error", REAL[1], "mse"), ("mae", REAL[1], "mse"),
            ("poisson", (np.exp(GUESSES), np.exp(NUMBERS)), "mse"),
            ("binary_crossentropy", BINARY[1], "mse"),
            ("categorical_crossentropy", ALL[1], "mse"),
            ("sparse_categorical_crossentropy", SPARSE[1], "sparse_categorical_crossentropy"),
        )
    ),
    *several("Huber(0.3) as a metric", lambda: cr.losses.Huber(0.3), lambda: near(0.3), REAL),
]  # fmt: skip


def near(delta):
    def near(t, p):
        return keras.losses.huber(t, p, delta)

    return near


def score(library, metric, loss, X, y, weight, **settings):
    """What evaluate says, in batches of 7."""
    layers = library.layers
    model = library.Sequential(
        [library.Input(X.shape[1:]), layers.Activation("linear")], **settings
    )
    model.compile("sgd", loss, metrics=[metric])
    found = model.evaluate(
        X, y, batch_size=BATCH, sample_weight=weight, verbose=0, return_dict=True
    )
    return [value for name, value in found.items() if name != "loss"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_keras(case, compared):
    compared("Keras", case.name)
    X, y = case.data
    mine = score(cr, case.ours(), case.loss, X, y, None, dtype="float64", seed=0)
    assert mine == pytest.approx(
        [float(one) for one in score(keras, case.keras(), case.loss, X, y, None)], rel=1e-6
    )


AUC_REASON = "Keras's has 200 thresholds, ours is exact: Keras's comes near it with 20,000"


@pytest.mark.parametrize("data", [BINARY, ALL], ids=["binary", "several"])
def test_auc_is_exact(data, compared):
    name, (X, y) = data
    X = X**0.05  # crowded below 1, as sure predictions are
    compared("Keras", f"auc {name}", "differs", AUC_REASON)
    several = {"multi_label": True, "num_labels": y.shape[1]} if y.shape[1] > 1 else {}
    (mine,) = score(cr, "auc", "mse", X, y, None, dtype="float64", seed=0)
    (its,) = score(keras, K.AUC(**several), "mse", X, y, None)
    (finer,) = score(keras, K.AUC(num_thresholds=20_000, **several), "mse", X, y, None)
    assert mine != pytest.approx(float(its), rel=1e-6)
    assert abs(mine - float(finer)) < 0.2 * abs(mine - float(its))
    assert mine == pytest.approx(float(finer), abs=5e-4)


@pytest.mark.parametrize("what", [REAL, BINARY], ids=["numbers", "binary"])
@pytest.mark.parametrize("name", ["mse", "mae", "binary_accuracy"])
def test_weights_of_rows_leave_metrics_alone(name, what, compared):
    X, y = what[1]
    compared("Keras", f"{name} beside weights of rows, {what[0]}")
    weight = np.linspace(0, 2, ROWS)
    mine = score(cr, name, "mse", X, y, weight, dtype="float64", seed=0)
    its = [float(one) for one in score(keras, name, "mse", X, y, weight)]
    assert mine == pytest.approx(its, rel=1e-6)


def test_every_metric_has_a_row():
    told = {case.name.partition("(")[0].partition(" ")[0] for case in CASES}
    same = {"f1_score": "f1", "top_k_categorical_accuracy": "top_k",
            "root_mean_squared_error": "rmse"}  # fmt: skip
    made = {type(case.ours()).__name__ for case in CASES} | {"AUC"}
    for name, kind in METRICS.items():
        assert {name, same.get(name, name)} & told or kind.__name__ in made, name


def test_pytorch_has_no_metrics(compared):
    from tests.peers.libraries import torch

    compared("PyTorch", "every metric", "lacks", "metrics are not a part of PyTorch")
    assert not hasattr(torch, "metrics")
    assert set(LOSSES)
