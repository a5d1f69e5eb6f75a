"""Trained tables: they learn, repeat to the bit, survive files, and take rows as they come."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.estimators import tables

from chainrule.data import as_table
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators import TableSettings, fit_table, load_table_model, plan_table

QUICK = {"epochs": 60, "members": 2, "hidden": (32, 16), "learning_rate": 0.01}


def trained(only, target, rows=240, **settings):
    plan = plan_table(tables.table(rows, only=only), target, TableSettings(**QUICK | settings))
    return plan, fit_table(plan)


@pytest.fixture(scope="module")
def xor():
    return trained(tables.XOR, "same")


@pytest.fixture(scope="module")
def price():
    return trained(tables.PRICE, "price", rows=600)


def test_it_learns_what_no_linear_model_can(xor):
    plan, model = xor
    predictions = model.predict(plan.test_table)
    truth = np.array(plan.labels.classes, object)[plan.truth(plan.test_table)]
    assert (predictions.values == truth).mean() > 0.95
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-6)


def test_it_learns_steps_that_a_number_alone_hides():
    """The class changes with each of 20 parts of a number; a plain network sees a blur."""
    x = np.random.default_rng(0).uniform(0, 20, 1500)
    source = as_table({"x": x, "y": np.where(x.astype(int) % 2 == 0, "even", "odd").tolist()})
    shares = []
    for bins in (0, None):
        plan = plan_table(source, "y", TableSettings(**QUICK | {"bins": bins, "members": 1}))
        codes = fit_table(plan).answers(plan.encoded(plan.test_table)).argmax(axis=1)
        shares.append((codes == plan.truth(plan.test_table)).mean())
    assert shares[0] < 0.7
    assert shares[1] > 0.95


def test_it_learns_numbers_and_embedded_categories(price):
    plan, model = price
    assert model.encoder.cardinalities  # 20 cities are more than fit side by side
    predicted, truth = model.predict(plan.test_table).values, plan.truth(plan.test_table)
    assert 1 - ((predicted - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum() > 0.9


def test_the_same_settings_give_the_same_bits(xor):
    plan, model = xor
    _, again = trained(tables.XOR, "same")
    _, other = trained(tables.XOR, "same", seed=1)
    first, second = (m.predict(plan.test_table).probabilities for m in (model, again))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.predict(plan.test_table).probabilities.tobytes()


def test_the_number_of_blas_threads_changes_no_bit():
    code = (
        "from tests.estimators.test_fit import trained, tables\n"
        "plan, model = trained(tables.PRICE, 'price', rows=600, hidden=(256, 256), epochs=2)\n"
        "print(model.predict(plan.test_table).values.tobytes().hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_a_saved_model_predicts_the_same_bits(price, tmp_path):
    plan, model = price
    model.save(tmp_path / "model.safetensors")
    loaded = load_table_model(tmp_path / "model.safetensors")
    first, second = (m.predict(plan.test_table).values for m in (model, loaded))
    assert first.tobytes() == second.tobytes()
    assert loaded.history == model.history
    assert loaded.chosen == model.chosen


def test_columns_may_stand_in_any_order_beside_others(price):
    plan, model = price
    source = plan.test_table
    turned = as_table(
        {"more": np.arange(source.rows), **{n: source.columns[n].values for n in ("city", "size")}}
    )
    assert model.predict(turned).values.tobytes() == model.predict(source).values.tobytes()


def test_unseen_categories_and_missing_values_are_predicted(price):
    _, model = price
    odd = as_table({"size": [0.5, None], "city": ["Atlantis", None]})
    assert np.isfinite(model.predict(odd).values).all()


def test_a_missing_column_is_named(price):
    _, model = price
    with pytest.raises(DataError, match="'city'"):
        model.predict(as_table({"size": [1.0]}))


def test_validation_holds_rows_that_were_not_learned_from(xor):
    plan, model = xor
    watched = np.unique(np.concatenate([member.validation for member in plan.members]))
    assert len(model.validation.truth) == len(watched)
    assert (model.validation.answers.argmax(axis=1) == model.validation.truth).mean() > 0.95


def test_history_has_a_row_an_epoch_of_each_member(xor):
    _, model = xor
    for member in range(2):
        epochs = [row["epoch"] for row in model.history if row["member"] == member]
        assert epochs == list(range(1, len(epochs) + 1))
    assert {"loss", "validation_loss"} <= model.history[0].keys()


def test_a_time_limit_ends_training_with_a_model():
    plan = plan_table(
        tables.table(only=tables.XOR), "same",
        TableSettings(time_limit=0.3, epochs=100_000, patience=100_000, members=2),
    )  # fmt: skip
    model = fit_table(plan)
    assert len(model.members) == 2
    assert model.seconds < 5
    assert 2 <= model.epochs < 100_000


def test_a_score_chooses_the_epoch():
    plan = plan_table(
        tables.table(only=tables.XOR), "same", TableSettings(**QUICK | {"members": 1})
    )
    asked = []

    def score(truth, answers, weights):
        asked.append(answers.shape)
        return -float(len(asked))  # the first epoch is the best

    model = fit_table(plan, score=score)
    assert asked[0] == (len(plan.members[0].validation), 2)
    first = fit_table(
        plan_table(tables.table(only=tables.XOR), "same",
                   TableSettings(**QUICK | {"members": 1, "epochs": 1}))
    )  # fmt: skip
    assert (
        model.predict(plan.test_table).probabilities.tobytes()
        == first.predict(plan.test_table).probabilities.tobytes()
    )


def test_row_weights_count_as_repeated_rows_would():
    """A weight of 0 is a row that is not there: its label cannot be learned."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    wrong = np.arange(300) % 2 == 0
    label = np.where((x > 0) ^ wrong, "up", "down")
    source = as_table({"x": x, "w": np.where(wrong, 0.0, 2.0), "y": label.tolist()})
    plan = plan_table(source, "y", TableSettings(**QUICK | {"weight": "w"}))
    predicted = fit_table(plan).predict(as_table({"x": [-1.0, 1.0]})).values
    assert predicted.tolist() == ["down", "up"]


