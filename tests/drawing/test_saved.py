"""Pictures in files: an SVG of any of them is small enough to be sent and to open at once."""

import pytest
from matplotlib import pyplot
from tests.drawing.test_boundary import wedges
from tests.drawing.test_dark import PICTURES

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
