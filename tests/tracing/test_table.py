import csv
import io
import json
import math

import numpy as np
import pytest
from tests.tracing.networks import expressions, han, mazur, model, step_of

import chainrule as cr
from chainrule import examples, layers
from chainrule.errors import SettingError

HEADER = [
    "step", "part", "layer", "parameter", "quantity", "row", "from", "to", "name", "value"
]  # fmt: skip


def lines_of(trace):
    return list(csv.DictReader(io.StringIO(trace.to_csv())))


def rebuilt(lines, layer, parameter, quantity, shape, dtype):
    """An array of a parameter, of nothing but the table."""
    array = np.full(shape, np.nan, dtype)
    for line in lines:
        if (line["layer"], line["parameter"], line["quantity"]) == (layer, parameter, quantity):
            places = [line["from"]] * bool(line["from"]) + line["to"].split(",")
            array[tuple(int(place) - 1 for place in places)] = float(line["value"])
    return array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["classes", "adam", "batch norm", "clipped", "penalties"])
def test_kernels_and_gradients_come_back_exactly(name, dtype):
    trace = step_of(name, dtype)
    lines = lines_of(trace)
    for layer in trace.layers:
        for key, one in layer.parameters.items():
            called = {"kernel": "weight"}.get(key, key)
            expected = {called: one.before, f"new {called}": one.after, "gradient": one.gradient,
                        "clipped": one.clipped, "penalty": one.penalty}  # fmt: skip
            expected |= dict(one.slots_before)
            expected |= {f"new {slot}": array for slot, array in one.slots_after.items()}
            for quantity, array in expected.items():
                if array is not None:
                    found = rebuilt(lines, layer.name, key, quantity, array.shape, array.dtype)
                    assert np.array_equal(found, array), (layer.name, key, quantity)


def test_units_of_every_row():
    trace = step_of("classes")
    lines = lines_of(trace)
    for layer in trace.layers:
        for quantity in ("x", "z", "a", "delta", "reported"):
            array = getattr(layer.numbers, quantity)
            found = np.full(array.shape, np.nan)
            for line in lines:
                if (line["layer"], line["quantity"]) == (layer.name, quantity):
                    found[int(line["row"]) - 1, int(line["to"]) - 1] = float(line["value"])
            assert np.array_equal(found, array)


def test_the_header_and_the_names_of_worked_example_a():
    lines = lines_of(mazur())
    assert list(lines[0]) == HEADER
    values = {(line["quantity"], line["name"]): float(line["value"]) for line in lines}
    assert values["new weight", "w5"] == pytest.approx(0.35891648, abs=5e-9)
    assert values["delta", "o1"] == pytest.approx(0.13849856, abs=5e-9)
    assert values["a", "h2"] == pytest.approx(0.59688438, abs=5e-9)
    assert values["loss", "E"] == pytest.approx(0.29837111, abs=5e-9)
    assert values["loss after", "E"] == pytest.approx(0.29102777, abs=5e-9)
    w6 = next(line for line in lines if (line["quantity"], line["name"]) == ("gradient", "w6"))
    assert (w6["from"], w6["to"], w6["part"]) == ("2", "1", "gradient")


def test_worked_example_b_by_its_names():
    values = {(line["quantity"], line["name"]): float(line["value"]) for line in lines_of(han())}
    assert values["new weight", "w46"] == pytest.approx(-0.26083, abs=5e-6)
    assert values["delta", "6"] == pytest.approx(-0.13117, abs=5e-6)


def test_all_steps_are_there():
    lines = lines_of(mazur(steps=3))
    losses = [float(line["value"]) for line in lines if line["quantity"] == "loss"]
    assert losses == list(mazur(steps=3).losses[:3])
    assert {line["step"] for line in lines} == {"1", "2", "3"}


@pytest.mark.parametrize("name, called", [
    ("classes", ["t1", "t2", "t3"]), ("labels at positions", ["dense", "dense"]),
    ("mse at positions", ["t[1,1]", "t[1,2]", "t[2,1]", "t[2,2]"]),
    ("binary", ["t"]),
])  # fmt: skip
def test_targets_have_the_names_that_text_gives_them(name, called):
    lines = [one for one in lines_of(step_of(name)) if one["quantity"] == "t" and one["row"] == "1"]
    assert [one["name"] for one in lines] == called


