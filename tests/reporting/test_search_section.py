"""The search in a report: its course, its rungs, each setting."""

import itertools
import json
from dataclasses import replace

import pytest
from tests.reporting.pages import Page

from chainrule.errors import DataError
from chainrule.files import RunFolder
from chainrule.reporting import write_report
from chainrule.reporting.chart import Axis, Chart
from chainrule.reporting.search_pictures import search_section


def record(method="random", **changes):
    trials = [
        trial(0, 0.9, [64], 1e-3, [(1, 1.0), (3, 0.9)]),
        trial(1, 0.4, [128, 64], 2e-3, [(1, 0.6), (3, 0.5), (9, 0.4)]),
        trial(2, 0.7, [64], 0.0, [(1, 0.7)]),
        trial(3, None, [64], 5e-3, [(1, None)]),
        trial(4, 0.5, [128, 64], 4e-3, [(1, 0.5)]),
    ]
    space = {"hidden": [[64], [128, 64]], "weight_decay": {"low": 1e-3, "high": 1, "log": True}}
    return {
        "method": method, "score": "validation loss", "lower_is_better": True, "space": space,
        "folds": None, "best": 1, "trials": trials, "seconds": 3.0, **changes,
    }  # fmt: skip


def trial(number, score, hidden, decay, rungs):
    settings = {"hidden": hidden, "weight_decay": decay}
    return {
        "number": number, "score": score, "settings": settings, "place": {}, "epoch": 2,
        "epochs": 3, "rungs": [list(one) for one in rungs], "bracket": None,
    }  # fmt: skip


def test_the_best_so_far_never_gets_worse():
    chart = search_section(record())["charts"][0]
    assert chart.label == "validation loss of 4 trials; the best is 0.4."
    line = next(mark for mark in chart.marks if mark.style.startswith("line"))
    points = [tuple(map(float, one.split())) for one in line.path[1:].split("L")]
    heights = [down for _, down in points]
    assert heights == sorted(heights)  # lower losses stand lower
    assert len(points) == 8
    accuracies = search_section(record(lower_is_better=False))["charts"][0]
    line = next(mark for mark in accuracies.marks if mark.style.startswith("line"))
    assert {one.split()[1] for one in line.path[1:].split("L")} == {heights_of_first(accuracies)}


def heights_of_first(chart):
    dots = next(mark for mark in chart.marks if mark.style.startswith("dot"))
    return dots.path[1:].split("h0")[0].split()[1]


def test_each_setting_has_a_chart_and_hyperband_its_rungs():
    titles = [one.title for one in search_section(record())["charts"]]
    assert titles == ["Validation loss by trial", "hidden", "weight_decay"]
    areas = search_section(record(score="roc_auc", lower_is_better=False, best=9))["charts"]
    assert areas[0].title == "roc_auc by trial"
    assert [len(one.legend) for one in areas] == [2, 1, 1]  # where the best has no such setting
    section = search_section(record("hyperband"))
    assert section["charts"][1].title == "Rungs of Hyperband"
    assert [one["number"] for one in section["best"]] == ["1", "4", "2", "0"]
    assert section["best"][0]["settings"] == "hidden=128,64, weight_decay=0.002"
    assert "In 1 of them the loss was not finite." in section["sentences"]
    assert [tick.text for tick in section["charts"][2].x_ticks] == ["64", "128,64"]
    assert "0 leftmost" in section["charts"][3].x_title


