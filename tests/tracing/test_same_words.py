"""What text and page say alike is one fixed phrase in both."""

import re

import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, mazur, model
from tests.tracing.test_page_words import SCRIPTS, said

from chainrule import optimizers
from chainrule.layers import BatchNormalization, Dense
from chainrule.tracing.page.network import shipped_step


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS, "curve.js", "subject.js")


RULES = {
    "sgd": ["rate"],
    "rmsprop": ["rate"],
    "adagrad": ["rate"],
    "adam": ["rate", "alpha"],
    "adamw": ["rate", "alpha", "decay"],
    "nadam": ["momentum_rate", "gradient_rate", "correction"],
}
"""What formulas call the numbers of a step."""


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_the_numbers_of_a_rule_have_one_name(scripts, name):
    trace = model(2, Dense(1), optimizer=name).trace(*batch(1, 2, 1))
    text, latex = trace.to_text(width=200), trace.to_latex()
    update = text[text.index("\nUpdate") :]
    page = " ".join(said(scripts, trace)["The new weights of o"])
    for called in RULES[name]:
        assert re.search(rf"\b{called}\b", update) and re.search(rf"\b{called}\b", page), called
        assert re.search(rf"; optimizer: .*\b{called} [\d.e-]+[,;]", text), called
        if called != "rate":
            assert re.search(rf"\n{called} += [^=\n]*\w.* = [\d.e-]+\n", update), "with its formula"
            assert re.search(rf"\b{called} = (1 − |rate·)", page), "with its formula"
    for told in (text, page):
        assert "learning_rate" not in told and "momentum rate" not in told
    if name == "nadam":
        assert "- (momentum_rate·momentum_W1[1,1]' + gradient_rate·dL/dW1[1,1])/(" in update
        assert "− (momentum_rate·momentum<W1[1,1]>′ + gradient_rate·∂L/∂W<1>[1,1])/(" in page
        assert r"\Bigl(\text{momentum\_\allowbreak{}rate}\cdot" in latex


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam"])
def test_the_numbers_of_a_later_step_are_those_of_the_text(scripts, name):
    trace = model(2, Dense(1), optimizer=name).trace(*batch(1, 2, 1), steps=3)
    page = """(() => {
      const training = new Training(shipped);
      training.makeStep();
      training.makeStep();
      return new Rule(new Narration(new Network(training))).numbersOfStep(); })()"""
    found = scripts(page, shipped=shipped_step(trace))
    update = trace.to_text(200).partition("Step 3: Update")[2].splitlines()[1 : len(found) + 1]
    ends = [[line.split(" = ")[-1] for line in lines] for lines in (found, update)]
    numbers = [[one.partition(",")[0].partition(" ")[0] for one in each] for each in ends]
    assert [one.replace("−", "-").replace("·10⁻⁶", "e-06") for one in numbers[0]] == numbers[1]
    assert all(line.count(" = ") == 3 for line in update if not line.startswith("P_3"))
    if name == "nadam":
        assert found[2].startswith("P<3> = ".replace("<", "\x02").replace(">", "\x03"))
        assert "(the product of u_1 to u_3)" in update[2]


class Warmed(optimizers.Adam):
    """An Adam whose line is not what Adam's formula says."""

    def line(self, step):
        return (super().line(step)[0] / 2,)


def test_a_number_that_is_found_otherwise_has_no_formula(scripts):
    trace = model(2, Dense(1), optimizer=Warmed()).trace(*batch(1, 2, 1))
    text = trace.to_text()
    assert "alpha 0.000158114" in text and "beta_1" not in text
    assert "alpha = " not in " ".join(said(scripts, trace)["The new weights of o"])


@pytest.mark.parametrize("name", ["rmsprop", "adagrad", "adam"])
def test_the_square_of_a_gradient_is_written_so(scripts, name):
    trace = model(2, Dense(1), optimizer=name).trace(*batch(1, 2, 1))
    page = " ".join(said(scripts, trace)["The new weights of o"])
    assert "dL/dW1[1,1]^2" in trace.to_text(200) and "(∂L/∂W<1>[1,1])²" in page
    assert r"\Bigl(\frac{\partial L}{\partial W^{[1]}_{1,1}}\Bigr)^{2}" in trace.to_latex()
    assert not re.search(r"(dL/dW1\[1,1\])·\1", trace.to_text(200))
    assert not re.search(r"(∂L/∂W<1>\[1,1\])·\1", page)


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
def test_terms_that_are_left_out_are_one_term_with_one_number(scripts, how):
    trace = model(1205, Dense(30, "tanh"), Dense(30), seed=1).trace(*batch(1, 1205, 30), **how)
    text = trace.to_text(width=300)
    sums = next(line for line in text.splitlines() if line.startswith("z_h"))
    left_out = r" \+ \[1,20\d more\] \+ "
    assert re.search(rf"{left_out}b1\[\d+\] = .* \+ \[-?[\d.]+\] \+ 0 = ", sums)
    page = said(scripts, trace)
    title = next(one for one in page if one.startswith("The weighted sum of h"))
    assert re.search(rf"{left_out}b<1>\[\d+\]$", page[title][1])
    assert re.search(r" \+ \[−?[\d.]+\] \+ 0$", page[title][2])
    for told in (text, "\n".join(line for lines in page.values() for line in lines)):
        arrives = next(line for line in told.splitlines() if re.match(r"[-−]?[d∂]L/[d∂]h", line))
        assert re.search(r" \+ \[\d+ more\] = .* \+ \[[-−]?[\d.]+\] = ", arrives)


def test_terms_are_left_out_of_sums_in_words_too(scripts):
    assert scripts('few(["a", "b", "c", "d"], 2, " + ")') == "a + b + [2 more]"


def test_what_is_not_trained_is_held_fixed(scripts):
    text = mazur().to_text()
    assert "b1 = 0.35, held fixed" in text
    shipped = shipped_step(mazur())
    tables = scripts("new NetworkSubject(shipped).tables()", shipped=shipped)
    panel = "networkPanel(new Network(new Training(shipped)), 'u/1/0')"
    sections = scripts(panel, shipped=shipped)["sections"]
    tables += [one["table"] | {"title": one["title"]} for one in sections if "table" in one]
    found = {one["title"]: one["rows"] for one in tables}
    for title, column in (("Weights", 4), ("Its weights", 3)):
        biases = [row for row in found[title] if "b" in row[0]["text"]]
        assert biases and all(row[column] == "held fixed" for row in biases)


def test_statistics_that_training_moves_are_not_held_fixed(scripts):
    code = """(() => {
      const panel = networkPanel(new Network(new Training(shipped)), "u/1/0");
      return Object.fromEntries(panel.sections.filter(({ table }) => table)
        .map(({ title, table }) => [title.split(" ")[1], table.rows[0][2]]));
    })()"""
    for trainable, told in ((True, "none"), (False, "held fixed")):
        stack = [BatchNormalization(trainable=trainable), Dense(1)]
        trace = model(2, *stack).trace(*batch(3, 2, 1))
        rows = scripts(code, shipped=shipped_step(trace))
        assert rows["moving_mean"] == rows["moving_variance"] == told
        assert (rows["gamma"] == "held fixed") != trainable
        assert ("moving_mean: held fixed" in trace.to_text()) != trainable
