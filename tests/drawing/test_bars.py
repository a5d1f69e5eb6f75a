"""Bars in groups, and sums that grow."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from chainrule import drawing
from chainrule.errors import InputTypeError, ShapeError


def test_bars_of_a_group_stand_side_by_side_and_differ_without_color():
    values = {"a": [1.0, -2.0], "b": [3.0, 4.0], "c": [5.0, 6.0], "d": [7.0, 8.0]}
    ax = drawing.plot_bars(values, ["left", "right"])
    assert {one.get_label(): [bar.get_height() for bar in one] for one in ax.containers} == values
    for group in range(2):
        bars = [one[group] for one in ax.containers]
        edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
        assert edges[0][0] > group + 0.5
        assert edges[-1][1] < group + 1.5
        for (_, end), (start, _) in zip(edges, edges[1:], strict=False):
            assert start == pytest.approx(end)
    assert [one.get_text() for one in ax.get_xticklabels()] == ["left", "right"]
    looks = set()
    for one in ax.containers:
        red, green, blue, _ = one[0].get_facecolor()
        looks.add((round(0.3 * red + 0.59 * green + 0.11 * blue, 1), one[0].get_hatch()))
    assert len(looks) == 4


def test_sums_grow_part_by_part():
    parts = np.arange(6.0).reshape(3, 2)
    ax = drawing.plot_running_sums(parts, [6.0, 9.5], ["a", "b"], Figure().add_subplot())
    first, second, result = ax.get_lines()[:3]
    assert first.get_ydata().tolist() == [0.0, 0.0, 2.0, 6.0]
    assert second.get_ydata().tolist() == [0.0, 1.0, 4.0, 9.0]
    assert result.get_ydata().tolist() == [6.0, 9.5]
    assert [first.get_label(), second.get_label()] == ["a", "b"]


@pytest.mark.parametrize(
    "error, draw, sentence",
    [
        (InputTypeError, lambda: drawing.plot_bars([1.0]), "plot_bars: needs a dict of numbers"),
        (InputTypeError, lambda: drawing.plot_bars({"a": ["x"]}), "'a' must be numbers, got <U1"),
        (InputTypeError, lambda: drawing.plot_bars({}), "plot_bars: needs a dict of numbers"),
        (ShapeError, lambda: drawing.plot_bars({"a": [1], "b": [1, 2]}), "'b' must have 1 numbers"),
        (ShapeError, lambda: drawing.plot_bars({"a": [1]}, ["x", "y"]), "'a' must have 2 numbers"),
        (ShapeError, lambda: drawing.plot_running_sums([1.0], [1.0]), r"got \(1,\) and \(1,\)"),
        (ShapeError, lambda: drawing.plot_running_sums([[1.0]], [1.0, 2.0]), r"got \(1, 1\) and"),
        (
            ShapeError,
            lambda: drawing.plot_running_sums([[1.0]], [1.0], ["a", "b"]),
            "names must be 1, one a sum, got 2",
        ),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(error, draw, sentence):
    with pytest.raises(error, match=sentence):
        draw()
