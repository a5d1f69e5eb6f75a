"""Every equation that the walk of a page tells, computed again from its own numbers."""

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr
from tests.tracing.engine import Scripts
from tests.tracing.networks import NETWORKS, step_of

from chainrule.estimators import TabularClassifier, TabularRegressor
from chainrule.layers import BatchNormalization, Dense, Input
from chainrule.losses import MeanSquaredError
from chainrule.models import Sequential
from chainrule.optimizers import Adam
from chainrule.tracing import Notation, trace_steps
from chainrule.tracing.page.network import shipped_step

SCRIPTS = (
    "operations.js", "tape.js", "words.js", "formula.js", "step.js", "choice.js", "network.js",
    "outputs.js", "own_operations.js", "own_loss.js", "own_layer.js", "forward.js", "narration.js",
    "rows.js", "normal.js", "spread.js", "mixing.js", "own.js", "rule.js", "panel.js",
)  # fmt: skip
TOLD = """(() => {
  digits = 20;
  const network = new Network(new Training(shipped));
  network.setRow(row);
  const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
  const told = ({ title, lines }) => [shown(title), lines.map(shown)];
  const panels = network.weighted.flatMap(({ column, c }) => column.shown.flatMap((unit) =>
    [...network.columns[c - 1].shown.slice(0, 2), "bias"]
      .filter((source) => network.weight(c, unit, source) !== undefined)
      .map((source) => new NetworkPanel(network).weight(c, unit, source))
      .flatMap(({ title, sections }) =>
        sections.map(({ lines = [] }) => told({ title, lines })))));
  const units = network.columns.flatMap(({ shown, kind }, c) => kind === "inputs" ? [] :
    shown.slice(0, 3).flatMap((unit) => new NetworkPanel(network).unit(c, unit).sections
      .map(({ lines = [] }) => told({ title: `unit ${c}/${unit}`, lines }))));
  const moments = momentsOf(network).map((one) => told({ ...one, lines: one.lines() }));
  return [...moments, ...panels, ...units];
})()"""
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−·", "-0123456789-*")
NUMBER = r"\(?−?[\d.]+(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?\)?"
BEND = np.sqrt(2 / np.pi)


def clip(x, low, high):
    return min(max(x, low), high)


def huber(e, d):
    return e * e / 2 if abs(e) <= d else d * (abs(e) - d / 2)


def density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: max(z, 0.0),
    "softplus": lambda z: np.log1p(np.exp(z)), "exponential": np.exp, "sqrt": np.sqrt,
    "softsign": lambda z: z / (1 + abs(z)), "silu": lambda z: z / (1 + np.exp(-z)),
    "elu": lambda z: z if z > 0 else np.expm1(z), "max": max, "min": min, "log": np.log,
    "sign": np.sign, "clip": clip, "huber": huber, "pinball": lambda e, q: max(q * e, (q - 1) * e),
    "Φ": ndtr, "φ": density, "e": np.e, "abs": abs, "u": lambda x: BEND * (x + 0.044715 * x**3),
    "slope_of_u": lambda x: BEND * (1 + 0.134145 * x * x),
}  # fmt: skip


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def computed(text):
    """The value of a side of an equation; None of one that has symbols."""
    text = re.sub(r"·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: "e" + power[1].translate(RAISED), text)
    text = re.sub(r"\[(−?[\d.]+(?:e-?\d+)?)\]", r"(\1)", text)  # what is left out of a sum
    text = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: "^" + power[1].translate(RAISED), text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text).replace("u'", "slope_of_u")
    text = re.sub(r"\[([^\]]*[<>≤≥][^\]]*)\]", r"1.0*(\1)", text)
    text = text.translate(RAISED).replace("^", "**").replace("≤", "<=").replace("≥", ">=")
    names = set(re.findall(r"[^\W\d]\w*", re.sub(r"\de-?\d+", "", text)))
    if not names <= set(FUNCTIONS) or re.search(r"[^\w\s.+*/<>=,()-]", text) or not text.strip():
        return None
    try:
        return float(eval(text, {"__builtins__": {}} | FUNCTIONS))
    except (SyntaxError, TypeError):
        return None


def equations(lines):
    """Lines that go on with "=" belong to the one before; each with its sides."""
    found = []
    for line in lines:
        line = re.sub(r", (?:through|as|by|after|the) .*|  \(.*\)$", "", line)
        if line.startswith("= ") and found:
            found[-1] += line[2:].split(" = ")
        else:
            found.append(line.split(": ", 1)[-1].split(" = "))
    return found


