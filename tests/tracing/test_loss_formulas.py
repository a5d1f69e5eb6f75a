import re

import numpy as np
import pytest
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import check, disagreement, equations

from chainrule import layers, losses
from chainrule.tracing.formula import Number, Sum
from chainrule.tracing.text import written

Dense = layers.Dense

CASES = {
    "squared error": ("squared_error", Dense(2, "tanh"), "numbers"),
    "mse": ("mse", Dense(2), "numbers"),
    "mae": ("mae", Dense(2), "numbers"),
    "huber": (losses.Huber(0.6), Dense(2), "numbers"),
    "quantile": (losses.Quantile(0.9), Dense(2), "numbers"),
    "poisson": ("poisson", Dense(2, "softplus"), "counts"),
    "binary of a hard sigmoid": ("binary_crossentropy", Dense(2, "hard_sigmoid"), "binary"),
    "classes of a softplus": ("categorical_crossentropy", Dense(3, "softplus"), "shares"),
    "one class of a softplus": ("categorical_crossentropy", Dense(3, "softplus"), "one-hot"),
    "labels of a softplus": ("sparse_categorical_crossentropy", Dense(3, "softplus"), "labels"),
    "clipped classes": ("categorical_crossentropy", Dense(3, "relu"), "one-hot"),
    "clipped shares": ("categorical_crossentropy", Dense(3, "relu"), "shares"),
}


def traced(name, mixed=False, dtype="float64", loss_settings=None, **how):
    loss, last, kind = CASES[name]
    mixing = [layers.Mixup(0.8)] if mixed else []
    made = model(3, *mixing, Dense(3, "tanh"), last, loss=loss, dtype=dtype)
    return made.trace(*batch(5, 3, last.units, kind), **how)


def test_a_slope_of_mixed_rows_is_turned_round_within_their_shares():
    trace = traced("mse", mixed=True, errors=True)
    (text,) = {written(one.forms[0]) for one in of_the_loss(trace) if one.symbol.by is not None
               and one.symbol.name == "o1" and one.symbol.row == 2}  # fmt: skip
    assert text == "mix(2)·(t1(2) - o1(2)) + (1 - mix(2))·(t1(4) - o1(2))"


def test_mixed_rows_with_weights_have_no_sum_of_their_losses_by_their_shares():
    network = model(3, layers.Mixup(0.4), Dense(2, "softmax"), loss="categorical_crossentropy")
    X, y = batch(3, 3, 2, "one-hot")
    trace = network.trace(X, y, sample_weight=np.array([1.0, 2.0, 0.5]))
    assert check(trace, "float64") > 10
    symbols = [one.symbol for _, one in equations(trace)]
    assert not {"s", "penalty"} & {one.name for each in symbols for one in (each, each.by) if one}
    (whole,) = (one for title, one in equations(trace) if title == "Loss" and not one.symbol.row)
    assert (whole.note, whole.forms) == ("each target has the weight of its own row", ())


def of_the_loss(trace):
    """The equations of the rows' losses and of their slopes by the outputs."""
    outputs = trace.layers[-1].numbers.a.shape[1]
    names = {"o"} if outputs == 1 else {f"o{k + 1}" for k in range(outputs)}
    for title, one in equations(trace):
        if (title == "Loss" and one.symbol.row) or (
            one.symbol.by is not None and one.symbol.name in names and not one.symbol.head
        ):
            yield one


@pytest.mark.filterwarnings("ignore:layer 'dense_1' ends in")
@pytest.mark.filterwarnings("ignore:y. target")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_losses_and_their_slopes_have_formulas_that_come_to_the_engines_numbers(name, mixed, dtype):
    trace = traced(name, mixed, dtype)
    found = list(of_the_loss(trace))
    assert len(found) >= 4
    for one in found:
        assert one.forms, (one.symbol.name, one.note)
        for form in one.forms:
            assert disagreement(one, form, dtype) <= 1
            wrong = Sum((form, Number(1e-4)))
            assert disagreement(one, wrong, dtype) > 1
    check(trace, dtype)


@pytest.mark.filterwarnings("ignore:layer 'dense' ends in")
def test_what_is_clipped_says_so_and_has_no_slope():
    made = model(1, Dense(2, "relu"), loss="categorical_crossentropy")
    made.set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    trace = made.trace([[2.0]], [[0.0, 1.0]])
    check(trace, "float64")
    text = trace.to_text(200)
    assert "= -log(clip(o2/(o1 + o2), 1e-07, 1 - 1e-07)) = " in text
    assert re.search(r"^dL/do2 += 0$", text, re.MULTILINE)
    assert trace.loss == pytest.approx(-np.log(1e-7))


def test_a_quantile_that_is_met_has_the_middle_of_both_slopes():
    made = model(1, Dense(1), loss=losses.Quantile(0.9))
    made.set_weights([np.array([[1.0]]), np.zeros(1)])
    trace = made.trace([[2.0]], [[2.0]])
    assert check(trace, "float64") > 4
    assert re.search(r"^dL/do += 0.5 - 0.9 = -0.4$", trace.to_text(), re.MULTILINE)


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize(
    "loss, last, kind",
    [
        ("categorical_crossentropy", Dense(3, "softmax"), "shares"),
        ("binary_crossentropy", Dense(2, "sigmoid"), "binary"),
        (losses.CategoricalCrossentropy(from_logits=True), Dense(3), "one-hot"),
    ],
)
def test_pairs_on_mixed_rows_compare_with_the_targets_of_both(loss, last, kind, errors):
    made = model(3, layers.Mixup(0.8), Dense(2, "tanh"), last, loss=loss)
    trace = made.trace(*batch(4, 3, last.units, kind), errors=errors)
    check(trace, "float64")
    own = [
        one for title, one in equations(trace)
        if title.startswith("Backward") and one.symbol.name.startswith("o") and one.symbol.head
    ]  # fmt: skip
    assert own
    assert all(one.forms for one in own)
    assert "mix: the share of the row itself" in trace.to_text(200)
