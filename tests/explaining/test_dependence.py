"""Partial dependence and ICE curves, against scikit-learn's and against planted truths."""

import numpy as np
import pandas
import polars
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import partial_dependence as sklearn_dependence
from tests.explaining import fitted

from chainrule import MLPClassifier, MLPRegressor, TabularRegressor
from chainrule.errors import DataError, SettingError
from chainrule.explaining import partial_dependence

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))


HIGH = [f"t{number}" for number in range(26, 41)]


def fit(kind, X, y):
    with pytest.warns(ConvergenceWarning):
        return kind(hidden_layer_sizes=(8,), max_iter=20, random_state=0).fit(X, y)


@pytest.mark.parametrize("kind", ["classes", "two classes", "numbers", "several numbers"])
def test_it_is_scikit_learns(kind):
    if "numbers" in kind:
        y = X[:, 0] * X[:, 1]
        model = fit(MLPRegressor, X, y if kind == "numbers" else np.stack([y, -y], axis=1))
    else:
        y = np.digitize(X[:, 0], [-0.5, 0.5] if kind == "classes" else [0.0])
        model = fit(MLPClassifier, X, y)
    found = partial_dependence(model, X, "x1", points=7)
    theirs = sklearn_dependence(
        model, X, [1], kind="both", method="brute", custom_values={1: np.array(found.grid)},
        **({} if "numbers" in kind else {"response_method": "predict_proba"}),
    )  # fmt: skip
    assert len(found.curves) == len(theirs["average"])
    for curve, mean, each in zip(
        found.curves, theirs["average"], theirs["individual"], strict=True
    ):
        np.testing.assert_allclose(curve.means, mean, rtol=1e-6)
        np.testing.assert_allclose(curve.ice, each[list(found.ice_rows)], rtol=1e-6)
        half = 1.959964 * each.std(axis=0, ddof=1) / np.sqrt(len(each))
        np.testing.assert_allclose(curve.intervals, np.array([mean - half, mean + half]).T)


def test_a_planted_monotone_effect_comes_out_monotone():
    found = partial_dependence(fitted.regressor(), fitted.columns(), "strong")
    means = found.curves[0].means
    assert (np.diff(means) > 0).all()
    noise = partial_dependence(fitted.regressor(), fitted.columns(), "noise")
    assert noise.spread < 0.1 * found.spread


def test_the_grid_of_numbers_is_quantiles_and_that_of_dates_dates():
    given = fitted.columns()
    found = partial_dependence(fitted.regressor(), given, "slope", points=5)
    ordered = np.sort(given["slope"])
    expected = [ordered[round(share * 299)] for share in np.linspace(0.02, 0.98, 5)]
    np.testing.assert_allclose(found.grid, expected)
    assert partial_dependence(fitted.regressor(), given, "level").grid == (0, 1, 2, 3, 4)
    dates = partial_dependence(fitted.regressor(), given, "day", points=3).grid
    assert all(one in given["day"].astype(str) for one in dates)
    assert list(dates) == sorted(dates)


def test_categories_come_by_frequency_and_rare_ones_together():
    rng = np.random.default_rng(2)
    town = np.array([f"t{number}" for number in np.minimum(rng.geometric(0.08, 600), 40)], object)
    given = pandas.DataFrame({"town": town, "x": rng.normal(size=600)})

    class Lengths:
        classes_ = ("no", "yes")

        def predict_proba(self, frame):
            chance = frame["town"].isin(["t1", *HIGH]).to_numpy() * 0.5
            return np.stack([1 - chance, chance], axis=1)

    found = partial_dependence(Lengths(), given, "town")
    counts = given["town"].value_counts()
    assert found.labels[-1] == "(others)"
    assert list(found.counts[:20]) == sorted(counts, reverse=True)[:20]
    assert found.counts[-1] == 600 - sum(found.counts[:20])
    by_value = dict(zip(found.labels, found.curves[0].means, strict=True))
    assert by_value["t1"] == 0.5 and by_value["t2"] == 0.0
    rest = given["town"][~given["town"].isin(found.labels)]
    expected = 0.5 * rest.isin(HIGH).mean()
    assert 0.1 < expected < 0.4
    assert by_value["(others)"] == pytest.approx(expected, abs=0.05)


def test_rows_that_differ_are_said_and_parallel_ones_are_not():
    class Crossed:
        def predict(self, rows):
            return rows[:, 0] * rows[:, 1] + rows[:, 2]

    found = partial_dependence(Crossed(), X, "x0")
    assert found.curves[0].apart > 0.9
    assert 0.3 < found.curves[0].against < 0.7
    assert "depends on the other columns; in" in found.findings[0]
    parallel = partial_dependence(Crossed(), X, "x2")
    assert parallel.curves[0].apart == pytest.approx(0.0, abs=1e-9)
    assert not parallel.findings


