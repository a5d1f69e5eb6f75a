"""A subject's answers are those of the model to rows put together by hand."""

import numpy as np
import pandas
import polars
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC
from tests.explaining import fitted

from chainrule.data import as_table
from chainrule.errors import DataError, InputTypeError, MissingPlaceError, SettingError
from chainrule.explaining import subject_of

COLUMNS = ("strong", "slope", "noise", "town", "street", "gaps", "day", "level", "sold")


def by_hand(given, choice):
    return {name: given[name][choice[:, place]] for place, name in enumerate(COLUMNS)}


def test_columns_are_those_of_the_user():
    subject = subject_of(fitted.classifier(), fitted.columns())
    assert subject.columns == COLUMNS
    assert list(subject.left_out) == ["same", "target"]
    assert "only value" in subject.left_out["same"]
    assert subject.outputs == ("no", "yes")
    assert [subject.kind(name) for name in ("strong", "town", "day", "sold")] == [
        "number", "category", "datetime", "boolean",
    ]  # fmt: skip
    assert subject.values("gaps")[0] is None
    assert subject.values("town").tolist() == fitted.columns()["town"].tolist()


@pytest.mark.parametrize("model", [fitted.classifier, fitted.three_classes])
def test_recombined_rows_are_answered_as_rows_made_by_hand(model):
    given, model = fitted.columns(40), model()
    choice = np.random.default_rng(1).integers(0, 40, (25, len(COLUMNS)))
    subject = subject_of(model, given)
    found = subject.recombined(choice).answers()
    np.testing.assert_allclose(found, model.predict_proba(by_hand(given, choice)), atol=1e-6)
    again = subject.recombined(choice).recombined(choice[:10] % 25).take([3, 1])
    twice = by_hand(by_hand(given, choice), choice[:10] % 25)
    np.testing.assert_allclose(again.answers(), model.predict_proba(twice)[[3, 1]], atol=1e-6)
    assert again.values("town").tolist() == twice["town"][[3, 1]].tolist()


def test_numbers_are_answered_in_their_unit():
    given = fitted.columns(30)
    found = subject_of(fitted.regressor(), given).answers()
    np.testing.assert_allclose(found[:, 0], fitted.regressor().predict(given))


def test_rows_of_two_subjects_are_joined():
    model, one, other = fitted.classifier(), fitted.columns(5), fitted.columns(4, seed=3)
    subject = subject_of(model, one)
    joined = subject.joined(subject_of(model, other))
    expected = np.concatenate([model.predict_proba(one), model.predict_proba(other)])
    np.testing.assert_allclose(joined.answers(), expected, atol=1e-6)
    assert joined.values("town").tolist() == [*one["town"], *other["town"]]
    assert subject.take([1]).joined(subject.take([0])).values("town").tolist() == [
        one["town"][1], one["town"][0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "column, value",
    [
        ("town", "Oslo"), ("town", "never met"), ("town", None), ("gaps", None), ("gaps", 0.5),
        ("level", 3), ("sold", True), ("day", np.datetime64("2024-05-06")), ("street", "street 3"),
    ],
)  # fmt: skip
def test_one_value_in_all_rows(column, value):
    given, model = fitted.columns(12), fitted.classifier()
    found = subject_of(model, given).with_value(column, value)
    missing = np.nan if column == "gaps" else value
    made = {**given, column: np.array([value if value is not None else missing] * 12)}
    np.testing.assert_allclose(found.answers(), model.predict_proba(made), atol=1e-6)
    assert len(set(found.values(column).tolist())) == 1


def test_a_saved_model_and_a_table_serve_too(tmp_path):
    model, given = fitted.classifier(), fitted.columns(6)
    model.save(tmp_path / "model.safetensors")
    found = subject_of(tmp_path, as_table(given))
    np.testing.assert_allclose(found.answers(), model.predict_proba(given), atol=1e-6)


def test_logits_are_log_odds():
    given = fitted.columns(20)
    for model in (fitted.classifier(), fitted.three_classes()):
        subject = subject_of(model, given)
        found = subject.answers()
        expected = np.log(found / (1 - found))
        np.testing.assert_allclose(subject.answers("logit"), expected, rtol=1e-4, atol=1e-5)


FORMS = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "array": lambda X: np.column_stack(list(X.values())),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_estimator_is_asked_in_the_form_of_its_rows(form):
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=30) for name in "abc"}
    X = FORMS[form](columns)
    array = np.column_stack(list(columns.values()))
    model = LogisticRegression().fit(X, array[:, 0] > 0)
    number = LinearRegression().fit(X, array @ [1.0, 2.0, 3.0])
    subject = subject_of(model, X)
    assert subject.columns == (("x0", "x1", "x2") if form == "array" else ("a", "b", "c"))
    assert subject.outputs == (False, True)
    choice = rng.integers(0, 30, (8, 3))
    made = np.take_along_axis(array, choice, axis=0)
    plain = LogisticRegression().fit(array, array[:, 0] > 0)
    found = subject.recombined(choice).answers()
    np.testing.assert_allclose(found, plain.predict_proba(made), rtol=1e-6)
    last = subject.columns[-1]
    found = subject_of(number, X).joined(subject_of(number, X)).with_value(last, 2.0).answers()
    expected = array @ [1.0, 2.0, 0.0] + 6.0
    np.testing.assert_allclose(found[:, 0], [*expected, *expected])


