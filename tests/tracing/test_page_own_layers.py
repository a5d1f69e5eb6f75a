"""Layers of a reader's own in the page: the operations that text tells, and numbers that follow."""

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import equations
from tests.tracing.test_own_layers import (
    LAST,
    LAYERS,
    NOT_SPELLED,
    Own,
    losses_by_numpy,
    quad,
    slope,
    traced,
)  # fmt: skip
from tests.tracing.test_page_as_text import plain_page, plain_text
from tests.tracing.test_page_equations import SCRIPTS, TOLD, check_equations, computed

import chainrule as cr
from chainrule import layers
from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.text import symbol_text, written
from chainrule.tracing.view import View

ops = cr.ops
NOTED = re.compile(r"(, (by|through) .*|  \(.*\))$")
NUMBERS = """(() => {
  digits = 20;
  const network = new Network(new Training(shipped));
  change(network);
  network.setRow(row);
  const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
  const told = ({ title, lines = [] }) => [shown(title), lines.map(shown)];
  return network.columns.flatMap(({ layer }, c) => {
    if (!shipped.ownLayers[shipped.layers.indexOf(layer)]) return [];
    return Object.values(layer.parameters).flatMap((segment) => {
      const [, start, stop] = shipped.segments[segment];
      return Array.from({ length: stop - start }, (_, n) => n)
        .flatMap((n) => new NetworkPanel(network).own(c, segment, n).sections.map(told));
    });
  });
})()"""


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


SIGNS = str.maketrans({"∂": "d", "−": "-", "²": "^2", "³": "^3", "ℓ": "L", "′": "'", "≤": "<="})
WHOLE = re.compile("gradient|new|update", re.IGNORECASE)
OF_LAYER = re.compile(r"(-?dL/d)?(([uvkp]\d)|[a-z]+_own)")


def of_all_rows(text):
    """What text writes of sums over rows, as the page has it."""
    return re.sub(r"dL\(\d+\)/", "dL/", text).translate(SIGNS)


def page_of_all_rows(text):
    """What the page writes of sums over rows, with the letters and signs of text."""

    def low(found):
        name = found[1] if "[" in found[1] else found[1].replace(",", "_")
        return ("_" if name[0].isalpha() else "") + name

    return of_all_rows(re.sub(r"<([^<> ]+)>", low, text))


def told_by_text(trace, row):
    """Of each name its formula, "" where there is none, and its number."""
    found = {}
    for title, one in equations(trace):
        whole = bool(WHOLE.search(title))
        if one.symbol.row in (None, row + 1):
            plain = of_all_rows if whole else lambda text: plain_text(text, row)
            formula = plain(written(one.forms[0])) if one.forms else ""
            found.setdefault((plain(symbol_text(one.symbol)), whole), (formula, float(one.value)))
    return found


def told_by_page(scripts, trace, row, change=""):
    """The same of each moment, and of each number of a parameter; and every line."""
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    code = code.replace("shown.slice(0, 3)", "shown")  # the panels of all units
    numbers = NUMBERS.replace("change(network);", change)
    shipped, found = shipped_step(trace), {}
    told = [*scripts(numbers, shipped=shipped, row=row), *scripts(code, shipped=shipped, row=row)]
    for title, lines in told:
        whole = bool(WHOLE.search(title))
        for line in lines:
            line = line.removesuffix(", as training computes both together")
            noted = NOTED.sub("", line)
            name, *sides = noted.split(" = ")
            if sides and computed(sides[-1]) is not None:
                plain = page_of_all_rows if whole else lambda text: plain_page(text, row)
                formula = plain(sides[0]).replace("³", "^3") if noted == line else ""
                found.setdefault((plain(name), whole), (formula, computed(sides[-1])))
    return found, told


def check_as_text(scripts, trace, least):
    for row in View(trace).shown_rows:
        text, (page, told) = told_by_text(trace, row), told_by_page(scripts, trace, row)
        compared = {one: told for one, told in text.items() if OF_LAYER.match(one[0])}
        assert len(compared) > least
        for one, (formula, value) in compared.items():
            formula, penalty, _ = formula.partition("dpenalty/d")  # the page has its number there
            assert page[one][0].startswith(formula) if penalty else page[one][0] == formula, one
            assert page[one][1] == pytest.approx(value), one
        assert check_equations(told) > 10


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("name", LAYERS)
def test_the_page_tells_each_equation_of_a_layer_that_text_tells(scripts, name, rows, how):
    for middle in (True, False):
        check_as_text(scripts, traced(name, rows, middle, **how)[1], 4)


