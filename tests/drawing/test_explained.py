"""Pictures of explanations show the numbers that they are given."""

import numpy as np
import pytest
from cycler import cycler
from matplotlib import pyplot
from matplotlib.dates import num2date

from chainrule import drawing
from chainrule.errors import ShapeError


def curve(output, means, ice=()):
    ends = [[mean - 0.1, mean + 0.2] for mean in means]
    return {"output": output, "means": means, "intervals": ends, "ice": list(ice)}


def record(curves, **more):
    return {
        "column": "age", "kind": "number", "scale": "probability", "target": "kind",
        "grid": [20.0, 30.0, 50.0], "labels": ["20", "30", "50"], "counts": [],
        "marks": [21.0, 29.0, 33.0], "curves": curves, **more,
    }  # fmt: skip


def lines_of(ax, points):
    return [line for line in ax.get_lines() if len(line.get_xdata()) == points]


def test_importances_are_bars_with_intervals_and_the_first_is_on_top():
    ax = drawing.plot_importance("ab", [0.5, -0.1], [(0.3, 0.7), None], "loss of accuracy")
    places = {bar.get_width(): bar.get_y() for bar in ax.patches}
    assert places[0.5] > places[-0.1]
    assert [one.get_text() for one in ax.get_yticklabels()] == ["a", "b"]
    (interval,) = (line for line in ax.get_lines() if line.get_marker() == "|")
    assert list(interval.get_xdata()) == [0.3, 0.7] and interval.get_ydata()[0] == 1
    assert ax.get_xlabel() == "loss of accuracy"


def test_lines_are_whole_where_a_style_turns_dashes():
    with pyplot.rc_context({"axes.prop_cycle": cycler(linestyle=["-", "--", ":"])}):
        ax = drawing.plot_importance("abc", [3, 2, 1], [(1, 2)] * 3, "loss")
        rows = [[1.0, 2.0, 3.0]] * 4
        other = drawing.plot_dependence(record([curve("yes", [1.0, 2.0, 3.0], rows)]))
    lines = [*ax.get_lines(), *lines_of(other, 3)]
    assert {line.get_linestyle() for line in lines} <= {"-", "None"}


def test_of_many_columns_the_first_twenty_are_drawn():
    names = [f"column {number}" for number in range(30)]
    ax = drawing.plot_contributions(names, np.arange(30.0)[::-1], "price")
    assert len(ax.patches) == 20
    assert ax.get_ylabel() == "20 of 30 columns"
    assert ax.get_yticklabels()[0].get_text() == "column 0"


def test_the_mean_is_drawn_over_single_rows_and_marks_below():
    rows = [[0.1, 0.2, 0.4], [0.5, 0.6, 0.9]]
    ax = drawing.plot_dependence(record([curve("yes", [0.3, 0.4, 0.65], rows)]))
    drawn = [line.get_ydata().tolist() for line in lines_of(ax, 3) if line.get_marker() == "None"]
    assert drawn == [*rows, [0.3, 0.4, 0.65]]
    assert ax.get_ylabel() == "mean probability of yes"
    (marks,) = (line for line in ax.get_lines() if line.get_marker() == "|")
    assert list(marks.get_xdata()) == [21.0, 29.0, 33.0]
    plain = drawing.plot_dependence(record([curve("yes", [0.3, 0.4, 0.65], rows)]), ice=False)
    assert len(lines_of(plain, 3)) == 2
    centered = drawing.plot_dependence(
        record([curve("yes", [0.3, 0.4, 0.65], rows)]), centered=True
    )
    starts = [line.get_ydata()[0] for line in lines_of(centered, 3) if line.get_marker() == "None"]
    assert starts == [0.0, 0.0, 0.0]
    assert centered.get_ylabel() == "mean probability of yes less the start"


def test_values_without_order_are_points_with_bars():
    places = {"grid": ["a", "b"], "labels": ["a", "b"], "counts": [5, 3], "marks": []}
    ax = drawing.plot_dependence(record([curve("yes", [0.3, 0.4])], **places))
    assert [one.get_text() for one in ax.get_xticklabels()] == ["a", "b"]
    assert all(line.get_linestyle() == "None" for line in ax.get_lines())
    long = {**places, "labels": ["a very long name", "another very long name"]}
    turned = drawing.plot_dependence(record([curve("yes", [0.3, 0.4])], **long))
    assert turned.get_xticklabels()[0].get_rotation() == 90