def test_a_setting_of_one_value_has_no_chart_and_a_list_has_names():
    found = record(space={**record()["space"], "batch_size": [16, 64], "optimizer": ["adam"]})
    for number, one in enumerate(found["trials"]):
        one["settings"] |= {"batch_size": 16 + 48 * (number % 2), "optimizer": "adam"}
    charts = search_section(found)["charts"]
    assert [one.title for one in charts[1:]] == ["hidden", "weight_decay", "batch_size"]
    assert [tick.text for tick in charts[3].x_ticks] == ["16", "64"]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"by_chance": 17}, "Places were drawn by chance; from trial 17 on they would be drawn ne"),
        ({"by_chance": 3}, "The first 3 places were drawn by chance, the later ones near those"),
        ({"method": "hyperband"}, "(Hyperband); their places were drawn by chance."),
        ({"method": "grid"}, "They are places of a grid."),
        ({"method": "random"}, "Places were drawn by chance."),
    ],
)
def test_where_places_came_from_is_said_of_those_that_there_were(changes, said):
    assert said in search_section(record(**{"method": "bayesian"} | changes))["sentences"][0]


def test_later_brackets_are_said_where_there_were_some():
    found = record("hyperband")
    found["trials"][-1]["bracket"] = 1
    said = "after the first bracket two in three places were drawn near"
    assert said in search_section(found)["sentences"][0]


def test_losses_far_apart_have_a_log_axis_and_rungs_their_epochs():
    losses = {0: 0.1, 1: 0.9, 2: 0.11, 4: 0.7}
    found = record("hyperband")
    for one in found["trials"]:
        one["score"] = losses.get(one["number"])
    charts = search_section(found)["charts"]
    assert charts[0].y.is_log
    assert charts[0].y_title == "validation loss (log scale)"
    assert [tick.text for tick in charts[1].x_ticks] == ["1", "3", "9"]
    assert not search_section({**found, "lower_is_better": False})["charts"][0].y.is_log
    assert not search_section(record())["charts"][0].y.is_log


@pytest.mark.parametrize("low, high", [(1.5e-4, 1.2e-2), (4e-4, 1.2e-3), (0, 0.6), (0, 2e5)])
def test_numbers_below_a_narrow_chart_do_not_meet(low, high):
    axis = Axis.of([low, high], is_log=low > 0)
    chart = Chart("", "", axis, axis, "", "", (), shape="square")
    ticks = chart.x_ticks
    assert len(ticks) >= 2
    for one, other in itertools.pairwise(ticks):
        apart = (other.place - one.place) / 100 * 230  # pixels, of letters of 7
        assert apart >= 7 * (len(one.text) + len(other.text)) / 2
    assert set(replace(chart, shape="wide").x_ticks) >= set(ticks)


def test_the_report_of_a_run_shows_its_search(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    assert "The search for settings" not in write_report(folder).read_text("utf-8")
    named = record("hyperband")
    named["trials"][0]["settings"]["hidden"] = ["<b>"]
    folder.search_path.write_text(json.dumps(named))
    page = Page(write_report(folder).read_text("utf-8"))
    page.check()
    assert "The search for settings" in page.text
    assert "5 trials, 15 epochs in all, were compared by validation loss" in page.text
    assert "Rungs of Hyperband" in page.text
    assert "validation loss of each trial against weight_decay." in page.labels()


def test_a_search_without_a_score_or_damaged_is_no_crash(tmp_path):
    failed = [{**one, "score": None} for one in record()["trials"]]
    section = search_section(record(trials=failed, best=None))
    assert (section["charts"], section["best"]) == ([], [])
    assert search_section(None) is None
    folder = RunFolder.create(tmp_path / "run")
    for text in ("[1]", "{", '{"trials": 3}'):
        folder.search_path.write_text(text)
        with pytest.raises(DataError):
            write_report(folder)


def test_legends_look_as_what_they_name():
    found = search_section(record("hyperband"))
    for chart in found["charts"]:
        drawn = {mark.style for mark in chart.marks}
        assert {one.style for one in chart.legend} <= drawn, chart.title


def test_whole_settings_have_whole_ticks():
    found = record(space={"layers": {"low": 1, "high": 3}})
    for number, one in enumerate(found["trials"]):
        one["place"] = {"layers": 1 + number % 2}
    ticks = [tick.text for tick in search_section(found)["charts"][1].x.ticks]
    assert ticks == ["1", "2"]
