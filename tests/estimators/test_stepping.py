"""A row of a table as the next step of training takes it."""

import csv
import io
import re

import numpy as np
import pytest

from chainrule.data import as_table
from chainrule.errors import DataError, SettingError
from chainrule.estimators import TableSettings, fit_table, plan_table, row_step
from chainrule.tracing import trace_steps
from chainrule.tracing.page.network import shipped_step

ROWS = 90
COLUMNS = {
    "age": [float(20 + i % 40) for i in range(ROWS)],
    "city": [f"town {i % 30}" for i in range(ROWS)],
    "sort": ["a", "b", None] * (ROWS // 3),
}


def fitted(target):
    table = as_table(COLUMNS | {"y": target})
    return fit_table(plan_table(table, "y", TableSettings(epochs=2, members=2))), table


@pytest.fixture(scope="module")
def classes():
    return fitted([["no", "yes"][i % 40 > 20] for i in range(ROWS)])


@pytest.fixture(scope="module")
def numbers():
    return fitted([0.37 * i + 0.1 * (i % 5) for i in range(ROWS)])


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_a_row_goes_through_the_network_as_in_prediction_without_dropout(kind, request):
    model, table = request.getfixturevalue(kind)
    found = row_step(model, table, 5, member=1)
    step = trace_steps(found.trainer, found.data, columns=found.columns, outputs=found.outputs)
    first = step.weighted_layers[0]
    assert len(found.columns) == first.numbers.x.shape[1]
    assert step.names.units[0] == tuple(found.columns)
    assert step.names.units[-1] == tuple(found.outputs)
    x = dict(zip(found.columns, first.numbers.x[0], strict=True))
    assert x["sort = a"] == 0.0 and x["sort missing"] == 1.0, "row 5 has no sort"
    held = model.members[1].parameters
    table_of_towns = held["embedding_0/table"]
    assert any(
        np.array_equal(row, [x[f"city {k + 1}"] for k in range(table_of_towns.shape[1])])
        for row in table_of_towns
    )
    a = first.numbers.x
    for layer in step.weighted_layers[:-1]:  # prediction: nothing is left out
        a = np.maximum(a @ held[f"{layer.name}/kernel"] + held[f"{layer.name}/bias"], 0)
    last = step.weighted_layers[-1].name
    z = (a @ held[f"{last}/kernel"] + held[f"{last}/bias"])[0].astype(np.float64)
    inputs = {one: getattr(model.encoder.encode(table), one) for one in ("numbers", "categories")}
    inputs |= {"positions": model.encoder.encode(table).positions}
    names = [one.name for one in model.network.inputs]
    answer = model.members[1].predict({name: inputs[name][5:6] for name in names})[0]
    expected = np.exp(z - z.max()) / np.exp(z - z.max()).sum() if kind == "classes" else z
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    np.testing.assert_allclose(step.a[-1][0], expected, rtol=1e-5)
    predicted, sure = found.predictions["y"]
    if kind == "classes":
        assert (predicted, sure) == (
            ["no", "yes"][expected.argmax()],
            pytest.approx(expected.max()),
        )
    else:
        assert predicted == pytest.approx(model.codecs[0].decode(expected)[0]) and sure is None


SETTINGS = [
    {"normalization": "batch", "activation": "silu", "l2": 0.01, "optimizer": "sgd"},
    {"normalization": "layer", "activation": "leaky_relu", "l1": 0.01, "optimizer": "nadam"},
    {"activation": "selu", "optimizer": "rmsprop"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda one: ", ".join(map(str, one.values())))
def test_a_row_goes_forward_as_in_prediction_with_any_settings(settings):
    table = as_table(COLUMNS | {"y": [0.37 * i + 0.1 * (i % 5) for i in range(ROWS)]})
    model = fit_table(plan_table(table, "y", TableSettings(epochs=3, members=2, **settings)))
    found = row_step(model, table, 5, member=1)
    step = trace_steps(found.trainer, found.data, columns=found.columns, outputs=found.outputs)
    (predicted, _), codec = found.predictions["y"], model.codecs[0]
    assert codec.decode(step.a[-1][0])[0] == pytest.approx(predicted, rel=1e-5)
    encoded = model.encoder.encode(table.take(np.array([5])))
    together = model.answers(encoded)[0]
    assert found.together["y"][0] == pytest.approx(together)
    other = row_step(model, table, 5).predictions["y"][0]
    assert (predicted + other) / 2 == pytest.approx(together, rel=1e-5)
    (scaled,) = codec.encode(table.take(np.array([5])).column("y"))
    kernels = [model.members[1].parameters[f"dense_{k}/kernel"] for k in range(3)]
    sizes = sum(float(np.abs(one).sum()) for one in kernels) * settings.get("l1", 0)
    squares = sum(float((one**2).sum()) for one in kernels) * settings.get("l2", 0)
    wanted = (step.a[-1][0, 0] - scaled) ** 2 + sizes + squares
    assert step.loss == pytest.approx(wanted, rel=1e-5)
    assert type(step.optimizer).__name__.casefold() == settings["optimizer"]


def test_inputs_are_called_as_the_columns_of_the_table(classes):
    model, table = classes
    found = row_step(model, table, 5)
    names = {one.name: found.inputs[one.name] for one in found.trainer.network.inputs}
    assert names == {
        "numbers": ["age", "sort = a", "sort = b", "sort missing"],
        "categories": ["city"],
        "positions": ["age position"],
    }
    trace = trace_steps(found.trainer, found.data, columns=found.columns, inputs=found.inputs)
    rows = list(csv.DictReader(io.StringIO(trace.to_csv())))
    assert [row["name"] for row in rows if row["part"] == "input"] == sum(names.values(), [])
    shipped = shipped_step(trace)
    assert [one.get("columns") for one in shipped["inputs"]] == [*names.values(), None]


@pytest.mark.parametrize("row", [5, 13, 30])
def test_spread_numbers_bend_at_numbers_of_the_column(row, classes):
    model, table = classes
    found = row_step(model, table, row)
    ((name, edges),) = found.ranges
    assert name == "age" and (edges[0], edges[-1]) == (20.0, 59.0)
    trace = trace_steps(
        found.trainer, found.data, columns=found.columns, inputs=found.inputs, ranges=found.ranges
    )
    text = " ".join(trace.to_text(1000).split())
    told = re.findall(
        r"reach(\d+)_\[age position\] = .*? = (\S+) \(bends at age = (\S+) and (\S+)\)", text
    )
    assert told and r"bends at age = " in trace.to_latex()
    for part, reached, low, high in told:
        assert edges[int(part) - 1 : int(part) + 1] == (float(low), float(high))
        share = (COLUMNS["age"][row] - float(low)) / (float(high) - float(low))
        assert float(reached) == pytest.approx(min(max(share, 0.0), 1.0), abs=1e-5)
    short = [(name, edges[: int(part)])]  # another number may have fewer parts
    trace = trace_steps(found.trainer, found.data, inputs=found.inputs, ranges=short)
    assert "(beyond the range of age)" in trace.to_text(1000)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_loss_is_that_of_the_rows_target(kind, request):
    model, table = request.getfixturevalue(kind)
    found = row_step(model, table, 5)
    step = trace_steps(found.trainer, found.data)
    output = step.a[-1][0]
    if kind == "classes":
        assert step.loss == pytest.approx(-np.log(output[0]), rel=1e-5)  # row 5 is a "no"
    else:
        (scaled,) = model.codecs[0].encode(table.take(np.array([5])).column("y"))
        assert step.loss == pytest.approx((output[0] - scaled) ** 2, rel=1e-5)
    before = [array.copy() for array in model.members[0].get_weights()]
    trace_steps(found.trainer, found.data, steps=3)
    after = model.members[0].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "row, member, words",
    [(90, 0, "there is no row 90"), (-1, 0, "no row -1"), (0, 2, "no network 2; the run has 2")],
)
def test_what_is_not_there_is_a_sentence(row, member, words, classes):
    model, table = classes
    with pytest.raises(SettingError) as caught:
        row_step(model, table, row, member)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("rest", [{}, {"y": [None] * ROWS}])
def test_a_row_without_a_target_is_given_what_the_network_predicts(kind, rest, request):
    model, table = request.getfixturevalue(kind)
    found = row_step(model, as_table(COLUMNS | rest), 5)
    known = row_step(model, table, 5)
    assert found.assumed == ["y"] and known.assumed == []
    assert found.predictions == known.predictions
    (target,) = (array for name, array in found.data.arrays.items() if "target" in name)
    predicted, _ = found.predictions["y"]
    codec = model.codecs[0]
    if kind == "classes":
        assert codec.classes[int(target[0])] == predicted
    else:
        assert codec.decode(target.reshape(-1))[0] == pytest.approx(predicted, rel=1e-6)
        assert trace_steps(found.trainer, found.data).loss < 1e-12


def test_a_row_with_a_target_that_is_not_known_is_a_sentence(classes):
    model, _ = classes
    strange = as_table(COLUMNS | {"y": [None, "perhaps", *["no"] * (ROWS - 2)]})
    with pytest.raises(DataError, match="first: row 1, counted from 0: 'perhaps'"):
        row_step(model, strange, 1)


TOWNS, ALONE = [f"town {i % 15}" for i in range(120)], [f"single {i}" for i in range(10)]
UNMET = {
    "few": (["a", "b", "c"] * 40, "all columns of city are 0"),
    "few and some alone": (["a", "b"] * 55 + ALONE, "it counts as city = other, as all such"),
    "many": (TOWNS, "row 0 of embedding_0, which no training row used"),
    "many and some alone": (TOWNS[:110] + ALONE, "row 0 of embedding_0, as all such values have"),
}
"""Values of a category in training, and what becomes of one that was not met."""


@pytest.mark.parametrize("kind", UNMET)
def test_a_category_that_training_did_not_meet_is_told(kind):
    cities, words = UNMET[kind]
    table = as_table({"city": cities, "y": [0.37 * i for i in range(120)]})
    model = fit_table(plan_table(table, "y", TableSettings(epochs=1, members=1)))
    rows = as_table({"city": ["nowhere", cities[0], None]})
    strange, known, missing = (row_step(model, rows, row) for row in range(3))
    often = "at most once" if "alone" in kind else "not met"
    (sentence,) = strange.unmet
    assert sentence.startswith("city = nowhere, which was ") and often in sentence
    assert words in sentence and known.unmet == []
    assert missing.unmet[0].startswith("city is missing, which was not met in training: ")
    trace = trace_steps(strange.trainer, strange.data, columns=strange.columns)
    given = dict(zip(strange.columns, trace.weighted_layers[0].numbers.x[0], strict=True))
    if "row 0" in words:
        row = model.members[0].parameters["embedding_0/table"][0]
        assert [given[f"city {k + 1}"] for k in range(len(row))] == pytest.approx(row.tolist())
    else:
        ones = [name for name, value in given.items() if value]
        assert ones == (["city = other"] if "alone" in kind else [])


def test_a_number_with_columns_for_its_values_is_no_category():
    ages = [float(i % 4) for i in range(80)]
    table = as_table({"age": ages, "y": [0.37 * i for i in range(80)]})
    model = fit_table(plan_table(table, "y", TableSettings(epochs=1, members=1)))
    assert row_step(model, as_table({"age": [2.5, 1.0]}), 0).unmet == []


def test_how_numbers_are_scaled_is_told_with_its_constants():
    cells = COLUMNS | {"note": [None, *(f"text {i}" for i in range(1, ROWS))]}
    cells |= {"y": [0.37 * i + 0.1 * (i % 5) for i in range(ROWS)]}
    table = as_table(cells)
    model = fit_table(plan_table(table, "y", TableSettings(epochs=1)))
    found = row_step(model, table, 0)
    inputs, target, present = found.scaled
    number = r"([\d.,]+)"
    mean, deviation = map(float, re.search(rf"\(age - {number}\)/{number}$", inputs).groups())
    given = dict(zip(found.columns, model.encoder.encode(table).numbers[0], strict=False))
    assert given["age"] == pytest.approx((COLUMNS["age"][0] - mean) / deviation, rel=1e-5)
    mean, deviation = map(float, re.search(rf"\(y - {number}\)/{number}$", target).groups())
    assert model.codecs[0].encode([30.0])[0] == pytest.approx((30 - mean) / deviation, rel=1e-4)
    assert present == "note present: 1 where there is a value, -1 where it is missing"
    assert given["note present"] == -1.0
