"""Pictures need no screen, leave nothing open, and are readable without color."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from chainrule import drawing, examples
from chainrule.drawing.canvas import line_style, several_axes
from chainrule.errors import SettingError

PICTURES = {
    "activation": lambda: drawing.plot_activation("softmax"),
    "boundaries": lambda: drawing.plot_boundaries_by_units((2, 3), epochs=5)[0],
    "paths": lambda: drawing.plot_optimizer_paths(steps=9)[0],
    "rates": lambda: drawing.plot_learning_rates(epochs=9),
    "gradients": lambda: drawing.plot_gradient_norms({"a": [1.0, 10.0, 100.0]}),
    "circles": lambda: examples.circles(epochs=5).plot(),
    "xor": lambda: examples.xor([0]).plot(),
    "xnor": lambda: examples.xnor([0]).plot(),
    "perceptron": lambda: examples.perceptron_failure().plot(),
    "basis": lambda: examples.fixed_basis().plot(),
    "sine": lambda: examples.universal_approximation([3]).plot(),
    "zeros": lambda: examples.symmetric_zeros(20).plot(),
    "vanishing": lambda: examples.vanishing([5], [0]).plot(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_written_and_nothing_stays_open(name):
    ax = PICTURES[name]()
    assert isinstance(ax, Axes)
    file = io.BytesIO()
    ax.figure.savefig(file, format="png")
    assert file.getvalue()[:4] == b"\x89PNG"
    from matplotlib import pyplot

    assert not pyplot.get_fignums()


@pytest.mark.parametrize("name", PICTURES)
def test_every_axes_has_a_title_and_labels_that_do_not_overlap(name):
    figure = PICTURES[name]().figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert figure.get_constrained_layout() or figure.get_layout_engine() is not None
    boxes = []
    for place, ax in enumerate(figure.axes):
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel() or place  # one on the left is enough where the axes are alike
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label]
        ticks = [
            label
            for axis in (ax.xaxis, ax.yaxis)
            for label, at in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
            if min(axis.get_view_interval()) <= at <= max(axis.get_view_interval())
        ]
        seen = [one for one in (*texts, *ticks) if one.get_text() and one.get_visible()]
        boxes += [one.get_window_extent(canvas.get_renderer()) for one in seen]
    inside = figure.bbox
    boxes = [box for box in boxes if box.width and box.height]
    for index, box in enumerate(boxes):
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1
        for other in boxes[:index]:
            assert not box.padded(-1).overlaps(other.padded(-1))


def test_pictures_need_neither_a_screen_nor_pyplot():
    code = (
        "import sys, io, chainrule as cr\n"
        "ax = cr.plot_activation('tanh')\n"
        "ax.figure.savefig(io.BytesIO(), format='png')\n"
        "cr.drawing.plot_optimizer_paths(steps=3)[0].figure.savefig(io.BytesIO())\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    unseen = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    environment = {name: value for name, value in os.environ.items() if name not in unseen}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "False\n"


def test_axes_of_pyplot_are_drawn_on_and_stay_the_users():
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    try:
        assert drawing.plot_activation("relu", ax=ax) is ax
        assert pyplot.get_fignums() == [figure.number]
    finally:
        pyplot.close(figure)


def test_lines_differ_without_color():
    dashes = [str(line_style(index)["linestyle"]) for index in range(6)]
    assert len(set(dashes)) == 6
    every = {str(line_style(index)) for index in range(36)}
    assert len(every) == 36


def test_axes_must_be_as_many_as_pictures():
    axes = several_axes(None, "test", 3)
    words = "plot_optimizer_paths: draws 2 pictures and needs as many axes, got 3"
    with pytest.raises(SettingError, match=words):
        drawing.plot_optimizer_paths(axes=axes)


def test_new_axes_stand_side_by_side():
    first, second = several_axes(None, "test", 2, (3.0, 2.0))
    np.testing.assert_allclose(first.figure.get_size_inches(), [6.0, 2.0])
    assert first.get_position().x1 <= second.get_position().x0
