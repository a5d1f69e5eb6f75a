"""Pictures need no screen, are shown by pyplot, and are readable without color."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chainrule import drawing, examples
from chainrule.drawing.canvas import legend_above, line_style, several_axes
from chainrule.errors import InputTypeError, SettingError

PICTURES = {
    "activation": lambda: drawing.plot_activation("softmax"),
    "boundaries": lambda: drawing.plot_boundaries_by_units((2, 3), epochs=5)[0],
    "paths": lambda: drawing.plot_optimizer_paths(steps=9)[0],
    "rates": lambda: drawing.plot_learning_rates(epochs=9),
    "gradients": lambda: drawing.plot_gradient_norms({"a": [1.0, 10.0, 100.0]}),
    "rows": lambda: examples.matrix_form().plot(),
    "softmax": lambda: examples.softmax_examples().plot(),
    "linear": lambda: examples.linear_collapse().plot(),
    "coefficients": lambda: examples.logistic_regression().plot(),
    "weights": lambda: drawing.plot_weights(examples.mazur().model),
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
def test_a_new_figure_is_the_current_one_of_pyplot_and_can_be_written(name):
    ax = PICTURES[name]()
    assert pyplot.get_fignums() == [ax.figure.number]
    assert pyplot.gcf() is ax.figure
    assert isinstance(ax, Axes)
    file = io.BytesIO()
    ax.figure.savefig(file, format="png")
    assert file.getvalue()[:4] == b"\x89PNG"


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


def test_pictures_need_no_screen_and_pyplot_only_for_new_figures():
    code = (
        "import sys, io, chainrule as cr\n"
        "from matplotlib.figure import Figure\n"
        "cr.plot_activation('tanh', ax=Figure().add_subplot())\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
        "cr.drawing.plot_optimizer_paths(steps=3)[0].figure.savefig(io.BytesIO())\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    unseen = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    environment = {name: value for name, value in os.environ.items() if name not in unseen}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "False\nTrue\n"


def test_where_axes_are_given_no_figure_is_made():
    figure, ax = pyplot.subplots()
    assert drawing.plot_activation("relu", ax=ax) is ax
    assert examples.xor([0]).plot(ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    drawing.plot_optimizer_paths(steps=3, axes=Figure().subplots(1, 2))
    assert pyplot.get_fignums() == [figure.number]


def test_what_is_refused_leaves_no_empty_figure():
    with pytest.raises(InputTypeError):
        drawing.plot_gradient_norms({"a": "1.0"})
    with pytest.raises(InputTypeError):
        drawing.plot_approximation({"a": 3}, [0.0, 1.0], [0.0, 1.0])
    with pytest.raises(InputTypeError):
        drawing.plot_optimizer_paths(surfaces=lambda x, y: 1.0)
    assert not pyplot.get_fignums()


NOTEBOOK = """
import nbformat
from nbclient import NotebookClient

cells = ["import chainrule as cr\\ncr.plot_activation('tanh')", "1"]
cells += ["cr.drawing.plot_optimizer_paths(steps=3)"]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, kernel_name="python3").execute()
outputs = [cell.outputs for cell in notebook.cells]
print([sum("image/png" in one.get("data", ()) for one in some) for some in outputs])
"""


def test_a_notebook_shows_a_picture_below_the_cell_once():
    for library in ("nbclient", "nbformat", "ipykernel", "matplotlib_inline"):
        pytest.importorskip(library)
    run = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "[1, 0, 1]\n"


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_legend_above_hides_no_line(scale):
    ax = Figure(figsize=(5.0, 4.0)).add_subplot()
    for index in range(5):
        ax.plot([1.0, 2.0, 3.0], [3.0 + index, 1.0, 50.0], label=f"line {index}")
    ax.set_yscale(scale)
    legend_above(ax)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    box = ax.get_legend().get_window_extent(canvas.get_renderer())
    highest = ax.transData.transform([(1.0, 50.0)])[0, 1]
    assert highest < box.y0
    assert box.y1 < ax.bbox.y1


@pytest.mark.parametrize("ground", ["white", "black"])
def test_lines_differ_without_color(ground):
    ax = Figure().add_subplot(facecolor=ground)
    dashes = [str(line_style(ax, index)["linestyle"]) for index in range(6)]
    assert len(set(dashes)) == 6
    every = {str(line_style(ax, index)) for index in range(36)}
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
