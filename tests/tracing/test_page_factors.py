"""The panel of a weight in the page: all factors of its gradient, row by row."""

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import step_of
from tests.tracing.test_page_words import SCRIPTS, panel

import chainrule as cr
from chainrule.estimators.network import Head, TableNetwork
from chainrule.layers import Dense, Input
from chainrule.tracing import trace_steps
from chainrule.tracing.page.network import shipped_step
from chainrule.training import Trainer


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


FACTORS = "∂ℓ/∂h<1> | ∂h<1>/∂z<h1>"
GIVEN = "∂z<h1>/∂W<1>[1,1] = x<1>"


def weighted(reduction, weights, penalty=None):
    stack = [Input((2,)), Dense(2, "tanh", activity_regularizer=penalty), Dense(1)]
    model = cr.Sequential(stack, seed=0, dtype="float64")
    model.compile("sgd", cr.losses.MeanSquaredError(reduction=reduction))
    X, y = np.array([[0.5, -1.0], [0.2, 0.3], [-1.0, 2.0]]), np.array([[1.0], [0.0], [-1.0]])
    rows = len(weights)
    return model.trace(X[:rows], y[:rows], sample_weight=weights)


def numbers_of(lines):
    cells = [line.replace("−", "-").split(" | ") for line in lines]
    return np.array(cells, float)


@pytest.mark.parametrize(
    "reduction, divisor",
    [("sum_over_batch_size", 3), ("sum", 1), ("mean_with_sample_weight", 3.25)],
)
def test_a_weight_of_rows_with_weights_has_all_factors_and_the_share_of_each_row(
    scripts, reduction, divisor
):
    trace = weighted(reduction, [1.0, 2.0, 0.25])
    found = panel(scripts, trace, "w/1/0/0")["Gradient, row by row: all factors"]
    assert found[0] == f"row | s | {FACTORS} | {GIVEN} | product"
    rows = numbers_of(found[1:4])
    assert rows[:, 1] == pytest.approx(np.array([1, 2, 0.25]) / divisor, abs=1e-6)
    assert rows[:, 5] == pytest.approx(rows[:, 1:5].prod(axis=1), abs=2e-6)
    gradient = trace.grad_kernel[0][0, 0]
    assert rows[:, 5].sum() == pytest.approx(gradient, abs=2e-6)
    told = f"{gradient:.6f}".rstrip("0")
    assert found[-2:] == [
        f"The sum of the products over 3 rows is {told}.", f"∂L/∂W<1>[1,1] = {told}",
    ]  # fmt: skip


@pytest.mark.parametrize("penalty", [None, "l2"])
def test_a_weight_of_one_row_with_a_weight_has_all_factors_too(scripts, penalty):
    trace = weighted("sum", [2.0], penalty)
    sections = panel(scripts, trace, "w/1/0/0")
    whole, put, value, _, share, *lines = sections["Gradient: all factors"]
    product = "s·∂ℓ/∂h<1>·∂h<1>/∂z<h1>"
    inside = f"({product} + ∂penalty/∂z<h1>)" if penalty else product
    assert whole == f"∂L/∂W<1>[1,1] = {inside}·∂z<h1>/∂W<1>[1,1]"
    known = put[2:].replace("·", "*").replace("−", "-")
    gradient = trace.grad_kernel[0][0, 0]
    assert eval(known) == pytest.approx(gradient, abs=2e-6)
    assert value == f"= {gradient:.6f}"
    assert share == "s = weight = 2"
    by_penalty = [line for line in lines if line.startswith("∂penalty/∂z<h1> = ")]
    assert len(by_penalty) == bool(penalty)
    assert len(sections["Shorter, with δ"]) == 2


@pytest.mark.parametrize("errors", [False, True])
def test_a_weight_before_a_penalty_on_activities_has_the_penalty_among_its_factors(scripts, errors):
    trace = step_of("shared penalty", errors=errors)
    found = panel(scripts, trace, "w/1/0/0")["Gradient, row by row: all factors"]
    head = [
        one.replace("∂ℓ", "−∂ℓ") if errors else one
        for one in ("row", *FACTORS.split(" | "), "∂penalty/∂z<h1>", GIVEN, "product")
    ]
    assert found[0].split(" | ") == head
    sign = -1 if errors else 1
    _, arrives, slope, penalty, x, product = numbers_of(found[1:4]).T
    assert product == pytest.approx((arrives * slope / 3 + sign * penalty) * x, abs=4e-6)
    shown = "− " if errors else "+ "
    assert found[4] == (f"product = (1/3·{head[1]}·{head[2]} {shown}{head[3]})·∂z<h1>/∂W<1>[1,1]")
    total, own, whole = found[-3:]
    _, _, told = total.removesuffix(".").replace("−", "-").rpartition(" is ")
    assert float(told) == pytest.approx(product.sum(), abs=3e-6)
    assert own.startswith("The penalty adds ")
    assert whole.endswith(f"= {sign * trace.grad_kernel[0][0, 0]:.6f}".replace("-", "−"))


