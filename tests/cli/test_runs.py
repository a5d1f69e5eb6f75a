"""`chainrule runs`: real runs listed and compared."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import start
from tests.cli.tables import churn_text

from chainrule.files import FolderLock
from chainrule.reporting import JudgedRows

WELL = ("--epochs", "30", "--members", "2", "--hidden", "32")
POORLY = ("--epochs", "1", "--members", "1", "--hidden", "2", "--bins", "0")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Five runs of one table: bad, good, good again, with another metric, of another seed."""
    place = tmp_path_factory.mktemp("several")
    (place / "churn.csv").write_text(churn_text(600), "utf-8")
    settings = {
        "poor": POORLY, "good": WELL, "again": WELL, "metric": (*WELL, "--metric", "accuracy"),
        "seed": (*WELL, "--seed", "1"),
    }  # fmt: skip
    for name, options in settings.items():
        out = place / "runs" / name
        words = ["train", "churn.csv", "--target", "left", "--out", out, *options]
        assert start(*words, cwd=place, stdout=-3, stderr=-3).wait(timeout=120) == 0
    return place / "runs"


@pytest.fixture
def some(trained, folder):
    """Copies some of the runs into `runs`."""

    def some(*names):
        for name in names:
            shutil.copytree(trained / name, folder / "runs" / name)

    return some


@pytest.fixture(autouse=True)
def narrow(monkeypatch, folder):
    monkeypatch.setenv("COLUMNS", "80")


def test_a_really_better_run_is_beyond_noise(run, some):
    some("poor", "good")
    outcome = run("runs")
    assert (outcome.code, outcome.err) == (0, "")
    text = " ".join(outcome.out.split())
    assert "left: 2 runs of churn.csv" in text
    assert "judged on the same 120 test rows" in text
    assert "good is better than poor by 0." in text
    assert "beyond what the choice of these 120 test rows explains." in text
    assert max(map(len, outcome.out.splitlines())) <= 80
    record = run("runs", "--json").record
    (comparison,) = record["comparisons"]
    assert (comparison["score"], comparison["best"]) == ("roc_auc", "runs/good")
    (difference,) = comparison["differences"]
    value = {one["run"]: one["value"] for one in record["runs"]}
    assert difference["behind"] == pytest.approx(value["runs/good"] - value["runs/poor"])
    assert difference["beyond_noise"] is True
    assert 0 < difference["interval"][0] < difference["behind"] < difference["interval"][1]


def test_the_same_training_twice_is_within_noise_and_differs_in_nothing(run, some):
    some("good", "again")
    text = " ".join(run("runs").out.split())
    assert "again and good are equally good" in text and "-0" not in text
    assert "settings that differ" not in text
    record = run("runs", "--json").record
    assert record["comparisons"][0]["differences"][0]["beyond_noise"] is False
    assert record["settings"] == {"left": {}}


@pytest.fixture
def few(run, some):
    """Runs of which two test rows are of the rarer class, "yes"."""
    some("poor", "good", "metric")
    for name in ("poor", "good", "metric"):
        path = Path("runs", name, "judged.safetensors")
        judged = JudgedRows.load(path)
        truth = judged.truth.copy()
        truth[np.flatnonzero(truth == 1)[2:]] = 0
        replace(judged, truth=truth).save(path)


def test_on_few_rows_of_a_class_nothing_is_called_noise_or_beyond_it(run, few):
    text = " ".join(run("runs", "runs/poor", "runs/good").out.split())
    assert "; too few rows to say whether that is noise: 2 test rows of 'yes'." in text
    assert "explains" not in text and "within the noise" not in text
    record = run("runs", "runs/poor", "runs/good", "--json").record
    (difference,) = record["comparisons"][0]["differences"]
    assert (difference["interval"], difference["beyond_noise"]) == (None, False)


def test_several_runs_on_few_rows_are_only_ranked(run, few):
    text = " ".join(run("runs").out.split())
    assert text.count("- too few rows to say") == 2
    assert "Too few rows to say what is noise: 2 test rows of 'yes'." in text
    assert "within noise" not in text.lower() and "beyond noise" not in text


def test_only_settings_that_differ_are_listed_a_column_a_run(run, some):
    some("poor", "good")
    table = run("runs").out.partition("settings that differ\n")[2].splitlines()
    assert table[0].split() == ["setting", "good", "poor"]
    assert [line.split() for line in table[1:]] == [
        ["hidden", "32", "2"], ["bins", "128", "0"], ["epochs", "30", "1"],
        ["members", "2", "1"],
    ]  # fmt: skip


def test_a_run_from_before_there_was_a_setting_had_it_as_usual(run, some):
    some("good", "again")
    config = Path("runs", "again", "config.toml")
    config.write_text(re.sub("(?m)^optimizer = .*$", "", config.read_text("utf-8")), "utf-8")
    assert run("runs", "--json").record["settings"] == {"left": {}}


