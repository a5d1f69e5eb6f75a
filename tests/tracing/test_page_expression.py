"""What the walk of the page of an expression says."""

from tests.tracing.engine import Scripts

import chainrule as cr
from chainrule.tracing.page.expression import shipped_expression

SCRIPTS = ("operations.js", "tape.js", "words.js", "panel.js", "scene.js", "expression.js")


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
