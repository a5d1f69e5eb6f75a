"""The picture of a network's graph, and of a trace: numbers held against NumPy."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from tests.drawing.diagrams import boxes, check_nothing_collides, lines

import chainrule as cr
from chainrule.errors import InputTypeError
from chainrule.layers import BatchNormalization, Dense, Dropout, Input

X, Y = np.array([0.05, 0.10]), np.array([0.01, 0.99])


def compiled(*layers, shape, loss="sparse_categorical_crossentropy"):
    model = cr.Sequential([Input(shape), *layers], seed=0, dtype="float64")
    model.compile("sgd", loss)
    return model


def one_and_one():
    model = compiled(Dense(1, "sigmoid"), Dense(1, "tanh"), shape=(1,), loss="mse")
    model.set_weights([np.array([[0.5]]), np.array([0.1]), np.array([[-0.8]]), np.array([0.2])])
    return model


def with_everything():
    layers = [Dense(16, "relu", kernel_regularizer="l2"), Dropout(0.5), BatchNormalization()]
    return compiled(*layers, Dense(10, "softmax"), shape=(64,))


def digits():
    layers = [Dense(300, "relu"), Dense(100, "relu"), Dense(10, "softmax")]
    return compiled(*layers, shape=(784,))


STEPS = {
    "one and one": lambda: one_and_one().trace([[1.5]], [[1.0]]),
    "mazur": lambda: cr.examples.mazur().model.trace(X, Y),
    "everything": lambda: with_everything().trace(np.ones((3, 64)), [1, 2, 3]),
    "digits": lambda: digits().trace(np.ones((3, 784)), [1, 2, 3]),
}


@pytest.mark.parametrize("size", [None, (3.3, 4.5), (6.4, 3.2)])
@pytest.mark.parametrize("name", STEPS)
def test_nothing_stands_over_another_or_outside(name, size):
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    check_nothing_collides(cr.drawing.plot_graph(STEPS[name](), ax))


def shown(row, before=""):
    return before + "  ".join(f"{one:.4g}".replace("-", "−") for one in row)


def test_every_operation_has_its_value_and_the_derivative_of_the_loss():
    ax = cr.drawing.plot_graph(STEPS["mazur"]())
    first, second = np.array([[0.15, 0.25], [0.2, 0.3]]), np.array([[0.4, 0.5], [0.45, 0.55]])
    z1 = X @ first + 0.35
    a1 = 1 / (1 + np.exp(-z1))
    z2 = a1 @ second + 0.6
    a2 = 1 / (1 + np.exp(-z2))
    by_a2 = a2 - Y
    delta2 = by_a2 * a2 * (1 - a2)
    by_a1 = second @ delta2
    delta1 = by_a1 * a1 * (1 - a1)
    loss = ((a2 - Y) ** 2).sum() / 2
    found = lines(ax)
    assert found["input"] == [shown(X)]
    assert found["target"] == [shown(Y)]
    for layer, kernel, bias, slopes in (
        ("dense", first, 0.35, np.outer(X, delta1)),
        ("dense_1", second, 0.6, np.outer(a1, delta2)),
    ):
        assert found[f"{layer}/kernel"] == [
            *map(shown, kernel), shown(slopes[0], "∂ "), shown(slopes[1])
        ]  # fmt: skip
        assert found[f"{layer}/bias"] == [shown([bias, bias])]  # the book holds it fixed
    for layer, bias, z, a, delta, by_a in (
        ("dense", 0.35, z1, a1, delta1, by_a1), ("dense_1", 0.6, z2, a2, delta2, by_a2),
    ):  # fmt: skip
        assert found[f"{layer}: matmul"] == [shown(z - bias), shown(delta, "∂ ")]
        assert found[f"{layer}: add"] == [shown(z), shown(delta, "∂ ")]
        assert found[f"{layer}: sigmoid"] == [shown(a), shown(by_a, "∂ ")]
    assert found["loss: divide"] == [shown([loss]), "∂ 1"]
    assert ax.get_title() == "Values, and derivatives ∂ of the loss"


def test_local_derivatives_stand_on_the_arrows_of_single_units():
    ax = cr.drawing.plot_graph(STEPS["one and one"](), digits=6)
    on_arrows = [one.get_text() for one in ax.texts]
    for _, inside in boxes(ax):
        for text in inside:
            on_arrows.remove(text)
    hidden = 1 / (1 + np.exp(-(0.5 * 1.5 + 0.1)))
    p = np.tanh(-0.8 * hidden + 0.2)
    by_hand = [
        1.5, 1, 1, hidden * (1 - hidden), -0.8, hidden, 1, 1, 1 - p**2, 2 * (p - 1),
        1, 1, 1, 1,  # sum of units, mean of units, sum of rows, mean of rows
    ]  # fmt: skip
    numbers = sorted(float(one.replace("−", "-")) for one in on_arrows)
    np.testing.assert_allclose(numbers, sorted(by_hand), rtol=1e-5)


def test_large_arrays_show_shape_and_norm():
    model = digits()
    rows = np.random.default_rng(0).normal(size=(3, 784))
    step = model.trace(rows, [1, 2, 3])
    found = lines(cr.drawing.plot_graph(step))
    kernel, bias = model.get_weights()[:2]
    z = rows @ kernel + bias
    assert found["dense: add"][:2] == ["(3, 300)", f"norm {np.linalg.norm(z):.4g}"]
    delta = step.layers[0].numbers.reported
    slope = np.linalg.norm(rows.T @ delta)
    assert found["dense/kernel"][2:] == ["∂ (784, 300)", f"norm {slope:.4g}"]
    assert found["target"] == ["1  2  3"]


def test_what_no_parameter_moves_has_no_derivative_and_random_counts_are_left_out():
    ax = cr.drawing.plot_graph(STEPS["everything"](), Figure((30.0, 40.0)).add_subplot())
    found = lines(ax)
    assert not [name for name in found if name in ("seed", "step") or "more" in name]
    for name in ("dropout: dropout_mask", "count", "one_hot", "target"):
        assert not [one for one in found[name] if "∂" in one]
    for name in ("dropout: multiply", "batch_normalization/beta", "dense: relu"):
        assert [one for one in found[name] if "∂" in one]


def test_inputs_targets_and_parameters_held_fixed_are_dashed():
    ax = cr.drawing.plot_graph(STEPS["mazur"]())
    drawn = [one for one in ax.patches if isinstance(one, FancyBboxPatch)]
    dashed = {
        inside[0] for patch, (_, inside) in zip(drawn, boxes(ax), strict=True)
        if patch.get_linestyle() not in ("-", "solid")
    }  # fmt: skip
    assert dashed == {"input", "target", "dense/bias", "dense_1/bias", "constant", "count"}


def test_a_trace_is_drawn_with_the_names_of_its_table():
    x, y = cr.variable(2.0, "x"), cr.variable(-3.0, "y")
    q = x * y
    ax = cr.drawing.plot_graph(cr.trace(q * q + x, {"q": q}))
    assert lines(ax) == {
        "x": ["2", "∂ 37"], "y": ["−3", "∂ −24"], "q: multiply": ["−6", "∂ −12"],
        "v4: multiply": ["36", "∂ 1"], "v5: add": ["38", "∂ 1"],
    }  # fmt: skip
    assert ax.get_title() == "Values, and derivatives ∂ of v5"


def test_an_operation_of_ones_own_has_its_local_derivative():
    @cr.operation
    def cube(x):
        return x**3

    @cube.gradient
    def _(g, y, x):
        return g * 3 * x * x

    model = compiled(Dense(1, cube, use_bias=False), shape=(1,), loss="mse")
    model.set_weights([np.array([[0.7]])])
    ax = cr.drawing.plot_graph(model.trace([[0.5]], [[0.0]]))
    assert lines(ax)["dense: cube"][0] == f"{0.35**3:.4g}"
    assert f"{3 * 0.35**2:.4g}" in [one.get_text() for one in ax.texts]


def test_wrong_things_get_a_sentence():
    with pytest.raises(InputTypeError, match="model.trace gives, got Sequential"):
        cr.drawing.plot_graph(one_and_one())
    with pytest.raises(InputTypeError, match="its own; leave names out"):
        cr.drawing.plot_graph(STEPS["mazur"](), names={"q": cr.variable(1.0)})
