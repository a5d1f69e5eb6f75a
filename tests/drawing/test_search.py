"""Pictures of a search."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.reporting.test_search_section import record

from chainrule.drawing import plot_search
from chainrule.errors import InputTypeError, SettingError


def test_the_course_has_each_trial_and_the_best_so_far():
    axes = plot_search(record())
    dots, best = axes[0].get_lines()
    assert dots.get_xdata().tolist() == [0, 1, 2, 4]
    assert dots.get_ydata().tolist() == [0.9, 0.4, 0.7, 0.5]
    assert best.get_ydata().tolist() == [0.9, 0.4, 0.4, 0.4]
    areas = plot_search(record(lower_is_better=False))
    assert areas[0].get_lines()[1].get_ydata().tolist() == [0.9] * 4


def test_each_setting_has_axes_of_its_own_kind():
    axes = plot_search(record("hyperband"))
    assert [ax.get_xlabel() for ax in axes] == [
        "trial", "epochs of the trial", "hidden", "weight_decay",
    ]  # fmt: skip
    assert [text.get_text() for text in axes[2].get_xticklabels()] == ["64", "128,64"]
    assert axes[3].get_xscale() == "log"
    assert axes[2].get_lines()[0].get_xdata().tolist() == [0, 1, 0, 1]
    marked = axes[3].get_lines()[1]
    assert (marked.get_xdata()[0], marked.get_ydata()[0]) == (2e-3, 0.4)
    whole = [line for line in axes[1].get_lines() if len(line.get_xdata()) == 3]
    assert [line.get_label() for line in whole] == ["trained to the end"]


def test_axes_may_be_given_and_others_are_refused():
    figure, given = plt.subplots(1, 3)
    assert plot_search(record(), axes=given) == list(given)
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(SettingError, match="draws 3 pictures and needs as many axes, got 1"):
        plot_search(record(), axes=given[0])
    for wrong in ([], {"trials": []}, np.zeros(3)):
        with pytest.raises(InputTypeError, match="plot_search: needs the record of a search"):
            plot_search(wrong)


def test_a_setting_of_one_value_has_no_axes_and_a_list_has_names():
    found = record(space={**record()["space"], "batch_size": [16, 64], "optimizer": ["adam"]})
    for number, one in enumerate(found["trials"]):
        one["settings"] |= {"batch_size": 16 + 48 * (number % 2), "optimizer": "adam"}
    axes = plot_search(found)
    assert [ax.get_xlabel() for ax in axes] == ["trial", "hidden", "weight_decay", "batch_size"]
    assert [text.get_text() for text in axes[3].get_xticklabels()] == ["16", "64"]


def searched(values, dimension, name="units"):
    """The record of a search for one setting, its values among `place` and `settings`."""
    trials = [
        {"number": number, "score": 0.5 + 0.1 * number, "rungs": [], "settings": {name: value},
         "place": {name: value}}
        for number, value in enumerate(values)
    ]  # fmt: skip
    return record(space={name: dimension}, trials=trials, best=0)


def log(low, high, **more):
    return {"low": low, "high": high, "log": True, **more}


@pytest.mark.parametrize(
    "name, dimension, values, shown",
    [
        ("units", log(16, 256), [76, 77, 78], ["76", "78"]),
        ("units", log(2, 4096), [3, 20, 4000], ["10", "100", "1000"]),
        ("l1", log(1e-6, 1e-2, zero=True), [0.0, 3.21e-5], ["0", "3.21e-05"]),
        ("l1", log(1e-6, 1e-2, zero=True), [0.0, 0.0, 1e-6], ["0", "1e-06"]),
        ("learning_rate", log(1e-4, 1e-2), [1.3e-4, 9e-4], ["0.0002", "0.0005"]),
    ],
)
def test_ticks_of_powers_are_few_round_numbers(name, dimension, values, shown):
    ax = plot_search(searched(values, dimension, name))[1]
    ax.figure.draw_without_rendering()
    ticks = [one for one in ax.xaxis.get_ticklabels(which="both") if one.get_text()]
    assert [one.get_text() for one in ticks] == shown
    boxes = sorted(one.get_window_extent().intervalx.tolist() for one in ticks)
    assert all(first[1] < second[0] for first, second in zip(boxes, boxes[1:], strict=False))
    low, high = ax.get_xlim()
    assert all(low <= one <= high for one in ax.get_xticks())


def test_whole_settings_have_whole_ticks():
    ax = plot_search(searched([1, 2], {"low": 1, "high": 3}, "layers"))[1]
    places = ax.get_xticks()
    assert {1, 2} <= set(places)
    assert places.tolist() == places.round().tolist()


def test_rungs_have_a_tick_each():
    ax = plot_search(record("hyperband"))[1]
    ticks = [one.get_text() for one in ax.xaxis.get_ticklabels(which="both")]
    assert ticks == ["1", "3", "9"]
