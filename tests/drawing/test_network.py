"""The picture of a network: its numbers, its lines, and what is folded."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.path import Path
from tests.drawing.diagrams import check_nothing_collides, settled

from chainrule import Sequential, drawing, examples
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.layers import BatchNormalization, Dense, Dropout, Embedding, Flatten, Input

X, Y = [0.05, 0.10], [0.01, 0.99]


def textbook(**settings):
    """Two inputs, two hidden and two output units, with weights of a textbook."""
    layers = [Dense(2, "sigmoid"), Dense(2, "sigmoid")]
    model = Sequential([Input((2,)), *layers], seed=0, dtype="float64", **settings)
    model.set_weights(
        [
            np.array([[0.15, -0.25], [0.20, 0.30]]), np.array([0.35, 0.36]),
            np.array([[0.40, 0.50], [-0.45, 0.55]]), np.array([0.60, -0.61]),
        ]
    )  # fmt: skip
    return model


def layered(*layers, shape):
    return Sequential([Input(shape), *layers], seed=0)


NETWORKS = {
    "textbook": textbook,
    "one unit": lambda: layered(Dense(1), shape=(1,)),
    "3-4-2": lambda: layered(Dense(4), Dense(2), shape=(3,)),
    "digits": lambda: layered(
        Dense(300, "relu"), Dense(100, "relu"), Dense(10, "softmax"), shape=(784,)
    ),
    "pictures": lambda: layered(
        Flatten(), Dense(30, "relu"), BatchNormalization(), Dropout(0.5), Dense(1), shape=(28, 28)
    ),
    "codes": lambda: layered(Embedding(9, 4), Flatten(), Dense(3), shape=(2,)),
    "deep": lambda: layered(*(Dense(12) for _ in range(6)), shape=(5,)),
    "crossed": lambda: layered(Dense(8), shape=(3,)),
    "huge": lambda: layered(*(Dense(300) for _ in range(13)), Dense(10), shape=(784,)),
}


def texts(ax):
    return [one.get_text().replace("−", "-") for one in ax.texts]


def circles(ax):
    return [one for one in ax.patches if isinstance(one, Circle)]


def lines(ax):
    return [one for one in ax.collections if isinstance(one, LineCollection)]


@pytest.mark.parametrize("size", [None, (3.3, 2.4), (6.4, 3.2)])
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_stands_over_another_or_outside(name, size):
    model = NETWORKS[name]()
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    row = np.ones(model.network.inputs[0].shape)
    ax = drawing.plot_network(model, row, None if name == "codes" else 0.0, ax=ax)
    check_nothing_collides(ax, circles(ax))


def wide_step():
    """One of a network with 16 lines that cross, and 8 that do not."""
    model = layered(Dense(8, "sigmoid"), Dense(1, "sigmoid"), shape=(2,))
    model.compile("sgd", "mse")
    return model.trace([0.1, 0.9], [0.5])


STEPS = {
    "mazur": lambda: examples.mazur().trace(),
    "han": lambda: examples.han().trace(),
    "2-8-1": wide_step,
}


def grounds(ax):
    """The white grounds of what is written on lines."""
    return [one for one in ax.patches if isinstance(one, Rectangle) and not one.get_linewidth()]


@pytest.mark.parametrize("size", [None, (3.3, 2.4), (5.0, 4.0), (10.0, 7.5)])
@pytest.mark.parametrize("name", STEPS)
def test_nothing_of_a_step_stands_over_another(name, size):
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    ax = drawing.plot_network(STEPS[name](), ax=ax)
    check_nothing_collides(ax, circles(ax))


@pytest.mark.parametrize("name", STEPS)
def test_each_label_lies_on_its_own_line_and_on_no_other(name):
    ax = drawing.plot_network(STEPS[name]())
    kernels = [one.get_segments() for one in lines(ax)]
    segments = [Path(one) for group in kernels for one in group]
    assert len(grounds(ax)) == len(segments)
    on = [
        [index for index, one in enumerate(segments) if one.intersects_bbox(ground.get_bbox())]
        for ground in grounds(ax)
    ]
    assert sorted(on) == [[index] for index in range(len(segments))]


@pytest.mark.parametrize("name", ["mazur", "han"])
def test_a_weight_and_its_derivative_stand_on_one_ground(name):
    ax = drawing.plot_network(STEPS[name]())
    renderer = settled(ax)
    assert grounds(ax)
    for ground in grounds(ax):
        extent = ground.get_window_extent(renderer)
        inside = [one for one in ax.texts if extent.contains(*one.get_window_extent(renderer).p0)]
        assert len(inside) == 2
        assert all(extent.contains(*one.get_window_extent(renderer).p1) for one in inside)


def test_where_lines_cross_too_often_less_is_written_and_the_picture_says_so():
    found = texts(drawing.plot_network(wide_step()))
    assert "dense: no room for more than the values of weights" in found
    assert sum(one.startswith("W2[") for one in found) == 8
    assert not [one for one in found if one.startswith("W1[")]
    ax = drawing.plot_network(NETWORKS["crossed"]())
    assert "dense: no room for its weights" in texts(ax)
    assert texts(ax).count("b 0") == 8
    assert not grounds(ax)


@pytest.mark.parametrize("name", STEPS)
def test_on_small_axes_a_step_says_that_its_weights_are_not_written(name):
    ax = Figure((3.3, 2.4), layout="constrained").add_subplot()
    found = texts(drawing.plot_network(STEPS[name](), ax=ax))
    settled(ax)
    assert min(one.get_fontsize() for one in ax.texts) > 4.8  # in a unit
    assert "no room for the numbers of weights" in found
    assert not [one for one in found if "δ" in one]


def test_on_small_axes_the_first_and_last_layers_of_many_are_drawn():
    ax = Figure((4.0, 3.0), layout="constrained").add_subplot()
    drawing.plot_network(NETWORKS["huge"](), ax=ax)
    check_nothing_collides(ax, circles(ax))
    assert min(one.get_fontsize() for one in ax.texts) > 5
    assert ax.get_title() == "A 784-300-…-10 network, 14 layers"
    assert {"10 more", "layers", "⋯", "input", "dense", "dense_12", "dense_13"} <= set(texts(ax))
    assert "dense_5" not in texts(ax)
    assert [len(one.get_segments()) for one in lines(ax)] == [9, 9, 9]


def near(ax, place, distance):
    """What is written about a place, from the top."""
    found = [one for one in ax.texts if abs(one.get_position() - np.array(place)).max() < distance]
    found.sort(key=lambda one: -one.get_position()[1])
    words = [one.get_text().replace("−", "-") for one in found]
    return [one for one in words if not one.startswith("target")]


def test_a_step_shows_units_by_name_with_values_biases_and_derivatives():
    ax = drawing.plot_network(examples.mazur().trace())
    kernels = np.array([[0.15, 0.25], [0.2, 0.3]]), np.array([[0.4, 0.5], [0.45, 0.55]])
    hidden = 1 / (1 + np.exp(-(np.array(X) @ kernels[0] + 0.35)))
    output = 1 / (1 + np.exp(-(hidden @ kernels[1] + 0.6)))
    delta2 = (output - Y) * output * (1 - output)
    delta1 = (delta2 @ kernels[1].T) * hidden * (1 - hidden)
    expected = [["i1", "0.05"], ["i2", "0.1"]]
    for name, bias, values, deltas in (("h", 1, hidden, delta1), ("o", 2, output, delta2)):
        expected += [
            [f"{name}{unit}", f"{value:.3g}", f"b{bias} {[0, 0.35, 0.6][bias]}", f"δ {delta:.3g}"]
            for unit, value, delta in zip((1, 2), values, deltas, strict=True)
        ]
    assert [near(ax, one.center, 34) for one in circles(ax)] == expected
    assert [one for one in texts(ax) if "target" in one] == ["target 0.01", "target 0.99"]
    assert ax.get_title() == "A 2-2-2 network: loss 0.2984"


def test_a_step_shows_weights_by_name_with_their_derivatives():
    ax = drawing.plot_network(examples.han().trace())
    hidden, output = np.array([0.33181, 0.52498]), 0.47389  # of the text book
    error6 = output * (1 - output) * (1 - output)
    error = hidden * (1 - hidden) * error6 * np.array([-0.3, -0.2])
    expected = {
        **{f"w{i + 1}{j + 4}": (x * error[j], 2 * i + j)
           for i, x in enumerate([1, 0, 1]) for j in range(2)},
        "w46": (hidden[0] * error6, 0), "w56": (hidden[1] * error6, 1),
    }  # fmt: skip
    first, second = lines(ax)
    for name, (change, number) in expected.items():
        [text] = [one for one in ax.texts if one.get_text().startswith(f"{name} ")]
        x, y = text.get_position()
        [below] = [
            one.get_text().replace("−", "-")
            for one in ax.texts
            if one.get_position()[0] == x and 0 < y - one.get_position()[1] < 12
        ]
        assert below.startswith("Err·o ")
        assert float(below.removeprefix("Err·o ")) == pytest.approx(change, rel=5e-3)
        left, right = (second if name.endswith("6") else first).get_segments()[number]
        share = (x - left[0]) / (right[0] - left[0])
        assert abs(y - (left[1] + share * (right[1] - left[1]))) < 6
    assert "Err = -∂E/∂z of a unit's sum z, Err·o = -∂E/∂w of a weight" in texts(ax)
    assert {"theta4 -0.4", "Err -0.00872", "Err 0.131"} <= set(texts(ax))


def test_a_step_of_a_large_network_has_values_and_no_text_on_its_lines():
    model = NETWORKS["digits"]()
    model.compile("sgd", "sparse_categorical_crossentropy")
    step = model.trace(np.ones(784), 3)
    ax = drawing.plot_network(step)
    shown = [one for one in texts(ax) if one.startswith(("W", "b", "δ"))]
    assert shown == []
    assert f"{step.a[2][0, 0]:.3g}" in texts(ax)
    assert {"target 0", "target 1", "776 more"} <= set(texts(ax))


def test_units_show_what_they_make_of_a_row():
    model = textbook()
    ax = drawing.plot_network(model, X, Y)
    kernels = model.get_weights()
    hidden = 1 / (1 + np.exp(-(np.array(X) @ kernels[0] + kernels[1])))
    output = 1 / (1 + np.exp(-(hidden @ kernels[2] + kernels[3])))
    for value, circle in zip([*X, *hidden, *output], circles(ax), strict=True):
        [text] = [one for one in ax.texts if one.get_position() == circle.center]
        assert text.get_text() == f"{value:.3g}"
    assert [one for one in texts(ax) if "target" in one] == ["target 0.01", "target 0.99"]


@pytest.mark.parametrize("size", [None, (3.3, 2.4)])
def test_long_numbers_fit_into_their_units_and_targets_into_the_figure(size):
    values = [-5.48e-05, 3.11e-04, -0.0123456, 1 / 3, -123456.0, 1.5e-300, 0.0, 1.0, -1e300, 2e9]
    model = Sequential([Input((10,)), Dense(10)], seed=0, dtype="float64")
    model.set_weights([np.eye(10), np.zeros(10)])
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    ax = drawing.plot_network(model, values, values, ax=ax)
    check_nothing_collides(ax, circles(ax))
    renderer = settled(ax)
    drawn = circles(ax)
    for value, circle in zip(2 * values[: len(drawn) // 2], drawn, strict=True):
        [text] = [one for one in ax.texts if one.get_position() == circle.center]
        within = text.get_window_extent(renderer)
        assert within.width < circle.get_window_extent(renderer).width
        number = float(text.get_text().replace("−", "-"))
        assert number == pytest.approx(value, rel=0.1)


def test_a_class_stands_beside_its_unit():
    model = layered(Dense(3, "softmax"), shape=(2,))
    found = texts(drawing.plot_network(model, X, 2))
    assert [one for one in found if "target" in one] == ["target 0", "target 0", "target 1"]


def test_few_weights_and_biases_are_written_where_they_belong():
    model = textbook()
    ax = drawing.plot_network(model)
    first, second = lines(ax)
    kernels = [one for one in model.get_weights() if one.ndim == 2]
    for drawn, kernel in zip((first, second), kernels, strict=True):
        for segment, weight in zip(drawn.get_segments(), kernel.ravel(), strict=True):
            [text] = [
                one for one in ax.texts if one.get_text() == f"{weight:.3g}".replace("-", "−")
            ]
            (x, y), (left, right) = text.get_position(), segment
            share = (x - left[0]) / (right[0] - left[0])
            assert 0 < share < 1
            assert y == pytest.approx(left[1] + share * (right[1] - left[1]))
    assert {"b 0.35", "b 0.36", "b 0.6", "b -0.61"} <= set(texts(ax))


def test_lines_are_wider_for_larger_weights_and_dashed_for_negative_ones():
    model = textbook()
    first, _ = lines(drawing.plot_network(model))
    weights = model.layers[0].kernel.ravel()
    widths = np.array(first.get_linewidths())
    assert (np.argsort(widths) == np.argsort(abs(weights))).all()
    slope = np.diff(np.sort(widths)) / np.diff(np.sort(abs(weights)))
    np.testing.assert_allclose(slope, slope[0])
    dashed = [dash is not None for _, dash in first.get_linestyles()]
    assert dashed == (weights < 0).tolist()


def test_wide_layers_are_folded_and_say_how_many_more_there_are():
    ax = drawing.plot_network(NETWORKS["digits"]())
    assert ax.get_title() == "A 784-300-100-10 network"
    assert {"776 more", "292 more", "92 more"} <= set(texts(ax))
    assert len(circles(ax)) == 8 + 8 + 8 + 10
    assert [len(one.get_segments()) for one in lines(ax)] == [64, 64, 80]
    assert not [one for one in texts(ax) if one.startswith("b ")]


def test_on_small_axes_fewer_units_are_drawn_and_can_be_read():
    ax = Figure((3.3, 2.4), layout="constrained").add_subplot()
    drawing.plot_network(NETWORKS["digits"](), ax=ax)
    check_nothing_collides(ax, circles(ax))
    assert "297 more" in texts(ax)
    assert min(one.get_fontsize() for one in ax.texts) > 5


def test_layers_without_weights_of_their_own_hand_units_on_one_by_one():
    ax = drawing.plot_network(NETWORKS["pictures"]())
    by_column = [len(one.get_segments()) for one in lines(ax)]
    assert by_column == [8, 64, 8, 8, 8]  # the picture to pixels, a kernel, two layers, a kernel
    assert {"28 × 28", "30 units", "dropout", "batch_normalization"} <= set(texts(ax))


def test_the_loss_of_a_compiled_model_is_told():
    ax = drawing.plot_network(examples.mazur().model, X, Y)
    outputs = 0.75136507, 0.772928465  # of the textbook
    loss = sum((o - t) ** 2 for o, t in zip(outputs, Y, strict=True)) / 2
    assert ax.get_title() == f"A 2-2-2 network: loss {loss:.4g}"


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, ("model",), "model must be Sequential, got str"),
        (SettingError, (Sequential([Dense(2)]),), "no input shape yet"),
        (ShapeError, (textbook(), np.ones((3, 2))), r"one row, shape \(2,\) or \(1, 2\), got"),
        (ShapeError, (textbook(), X, [1.0, 2.0, 3.0]), "target of one row, got .* 2 outputs"),
        (SettingError, (textbook(), None, Y), "give the row as X too"),
        (InputTypeError, (textbook(), ["a", "b"]), "X must be numbers"),
        (SettingError, (examples.mazur().trace(), X), "row and a target of its own; leave X"),
        (ShapeError, (examples.matrix_form().trace(),), "a step of one row, got one of 8; trace"),
        (InputTypeError, (textbook(), None, None, 3), "needs axes of matplotlib, got int"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_network(*arguments)
