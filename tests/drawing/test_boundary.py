"""Decision boundaries: where they run, and which rows are drawn."""

import colorsys

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from tests.drawing.diagrams import settled

from chainrule import Sequential, drawing
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, Input

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def network(kernel, bias, activation=None):
    kernel = np.array(kernel, float)
    model = Sequential([Input((2,)), Dense(kernel.shape[1], activation)], dtype="float64")
    model.set_weights([kernel, np.array(bias, float)])
    return model


def lines(ax):
    """The places of the boundary lines."""
    found = [one for one in ax.collections if isinstance(one, ContourSet) and not one.filled]
    return [path.vertices for one in found for path in one.get_paths() if len(path.vertices)]


def points(ax):
    drawn = [one for one in ax.collections if isinstance(one, PathCollection)]
    return {one.get_label(): np.asarray(one.get_offsets()) for one in drawn}


@pytest.mark.parametrize("activation, bias", [("sigmoid", -0.3), (None, 0.2)])
def test_the_boundary_of_one_output_is_where_it_is_a_half(activation, bias):
    ax = drawing.plot_decision_boundary(
        network([[2.0], [-1.0]], [bias], activation), X * [1.0, 3.0], [0, 1, 0, 1]
    )
    [line] = lines(ax)
    half = 0.0 if activation else 0.5
    np.testing.assert_allclose(line @ [2.0, -1.0] + bias, half, atol=1e-3)
    assert len(line) > 50


def test_the_boundary_of_several_outputs_is_where_another_wins():
    model = network([[1.0, 0.0, -1.0], [0.0, 2.0, -1.0]], [0.0, -0.5, 0.7], "softmax")
    ax = drawing.plot_decision_boundary(model, X, [0, 1, 2, 1])
    found = lines(ax)
    assert len(found) >= 3
    for line in found:
        scores = np.sort(model.predict(line), axis=1)
        assert np.median(abs(scores[:, -1] - scores[:, -2])) < 1e-3


@pytest.mark.parametrize("size", [None, (2.5, 2.2)])
@pytest.mark.parametrize("classes", [[0, 1, 1, 0], [0, 1, 2, 3]])
def test_the_legend_lies_on_no_place_of_the_plane(size, classes):
    ax = None if size is None else Figure(size, layout="constrained").add_subplot()
    ax = drawing.plot_decision_boundary(network([[1.0] * 4, [2.0] * 4], [0.0] * 4), X, classes, ax)
    extent = ax.get_legend().get_window_extent(settled(ax))
    above = ax.transData.inverted().transform([extent.p0, extent.p1])[:, 1]
    assert above.min() > 1.15  # where the plane ends


def test_a_flat_output_has_no_boundary():
    assert not lines(
        drawing.plot_decision_boundary(network([[0.0], [1e-9]], [0.5]), X, [0, 1, 1, 0])
    )


@pytest.mark.parametrize(
    "y", [[0, 1, 1, 0], [[0.0], [1.0], [1.0], [0.0]], [False, True, True, False]]
)
def test_rows_are_drawn_by_class_each_with_its_marker(y):
    ax = drawing.plot_decision_boundary(network([[1.0], [1.0]], [0.0]), X, y)
    drawn = points(ax)
    assert drawn["class 0"].tolist() == [[0, 0], [1, 1]]
    assert drawn["class 1"].tolist() == [[1, 0], [0, 1]]
    markers = [one for one in ax.collections if isinstance(one, PathCollection)]
    assert len({len(one.get_paths()[0].vertices) for one in markers}) == 2
    (low, high), (down, up) = ax.get_xlim(), ax.get_ylim()
    assert low < 0 < 1 < high
    assert down < 0 < 1 < up


def wedges(classes):
    """A network for which each class wins around one place of a circle; and these places."""
    turns = 2 * np.pi * np.arange(classes) / classes
    places = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return network(places.T, [0.0] * classes, "softmax"), places


