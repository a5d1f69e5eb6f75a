"""Pictures on a dark ground, of matplotlib's style or of one's own, are as readable as on white."""

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from tests.drawing.diagrams import settled
from tests.drawing.test_boundary import wedges
from tests.drawing.test_explained import curve, record

from chainrule import Sequential, drawing, examples, learning_rate_range_test
from chainrule.drawing.canvas import paper
from chainrule.layers import Dense, Input

X = np.linspace(-1.0, 1.0, 40)[:, None]
Y = (X > 0.2).astype(float)


def trained():
    model = Sequential([Input((1,)), Dense(3, "tanh"), Dense(1, "sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy")
    history = model.fit(X, Y, batch_size=8, epochs=4, verbose=0, validation_data=(X[::3], Y[::3]))
    return model, history


def approximation():
    return drawing.plot_approximation({name: trained()[0] for name in "abc"}, X, Y)


def learning_rates():
    return drawing.plot_learning_rate_range(learning_rate_range_test(trained()[0], X, Y))


def hidden_unit():
    model = Sequential([Input((2,)), Dense(4, "tanh"), Dense(6, "softmax")], seed=0)
    return drawing.plot_hidden_unit(model, np.random.default_rng(0).normal(size=(50, 2)), 0, 1)[0]


def judgment(place):
    curves = {str(k): ([0.0, 0.1 * k, 1.0], [0.0, 0.5, 1.0]) for k in range(6)}
    groups = ([0.1, 0.8], [0.2, 0.7], [0.1, 0.6], [0.3, 0.8])
    ax = drawing.plot_judgment(curves, curves, groups, np.eye(6) * 9 + 1, range(6))
    return ax[place]


def attributions():
    values = np.random.default_rng(0).normal(size=(60, 3))
    return drawing.plot_attributions("abc", values, [values[:, 0], None, values[:, 2]], "y")


ROWS = [1.0, 2.0, 3.0], [[0.5, 1.5, 2.5]]
MISSING = {"grid": [20.0, 30.0, 50.0, None], "missing": 2}
KINDS = {str(kind): [1.0, kind] for kind in range(6)}
PICTURES = {
    "activation": lambda: drawing.plot_activation("tanh"),
    "approximation": approximation,
    "attributions": attributions,
    "bars": lambda: drawing.plot_bars(KINDS),
    "boundary": lambda: drawing.plot_decision_boundary(*wedges(7), range(7)),
    "contributions": lambda: drawing.plot_contributions(list("abc"), [2.0, -1.0, 0.5], "y"),
    "dependence": lambda: drawing.plot_dependence(record([curve("yes", [1.0, 2.0, 3.0])] * 6)),
    "dependence of rows": lambda: drawing.plot_dependence(record([curve("a", *ROWS)])),
    "dependence of missing": lambda: drawing.plot_dependence(
        record([curve("a", [1.0, 2.0, 3.0, 2.0], [[1.0, 2.0, 3.0, 2.5]])], **MISSING)
    ),
    "gradients": lambda: drawing.plot_gradient_norms(KINDS),
    "graph": lambda: drawing.plot_graph(examples.mazur().model.trace([0.05, 0.1], [0.01, 0.99])),
    "hidden unit": hidden_unit,
    "history": lambda: drawing.plot_history(trained()[1])[0],
    "judgment": lambda: judgment(0),
    "learning curve": lambda: drawing.plot_learning_curve([1, 2], np.eye(2), np.ones((2, 2))),
    "importance": lambda: drawing.plot_importance("ab", [2.0, -1.0], [(1.0, 3.0), None], "y"),
    "network": lambda: drawing.plot_network(Sequential([Input((9,)), Dense(8), Dense(3)], seed=0)),
    "paths": lambda: drawing.plot_optimizer_paths(steps=9)[0],
    "range": learning_rates,
    "rates": lambda: drawing.plot_learning_rates(epochs=9),
    "residuals": lambda: drawing.plot_residuals(X[:, 0], X[:, 0] ** 2)[0],
    "step": lambda: drawing.plot_network(examples.mazur().trace()),
    "sums": lambda: drawing.plot_running_sums(np.ones((3, 6)), np.ones(6)),
    "waterfall": lambda: drawing.plot_waterfall(list("abc"), [2.0, -1.0, 0.5], 1.0, "y"),
    "weights": lambda: drawing.plot_weights(examples.mazur().model),
}
DIAGRAMS = ("graph", "network", "step")
WORDS = dict.fromkeys(
    ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], "#eeeeee"
)
STYLES = {
    "black": "dark_background",
    "blue": {"figure.facecolor": "#1e1e2e", "axes.facecolor": "#1e1e2e", **WORDS},
}


@pytest.fixture(params=STYLES)
def _dark(request):
    with pyplot.style.context(STYLES[request.param]):
        yield


def luminance(colors):
    """Of red, green and blue, as the web's rules for contrast say (WCAG 2)."""
    colors = np.asarray(colors, float)[..., :3]
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def contrast(first, second):
    low, high = np.sort([luminance(first), luminance(second)], axis=0)
    return (high + 0.05) / (low + 0.05)


def strokes(ax):
    """The colors of all lines: curves, weights, arrows, and the edges of bars and boxes."""
    found = [line.get_color() for line in ax.get_lines()]
    found += [line.get_markeredgecolor() for line in ax.get_lines() if line.get_marker() != "None"]
    for one in ax.collections:
        if isinstance(one, LineCollection):
            found += list(one.get_colors())
    for one in [*ax.patches, *(bar for bars in ax.containers for bar in bars)]:
        solid = isinstance(one, Polygon) and not isinstance(one, PathPatch | FancyBboxPatch)
        found.append(one.get_facecolor() if solid else one.get_edgecolor())
    return [to_rgb(one) for one in found if to_rgba(one)[3]]


def words(ax):
    legend = ax.get_legend()
    named = [] if legend is None else [*legend.get_texts(), legend.get_title()]
    return [one for one in [*ax.texts, ax.title, *named] if one.get_text().strip()]


@pytest.mark.usefixtures("_dark")
@pytest.mark.parametrize("name", PICTURES)
def test_lines_and_words_stand_out_from_a_dark_ground(name):
    figure = PICTURES[name]().figure
    renderer = settled(figure.axes[0])
    image = np.asarray(renderer.buffer_rgba())[::-1] / 255
    for ax in figure.axes:
        for color in strokes(ax):
            assert contrast(color, to_rgb(pyplot.rcParams["axes.facecolor"])) >= 3
        for text in words(ax):
            x0, y0, x1, y1 = np.array(text.get_window_extent(renderer).extents, int)
            seen = image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].reshape(-1, 4)
            bright = luminance(seen)
            assert (bright.max() + 0.05) / (bright.min() + 0.05) >= 3, text


@pytest.mark.usefixtures("_dark")
@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_on_a_dark_ground_has_no_light_boxes(name):
    image = np.asarray(settled(PICTURES[name]()).buffer_rgba()) / 255
    assert np.mean(luminance(image) > 0.5) < 0.1


def test_the_ground_is_the_face_of_axes_and_of_a_diagram_that_of_its_figure():
    figure = Figure(facecolor="#ffffff")
    ax = figure.add_subplot(facecolor="#000000")
    assert paper(ax) == "#000000"
    ax.set_facecolor((0.0, 0.0, 0.0, 0.0))
    assert paper(ax) == "#ffffff"
    ax.set_facecolor("#000000")
    drawing.plot_network(Sequential([Input((2,)), Dense(1)], seed=0), ax=ax)
    assert {text.get_color() for text in ax.texts} == {"#000000", "#444444"}
