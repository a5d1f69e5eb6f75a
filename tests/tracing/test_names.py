"""One name for one thing in text, LaTeX, table and page, also where it has spaces or signs."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, model, step_of, table_step
from tests.tracing.test_page_words import SCRIPTS, panel, said

from chainrule.layers import Dense, Dropout, Embedding, Flatten
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