TABLES = {
    "a table of classes": {},
    "a table of classes, layers normalized": {"normalization": "layer", "activation": "gelu"},
    "a table of numbers": {},
    "a table of numbers, batches normalized": {
        "normalization": "batch", "activation": "leaky_relu", "l1": 0.01, "l2": 0.1,
        "optimizer": "sgd",
    },
    "a table of numbers, of tanh": {"activation": "tanh", "optimizer": "nadam"},
}  # fmt: skip
NAMES = [*NETWORKS, *TABLES]


def trace_named(name, **how):
    if name in NETWORKS:
        return step_of(name, **how)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    usual = {"random_state": 0, "epochs": 2, "hidden": (4, 3), "dropout": 0.4}
    if name.startswith("a table of classes"):
        made = TabularClassifier(**usual, **TABLES[name])
        estimator, targets = made.fit(X, (X[:, 0] > 0).astype(int)), np.array([0, 1])
    else:
        made = TabularRegressor(**usual, **TABLES[name])
        estimator, targets = made.fit(X, X[:, 0]), np.array([[0.5], [-1.0]])
    trainer = estimator.model_.members[0]
    rows = {one.name: rng.normal(size=(2, *one.shape)) for one in trainer.network.inputs}
    return trace_steps(trainer, trainer.data(rows, targets), notation=Notation(**how))


def check_equations(told):
    """How many have two sides or more that are numbers; all sides are one number."""
    checked = 0
    for title, lines in told:
        for sides in equations(lines):
            values = [one for one in map(computed, sides) if one is not None]
            checked += len(values) > 1
            near = np.isclose(values, values[-1:] or 0, rtol=1e-6, atol=1e-12)
            assert near.all(), (title, sides)
            assert sides[0] not in sides[1:], (title, sides)
    return checked


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
@pytest.mark.parametrize("name", NAMES)
def test_every_equation_gives_what_it_says(scripts, name, how):
    trace = trace_named(name, **how)
    shipped = shipped_step(trace)
    told = [scripts(TOLD, shipped=shipped, row=row) for row in range(min(trace.rows, 2))]
    assert sum(map(check_equations, told)) > 2


