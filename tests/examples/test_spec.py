"""Networks and expressions described in TOML: what they trace, and what contradicts itself."""

import re
import tomllib
from dataclasses import MISSING, fields

import numpy as np
import pytest

import chainrule as cr
from chainrule import examples
from chainrule.errors import ChainruleError, MissingFileError, SettingError, ShapeError
from chainrule.examples import ExpressionSpec, read_spec, spec_of, spec_text
from chainrule.examples.formulas import node_of
from chainrule.examples.objects import NEEDED, PARTS, made_of
from chainrule.examples.spec_text import spec_of_model
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.optimizers.schedules import SCHEDULES

TRACED = [
    "xyz", "one-one-one", "chain", "mazur", "han", "matrix-form", "perceptron-failure", "xor",
    "xnor", "logistic-regression", "circles", "universal-approximation", "symmetric-zeros",
]  # fmt: skip
FAST = {"xor": {"seeds": [0]}, "xnor": {"seeds": [0]}, "symmetric-zeros": {"steps": 20}}
MAZUR = """
loss = "squared_error"
[optimizer]
name = "sgd"
learning_rate = 0.5
[data]
X = [[0.05, 0.10]]
y = [[0.01, 0.99]]
[[layers]]
kernel = [[0.15, 0.25], [0.20, 0.30]]
bias = [0.35, 0.35]
activation = "sigmoid"
[[layers]]
kernel = [[0.40, 0.50], [0.45, 0.55]]
bias = [0.60, 0.60]
activation = "sigmoid"
"""


def example(name):
    return examples.find(name)(**FAST.get(name, {}))


@pytest.mark.parametrize("name", TRACED)
def test_the_spec_of_an_example_read_back_traces_the_same(name):
    made = example(name)
    spec = spec_of(tomllib.loads(spec_text(made.spec())))
    trace = spec.trace()
    if isinstance(spec, ExpressionSpec):
        for step in trace.steps:
            if step.name in made.nodes:
                assert float(step.value) == pytest.approx(made.nodes[step.name].value, rel=1e-15)
        return
    X, y = made.rows
    assert trace.loss == pytest.approx(made.model.trainer.gradient(X, y)[0])
    for layer, own in zip(trace.layers, made.model.layers, strict=True):
        np.testing.assert_array_equal(layer.kernel.before, own.kernel)


@pytest.mark.parametrize("name", ["circles", "logistic-regression"])
def test_what_was_trained_is_traced_on_the_rows_it_was_trained_with(name):
    made = examples.find(name)()
    trace = made.trace()
    assert trace.rows == len(made.arrays["X_train"])
    assert trace.loss < 0.25, "trained"
    if name == "logistic-regression":  # its gradient is 0 where training ended
        assert max(np.abs(one.gradient).max() for one in trace.layers[0].parameters.values()) < 1e-3


def test_every_example_traces_or_says_why_not():
    for name in examples.names():
        if name not in TRACED:
            with pytest.raises(SettingError, match="to trace|spec is made of|not compiled"):
                example(name).spec()


