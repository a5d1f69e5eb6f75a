"""Tables trained with other activations, normalizations, penalties and optimizers."""

import time

import numpy as np
import pytest
from tests.estimators import tables

from chainrule.data import read_table
from chainrule.engine import threads_at_most
from chainrule.errors import SettingError
from chainrule.estimators import (
    Keeper,
    TableSettings,
    TabularRegressor,
    fit_table,
    load_table_model,
    plan_table,
)

QUICK = {"epochs": 4, "members": 2, "hidden": (16, 8)}
SETTINGS = [
    {"activation": "silu"},
    {"activation": "tanh", "normalization": "layer"},
    {"normalization": "batch"},
    {"normalization": "batch", "model": "mlp"},
    {"l1": 0.001, "l2": 0.001},
    *({"optimizer": name} for name in ("adam", "nadam", "rmsprop", "adagrad", "sgd")),
]


def called(settings):
    return ", ".join(f"{name}={value}" for name, value in settings.items())


every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=called)
batch = {"normalization": "batch", "activation": "silu", "l2": 0.001, "optimizer": "sgd"}


def planned(**settings):
    source = tables.table(only=tables.XOR)
    return plan_table(source, "same", TableSettings(**QUICK | settings))


def bits(model):
    return [member.parameters.flat.tobytes() for member in model.members]


@every_setting
def test_each_setting_beats_the_naive_baseline_on_a_real_table(datasets, settings):
    """Medical costs of 1,338 people: with the mean alone the error is 1 deviation."""
    table = read_table(str(datasets / "insurance" / "data.parquet"))
    settings = TableSettings(**{"epochs": 30, "members": 1, "hidden": (32,)} | settings)
    plan = plan_table(table, "charges", settings)
    answers, truth = fit_table(plan).predict(plan.test_table).values, plan.truth(plan.test_table)
    assert np.sqrt(np.mean((answers - truth) ** 2)) < 0.55 * np.std(truth)


@every_setting
def test_a_model_file_gives_the_same_answers(settings, tmp_path):
    plan = planned(**settings)
    model = fit_table(plan)
    model.save(tmp_path / "model.safetensors")
    found = load_table_model(tmp_path / "model.safetensors")
    assert found.network == model.network and found.chosen == model.chosen
    assert bits(found) == bits(model)
    asked = plan.encoded(plan.test_table)
    assert np.array_equal(found.answers(asked), model.answers(asked))


def test_threads_change_no_bit():
    found = []
    for threads in (1, 2):
        with threads_at_most(threads):
            found.append(fit_table(planned(**batch)))
    assert bits(found[0]) == bits(found[1]) and found[0].history == found[1].history


def test_what_was_stopped_goes_on_to_the_same_bits(tmp_path):
    """Statistics of batches are a part of what a checkpoint keeps."""
    path = tmp_path / "checkpoint.safetensors"
    plan = planned(**batch | {"epochs": 400, "patience": 400, "members": 1})

    def until_kept(progress):
        time.sleep(0.01)
        if path.exists():
            raise LookupError

    with pytest.raises(LookupError):
        fit_table(plan, watch=until_kept, keeper=Keeper(path, {}))
    kept = Keeper(path, {})
    assert 0 < len(kept.history) < 400
    again, whole = fit_table(plan, keeper=kept), fit_table(plan)
    assert bits(again) == bits(whole) and again.history == whole.history


def test_batches_are_predicted_as_their_rows_alone():
    plan = planned(**batch)
    model, encoded = fit_table(plan), plan.encoded(plan.test_table)
    alone = [model.answers(plan.encoded(plan.test_table.take(np.array([row])))) for row in range(5)]
    assert np.array_equal(np.concatenate(alone), model.answers(encoded)[:5])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_decay_that_was_not_asked_for_is_not_there(optimizer):
    assert planned(optimizer=optimizer).chosen.weight_decay == 0.0
    assert planned().chosen.weight_decay == 0.1
    words = f"weight_decay: belongs to optimizer='adamw', got 0.1 with '{optimizer}'; leave it out"
    with pytest.raises(SettingError, match=words):
        TableSettings(optimizer=optimizer, weight_decay=0.1)


def test_sgd_has_momentum_and_steps_ten_times_as_large():
    rule = fit_table(planned(optimizer="sgd")).members[0].optimizer.description
    assert (type(rule).__name__, rule.momentum, rule.learning_rate) == ("SGD", 0.9, 0.01)


def test_an_estimator_takes_and_keeps_them(tmp_path):
    columns = tables.columns(rows=80)
    X = {name: columns[name] for name in ("size", "city")}
    settings = {"normalization": "layer", "activation": "gelu", "l1": 0.01, "optimizer": "adam"}
    one = TabularRegressor(epochs=2, members=1, **settings).fit(X, columns["price"])
    network = one.model_.network
    assert (network.normalization, network.activation, network.l1) == ("layer", "gelu", 0.01)
    one.save(tmp_path / "model.safetensors")
    other = TabularRegressor.load(tmp_path / "model.safetensors")
    assert other.get_params() == one.get_params()
    assert np.array_equal(other.predict(X), one.predict(X))