def test_categories_of_pandas_stay_what_they_are():
    X = pandas.DataFrame({"a": pandas.Categorical(["u", "v", "u", "w"]), "b": [1.0, 2.0, 3.0, 4.0]})

    class Codes:
        def predict(self, X):
            return X["a"].cat.codes.to_numpy() + 10 * X["b"].to_numpy()

    subject = subject_of(Codes(), X)
    assert subject.kind("a") == "category"
    assert subject.recombined([[3, 0], [1, 2]]).answers().ravel().tolist() == [12.0, 31.0]
    assert subject.with_value("a", "w").answers().ravel().tolist() == [12.0, 22.0, 32.0, 42.0]


@pytest.mark.parametrize(
    "ask, error, words",
    [
        (lambda s: s.place("strnog"), DataError, "no column 'strnog'; did you mean 'strong'?"),
        (lambda s: s.kind("same"), DataError, "'same' cannot be explained: .*only value is '1'"),
        (lambda s: s.place("target"), DataError, "it is the target"),
        (lambda s: s.check_row(5), MissingPlaceError, "no row 5; there are 5 rows, counted from 0"),
        (lambda s: s.answers("number"), SettingError, "the target is of classes; choose"),
        (lambda s: s.answers("log"), SettingError, "'log' is not known"),
    ],
)
def test_what_cannot_be_asked_is_said(ask, error, words):
    with pytest.raises(error, match=words):
        ask(subject_of(fitted.classifier(), fitted.columns(5)))


@pytest.mark.parametrize(
    "model, X, words",
    [
        (SVC().fit([[0.0], [1.0]], [0, 1]), np.zeros((2, 1)), "no predict_proba"),
        (object(), np.zeros((2, 1)), "must be a run folder"),
        (LinearRegression(), 3, "X must be a frame"),
        (LinearRegression(), as_table({"a": [1.0]}), "give a frame"),
    ],
)
def test_what_cannot_be_explained_is_said(model, X, words):
    with pytest.raises(InputTypeError, match=words):
        subject_of(model, X)


def test_a_classifier_of_several_targets_is_refused_in_a_sentence():
    X = np.arange(8.0).reshape(4, 2)
    model = RandomForestClassifier(2).fit(X, [[0, 1], [1, 0], [1, 1], [0, 0]])
    with pytest.raises(SettingError, match="has 2 targets, and explanations are of one; fit a"):
        subject_of(model, X)
