"""Layers and losses that put rows together: what derivatives are called, and what they are."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import check
from tests.tracing.test_own_layers import Own, shares, slope
from tests.tracing.test_page_words import SCRIPTS, legend, said
from tests.tracing.test_positions import lines

import chainrule as cr
from chainrule import layers
from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.view import View

ops = cr.ops
TURNING = np.array([[1.0, 0.5], [-0.5, 1.0]])
MIXING = {
    "shares of likeness": (
        lambda x, w: ops.softmax(x @ ops.transpose(x)) @ x * w,
        lambda x, w: shares(x @ x.T) @ x * w,
    ),
    "products of all rows": (
        lambda x, w: x @ (ops.transpose(x) @ x) * w,
        lambda x, w: x @ (x.T @ x) * w,
    ),
    "means of columns that lie": (
        lambda x, w: (
            (x - ops.transpose(ops.transpose(x).mean(axis=1, keepdims=True))) ** 3 * w
        ),
        lambda x, w: (x - x.mean(axis=0)) ** 3 * w,
    ),
    "turned round in one line": (
        lambda x, w: ops.flip(x.reshape((1, -1)), axis=1).reshape((-1, 2)) * w,
        lambda x, w: x.reshape(-1)[::-1].reshape(-1, 2) * w,
    ),
    "distances of pairs": (
        lambda x, w: (
            x * w * ops.exp(-((x.reshape((-1, 1, 2)) - x.reshape((1, -1, 2))) ** 2)).sum(axis=1)
        ),
        lambda x, w: x * w * np.exp(-((x[:, None] - x[None]) ** 2)).sum(axis=1),
    ),
    "columns for rows": (
        lambda x, w: ops.transpose(x).reshape((-1, 2)) * w,
        lambda x, w: x.T.reshape(-1, 2) * w,
    ),
    "a mean of rows": (
        lambda x, w: (x - x.mean(axis=0)) * w,
        lambda x, w: (x - x.mean(axis=0)) * w,
    ),
    "a mean of all": (lambda x, w: (x - x.mean()) * w, lambda x, w: (x - x.mean()) * w),
    "turned rows": (lambda x, w: ops.flip(x, axis=0) * w, lambda x, w: x[::-1] * w),
}  # fmt: skip
KEEPING = {
    "a softmax of parameters": (
        lambda x, w: x @ ops.softmax(w.reshape((2, 1)) * TURNING, axis=0),
        lambda x, w: x @ shares((w[:, None] * TURNING).T).T,
    ),
    "there and back": (
        lambda x, w: ops.transpose(ops.tanh(ops.transpose(x)) * w.reshape((2, 1))),
        lambda x, w: np.tanh(x) * w,
    ),
    "in one line": (
        lambda x, w: ops.tanh(x.reshape((1, -1))).reshape((-1, 2)) * w,
        lambda x, w: np.tanh(x) * w,
    ),
    "products within rows": (
        lambda x, w: (x.reshape((-1, 2, 1)) @ x.reshape((-1, 1, 2))).sum(axis=1) * w,
        lambda x, w: x.sum(axis=1, keepdims=True) * x * w,
    ),
}
"""A layer by operations of nodes, and by NumPy."""
LOSSES = {
    "from the mean of rows": (
        lambda t, o: (o - o.mean(axis=0, keepdims=True) - t) ** 2,
        lambda t, o: ((o - o.mean(axis=0) - t) ** 2).mean(axis=1),
    ),
    "by the size of all": (
        lambda t, o: (o - t) ** 2 / (o * o).sum(),
        lambda t, o: ((o - t) ** 2 / (o * o).sum()).mean(axis=1),
    ),
    "by the size of all targets": (
        lambda t, o: (o - t) ** 2 / (t * t).sum(),
        lambda t, o: ((o - t) ** 2 / (t * t).sum()).mean(axis=1),
    ),
}
"""A loss by operations of nodes, and each row's own by NumPy."""
HEADER = "δ is the derivative of ΣL, the sum of all rows' own losses, by z"


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def traced(function, **how):
    own = Own(function, (("w", (2,)),))
    made = model(2, layers.Dense(2, "tanh"), own, layers.Dense(2))
    x, y = batch(2, 2, 2)
    return made.trace(x, y, digits=9, **how)


