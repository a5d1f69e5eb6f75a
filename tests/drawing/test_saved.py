"""Pictures in files: small as SVG, and on the ground that a style saves them on."""

import io

import numpy as np
import pytest
from matplotlib import pyplot
from tests.drawing.diagrams import settled
from tests.drawing.test_boundary import wedges
from tests.drawing.test_dark import DIAGRAMS, PICTURES

from chainrule import Sequential, drawing
from chainrule.layers import Dense, Input

LARGEST = 300_000
WIDE = Sequential([Input((784,)), Dense(300, "relu"), Dense(64), Dense(10)], seed=0)
LARGE = {
    "heat map": lambda: drawing.plot_weight_images(WIDE, 1)[0],
    "images": lambda: drawing.plot_weight_images(WIDE)[0],
    "network of many": lambda: drawing.plot_network(WIDE),
    "rates of many epochs": lambda: drawing.plot_learning_rates(epochs=1000),
    "two classes": lambda: drawing.plot_decision_boundary(*wedges(2), range(2)),
    "units": lambda: drawing.plot_boundaries_by_units((3, 6, 20), epochs=50)[0],
}


@pytest.mark.parametrize("name", [*PICTURES, *LARGE])
def test_the_svg_of_a_picture_is_small(name):
    text = drawing.svg_of((PICTURES | LARGE)[name])
    assert len(text) < LARGEST
    assert pyplot.get_fignums() == []


def share(image, grey):
    """Of the pixels of an image, those that have just this shade of grey and hide the page."""
    return np.mean((abs(image[..., :3] - grey) < 0.002).all(axis=-1) & (image[..., 3] == 1))


def saved(figure, **settings):
    file = io.BytesIO()
    figure.savefig(file, format="png", **settings)
    return pyplot.imread(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_boxes_have_the_ground_of_the_figure_shown_and_of_the_one_saved(name):
    with pyplot.style.context("grayscale"):  # shows figures on grey and saves them on white
        figure = PICTURES[name]().figure
        assert share(np.asarray(settled(figure.axes[0]).buffer_rgba()) / 255, 1.0) == 0
        image = saved(figure)
        assert share(image, 1.0) > 0.5
        assert share(image, 0.75) < 0.001
        assert share(saved(figure, facecolor="0.9"), 1.0) == 0
        assert 0.01 < share(saved(figure, transparent=True), 0.75) < 0.3
