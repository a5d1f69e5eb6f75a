"""What the page says of parameters that are no lines of its drawing."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import Dense, batch, layers, model, step_of, table_step
from tests.tracing.test_equations import equations as of_text
from tests.tracing.test_page_equations import TOLD, check_equations, computed
from tests.tracing.test_page_words import SCRIPTS, said

from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.text import symbol_text

PANELS = """(() => {
  digits = shipped.digits;
  const network = new Network(new Training(shipped));
  network.setRow(row);
  CHANGE;
  const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
  return network.columns.map(({ kind, names }, c) => kind === "inputs" ? [] : names.map((_, unit) =>
    new NetworkPanel(network).unit(c, unit).sections.map(({ title, lines = [], table }) =>
      [shown(title), lines.map(shown), table ? [table.head, ...table.rows].map((cells) =>
        cells.map((cell) => shown(cell.text ?? cell))) : []])));
})()"""


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def panels(scripts, trace, row=0, change=""):
    """By column and unit, the sections of each panel: title, lines, rows of its table."""
    return scripts(PANELS.replace("CHANGE", change), shipped=shipped_step(trace), row=row)


def at_positions(activation=None, rows=2, **how):
    """A network of two layers that are used at each position of a row."""
    stack = [Dense(3, activation), Dense(2), layers.Flatten(), Dense(2, "sigmoid")]
    made = model((2, 2), *stack, loss="binary_crossentropy")
    return made.trace(*batch(rows, (2, 2), 2, "binary"), **how)


def spread(**how):
    return table_step((False,), 2, 0.0, **how)


def line_of(lines, start):
    (found,) = {one for one in lines if one.startswith(start)}
    return found


def value(text):
    return computed(text.rpartition("= ")[2])


@pytest.mark.parametrize("form", ["rows", "columns", "theta"])
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_a_layer_at_positions_is_told_as_text_tells_it(scripts, activation, form):
    trace = at_positions(activation, notation=form)
    found = panels(scripts, trace)
    lines = {title: lines for title, lines, _ in found[1][4]}  # dense[2,2]
    weights, x = trace.layers[0].kernel.before, trace.layers[0].numbers.x[0, 1]
    z, letter = trace.layers[0].numbers.z[0, 1, 1], "Θ" if form == "theta" else "W"
    whole = {
        "rows": "x<3>·W<dense>[1,2] + x<4>·W<dense>[2,2] + b<dense>[2]",
        "columns": "W<dense>[2,1]·x<3> + W<dense>[2,2]·x<4> + b<dense>[2]",
        "theta": "Θ<dense>[2,0]·1 + Θ<dense>[2,1]·x<3> + Θ<dense>[2,2]·x<4>",
    }
    assert lines["What it gives"][0] == f"z<dense[2,2]> = {whole[form]}"
    assert value(lines["What it gives"][2]) == pytest.approx(z, abs=1e-6)
    assert z == pytest.approx(x @ weights[:, 1])
    given = line_of(lines["What it gives"], "dense[2,2] = ")
    assert given.split(" = ")[1] == ("tanh(z<dense[2,2]>)" if activation else "z<dense[2,2]>")
    arrives = lines["Delta of the row"][0].split(" = ")
    places = ["[1,2]", "[2,2]"] if form != "rows" else ["[2,1]", "[2,2]"]
    assert arrives[1] == " + ".join(
        f"δ<dense_1[2,{k + 1}]>·{letter}<dense_1>{place}" for k, place in enumerate(places)
    )
    upstream = trace.layers[0].numbers.upstream[0, 1, 1]
    assert value(" = ".join(arrives)) == pytest.approx(upstream, abs=1e-6)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("errors", [False, True])
def test_gradients_of_shared_weights_are_sums_over_positions_and_rows(scripts, rows, errors):
    trace = at_positions(rows=rows, errors=errors, digits=9)
    found = said(scripts, trace)
    lines = found["The gradient of dense_1/kernel, dense_1/bias"]
    minus, delta = ("−", "Err") if errors else ("", "δ")
    line = line_of(lines, f"{minus}∂L/∂W<dense_1>[3,1] = ")
    at = [f"({row + 1})" if rows > 1 else "" for row in range(rows)]
    uses = [f"dense[{p},3]{row}·{delta}<dense_1[{p},1]>{row}" for row in at for p in (1, 2)]
    assert line.split(" = ")[1] == (f"1/3·({' + '.join(uses)})" if rows > 1 else " + ".join(uses))
    gradient = trace.layers[1].kernel.gradient[2, 0] * (-1 if errors else 1)
    assert [computed(one) for one in line.split(" = ")[2:]] == pytest.approx([gradient] * 2)


@pytest.mark.parametrize("form", ["rows", "columns", "theta"])
def test_factors_of_shared_weights_stand_as_the_notation_says(scripts, form):
    lines = said(scripts, at_positions(rows=1, notation=form))[
        "The gradient of dense_1/kernel, dense_1/bias"
    ]
    name = {"rows": "W<dense_1>[3,1]", "columns": "W<dense_1>[1,3]", "theta": "Θ<dense_1>[1,3]"}
    pairs = [(f"dense[{p},3]", f"δ<dense_1[{p},1]>") for p in (1, 2)]
    told = " + ".join("·".join(pair if form == "rows" else pair[::-1]) for pair in pairs)
    assert line_of(lines, f"∂L/∂{name[form]} = ").split(" = ")[1] == told


def test_the_panel_of_a_unit_has_its_own_numbers_by_their_names(scripts):
    for errors, sign in ((False, 1), (True, -1)):
        trace = at_positions(errors=errors)
        sections = {title: table for title, _, table in panels(scripts, trace)[1][4]}
        head, *rows = sections["dense: kernel (2 of 6 that belong to this unit)"]
        assert head == ["", "value", "−∂L" if errors else "∂L"]
        assert [name for name, *_ in rows] == ["W<dense>[1,2]", "W<dense>[2,2]"]
        kernel = trace.layers[0].kernel
        shown = [[computed(one) for one in numbers] for _, *numbers in rows]
        wanted = np.stack([kernel.before[:, 1], sign * kernel.gradient[:, 1]], axis=1)
        assert np.array(shown) == pytest.approx(wanted, abs=1e-6)
        ((_, (name, *_)),) = (table for title, table in sections.items() if "bias" in title)
        assert name == "b<dense>[2]"


def test_an_embedding_says_which_number_of_its_table_it_took(scripts):
    trace = step_of("units of three axes")
    codes = next(iter(trace.inputs.values()))
    for row in range(2):
        for unit, sections in enumerate(panels(scripts, trace, row)[1]):
            place = f"embeddings_embedding[{codes[row, unit // 2]},{unit % 2 + 1}]"
            number = trace.layers[0].numbers.a[row].reshape(-1)[unit]
            line = sections[0][1][0]
            assert line.startswith(f"embedding_{unit + 1} = {place} = ")
            assert value(line) == pytest.approx(number, abs=1e-6)
            (name, *_) = next(table for title, _, table in sections if "embeddings (" in title)[1]
            assert name == place
            assert any("embeddings (the one of 10 that" in title for title, *_ in sections)


def test_an_embedding_follows_a_code_that_is_changed(scripts):
    trace = step_of("units of three axes")
    change = 'network.training.set({ source: "input/input", place: 0 }, 3)'
    sections = panels(scripts, trace, change=change)[1][0]
    assert sections[0][1][0].startswith("embedding_1 = embeddings_embedding[3,1] = ")
    table = trace.layers[0].parameters["embeddings"].before
    assert value(sections[0][1][0]) == pytest.approx(table[3, 0], abs=1e-6)


def test_names_of_a_layers_own_numbers_are_those_of_text(scripts):
    for name in ("prelu", "two norms", "codes", "units of three axes", "activation at positions"):
        trace = step_of(name)
        known = {symbol_text(one.symbol) for _, one in of_text(trace)}
        known |= {name for one in known for name in re.findall(r"∂?d?L/d(.*)$", one)}
        tables = [table for column in panels(scripts, trace) for unit in column
                  for title, _, table in unit if ": " in title]  # fmt: skip
        names = {row[0] for table in tables for row in table[1:]}
        names = {re.sub(r"<(\w+)>", lambda low: ("_" if low[1][0].isalpha() else "") + low[1], one)
                 .replace("α", "alpha") for one in names if "moving" not in one}  # fmt: skip
        assert names and names <= known | {f"{one}'" for one in known}, names - known


def of_column(found, kind):
    return next(units for units in found[1:] if any(kind in title for title, *_ in units[0]))


@pytest.mark.parametrize("how", [{}, {"errors": True}, {"notation": "theta"}])
@pytest.mark.parametrize("bins, rows", [(4, 1), (40, 1), (40, 5)])
def test_spread_numbers_are_formulas_in_the_page_too(scripts, bins, rows, how):
    trace = spread(bins=bins, rows=rows, digits=9, **how)
    found = of_column(panels(scripts, trace), "spread: kernel")
    layer, position = trace.layers[1], trace.inputs["positions"][0]
    kernel, bias = (layer.parameters[name] for name in ("kernel", "bias"))
    reach = np.clip(position[:, None] - np.arange(bins), 0, 1)
    sign = -1 if how.get("errors") else 1
    for unit, sections in enumerate(found):
        number, column = divmod(unit, 8)
        z = reach[number] @ kernel.before[number, :, column] + bias.before[number, 0, column]
        (gives, given, _), (_, delta, _) = sections[:2]
        assert gives == "What it gives"
        sums = line_of(given, "z<")
        assert [computed(one) for one in sums.split(" = ")[2:]] == pytest.approx([z, z])
        assert f"kernel_spread[{number + 1}," in sums
        assert f"bias_spread[{number + 1},1,{column + 1}]" in sums
        left = re.search(r"(\d+) more of 40 parts of \[(age|size) position\] are left out.",
                         " ".join(given))  # fmt: skip
        assert (left is not None) == (bins == 40)
        told = [one for one in delta if re.match(r"(δ|Err)<.*> = .*·", one)]
        slope = bias.gradient[number, 0, column] if rows == 1 else None
        if slope is not None:
            assert value(told[-1]) == pytest.approx(sign * slope, abs=1e-8)
        upstream = layer.numbers.upstream[0, unit] * sign
        assert "through" not in delta[0]
        assert value(delta[0]) == pytest.approx(upstream, abs=1e-8)


@pytest.mark.parametrize("rows", [1, 5])
def test_gradients_of_a_spread_number_are_sums_of_what_is_reached(scripts, rows):
    trace = spread(bins=40, rows=rows, digits=9)
    kernel = trace.layers[1].parameters["kernel"]
    for unit, sections in enumerate(of_column(panels(scripts, trace), "spread: kernel")):
        number, column = divmod(unit, 8)
        ((title, _, (_, *table)),) = (one for one in sections if "kernel" in one[0])
        assert title == "spread: kernel (12 of 40 that belong to this unit, 640 in all)"
        pattern = rf"kernel_spread\[{number + 1},\d+,{column + 1}\]"
        assert all(re.fullmatch(pattern, name) for name, *_ in table)
        (_, given, _), *_ = sections
        assert {*re.findall(r"kernel_spread\[.*?\]", line_of(given, "z<"))} <= {
            one[0] for one in table
        }
        lines = next(lines for title, lines, _ in sections if title == "Their gradients")
        found = [one for one in lines if one.startswith("∂L/∂kernel_spread")]
        assert found
        for line in found:
            part = int(line.split(",")[1]) - 1
            gradient = kernel.gradient[number, part, column]
            assert "·δ<" in line or gradient == 0
            assert [computed(one) for one in line.split(" = ")[2:]] == pytest.approx(
                [gradient] * (line.count(" = ") - 1), abs=1e-8
            )


@pytest.mark.parametrize("make", [
    at_positions, spread, lambda **how: at_positions("tanh", 3, **how),
    lambda **how: spread(bins=40, rows=5, **how), lambda **how: step_of("codes", **how),
])  # fmt: skip
@pytest.mark.parametrize("how", [{}, {"errors": True}])
def test_all_holds_after_inputs_and_weights_are_changed(scripts, make, how):
    shipped = shipped_step(make(**how))
    count = len(shipped["segments"])
    change = "".join(
        f"network.training.set({{ place: {shipped['segments'][n][1]} }}, 0.75);"
        for n in range(count)
    )
    inputs = [one["source"] for one in shipped["inputs"] if one["source"].startswith("input/")]
    change += "".join(f'network.training.set({{ source: "{one}", place: 1 }}, 2);'
                      for one in inputs)  # fmt: skip
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    told = scripts(code, shipped=shipped, row=0)
    assert check_equations(told) > 10
    left = [line for _, lines in told for line in lines if "through the" in line]
    assert not left


def test_shared_weights_with_penalties_and_weighted_rows_are_told(scripts):
    stack = [Dense(2, kernel_regularizer="l2"), layers.Flatten(), Dense(1)]
    made = model((2, 2), *stack)
    trace = made.trace(*batch(3, (2, 2), 1), sample_weight=[1.0, 2.0, 0.25], digits=9)
    lines = said(scripts, trace)["The gradient of dense/kernel, dense/bias"]
    line = line_of(lines, "∂L/∂W<dense>[1,2] = ")
    assert line.split(" = ")[1].startswith("s(1)·x<1>(1)·δ<dense[1,2]>(1) + s(1)·x<3>(1)·δ")
    gradient = trace.layers[0].kernel.gradient[0, 1]
    assert [computed(one) for one in line.split(" = ")[2:]] == pytest.approx([gradient] * 2)


def test_rows_of_a_large_sum_at_a_position_are_folded(scripts):
    made = model((2, 12), Dense(2), layers.Flatten(), Dense(1))
    trace = made.trace(*batch(1, (2, 12), 1), digits=9)
    first, numbers, last = panels(scripts, trace)[1][3][0][1][:3]
    assert first.count("·W<dense>[") == 5 and "[7 more]" in first
    assert all(one in first for one in ("z<dense[2,2]> = ", ",2]", "b<dense>[2]"))
    z = trace.layers[0].numbers.z[0, 1, 1]
    assert [computed(one.removeprefix("= ")) for one in (numbers, last)] == pytest.approx([z, z])


NUMBERS = """(() => {
  digits = 20;
  const network = new Network(new Training(shipped));
  const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
  const keysOf = (c, unit) => new NetworkPanel(network).unit(c, unit).sections
    .flatMap(({ table }) => (table?.rows ?? []).map(([{ key }]) => key))
    .filter((key) => key?.startsWith("p/"));
  const keys = network.columns.flatMap(({ kind, names }, c) =>
    kind === "inputs" ? [] : names.flatMap((_, unit) => keysOf(c, unit)));
  return [...new Set(keys)].map((key) => {
    const { title, over, fields: [{ what }], sections } = networkPanel(network, key);
    const lines = sections.flatMap(({ lines = [] }) => lines.map(shown));
    const { check } = sections.find((one) => one.check !== undefined);
    const slope = network.sign * network.training.measured(check)[0];
    const kept = network.training.get(what);
    network.training.set(what, kept + 0.5);
    const moved = networkPanel(network, key).sections[0].lines.map(shown);
    network.training.set(what, kept);
    return { title: shown(title), over, lines, slope, kept, moved };
  });
})()"""


@pytest.mark.parametrize("how", [{}, {"errors": True}])
@pytest.mark.parametrize("make", [
    at_positions, lambda **how: spread(rows=1, **how), lambda **how: step_of("two norms", **how),
    lambda **how: step_of("units of three axes", **how), lambda **how: step_of("prelu", **how),
    lambda **how: step_of("shares at positions", **how),
])  # fmt: skip
def test_each_own_number_has_a_panel_with_gradient_update_and_field(scripts, make, how):
    trace = make(**how)
    found = scripts(NUMBERS, shipped=shipped_step(trace))
    assert found
    assert check_equations([(one["title"], one["lines"] + one["moved"]) for one in found]) > 8
    sign = "−" if how else ""
    for one in found:
        name = one["title"].removeprefix("Weight ")
        line = line_of(one["lines"], f"{sign}∂L/∂{name} = ")
        assert value(line) == pytest.approx(one["slope"], rel=1e-4, abs=1e-6), one["title"]
        moved = [line for line in one["lines"] if line.startswith(f"{name}′ = ")]
        assert moved and one["over"].startswith("in ")
    assert any(one["moved"] != one["lines"][: len(one["moved"])] for one in found)


def test_the_walk_has_the_new_numbers_of_layers_at_positions(scripts):
    trace = at_positions(digits=9)
    lines = said(scripts, trace)["The new numbers of dense_1/kernel, dense_1/bias"]
    line = line_of(lines, "W<dense_1>[1,1]′ = ")
    assert "W<dense_1>[1,1] − rate·∂L/∂W<dense_1>[1,1]" in line
    assert value(line) == pytest.approx(trace.layers[1].kernel.after[0, 0], abs=1e-8)


def test_the_legend_and_the_table_of_units_know_sums_at_positions():
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    code = "((page) => [page.legend(), page.tables()[0]])(new NetworkSubject(shipped))"
    legend, table = scripts(code, shipped=shipped_step(at_positions("tanh")))
    assert "dense_1[p,j] unit j of dense_1 at position p of a row" in legend
    assert table["head"] == ["layer", "unit", "z", "a", "∂a/∂z", "δ"]
    row = next(one for one in table["rows"] if one[1] == "dense[2,1]")
    assert "–" not in row


def test_penalties_on_activities_are_told_at_each_position_that_a_gradient_sums(scripts):
    found = said(scripts, step_of("activation at positions"))
    lines = found["The gradient of dense/kernel, dense/bias"]
    told = [one for one in lines if re.match(r"Row 1: ∂L/∂z<dense\[[12],2\]> = ", one)]
    assert len(told) == 2
    assert all("1/2·δ<dense[" in one and "∂penalty/∂z<dense[" in one for one in told)
