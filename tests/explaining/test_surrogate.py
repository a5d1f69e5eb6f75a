"""A local surrogate: of a sum it is that sum, of others it says how badly it fits."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from tests.explaining import fitted

from chainrule.data import frame_of
from chainrule.errors import DataError, MissingPlaceError, SettingError
from chainrule.explaining import local_surrogate
from chainrule.explaining.surrogate import _made

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))


def test_of_a_sum_each_column_adds_its_distance_from_the_mean():
    slopes = np.array([3.0, -2.0, 1.0, 0.0])
    model = LinearRegression().fit(X, X @ slopes)
    found = local_surrogate(model, X, 5)
    values = dict(zip(found.columns, found.values, strict=True))
    for place in range(4):
        expected = slopes[place] * (X[5, place] - X[:, place].mean())
        assert values[f"x{place}"] == pytest.approx(expected, rel=0.02, abs=0.02)
    assert found.prediction == pytest.approx(float(X[5] @ slopes))
    assert found.base == pytest.approx(float((X @ slopes).mean()), abs=0.05)
    assert found.fitted == pytest.approx(found.base + sum(found.values))
    assert found.quality > 0.999
    assert [abs(one) for one in found.values] == sorted(map(abs, found.values), reverse=True)


def test_the_fit_is_scikit_learns_weighted_ridge():
    model, given = fitted.classifier(), fitted.columns(50)
    found = local_surrogate(model, given, 7, samples=300, seed=2)
    names = [name for name in given if name != "same"]
    kept, choice = _made(len(names), 50, 300, 2)
    both = {name: np.concatenate([given[name][7:8], given[name]]) for name in names}
    made = {name: both[name][choice[:, place]] for place, name in enumerate(names)}
    answers = model.predict_proba(made)[:, 1]
    features, usual, own = [], [], []
    for name in names:
        if name in ("town", "street", "sold", "gaps"):  # the row has no value in gaps
            own.append(1.0)
            missing = name == "gaps"
            same = np.isnan(both[name]) if missing else both[name] == both[name][0]
            column = same.astype(float)
        else:
            numbers = (
                both[name].astype("datetime64[us]").astype(float) if name == "day" else both[name]
            )
            own.append(0.0)
            column = (numbers - numbers[0]) / numbers[1:].std()
        usual.append(column[1:].mean())
        features.append(column[choice[:, names.index(name)]])
    weights = np.exp(-(((1 - kept.mean(axis=1)) / 0.5) ** 2))
    features = np.stack(features, axis=1)
    theirs = Ridge(alpha=1.0).fit(features, answers, sample_weight=weights)
    values = dict(zip(found.columns, found.values, strict=True))
    expected = theirs.coef_ * (np.array(own) - usual)
    np.testing.assert_allclose([values[name] for name in names], expected, atol=1e-6)
    assert found.base == pytest.approx(float(theirs.predict([usual])[0]), abs=1e-6)
    assert found.quality == pytest.approx(theirs.score(features, answers, weights), abs=1e-6)


def test_a_fit_that_is_bad_is_said():
    class Parity:
        def predict(self, rows):
            return np.sign(rows[:, 0] * rows[:, 1] * rows[:, 2] * rows[:, 3])

    bad = local_surrogate(Parity(), X, 0)
    assert bad.quality < 0.5
    assert "trust it little" in bad.cannot_tell[0]
    good = local_surrogate(LinearRegression().fit(X, X[:, 0]), X, int(np.argmax(X[:, 0])))
    assert good.quality > 0.5
    assert "trust it little" not in good.cannot_tell[0]


def test_the_planted_strong_column_is_first():
    given = fitted.columns(200, seed=9)
    row = int(np.argmax(given["strong"]))
    found = local_surrogate(fitted.regressor(), given, row)
    assert found.columns[0] == "strong"
    assert found.values[0] > 0
    assert found.cells[0] == given["strong"][row]


def test_classes_scales_and_other_backgrounds():
    model, given = fitted.three_classes(), fitted.columns(40)
    found = local_surrogate(model, given, 3, samples=50)
    assert found.output == model.predict(given)[3]
    named = local_surrogate(model, given, 3, samples=50, label=1, scale="logit")
    chance = model.predict_proba(given)[3, 1]
    assert named.prediction == pytest.approx(np.log(chance / (1 - chance)), rel=1e-4)
    elsewhere = local_surrogate(model, given, 3, samples=50, background=fitted.columns(20, seed=4))
    assert elsewhere.prediction == found.prediction
    assert elsewhere.values != found.values
    assert found == local_surrogate(model, given, 3, samples=50)


@pytest.mark.parametrize(
    "row, change, error, wrong",
    [
        (40, {}, MissingPlaceError, "there is no row 40; there are 40 rows, counted from 0"),
        (-1, {}, MissingPlaceError, "there is no row -1"),
        (0, {"label": "maybe"}, SettingError, "knows no class 'maybe'"),
        (0, {"samples": 3}, SettingError, "samples must be a whole number of 10 or more"),
        (0, {"background": fitted.columns(1)}, DataError, "the background needs 2 rows"),
    ],
)
def test_what_does_not_fit_is_refused(row, change, error, wrong):
    with pytest.raises(error, match=wrong):
        local_surrogate(fitted.classifier(), fitted.columns(40), row, **change)


def test_it_is_drawn_and_told():
    found = local_surrogate(fitted.classifier(), fitted.columns(40), 5, samples=50)
    record = found.to_record()
    assert [one["column"] for one in record["columns"]] == list(found.columns)
    assert record["method"] == "lime" and record["scale"] == "probability"
    ax = found.plot()
    widths = {bar.get_y(): bar.get_width() for bar in ax.patches}
    assert [widths[place] for place in sorted(widths, reverse=True)] == list(found.values)
    assert found.to_frame().columns.tolist() == ["column", "cell", "value"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_frame_is_of_the_kind_of_the_rows(library):
    given = {name: one.tolist() for name, one in fitted.columns(40).items()}
    found = local_surrogate(fitted.classifier(), frame_of(given, library), 5, samples=50)
    frame = found.to_frame()
    assert type(frame).__module__.partition(".")[0] == library
    columns = frame["cell"].to_pylist() if library == "pyarrow" else list(frame["cell"])
    cells = dict(zip(found.columns, columns, strict=True))
    assert cells["town"] == given["town"][5]
    assert float(cells["strong"]) == pytest.approx(given["strong"][5], rel=1e-5)


def test_of_a_column_whose_presence_is_used_other_values_are_no_change():
    model, given = fitted.of_tickets(), fitted.tickets()
    row = int(np.argmax(np.not_equal(given["ticket"], None)))
    found = local_surrogate(model, given, row)
    assert found.columns[0] == "ticket"
    assert found.quality > 0.95