OTHERS = {
    "rows with weights": ([layers.Dense(2, "tanh"), quad(), layers.Dense(1)], 2, 1, {
        "sample_weight": [1.0, 2.5]}),
    "a penalty": (
        [layers.Dense(2, "tanh"), quad(penalty=cr.regularizers.L2(0.1)), layers.Dense(1)], 2, 1, {}
    ),
    "rows that mix behind it": (
        [quad(), layers.BatchNormalization(), layers.Dense(1)], 2, 1, {}
    ),
    "positions": ([quad(), layers.Flatten(), layers.Dense(1)], (3, 2), 1, {}),
    "several and a loss": (
        [quad(), LAYERS["by length"][0].__class__(
            lambda x, s: (x * s + 1.0) ** 2 * x, (("s", (3,)),)
        ), layers.Dense(2), LAYERS["scaled"][0]], 2, 2, {},
    ),
    "columns": ([layers.Dense(2, "tanh"), quad(), layers.Dense(1)], 2, 1, {"notation": "columns"}),
}  # fmt: skip
"""Layers, what they are given and give, and how they are traced."""


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_with_layers_of_ones_own_are_told_as_in_text(scripts, name):
    stack, given, width, how = OTHERS[name]
    loss = (lambda t, o: ops.abs(t - o) ** 3) if "loss" in name else "mse"
    check_as_text(
        scripts, model(given, *stack, loss=loss).trace(*batch(2, given, width), **how), 20
    )


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("name", LAST)
def test_what_the_loss_takes_with_itself_is_told_as_in_text(scripts, name, errors):
    loss, kind, width, function = LAST[name]
    stack = [layers.Dense(2), Own(function, (("a", (2, width)),))]
    trace = model(2, *stack, loss=loss).trace(*batch(2, 2, width, kind), errors=errors)
    check_as_text(scripts, trace, 5)
    _, told = told_by_page(scripts, trace, 0)
    told = [line for _, lines in told for line in lines]
    together = [line for line in told if line.endswith("as training computes both together")]
    assert bool(together) == (name != "logits")
    assert all(line.count(" = ") == 3 for line in together)
    if name == "sigmoid":
        assert any(line.startswith("own_1 = sigmoid(v<1>) = ") for line in told)


def numbers_of(scripts, trace, change, row=0):
    """What the page's network is made of after a change: h, targets and its layers' parameters."""
    return scripts(
        f"""(() => {{ const network = new Network(new Training(shipped)); {change}
          const {{ training }} = network;
          const plain = ({{ shape, data }}) => [shape, Array.from(data)];
          return [training.of(shipped.layers[0].results.a), training.state.arrays[target],
            ...shipped.segments.slice(2).map((_, n) => training.parameter(n + 2))].map(plain);
        }})()""",
        shipped=shipped_step(trace), target="target/dense_1",
    )  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_told_of_a_layer_follows_changed_numbers(scripts, name):
    _, trace = traced(name, 2, middle=True)
    places = [place for segment in shipped_step(trace)["segments"] for place in segment[1:3]]
    change = (
        "".join(
            f"network.training.set({{ place: {place} }}, {0.75 - 0.25 * n});"
            for n, place in enumerate([1, 7, max(places) - 4])
        )
        + 'network.training.set({ source: "input/input", place: 0 }, 2);'
    )
    before, _ = told_by_page(scripts, trace, 0)
    page, told = told_by_page(scripts, trace, 0, change)
    assert check_equations(told) > 10
    told_before, told_after = (
        {one for one in found if found[one][0] and (one[1] or "_own" not in one[0])}
        for found in (before, page)
    )
    assert told_before == told_after
    h, targets, *after = (
        np.reshape(data, shape) for shape, data in numbers_of(scripts, trace, change)
    )
    losses = losses_by_numpy(name, True, targets)
    for k in range(2):
        wanted = slope(lambda x: losses(x, *after)[0], h, (0, k))
        assert page[f"dL/dh{k + 1}", False][1] == pytest.approx(wanted, abs=1e-6)
        assert page[f"dL/dh{k + 1}", False][1] != pytest.approx(before[f"dL/dh{k + 1}", False][1])
    for place, (parameter, shape) in enumerate(LAYERS[name][0].shapes):
        for index in np.ndindex(shape):

            def moved(values, place=place):
                return losses(h, *after[:place], values, *after[place + 1 :]).mean()

            which = ",".join(str(one + 1) for one in index)
            formula, found = page[f"dL/d{parameter}_own{which and f'[{which}]'}", True]
            assert found == pytest.approx(slope(moved, after[place], index), abs=1e-6)
            assert formula