def test_a_spec_by_hand_gives_the_printed_numbers(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(MAZUR)
    step = read_spec(path).trace()
    assert step.loss == pytest.approx(0.29837111, abs=5e-9)
    np.testing.assert_allclose(step.delta[1], [[0.13849856, -0.03809824]], atol=5e-9)
    assert step.grad_bias[1] is not None, "biases of this one are trained"


@pytest.mark.parametrize("form", ["columns", "theta"])
def test_printed_kernels_stand_as_the_notation_says(form):
    plain = spec_of(tomllib.loads(MAZUR))
    notation = plain.trace(notation=form).notation
    model = plain.model()
    other = spec_of_model(model, plain.X, plain.y, notation=notation)
    record = tomllib.loads(spec_text(other))
    first = np.array(record["layers"][0]["W" if form == "columns" else "theta"])
    turned = [[0.15, 0.20], [0.25, 0.30]]
    wanted = turned if form == "columns" else [[0.35, 0.15, 0.20], [0.35, 0.25, 0.30]]
    np.testing.assert_array_equal(first, wanted)
    again = spec_of(record).trace()
    assert again.loss == plain.trace().loss
    np.testing.assert_array_equal(again.kernel_before[0], wanted)
    record["notation"]["form"] = "rows"  # how it is shown is not what it is
    assert spec_of(record).trace().loss == again.loss


def test_an_expression_by_hand():
    spec = spec_of({
        "values": {"w": 2.0, "x": [1.0, 3.0]}, "constants": {"t": [1.0, 1.0]},
        "expressions": {"e": "w * x - t", "L": "sum(e ** 2) / 2"}, "digits": 3,
    })  # fmt: skip
    trace = spec.trace()
    assert trace.digits == 3 and trace.result.name == "L"
    assert float(trace["w"].derivative) == pytest.approx(1.0 * 1 + 5.0 * 3)
    assert trace["t"].derivative is None


@pytest.mark.parametrize(
    "formula, value",
    [
        ("x + y * 2", 8.0), ("(x + y) * 2", 10.0), ("-x ** 2", -4.0), ("x / y - 1", -1 / 3),
        ("tanh(x) * 0", 0.0), ("maximum(x, y)", 3.0), ("2 ** x", 4.0),
    ],
)  # fmt: skip
def test_formulas_are_read_as_they_are_written(formula, value):
    known = {"x": cr.variable(2.0), "y": cr.variable(3.0)}
    assert node_of(formula, known, "f").value == pytest.approx(value)


@pytest.mark.parametrize(
    "formula, words",
    [
        ("x +", "is no formula"), ("z + 1", "'z' is not known there"), ("x.value", "cannot stand"),
        ("__import__(x)", "is no operation"), ("x if x else y", "cannot stand"),
        ("sigmod(x)", "did you mean 'sigmoid'"), ("'text'", "cannot stand"),
        ("exec(x)", "is no operation"), ("q(x)", "known: 'abs', 'clip'"),
        ("2 * x^2", "'2 * x^2' cannot stand in a formula; a power is written with **,"),
        ("(lambda: 1)()", "cannot stand"), ("x[0]", "cannot stand"),
        (3, "a formula is text"), ("-" * 2000 + "x", "...' is too long or too deep;"),
        ("(" * 300 + "x" + ")" * 300, "...' is too long or too deep; give its parts names"),
        (" + ".join(["x"] * 3000), "'x + x + x + x"), ("x +" * 200, "x +...' is no formula"),
        (" + ".join(["x"] * 3000), "+ x...' is too long or too deep; give its parts names"),
        ("f(" + "x + " * 200 + "1)", "'f' is no operation"), ("a" * 400, "a...' is not known"),
        ("x\0", "is no formula"),
        ("[" + "x, " * 200 + "x]", "x,...' cannot stand"), ([1.0] * 200, "a formula is text"),
        ("mean()", "'mean()': missing a required argument: 'x'; it is written mean(x)."),
        ("x + clip(x)", "'clip(x)': missing a required argument: 'low'; it is written clip(x, l"),
        ("maximum(x)", "'maximum(x)': missing a required argument: 'y'; it is written maximum(x, "),
        ("softplus()", "'softplus()': missing a required argument: 'x'; it is written softplus(x)"),
        ("where(x, x, x, x)", "too many positional arguments; it is written where(cond"),
        ("reshape(x, 2)", "reshape needs its shape, which no formula can give"),
        ("norm(x, 2 * x)", "'norm(x, 2 * x)': p must be written as a number, got '2 * x'."),
        ("x*9**9**9", "f: '9**9**9' is too large a number; write a smaller one."),
        ("x * 1" + "0" * 400, "is too large a number"), ("1e308 * 10 * x", "'1e308 * 10' is too"),
        ("x*(0/0)", "f: '0/0' divides by 0; write a number for it."),
        ("x * 0 ** -1", "'0 ** -1' divides by 0"), ("x * True", "'True' cannot stand"),
        ("x * (-8) ** 0.5", "'(-8) ** 0.5' is no real number; take the root of one above 0."),
    ],
)  # fmt: skip
def test_what_is_no_formula_is_a_sentence(formula, words):
    with pytest.raises(SettingError) as caught:
        node_of(formula, {"x": cr.variable(2.0)}, "f")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "formula", ["log(x) + " + "x + " * 300 + "x", "x @ x + " + "x + " * 300 + "x"]
)
def test_a_long_formula_is_not_repeated_whole(formula):
    spec = spec_of({"expressions": {"f": formula}, "values": {"x": 0.0}})
    with pytest.raises(SettingError, match=r"f = '.{57}\.\.\.'") as caught:
        spec.trace()
    assert len(str(caught.value)) < 200


def test_a_long_formula_that_is_no_number_is_not_repeated_whole():
    spec = spec_of({"expressions": {"f": "x + " * 300 + "x"}, "values": {"x": [1.0, 2.0]}})
    with pytest.raises(SettingError, match=r"f = 'sum\(x \+ .*\.\.\.'\.$"):
        spec.trace()


