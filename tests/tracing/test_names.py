"""One name for one thing in text, LaTeX, table and page, also where it has spaces or signs."""

import math
import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, model, step_of, table_step
from tests.tracing.test_own_layers import Own
from tests.tracing.test_page_own import panels
from tests.tracing.test_page_words import SCRIPTS, panel, said

from chainrule import ops
from chainrule.layers import Dense, Dropout, Embedding, Flatten, PReLU
from chainrule.tracing.page.network import shipped_step

LONG = [["weight (lb)", "origin = usa"], ["low fat", "h2"], ["very good", "o2"]]


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS, "drawing.js")


def named(scripts, trace):
    """What the page calls the numbers of each column, by the column's title."""
    code = """(() => { const network = new Network(new Training(shipped));
      return network.columns.map(({ title, names }, c) =>
        [title, names.map((_, unit) => plain(network.valueName(c, unit)))]); })()"""
    return dict(scripts(code, shipped=shipped_step(trace)))


def in_table(trace):
    rows = (line.split(",") for line in trace.to_csv().splitlines())
    return list(dict.fromkeys(row[8] for row in rows if row[1] == "input"))


def test_numbers_of_an_input_with_further_axes_are_called_by_it_in_all_forms(scripts):
    trace = step_of("activation at positions")
    names = [f"input{n}" for n in (1, 2, 3, 4)]
    assert named(scripts, trace)["inputs"] == names
    assert in_table(trace) == names
    assert "given: input1(1) = 0.12573, input2(1) = " in trace.to_text()
    one = model(1, Embedding(5, 2), Flatten(), Dense(1)).trace([[3]], [[1.0]])
    assert named(scripts, one)["inputs"] == in_table(one) == ["input1"]
    assert "given: input1 = 3" in one.to_text()


@pytest.mark.parametrize("spread", [0, 2])
def test_numbers_of_several_inputs_are_called_by_these_in_all_forms(scripts, spread):
    trace = table_step((3,), spread, 0.0)
    found = named(scripts, trace)
    names = ["numbers1", "numbers2", "categories1"]
    positions = ["age position", "size position"][:spread]
    assert found["inputs"] == [*names, *(f"[{one}]" for one in positions)]
    assert sorted(in_table(trace)) == sorted([*names, *positions])
    # as many as there are inputs, but made of codes alone
    assert found["Embedding"] == ["x3", "x4", "x5"]
    assert re.search(r"x3\(\d\) += table_embedding_0\[", trace.to_text())


def long_names(*stack, **how):
    made = model(2, Dense(2, "tanh"), *stack, Dense(2, "softmax"), loss="categorical_crossentropy")
    return made.trace(*batch(2, 2, 2, "one-hot"), units=LONG, **how)


def test_names_with_signs_stand_in_brackets_with_their_marks_behind(scripts):
    trace = long_names(Dropout(0.5))
    found = named(scripts, trace)
    assert found["inputs"] == ["[weight (lb)]", "[origin = usa]"]
    assert found["Dropout"] == ["[low fat]~", "h2~"]
    text = trace.to_text()
    for name in ("[weight (lb)](1)", "[low fat]~(1)·", "dL(1)/d[very good](1)"):
        assert name in text, name


def test_weights_named_by_units_with_signs_stand_in_brackets(scripts):
    trace = long_names(weights="w{from}>{to}", biases="b {to}")
    name = "[wweight (lb)>low fat]"
    found = panel(scripts, trace, "w/1/0/0")["Gradient, row by row: all factors"]
    assert found[0].endswith(f"| ∂z<low fat>/∂{name} = [weight (lb)] | product")
    assert f"∂L/∂{name} = " in found[-1]
    first = said(scripts, trace)["The weighted sum of low fat"][0]
    assert first.startswith(f"z<low fat> = [weight (lb)]·{name} + ")
    assert first.endswith(" + [b low fat]")
    assert f"·{name}" in trace.to_text()
    assert "[b low fat]" in trace.to_text()


def test_latex_has_names_with_signs_in_brackets_where_they_are_factors():
    text = long_names(Dropout(0.5)).to_latex()
    assert r"\text{[weight (lb)]}^{(1)}\cdot W^{[1]}_{1,1}" in text
    assert r"\widetilde{\text{[low fat]}}^{(1)}" in text
    assert r"z_{\text{low fat}}^{(1)}" in text
    assert not re.search(r"[^[]origin = usa[^]]", text)


def test_only_a_place_in_brackets_is_what_is_left_of_a_long_name(scripts):
    def fitted(name):
        return scripts("fitted(name, 34).lines", name=name)

    assert fitted("dense_and_more[2,1]") == ["[2,1]"]
    assert fitted("displacement [cu in]") == ["displa…"]
    assert fitted("h1~") == ["h1~"]
    assert fitted("h1~~~") == ["h1", "~~~"]
    assert scripts('fitted("h1~~~", 34).size') >= 12
    assert np.all([len(line) <= 11 for line in fitted("weight (lb)")])