def test_balanced_classes_find_the_rare_one():
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    rare = rng.random(400) < 0.25 / (1 + np.exp(-2 * x))
    source = as_table({"x": x, "y": np.where(rare, "rare", "usual").tolist()})
    shares = []
    for weight in (None, "balanced"):
        plan = plan_table(source, "y", TableSettings(**QUICK | {"class_weight": weight}))
        shares.append((fit_table(plan).predict(source).values == "rare").mean())
    assert shares[0] < 0.1
    assert shares[1] > 0.3


def test_two_rows_are_enough():
    source = as_table({"x": [0.0, 1.0], "y": ["a", "b"]})
    model = fit_table(plan_table(source, "y", TableSettings(epochs=3)))
    assert model.predict(source).probabilities.shape == (2, 2)
    assert model.validation is None


def test_another_kind_of_model_is_refused(tmp_path):
    from chainrule.files import save_model

    save_model(tmp_path / "other.safetensors", {"kind": "sequential"}, {"a": np.zeros(2)})
    with pytest.raises(ModelFileError, match="holds no table model"):
        load_table_model(tmp_path / "other.safetensors")
    save_model(tmp_path / "bare.safetensors", {"kind": "table"}, {"a": np.zeros(2)})
    with pytest.raises(ModelFileError, match="does not describe a table model"):
        load_table_model(tmp_path / "bare.safetensors")


def test_a_model_of_the_first_format_predicts_what_it_did():
    """Numbers as the version that wrote the file printed them."""
    path = Path(__file__).parents[1] / "files" / "first_table.safetensors"
    model = load_table_model(path)
    asked = as_table({
        "size": [1.5, None, 13.0], "city": ["c3", "nowhere", None], "flag": [True, False, None],
        "when": ["2021-03-04", "2020-01-15", None], "color": ["red", "green", None],
    })  # fmt: skip
    np.testing.assert_allclose(
        model.predict(asked).values, [100.2441596025909, 100.29556332328713, 100.7066816050518],
        rtol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("target, members", [("price", 1), ("price", 3), ("same", 3)])
def test_what_stands_in_test_rows_changes_no_bit(target, members):
    """Other inputs and (of a number) other targets there: the same weights and choices."""
    columns = tables.columns(rows=200)
    settings = TableSettings(**QUICK | {"members": members, "epochs": 3})
    first = plan_table(as_table(columns), target, settings)
    changed = {name: np.array(values, dtype=object) for name, values in columns.items()}
    rows = first.test_rows
    for name in ("left", "right", "size", "price"):
        changed[name][rows] = 1000.0 - 7.5 * np.asarray(columns[name])[rows]
    changed["city"][rows] = "a city of the test alone"
    second = plan_table(
        as_table({name: values.tolist() for name, values in changed.items()}), target, settings
    )
    assert second.test_rows.tolist() == rows.tolist()
    assert second.encoder == first.encoder
    assert second.labels == first.labels
    weights = [
        [member.parameters[name].tobytes() for member in fit_table(plan).members
         for name in member.parameters.names]
        for plan in (first, second)
    ]  # fmt: skip
    assert weights[0] == weights[1]
