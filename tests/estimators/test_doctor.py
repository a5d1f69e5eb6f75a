"""The Doctor in the networks of tables: its findings reach the user, and are no false alarms."""

import json
import re

import numpy as np
import pytest

import chainrule
from chainrule import layers
from chainrule.data import read_table
from chainrule.estimators import (
    SETTINGS,
    TableSettings,
    TabularClassifier,
    TabularRegressor,
    plan_table,
    tabular_estimator,
)
from chainrule.estimators.network import Head, TableNetwork
from chainrule.estimators.remedies import remedy_of
from chainrule.reporting import Finding
from chainrule.training import Trainer

WHOLE = ("auto-mpg", "concrete", "credit-g", "heart-disease", "insurance", "titanic")
"""Trained as by default, in a few seconds each."""

PARTS = (
    "abalone", "adult", "california-housing", "covertype", "credit-scoring", "diamonds",
    "higgs-7k", "kddcup99-10pct", "letter", "spambase", "wine-quality",
)  # fmt: skip
"""3,000 rows, three epochs of one network."""

FEW_ROWS = 3000


def table_of(folder, name):
    """The training rows, the target, and the columns that are left out."""
    about = json.loads((folder / name / "meta.json").read_text())
    path = next(path for pattern in ("train.*", "data.*") for path in (folder / name).glob(pattern))
    table = read_table(str(path))
    split = folder / name / "split.json"
    if split.exists():
        test = json.loads(split.read_text())["test_index"]
        table = table.take(np.setdiff1d(np.arange(table.rows), test))
    return table, about["target"], tuple(about.get("ignore_columns", ()))


def findings(table, target, ignore, **settings):
    plan = plan_table(table, target, TableSettings(ignore=ignore, **settings), test_share=0.0)
    return tabular_estimator(plan).fit_plan(plan).findings_


def bad(found):
    return [one for one in found if one["severity"] == "severe"]


@pytest.mark.parametrize("name", WHOLE)
def test_it_finds_nothing_severe_in_tables_as_they_are_trained(name, datasets):
    found = findings(*table_of(datasets, name))
    assert [one for one in found if one["severity"] != "note"] == []


@pytest.mark.parametrize("name", ["credit-g", "titanic"])
def test_it_finds_nothing_in_a_table_of_so_few_rows_that_an_epoch_is_one_step(name, datasets):
    """By the chance of dropout the loss of such an epoch goes up and down."""
    table, target, ignore = table_of(datasets, name)
    found = findings(table.take(np.arange(30)), target, ignore)
    assert [one for one in found if one["severity"] != "note"] == []


@pytest.mark.parametrize("name", PARTS)
def test_it_finds_nothing_severe_in_the_first_epochs_of_larger_tables(name, datasets):
    table, target, ignore = table_of(datasets, name)
    rows = np.linspace(0, table.rows - 1, FEW_ROWS).astype(int)
    assert bad(findings(table.take(rows), target, ignore, epochs=3, members=1)) == []


def test_it_finds_nothing_severe_with_two_targets(datasets):
    table, _, _ = table_of(datasets, "energy-efficiency")
    columns = {name: table.column(name).values for name in table.names}
    names = json.loads((datasets / "energy-efficiency" / "meta.json").read_text())["target"]
    y = np.column_stack([columns.pop(name).astype(float) for name in names])
    assert bad(TabularRegressor(epochs=30, members=2).fit(columns, y).findings_) == []


