"""Pictures of weights: histograms hold every weight, images are the columns of a kernel."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chainrule import Sequential, drawing
from chainrule.drawing.weights import SHADES
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, Dropout, Flatten, Input


def model(shape=(8, 8)):
    flat = [Flatten()] if len(shape) > 1 else []
    layers = [*flat, Dense(20, "relu"), Dropout(0.2), Dense(10, "softmax")]
    return Sequential([Input(shape), *layers], seed=0)


def test_a_histogram_counts_every_weight_of_a_layer():
    given = model()
    ax = drawing.plot_weights(given)
    kernels = [one for one in given.get_weights() if one.ndim == 2]
    assert len(ax.get_lines()) == 2
    for line, kernel in zip(ax.get_lines(), kernels, strict=True):
        edges = line.get_xdata()[::2]
        counts = line.get_ydata()[1:-1:2] * np.diff(edges) * kernel.size
        by_hand = [
            ((kernel >= low) & ((kernel < high) | (high == edges[-1]))).sum()
            for low, high in zip(edges, edges[1:], strict=False)
        ]
        np.testing.assert_allclose(counts, by_hand, atol=1e-6)
        assert round(counts.sum()) == kernel.size
        assert f"{kernel.size:,}, std {kernel.std():.3g}" in line.get_label()
    first, second = ax.get_lines()
    assert first.get_linestyle() != second.get_linestyle()


def test_one_layer_may_be_chosen_by_name_or_position():
    for layer in ("dense_1", 3, -1):
        [line] = drawing.plot_weights(model(), layer).get_lines()
        assert line.get_label().startswith("dense_1: 200,")


def test_equal_weights_are_drawn_too():
    given = model()
    given.set_weights([0 * one for one in given.get_weights()])
    heights = [line.get_ydata().max() for line in drawing.plot_weights(given).get_lines()]
    assert min(heights) > 0
    assert drawing.plot_weight_images(given)[0].get_images()[0].get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize("size", [(6.4, 4.2), (3.3, 2.4)])
def test_the_legend_hides_no_line_and_is_inside_the_figure(size):
    figure = Figure(size, layout="constrained")
    ax = drawing.plot_weights(model(), ax=figure.add_subplot())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = ax.get_legend().get_window_extent(canvas.get_renderer())
    highest = max(line.get_ydata().max() for line in ax.get_lines())
    assert ax.transData.transform([(0.0, highest)])[0, 1] < box.y0
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("shape", [(8, 8), (64,), (4, 16), (4, 16, 1)])
def test_an_image_is_what_leads_into_a_unit(shape):
    given = model(shape)
    axes = drawing.plot_weight_images(given, units=[3, 17])
    assert [ax.get_title() for ax in axes] == ["unit 4", "unit 18"]
    kernel = given.get_layer("dense").kernel
    limit = abs(kernel[:, [3, 17]]).max()
    for ax, unit in zip(axes, (3, 17), strict=True):
        [image] = ax.get_images()
        height, width = (8, 8) if shape == (64,) else shape[:2]
        assert image.get_array().shape == (height, width)
        for place in range(64):
            assert image.get_array()[divmod(place, width)] == kernel[place, unit]
        assert image.get_clim() == pytest.approx((-limit, limit))


def test_the_first_units_are_drawn_side_by_side_with_one_scale():
    axes = drawing.plot_weight_images(model())
    assert len(axes) == 16
    assert len(axes[0].figure.axes) == 17  # and the color bar
    assert len({ax.get_images()[0].get_clim() for ax in axes}) == 1


def test_what_is_no_image_is_a_heat_map_with_names():
    given = Sequential([Input((3,)), Dense(4), Dense(2)], seed=0)
    [ax] = drawing.plot_weight_images(given, names=["age", "height", "income"])
    np.testing.assert_array_equal(ax.get_images()[0].get_array(), given.layers[0].kernel)
    assert [one.get_text() for one in ax.get_yticklabels()] == ["age", "height", "income"]
    assert [one.get_text() for one in ax.get_xticklabels()] == ["1", "2", "3", "4"]
    [ax] = drawing.plot_weight_images(given, "dense_1", units=[1])
    np.testing.assert_array_equal(ax.get_images()[0].get_array(), given.layers[1].kernel[:, 1:])
    assert ax.get_xticklabels()[0].get_text() == "2"


def test_a_later_layer_is_an_image_where_a_shape_is_given():
    given = model()
    [ax] = drawing.plot_weight_images(given, "dense_1", (4, 5), [2])
    image = ax.get_images()[0].get_array()
    np.testing.assert_array_equal(image.ravel(), given.get_layer("dense_1").kernel[:, 2])
    assert len(drawing.plot_weight_images(given, "dense_1")) == 1


def test_shades_are_lighter_for_larger_weights_without_color():
    shades = np.array([[int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)] for one in SHADES])
    grey = shades @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 0.1).all()
    assert np.ptp(shades[2]) == 0  # 0 is grey in color too
    assert 0.4 < grey[2] < 0.75


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, {"model": 3}, "model must be Sequential, got int"),
        (SettingError, {"model": Sequential([Dense(1)])}, "no input shape yet"),
        (SettingError, {"layer": "dense_2"}, "layer 'dense_2' is not known; did you mean"),
        (SettingError, {"layer": 9}, "layer must be a name or a position from 0 to 3, got 9"),
        (SettingError, {"layer": "dropout"}, "layer 'dropout' has no weights .* dense, dense_1"),
        (SettingError, {"units": [20]}, "units must be from 0 to 19, got 20"),
        (SettingError, {"units": 3}, "units must be one whole number or more in a list"),
        (ShapeError, {"shape": (8, 9)}, r"shape must be the height and width of 64 inputs, got"),
        (ShapeError, {"shape": (64,)}, r"shape must be the height and width of 64 inputs, got"),
        (ShapeError, {"layer": "dense_1", "names": ["a"]}, "names must be 20, one an input, got 1"),
        (SettingError, {"shape": 8}, "shape must be one whole number or more in a list, got 8"),
        (SettingError, {"axes": [Figure().add_subplot()]}, "draws 16 pictures"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_weight_images(**{"model": model()} | arguments)


def test_weights_that_are_not_finite_are_told_of():
    given = model()
    given.get_layer("dense").kernel = given.get_layer("dense").kernel * np.nan
    first, second = drawing.plot_weights(given).get_lines()
    assert first.get_label() == "dense: 1,280, std nan"
    assert not first.get_ydata().any()
    assert second.get_ydata().any()
    with pytest.raises(DataError, match="no weight of dense is finite"):
        drawing.plot_weights(given, "dense")


def test_layers_without_weights_have_no_histogram():
    with pytest.raises(SettingError, match="plot_weights: no weights in dropout"):
        drawing.plot_weights(model(), "dropout")
