"""Legends and titles on small axes: they stay inside, and leave what is drawn in sight."""

import itertools

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from tests.drawing.diagrams import settled
from tests.drawing.test_boundary import wedges
from tests.drawing.test_explained import curve, record

from chainrule import Sequential, drawing, examples, learning_rate_range_test
from chainrule.layers import Dense, Input

SIZE = (3.1, 2.3)
X = np.linspace(-1.0, 1.0, 40)[:, None]
MISSING = record(
    [curve("yes", [1.0, 2.0, 3.0, 2.5], [[0.5, 1.5, 2.5, 2.0]])],
    grid=[20.0, 30.0, 50.0, None], missing=2,
)  # fmt: skip
MANY = record([curve(name, [1.0, 2.0, 3.0]) for name in ("first", "second", "third", "fourth")])
WAVES = {f"{units} hidden units": np.cumsum(np.full(9, units)) for units in range(2, 6)}


def trained():
    model = Sequential([Input((1,)), Dense(3, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    history = model.fit(X, X**2, batch_size=8, epochs=20, verbose=0, validation_data=(X, X**2))
    return model, history


def many_outputs(*axes):
    model = Sequential([Input((2,)), Dense(4, "tanh"), Dense(10, "softmax")], seed=0)
    rows = np.random.default_rng(0).normal(size=(50, 2))
    return drawing.plot_hidden_unit(model, rows, 0, 1, axes=axes)


def four_networks(ax):
    return drawing.plot_approximation({name: trained()[0] for name in WAVES}, X, X**2, ax)


def learning_rates(ax):
    return drawing.plot_learning_rate_range(learning_rate_range_test(trained()[0], X, X**2), ax)


def judgment(*axes):
    curves = {f"class {k}": ([0.0, 0.1 * k, 1.0], [0.0, 0.5, 1.0]) for k in range(6)}
    groups = ([0.1, 0.8], [0.2, 0.7], [0.1, 0.6], [0.3, 0.8])
    return drawing.plot_judgment(curves, curves, groups, np.eye(6), range(6), axes)


def learning_curve(ax):
    return drawing.plot_learning_curve([10, 20, 40], np.ones((3, 2)), np.eye(3, 2), "roc_auc", ax)


PICTURES = {
    "activation": (1, lambda ax: drawing.plot_activation("tanh", ax=ax)),
    "approximation": (1, four_networks),
    "bars": (1, lambda ax: drawing.plot_bars(WAVES, ax=ax)),
    "dependence": (1, lambda ax: drawing.plot_dependence(MANY, ax)),
    "missing numbers": (1, lambda ax: drawing.plot_dependence(MISSING, ax)),
    "four classes": (1, lambda ax: drawing.plot_decision_boundary(*wedges(4), range(4), ax)),
    "seven classes": (1, lambda ax: drawing.plot_decision_boundary(*wedges(7), range(7), ax)),
    "gradients": (1, lambda ax: drawing.plot_gradient_norms(WAVES, ax)),
    "hidden unit": (3, many_outputs),
    "history": (2, lambda *axes: drawing.plot_history(trained()[1], axes=axes)),
    "judgment": (4, judgment),
    "learning curve": (1, learning_curve),
    "paths": (2, lambda *axes: drawing.plot_optimizer_paths(axes=axes)),
    "range": (1, learning_rates),
    "rates": (1, lambda ax: drawing.plot_learning_rates(epochs=40, ax=ax)),
    "sums": (1, lambda ax: drawing.plot_running_sums(np.ones((5, 4)), np.full(4, 5.0), ax=ax)),
    "weights": (1, lambda ax: drawing.plot_weights(trained()[0], ax=ax)),
}


LARGE = Sequential([Input((784,)), Dense(300, "relu"), Dense(100), Dense(10)], seed=0)
STEP = examples.mazur().model.trace([0.05, 0.1], [0.01, 0.99])
DIAGRAMS = {
    "graph": (1, lambda ax: drawing.plot_graph(STEP, ax)),
    "network": (1, lambda ax: drawing.plot_network(LARGE, ax=ax)),
    "step": (1, lambda ax: drawing.plot_network(STEP, ax=ax)),
}


def drawn(ax):
    """Many places on all curves and the ends of bars, in pixels; and the rows of a plane."""
    found = []
    for line in ax.get_lines():
        places = line.get_transform().transform(line.get_xydata())
        between = np.linspace(0.0, 1.0, 9)[:, None, None]
        steps = (1 - between) * places[:-1] + between * places[1:] if len(places) > 1 else places
        places = steps.reshape(-1, 2)
        found.append(places[places[:, 1] <= line.get_clip_box().y1])
    for one in ax.collections:
        if isinstance(one, PathCollection):
            found.append(ax.transData.transform(one.get_offsets()))
    for bars in ax.containers:
        found.append([[bar.get_window_extent().x0, bar.get_window_extent().y1] for bar in bars])
    places = np.concatenate(found)
    return places[inside(places, ax.bbox)]


def inside(places, box):
    return ((places >= box.min) & (places <= box.max)).all(axis=1)


@pytest.mark.parametrize("layout", ["constrained", None])
@pytest.mark.parametrize("name", PICTURES)
def test_a_legend_on_small_axes_is_inside_and_hides_little(name, layout):
    count, plot = PICTURES[name]
    axes = [Figure(SIZE, layout=layout).add_subplot() for _ in range(count)]
    plot(*axes)
    assert any(ax.get_legend() for ax in axes)
    for ax in axes:
        if ax.get_legend() is None:
            continue
        renderer = settled(ax)
        box = ax.get_legend().get_window_extent(renderer)
        assert ax.bbox.x0 <= box.x0
        assert box.x1 <= ax.bbox.x1
        assert box.y1 <= ax.bbox.y1
        assert box.height <= 0.5 * ax.bbox.height
        assert np.mean(inside(drawn(ax), box)) <= 0.05
        assert all(text.get_fontsize() >= 6.0 for text in ax.get_legend().get_texts())


@pytest.mark.parametrize("layout", ["constrained", None])
def test_a_legend_on_the_smallest_axes_has_columns(layout):
    axes = [Figure((2.2, 2.0), layout=layout).add_subplot() for _ in range(2)]
    drawing.plot_optimizer_paths(axes=axes)
    box = axes[0].get_legend().get_window_extent(settled(axes[0]))
    assert box.height <= 0.4 * axes[0].bbox.height
    assert box.width <= axes[0].bbox.width
    assert all(text.get_fontsize() >= 6.0 for text in axes[0].get_legend().get_texts())


@pytest.mark.parametrize("layout", ["constrained", None])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_legend_on_the_smallest_axes_hides_no_norm_of_a_gradient(count, layout):
    falls = {"sigmoid": (-7, -1), "tanh": (-2.4, -1), "relu": (-1.1, -0.6)}
    norms = {name: np.logspace(*falls[name], 8) for name in list(falls)[:count]}
    ax = drawing.plot_gradient_norms(norms, Figure((2.2, 2.0), layout=layout).add_subplot())
    box = ax.get_legend().get_window_extent(settled(ax))
    assert not inside(drawn(ax), box.padded(3)).any()
    assert box.x1 <= ax.bbox.x1
    assert box.y1 <= ax.bbox.y1


@pytest.mark.parametrize("size", [(2.2, 2.0), (3.0, 2.3)])
@pytest.mark.parametrize("layout", ["constrained", None])
@pytest.mark.parametrize("name", [*PICTURES, *DIAGRAMS])
def test_a_title_on_small_axes_is_not_cut(name, layout, size):
    count, plot = (PICTURES | DIAGRAMS)[name]
    axes = [Figure(size, layout=layout).add_subplot() for _ in range(count)]
    plot(*axes)
    for ax in axes:
        box = ax.title.get_window_extent(settled(ax))
        assert box.x0 >= 0
        assert box.x1 <= ax.figure.bbox.x1
        assert ax.title.get_fontsize() >= 6.0


def test_the_title_of_a_graph_has_fewer_words_only_where_type_would_be_too_small():
    titles = []
    for inches in (1.7, 2.2):
        ax = Figure((inches, 2.0), layout="constrained").add_subplot()
        titles.append(drawing.plot_graph(STEP, ax).get_title())
    assert titles == [
        "Values, and ∂ of the loss\n(5 of 19 nodes)",
        "Values, and derivatives ∂ of the loss\n(the 5 nodes of 19 nearest to it)",
    ]


def test_a_title_keeps_its_size_where_there_is_room():
    for inches, text, size in (
        (6.0, "saddle: $x^2 - y^2$; paths go on outside", 12.0),
        (2.2, "saddle: $x^2 - y^2$;\npaths go on outside", 10.0),
    ):
        axes = [Figure((inches, 3.0)).add_subplot() for _ in range(2)]
        title = drawing.plot_optimizer_paths(axes=axes)[0].title
        assert (title.get_text(), title.get_fontsize()) == (text, size)


NAMES = ["mean radius", "worst smoothness", "worst concave points", "fractal dimension error"]


@pytest.mark.parametrize("inches", [2.2, 3.0, 6.0])
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_words_of_a_hidden_unit_stay_beside_each_other(inches, style):
    model = Sequential([Input((12,)), Dense(4, "tanh"), Dense(1, "sigmoid")], seed=0)
    rows = np.random.default_rng(0).normal(size=(80, 12))
    with pyplot.style.context(style):
        figure = Figure((3 * inches, inches), layout="constrained")
        axes = figure.subplots(1, 3)
        drawing.plot_hidden_unit(model, rows, 0, 2, 3 * NAMES, axes)
    renderer = settled(axes[0])
    for ax in axes:
        box = ax.xaxis.label.get_window_extent(renderer)
        assert box.x0 >= ax.bbox.x0 - 1
        assert box.x1 <= ax.bbox.x1 + 1
    frame = axes[1].bbox
    written = [text.get_window_extent(renderer) for text in axes[1].texts]
    assert all(frame.x0 < box.x0 and box.x1 < frame.x1 for box in written)
    bars = [bar.get_window_extent(renderer) for bar in axes[1].patches]
    assert all(box.height <= bar.height for box, bar in zip(written, bars, strict=True))
    beside = [label.get_window_extent(renderer) for label in axes[0].get_yticklabels()]
    assert not any(one.overlaps(two) for one, two in itertools.pairwise(beside))
    first = axes[1].texts[0].get_text().split("\n")
    assert len(first) == 2 if inches > 2.2 else "\N{HORIZONTAL ELLIPSIS}" in first[0]


@pytest.mark.parametrize("inches, words", [(2.2, "row"), (4.0, "row: activation")])
def test_the_numbers_below_images_do_not_overlap(inches, words):
    model = Sequential([Input((64,)), Dense(4, "tanh"), Dense(1, "sigmoid")], seed=0)
    rows = np.random.default_rng(0).normal(size=(1500, 64))
    axes = Figure((3 * inches, inches), layout="constrained").subplots(1, 3)
    _, middle, _ = drawing.plot_hidden_unit(model, rows, 0, 2, axes=axes)
    renderer = settled(middle)
    boxes = [text.get_window_extent(renderer).padded(-1) for text in middle.texts]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    assert middle.get_xlabel() == words
    assert all((":" in text.get_text()) == (":" in words) for text in middle.texts)
