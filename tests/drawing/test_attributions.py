"""Pictures of what columns add: what is drawn is what was given, and nothing is cut off."""

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from chainrule import drawing
from chainrule.errors import ShapeError

NAMES = [f"a column with quite a long name, number {number}" for number in range(40)]
VALUES = np.random.default_rng(0).normal(size=(60, 40)) * np.array([5.0, *np.linspace(2, 0.1, 39)])


def drawn(ax=None):
    return drawing.plot_attributions(NAMES, VALUES, [VALUES[:, 0], *[None] * 39], "price", ax)


def stepped(ax=None):
    return drawing.plot_waterfall(NAMES, np.linspace(5, -4, 40), 1.0, "price", ax)


def test_points_stand_at_their_values_and_are_dark_where_the_row_has_much():
    ax = drawn()
    points = ax.collections[0]
    np.testing.assert_allclose(points.get_offsets()[:, 0], VALUES[:, 0])
    light = points.get_facecolor()[:, :3].sum(axis=1)
    assert light[VALUES[:, 0].argmax()] < light[VALUES[:, 0].argmin()]
    np.testing.assert_allclose(ax.collections[1].get_facecolor()[:, :3], [to_rgb("white")] * 60)
    assert ax.get_ylabel() == "20 of 40 columns"
    pyplot.close("all")


def test_steps_lead_from_the_base_to_the_answer():
    ax = stepped()
    bars = ax.patches
    assert len(bars) == 12
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    assert bars[0].get_x() == 1.0
    np.testing.assert_allclose([bar.get_x() for bar in bars[1:]], ends[:-1])
    assert ends[-1] == pytest.approx(1.0 + np.linspace(5, -4, 40).sum())
    assert ax.get_yticklabels()[-1].get_text() == "29 other columns"
    pyplot.close("all")


@pytest.mark.parametrize("draw", [drawn, stepped])
def test_small_axes_are_enough(draw):
    figure = Figure(figsize=(3.1, 2.3), layout="constrained")
    ax = draw(figure.subplots())
    figure.draw_without_rendering()
    for text in (ax.title, ax.xaxis.label, *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
    assert ax.get_window_extent().width > 0.3 * figure.bbox.width


def test_what_does_not_go_together_is_said():
    with pytest.raises(ShapeError, match=r"shape \(rows, 2\), got \(3,\)"):
        drawing.plot_attributions("ab", np.ones(3), [None, None], "y")
    with pytest.raises(ShapeError, match="a value a name, got 2 and"):
        drawing.plot_waterfall("ab", np.ones(3), 0.0, "y")


def test_numbers_are_spelled_and_stand_on_ground_of_their_own():
    values = [4070.4, -1234.5, 33.333, 0.5]
    for style, ground in (("default", "white"), ("dark_background", "black")):
        with pyplot.style.context(style):
            ax = drawing.plot_waterfall(list("abcd"), values, 13_270.0, "price")
            texts = [one.get_text() for one in ax.texts]
            assert texts == ["+4,070", "\N{MINUS SIGN}1,234", "+33.3", "+0.5"]
            assert ax.get_title() == "What each column adds: 16,140, base 13,270"
            for one in ax.texts:
                box = one.get_bbox_patch()
                assert to_rgb(box.get_facecolor()) == to_rgb(ground)
                assert one.get_zorder() > max(line.get_zorder() for line in ax.get_lines())
    pyplot.close("all")