@pytest.mark.parametrize("last", [True, False])
def test_of_large_own_layers_the_same_numbers_are_told_as_in_text(scripts, last):
    large = Own(
        lambda x, a, b, s: ops.tanh(x @ a + b) * s, (("a", (40, 30)), ("b", (30,)), ("s", ()))
    )
    stack = [layers.Dense(40, "relu"), large, *([] if last else [layers.Dense(2)])]
    trace = model(20, *stack).trace(*batch(14, 20, 30 if last else 2))
    row = View(trace).shown_rows[0]
    text, (page, told) = told_by_text(trace, row), told_by_page(scripts, trace, row)
    compared = {one: found for one, found in text.items() if OF_LAYER.match(one[0])}
    assert len(compared) > 15 and compared.keys() <= page.keys()
    for one, (_, value) in compared.items():
        assert page[one][1] == pytest.approx(value), one
    formulas = {name: formula for (name, _), (formula, _) in page.items()}
    assert sum(formula.endswith(" + [38 more]") for formula in formulas.values()) > 1
    assert "more]" in formulas["dL/ds_own"] and check_equations(told) > 50
    assert len(str(shipped_step(trace)["ownLayers"])) < 400_000


@cr.operation
def own_square(x):
    return x * x


@own_square.gradient
def _(g, y, x):
    return g * 2.0 * x


def test_where_the_page_cannot_compute_it_tells_the_numbers_that_were_traced(scripts):
    def loss(t, o):
        return own_square(t - o)

    trace = model(2, layers.Dense(2), quad(), layers.Dense(1), loss=loss).trace(*batch(2, 2, 1))
    assert "tape" not in shipped_step(trace)
    check_as_text(scripts, trace, 20)


def test_penalties_on_what_own_layers_give_leave_gradients_as_results_in_the_page(scripts):
    made_of = Own(lambda x, a: ops.sin(x @ a), (("a", (2, 3)),))
    held = replace(made_of, activity_regularizer=cr.regularizers.L2(0.1))
    trace = model(2, layers.Dense(2), held, layers.Dense(1)).trace(*batch(2, 2, 1))
    check_as_text(scripts, trace, 20)
    page, _ = told_by_page(scripts, trace, 0)
    assert page["u1_1", False][0] == "h1·a_own[1,1] + h2·a_own[2,1]"
    assert page["dL/da_own[1,1]", True][0] == "" and page["dL/dh1", False][0]


@pytest.mark.parametrize("name", NOT_SPELLED)
def test_an_operation_without_a_formula_is_told_by_its_numbers_in_the_page(scripts, name):
    stack = [layers.Dense(2), Own(NOT_SPELLED[name][0], (("a", (2, 3)),)), layers.Dense(1)]
    check_as_text(scripts, model(2, *stack).trace(*batch(2, 2, 1)), 20)


