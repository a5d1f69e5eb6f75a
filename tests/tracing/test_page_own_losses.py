"""Losses of a reader's own in the page: the operations that text tells, and numbers that follow."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import equations
from tests.tracing.test_own_losses import LOSSES
from tests.tracing.test_page_as_text import plain_page, plain_text
from tests.tracing.test_page_equations import SCRIPTS, TOLD, check_equations, computed

import chainrule as cr
from chainrule import layers
from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.text import symbol_text, written
from chainrule.tracing.view import View

ops = cr.ops


def huber(t, o):
    size = ops.abs(t - o)
    small = ops.minimum(size, 0.5)
    return small * (size - 0.5 * small)


def huber_of(t, o):
    return np.where(np.abs(t - o) <= 0.5, (t - o) ** 2 / 2, (np.abs(t - o) - 0.25) / 2).mean()


OTHERS = {
    "huber": (huber, huber_of),
    "above": (
        lambda t, o: ops.where(ops.greater(o, t), (o - t) ** 2, ops.abs(o - t)),
        lambda t, o: np.where(o > t, (o - t) ** 2, np.abs(o - t)).mean(),
    ),
    "hinge": (
        lambda t, o: ops.maximum(4.0 - t * o, 0.0), lambda t, o: np.maximum(4 - t * o, 0).mean()
    ),
    "furthest": (
        lambda t, o: ops.abs(t - o).max(axis=1), lambda t, o: np.abs(t - o).max()
    ),
    "pair": (
        lambda t, o: 2.0 * ops.sigmoid_cross_entropy(o, t),
        lambda t, o: 2 * (np.log1p(np.exp(o)) - t * o).mean(),
    ),
    "shares of all": (
        lambda t, o: (ops.exp(o) / ops.exp(o).sum(axis=1, keepdims=True) - t) ** 2,
        lambda t, o: ((np.exp(o) / np.exp(o).sum() - t) ** 2).mean(),
    ),
}  # fmt: skip
ALL = LOSSES | OTHERS
AT_POSITIONS = {
    "cubed": LOSSES["cubed"],
    "lengths": (
        lambda t, o: ops.sqrt(((t - o) ** 2).sum(axis=2) + 0.1),
        lambda t, o: np.sqrt(((t - o) ** 2).reshape(2, 2).sum(axis=1) + 0.1).mean(),
    ),
    "by position": (
        lambda t, o: (t - o) ** 2 / (1.0 + (t * t).sum(axis=1, keepdims=True)),
        lambda t, o: ((t - o).reshape(2, 2) ** 2 / (1 + (t * t).reshape(2, 2).sum(axis=0))).mean(),
    ),
}
"""Of two outputs at each of two positions."""


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def traced(name, rows=2, **how):
    return model(2, layers.Dense(2, "tanh"), layers.Dense(3), loss=ALL[name][0]).trace(
        *batch(rows, 2, 3), **how
    )


def traced_at_positions(name, **how):
    made = model((2, 3), layers.Dense(2), loss=AT_POSITIONS[name][0])
    return made.trace(*batch(2, (2, 3), (2, 2)), **how)


OWN = re.compile(r"(-?dL/d(q[\d_]+|o\d*|dense\[.*\])|q[\d_]+|L)$")


def told_by_text(trace, row):
    """Of each name within the loss its formula, "" where there is none, and its number."""
    mark, found = View(trace).row(row), {}
    for title, one in equations(trace):
        whole = one.symbol.row is None and mark is not None
        if title.startswith(("Loss", "Backward")) and one.symbol.row in (None, row + 1):
            name = plain_text(symbol_text(one.symbol), row)
            if OWN.match(name) and not whole:
                formula = plain_text(written(one.forms[0]), row) if one.forms else ""
                found[name] = (formula, float(one.value))
    return found


def told_by_page(scripts, trace, row, change=""):
    """The same, with all numbers; and every line."""
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    code = code.replace("shown.slice(0, 3)", "shown")  # the panels of all units
    told, found = scripts(code, shipped=shipped_step(trace), row=row), {}
    for _, lines in told:
        for line in lines:
            noted = re.sub(r", (by|through) .*$", "", line)
            name, *sides = re.sub(r"  \(.*\)$", "", noted).split(" = ")
            name = plain_page(name, row)
            if OWN.match(name) and not re.search(r"(?<!t)\(1\)", line):
                formula = "" if noted != line else plain_page(sides[0], row)
                formula = formula.replace("³", "^3").replace("≤", "<=")
                found.setdefault(name, (formula, computed(sides[-1])))
    return found, told


def check_as_text(scripts, trace):
    for row in View(trace).shown_rows:
        text, (page, told) = told_by_text(trace, row), told_by_page(scripts, trace, row)
        assert len(text) > 5 and {*text} <= {*page}
        for one, (formula, value) in text.items():
            assert page[one][0] == formula, one
            assert page[one][1] == pytest.approx(value), one
        assert check_equations(told) > 10


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("name", ALL)
def test_the_page_tells_each_equation_of_a_loss_that_text_tells(scripts, name, rows, how):
    check_as_text(scripts, traced(name, rows, **how))


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
@pytest.mark.parametrize("name", AT_POSITIONS)
def test_a_loss_at_positions_is_told_as_in_text(scripts, name, how):
    check_as_text(scripts, traced_at_positions(name, **how))


def test_a_loss_with_weights_of_rows_is_told_as_in_text(scripts):
    made = model(2, layers.Dense(2), layers.Dense(3), loss=ALL["huber"][0])
    for weights in ([1.0, 1.0], [0.5, 2.0]):
        check_as_text(scripts, made.trace(*batch(2, 2, 3), sample_weight=weights))


@pytest.mark.parametrize("outputs", [5, 40])
def test_of_many_outputs_the_same_are_left_out_as_in_text(scripts, outputs):
    made = model(2, layers.Dense(30), layers.Dense(outputs), loss=ALL["shares of all"][0])
    trace = made.trace(*batch(1, 2, outputs))
    text, (page, told) = told_by_text(trace, 0), told_by_page(scripts, trace, 0)
    assert {name: one for name, one in page.items() if name in text}.keys() == text.keys()
    for one, (formula, value) in text.items():
        assert page[one] == (formula, pytest.approx(value)), one
    assert any(f"[{outputs - 2} more]" in formula for formula, _ in page.values())
    left = {f"q<{n}>: {outputs - 2} more are left out." for n in (1, 4)}
    assert left <= {*dict(reversed(told))["The loss L"]}


CHANGED = """network.training.set({ place: 1 }, 0.75);
    network.training.set({ source: "input/input", place: 0 }, 2);
    for (const place of [1, 2]) network.training.set({ source, place }, 1 - place);"""


def follows(scripts, trace, own, count):
    """After changes, ℓ and its derivatives are those that NumPy finds for the page's numbers."""
    source = next(name for name in shipped_step(trace)["arrays"] if name.startswith("target"))
    change = CHANGED.replace("source, place", f'source: "{source}", place')
    before, _ = told_by_page(scripts, trace, 0)
    page, told = told_by_page(scripts, trace, 0, change)
    assert check_equations(told) > 10
    numbers = scripts(
        f"""(() => {{ const network = new Network(new Training(shipped)); {change}
          const targets = network.training.state.arrays["{source}"].data;
          return network.columns.at(-1).names.map((_, k) =>
            [targets[k], network.value(network.last, "a", k)]); }})()""",
        shipped=shipped_step(trace),
    )
    t, o = np.array(numbers).T
    assert len(t) == count and page["L"][1] == pytest.approx(own(t, o))
    assert page["L"][1] != pytest.approx(before["L"][1])
    names = [one for one in page if re.match(r"dL/d(o|dense)", one)]
    for k, name in enumerate(names):
        step = 1e-6 * np.eye(count)[k]
        slope = (own(t, o + step) - own(t, o - step)) / 2e-6
        assert page[name][1] == pytest.approx(slope, abs=1e-7), name
    assert len(names) == count
    assert {one for one in before if before[one][0]} == {one for one in page if page[one][0]}