def changed(**changes):
    record = tomllib.loads(MAZUR)
    for path, value in changes.items():
        place = record
        *way, last = [int(key) if key.isdigit() else key for key in path.split("__")]
        for key in way:
            place = place[key]
        place[last] = value
    return record


@pytest.mark.parametrize(
    "record, words",
    [
        ({}, "layers is missing"),
        ({"expressions": {}}, "expressions is empty"),
        ({"expressions": {"f": "x"}, "value": {}}, "did you mean 'values'"),
        ({"expressions": {"f": "x"}, "values": {"x": "two"}}, "needs numbers"),
        ({"expressions": {"f": "x @ x"}, "values": {"x": 1.0}}, "scalar has no rows"),
        (changed(losss="mse"), "did you mean 'loss'"),
        (changed(loss="mae_"), "is not known"),
        (changed(reduction="median"), "must be 'mean', 'sum', got 'median'"),
        (changed(optimizer__name="sdg"), "did you mean 'sgd'"),
        (changed(optimizer__rate=1.0), "has no 'rate'"),
        (changed(optimizer__learning_rate=-1.0), "learning_rate"),
        (changed(layers__0__kind="Dens"), "did you mean 'Dense'"),
        (changed(layers__0__activatoin="tanh"), "did you mean 'activation'"),
        (changed(layers__0__activation="tahn"), "tahn"),
        (changed(notation={"form": "row"}), "form must be 'rows', 'columns', 'theta', got 'row'"),
        (changed(notation={"errors": "no"}), "errors must be True or False, got 'no'"),
        (changed(notation={"errors": 3}), "errors must be True or False, got 3"),
        (changed(notation={"loss": 3}), "loss must be a name such as 'E', got 3"),
        (changed(notation={"first_layer": 1.0}), "first_layer must be 0 or 1, got 1.0"),
        (changed(notation={"weights": ""}), "weights must be a pattern such as 'w{n}', got ''"),
        (changed(notation={"weights": 3}), "weights must be a pattern such as 'w{n}', got 3"),
        (changed(reduction=["mean"]), "reduction must be 'mean', 'sum', got ['mean']"),
        (changed(notation={"unit": 3}), "did you mean 'units'"),
        (changed(data__X=[[1.0], [2.0, 3.0]]), "rows have different lengths"),
        (changed(data={"X": [[1.0]]}), "data must have X and y"),
        (changed(data__z=1), "data must have X and y"),
        (changed(layers=3), "layers"),
        (changed(layers__0={"activation": "tanh"}), "give its kernel, or its units"),
        (changed(steps=0), "steps"),
        (changed(loss=["mse"]), "is not known"),
        (changed(layers__0__kind=["Dense"]), "is not known"),
        (changed(layers__0__W=[[1.0, 2.0], [3.0, 4.0]]), "give one of"),
        (changed(layers__0__kernel=[[1.0, float("nan")], [3.0, 4.0]]), "layer 1: kernel must be"),
        (changed(layers__0__kernel=[[1.0], [3.0, 4.0]]), "layer 1: kernel: its rows"),
        (changed(layers__0__use_bias=False), "use_bias is False, but a bias is given"),
        (changed(layers__0__kernel_regularizer={"l2": 0.1}), "kernel_regularizer needs a name"),
        (changed(layers__0__kernel_regularizer=0.1), "kernel_regularizer must be a name or "
         'a table { name = "l2", l2 = 0.01 }, got 0.1.'),
        (changed(layers__0__kernel_constraint=[2.0]), "kernel_constraint must be a name or "
         'a table { name = "max_norm", max_value = 2.0 }, got [2.0].'),
        (changed(optimizer__momentum={"name": "l2"}), "optimizer: momentum cannot be a table"),
        (changed(optimizer__learning_rate={"rate": 1}), 'such as { name = "InverseTimeDecay", '),
        (changed(layers__0__activation="sigmoyd"), "layer 1"),
        (changed(notation={"units": 5}), "units must be lists of names"),
        (changed(notation={"units": [["a", "a"], ["b", "c"], ["d", "e"]]}), "are called 'a'"),
        (changed(notation={"weights": "w"}), "calls several weights 'w'"),
        (changed(notation={"weights": "w{n:03}"}), "pattern"),
        (changed(notation={"digits": 400}), "at most 17, got 400"),
        (changed(notation={"first_layer": True}), "must be 0 or 1, got True"),
        ({"values": {"x": 1.0}, "constants": {"x": 2.0}, "expressions": {"f": "x"}}, "given twice"),
        ({"values": {"x": 1.0}, "expressions": {"x": "x * 2"}}, "given twice"),
        ({"values": {"x": -1.0}, "expressions": {"f": "log(x)"}}, "is nan at these values"),
        ({"values": {"x y": 1.0}, "expressions": {"f": "x"}}, "values: the name 'x y' cannot"),
        ({"constants": {"2x": 1.0}, "expressions": {"f": "1"}}, "constants: the name '2x' cannot"),
        ({"expressions": {"None": "1", "f": "2"}}, "expressions: the name 'None' cannot stand in"),
        ({"values": {"\u00b5": 1.0}, "expressions": {"f": "\u00b5"}}, "'µ' is 'μ' in a formula"),
        ({"constants": {"c": "1"}, "expressions": {"f": "c"}}, "constants: c: needs numbers"),
        ({"values": {"x": 1.0}, "expressions": {"f": "x"}, "digits": 99}, "digits must be at most"),
        ({"values": {"x": [1.0, 2.0]}, "expressions": {"f": "x * x"}},
         'got shape (2,); put sum or mean around it, f = \'sum(x * x)\'.'),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_setting_is_a_sentence(record, words):
    with pytest.raises(ChainruleError) as caught:
        spec_of(record).trace()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"data__X": [[1.0, 2.0, 3.0]]}, "layer 1: kernel is 2 x 2, but X gives 3 numbers a row, "
         "so it must be 3 x 2"),
        ({"layers__1__kernel": [[1.0, 2.0]] * 3}, "layer 2: kernel is 3 x 2, but layer 1 gives 2"),
        ({"layers__0__bias": [1.0]}, "layer 1: bias needs a number for each of 2 units, has 1"),
        ({"data__y": [[1.0]]}, "y has 1 x 1 numbers, but layer 2 gives 2 a row"),
        ({"data__y": [[1.0, 2.0], [1.0, 2.0]]}, "X has 1 rows, y has 2"),
        ({"layers__0__kernel": [1.0]}, "kernel must be rows of numbers"),
        ({"layers__0__units": 7}, "units is 7, but its kernel leads to 2"),
        ({"notation": {"units": [["a"], ["b", "c"], ["d", "e"]]}}, "[2, 2, 2]"),
    ],
    ids=str,
)  # fmt: skip
def test_shapes_that_contradict_each_other(changes, words):
    with pytest.raises(ShapeError) as caught:
        spec_of(changed(**changes)).trace()
    assert words in str(caught.value)