def two_outputs():
    """A network whose outputs make their losses of the rows in different ways."""
    rng = np.random.default_rng(0)
    network = TableNetwork(2, (3,), (4, 3), (Head(3, 3), Head(1, 0)), 0.0, 0, 0)
    trainer = Trainer(network, dtype="float64", seed=1)
    rules = [
        cr.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        cr.losses.MeanSquaredError(reduction="sum"),
    ]
    trainer.compile(rules, cr.optimizers.SGD(0.1))
    x = {"numbers": rng.normal(size=(4, 2)), "categories": rng.integers(0, 3, (4, 1))}
    y = [rng.integers(0, 3, 4), rng.normal(size=(4, 1))]
    targets = dict(zip(network.output_names, y, strict=True))
    return trace_steps(trainer, trainer.data(x, targets, np.array([1.0, 2.0, 0.5, 3.0])))


def test_a_weight_of_one_output_of_several_has_the_shares_of_this_output(scripts):
    trace = two_outputs()
    for unit, shares in ((0, [1 / 6.5, 2 / 6.5, 0.5 / 6.5, 3 / 6.5]), (3, [1, 2, 0.5, 3])):
        found = panel(scripts, trace, f"w/5/{unit}/2")["Gradient, row by row: all factors"]
        rows = numbers_of(found[1:5])
        assert rows[:, 1] == pytest.approx(shares, abs=1e-6)
        assert rows[:, 5].sum() == pytest.approx(trace.grad_kernel["dense_2"][2, unit], abs=4e-6)
    both = panel(scripts, trace, "w/3/0/0")["Gradient, row by row"]
    assert "Row 1: ∂L/∂z<h1,1> = 0, through the losses of all outputs" in both
    assert (
        "Each output's loss is made of the rows in its own way: SparseCategoricalCrossentropy by "
        "mean_with_sample_weight, MeanSquaredError by sum."
    ) in panel(scripts, trace, "L")["How it is made"]


CHANGED = """(() => {
  const network = new Network(new Training(shipped));
  network.training.makeStep();
  network.training.set({ place: 1 }, -1.5);
  network.training.set({ source: "weight", place: 0 }, 4);
  network.training.set({ source: Object.keys(shipped.arrays)[0], place: 2 }, 0.75);
  network.setRow(1);
  digits = 12;
  const { table, lines } = new NetworkPanel(network).weight(1, 0, 0).sections[0];
  const place = network.place(1, 0, 0).place;
  return [table.rows, lines.at(-1), network.training.measured(place)[0]];
})()"""


@pytest.mark.parametrize("penalty", [None, "l2"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
def test_factors_and_shares_follow_what_a_reader_changes(scripts, reduction, penalty):
    trace = weighted(reduction, [1.0, 2.0, 0.25], penalty)
    rows, line, measured = scripts(CHANGED, shipped=shipped_step(trace))
    rows = numbers_of(" | ".join(row) for row in rows)
    _, share, arrives, slope, *added, x, product = rows.T
    weights = np.array([4.0, 2.0, 0.25])
    by_weight = reduction == "mean_with_sample_weight"
    assert share == pytest.approx(weights / (weights.sum() if by_weight else 3))
    assert product == pytest.approx((share * arrives * slope + sum(added)) * x, abs=1e-9)
    assert product.sum() == pytest.approx(measured, abs=1e-7)
    told = float(line.rpartition(" = ")[2].replace("−", "-"))
    assert told == pytest.approx(product.sum(), abs=1e-9)


def test_factors_of_a_softmax_say_whose_output_o_t_is(scripts):
    found = panel(scripts, step_of("labels"), "w/2/0/0")["Gradient, row by row: all factors"]
    assert found[4] == "Here o<t> is what the unit of the row's own class gives."