def test_a_layer_whose_operations_are_not_told_gives_derivatives_by_what_it_is_given(scripts):
    own = Own(lambda x, a: (x - x.mean(axis=0, keepdims=True)) @ a, (("a", (2, 3)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(3, 2, 1))
    page, told = told_by_page(scripts, trace, 1)
    for k in range(2):
        wanted = trace.layers[1].numbers.delta[1, k]
        assert page[f"dL/dh{k + 1}", False][1] == pytest.approx(wanted)
    lines = [line for _, lines in told for line in lines]
    assert not any("x<own" in line for line in lines) and check_equations(told) > 10
    assert any(line.endswith(", through all units and rows of the layer") for line in lines)


def test_a_layer_that_is_another_each_time_has_no_operations_in_the_page():
    made_of = [ops.exp]
    own = Own(lambda x, a: made_of[0](x @ a) * 2.0, (("a", (2, 3)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    assert shipped_step(trace)["ownLayers"][1]["letter"] == "u"
    made_of[0] = ops.sin
    assert shipped_step(trace)["ownLayers"] == [None, None, None]


def test_a_parameter_that_no_operation_uses_has_the_gradient_0_in_the_page(scripts):
    own = Own(lambda x, w, u: x * w, (("w", (2,)), ("u", (2,))))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    check_as_text(scripts, trace, 5)
    page, _ = told_by_page(scripts, trace, 0)
    assert page["dL/du_own[1]", True] == ("0", 0.0)


def test_the_legend_says_whose_operations_letters_stand_for():
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    legend = scripts(
        "new NetworkSubject(shipped).legend()", shipped=shipped_step(traced("quad", 1, True)[1])
    )
    assert "u1, u2 ... what operations of own give, in their order" in legend


PANELS = """network.columns.flatMap((column, c) =>
  (network.isOwn(c) ? column.shown : []).map((unit) => {
  const { sections } = new NetworkPanel(network).unit(c, unit);
  return sections.map(({ title, table }) => [title, table?.head ?? [],
    (table?.rows ?? []).map((row) => row.map((one) => unmarked(one.text ?? one)))]);
}))"""


def of_network(scripts, trace, code):
    return scripts(
        f"(() => {{ const network = new Network(new Training(shipped)); return {code}; }})()",
        shipped=shipped_step(trace),
    )


def test_a_unit_is_drawn_with_lines_from_all_that_it_is_made_of():
    scripts = Scripts(*SCRIPTS, "scene.js", "drawing.js")
    own = Own(lambda x, a: ops.concatenate(x @ a, x, axis=1), (("a", (2, 1)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    count = "networkScene(network, new Set(), []).groups.map(({ edges }) => edges.length)"
    assert of_network(scripts, trace, count)[:4] == [0, 4, 4, 3]


def test_a_panel_has_the_numbers_of_parameters_that_its_unit_is_made_of(scripts):
    trace = traced("quad", 2, middle=True)[1]
    (_, second, _) = of_network(scripts, trace, PANELS)
    tables = {title.split(" (")[0]: rows for title, _, rows in second}
    assert [row[0] for row in tables["own: a"]] == ["aown[1,2]", "aown[2,2]"]
    assert [row[0] for row in tables["own: b"]] == ["bown[1,2]", "bown[2,2]"]


def test_the_derivative_by_what_a_unit_gives_stands_by_it_where_the_loss_takes_that(scripts):
    code = """network.columns.at(-1).names
      .map((_, unit) => network.givesSlope(network.last, unit) ?? null)"""
    for name, (loss, kind, width, function) in LAST.items():
        stack = [layers.Dense(2), Own(function, (("a", (2, width)),))]
        trace = model(2, *stack, loss=loss).trace(*batch(2, 2, width, kind))
        wanted = trace.layers[1].numbers.upstream[0] if name == "logits" else [None] * width
        assert of_network(scripts, trace, code) == pytest.approx(list(wanted)), name
        heads = [head for panel in of_network(scripts, trace, PANELS) for _, head, _ in panel]
        assert (["row", "a", "∂ℓ/∂a"] in heads) == (name == "logits")
        assert (["row", "a"] in heads) == (name != "logits")


def test_the_table_of_weights_has_those_of_own_layers():
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    tables = scripts(
        "new NetworkSubject(shipped).tables().map(({ rows }) => rows.map((row) => row.map((one) => "
        "[one.text ?? one, one.key ?? null])))",
        shipped=shipped_step(traced("quad", 1, middle=True)[1]),
    )
    keys = [row[0][1] for row in tables[1] if row[2][0] == "own"]
    assert len(keys) == 12 and keys[0] == "p/2/2/0"


def test_numbers_that_are_none_have_their_formulas_in_the_page_too(scripts):
    made = model(2, layers.Dense(2), loss=lambda t, o: ops.log(o - t))
    told = scripts(TOLD, shipped=shipped_step(made.trace(*batch(2, 2, 2))), row=0)
    lines = [line for _, lines in told for line in lines if line.startswith("q<2,2> = ")]
    assert lines and lines[0].startswith("q<2,2> = log(q<1,2>) = log(−")
    assert lines[0].endswith(" = not a number")


def test_operations_that_text_lists_are_listed_in_the_page_and_follow(scripts):
    own = Own(lambda x, a: (x - x.mean(axis=0, keepdims=True)) @ a, (("a", (2, 2)),))

    def loss(t, o):
        return (o - o.mean(axis=0, keepdims=True) - t) ** 2

    trace = model(2, layers.Dense(2), own, layers.Dense(2), loss=loss).trace(*batch(2, 2, 2))
    listed = re.findall(r"\n((?:own|loss)/q\d+, all rows: \w+) = ", trace.to_text(300))
    assert len(listed) > 6
    for change in ("", "network.training.set({ place: 1 }, 0.75);"):
        code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
        told = [line for _, lines in scripts(code, shipped=shipped_step(trace), row=0)
                for line in lines]  # fmt: skip
        found = [line for line in told if re.match("(own|loss)/q", line)]
        assert {line.split(" = ")[0] for line in found} == {*listed}
        losses = next(line for line in found if line.startswith(listed[-1])).split("[")[1]
        own_losses = [line for line in told if line.startswith("ℓ = ")]
        assert own_losses and own_losses[0][4:14] == losses[:10]