def test_every_contradiction_is_said_at_once():
    with pytest.raises(ShapeError) as caught:
        spec_of(changed(data__X=[[1.0]], layers__1__bias=[1.0, 2.0, 3.0])).trace()
    assert "layer 1" in str(caught.value) and "layer 2" in str(caught.value)


def test_files(tmp_path):
    with pytest.raises(MissingFileError):
        read_spec(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("a = [")
    with pytest.raises(SettingError, match="not valid TOML"):
        read_spec(tmp_path / "broken.toml")


def test_titles_and_names_survive_toml():
    title = 'a "title"\\ with\nlines, \x7f and ü'
    names = {"values": {'a b"': 1.0}, "expressions": {"f": "2 * 3"}, "title": title}
    back = tomllib.loads(spec_text(spec_of(names)))
    assert back["title"] == title and back["values"] == {'a b"': 1.0}


def test_what_a_spec_cannot_hold_is_said():
    model = cr.Sequential([cr.Input((2,)), cr.layers.Dense(1)], seed=0)
    model.compile("sgd", lambda y, p: (y - p) ** 2)
    with pytest.raises(SettingError, match="loss is one of your own"):
        spec_of_model(model, [[1.0, 2.0]], [[1.0]])


def test_weights_may_be_drawn_and_layers_of_any_kind_stand_between():
    record = {
        "data": {"X": [[1.0, 2.0], [0.0, 1.0]], "y": [[1.0], [0.0]]},
        "layers": [
            {"units": 3, "activation": "tanh", "kernel_regularizer": {"name": "l2", "l2": 0.1}},
            {"kind": "Dropout", "rate": 0.5}, {"units": 1},
        ],
    }  # fmt: skip
    spec = spec_of(record)
    step = spec.trace()
    assert [layer.kind for layer in step.layers] == ["Dense", "Dropout", "Dense"]
    assert step.penalties["dense/kernel"] > 0 and step.loss == spec.trace().loss


def test_a_formula_that_would_not_be_seen_is_refused():
    spec = spec_of({"values": {"x": 3.0}, "expressions": {"f": "tanh(x)", "g": "x * x"}})
    with pytest.raises(SettingError, match="f is not used by g, the last one"):
        spec.trace()


@pytest.mark.parametrize(
    "record, words",
    [
        ({"title": 3, "layers": [{"units": 1}]}, "title must be text, got 3"),
        (
            {"layers": [{"units": 1}], "daten": {}},
            "there is no setting 'daten'; did you mean 'data'",
        ),
        ({"layers": [{"type": "Dropout"}]}, "layer 1: type is called kind; write kind = 'Dropout'"),
        ({"layers": [{"rate": 0.5}]}, "Dense has no 'rate'"),
        (
            {"layers": [{"kernal": [[1.0, 2.0]]}, {"kernel": [[1.0], [2.0]]}]},
            "layer 1: Dense has no 'kernal'; did you mean 'kernel'?",
        ),
        ({"layers": [{"activation": "relu"}]}, 'another kind says it: kind = "Dropout"'),
        (
            {"layers": [{"units": 1, "kernel_regularizer": {"name": "l3"}}]},
            "'l3' is not known; known: 'l1', 'l2', 'l1_l2', 'lp'.",
        ),
    ],
)
def test_what_is_meant_is_said(record, words):
    data = {"X": [[1.0]], "y": [[1.0]]}
    with pytest.raises(SettingError) as caught:
        spec_of(record if "daten" in record else {"data": data} | record).trace()
    assert words in str(caught.value) and "OneCycle" not in str(caught.value)


def kinds_of_settings():
    for table in (LAYERS, SCHEDULES, *PARTS.values(), OPTIMIZERS, LOSSES):
        for name, kind in table.items():
            needed = [one.name for one in fields(kind) if one.init and one.default is MISSING]
            yield from ((table, name, needed, missing) for missing in needed)


@pytest.mark.parametrize("table, name, needed, missing", list(kinds_of_settings()))
def test_a_setting_that_is_missing_is_told_with_one_that_can_be_written(
    table, name, needed, missing
):
    given = {one: NEEDED[one] for one in needed if one != missing}
    with pytest.raises(SettingError) as caught:
        made_of("layer 2", name, table, given)
    said = re.fullmatch(f"spec: layer 2: {name} needs {missing}; write (.*)[.]", str(caught.value))
    made = made_of("layer 2", name, table, given | tomllib.loads(said[1]))
    assert hasattr(made, missing)


def test_a_layer_without_what_it_needs_is_a_sentence():
    for kind, words in (("Dropout", "write rate = 0.5."), ("Activation", 'activation = "relu".')):
        with pytest.raises(SettingError, match=f"layer 1: {kind} needs") as caught:
            spec_of(changed(layers__0={"kind": kind})).trace()
        assert words in str(caught.value)


@pytest.mark.parametrize("form", ["row", 3, ["rows"]])
def test_a_form_is_refused_under_the_name_that_it_was_given_in(form):
    with pytest.raises(SettingError, match="trace: notation must be 'rows'"):
        spec_of(tomllib.loads(MAZUR)).trace(notation=form)
    with pytest.raises(SettingError, match="trace: notation must be 'rows'"):
        examples.mazur().trace(notation=form)
    with pytest.raises(SettingError, match="trace: form must be 'rows'"):
        cr.tracing.Notation(form)


def test_a_value_that_no_formula_uses_is_no_part_of_the_trace():
    given = {"values": {"x": 3.0, "rest": 1.0}, "expressions": {"f": "x * x"}}
    assert [step.name for step in spec_of(given).trace().steps] == ["x", "f"]


def test_titles_say_that_a_network_is_trained_or_solves_its_task_already():
    trained = examples.perceptron_failure()
    for title in (trained.trace().title, trained.spec().title):
        assert title == "A perceptron cannot learn XOR (trained for 2,000 steps before)"
    assert examples.xor(seeds=[0]).trace().title.endswith(" (its weights are given, and solve it)")
    assert examples.mazur().trace().title == examples.mazur().title


def test_a_printed_spec_says_how_layers_of_other_kinds_stand():
    record = tomllib.loads(spec_text(examples.mazur().spec()))
    text = spec_text(examples.mazur().spec())
    said = re.search(r"# (kind = .*): a layer of another kind", text)[1]
    record["layers"].insert(1, tomllib.loads(said.replace(", ", "\n")))
    assert [layer.kind for layer in spec_of(record).trace().layers] == ["Dense", "Dropout", "Dense"]