@pytest.mark.parametrize("name", ALL)
def test_what_is_told_of_a_loss_follows_changed_numbers(scripts, name):
    follows(scripts, traced(name), ALL[name][1], 3)


@pytest.mark.parametrize("name", AT_POSITIONS)
def test_what_is_told_of_a_loss_at_positions_follows_changed_numbers(scripts, name):
    own = AT_POSITIONS[name][1]
    follows(scripts, traced_at_positions(name), own, 4)


def test_each_unit_tells_what_leads_from_it_to_the_loss(scripts):
    _, told = told_by_page(scripts, traced("cubed"), 0)
    names = [line.split(" = ")[0] for line in dict(reversed(told))["The delta of o<2>"]]
    behind = ["q<4>", "q<3,2>", "q<2,2>", "q<1,2>", "o<2>"]
    assert names[:-1] == [*(f"∂ℓ/∂{one}" for one in behind), "δ<o2>"]


def test_a_division_by_a_target_that_is_1_is_one_when_it_is_changed(scripts):
    made = model(1, layers.Dense(1), loss=lambda t, o: ((t - o) / t) ** 2)
    trace = made.trace([[0.5]], [[1.0]])
    page, _ = told_by_page(
        scripts,
        trace,
        0,
        CHANGED.split(";")[0] + ';network.training.set({ source: "target/dense", place: 0 }, 4);',
    )
    assert page["q2"][0] == "q1/t" and page["L"][0] == "q2^2"


@cr.operation
def own_cube(x):
    return x * x * x


@own_cube.gradient
def _(g, y, x):
    return g * 3.0 * x * x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_operation_that_the_page_does_not_know_is_told_by_its_numbers(scripts, dtype):
    made = model(2, layers.Dense(3), loss=lambda t, o: own_cube(t - o), dtype=dtype)
    trace = made.trace(*batch(2, 2, 3))
    assert "tape" not in shipped_step(trace)
    text, (page, _) = told_by_text(trace, 1), told_by_page(scripts, trace, 1)
    for one, (formula, value) in text.items():
        assert page[one] == (formula, pytest.approx(value, rel=1e-4)), one
    assert page["q2_1"][0] == "" and page["q3"][0] == "q2_1 + q2_2 + q2_3"


def test_a_loss_that_is_another_each_time_has_no_operations_in_the_page(scripts):
    made_of = [ops.abs]
    made = model(2, layers.Dense(3), loss=lambda t, o: made_of[0](t - o))
    trace = made.trace(*batch(1, 2, 3))
    made_of[0] = ops.exp
    shipped = shipped_step(trace)
    assert shipped["ownLoss"] is None
    lines = dict(reversed(scripts(TOLD, shipped=shipped, row=0)))["The loss L"]
    assert lines[1].endswith("through the operations of the loss  (<lambda>)")


def test_the_legend_says_what_the_names_of_operations_mean():
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    told = scripts("new NetworkSubject(shipped).legend()", shipped=shipped_step(traced("cubed")))
    assert "q1, q2 ... what operations of the loss give, in their order" in told
