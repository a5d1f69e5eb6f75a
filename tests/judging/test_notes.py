"""What is said of rows that scores must be read with."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.judging.tables import QUICK, people, three

import chainrule
from chainrule import TabularRegressor
from chainrule.cli import main
from chainrule.data import read_table


def noted(found, part):
    [note] = [one for one in found.notes if part in one]
    assert f"note: {note}" in repr(found) and note in found.to_record()["notes"]
    return note


def test_rows_without_a_target_are_said(left):
    model, X, y = left
    assert chainrule.evaluate(model, X, y).notes == ()
    holes = y.astype(object).where(np.arange(800) % 4 > 0, None)
    assert "200 rows" in noted(chainrule.evaluate(model, X, holes), "without a target left out")


def test_rows_of_weight_0_are_said(left):
    model, X, y = left
    found = chainrule.evaluate(model, X, y, sample_weight=[0.0] * 34 + [1.0] * 766)
    assert found.judgment.rows == 766 and noted(found, "34 rows of weight 0 left out.")


def test_the_largest_residuals_have_the_numbers_of_the_rows_given():
    X = pd.DataFrame({"size": np.arange(100.0)})
    y = pd.Series(np.where(np.arange(100) % 2, 3.0 * X["size"], np.nan))
    y[81] = 9_000.0
    model = TabularRegressor(**QUICK).fit(X, 3.0 * X["size"])
    found = chainrule.evaluate(model, X, y, worst=1)
    assert found.judgment.residuals.largest[0][0] == found.worst[0]["row"] == 81


def test_columns_without_a_value_are_said(left):
    model, X, y = left
    empty = X.assign(age=np.nan)
    found = chainrule.evaluate(model, empty, y)
    assert "column 'age' is empty in all rows judged" in noted(found, "empty")
    found = chainrule.evaluate(model, empty.assign(town=None), y)
    assert "columns 'age', 'town' are" in noted(found, "empty")


def test_of_one_class_it_is_said_what_is_not_defined(left):
    model, X, y = left
    found = chainrule.evaluate(model, X[y == "yes"], y[y == "yes"])
    assert found.scores["roc_auc"] is None and found.scores["average_precision"] is None
    assert found.scores["recall"] is not None
    told = noted(found, "all rows are of the class 'yes'")
    assert "not defined are roc_auc, average_precision (-)" in told
    found = chainrule.evaluate(model, X[y == "no"], y[y == "no"])
    assert "precision, recall, f1, average_precision (-)" in noted(found, "the class 'no'")
    for one in found.thresholds:
        assert (one.precision, one.recall, one.f1) == (None, None, None)


def test_of_one_number_r2_is_not_defined():
    X = pd.DataFrame({"size": np.arange(100.0)})
    model = TabularRegressor(**QUICK).fit(X, 3.0 * X["size"])
    found = chainrule.evaluate(model, X, np.full(100, 7.0))
    assert found.scores["r2"] is None and found.intervals["r2"] is None
    noted(found, "the truth is the same number in all rows: r2 is not defined (-)")
    assert chainrule.evaluate(model, X[:1], np.ones(1)).scores["r2"] is None


def test_precision_is_0_where_no_row_is_predicted_positive():
    X, y = three()
    model = LogisticRegression(C=1e-9).fit(X, y == 2)
    found = chainrule.evaluate(model, X, y == 2, threshold=0.99)
    assert found.scores["precision"] == 0.0
    assert found.thresholds[0].precision == found.thresholds[-1].precision == 0.0
    assert "predicted to be True:" in noted(found, "precision counts as 0, as in scikit-learn")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("learned")
    X, y = people(400)
    X.assign(left=y).to_csv(place / "people.csv", index=False)
    words = ["--target", "left", "--epochs", "3", "--members", "1", "--out", str(place / "run")]
    assert main(["train", str(place / "people.csv"), *words]) == 0
    return place


def test_rows_learned_from_are_known_in_any_order(trained):
    whole = read_table(str(trained / "people.csv"))
    run, order = str(trained / "run"), np.random.default_rng(0).permutation(400)
    found = chainrule.evaluate(run, whole)
    assert "on rows of this table, so these scores flatter it" in noted(found, "trained on")
    assert found.fitting.startswith("Whether the model over- or underfits cannot be told: the rows")
    for rows in (order, order[:150]):
        found = chainrule.evaluate(run, whole.take(rows))
        assert "stand among those that the run was trained on" in noted(found, "trained on")
        assert "cannot be told" in found.fitting
    alone = [chainrule.evaluate(run, whole.take(order[one : one + 1])).notes for one in range(9)]
    told = "1 of 1 row stands among those that the run was trained on, cell by cell: where it is "
    assert any(told in note for notes in alone for note in notes)
    fresh, y = people(400, seed=1)
    found = chainrule.evaluate(run, fresh, y)
    assert found.notes == () and "cannot be told" not in found.fitting


def test_without_the_file_of_training_only_its_own_order_is_known(trained, tmp_path):
    place = trained / "people.csv"
    whole = read_table(str(place))
    kept = place.rename(tmp_path / "elsewhere.csv")
    try:
        turned = whole.take(np.arange(400)[::-1])
        assert chainrule.evaluate(str(trained / "run"), turned).notes == ()
        assert "flatter" in chainrule.evaluate(str(trained / "run"), whole).notes[0]
    finally:
        kept.rename(place)


def test_tables_of_few_values_look_learned_by_chance_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def table(seed):
        rng = np.random.default_rng(seed)
        kinds = rng.choice(list("abc"), (300, 2))
        y = np.where(rng.random(300) < 0.5, "no", "yes")
        return pd.DataFrame({"one": kinds[:, 0], "two": kinds[:, 1], "y": y})

    table(0).to_csv("few.csv", index=False)
    words = ["--target", "y", "--epochs", "2", "--members", "1", "--out", "run"]
    assert main(["train", "few.csv", *words]) == 0
    assert chainrule.evaluate("run", table(1)).notes == ()


def test_why_fitting_cannot_be_told(left):
    told = chainrule.evaluate(*left).fitting
    assert told.startswith("Whether the model over- or underfits cannot be told: how it scores on")
