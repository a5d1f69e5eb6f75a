"""What the text of an expression says of its derivatives, against slopes and by hand."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.tracing.equations import account_of
from chainrule.tracing.formula import evaluate

ops = cr.ops

FUNCTIONS = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y, "power": lambda x, y: x**y, "maximum": ops.maximum,
    "minimum": ops.minimum, "squared error": ops.squared_error,
    "absolute error": ops.absolute_error, "cross-entropy": ops.sigmoid_cross_entropy,
    "square": lambda x, y: x * x, "cube": lambda x, y: x**3, "root": lambda x, y: x**0.5,
    "negative power": lambda x, y: y**-1.5, "abs": lambda x, y: ops.abs(x - 2 * y),
    "log": lambda x, y: ops.log(x), "log1p": lambda x, y: ops.log1p(x),
    "expm1": lambda x, y: ops.expm1(x), "sqrt": lambda x, y: ops.sqrt(y), "tanh": lambda x, y:
    ops.tanh(y), "relu": lambda x, y: ops.relu(x - y), "leaky": lambda x, y: ops.leaky_relu(x - y),
    "elu": lambda x, y: ops.elu(x - y, alpha=1.5), "elu above 0": lambda x, y: ops.elu(x),
    "cos": lambda x, y: ops.cos(x), "softplus": lambda x, y: ops.softplus(y),
}  # fmt: skip


def variables(x=0.7, y=1.3):
    return cr.variable(x, "x"), cr.variable(y, "y")


def entries(f, title, names=None):
    """The equations of a section, by their text before the first sign of equality."""
    account = account_of(cr.trace(f, names))
    return next(one.entries for one in account.sections if one.title == title)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("place", [(0.7, 1.3), (2.5, 0.4)])
def test_every_local_derivative_has_a_formula_that_is_its_slope(name, place):
    f = FUNCTIONS[name](*variables(*place))
    measured = 0
    for one in entries(f, "Local derivatives", {"f": f}):
        assert one.forms
        assert float(evaluate(one.forms[-1])) == pytest.approx(float(one.value), rel=1e-12)
        if one.symbol.by is None or one.symbol.by.name != "f" or one.symbol.name not in "xy":
            continue
        along, step = np.eye(2)["xy".index(one.symbol.name)], 1e-5
        after, before = (
            FUNCTIONS[name](*variables(*(place + k * step * along))).value for k in (1, -1)
        )
        slope = (after - before) / (2 * step)
        assert float(evaluate(one.forms[-1])) == pytest.approx(slope, rel=1e-7, abs=1e-9)
        measured += 1
    assert measured or name in ("abs", "relu", "leaky", "elu")  # of a difference


@pytest.mark.parametrize(
    "f, lines",
    [
        (lambda x, y: x**y, ["∂f/∂y = x^y·log(x) = 2^3·log(2) = 5.545177"]),
        (lambda x, y: x * x, ["∂f/∂x = 2·x = 2·2 = 4", "f = x^2 = 2^2 = 4"]),
        (lambda x, y: y**3, ["∂f/∂y = 3·y^2 = 3·3^2 = 27"]),
        (lambda x, y: y**2.0 * 1.0, ["∂f/∂y = 2·y = 2·3 = 6"]),
        (lambda x, y: ops.abs(x - y), ["∂f/∂v3 = sign(v3) = sign(-1) = -1"]),
        (lambda x, y: ops.maximum(x, y), ["∂f/∂x = [x > y] = [2 > 3] = 0",
                                          "∂f/∂y = [y > x] = [3 > 2] = 1"]),
        (lambda x, y: ops.minimum(x, y), ["∂f/∂x = [y > x] = [3 > 2] = 1"]),
        (lambda x, y: ops.relu(x) * y, ["v3 = relu(x) = relu(2) = 2",
                                        "∂v3/∂x = [x > 0] = [2 > 0] = 1",
                                        "df/dx = ∂f/∂v3·∂v3/∂x = y·[x > 0] = 3·[2 > 0] = 3"]),
        (lambda x, y: (x * y) * cr.variable(1.0, "z"), [
            "df/dx = ∂f/∂v3·∂v3/∂x = z·y = 1·3 = 3"]),
    ],
)  # fmt: skip
def test_formulas_as_in_books(f, lines):
    made = f(*variables(2.0, 3.0))
    text = " ".join(cr.trace(made, {"f": made}).to_text(100).split())
    assert [line for line in lines if line not in text] == []


def test_equal_numbers_share_the_slope_of_the_larger():
    x, y = variables(2.0, 2.0)
    text = cr.trace(ops.maximum(x, y)).to_text()
    assert "= [x > y] = [2 > 2] = 0.5" in text and "1/2 where both are equal" in text


def test_a_formula_that_says_another_number_is_left_out():
    x, y = variables(0.0, 2.0)
    f = x**y  # log(0) is not finite, the slope of 0^y is 0
    text = cr.trace(f, {"f": f}).to_text()
    assert "∂f/∂y = 0\n" in text and "log" not in text


def test_the_target_of_a_cross_entropy_has_a_slope_of_its_own():
    z, y = cr.variable(-0.5, "z"), cr.variable(0.8, "y")
    f = ops.sigmoid_cross_entropy(z, y)
    text = cr.trace(f * 2.0, {"f": f}).to_text()
    assert "∂f/∂y  = -z = -(-0.5) = 0.5" in text and "∂p/∂y" not in text


def test_derivatives_of_a_product_of_matrices_are_products_of_matrices():
    A, B = cr.variable([[1.0, 2.0], [3.0, 4.0]], "A"), cr.variable([[5.0], [6.0]], "B")
    Z = A @ B
    L = (Z * Z).sum()
    trace = cr.trace(L, {"Z": Z, "L": L})
    text = trace.to_text(100)
    assert "dL/dB  = Aᵀ·dL/dZ = [[1 2] [3 4]]ᵀ·[[34] [78]] = [[268] [380]]" in text
    assert "dL/dA  = dL/dZ·Bᵀ = [[34] [78]]·[[5] [6]]ᵀ = [[170 204] [390 468]]" in text
    assert "∂Z/∂" not in text and "where C = matmul(F, G): dM/dF = dM/dC·Gᵀ" in text
    latex = trace.to_latex()
    assert r"& = {A}^{\top}\cdot \frac{\mathrm{d}L}{\mathrm{d}Z} = " in latex
    for entry in entries(L, "Backward", {"Z": Z, "L": L}):
        if entry.forms:
            np.testing.assert_allclose(evaluate(entry.forms[-1]), entry.value, rtol=1e-12)


def class_room():
    """The trace of E = e·e/2 with e = sigmoid(A·x + b) - t."""
    values = {"A": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, -1.0], "b": [0.5, 0.5], "t": [1.0, 0.0]}
    A, x, b, t = (cr.variable(value, name) for name, value in values.items())
    z = A @ x + b
    e = ops.sigmoid(z) - t
    E = e @ e / 2.0
    return cr.trace(E, {"z": z, "e": e, "E": E})


def test_a_matrix_times_a_vector_and_a_dot_product_read_as_in_class():
    trace = class_room()
    text = trace.to_text(100)
    for line in (
        "v6  = A·x = [[1 2] [3 4]]·[1 -1] = [-1 -1]",
        "v13 = e·e = [-0.622459 0.377541]·[-0.622459 0.377541] = 0.529993",
        "∂v6/∂x   = A = [[1 2] [3 4]]",
        "∂v13/∂e  = 2·e = 2·[-0.622459 0.377541] = [-1.244919 0.755081]",
        "dE/de   = dE/dv13·∂v13/∂e = 0.5·[-1.244919 0.755081] = [-0.622459 0.377541]",
        "dE/dx   = Aᵀ·dE/dv6 = [[1 2] [3 4]]ᵀ·[-0.14628 0.088723] = [0.11989 0.062333]",
        "dE/dA   = dE/dv6·xᵀ = [-0.14628 0.088723]·[1 -1]ᵀ "
        "= [[-0.14628 0.14628] [0.088723 -0.088723]]",
    ):
        assert " ".join(line.split()) in [" ".join(one.split()) for one in text.splitlines()]
    told = " ".join(text.split())
    assert "where a = B·y, a matrix times a column: dL/dy = Bᵀ·dL/da and dL/dB = dL/da·yᵀ" in told
    assert "matmul" not in text and "[[[" not in text
    latex = trace.to_latex()
    assert r"{A}^{\top}\cdot \frac{\mathrm{d}E}{\mathrm{d}v_{6}}" in latex
    assert "row times" not in latex


def test_a_vector_times_a_matrix_is_a_row():
    v, W = cr.variable([0.5, -1.0], "v"), cr.variable([[1.0, 2.0], [3.0, -4.0]], "W")
    h = v @ W
    text = cr.trace((h * h).sum() / 2.0, {"h": h}).to_text(100)
    assert "h  = vᵀ·W = [0.5 -1]ᵀ·[[1 2] [3 -4]] = [-2.5 5]" in text
    assert "∂h/∂v   = Wᵀ = [[1 2] [3 -4]]ᵀ = [[1 3] [2 -4]]" in text
    assert "= W·dv9/dh = [[1 2] [3 -4]]·[-2.5 5] = [7.5 -27.5]" in text
    assert "= v·(dv9/dh)ᵀ = [0.5 -1]·[-2.5 5]ᵀ = [[-1.25 2.5] [2.5 -5]]" in text
    assert "where z = xᵀ·A, a row times a matrix: dL/dx = A·dL/dz" in " ".join(text.split())


def test_a_long_vector_is_one_too():
    W, x = cr.variable(np.ones((2, 200)), "W"), cr.variable(np.ones(200), "x")
    z = W @ x
    text = cr.trace(z @ z, {"z": z}).to_text(100)
    assert "\nz  = W·x = [200 200]\n" in text and "reshape" not in text
    assert "= Wᵀ·dv8/dz = " in text and "(200x2 times 2)" in text


def test_a_matrix_times_itself_and_large_matrices():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, 30)), rng.normal(size=(30, 40))
    W, X = cr.variable([[1.0, 2.0], [3.0, 4.0]], "W"), cr.variable(values[0], "X")
    square = (W @ W).sum()
    (found,) = [one for one in entries(square, "Backward") if one.symbol.name == "W"]
    ones = np.ones((2, 2))
    by_hand = ones @ W.value.T + W.value.T @ ones
    np.testing.assert_allclose(evaluate(found.forms[0]), by_hand)
    V = cr.variable(values[1], "V")
    Z = X @ V
    text = cr.trace((Z * Z).sum(), {"Z": Z}).to_text(120)
    assert "= Xᵀ·dv5/dZ" in text and "(30x20 times 20x40)" in text
    assert "through" not in text and " of shape 30x40" in text


def test_what_has_no_formula_is_told():
    x, b = cr.variable(np.ones((100, 200)), "x"), cr.variable(np.zeros(200), "b")
    trace = cr.trace(ops.tanh(x + b).sum())
    text = trace.to_text(120)
    assert "= [b through v3]" in text
    assert "[z through y]: what the derivative with respect to z gets from its use in y" in text
    assert r"\text{ through }" in trace.to_latex()


def test_a_loss_that_equals_its_logit_is_still_a_loss():
    z = cr.variable(60.0, "z")
    text = cr.trace(ops.sigmoid_cross_entropy(z, cr.constant(0.0))).to_text()
    assert "v3 = cross_entropy(z, 0) = cross_entropy(60, 0) = 60" in text
    assert "∂v3/∂z = p - 0 = 1 - 0 = 1" in text


def test_a_logit_of_several_targets_is_not_taken_apart():
    z, y = cr.variable(0.3, "z"), cr.variable([0.2, 0.9], "y")
    text = cr.trace(ops.sigmoid_cross_entropy(z, y).sum()).to_text(100)
    assert "∂v3/∂z  = p - y = 0.574443 - [0.2 0.9] = [0.374443 -0.325557]" in text
    assert "p       = sigmoid(z) = sigmoid(0.3) = 0.574443" in text and "/∂p" not in text


def test_a_row_turned_into_a_column_is_another_thing():
    x = cr.variable([[1.0, 2.0]], "x")
    text = cr.trace((x.T @ x).sum()).to_text(100)
    assert "v2 = xᵀ = [[1 2]]ᵀ = [[1] [2]]" in text and "v3 = matmul(v2, x)" in text
    assert "dv4/dx  = (dv4/dv2)ᵀ + v2ᵀ·dv4/dv3" in text and "∂v2/∂x" not in text
    found = [one for one in entries((x.T @ x).sum(), "Backward") if one.symbol.name == "x"]
    np.testing.assert_allclose(evaluate(found[0].forms[0]), [[6.0, 6.0]])  # of (x1 + x2)^2


def test_a_column_times_the_row_of_its_numbers_is_no_square():
    x = cr.variable([[1.0], [2.0]], "x")
    text = cr.trace((x * x.reshape((-1,))).sum()).to_text(100)
    assert "= x⊙x = [[1] [2]]⊙[1 2] = [[1 2] [2 4]]" in text


def test_a_number_that_many_have_gets_the_sum_over_them():
    b, v = cr.variable(2.0, "b"), cr.variable([1.0, 2.0, 3.0], "v")
    trace = cr.trace((b * v).sum() + b)
    told = "= sum(dv5/dv3⊙∂v3/∂b) + ∂v5/∂b = sum([1 1 1]⊙[1 2 3]) + 1 = 7"
    assert told in " ".join(trace.to_text().split())
    assert trace.central_difference("b") == pytest.approx(7.0)


ORDINARY = {"cos", "log", "max", "min", "sin", "sqrt", "sum", "tanh"}
"""What a reader knows who has had analysis."""


@cr.operation
def own_cube(x):
    """x three times multiplied with itself.

    That is all.
    """
    return x**3


@own_cube.gradient
def _(g, y, x):
    return 3.0 * x * x * g


UNUSUAL = {
    "expm1": lambda x, M: ops.expm1(x), "log1p": lambda x, M: ops.log1p(x), "erf": lambda x, M:
    ops.erf(x), "softplus": lambda x, M: ops.softplus(x), "sigmoid": lambda x, M: ops.sigmoid(x),
    "relu": lambda x, M: ops.relu(x), "softmax": lambda x, M: ops.softmax(x), "log_softmax":
    lambda x, M: ops.log_softmax(x), "sign": lambda x, M: x * ops.sign(x), "masked": lambda x, M:
    ops.masked(x, [1.0, 0.0]), "greater": lambda x, M: x * ops.greater(x, 0.1), "equal":
    lambda x, M: x * ops.equal(x, 0.2), "stop_gradient": lambda x, M: x * ops.stop_gradient(x),
    "flip": lambda x, M: ops.flip(x.reshape((1, 2)), axis=1), "gather": lambda x, M:
    ops.gather(M, [1, 1]), "narrow": lambda x, M: ops.narrow(M, axis=1, start=0, stop=1), "widen":
    lambda x, M: ops.widen(M, axis=1, start=0, length=4), "concatenate": lambda x, M:
    ops.concatenate(x, x * x), "scatter_add": lambda x, M: ops.scatter_add(x, [1, 1], length=3),
    "transpose": lambda x, M: ops.transpose(M.reshape((1, 2, 2))), "own_cube": lambda x, M:
    own_cube(x), "softmax_cross_entropy": lambda x, M: ops.softmax_cross_entropy(x, [0.0, 1.0]),
    "cross_entropy": lambda x, M: ops.sigmoid_cross_entropy(x, [0.0, 1.0]), "matmul": lambda x, M:
    M @ M, "flush": lambda x, M: ops.flush(x, threshold=0.25),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_name_that_not_all_know_is_defined(name):
    x, M = cr.variable([0.2, 0.7], "x"), cr.variable([[1.0, 2.0], [3.0, -4.0]], "M")
    trace = cr.trace(UNUSUAL[name](x, M).sum())
    told, lines = trace.to_text(1000).split("Forward ─", 1)
    called = set(re.findall(r"\b([a-z]\w+)\(", lines)) - ORDINARY
    assert name in called
    for one in called:
        assert re.search(rf"(^|; ){one}\([^()]*\)(: | (=|is) )\S", told, re.MULTILINE), one
    shown = trace.to_latex().split("{Forward}")[0].replace(r"\_", "_").replace(r"\allowbreak{}", "")
    for one in called - {"sigmoid"}:  # σ
        assert re.search(rf"^{one}\(.*\): |operatorname{{{one}}}", shown, re.MULTILINE), one


def test_activations_with_a_setting_have_it_in_their_formula():
    x, y = cr.variable(-0.5, "x"), cr.variable(0.7, "y")
    bent = cr.trace(ops.leaky_relu(x, negative_slope=0.1)).to_text(100)
    assert (
        "v2 = leaky_relu(x, negative_slope=0.1) = max(x, 0) + 0.1·min(x, 0) "
        "= max(-0.5, 0) + 0.1·min(-0.5, 0) = -0.05"
    ) in " ".join(bent.split())
    scaled = cr.trace(cr.activations.selu(y)).to_text(100)
    assert "max(y, 0) + 1.673263·(e^min(y, 0) - 1)" in scaled and "1.050701·v2" in scaled


def test_axes_are_told_where_they_are_not_all():
    M, x = cr.variable([[1.0, 2.0], [3.0, -4.0]], "M"), cr.variable([0.2, -0.7], "x")
    text = cr.trace((M.sum(axis=0) * ops.softmax(x)).sum() + ops.max(M, axis=1).sum()).to_text(100)
    assert "sum(M, axis=0) = sum([[1 2] [3 -4]], axis=0) = [4 -2]" in text
    assert "(max(M, axis=1))" in text and "= softmax(x) = softmax([0.2 -0.7])" in text
    latex = cr.trace(M.sum(axis=0).sum()).to_latex()
    assert r"\textstyle\sum(M, \text{axis=0})" in latex and r"\textstyle\sum(v_{2}) =" in latex


def test_what_is_flushed_to_0_is_not_said_to_be_what_it_was():
    x = cr.variable([0.5, -1.2], "x")
    text = cr.trace(ops.flush(x, threshold=1.0).sum()).to_text(100)
    assert "v2 = [0 -1.2]  (flush(x, threshold=1))" in text and "v2 = x" not in text


def test_a_central_difference_at_a_kink_says_why_it_is_not_the_derivative():
    x, v = cr.variable(0.0, "x"), cr.variable([2.0, 0.0], "v")
    f = ops.relu(x) + ops.abs(x) + ops.abs(v).sum()
    trace = cr.trace(f, {"f": f}, check=True)
    text = " ".join(trace.to_text(100).split())
    said = "at a kink of f, whose slope is -1 below this value and {} above)"
    assert f"(central difference 0.5: {said.format(2)}" in text
    assert "(central differences 1, 0: v[2] at a kink of f, whose slope is -1 below this" in text
    assert "at a kink of f," in " ".join(trace.to_latex().split())
    v = cr.variable([2.0, 0.0], "v")
    bent = cr.trace((ops.relu(v) * 2.0).sum(), check=True).to_text(150)
    assert "(central differences 2, 1: v[2] at a kink of v5, whose slope is 0 below this" in bent


def test_products_of_numbers_of_arrays_are_told_from_those_of_matrices():
    x, y, A = (
        cr.variable(value, name)
        for value, name in (([1.0, 2.0], "x"), ([3.0, 4.0], "y"), ([[1.0, 2.0], [3.0, 4.0]], "A"))
    )
    z = x * y
    trace = cr.trace((-(A @ z) * y * 0.5).sum(), {"z": z})
    text = " ".join(trace.to_text(100).split())
    assert "z = x⊙y = [1 2]⊙[3 4] = [3 8]" in text
    assert "= A·z = [[1 2] [3 4]]·[3 8] = [19 41]" in text
    assert "= 0.5·v9 = 0.5·[-57 -164] = [-28.5 -82]" in text
    assert "⊙: number by number" in text
    latex = trace.to_latex()
    assert r"z & = x\odot y = " in latex and r"\(\odot\text{: number by number}\)" in latex
    assert r"= A\cdot z = " in latex and r"= 0.5\cdot v_{9} = " in latex
    assert "⊙" not in cr.trace(x @ y).to_text()


def test_constants_have_a_line_of_their_own_where_formulas_have_them_by_name():
    x, t = cr.variable([1.0, 2.0, 4.0], "x"), cr.constant(2.0)
    trace = cr.trace((x * [0.0, 1.0, 0.5]).sum() * 3.0 + t, {"t": t})
    lines = [" ".join(line.split()) for line in trace.to_text(100).splitlines()]
    assert "v3 = [0 1 0.5]" in lines and "v4 = x⊙v3 = [1 2 4]⊙[0 1 0.5] = [0 2 2]" in lines
    assert "t = 2" in lines and "v7 = 3·v5 = 3·4 = 12" in lines
    assert "v6 = 3" not in lines


def test_a_local_derivative_of_ones_is_not_said_to_be_a_number():
    x, p = cr.variable([1.0, 2.0], "x"), cr.variable([3.0, 4.0], "p")
    text = cr.trace((x - p).sum()).to_text()
    assert "∂v3/∂x  = [1 1]\n" in text and "∂v3/∂p  = [-1 -1]\n" in text


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("z", [[1.0, 2.0, -0.5], [0.5, -1.0, 3.0, 0.0], [0.1, 0.7, 0.2, -2.0, 1.5]])
def test_the_derivative_of_a_softmax_is_a_matrix_by_its_formula(name, z):
    def made(values):
        return getattr(ops, name)(cr.variable(values, "z"))

    p = made(z)
    (own,) = [one for one in entries((p * p).sum(), "Local derivatives", {"p": p})
              if one.symbol.name == "z"]  # fmt: skip
    step = 1e-5 * np.eye(len(z))
    slopes = [(made(z + h).value - made(z - h).value) / 2e-5 for h in step]
    np.testing.assert_allclose(evaluate(own.forms[-1]), np.transpose(slopes), rtol=1e-6)
    np.testing.assert_allclose(own.value, np.transpose(slopes), rtol=1e-6)


def test_a_softmax_has_its_matrix_in_the_text():
    z = cr.variable([0.0, 0.0, np.log(2.0)], "z")
    p = ops.softmax(z)
    text = cr.trace((p * [1.0, 0.0, 2.0]).sum(), {"p": p}).to_text(150)
    matrix = "[[0.1875 -0.0625 -0.125] [-0.0625 0.1875 -0.125] [-0.125 -0.125 0.25]]"
    assert f"∂p/∂z   = p_i·([i=j] - p_j) = {matrix}" in text
    assert f"= dv5/dp·∂p/∂z = [1 0 2]·{matrix} = [-0.0625 -0.3125 0.375]" in text
    assert "of the i-th number by the j-th stands in row i and column j" in " ".join(text.split())
    lines = cr.trace((p * [1.0, 0.0, 2.0]).sum(), {"p": p}).to_text(70).splitlines()
    rows = [line.strip() for line in lines if "-0.0625 0.1875" in line]
    assert rows and all(one.count("[") == one.count("]") or "[[" in one or "]]" in one
                        for one in rows)  # fmt: skip
    own = ops.log_softmax(z)
    text = cr.trace((own * [1.0, 0.0, 2.0]).sum(), {"l": own}).to_text(150)
    assert "∂l/∂z   = [i=j] - e^l_j = [[0.75 -0.25 -0.5] [-0.25 0.75 -0.5] " in text
    assert "of a log_softmax the derivative of the i-th number" in " ".join(text.split())
    pair = ops.softmax_cross_entropy(z, cr.constant([0.0, 1.0, 0.0]))
    assert f"= p_i·([i=j] - p_j) = {matrix}" in cr.trace(pair).to_text(150)
