"""What every method that looks at a model as a whole has to find, and what it must not claim."""

from functools import cache

import numpy as np
import pytest
from tests.explaining import fitted

from chainrule import TabularClassifier, TabularRegressor
from chainrule.explaining import (
    hidden_unit,
    integrated_gradients,
    local_surrogate,
    partial_dependence,
    permutation_importance,
    saliency,
    shap_values,
)

NAMES = ("strong", "slope", "town", "noise")
UNITS = 8


def planted(rows=500, seed=11):
    """Columns whose weight falls in the order of their names, and noise."""
    rng = np.random.default_rng(seed)
    strong, slope, noise = rng.normal(size=(3, rows))
    town = rng.choice(["Bergen", "Oslo"], rows).astype(object)
    return {"noise": noise, "town": town, "slope": slope, "strong": strong}


def target(given, kind):
    shift = np.where(given["town"] == "Oslo", 1.0, -1.0)
    value = 4 * given["strong"] + 2 * given["slope"] + shift
    return {
        "number": value,
        "two": np.where(value > 0, "yes", "no"),
        "three": np.digitize(value, [-2.5, 2.5]),
    }[kind]


@cache
def model(kind):
    given = planted()
    made = TabularRegressor if kind == "number" else TabularClassifier
    settings = {"epochs": 40, "patience": 40, "members": 1, "hidden": (UNITS,), "bins": 0}
    settings |= {"learning_rate": 0.02, "dropout": 0.0, "l1": 1e-3}
    return made(**settings).fit(given, target(given, kind))


def by_permutation(kind, given):
    found = permutation_importance(model(kind), given, target(given, kind), repeats=5)
    return dict(zip(found.columns, found.values, strict=True))


def by_dependence(kind, given):
    return {name: partial_dependence(model(kind), given, name).spread for name in NAMES}


def by_mean_size(method):
    def measured(kind, given):
        found = method(model(kind), given).importance()
        return dict(zip(found.columns, found.values, strict=True))

    return measured


def by_units(kind, given):
    drivers = [
        one for unit in range(UNITS)
        for one in hidden_unit(model(kind), given, "dense_0", unit).drivers
    ]  # fmt: skip
    return {
        name: sum(one.strength for one in drivers if one.column == name) for name in NAMES
    }  # fmt: skip


def by_surrogates(kind, given):
    total = dict.fromkeys(NAMES, 0.0)
    for row in range(0, 100, 5):
        found = local_surrogate(model(kind), given, row, samples=400)
        for name, value in zip(found.columns, found.values, strict=True):
            total[name] += abs(value)
    return total


METHODS = {
    "permutation": by_permutation,
    "partial dependence": by_dependence,
    "shap": by_mean_size(shap_values),
    "integrated gradients": by_mean_size(integrated_gradients),
    "saliency": by_mean_size(saliency),
    "hidden units": by_units,
    "surrogates": by_surrogates,
}


@pytest.mark.parametrize("kind", ["number", "two", "three"])
@pytest.mark.parametrize("method", METHODS)
def test_the_planted_column_is_first_and_noise_is_last(method, kind):
    sizes = METHODS[method](kind, planted(100, seed=12))
    assert set(sizes) == set(NAMES)
    order = sorted(sizes, key=sizes.get, reverse=True)
    assert order[0] == "strong"
    assert order[-1] == "noise"
    assert sizes["noise"] < 0.25 * sizes["strong"]


@pytest.mark.parametrize("kind, sign", [("number", [1]), ("two", [1]), ("three", [-1, 0, 1])])
@pytest.mark.parametrize("column", ["strong", "slope"])
def test_a_planted_monotone_effect_comes_out_monotone(kind, sign, column):
    found = partial_dependence(model(kind), planted(200, seed=13), column)
    for curve, way in zip(found.curves, sign, strict=True):
        if way:
            assert (way * np.diff(curve.means) > 0).all()


def whole(rows):
    """What each method that looks at all rows cannot tell of so many."""
    given = fitted.columns(rows, seed=6)
    given["slope"] = 2 * given["strong"]
    trained = fitted.regressor()
    return {
        "permutation": permutation_importance(trained, given, fitted.price(given), repeats=2),
        "dependence": partial_dependence(trained, given, "strong"),
        "shap": shap_values(trained, given, rounds=1).importance(),
        "gradients": integrated_gradients(trained, given).importance(),
        "saliency": saliency(trained, given).importance(),
        "unit": hidden_unit(trained, given, "dense_0.1"),
    }


def test_few_rows_are_said_and_columns_not_held_to_depend_on_each_other():
    few, enough = whole(3), whole(30)
    for name, found in few.items():
        assert "What other rows would show: 3 rows are few to look at." in found.cannot_tell, name
        assert not any("'slope'" in one for one in found.cannot_tell), name
        assert "3 rows are few" in repr(found)
    assert not any(
        "few to look at" in one for found in enough.values() for one in found.cannot_tell
    )
    assert any("'slope'" in one for one in enough["permutation"].cannot_tell)
    assert any("'slope'" in one for one in enough["dependence"].cannot_tell)
    around = local_surrogate(fitted.regressor(), fitted.columns(3), 0)
    assert around.cannot_tell[-1] == "What other rows would show: 3 rows are few to look at."
    row = partial_dependence(fitted.regressor(), fitted.columns(1), "strong")
    assert row.cannot_tell[0] == "What other rows would show: 1 row is few to look at."