def test_several_runs_are_held_against_the_best_with_wider_intervals(run, some):
    some("poor", "good", "again", "metric")
    text = " ".join(run("runs").out.split())
    assert "99.17 % interval" in text
    assert "Bonferroni" in text
    assert "The best of several looks better than it is" in text
    assert text.count("within noise") == 2
    assert text.count("beyond noise") == 1


def test_rows_of_another_seed_are_not_compared(run, some):
    some("good", "poor", "seed")
    text = " ".join(run("runs").out.split())
    assert (
        "judged on 120 test rows; not compared with the runs above: judged on another part "
        "of the table (as another seed draws it)" in text
    )
    record = run("runs", "--json").record
    assert [len(one["runs"]) for one in record["comparisons"]] == [2, 1]
    assert record["settings"]["left"]["seed"] == {
        "runs/good": 0, "runs/poor": 0, "runs/seed": 1,
    }  # fmt: skip


def test_runs_of_other_targets_are_listed_apart(run, some, price_run):
    some("good")
    outcome = run("runs", "runs", price_run)
    assert [line for line in outcome.out.splitlines() if ": 1 run" in line] == [
        "left: 1 run of churn.csv", "price: 1 run of data.csv",
    ]  # fmt: skip


def test_runs_that_were_stopped_say_how_to_go_on(run, some):
    some("good", "poor", "again")
    Path("runs/poor/model.safetensors").unlink()
    Path("runs/good/metrics.json").unlink()
    outcome = run("runs")
    text = " ".join(outcome.out.split())
    for name in ("poor", "good"):
        assert (
            f"{name}: was stopped; go on with: chainrule train --resume --out runs/{name}" in text
        )
    assert "again: was" not in text
    found = {one["run"]: one["state"] for one in run("runs", "--json").record["runs"]}
    assert found == {
        "runs/again": "done", "runs/good": "not scored", "runs/poor": "unfinished",
    }  # fmt: skip


def test_a_run_that_another_process_trains_is_left_alone(run, some):
    some("good", "poor")
    Path("runs/poor/model.safetensors").unlink()
    with FolderLock("runs/poor"):
        outcome = run("runs")
    assert "being trained" in outcome.out
    assert "--resume" not in outcome.out
    assert "was stopped" in run("runs").out


def test_a_run_stopped_early_is_called_so_and_can_go_on_from_its_checkpoint(run, some):
    some("good")
    path = Path("runs/good/metrics.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "interrupted": True}))
    assert run("runs").out.splitlines()[2].endswith("stopped early")
    assert "--resume" not in run("runs").out
    Path("runs/good/checkpoint.safetensors").write_bytes(b"")
    assert "--resume --out runs/good" in " ".join(run("runs").out.split())


def test_what_is_no_run_gets_a_note_each(run, some):
    some("good", "poor")
    Path("runs/notes").mkdir()
    Path("runs/poor/judged.safetensors").write_bytes(b"\0" * 20)
    outcome = run("runs")
    notes = outcome.err.splitlines()
    assert outcome.code == 0
    assert len(notes) == 2
    assert notes[0].startswith("note: left out: runs/notes: not a run folder")
    assert notes[1].startswith("note: left out: runs/poor/judged.safetensors: ")
    assert outcome.out.startswith("left: 1 run")


def test_wide_tables_of_settings_are_folded(run, some, monkeypatch):
    some("poor", "good", "again", "metric", "seed")
    for name in ("poor", "good", "again", "metric", "seed"):
        Path("runs", name).rename(Path("runs", f"a-rather-long-name-of-{name}"))
    text = run("runs").out
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("\n  setting ") == 3


def test_long_names_and_dates_stay_apart_on_a_narrow_terminal(run, some, monkeypatch):
    for number in (1, 2):
        some("good")
        Path("runs/good").rename(Path(f"runs/insurance-of-many-years-charges-in-usd-{number}"))
    for width, pattern in ((80, r"insuran\S*-usd-1  \d{4}-\d\d-\d\d \d\d:\d\d "),
                           (50, r"in\.\.\.d-1  \d{4}-\d\d-\d\d  ")):  # fmt: skip
        monkeypatch.setenv("COLUMNS", str(width))
        text = run("runs").out
        assert re.search(pattern, text), text


def test_a_run_is_known_by_its_name_from_within_too(run, some, monkeypatch):
    some("good")
    monkeypatch.chdir("runs/good")
    assert run("runs", ".").out.splitlines()[2].split()[0] == "good"


def test_without_runs_there_is_a_sentence(run):
    outcome = run("runs")
    assert outcome.code == 1
    assert outcome.sentence.startswith("chainrule: error: runs: there is no such folder. Name ")
    Path("runs").mkdir()
    assert (run("runs").code, run("runs").err) == (
        0, "runs: no runs in it; train one with 'chainrule train'.\n",
    )  # fmt: skip
    assert run("runs", "--json").record == {"runs": [], "comparisons": [], "settings": {}}
    assert "houses.csv: is a file" in run("runs", "houses.csv").sentence
