"""The page's equations of losses, normalizations and mixed rows, held against those of text."""

import re

import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import NETWORKS, step_of
from tests.tracing.test_equations import equations
from tests.tracing.test_page_equations import TOLD, check_equations, computed
from tests.tracing.test_page_words import SCRIPTS

from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.text import symbol_text, written
from chainrule.tracing.view import View

SIGNS = str.maketrans({"ℓ": "L", "∂": "d", "−": "-", "²": "^2"})
LIST = re.compile(r"−?[\d.]+(·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?, ")  # of names and numbers, in one line


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def plain_text(text, row):
    """What text writes of a row, without the number of that row."""
    text = text.replace(f"({row + 1})", "").replace("Σ", "").translate(SIGNS)
    text = re.sub(r"dL\(\d+\)/", "dL/", text)  # the page gives a row's number once
    return re.sub(r"·\((-d[^()]*)\)", r"·\1", text)


def plain_page(text, row):
    """What the page writes of a row, with the letters and signs of text."""

    def lowered(low):
        name = low[1] if "[" in low[1] else low[1].replace(",", "_")
        return ("_" if name[0].isalpha() else "") + name

    return plain_text(re.sub(r"<([^<> ]+)>", lowered, text), row)


def formulas_of_text(trace, row):
    """The formulas of each name in a row; those with terms left out are not among them."""
    found = {}
    for title, one in equations(trace):
        if title.startswith(("Forward", "Loss", "Backward")):
            name = plain_text(symbol_text(one.symbol), row)
            forms = [plain_text(written(form), row) for form in one.forms]
            found.setdefault(name, set()).update(form for form in forms if " more]" not in form)
    return found


def formulas_of_page(scripts, trace, row):
    told = scripts(TOLD, shipped=shipped_step(trace), row=row)
    for _, lines in told:
        for line in lines:
            sides = re.sub(r"(, (through|as) .*|  \(.*\))$", "", line).split(" = ")
            if len(sides) > 2 and " more]" not in line and not LIST.match(sides[1]):
                yield plain_page(sides[0], row), plain_page(sides[1], row)


# the page's formulas are those of any targets, text's those of the targets that there are
ANY_TARGETS = {"poisson at positions", "classes of exponentials at positions"}
AT_POSITIONS = sorted({one for one in NETWORKS if "position" in one} - ANY_TARGETS)


@pytest.mark.parametrize("how", [{}, {"errors": True}], ids=["deltas", "errors"])
@pytest.mark.parametrize("name", AT_POSITIONS)
def test_what_stands_at_positions_is_told_as_text_tells_it(scripts, name, how):
    trace = step_of(name, **how)
    row, compared = View(trace).shown_rows[0], 0
    text = formulas_of_text(trace, row)
    for one, formula in formulas_of_page(scripts, trace, row):
        if text.get(one) and "penalty" not in formula:
            compared += 1
            assert formula in text[one], one
    assert compared > 5


SHARES = {
    "shares at positions": "dense_1[1,1,1]", "shares at positions of outputs": "dense[1,1,1]",
    "classes by logarithms at positions": "dense[1,1]",
    "softmax with mse at positions": "dense[1,1]~",
}  # fmt: skip


@pytest.mark.parametrize("name", SHARES)
def test_shares_at_a_position_are_told_among_those_of_the_position(scripts, name):
    trace, own = step_of(name), SHARES[name]
    text = {form for form in formulas_of_text(trace, 0)[own] if "e^" in form}
    page = [form for one, form in formulas_of_page(scripts, trace, 0) if one == own]
    assert len(page) > 1 and set(page) == text


