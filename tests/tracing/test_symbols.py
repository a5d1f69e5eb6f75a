"""What symbols stand for: within one account each has one value."""

import numpy as np
import pytest
from tests.tracing.networks import expressions
from tests.tracing.test_equations import check, equations

import chainrule as cr
from chainrule.tracing.formula import Symbol, parts_of
from chainrule.tracing.text import symbol_text


def sums_of_uses():
    """Expressions whose variables are used beside what is made of them."""
    x, y, t = cr.variable(2.0, "x"), cr.variable(3.0, "y"), cr.constant(0.0)
    yield "product and term", x * y + x
    yield "square and term", x * x + x
    yield "sums without a name", (x + y) + (x + (x + y * x))
    yield "difference", x - x
    W = cr.variable([[1.0, 2.0], [3.0, -4.0]], "W")
    yield "matrices", (W @ W).sum() + cr.ops.softmax(W, axis=0).max() * W.sum()
    pair = cr.ops.sigmoid_cross_entropy
    yield "two pairs", pair(x, t) + pair(y, t) * x
    yield "pair with p", pair(x, t) + cr.variable(0.3, "p") * x


def named_values(trace):
    """Each symbol of an account by its name, with its value."""
    for _, entry in equations(trace):
        for one in (part for form in (entry.symbol, *entry.forms) for part in parts_of(form)):
            if isinstance(one, Symbol):
                yield symbol_text(one), np.asarray(one.value, np.float64).reshape(-1)


@pytest.mark.parametrize(
    "result, nodes",
    [(result, nodes) for _, result, nodes in expressions()] + [(r, {}) for _, r in sums_of_uses()],
)
def test_a_symbol_of_an_expression_has_one_value(result, nodes):
    found = {}
    for name, value in named_values(cr.trace(result, nodes)):
        known = found.setdefault(name, value)
        np.testing.assert_allclose(value, known, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name, result", list(sums_of_uses()))
def test_each_right_hand_side_of_sums_of_uses(name, result):
    assert check(cr.trace(result), "float64") >= 3


def test_local_and_whole_derivatives_have_their_own_letters():
    x, y = cr.variable(2.0, "x"), cr.variable(3.0, "y")
    text = cr.trace(x * y + x).to_text()
    for line in (
        "∂v4/∂x  = 1",
        "dv4/dx  = dv4/dv3·∂v3/∂x + ∂v4/∂x = 1·3 + 1 = 4",
        "dv4/dx = ∂v4/∂v3·∂v3/∂x + ∂v4/∂x = y + 1 = 3 + 1 = 4",
    ):
        assert line in text.splitlines()
    text = cr.trace(x * x + x).to_text()
    assert "∂v2/∂x  = x + x = 2 + 2 = 4" in text
    assert "dv3/dx = ∂v3/∂v2·∂v2/∂x + ∂v3/∂x = (x + x) + 1" in text


def test_an_expression_of_constants_shows_its_value():
    assert "\nv1 = 2" in cr.trace(cr.constant(2.0)).to_text()
    assert "v3 = v1·v2 = 2·3 = 6" in cr.trace(cr.constant(2.0) * cr.constant(3.0)).to_text()