def shown(told, name):
    """The number that a derivative has in the text."""
    return float(re.sub(r" *\(.*", "", told[name].rpartition("= ")[2]))


def losses_of(trace, function):
    """Each row's own loss by what the first layer gives."""
    (targets,) = trace.targets.values()
    w, kernel, bias = (
        np.asarray(trace.trainer.parameters[name], np.float64)
        for name in ("own/w", "dense_1/kernel", "dense_1/bias")
    )
    return lambda h: ((function(h, w) @ kernel + bias - targets) ** 2).mean(axis=1)


@pytest.mark.parametrize("name", [*MIXING, *KEEPING])
def test_derivatives_before_a_layer_are_called_what_they_are(name):
    mixes = name in MIXING
    build, function = (MIXING if mixes else KEEPING)[name]
    trace = traced(build)
    assert View(trace).mixing == (False, mixes, False)
    assert check(trace, "float64") > 10
    text, told, h = trace.to_text(200), lines(trace), np.asarray(trace.a[0], np.float64)
    losses = losses_of(trace, function)
    np.testing.assert_allclose(losses(h), trace.row_losses, rtol=1e-5)
    for row in range(2):
        for k in range(2):
            by = "ΣL" if mixes else f"L({row + 1})"
            of = (lambda x: losses(x).sum()) if mixes else (lambda x, row=row: losses(x)[row])
            value = shown(told, f"d{by}/dh{k + 1}({row + 1})")
            assert value == pytest.approx(slope(of, h, (row, k)), abs=2e-6)
    assert (f"own mixes the rows: before it, {HEADER}" in text) == mixes
    assert ("ΣL" in text) == mixes


@pytest.mark.parametrize("middle", [True, False])
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_before_a_loss_are_called_what_they_are(name, middle):
    loss, own = LOSSES[name]
    mixes = name != "by the size of all targets"
    made = model(2, layers.Dense(2, "tanh"), layers.Dense(2), loss=loss)
    trace = made.trace(*batch(3, 2, 2), digits=9, errors=middle)
    view = View(trace)
    assert view.mixing == (False, False) and view.loss_mixes == mixes
    assert check(trace, "float64") > 10
    (targets,) = trace.targets.values()
    text, told, o = trace.to_text(200), lines(trace), np.asarray(trace.a[1], np.float64)
    for row in view.shown_rows:
        by = "ΣL" if mixes else f"L({row + 1})"

        def of(x, row=row):
            losses = own(targets, x)
            return losses.sum() if mixes else losses[row]

        sign, minus = (-1, "-") if middle else (1, "")
        value = sign * shown(told, f"{minus}d{by}/do1({row + 1})")
        assert value == pytest.approx(slope(of, o, (row, 0)), abs=5e-6)
    said_of = "Err is minus the" if middle else "δ is the"
    assert (f"the loss mixes the rows: {said_of} derivative of ΣL" in text) == mixes
    assert ("ΣL" in text) == mixes


def test_layers_and_a_loss_that_mix_rows_are_told_together():
    own = Own(lambda x: x - x.mean(axis=0))
    loss = LOSSES["from the mean of rows"][0]
    trace = model(2, layers.Dense(2), own, layers.Dense(2), loss=loss).trace(*batch(2, 2, 2))
    assert f"own, the loss mix the rows: {HEADER}" in trace.to_text(200)


def test_one_row_mixes_with_none():
    loss = LOSSES["from the mean of rows"][0]
    own = Own(lambda x: x - x.mean(axis=0))
    trace = model(2, layers.Dense(2), own, layers.Dense(2), loss=loss).trace(*batch(1, 2, 2))
    view = View(trace)
    assert not any(view.mixing) and not view.loss_mixes and "ΣL" not in trace.to_text(200)


