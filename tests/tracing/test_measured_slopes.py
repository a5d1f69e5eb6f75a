"""Slopes that are measured beside derivatives, and what text and page say of them."""

import json
import math
import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.test_page_expression import SCRIPTS

import chainrule as cr
from chainrule import ops
from chainrule.graph import settled_slope
from chainrule.layers import Dense, Input
from chainrule.tracing.page.expression import shipped_expression

SMOOTH = {
    "1/x": (lambda x: 1 / x, 0.002, lambda x: -1 / x**2),
    "1/x nearer to 0": (lambda x: 1 / x, 1e-4, lambda x: -1 / x**2),
    "1/x where a step ends in 0": (lambda x: 1 / x, 0.001, lambda x: -1 / x**2),
    "1/x far out": (lambda x: 1 / x, -3e5, lambda x: -1 / x**2),
    "x^-2": (lambda x: x**-2, 0.002, lambda x: -2 / x**3),
    "-log x": (lambda x: -ops.log(x), 0.002, lambda x: -1 / x),
    "-log x, steps beyond 0": (lambda x: -ops.log(x), 0.0005, lambda x: -1 / x),
    "-log(1-x)": (lambda x: -ops.log(1 - x), 0.998, lambda x: 1 / (1 - x)),
    "log x": (lambda x: ops.log(x), 1e-8, lambda x: 1 / x),
    "log x at almost 0": (lambda x: ops.log(x), 1e-15, lambda x: 1 / x),
    "log x far out": (lambda x: ops.log(x), 1e9, lambda x: 1 / x),
    "sqrt x": (lambda x: ops.sqrt(x), 1e-8, lambda x: 0.5 / math.sqrt(x)),
    "sigmoid": (lambda x: ops.sigmoid(x), 0.3, lambda x: 1 / (2 + 2 * math.cosh(x))),
    "sigmoid, full": (lambda x: ops.sigmoid(x), 20.0, lambda x: 1 / (2 + 2 * math.cosh(x))),
    "sigmoid, empty": (lambda x: ops.sigmoid(x), -30.0, lambda x: 1 / (2 + 2 * math.cosh(x))),
    "tanh": (lambda x: ops.tanh(x) * 0.5, 8.0, lambda x: 0.5 / math.cosh(x) ** 2),
    "tanh, fast": (lambda x: ops.tanh(1e4 * x), 0.0, lambda _: 1e4),
    "tanh, fast, beside 0": (
        lambda x: ops.tanh(1e4 * x), 5e-5, lambda x: 1e4 / math.cosh(1e4 * x) ** 2,
    ),
    "sin, fast": (lambda x: ops.sin(1e5 * x), 1.0, lambda x: 1e5 * math.cos(1e5 * x)),
    "sin, fast, far out": (lambda x: ops.sin(100 * x), 50.0, lambda x: 100 * math.cos(100 * x)),
    "exp": (lambda x: ops.exp(x), 30.0, math.exp),
    "exp, small": (lambda x: ops.exp(x), -30.0, math.exp),
    "x^3": (lambda x: x**3, 1e6, lambda x: 3 * x**2),
    "x^10": (lambda x: x**10, -1.5, lambda x: 10 * x**9),
    "x^2 at 0": (lambda x: x * x + 3, 0.0, lambda _: 0.0),
    "relu beside its kink": (lambda x: ops.relu(x), 1e-7, lambda _: 1.0),
    "relu nearer to its kink": (lambda x: ops.relu(x), 1e-12, lambda _: 1.0),
    "relu beyond its kink": (lambda x: ops.relu(x), -1e-7, lambda _: 0.0),
    "relu^2 at 0": (lambda x: ops.relu(x) ** 2, 0.0, lambda _: 0.0),
    "relu^2 + x at 0": (lambda x: ops.relu(x) ** 2 + x, 0.0, lambda _: 1.0),
    "|x|^1.5": (lambda x: ops.abs(x) ** 1.5, 1e-9, lambda x: 1.5 * math.sqrt(x)),
    "elu at 0": (lambda x: ops.elu(x), 0.0, lambda _: 1.0),
    "log of a sum": (lambda x: ops.log(ops.exp(x) + 1), 15.0, lambda x: 1 / (1 + math.exp(-x))),
    "a large sum": (lambda x: (x - 0.5) ** 2 + 1000, 1.5, lambda x: 2 * (x - 0.5)),
    "a sum that cancels": (lambda x: (x + 1000) - 1000, 0.25, lambda _: 1.0),
}  # fmt: skip

