"""What a run keeps of an explanation: importances, the columns that matter most, few rows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.explaining import fitted

from chainrule.data import as_table
from chainrule.explaining import (
    overview,
    partial_dependence,
    permutation_importance,
    shap_values,
    subject_of,
)
from chainrule.explaining.overview import rows_within


def table(rows=120, **more):
    given = fitted.columns(rows, seed=11)
    return as_table({**given, "target": fitted.label(given), **more})


def test_importance_and_dependence_are_those_of_the_functions():
    model, given = fitted.classifier().model_, table()
    found = overview(model, given, learned=200)
    expected = permutation_importance(model, given, given.columns["target"], repeats=5)
    shown = [(one["column"], one["value"]) for one in found["importance"]["columns"]]
    assert [name for name, _ in shown] == list(expected.columns)
    np.testing.assert_allclose([value for _, value in shown], expected.values, rtol=1e-5)
    assert [one["column"] for one in found["dependence"]] == list(expected.columns[:6])
    first = found["dependence"][0]
    same = partial_dependence(model, given, first["column"], points=15, rows=300)
    np.testing.assert_allclose(first["curves"][0]["means"], same.curves[0].means, rtol=1e-5)
    assert len(first["curves"][0]["ice"]) == 20
    sizes = found["shap"]
    assert sizes["columns"][0]["column"] == "strong" and sizes["rows"] == 100
    assert found == overview(model, given, learned=200)
    assert len(json.dumps(found)) < 60_000


def test_of_several_classes_no_single_rows_are_kept():
    model = fitted.three_classes().model_
    given = fitted.columns(60, seed=2)
    target = np.digitize(fitted.price(given), [44.0, 56.0])
    found = overview(model, as_table({**given, "target": target}), learned=200)
    curves = found["dependence"][0]["curves"]
    assert len(curves) == 3 and all(one["ice"] == [] for one in curves)


@pytest.mark.parametrize(
    "given, reason",
    [
        (None, "There are no test rows"),
        ([None] * 120, "No test row has a target"),
        (["never met"] * 120, "No test row has a target"),
        (["yes"] * 120, "The columns could not be judged: metric: 'roc_auc' is not defined"),
    ],
)
def test_a_reason_where_nothing_can_be_explained(given, reason):
    model = fitted.classifier().model_
    rows = None if given is None else table(target=np.array(given, dtype=object))
    assert overview(model, rows, learned=200)["reason"].startswith(reason)


def test_rows_fall_with_the_work_of_an_answer():
    model = fitted.classifier().model_
    work = 1e9 * model.members[0].parameters.count
    assert rows_within(model, 1_000_000, work) == 500  # of two networks
    assert rows_within(replace(model, members=model.members[:1]), 1_000_000, work) == 1000
    assert rows_within(model, 100_000_000, work) == 100
    assert rows_within(model, 1, work) == 10_000


def test_rows_that_stand_out_are_explained_as_the_function_explains_them():
    model, given = fitted.classifier().model_, table()
    numbers = 1000 + np.arange(given.rows)
    found = overview(model, given, 200, numbers)["rows"]
    answers = subject_of(model, given).answers()[:, 1]
    truth = given.columns["target"].values == "yes"
    assert [one["why"] for one in found][:2] == [["highest answer"], ["lowest answer"]]
    highest, lowest, off = (one["row"] - 1000 for one in found)
    assert (highest, lowest) == (answers.argmax(), answers.argmin())
    assert off == abs(truth - answers).argmax()
    expected = shap_values(model, given.take([off])).row(0)
    one = found[2]
    assert [line["column"] for line in one["columns"]] == list(expected.columns[:8])
    values = [line["value"] for line in one["columns"]]
    np.testing.assert_allclose(values, expected.values[:8], rtol=1e-5)
    assert one["others"]["count"] == len(expected.columns) - 8
    total = one["base"] + sum(values) + one["others"]["value"]
    assert total == pytest.approx(one["prediction"], abs=1e-4)
    assert one["truth"] == ("yes" if truth[off] else "no") and one["output"] == "yes"


def test_of_numbers_and_several_classes_rows_stand_out_too():
    model = fitted.regressor().model_
    given = fitted.columns(60, seed=2)
    price = fitted.price(given)
    price[7] += 500
    found = overview(model, as_table({**given, "target": price}), 200)["rows"]
    assert [one["why"][-1] for one in found] == ["highest answer", "lowest answer", "furthest off"]
    assert found[2]["row"] == 7 and found[2]["truth"] > 500 and found[2]["scale"] == "number"
    model = fitted.three_classes().model_
    target = np.digitize(fitted.price(given), [44.0, 56.0])
    found = overview(model, as_table({**given, "target": target}), 200)["rows"]
    answers = subject_of(model, as_table(given)).answers()
    assert found[0]["row"] == answers.max(axis=1).argmax()
    assert found[0]["output"] == answers[found[0]["row"]].argmax()
    assert found[1]["row"] == answers.max(axis=1).argmin()
    off = answers[np.arange(60), target].argmin()
    (furthest,) = (one for one in found if "furthest off" in one["why"])
    assert furthest["row"] == off and furthest["truth"] == target[off]
