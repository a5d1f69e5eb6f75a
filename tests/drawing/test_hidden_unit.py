"""What a hidden unit has learned: weights, gradients, rows and effects against formulas."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from chainrule import Sequential, drawing
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, Dropout, Embedding, Flatten, Input, Normalization

ROWS = np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 5.0, 0.2]


def network(outputs=1):
    layers = [Dense(4, "tanh"), Dropout(0.5), Dense(5, "sigmoid"), Dense(outputs)]
    return Sequential([Input((3,)), *layers], seed=0, dtype="float64")


def forward(model, X, until=None, change=None):
    """Each layer's result by formulas; `change` is what a hidden unit is held at."""
    w1, b1, w2, b2, w3, b3 = model.get_weights()
    first = np.tanh(X @ w1 + b1)
    second = 1 / (1 + np.exp(-(first @ w2 + b2)))
    if change is not None:
        unit, value = change
        second[:, unit] = value
    return first, second, second @ w3 + b3


def bars(ax):
    """The widths of bars by their place, from the top."""
    found = {round(bar.get_y() + bar.get_height() / 2, 6): bar.get_width() for bar in ax.patches}
    return [found[place] for place in sorted(found, reverse=True)]


def labels(ax):
    """The names beside the bars, from the top."""
    return [one.get_text() for one in ax.get_yticklabels()]


def test_a_unit_of_the_first_layer_is_driven_by_its_weights():
    model = network()
    left, _, _ = drawing.plot_hidden_unit(model, ROWS, 0, 2, ["a", "b", "c"])
    drive = model.layers[0].kernel[:, 2] * ROWS.std(axis=0)
    order = np.argsort(-abs(drive))
    np.testing.assert_allclose(bars(left), drive[order], rtol=1e-12)
    assert labels(left) == ["abc"[one] for one in order]
    assert left.get_xlabel().startswith("weight ×")
    hatched = [bool(bar.get_hatch()) for bar in left.patches]
    assert hatched == [bar.get_width() < 0 for bar in left.patches]


@pytest.mark.parametrize("layer", [2, "dense_1", -2])
def test_a_unit_of_a_later_layer_is_driven_by_mean_gradients(layer):
    model = network()
    left, _, _ = drawing.plot_hidden_unit(model, ROWS, layer, 1)
    w1, _, w2, *_ = model.get_weights()
    first, second, _ = forward(model, ROWS)
    slope = second[:, 1] * (1 - second[:, 1])
    by_row = slope[:, None] * (((1 - first**2) * w2[:, 1]) @ w1.T)
    drive = by_row.mean(axis=0) * ROWS.std(axis=0)
    order = np.argsort(-abs(drive))
    np.testing.assert_allclose(bars(left), drive[order], rtol=1e-9)
    assert labels(left) == [f"x{one + 1}" for one in order]
    assert left.get_title() == "What drives unit 2 of dense_1"


def test_the_rows_with_the_highest_activation_show_what_drives_them():
    model = network()
    _, middle, _ = drawing.plot_hidden_unit(model, ROWS, 0, 3, ["a", "b", "c"])
    activation = forward(model, ROWS)[0][:, 3]
    order = np.argsort(-activation)[:5]
    np.testing.assert_allclose(bars(middle), activation[order], rtol=1e-12)
    assert labels(middle) == [str(one) for one in order]
    drive = abs(model.layers[0].kernel[:, 3] * ROWS.std(axis=0))
    two = np.argsort(-drive)[:2]
    expected = ["\n".join(f"{'abc'[c]} {ROWS[row, c]:.3g}" for c in two) for row in order]
    assert [one.get_text() for one in middle.texts] == expected


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_effect_is_the_mean_output_with_the_unit_held_at_each_value(outputs):
    model = network(outputs)
    _, _, right = drawing.plot_hidden_unit(model, ROWS, 2, 4)
    lines = [line for line in right.get_lines() if line.get_marker() == "None"]
    assert len(lines) == outputs
    activation = forward(model, ROWS)[1][:, 4]
    for output, line in enumerate(lines):
        swept = line.get_xdata()
        assert (swept[0], swept[-1]) == pytest.approx((activation.min(), activation.max()))
        for value, mean in zip(swept, line.get_ydata(), strict=True):
            by_hand = forward(model, ROWS, change=(4, value))[2][:, output].mean()
            assert mean == pytest.approx(by_hand, rel=1e-12)
    legend = right.get_legend()
    assert (legend is not None) == (outputs > 1)
    if outputs > 1:
        assert legend.get_title().get_text() == "output"
        assert [one.get_text() for one in legend.get_texts()] == ["1", "2", "3"]
    assert len({(line.get_color(), line.get_linewidth()) for line in lines}) == outputs


def test_a_layer_before_the_first_weights_is_no_obstacle():
    layers = [Normalization(), Dense(4, "tanh"), Dense(1)]
    model = Sequential([Input((3,)), *layers], seed=0, dtype="float64")
    model.layers[0].adapt(ROWS)
    left, _, _ = drawing.plot_hidden_unit(model, ROWS, "dense", 0)
    kernel = model.layers[1].kernel
    scaled = (ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)
    slope = (1 - np.tanh(scaled @ kernel[:, 0]) ** 2).mean()
    np.testing.assert_allclose(sorted(bars(left)), np.sort(slope * kernel[:, 0]), rtol=1e-5)


