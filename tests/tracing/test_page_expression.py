"""What the walk of the page of an expression says."""

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import expressions
from tests.tracing.test_page_equations import check_equations

import chainrule as cr
from chainrule.tracing.page.expression import shipped_expression

SCRIPTS = (
    "operations.js", "tape.js", "words.js", "formula.js", "network.js", "panel.js", "scene.js",
    "expression.js",
)  # fmt: skip


def test_totals_are_written_with_d_and_local_derivatives_with_a_round_one():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    code = """new ExpressionSubject(shipped).moments
      .flatMap(({ phase, lines }) => (phase === "backward" ? [unmarked(lines()[0])] : []))"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace(x * y + x)))
    assert {"dv4/dx = dv4/dv3·∂v3/∂x + ∂v4/∂x", "dv4/dx = ∂v4/∂x + dv4/dv3·∂v3/∂x"} & set(found)
    assert "dv4/dv3 = ∂v4/∂v3" in found


def test_equations_have_no_zeros_at_their_end_and_tables_have_all_decimals():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    code = """(() => {
      const subject = new ExpressionSubject(shipped);
      return [subject.valueLines(subject.last), subject.tables()[0].rows.at(-1).slice(2)];
    })()"""
    lines, row = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace(x * y + x)))
    assert lines[1:] in (["= 0.91 + 0.7", "= 1.61"], ["= 0.7 + 0.91", "= 1.61"])
    assert row == ["1.610000", "1.000000"]


BACK = """(() => {
  const subject = new ExpressionSubject(shipped);
  digits = places;
  for (const [name, value] of Object.entries(changed)) {
    const node = subject.nodes.find((one) => one.title === name);
    subject.set({ index: node.value, place: 0 }, value);
  }
  return subject.moments.filter(({ phase }) => phase === "backward")
    .map(({ title, lines }) => [plain(title), lines().map(plain)]);
})()"""


def told(trace, places=6, **changed):
    """What the walk says going back, after variables have been changed."""
    shipped = shipped_expression(trace)
    return Scripts(*SCRIPTS)(BACK, shipped=shipped, changed=changed, places=places)


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_every_equation_of_the_walk_back_holds(name, result, nodes):
    found = told(cr.trace(result, nodes), places=20)
    checked = check_equations(found)
    assert all(len(set(lines)) == len(lines) for _, lines in found)
    assert checked > 1 or name not in ("xyz", "one_one_one", "chain", "uses", "functions")


def test_local_derivatives_have_formulas_that_follow_a_changed_variable():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    trace = cr.trace(cr.ops.tanh(x) * y + x * x / 4.0 + cr.ops.sin(y), {})
    for a, b in ((0.7, 1.3), (2.0, -0.5)):
        assert check_equations(told(trace, places=20, x=a, y=b)) > 4
        found = told(trace, x=a, y=b)
        lines = [line for _, lines in found for line in lines if line.startswith("∂")]
        assert any(line.endswith(f" = x + x = {a:g} + {a:g} = {2 * a:g}") for line in lines)
        shown = f"cos({b:g})".replace("-", "−")
        assert any(f" = cos(y) = {shown} = " in line for line in lines)
        assert any(" = 1/4 = 0.25" in line for line in lines)
        assert any("² = 1 − 0." in line and line.startswith("∂") for line in lines)


def test_what_is_used_twice_by_one_node_is_one_term():
    x = cr.variable(3.0, "x")
    ((_, first), (_, lines)) = told(cr.trace(x * x))
    assert first == ["dv2/dv2 = 1", "From here the walk goes back."]
    assert lines == ["dv2/dx = ∂v2/∂x", "= 6", "∂v2/∂x = x + x = 3 + 3 = 6"]


def test_names_with_signs_stand_in_brackets_in_equations_alone():
    a, b = cr.variable(2.0, "unit price"), cr.variable(3.0, "n-items")
    product = a * b
    trace = cr.trace(product + cr.ops.tanh(a), {"pay/day": product})
    title, lines = told(trace)[-1]
    assert title == "The derivative dv5/d[unit price]"
    terms = ["dv5/d[pay/day]·∂[pay/day]/∂[unit price]", "dv5/dv4·∂v4/∂[unit price]"]
    assert sorted(lines[0].removeprefix("dv5/d[unit price] = ").split(" + ")) == terms
    assert "∂[pay/day]/∂[unit price] = [n-items] = 3" in lines
    text = trace.to_text()
    assert "∂[pay/day]/∂[n-items]" in text
    code = """(() => { const subject = new ExpressionSubject(shipped);
      const { title, fields } = subject.panel(`n/${subject.nodes[0].number}`);
      return [title, fields[0].label, subject.legend().includes("Constants")]; })()"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(trace))
    assert found == ["Node unit price", "unit price", False]


def test_arrays_of_few_numbers_are_written_in_rows():
    W, v = cr.variable([[1.0, 2.0], [3.0, -4.0]], "W"), cr.variable([0.5, -1.0], "v")
    code = "unmarked(new ExpressionSubject(shipped).moments[0].lines()[0])"
    line = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace((v @ W).sum())))
    assert "W = [[1, 2], [3, −4]]" in line
    assert "v = [0.5, −1]" in line


def test_fields_of_an_array_are_named_by_their_places_counted_from_1():
    W = cr.variable(np.arange(6.0).reshape(2, 3), "W")
    code = """(() => { const subject = new ExpressionSubject(shipped);
      const { fields } = subject.panel(`n/${subject.nodes[0].number}`);
      return fields.map(({ label, what }) => [label, subject.get(what)]); })()"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace((W * W).sum())))
    places = [f"W[{row},{column}]" for row in (1, 2) for column in (1, 2, 3)]
    assert found == [[place, n] for n, place in enumerate(places)]
