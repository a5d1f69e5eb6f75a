"""Slopes that the page measures, and what it says of them beside gradients."""

import numpy as np
import pytest
from tests.tracing.engine import Scripts

import chainrule as cr
from chainrule import examples
from chainrule.graph import settled_slope
from chainrule.layers import Dense, Input
from chainrule.tracing.page.network import shipped_step


@pytest.fixture(scope="module")
def scripts():
    return Scripts("operations.js", "tape.js", "words.js", "step.js")


def verdicts(scripts, trace):
    """What the page says of every number that is trained."""
    code = """(() => {
      const training = new Training(shipped);
      return training.trained.flatMap((n) => {
        const start = shipped.segments[n][1];
        return Array.from(training.gradient(n).data, (gradient, k) =>
          verdictOn(training.measured(start + k), gradient, number));
      });
    })()"""
    return scripts(code, shipped=shipped_step(trace))


def at_its_minimum(rows, dtype="float64"):
    """A smooth network that fits its rows but for rounding: no slope is more than that."""
    rng = np.random.default_rng(rows)
    model = cr.Sequential([Input((3,)), Dense(1)], seed=0, dtype=dtype)
    model.compile("sgd", "mse")
    X = rng.normal(size=(rows, 3)).astype(dtype)
    return model.trace(X, X @ model.get_weights()[0], check=True, digits=9)


@pytest.mark.parametrize(
    "trace",
    [
        lambda: examples.logistic_regression().trace(check=True),
        lambda: examples.perceptron_failure().trace(check=True),
        lambda: at_its_minimum(1), lambda: at_its_minimum(4), lambda: at_its_minimum(50),
        lambda: at_its_minimum(50, "float32"),
    ],
)  # fmt: skip
def test_no_smooth_loss_has_a_kink_where_its_slopes_are_rounding(scripts, trace):
    made = trace()
    assert set(verdicts(scripts, made)) <= {"the same but for rounding", "they agree"}
    text = made.to_text()
    assert "central difference" in text
    assert "kink" not in text


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_a_kink_is_told_however_small_the_loss(scripts, size):
    model = cr.Sequential([Input((1,)), Dense(1, "relu"), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mae")
    model.set_weights([np.zeros((1, 1)), np.zeros(1), np.full((1, 1), size), np.zeros(1)])
    made = model.trace([[2.0]], [[size]], check=True)
    assert verdicts(scripts, made)[0].startswith("apart by 100 % of the larger; at a kink, where")
    assert "at a kink of the loss, whose slope is" in " ".join(made.to_text().split())


@pytest.mark.parametrize(
    "slopes, gradient, words",
    [
        ([2.0, 2.0, 2.0, 1e-12], 2.0 + 1e-7, "they agree"),
        ([3.4e-13, 3.4e-13, 3.4e-13, 1e-12], 4.3e-13, "the same but for rounding"),
        ([0.0, 0.0, 0.0, 0.0], 0.0, "they agree"),
        ([1e-13, 1e-13, 1e-13, 1e-15], 2e-13, "apart by 50 % of the larger"),
        ([2.0, 2.0, 2.0, 1e-12], 2.5, "apart by 20 % of the larger"),
        (
            [2.5, 2.0, 3.0, 1e-12], 2.0,
            "apart by 20 % of the larger; at a kink, where the slope is 2 below and 3 above",
        ),
    ],
)  # fmt: skip
def test_a_measured_slope_is_told_beside_the_gradient(scripts, slopes, gradient, words):
    code = "verdictOn(slopes, gradient, String)"
    assert scripts(code, slopes=slopes, gradient=gradient) == words


@pytest.mark.parametrize("place", [0.0, 2e-5, 3e-4, 0.5])
@pytest.mark.parametrize("size", [1e-15, 1e-7, 1.0, 1e9])
def test_the_page_measures_by_the_rule_of_python(scripts, place, size):
    code = """settledSlope((offset) => 7 + size * ((1 + offset) * (1 + offset)
      + Math.max(0, offset - place)), 1)"""

    def value(offset):
        return 7 + size * ((1 + offset) * (1 + offset) + max(0.0, offset - place))

    assert scripts(code, place=place, size=size) == [*settled_slope(value, 1.0, value(0.0))]