LOSSES = [name for name, (_, _, (_, _, outputs, *_)) in NETWORKS.items()
          if isinstance(outputs, tuple)]  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_at_positions_follows_a_target_that_is_changed(scripts, name):
    shipped = shipped_step(step_of(name))
    (target,) = (one for one in shipped["inputs"] if one["source"].startswith("target/"))
    change = f"""network.training.set({{ place: 0 }}, 0.5);
        network.training.set({{ source: "{target["source"]}", place: 1 }}, 1);"""
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    told = scripts(code, shipped=shipped, row=0)
    lines = dict(reversed(told))["The loss L"]
    second = lines[0].split(", ")[1]
    assert second.startswith("class t[2] = 1 (" if target["labels"] else "t[") and " = 1" in second
    assert check_equations(told) > 10
    assert not [line for line in lines if "through" in line]
    assert any(line.startswith(("ℓ = ", "L = ")) and line.count(" = ") == 3 for line in lines)


def test_labels_at_positions_have_the_names_of_their_units_and_a_panel(scripts):
    code = """(() => { const network = new Network(new Training(shipped));
      const { title, fields: [{ what, whole }] } = networkPanel(network, "t/1");
      return [title, what.place, whole, new NetworkSubject(shipped).legend()]; })()"""
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    title, place, whole, legend = scripts(
        code, shipped=shipped_step(step_of("labels at positions"))
    )
    assert (title, place, whole) == ("Target class t[2] (dense[2,1])", 1, True)
    assert (
        "t[p,j] the target of output j at position p of a row, 1 where the label, which" in legend
    )


NORMS = [name for name in NETWORKS if "norm" in name]


@pytest.mark.parametrize("name", NORMS)
def test_a_normalization_follows_all_that_is_changed(scripts, name):
    shipped = shipped_step(step_of(name))
    starts = [start for _, start, *_ in shipped["segments"]]
    change = "".join(f"network.training.set({{ place: {one} }}, 0.75);" for one in starts)
    source = next(one["source"] for one in shipped["inputs"] if one["source"].startswith("input/"))
    change += f'network.training.set({{ source: "{source}", place: 1 }}, 2);'
    code = TOLD.replace("network.setRow(row);", f"{change} network.setRow(row);")
    told = scripts(code, shipped=shipped, row=0)
    assert check_equations(told) > 10
    assert not [line for _, lines in told for line in lines if "through the operations" in line]
    assert any(line.startswith("hat<") for _, lines in told for line in lines)


@pytest.mark.parametrize(
    "name, parameter, uses",
    [("layer norm at positions", "gamma", 2 * 2), ("batch norm at positions", "beta", 3 * 2),
     ("group norm at positions", "gamma", 2 * 3)],
)  # fmt: skip
def test_gradients_of_gamma_and_beta_sum_over_rows_and_positions(scripts, name, parameter, uses):
    trace = step_of(name, digits=9)
    layer = next(one for one in reversed(trace.layers) if parameter in one.parameters)
    gradient = layer.parameters[parameter].gradient
    letter = {"gamma": "γ", "beta": "β"}[parameter]
    moments = [lines for title, lines in scripts(TOLD, shipped=shipped_step(trace), row=0)
               if title.startswith("The gradient of γ and β")]  # fmt: skip
    lines = [line for line in moments[0] if line.startswith(f"∂L/∂{letter}")]
    assert len(lines) == len(set(lines)) == min(3, len(gradient))
    for line in lines:
        name, formula, *numbers = line.split(" = ")
        value = gradient[int(re.search(r"\[(\d+)\]", name)[1]) - 1]
        assert formula.count("∂ℓ/∂") + formula.count("∂Σℓ/∂") == uses
        assert [computed(one) for one in numbers] == pytest.approx([value] * 2)


def test_the_legend_says_what_has_a_mean_at_positions():
    scripts = Scripts(*SCRIPTS, "curve.js", "subject.js")
    legend = scripts("new NetworkSubject(shipped).legend()",
                     shipped=shipped_step(step_of("layer norm at positions")))  # fmt: skip
    assert (
        "μ[p,q], σ²[p,q] mean and variance in layer_normalization of all units at position p,q of"
        in legend
    )