KINKS = {
    "abs at 0": (ops.abs, 0.0, -1.0, 1.0, 0.0),
    "abs of what cancels": (lambda x: ops.abs(x - 2) * 0.125, 2.0, -0.125, 0.125, 0.0),
    "relu at 0": (ops.relu, 0.0, 0.0, 1.0, 0.0),
    "a small relu": (lambda x: ops.relu(x) * 2**-20, 0.0, 0.0, 2**-20, 0.0),
    "a large one": (lambda x: ops.relu(x) * 2**20, 0.0, 0.0, 2**20, 0.0),
    "maximum of equals": (lambda x: ops.maximum(x, 1.5), 1.5, 0.0, 1.0, 0.5),
    "minimum of equals": (lambda x: ops.minimum(2 * x, 3.0), 1.5, 2.0, 0.0, 1.0),
    "clip at its bound": (
        lambda x: ops.minimum(ops.maximum(x, -1.0), 1.0), 1.0, 1.0, 0.0, 0.5,
    ),
    "hinge at its edge": (lambda x: ops.maximum(0.0, 1 - x), 1.0, -1.0, 0.0, -0.5),
    "a bend in a curve": (lambda x: ops.exp(x) + ops.abs(x), 0.0, 0.0, 2.0, 1.0),
    "far out": (lambda x: ops.abs(x - 1024) + 3, 1024.0, -1.0, 1.0, 0.0),
    "with another beside it": (
        lambda x: ops.relu(x) + ops.relu(x - 2**-15) * 4, 0.0, 0.0, 1.0, 0.0,
    ),
}  # fmt: skip

CHECKED = r"\(central difference ([^:)]*)(?:: (.*?))?\)(?: |$)"
TYPES = [np.float32, np.float64]


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def traced(function, *at, dtype=np.float64):
    """The trace of a function of x, y ... at these numbers."""
    given = [
        cr.variable(np.asarray(one, dtype), name) for one, name in zip(at, "xyz", strict=False)
    ]
    return cr.trace(function(*given), check=True)


def in_text(trace):
    """What stands for the central difference by x, and what is said of it."""
    text = next(one for one in trace.to_text(1000).splitlines() if re.match(r"\s*d\w+/dx", one))
    return re.search(CHECKED, text).groups("")


def in_page(scripts, trace):
    """What the page measures by x, and what it says of that."""
    code = """(() => {
      const subject = new ExpressionSubject(shipped);
      const { value } = subject.nodes.find(({ name }) => name === "x");
      const slopes = subject.check(value);
      return [slopes, verdictOn(slopes, subject.gradientAt(value), String, subject.whyApart)];
    })()"""
    return scripts(code, shipped=json.loads(json.dumps(shipped_expression(trace))))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_of_smooth_points_are_right_and_no_kink_is_told(scripts, name, dtype):
    function, at, slope = SMOOTH[name]
    trace = traced(function, at, dtype=dtype)
    expected = pytest.approx(slope(float(dtype(at))), rel=1e-4, abs=1e-12 if at == 0 else 0)
    measured = trace.measured_slopes("x")
    assert measured[0] == measured[1] == measured[2] == expected
    assert in_text(trace)[1] in ("", "the same but for rounding")
    slopes, verdict = in_page(scripts, trace)
    assert slopes[0] == slopes[1] == slopes[2] == expected
    assert verdict in ("they agree", "the same but for rounding")
    if dtype is np.float64:  # the page computes derivatives so whatever the trace's type is
        assert in_text(trace)[1] == verdict.replace("they agree", "")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_told_with_its_slopes_whatever_the_central_difference(scripts, name, dtype):
    function, at, below, above, derivative = KINKS[name]
    trace = traced(function, at, dtype=dtype)
    assert trace["x"].derivative == derivative
    expected = pytest.approx([below, above], rel=1e-6, abs=1e-8 * abs(above - below))
    assert [*trace.measured_slopes("x")[1:3]] == expected
    assert in_text(trace)[1].startswith(f"at a kink of {trace.result.name}, whose slope is ")
    slopes, verdict = in_page(scripts, trace)
    assert slopes[1:3] == expected
    assert "; at a kink, where the slope is" in verdict


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "function, at, shown, said",
    [
        (lambda x, y: x * y, (np.inf, 3.0), "none", "not measurable here"),
        (lambda x: x * 2, (-np.inf,), "none", "not measurable here"),
        (ops.sqrt, (0.0,), "none", "not measurable here"),
        (lambda x, y: x**3 + y**3, (1.0, 1e6), "0", "the same but for rounding"),
        (
            lambda x: x * ops.stop_gradient(x), (3.0,),
            "6", "apart by 50 % of the larger: stop_gradient hands no derivative back",
        ),
    ],
)  # fmt: skip
def test_what_keeps_a_slope_from_being_the_derivative_is_told(
    scripts, function, at, shown, said, dtype
):
    with np.errstate(all="ignore"):
        trace = traced(function, *at, dtype=dtype)
    assert in_text(trace) == (shown, said)
    assert in_page(scripts, trace)[1] == said


