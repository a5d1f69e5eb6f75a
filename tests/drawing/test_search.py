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
