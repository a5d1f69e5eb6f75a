"""The search in a report: its course, its rungs, each setting."""

import json

import pytest
from tests.reporting.pages import Page

from chainrule.errors import DataError
from chainrule.files import RunFolder
from chainrule.reporting import write_report
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
        "epochs": 3, "rungs": [list(one) for one in rungs],
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
    section = search_section(record("hyperband"))
    assert section["charts"][1].title == "Rungs of Hyperband"
    assert [one["number"] for one in section["best"]] == ["1", "4", "2", "0"]
    assert section["best"][0]["settings"] == "hidden 128,64, weight_decay 0.002"
    assert "In 1 of them the loss was not finite." in section["sentences"]
    assert [tick.text for tick in section["charts"][2].x_ticks] == ["128,64", "64"]
    assert "0 leftmost" in section["charts"][3].x_title


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