def test_of_many_columns_the_largest_ten_are_drawn():
    model = Sequential([Input((30,)), Dense(4, "tanh"), Dense(12)], seed=0)
    X = np.random.default_rng(0).normal(size=(6, 30))
    left, middle, right = drawing.plot_hidden_unit(model, X, 0, 0, axes=Figure().subplots(1, 3))
    assert len(bars(left)) == 10
    assert left.get_ylabel() == "10 of 30 columns"
    assert len([line for line in right.get_lines() if line.get_marker() == "None"]) == 10
    assert len(bars(middle)) == 5


def of_images(inputs, *flatten):
    layers = [*flatten, Dense(4, "tanh"), Dense(5, "tanh"), Dense(3, "softmax")]
    return Sequential([Input(inputs), *layers], seed=0, dtype="float64")


@pytest.mark.parametrize(
    "inputs, flatten, shape, image",
    [
        ((6, 10), [Flatten()], None, (6, 10)),
        ((64,), [], None, (8, 8)),
        ((12,), [], (3, 4), (3, 4)),
    ],
)
def test_what_drives_a_unit_and_the_rows_are_images_where_inputs_are_pixels(
    inputs, flatten, shape, image
):
    model = of_images(inputs, *flatten)
    X = np.random.default_rng(0).normal(size=(12, *inputs))
    left, middle, _ = drawing.plot_hidden_unit(model, X, "dense", 2, shape=shape)
    rows = X.reshape(12, -1)
    drive = model.get_weights()[0][:, 2] * rows.std(axis=0)
    np.testing.assert_allclose(left.get_images()[0].get_array(), drive.reshape(image))
    activation = np.tanh(rows @ model.get_weights()[0][:, 2])
    order = np.argsort(-activation)[:9]
    for drawn, text, row in zip(middle.get_images(), middle.texts, order, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), rows[row].reshape(image))
        assert text.get_text() == f"{row}: {activation[row]:.3g}"
        start, end, bottom, top = drawn.get_extent()
        assert (top - bottom, end - start) == pytest.approx(image)


def test_a_later_unit_of_images_has_an_image_of_mean_gradients():
    model = of_images((64,))
    X = np.random.default_rng(0).normal(size=(12, 64))
    left, _, right = drawing.plot_hidden_unit(model, X, "dense_1", 0)
    w1, _, w2, *_ = model.get_weights()
    first = np.tanh(X @ w1)
    slope = (1 - np.tanh(first @ w2[:, 0]) ** 2)[:, None]
    drive = (slope * (((1 - first**2) * w2[:, 0]) @ w1.T)).mean(axis=0) * X.std(axis=0)
    found = left.get_images()[0].get_array()
    np.testing.assert_allclose(found, drive.reshape(8, 8), rtol=1e-9)
    legend = right.get_legend()
    assert legend.get_title().get_text() == "class"
    assert [one.get_text() for one in legend.get_texts()] == ["0", "1", "2"]


def test_columns_with_names_are_no_pixels():
    names = [f"answer {index}" for index in range(64)]
    left, middle, _ = drawing.plot_hidden_unit(
        of_images((64,)), np.random.default_rng(0).normal(size=(12, 64)), 0, 1, names
    )
    assert len(bars(left)) == 10
    assert not left.get_images()
    assert len(bars(middle)) == 5


def test_a_shape_that_does_not_fit_gets_a_sentence():
    with pytest.raises(ShapeError, match=r"shape must be .* of 3 inputs, got \(2, 2\)"):
        drawing.plot_hidden_unit(network(), ROWS, 0, 0, shape=(2, 2))


CODES = Sequential([Input((2,)), Embedding(9, 4), Flatten(), Dense(3)], seed=0)
SCANS = Sequential([Input((4, 4)), Dense(3), Flatten(), Dense(1)], seed=0)


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, ("model", ROWS, 0, 0), "model must be Sequential, got str"),
        (SettingError, (network(), ROWS, "dens", 0), "'dens' is not known; did you mean 'dense'"),
        (SettingError, (network(), ROWS, 4, 0), "position from 0 to 3, got 4; there are: dense, "),
        (SettingError, (network(), ROWS, -1, 0), "'dense_2' is the output; choose a hidden one"),
        (SettingError, (network(), ROWS, 0, 4), "unit must be from 0 to 3 for layer 'dense', got"),
        (SettingError, (network(), ROWS, 0, -1), "unit must be a whole number of 0 or more"),
        (ShapeError, (network(), ROWS[:, :2], 0, 0), r"X must have shape \(rows, 3\), got"),
        (ShapeError, (network(), ROWS[:0], 0, 0), r"X must have shape \(rows, 3\), got \(0, 3\)"),
        (DataError, (network(), ROWS * np.nan, 0, 0), "X must be finite"),
        (ShapeError, (network(), ROWS, 0, 0, ["a"]), "names must be 3, one a column, got 1"),
        (ShapeError, (CODES, [[1, 2]], 0, 0), r"needs a network that takes numbers, got codes"),
        (ShapeError, (SCANS, np.ones((2, 4, 4)), 0, 0), r"no units a row, but \(4, 3\) numbers"),
        (SettingError, (network(), ROWS, 0, 0, None, Figure().subplots(1, 2)), "draws 3 pictures"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_hidden_unit(*arguments)
