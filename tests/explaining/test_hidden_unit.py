"""A hidden unit of a table's network: by formulas from the arrays that the model file holds."""

from functools import cache

import numpy as np
import pytest
from tests.explaining import fitted

from chainrule import Sequential, TabularClassifier, TabularRegressor
from chainrule.data import as_table
from chainrule.errors import InputTypeError, SettingError
from chainrule.explaining import hidden_unit
from chainrule.explaining.unit_drivers import _by_values
from chainrule.explaining.unit_network import UnitOfTable


def columns(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    area, rooms = rng.uniform(30, 200, rows), rng.normal(4, 1, rows)
    area[::9] = np.nan
    town = rng.choice(["Bonn", "Ulm", "Jena"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    return {"area": area, "rooms": rooms, "town": town}


def price(given):
    return 1000 * np.nan_to_num(given["area"], nan=100) + 20_000 * (given["town"] == "Ulm")


@cache
def regressor(bins=0):
    given = columns()
    settings = {"epochs": 8, "members": 2, "hidden": (6, 5), "dropout": 0.0}
    return TabularRegressor(bins=bins, **settings).fit(given, price(given))


def forward(model, given, member=0, held=None):
    """Both hidden layers and the answer, by hand; `held` puts a unit of the first at a value."""
    numbers = model.model_.encoder.encode(as_table(given)).numbers.astype(float)
    parameters = model.model_.members[member].parameters
    w = [parameters[f"dense_{place}/kernel"].astype(float) for place in range(3)]
    b = [parameters[f"dense_{place}/bias"].astype(float) for place in range(3)]
    first = np.maximum(0, numbers @ w[0] + b[0])
    if held is not None:
        first[:, held[0]] = held[1]
    second = np.maximum(0, first @ w[1] + b[1])
    return first, second, model.model_.labels.decode((second @ w[2] + b[2])[:, 0])


def liveliest(model, layer=0, member=0):
    """The unit that says most, so that nothing is compared with 0."""
    return int(forward(model, columns(), member)[layer].std(axis=0).argmax())


@pytest.mark.parametrize("layer, member", [(0, 0), (1, 1)])
def test_rows_and_their_activation(layer, member):
    model, given = regressor(), columns()
    unit = liveliest(model, layer, member)
    found = hidden_unit(model, given, f"dense_{layer}.{unit}", member=member)
    activation = forward(model, given, member)[layer][:, unit]
    order = np.argsort(-activation, kind="stable")[:5]
    assert [one.row for one in found.rows] == order.tolist()
    np.testing.assert_allclose([one.activation for one in found.rows], activation[order], rtol=1e-5)
    assert [one.values["town"] for one in found.rows] == given["town"][order].tolist()
    assert found.active == np.mean(activation > 0)


@pytest.mark.parametrize("bins", [0, 8])
def test_a_number_drives_by_the_change_with_a_deviation(bins):
    model, given = regressor(bins), columns()
    found = hidden_unit(model, given, "dense_1", liveliest(regressor(), 1))
    for name in ("area", "rooms"):
        deviation, means = np.nanstd(given[name]), []
        known = ~np.isnan(np.asarray(given[name], float))
        least, most = np.nanmin(given[name]), np.nanmax(given[name])
        for step in (deviation / 2, -deviation / 2):
            moved = {**given, name: np.clip(given[name] + step, least, most)}
            activations = hidden_unit(model, moved, "dense_1", found.unit).activations
            means.append(np.where(known, activations, 0.0).mean())
        (driver,) = (one for one in found.drivers if one.column == name)
        assert driver.slope == pytest.approx(means[0] - means[1], rel=1e-5, abs=1e-7)
        assert driver.strength == abs(driver.slope)


def test_a_category_drives_by_the_mean_when_all_rows_have_a_value():
    model, given = regressor(), columns()
    unit = liveliest(model)
    found = hidden_unit(model, given, 0, unit)
    (driver,) = (one for one in found.drivers if one.column == "town")
    means, shares = {}, {}
    for town in ("Bonn", "Ulm", "Jena"):
        everywhere = {**given, "town": np.full(200, town, dtype=object)}
        means[town] = forward(model, everywhere)[0][:, unit].mean()
        shares[town] = np.mean(given["town"] == town)
    middle = sum(means[town] * shares[town] for town in means)
    assert dict(driver.values) == pytest.approx(
        {town: mean - middle for town, mean in means.items()}, abs=1e-5
    )
    deviation = np.sqrt(sum(shares[town] * (means[town] - middle) ** 2 for town in means))
    assert driver.strength == pytest.approx(deviation, abs=1e-5)
    changes = [change for _, change in driver.values]
    assert changes == sorted(changes, reverse=True)


def test_its_effect_is_the_mean_output_with_the_unit_held():
    model, given = regressor(), columns()
    unit = liveliest(model)
    found = hidden_unit(model, given, "dense_0", unit)
    assert found.levels[-1] == pytest.approx(forward(model, given)[0][:, unit].max(), rel=1e-5)
    for level, (mean,) in zip(found.levels, found.effect, strict=True):
        by_hand = forward(model, given, held=(unit, level))[2].mean()
        assert mean == pytest.approx(by_hand, rel=1e-4)


def test_of_a_normalized_layer_the_activation_counts():
    given = columns()
    settings = {"epochs": 3, "members": 1, "hidden": (6,), "bins": 0, "normalization": "layer"}
    model = TabularRegressor(activation="tanh", **settings).fit(given, price(given))
    numbers = model.model_.encoder.encode(as_table(given)).numbers.astype(float)
    parameters = model.model_.members[0].parameters
    arrays = {name: parameters[name].astype(float) for name in parameters.names}
    sums = numbers @ arrays["dense_0/kernel"] + arrays["dense_0/bias"]
    scaled = (sums - sums.mean(axis=1, keepdims=True)) / np.sqrt(
        sums.var(axis=1, keepdims=True) + 1e-3
    )
    gamma, beta = (one for name, one in arrays.items() if name.startswith("layer_norm"))
    units = np.tanh(gamma * scaled + beta)
    found = hidden_unit(model, given, "dense_0.2")
    np.testing.assert_allclose(found.activations, units[:, 2], atol=1e-5)
    for level, (mean,) in zip(found.levels, found.effect, strict=True):
        units[:, 2] = level
        answers = units @ arrays["dense_1/kernel"] + arrays["dense_1/bias"]
        by_hand = model.model_.labels.decode(answers[:, 0]).mean()
        assert mean == pytest.approx(by_hand, rel=1e-4)


def test_a_planted_unit_is_named_after_what_drives_it():
    given = columns(seed=3)
    model = TabularClassifier(epochs=1, members=1, hidden=(4,), bins=0, model="mlp")
    model.fit(given, np.where(given["town"] == "Ulm", "yes", "no"))
    names = model.model_.encoder.number_names
    kernel = model.model_.members[0].parameters["dense_0/kernel"]
    kernel[:, 2] = 0.0
    kernel[names.index("rooms"), 2] = -1.0
    kernel[names.index("town = Ulm"), 2] = 1.5
    model.model_.members[0].parameters["dense_0/bias"][2] = 2.0
    found = hidden_unit(model, given, "dense_0.2")
    assert found.name == "low rooms together with town = Ulm"
    assert {one.column: one.strength for one in found.drivers}["area"] == 0.0
    record = found.to_record()
    assert (record["unit"], record["columns"][0]["column"]) == ("dense_0.2", "rooms")
    assert found.to_frame()["column"].tolist()[0] == "rooms"
    assert "low rooms together with town = Ulm" in repr(found)
    left, middle, right = found.plot()
    assert left.get_title() == "What drives dense_0.2"
    assert right.get_legend().get_title().get_text() == "class"
    assert middle.texts[0].get_text().startswith("rooms ")


@pytest.mark.parametrize(
    "unit, wrong",
    [
        (("dense_0.6",), "dense_0 has units 0 to 5, got 6"),
        (("dense_2.0",), "'dense_2' is no hidden layer; did you mean 'dense_"),
        (("dense_0",), "give LAYER.UNIT, both counted from 0"),
        (("dense_0", 0, 2), "there is no network 2; the model has 2"),
    ],
)
def test_a_unit_that_is_not_there_is_refused(unit, wrong):
    *where, member = unit if len(unit) == 3 else (*unit, 0)
    with pytest.raises(SettingError, match=wrong):
        hidden_unit(regressor(), columns(), *where, member=member)


def test_other_models_are_referred_to_their_picture():
    from chainrule.layers import Dense, Input

    model = Sequential([Input((3,)), Dense(4), Dense(1)], seed=0)
    with pytest.raises(InputTypeError, match="plot_hidden_unit"):
        hidden_unit(model, np.eye(3), "dense_0.0")


def test_of_a_column_whose_presence_is_used_there_are_two_values():
    given = fitted.tickets()
    found = hidden_unit(fitted.of_tickets(), given, "dense_0.2")
    (ticket,) = (one for one in found.drivers if one.column == "ticket")
    unit = UnitOfTable(fitted.of_tickets().model_, 0, "dense_0", 2)
    means = {}
    for label, cell in (("present", "any"), ("missing", None)):
        column = np.array([cell] * 200, dtype=object)
        means[label] = unit.activity(as_table({**given, "ticket": column})).mean()
    share = np.mean(np.equal(given["ticket"], None))
    middle = share * means["missing"] + (1 - share) * means["present"]
    assert dict(ticket.values) == pytest.approx(
        {label: mean - middle for label, mean in means.items()}, abs=1e-6
    )
    only = {name: column[np.not_equal(given["ticket"], None)] for name, column in given.items()}
    (ticket,) = (
        one for one in hidden_unit(fitted.of_tickets(), only, "dense_0.2").drivers
        if one.column == "ticket"
    )  # fmt: skip
    assert ticket.values == (("present", 0.0),)


def test_of_a_calibrated_model_the_effect_is_told_at_its_temperature():
    given = fitted.columns()
    model = TabularClassifier(epochs=25, members=1, hidden=(12,), calibration="temperature")
    model.fit(given, fitted.label(given))
    assert abs(model.model_.temperatures[0] - 1) > 0.05
    for row in (0, 7):
        one = {name: column[[row]] for name, column in given.items()}
        found = hidden_unit(model, one, "dense_0.3")  # held where it is: nothing changes
        assert found.effect[0] == pytest.approx(model.predict_proba(one)[0], abs=1e-6)


def unit_of(given, column, weights):
    """The drivers of a unit that a model's inputs of one column move by weights."""
    model = TabularClassifier(epochs=1, members=1, hidden=(4,), bins=0, model="mlp")
    model.fit(given, np.where(given["rooms"] > np.median(given["rooms"]), "yes", "no"))
    names = model.model_.encoder.number_names
    kernel = model.model_.members[0].parameters["dense_0/kernel"]
    kernel[:, 2] = 0.0
    for name, weight in weights.items():
        kernel[names.index(name), 2] = weight
    model.model_.members[0].parameters["dense_0/bias"][2] = 9.0
    found = hidden_unit(model, given, "dense_0.2")
    return found, next(one for one in found.drivers if one.column == column)


def test_a_rare_value_does_not_name_a_unit():
    given = columns(seed=3)
    town = np.array(["Ulm", "Bonn"] * (len(given["rooms"]) // 2 + 1), object)[: len(given["rooms"])]
    town[:6] = "Kiel"
    found, driver = unit_of(
        {**given, "town": town}, "town", {"town = Kiel": 1.2, "town = Ulm": 1.0, "town = Bonn": 0}
    )
    assert driver.values[0][0] == "Kiel"
    assert found.name == "town = Ulm"


class MidYear:
    """A unit that is excited by the middle of a year."""

    def activity(self, table):
        days = table.columns["when"].values.astype("datetime64[D]") - np.datetime64("2024-07-01")
        return 200.0 - np.abs(days.astype(float) + 5)


def test_a_date_that_excites_in_the_middle_has_no_direction():
    day = np.datetime64("2024-01-01") + np.arange(366).astype("timedelta64[D]")
    driver = _by_values(MidYear(), as_table({"when": day}), "when", "datetime")
    assert driver.slope is None and driver.strength > 40
    assert driver.phrase() == "when about 2024-07-01"
    assert [name for name, _ in driver.bars()] == ["when = 2024-07-01", "when = 2024-11-24"]