def test_the_loss_of_each_step_is_there_where_steps_are_left_out():
    trace = mazur(steps=150)
    lines = [one for one in lines_of(trace) if one["quantity"] == "loss"]
    assert [int(one["step"]) for one in lines] == list(range(1, 151))
    found = examples.mazur()
    trained = found.models["before"].fit(
        found.arrays["X"], found.arrays["y"], epochs=150, verbose=0
    )
    losses = trained.history["loss"]
    assert [float(one["value"]) for one in lines] == pytest.approx(losses, rel=1e-12)


def test_nothing_is_folded():
    trace = step_of("large")
    lines = lines_of(trace)
    weights = [line for line in lines if line["quantity"] == "weight"]
    assert len(weights) == 40 * 30 + 30 * 20 + 20 * 10
    assert len([line for line in lines if line["quantity"] == "z"]) == 20 * (30 + 20 + 10)


def test_every_value_of_every_operation():
    trace = step_of("layer norm")
    lines = lines_of(trace)
    for node in trace.nodes:
        if node.operands and node.value is not None:
            found = [
                float(line["value"]) for line in lines
                if (line["part"], line["name"]) == ("operation", f"v{node.number}")
            ]  # fmt: skip
            assert np.array_equal(found, np.ravel(node.value), equal_nan=True)


def test_central_differences_where_asked():
    lines = lines_of(step_of("squared error", check=True))
    gradients, differences = (
        {line["name"]: float(line["value"]) for line in lines if line["quantity"] == quantity}
        for quantity in ("gradient", "central difference")
    )
    assert differences == pytest.approx(gradients, rel=1e-8)
    assert len(differences) == 12


@pytest.mark.parametrize("name", ["batch norm", "codes", "adam", "constraint", "labels"])
def test_json_has_the_same_records(name):
    trace = step_of(name, units=None)
    records = json.loads(trace.to_json())
    lines = lines_of(trace)
    assert len(records) == len(lines)
    for record, line in zip(records, lines, strict=True):
        assert list(record) == HEADER
        assert record["value"] == float(line["value"])
        written = {key: "" if one is None else str(one) for key, one in record.items()}
        assert written | {"value": ""} == line | {"value": ""}


def test_names_of_any_letters_stand_in_json():
    units = [['a"b\\', "é\n"], ["中", "\ud800"], ["o"]]
    trace = model(2, layers.Dense(2), layers.Dense(1)).trace([[1.0, 2.0]], [[0.0]], units=units)
    names = {record["name"] for record in json.loads(trace.to_json())}
    assert {'a"b\\', "é\n", "中", "o"} <= names


def test_what_is_not_finite_is_null_in_json_and_named_in_csv():
    made = model(1, layers.Dense(1))
    made.set_weights([np.array([[1e200]]), np.zeros(1)])
    trace = made.trace([[1e200]], [[0.0]])
    records = json.loads(trace.to_json())
    assert any(record["value"] is None for record in records)
    values = [float(line["value"]) for line in lines_of(trace)]
    assert sum(not math.isfinite(value) for value in values) == sum(
        record["value"] is None for record in records
    )


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_expressions_come_back_exactly(name, result, nodes):
    trace = cr.trace(result, nodes)
    lines = lines_of(trace)
    for step in trace.steps:
        found = {
            line["at"]: float(line["value"]) for line in lines
            if (line["part"], line["name"]) == ("forward", step.name)
        }  # fmt: skip
        assert list(found.values()) == np.ravel(step.value).tolist()
        derivative = [
            float(line["value"]) for line in lines
            if (line["part"], line["quantity"], line["name"])
            == ("backward", "derivative", step.name)
        ]  # fmt: skip
        assert derivative == ([] if step.derivative is None else np.ravel(step.derivative).tolist())
    assert len(json.loads(trace.to_json())) == len(lines)


def test_files_are_written(tmp_path):
    trace = mazur()
    assert trace.to_csv(tmp_path / "a.csv") == (tmp_path / "a.csv").read_text("utf-8")
    assert trace.to_json(tmp_path / "a.json") == (tmp_path / "a.json").read_text("utf-8")


def test_a_file_in_the_place_of_the_width_of_a_text_is_answered_with_the_remedy(tmp_path):
    file = tmp_path / "a.txt"
    sentence = "to_text: width must be a number of letters, got {!r}; a file is given as path={!r}."
    for given in (str(file), file):
        with pytest.raises(SettingError) as error:
            mazur().to_text(given)
        assert str(error.value) == sentence.format(given, str(file))
    assert mazur().to_text(60, path=file) == file.read_text("utf-8") == mazur().to_text(60)