@pytest.mark.parametrize("classes", [3, 4, 7])
def test_the_region_of_a_class_has_the_color_of_its_rows_and_differs_in_grey(classes):
    model, places = wedges(classes)
    ax = drawing.plot_decision_boundary(model, places, range(classes))
    image = np.asarray(settled(ax).buffer_rgba())[::-1, :, :3] / 255
    fills = [
        one.get_facecolor()[0, :3] for one in ax.collections if isinstance(one, PathCollection)
    ]
    greys = []
    for place, fill in zip(places, fills, strict=True):
        across, up = ax.transData.transform(0.75 * place).astype(int)
        tint = image[up, across]
        hue, _, saturation = colorsys.rgb_to_hsv(*fill)
        if saturation:
            assert colorsys.rgb_to_hsv(*tint)[0] == pytest.approx(hue, abs=0.03)
        else:
            np.testing.assert_allclose(tint, fill, atol=0.01)
        assert tint.mean() >= fill.mean()
        greys.append(tint @ (0.299, 0.587, 0.114))
    assert len(fills) == classes
    assert np.diff(np.sort(greys)).min() > 0.05
    [mesh] = [one for one in ax.collections if isinstance(one, QuadMesh)]
    assert len(set(map(tuple, mesh.to_rgba(mesh.get_array()).reshape(-1, 4)))) == classes


def test_networks_of_several_widths_stand_side_by_side():
    axes = drawing.plot_boundaries_by_units((3, 6, 20), epochs=400)
    assert [ax.get_title() for ax in axes] == [f"{n} hidden units" for n in (3, 6, 20)]
    assert len({ax.figure for ax in axes}) == 1
    for ax in axes:
        assert lines(ax)
        assert sum(len(one) for one in points(ax).values()) == 120
    assert [ax.get_legend() is None for ax in axes] == [False, True, True]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1


def test_only_where_a_legend_is_the_plane_ends_below_the_frame():
    axes = drawing.plot_boundaries_by_units((3, 6, 20), epochs=3)
    for ax in axes:
        [shades] = [one for one in ax.collections if isinstance(one, ContourSet) and one.filled]
        highest = max(path.vertices[:, 1].max() for path in shades.get_paths() if len(path))
        assert (highest == pytest.approx(ax.get_ylim()[1])) == (ax.get_legend() is None)


def test_wider_networks_fit_the_same_rows_closer():
    one, many = drawing.plot_boundaries_by_units([1, 20])
    lengths = [
        sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines(ax)) for ax in (one, many)
    ]
    assert lengths[1] > 1.5 * lengths[0]


def test_rows_of_ones_own_are_drawn_on_axes_of_ones_own():
    given = Figure().subplots(1, 2)
    axes = drawing.plot_boundaries_by_units((2, 3), X, [0, 1, 1, 0], epochs=3, axes=given)
    assert axes == list(given)
    assert points(axes[1])["class 1"].tolist() == [[1, 0], [0, 1]]


MODEL = network([[1.0], [1.0]], [0.0])


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, ("model", X, [0, 1, 1, 0]), "needs a model with predict, got str"),
        (ShapeError, (MODEL, X[:, :1], [0, 1, 1, 0]), r"rows of two numbers, got shape \(4, 1\)"),
        (ShapeError, (MODEL, X[:0], []), "rows of two numbers, got shape"),
        (ShapeError, (MODEL, X, [0, 1]), "one class a row"),
        (DataError, (MODEL, X, [0, 1, 0.5, 1]), "whole numbers from 0"),
        (DataError, (MODEL, X, ["a", "b", "a", "b"]), "whole numbers from 0"),
        (DataError, (MODEL, X, [-1, 1, 0, 1]), "whole numbers from 0"),
        (DataError, (MODEL, X * np.nan, [0, 1, 0, 1]), "X must be finite"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_decision_boundary(*arguments)


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"units": 3}, "units must be one whole number or more in a list, got 3"),
        ({"units": [0]}, "units must be a whole number of 1 or more"),
        ({"X": X}, "X and y belong together"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"units": (3, 6), "axes": Figure().subplots(1, 3)}, "draws 2 pictures"),
    ],
)
def test_wrong_settings_get_a_sentence(settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        drawing.plot_boundaries_by_units(**settings)