def test_shares_of_rows_with_weights_do_not_stand_where_the_loss_mixes_rows():
    made = model(2, layers.Dense(2), loss=LOSSES["by the size of all"][0])
    trace = made.trace(*batch(3, 2, 2), sample_weight=[1.0, 2.0, 0.5])
    assert check(trace, "float64") > 5
    assert "(where rows mix)" in trace.to_text(200)


@pytest.mark.parametrize("name", ["mse", "categorical_crossentropy", "huber"])
@pytest.mark.parametrize("last", [layers.BatchNormalization(), layers.Activation("softmax")])
def test_losses_of_the_library_mix_no_rows_also_after_a_layer_that_does(name, last):
    made = model(2, layers.Dense(3), layers.BatchNormalization(), last, loss=name)
    view = View(made.trace(*batch(3, 2, 3, "one-hot")))
    assert not view.loss_mixes and any(view.mixing)


def test_the_page_says_what_mixes_rows(scripts):
    loss = model(2, layers.Dense(2), loss=LOSSES["by the size of all"][0]).trace(*batch(2, 2, 2))
    assert "the sum Σℓ of all rows' losses (for the loss mixes the rows) by z" in legend(loss)
    told = [line for found in said(scripts, loss).values() for line in found]
    assert any("∂Σℓ/∂o" in line for line in told) and not any("∂ℓ/∂" in one for one in told)
    layer = traced(MIXING["products of all rows"][0])
    assert "all rows' losses (for a layer mixes the rows) by z" in legend(layer)
    told = [line for found in said(scripts, layer).values() for line in found]
    assert any(one.startswith("∂Σℓ/∂h") and one.endswith("units and rows of the layer")
               for one in told)  # fmt: skip
    kept = traced(KEEPING["a softmax of parameters"][0])
    assert shipped_step(kept)["mixing"] == "" and "Σℓ" not in legend(kept)


def sine_of_rows(x):
    return np.sin(x)


SINE = cr.operation(sine_of_rows, shape=lambda shape: shape)
SINE.gradient(lambda g, y, x: g * SINE(x + np.pi / 2))


def test_an_operation_of_ones_own_whose_rule_does_not_tell_may_mix_the_rows(scripts):
    trace = traced(lambda x, w: SINE(x) * w)
    assert f"own may mix the rows: before it, {HEADER}" in trace.to_text(200)
    assert "(for a layer may mix the rows)" in legend(trace)


NAMED = ("Mixup", "Dropout", "PReLU", "BatchNormalization", "GaussianNoise", "Embedding")


def of_kind(kind):
    """A layer of one's own that is named as one of the library."""
    twice = type(kind, (Own,), {})(lambda x, w: x * w * 2.0, (("alpha", (2,)),))
    made = model(2, layers.Dense(2, "tanh"), twice, layers.Dense(1))
    return made.trace(*batch(2, 2, 1))


@pytest.mark.parametrize("kind", NAMED)
def test_a_layer_of_ones_own_is_told_as_its_own_whatever_its_name(kind, scripts):
    trace, other = of_kind(kind), of_kind("Scaled")
    name, theirs = trace.layers[1].name, other.layers[1].name
    text = re.sub(" +", " ", trace.to_text(200).replace("(dropout,", "(...,"))
    plain = re.sub(" +", " ", other.to_text(200).replace("(dropout,", "(...,"))
    assert text.replace(name, theirs).replace(kind, "Scaled") == plain
    assert "(o(1) - t(1))^2" in text and check(trace, "float64") > 20

    def page(one, own):
        told = str(said(scripts, one)) + legend(one)
        return told.replace("(dropout,", "(...,").replace(own, theirs).replace(kind, "Scaled")

    assert page(trace, name) == page(other, theirs)