@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
def test_a_share_of_many_classes_has_its_own_power_the_largest_and_the_rest(scripts, kind):
    model = Sequential([Input((2,)), Dense(12, kind)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    trace = model.trace([0.5, -1.0], np.zeros(12))
    told = scripts(TOLD, shipped=shipped_step(trace), row=0)
    found = {one for _, lines in told for one in lines if re.match(r"o<\d+> = .*e\^", one)}
    assert len(found) > 2
    for line in found:
        check_share_of_many(line, trace.z[-1][0], kind)


def check_share_of_many(line, z, kind):
    name, formula, numbers, result = line.split(" = ")
    unit = int(name[2:-1]) - 1
    shown = sorted({unit, *[k for k in np.argsort(-z) if k != unit][:2]})
    assert re.findall(r"z<o(\d+)>", formula)[1:] == [str(k + 1) for k in shown]
    assert formula.count("[9 more]") == 1
    rest = float(re.search(r"\[([\d.]+)\]", numbers)[1])
    assert rest == pytest.approx(np.exp(np.delete(z, shown)).sum(), rel=1e-12)
    share = np.exp(z[unit]) / np.exp(z).sum()
    expected = share if kind == "softmax" else np.log(share)
    assert float(result.replace("−", "-")) == pytest.approx(expected, rel=1e-12)
    assert computed(numbers.replace("[", "").replace("]", "")) == pytest.approx(expected)


def test_a_state_that_is_set_to_0_is_said_to_be(scripts):
    model = Sequential([Input((2,)), Dense(1)], seed=0, dtype="float64")
    model.compile(Adam(0.1), "mse")
    trace = model.trace([1e-16, 1.0], [0.0])
    told = scripts(TOLD, shipped=shipped_step(trace), row=0)
    said = {line for _, lines in told for line in lines if "set to 0" in line}
    (line,) = (one for one in said if one.startswith("velocity<W1[1,1]>′ = "))
    assert len(line.split(" = ")) == 4
    assert line.endswith(" = 0, set to 0, as all that is nearer to 0 than 1·10⁻³⁰")
    assert not any("W1[2,1]" in one for one in said)


def test_a_long_name_of_the_loss_stands_in_brackets(scripts):
    model = Sequential([Input((2,)), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    trace = model.trace([0.5, 1.0], [0.0, 1.0], loss="my loss")
    told = [one for _, lines in scripts(TOLD, shipped=shipped_step(trace), row=0) for one in lines]
    assert any("∂[my loss]/∂o<1>" in one for one in told)
    assert "my loss" not in "".join(told).replace("[my loss]", "")


# slopes of further axes stand at other places
@pytest.mark.parametrize("name", sorted({*NAMES} - {"units of three axes"}))
def test_no_formula_is_left_out_because_its_numbers_do_not_fulfil_it(scripts, name):
    code = TOLD.replace("digits = 20;", """
      const left = [], line = equationLine;
      equationLine = (name, tree, symbols, value, why) => {
        const told = line(name, tree, symbols, value, why);
        const known = tree !== null && tree !== undefined
          && keysIn(tree).every((key) => symbols(key)?.value !== undefined);
        if (known && told.split(" = ").length < 3 && typeof tree === "object") left.push(told);
        return told;
      };""").replace("return [...", "const all = [...")  # fmt: skip
    code = code.replace("...units];", "...units]; equationLine = line; return left;")
    shipped = shipped_step(trace_named(name))
    assert scripts(code, shipped=shipped, row=0) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_equation_holds_after_a_step_and_a_changed_weight(scripts, name):
    change = "network.training.makeStep(); network.training.set({ place: 0 }, -3.25);"
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    assert check_equations(scripts(code, shipped=shipped_step(trace_named(name)), row=0)) > 2


@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_one_value_wherever_it_stands(scripts, name):
    values = """(() => { const network = new Network(new Training(shipped));
      return network.columns.flatMap((column, c) => column.names.map((name, unit) =>
        [network.valueName(c, unit).replace(MARKS[0], "<").replace(MARKS[1], ">"),
          network.value(c, "a", unit)])); })()"""
    shipped, known = shipped_step(trace_named(name)), {}
    for unit, value in scripts(values, shipped=shipped):
        assert known.setdefault(unit, value) == pytest.approx(value), unit
    sums = [pair for _, lines in scripts(TOLD, shipped=shipped, row=0) for pair in pairwise(lines)
            if pair[0].startswith("z<") and pair[1].startswith("= ")]  # fmt: skip
    for first, second in sums:
        terms = (first.split(" = ")[-1].split(" + "), second[2:].split(" + "))
        for symbol, number in zip(*terms, strict=True):
            if "·" in symbol:
                unit, value = symbol.split("·")[0], re.match(NUMBER, number)[0]
                assert computed(value) == pytest.approx(known[unit]), unit
    assert sums


def test_what_a_layer_gives_is_called_as_the_next_one_calls_it(scripts):
    names = dict(scripts(
        "new Network(new Training(shipped)).columns.map(({ title, names }) => [title, names])",
        shipped=shipped_step(trace_named("a table of classes")),
    ))  # fmt: skip
    spread, given = names["Spread"], names["given to dense_0"]
    assert 0 < len(spread) < len(given)
    assert spread == given[-len(spread) :]


def test_targets_that_are_classes_are_counted_as_these_from_0(scripts):
    model = Sequential([Input((2,)), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    told = scripts(TOLD, shipped=shipped_step(model.trace([0.5, -1.0], 2)), row=0)
    assert any("o<2> − t<2>" in line for _, lines in told for line in lines)
    assert not any("t<3>" in line for _, lines in told for line in lines)


@pytest.mark.parametrize(
    "reduction, divisor, written",
    [
        ("sum_over_batch_size", 3, "weight/3"),
        ("sum", 1, "weight"),
        ("mean_with_sample_weight", 3.25, "weight/sum of weights"),
    ],
)
def test_rows_with_weights_are_told_with_their_shares(scripts, reduction, divisor, written):
    stack = [Input((2,)), Dense(2), BatchNormalization(), Dense(1)]
    model = Sequential(stack, seed=0, dtype="float64")
    model.compile("sgd", MeanSquaredError(reduction=reduction))
    X, y = np.array([[0.5, -1.0], [0.2, 0.3], [-1.0, 2.0]]), np.array([[1.0], [0.0], [-1.0]])
    trace = model.trace(X, y, sample_weight=[1.0, 2.0, 0.25])
    told = scripts(TOLD, shipped=shipped_step(trace), row=1)
    assert check_equations(told) > 2
    lines = dict(reversed(told))
    (loss,) = (line for line in lines["The loss L"] if line.startswith("L = "))
    assert loss.split(" = ")[1] == "s(1)·ℓ(1) + s(2)·ℓ(2) + s(3)·ℓ(3)"
    assert computed(loss.split(" = ")[-1]) == pytest.approx(trace.loss)
    share, reported, kernel, *_ = lines["The gradient of the weights of o"]
    assert share.startswith(f"Row 2: s = {written} = ")
    assert computed(share.split(" = ")[-1]) == pytest.approx(2 / divisor)
    assert reported.startswith("Row 2: ∂L/∂z<o> = s·δ<o> = ")
    assert "s(2)·h<1>~(2)·δ<o>(2)" in kernel
    hidden = lines["The gradient of the weights of h<1>"]
    assert hidden[0].endswith("where rows mix")