def test_thin_stretches_and_rare_values_are_said():
    values = np.concatenate([np.linspace(0, 1, 97), [7.0, 8.0, 9.0]])
    given = np.stack([values, RNG.normal(size=100)], axis=1)
    found = partial_dependence(Half(), given, "x0", points=40)
    assert any(one.startswith("Between 0.9") and "of 100 rows" in one for one in found.findings)
    rare = partial_dependence(fitted.classifier(), fitted.columns(60), "street")
    assert any("Fewer than 10 rows have" in one for one in rare.findings)


def test_columns_that_go_together_are_named():
    given = np.stack([X[:, 0], 2 * X[:, 0], X[:, 1]], axis=1)
    model = fit(MLPRegressor, given, X[:, 0])
    assert "'x0' goes with 'x1'" in partial_dependence(model, given, "x0").cannot_tell[0]
    assert "goes with" not in partial_dependence(model, given, "x2").cannot_tell[0]


def test_rows_are_drawn_by_the_seed_and_classes_chosen():
    model, given = fitted.three_classes(), fitted.columns()
    one = partial_dependence(model, given, "strong", rows=50, classes=2)
    again = partial_dependence(model, given, "strong", rows=50, classes=[2])
    other = partial_dependence(model, given, "strong", rows=50, classes=2, seed=1)
    assert one == again != other
    assert (one.rows, [curve.output for curve in one.curves]) == (50, [2])
    assert len(partial_dependence(model, given, "strong", rows=9).curves) == 3
    logits = partial_dependence(fitted.classifier(), given, "strong", scale="logit", ice=False)
    assert min(logits.curves[0].means) < 0 and logits.curves[0].ice == ()