@pytest.mark.parametrize(
    "name, sizes, rate", [("mnist", (300, 100), 0.2), ("digits32", (64,), 0.0)]
)
def test_it_finds_nothing_severe_in_pictures(name, sizes, rate, datasets):
    data = np.load(datasets / name / f"{name}.npz")
    x, y = data["x_train"][:3000], data["y_train"][:3000]
    hidden = [
        layer for size in sizes for layer in (layers.Dense(size, "relu"), layers.Dropout(rate))
    ]
    model = chainrule.Sequential(
        [layers.Input(x.shape[1:]), layers.Flatten(), layers.Dropout(rate), *hidden,
         layers.Dense(10, "softmax")], seed=0,
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    doctor = chainrule.Doctor(verbose=0)
    model.fit(x / 255, y, epochs=5, verbose=0, callbacks=[doctor])
    assert doctor.findings == []


def frame(rows=200):
    drawn = np.random.default_rng(0)
    return {"a": drawn.normal(size=rows), "c": list("xyzw") * (rows // 4)}


def test_findings_and_gradients_of_each_network_are_records():
    """A rate at which the loss grows and grows; findings say which network."""
    X = frame()
    y = np.where(X["a"] > 0, "yes", "no")
    one = TabularClassifier(learning_rate=30.0, members=2, epochs=6, bins=0).fit(X, y)
    found = one.findings_
    assert {row["network"] for row in found} == {0, 1}
    assert bad(found)
    for row in found:
        assert {"severity", "kind", "network", "layer", "step", "sentence", "remedy"} <= set(row)
    assert "Try a tenth of the learning_rate." in [row["remedy"] for row in bad(found)]
    json.dumps(one.model_.doctor, allow_nan=False)
    gradients = one.model_.doctor["gradients"]
    assert gradients["layers"] == ["dense_0", "dense_1", "dense_2"]
    assert len(gradients["steps"]) == len(gradients["norms"])
    assert {len(norms) for norms in gradients["norms"]} == {len(gradients["layers"])}
    mended = TabularClassifier(members=2, epochs=4, bins=0).fit(X, y)
    assert mended.findings_ == []


KINDS = (
    "vanishing gradient", "exploding gradient", "dead units", "saturated units", "symmetric units",
    "loss not finite", "learning rate too high", "learning rate too low", "nothing learned",
    "overfitting",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_remedies_name_settings_that_tables_have(kind):
    one = Finding("warning", kind, None, 9, "It is so.", "Try Dropout, or CosineDecay.", 9)
    words = set(re.findall(r"[a-z_]+", remedy_of(one)))
    assert words & set(SETTINGS)
    assert {word for word in words if "_" in word} <= set(SETTINGS)
    assert kind in (Finding.__doc__ or "").replace("\n        ", " ")


def test_where_the_best_weights_are_kept_nothing_need_be_done():
    """Noise is learned by heart."""
    X = {"a": np.random.default_rng(0).normal(size=160), "b": np.arange(160.0) * 7 % 13}
    y = np.random.default_rng(1).normal(size=160)
    one = TabularRegressor(
        members=1, epochs=300, patience=150, hidden=(128, 128), dropout=0.0, weight_decay=0.0
    ).fit(X, y)  # fmt: skip
    kept = [row for row in one.findings_ if row["kind"] == "overfitting"]
    assert [(row["severity"], row["remedy"]) for row in kept] == [("note", "")]


def test_findings_are_not_in_a_file(tmp_path):
    X = frame()
    one = TabularRegressor(members=1, epochs=2).fit(X, X["a"])
    one.save(tmp_path / "model.safetensors")
    assert TabularRegressor.load(tmp_path / "model.safetensors").findings_ == []


def test_the_network_of_a_table_is_looked_at_layer_by_layer():
    """Embedding, spread numbers, and a trunk whose second layer is dead from the start."""
    network = TableNetwork(2, (5,), (6, 4), (Head(3, True), Head()), 0.2, 2, 4)
    assert network.names == ("embedding_0", "spread", "dense_0", "dense_1", "dense_2")
    assert {one.name.partition("/")[0] for one in network.parameters()} == set(network.names)
    one = Trainer(network, ["sparse_categorical_crossentropy", "mse"], "adam", seed=1)
    one.parameters["dense_1/bias"][...] = -50.0
    drawn = np.random.default_rng(1)
    x = {
        "numbers": drawn.normal(size=(90, 2)), "categories": drawn.integers(0, 5, (90, 1)),
        "positions": drawn.uniform(0, 4, (90, 2)),
    }  # fmt: skip
    doctor = chainrule.Doctor(verbose=0)
    y = {"target_0": drawn.integers(0, 3, 90), "target_1": drawn.normal(size=90)}
    one.fit(x, y, epochs=2, callbacks=[doctor])
    [found] = doctor.findings
    assert (found.severity, found.kind, found.layer) == ("severe", "dead units", "dense_1")
    assert doctor.statistics["layers"] == list(network.names)