def test_dates_are_dates_and_classes_have_a_legend():
    dates = ["2024-01-01", "2024-06-01", "2025-01-01"]
    more = {"kind": "datetime", "grid": dates, "labels": dates, "marks": dates}
    curves = [curve(name, [0.3, 0.4, 0.5]) for name in ("red", "blue")]
    ax = drawing.plot_dependence(record(curves, **more))
    first = lines_of(ax, 3)[0].get_xdata()[0]
    assert str(first).startswith("2024-01-01")
    assert num2date(ax.get_xlim()[1]).year == 2025
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["red", "blue"]
    assert ax.get_ylabel() == "mean probability"


def test_a_value_for_each_name_is_needed():
    with pytest.raises(ShapeError, match="needs a value for each name, got 2 and"):
        drawing.plot_importance("ab", [1.0], [None], "loss")


def test_a_unit_of_plain_numbers_has_three_pictures():
    effect = drawing.Effect([0.0, 1.0], np.array([[1.0], [2.0]]), np.arange(6.0), ["price"], "x")
    facts = drawing.UnitFacts(
        "dense_0.1", ["area", "town = Ulm"], [0.5, -0.2], "change", effect,
        [["80", "Ulm"]] * 5, ["area", "town"],
    )  # fmt: skip
    left, middle, right = drawing.plot_unit(facts)
    assert [one.get_text() for one in left.get_yticklabels()] == ["area", "town = Ulm"]
    assert [one.get_text() for one in middle.get_yticklabels()] == ["5", "4", "3", "2", "1"]
    assert middle.texts[0].get_text() == "area 80\ntown Ulm"
    assert right.get_ylabel() == "mean output"


def missing_of(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "D" and len(line.get_xdata())]


@pytest.mark.parametrize("kind", ["number", "datetime"])
def test_missing_values_stand_beside_all_others(kind):
    rows = [[0.1, 0.2, 0.4, 0.35], [0.5, 0.6, 0.9, 0.7]]
    more = {"grid": [20.0, 30.0, 50.0, None], "labels": ["20", "30", "50", "missing"], "missing": 4}
    if kind == "datetime":
        days = ["2024-01-01", "2024-06-01", "2025-01-01"]
        more |= {"kind": kind, "grid": [*days, None], "marks": days}
    one = record([curve("yes", [0.3, 0.4, 0.65, 0.5], rows)], **more)
    ax = drawing.plot_dependence(one)
    drawn = [line.get_ydata().tolist() for line in lines_of(ax, 3) if line.get_marker() == "None"]
    assert drawn == [rows[0][:3], rows[1][:3], [0.3, 0.4, 0.65]]
    (beside,) = missing_of(ax)
    assert beside.get_ydata() == [0.5]
    marks = [line.get_xdata() for line in ax.get_lines() if line.get_marker() == "|"]
    assert beside.get_xdata()[0] > max(marks[0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "single rows", "mean with its interval", "missing",
    ]  # fmt: skip
    (moved,) = missing_of(drawing.plot_dependence(one, centered=True))
    assert moved.get_ydata()[0] == pytest.approx(0.2)
    pyplot.close("all")


def test_a_single_class_has_a_legend_and_of_many_the_title_says_how_many():
    ax = drawing.plot_dependence(record([curve("yes", [0.3, 0.4, 0.65])]))
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["mean with its interval"]
    many = [curve(f"k{number}", [0.1, 0.2, 0.3]) for number in range(30)]
    ax = drawing.plot_dependence(record(many))
    assert ax.get_title() == "By age (6 of 30 classes)"
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [f"k{n}" for n in range(6)]
    curves = np.outer([0.0, 1.0], np.arange(30.0))
    effect = drawing.Effect([0.0, 1.0], curves, np.arange(6.0), list(map(str, range(30))), "class")
    facts = drawing.UnitFacts("dense_0.1", ["a"], [0.5], "change", effect, [["1"]] * 5, ["a"])
    assert drawing.plot_unit(facts)[2].get_title() == "Its effect on 10 of 30 classes"
    pyplot.close("all")