@pytest.mark.parametrize(
    "column, change, error, wrong",
    [
        ("same", {}, DataError, "'same' cannot be explained: the model does not use it"),
        ("strnog", {}, DataError, "there is no column 'strnog'; did you mean 'strong'"),
        ("strong", {"classes": "maybe"}, SettingError, "the model knows no class 'maybe'; known"),
        ("strong", {"points": 1}, SettingError, "points must be a whole number of 2 or more"),
        ("strong", {"scale": "number"}, SettingError, "scale: 'number' does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(column, change, error, wrong):
    with pytest.raises(error, match=wrong):
        partial_dependence(fitted.classifier(), fitted.columns(30), column, **change)


def test_it_is_drawn_and_a_frame_of_the_same_kind():
    made = fitted.columns(40)
    given = polars.DataFrame({name: one.tolist() for name, one in made.items()})
    found = partial_dependence(fitted.classifier(), given, "strong", points=4)
    frame = found.to_frame()
    assert isinstance(frame, polars.DataFrame)
    np.testing.assert_allclose(frame["mean"].to_list(), found.curves[0].means)
    ax = found.plot()
    assert ax.get_ylabel() == "mean probability of yes"
    lines = [line.get_ydata() for line in ax.get_lines() if len(line.get_ydata()) == 4]
    assert len(lines) == 41
    np.testing.assert_allclose(lines[-1], found.curves[0].means)
    centered = found.plot(centered=True)
    assert all(
        line.get_ydata()[0] == 0 for line in centered.get_lines() if len(line.get_ydata()) == 4
    )
    for column in ("town", "day"):
        assert partial_dependence(fitted.classifier(), given, column).plot().get_xlabel() == column


def test_of_several_targets_a_model_for_each_is_asked_for():
    given = {"a": np.arange(60.0) % 7, "b": np.arange(60.0) % 5}
    targets = np.stack([given["a"], given["b"]], axis=1)
    model = TabularRegressor(epochs=1, members=1, hidden=(4,)).fit(given, targets)
    with pytest.raises(SettingError, match=r"has 2 targets, 'y.0', 'y.1', and explanations are of"):
        partial_dependence(model, given, "a")


@pytest.mark.parametrize("rows", ["both", "present", "missing"])
def test_of_a_column_whose_presence_is_used_there_are_two_entries(rows):
    model, given = fitted.of_tickets(), fitted.tickets()
    assert model.model_.encoder.presences == ("ticket",)
    has = np.not_equal(given["ticket"], None)
    kept = {"both": np.ones(200, bool), "present": has, "missing": ~has}[rows]
    given = {name: column[kept] for name, column in given.items()}
    found = partial_dependence(model, given, "ticket")
    assert sorted(found.labels) == ["missing", "present"]
    assert set(found.grid) == {None, "present"}
    count = {"present": int(has[kept].sum()), "missing": int((~has)[kept].sum())}
    assert found.counts == tuple(count[label] for label in found.labels)
    assert found.counts[0] >= found.counts[1]
    cells = {"present": "any ticket", "missing": None}
    for label, mean in zip(found.labels, found.curves[0].means, strict=True):
        column = np.array([cells[label]] * len(given["size"]), dtype=object)
        by_hand = model.predict_proba({**given, "ticket": column})[:, 1].mean()
        assert mean == pytest.approx(by_hand, rel=1e-6)
    assert found.spread > 0.5


class Half:
    """Half of the first column."""

    def predict(self, rows):
        return rows[:, 0] / 2


@pytest.mark.parametrize(
    "values, said",
    [
        ([1.0, 2.0, 3.0], []),
        ([1.0, 2.0, 3.0, 9.0], ["Between 3 and 9 lie 0 of 40 rows: the curve there is a guess."]),
        ([0.5, 1.0, 1.5], []),
        ([0.0, 0.1, 0.2, 0.3], []),
    ],
)
def test_neighbors_have_no_gap_between_them(values, said):
    given = np.resize(values, 40)[:, np.newaxis]
    assert list(partial_dependence(Half(), given, "x0").findings) == said


@pytest.mark.parametrize("column", ["gaps", "day"])
def test_missing_numbers_and_dates_have_an_entry(column):
    given = fitted.columns()
    if column == "day":
        given["day"] = given["day"].copy()
        given["day"][::5] = np.datetime64("NaT")
    model = TabularRegressor(epochs=5, members=1, hidden=(12,)).fit(given, fitted.price(given))
    found = partial_dependence(model, given, column, points=6)
    lacking = np.isnat(given["day"]) if column == "day" else np.isnan(given["gaps"])
    assert (found.labels[-1], found.grid[-1], found.missing) == ("missing", None, lacking.sum())
    assert len(found.grid) == 7 and found.is_ordered
    nothing = np.full(300, np.datetime64("NaT") if column == "day" else np.nan)
    by_hand = model.predict({**given, column: nothing}).mean()
    assert found.curves[0].means[-1] == pytest.approx(by_hand, rel=1e-6)
    assert found.spread == pytest.approx(np.ptp(found.curves[0].means))
    complete = {name: cells[~lacking] for name, cells in given.items()}
    learned = partial_dependence(model, complete, column, points=6)
    assert (learned.labels[-1], learned.missing) == ("missing", 0)
    assert learned.spread == pytest.approx(np.ptp(learned.curves[0].means[:-1]))
    assert partial_dependence(model, complete, "strong").missing is None


def test_of_other_models_missing_numbers_count_where_rows_have_them():
    class Known:
        def predict(self, rows):
            return np.where(np.isnan(rows[:, 0]), 7.0, rows[:, 0])

    given = np.array([[1.0], [2.0], [np.nan]])
    found = partial_dependence(Known(), given, "x0")
    assert found.grid == (1, 2, None)
    assert found.curves[0].means == pytest.approx((1.0, 2.0, 7.0))
    assert found.curves[0].against == 0.0
    assert partial_dependence(Known(), given[:2], "x0").grid == (1, 2)


def test_of_many_classes_the_most_probable_ones_come_first():
    model, given = fitted.many_classes()
    found = partial_dependence(model, given, "strong", points=5)
    means = model.predict_proba(given).mean(axis=0)
    expected = model.classes_[np.argsort(-means)].tolist()
    assert [one.output for one in found.curves] == expected
    assert found.findings[-1] == (
        f"Of {len(expected)} classes the most probable ones are shown first."
    )
    lines = repr(found).splitlines()
    assert len(lines) < 30
    assert {line.split()[1] for line in lines[2:22]} == set(expected[:4])
    assert f"{len(expected) - 4} more: see to_frame(), or name one with classes=." in lines
    assert len(found.to_frame()) == 5 * len(expected)
    named = partial_dependence(model, given, "strong", classes=["k10", "k05"])
    assert [one.output for one in named.curves] == ["k10", "k05"]


def test_means_are_those_of_answers_with_the_column_replaced():
    given = fitted.columns(50, seed=4)
    for column, value in (("town", "Oslo"), ("level", 3.0), ("sold", True)):
        everywhere = {**given, column: np.full(50, value, dtype=given[column].dtype)}
        number = partial_dependence(fitted.regressor(), given, column)
        at = number.grid.index(value)
        by_hand = fitted.regressor().predict(everywhere).mean()
        assert number.curves[0].means[at] == pytest.approx(by_hand, rel=1e-6)
        classes = partial_dependence(fitted.three_classes(), given, column)
        by_hand = fitted.three_classes().predict_proba(everywhere).mean(axis=0)
        means = [one.means[classes.grid.index(value)] for one in classes.curves]
        assert means == pytest.approx(by_hand, rel=1e-6)


def test_one_row_has_no_interval_and_single_rows_are_told_where_they_are_kept():
    model, given = fitted.regressor(), fitted.columns(1)
    one = partial_dependence(model, given, "strong")
    assert ", over 1 row\n" in repr(one)
    assert set(one.to_frame()["low"]) == {None}
    assert repr(one).splitlines()[2].split()[-2:] == ["-", "-"]
    means = partial_dependence(model, given, "strong", ice=False)
    assert "nor what single rows do where they differ" in means.cannot_tell[-1]
    assert one.cannot_tell[-1] == "What would follow from changing the column in the world."