@pytest.mark.parametrize("form", ["rows", "columns", "theta"])
def test_numbers_of_parameters_are_called_by_parameter_and_layer(scripts, form):
    own = Own(lambda x, a, s: x @ a * s, (("a", (2, 2)), ("s", ())))
    trace = model(2, own, Dense(1), optimizer="adam").trace(*batch(2, 2, 1), notation=form)
    text = " ".join(trace.to_text(300).split())
    for line in (
        "dL/da_own[2,1] = 1/2·", " momentum_a_own[2,1]' = ", " a_own[2,1]' = a_own[2,1] - alpha·",
        "dL/ds_own = 1/2·", " s_own' = s_own - alpha·",
    ):  # fmt: skip
        assert line in text, line
    latex = trace.to_latex()
    for name in (
        r"\frac{\partial L}{\partial a^{[\mathrm{own}]}_{2,1}}", r"s_{\mathrm{own}}^{\prime}",
        r"\mathrm{velocity}_{a^{[\mathrm{own}]}_{2,1}}",
    ):  # fmt: skip
        assert name in latex, name
    tables = [table for title, _, table in panels(scripts, trace)[1][0] if "own: " in title]
    assert [row[0] for row in tables[0][1:]] == ["a<own>[1,1]", "a<own>[2,1]"]  # of unit 1
    assert tables[1][1][0] == "s<own>"
    assert "own/" not in text and "[]" not in text + latex + trace.to_csv()


def test_latex_sets_apart_parameters_and_layers_of_several_letters():
    spread = table_step((False,), 2, 0.0).to_latex()
    assert r"\frac{\partial L}{\partial \mathrm{kernel}^{[\mathrm{spread}]}_{" in spread
    own = Own(lambda x, w: x * w, (("w1", (2,)),), name="two words")
    latex = model(2, own, Dense(1)).trace(*batch(1, 2, 1)).to_latex()
    assert r"\text{[w1\_\allowbreak{}two words[2]]}" in latex
    own = Own(lambda x, w, v: x * w * v, (("w1", (2,)), ("log_v", ())), name="two_words")
    latex = model(2, own, Dense(1)).trace(*batch(1, 2, 1)).to_latex()
    assert r"\cdot {w_{1}}^{[\text{two\_\allowbreak{}words}]}_{2}" in latex
    assert r"\cdot \text{log\_\allowbreak{}v}_{\text{two\_\allowbreak{}words}}" in latex


def test_in_the_state_of_a_rule_the_page_keeps_parameters_and_layers_apart(scripts):
    trace = model(2, PReLU(), Dense(1), optimizer="adam").trace(*batch(1, 2, 1))
    lines = said(scripts, trace)["The new numbers of p_re_lu/alpha"]
    assert lines[1].startswith("momentum<α_p_re_lu[1]>′ = momentum<α_p_re_lu[1]> + 0.1·(")
    trace = model((2, 2), Dense(1), Flatten(), Dense(1), optimizer="adam").trace(
        *batch(1, (2, 2), 1)
    )
    lines = said(scripts, trace)["The new numbers of dense/kernel, dense/bias"]
    assert lines[1].startswith("momentum<W_dense[1,1]>′ = momentum<W_dense[1,1]> + 0.1·(")


def other(name, **shapes):
    """A layer that multiplies by all its parameters."""
    return Own(lambda x, *given: math.prod(given, start=x), tuple(shapes.items()), name=name)


BESIDE_WEIGHTS = Own(
    lambda x, kernel, bias, W: ops.tanh(x @ kernel + bias),
    (("kernel", (2, 2)), ("bias", (2,)), ("W", (2,))),
)


@pytest.mark.parametrize(
    "inputs, stack, units, paths",
    [
        (2, [other("a_b", w=(2,)), other("b", w_a=(2,), v=())], None, ["a_b/w", "b/w_a"]),
        (2, [other("at", s=())], [["x", "y"], ["s_at"]], ["at/s"]),
        ((3, 2), [BESIDE_WEIGHTS, Flatten()], None, ["own/W"]),
    ],
)
def test_what_would_be_called_alike_is_called_by_its_path(scripts, inputs, stack, units, paths):
    trace = model(inputs, *stack, Dense(1)).trace(*batch(1, inputs, 1), units=units)
    text = trace.to_text()
    for path in paths:
        assert f"dL/d[{path}" in text, path
        found = [name for column in panels(scripts, trace) for unit in column
                 for _, _, table in unit for name, *_ in table[1:]]  # fmt: skip
        assert any(name.startswith(f"[{path}") for name in found), path
    assert ("v_b" in text) == (stack[0].name == "a_b")