@pytest.mark.parametrize("dtype", TYPES)
def test_sums_that_cancel_are_the_same_but_for_rounding(scripts, dtype):
    def deviations(x, y, z):
        mean = (x + y + z) / 3
        return (x - mean) + (y - mean) + (z - mean)

    trace = traced(deviations, 0.3, 0.1, 0.7, dtype=dtype)
    assert in_text(trace)[1] == "the same but for rounding"
    assert in_page(scripts, trace)[1] == "the same but for rounding"
    w = cr.variable(np.asarray([0.3, 0.1, 0.2], dtype), "w")
    for made in ((w - w.sum() / 3).sum(), ((w - w.sum() / 3) ** 2).sum() / 3):
        text = cr.trace(made, check=True).to_text(1000)
        assert "the same but for rounding)" in text
        assert "kink" not in text and "apart" not in text


def test_numbers_of_an_array_are_told_of_together():
    v = cr.variable([2.0, 0.0, 0.0, -1.0], "v")
    text = cr.trace(ops.abs(v).sum(), check=True).to_text(1000)
    said = "at a kink of v3, whose slope is -1 below this value and 1 above)"
    assert f"(central differences 1, 0, 0, -1: v[2], v[3] {said}" in text
    logits = cr.variable(np.float32([1.0, 18.0, 0.5]), "z")
    loss = -(cr.constant(np.float32([0, 0, 1])) * ops.log_softmax(logits)).sum()
    assert "kink" not in cr.trace(loss, check=True).to_text()
    empty = cr.variable(np.zeros(0), "e")
    assert "central" not in cr.trace(empty.sum() + 1.0, check=True).to_text()


def test_the_percentage_is_written_in_latex_too():
    trace = traced(lambda x: x * ops.stop_gradient(x), 3.0)
    assert r"apart by 50 \% of the larger: stop\_" in " ".join(trace.to_latex().split())


ARITHMETIC = [
    ("(x) => 1 / x", lambda x: 1 / x if x else math.inf, 0.002),
    ("(x) => 1 / (x * x)", lambda x: 1 / (x * x) if x else math.inf, 1e-9),
    ("(x) => Math.abs(x) + x * x * x", lambda x: abs(x) + x * x * x, 0.0),
    ("(x) => Math.max(x, 0) * x", lambda x: max(x, 0.0) * x, 0.0),
    ("(x) => Math.abs(x - 1e-6) * x", lambda x: abs(x - 1e-6) * x, 1e-6),
    ("(x) => (x * 1e6 + 1e9 - 1e9) / 3", lambda x: (x * 1e6 + 1e9 - 1e9) / 3, 0.7),
    ("(x) => Math.sign(x)", lambda x: math.copysign(1.0, x) if x else 0.0, 0.0),
    ("(x) => NaN * x", lambda x: math.nan * x, 1.0),
    ("(x) => x * 1e308", lambda x: x * 1e308, 1.0),
    ("(x) => x + 1", lambda x: x + 1, math.inf),
]


@pytest.mark.parametrize("added", [0.0, 1e-9, 1e3])
@pytest.mark.parametrize("code, function, at", ARITHMETIC)
def test_page_and_python_measure_alike_to_the_last_bit(scripts, code, function, at, added):
    place = "Infinity" if math.isinf(at) else repr(at)
    found = scripts(f"settledSlope((offset) => ({code})({place} + offset), {place}, {added})")
    slopes = settled_slope(lambda offset: function(at + offset), at, function(at), added)
    assert np.array_equal(np.array(found, float), slopes, equal_nan=True)


@pytest.mark.parametrize("mean", [5.0, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_at_its_minimum_is_the_same_but_for_rounding(mean, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)).astype(dtype)
    y = (X @ [[1.0], [2.0], [-1.0]] + mean + 0.3 * rng.normal(size=(50, 1))).astype(dtype)
    fit, *_ = np.linalg.lstsq(np.c_[X, np.ones(50)].astype(float), y.astype(float), rcond=None)
    model = cr.Sequential([Input((3,)), Dense(1)], seed=0, dtype=dtype)
    model.compile("sgd", "mse")
    model.set_weights([fit[:3].astype(dtype), fit[3].astype(dtype)])
    text = model.trace(X, y, check=True, digits=9).to_text(1000)
    assert "the same but for rounding)" in text
    assert "kink" not in text and "apart" not in text


def test_no_rounding_stands_for_the_slope_of_a_side_that_has_none():
    measured = cr.trace(ops.relu(cr.variable(0.0, "x")) + 0.3, check=True).measured_slopes("x")
    assert np.ravel(measured.below) == [0.0] and np.ravel(measured.above) == pytest.approx([1.0])
