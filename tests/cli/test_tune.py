"""`chainrule tune`: searched, trained, judged; killed and gone on with."""

import json
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from tests.cli.conftest import start as start_process
from tests.cli.tables import houses_text
from tests.terminals import Terminal, needs_terminals

SPACE = """\
units = [4, 8]
learning_rate = {low = 1e-3, high = 1e-1, log = true}
"""
SMALL = ("--epochs", "5", "--members", "2", "--trials", "4")
LONG = (
    "tune", "large.csv", "--target", "price", "--method", "hyperband", "--epochs", "81",
    "--patience", "81", "--members", "1", "--trials", "45", "--metric", "mae", "--space",
    "space.toml",
)  # fmt: skip


def kept(run):
    """The trials of a search but their seconds."""
    record = json.loads((Path(run) / "search.json").read_text())
    trials = [{**one, "seconds": 0} for one in record["trials"]]
    return {**record, "seconds": 0, "trials": trials}


@pytest.fixture
def space():
    Path("space.toml").write_text(SPACE)
    return ("--space", "space.toml")


def test_the_best_settings_are_trained_and_judged(run, space):
    outcome = run("tune", "churn.csv", "--target", "left", *SMALL, *space, "--json")
    assert outcome.code == 0, outcome.err
    record = outcome.record
    folder = Path(record["run"])
    assert folder == Path("runs/churn-left-1")
    search = json.loads((folder / "search.json").read_text())
    best = min(search["trials"], key=lambda one: one["score"])
    assert record["search"]["best"] == search["best"] == best["number"]
    assert record["search"]["settings"] == best["settings"]
    assert record["metrics"]["test"]["accuracy"] > 0
    assert {path.name for path in folder.iterdir()} == {
        "config.toml", "explained.json", "history.jsonl", "judged.safetensors", "metrics.json",
        "model.safetensors", "report.html", "search.json", "search.toml", "study.sqlite3",
    }  # fmt: skip
    again = run("train", "--config", folder, "--out", "again")
    assert again.code == 0, again.err
    model = (folder / "model.safetensors").read_bytes()
    assert Path("again/model.safetensors").read_bytes() == model
    assert run("predict", folder, "churn.csv").code == 0
    assert "best so far trial" in outcome.err
    told = (
        f"training the best, trial {best['number']} after {best['epochs']} epochs: validation loss"
    )
    assert f"searched 4 trials; {told} {best['score']:.5g} (" in outcome.err.replace("\n  ", " ")


def test_the_scores_are_printed_with_the_best_trials(run, space):
    outcome = run("tune", "houses.csv", "--target", "price", *SMALL, *space, "--metric", "mae")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert re.match(r" *trial +mae +best epoch +settings", lines[0])
    scores = [float(line.split()[1]) for line in lines[1:5]]
    assert scores == sorted(scores)
    assert "95 % interval" in outcome.out


def test_the_usual_space_is_printed_to_be_edited(run):
    outcome = run("tune", "houses.csv", "--target", "price", "--print-space", "--dropout", "0.1")
    assert outcome.code == 0
    Path("mine.toml").write_text(outcome.out)
    assert "learning_rate = {low = 0.0001, high = 0.01, log = true}" in outcome.out.splitlines()
    assert "dropout" not in outcome.out
    assert outcome.err == ""
    assert not Path("runs").exists()
    grid = run("tune", "houses.csv", "--target", "price", "--print-space", "--method", "grid")
    assert tomllib.loads(grid.out)["hidden"] == [[64], [128, 64], [256, 128]]
    assert "units" not in grid.out
    words = ("tune", "houses.csv", "--target", "price", "--space", "mine.toml", "--trials", "2")
    assert run(*words, "--epochs", "1", "--members", "1").code == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (("--method", "best"), "method: 'best' is not known"),
        (("--metric", "rmse"), "metric: 'rmse' is not a score of this classification"),
        (("--space", "none.toml"), "none.toml: there is no such file"),
        (("--storage", "sqlite:////no/such/place.db"), "storage: sqlite:////no/such/place.db can"),
        (("--trials", "0"), "trials must be a whole number of 1 or more"),
        (("--folds", "1"), "tune: folds must be a whole number of 2 or more, got 1"),
        (
            ("--folds", "70", "--group", "months"),
            "groups of 'months' cannot be; ask for 33",
        ),
        (("--method", "grid", "--space", "space.toml"), "a grid needs some of the numbers"),
        (("--space", "space.toml", "--hidden", "8"), "units is searched, and --hidden fixes it"),
        (("--space", "epochs.toml", "--method", "hyperband"), "hyperband shares out the epochs"),
        (("--time-limit", "0"), "time_limit must be a number of seconds above 0"),
        (("--metric", "acuracy"), "metric: 'acuracy' is not a score of classification or regress"),
        (("--metric", "mae", "--task", "classification"), "'mae' is not a score of classification"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(run, space, words, said):
    Path("epochs.toml").write_text("epochs = [3, 9]")
    of_this_table = words == ("--metric", "rmse") or "--group" in words
    data = "churn.csv" if of_this_table else "none.csv"  # others are told before it is read
    outcome = run("tune", data, "--target", "left", *words)
    assert outcome.code == 1
    assert said in outcome.sentence
    assert of_this_table or outcome.err.count("\n") == 1
    assert not Path("runs").exists()


def test_a_search_that_fails_before_its_first_trial_leaves_nothing(run):
    Path("few.csv").write_text("a,b\n1,2\n3,4\n")
    words = ("tune", "few.csv", "--target", "b", "--storage", "sqlite:///study.sqlite3")
    for out in ((), ("--out", "a"), ("--out", "a")):
        assert "too few rows to watch some" in run(*words, *out).sentence
    assert not Path("a").exists()
    assert not Path("runs").exists()
    words = ("tune", "churn.csv", "--target", "left", *SMALL, "--out", "a", *words[4:])
    assert run(*words).code == 0


def files_but_times(folder):
    """The files of a run whose bytes hang on no clock and no folder."""
    names = ("model.safetensors", "history.jsonl", "judged.safetensors", "explained.json")
    return {name: (Path(folder) / name).read_bytes() for name in names}


@pytest.mark.parametrize("method", ["random", "grid", "bayesian", "hyperband"])
def test_a_search_that_is_done_goes_on_to_more_trials(run, method):
    Path("space.toml").write_text("units = [4, 8]\nbatch_size = [16, 32]\ndropout = [0.0, 0.3]")
    words = ("tune", "houses.csv", "--target", "price", "--space", "space.toml", "--epochs", "9")
    words += ("--method", method, "--members", "1", "--metric", "r2")
    few, more = ("9", "14") if method == "hyperband" else ("3", "7")
    assert run(*words, "--trials", few, "--out", "a").code == 0
    assert "search on (--trials N)" in run("tune", "--resume", "--out", "a").sentence
    said = f"its {few} trials are all that was asked for; give more (--trials N"
    assert said in run("tune", "--resume", "--out", "a", "--trials", few).sentence
    said = "would be fewer" if method != "hyperband" else "would give other brackets"
    assert said in run("tune", "--resume", "--out", "a", "--trials", "2").sentence
    outcome = run("tune", "--resume", "a", "--trials", more)
    assert outcome.code == 0, outcome.err
    lines = outcome.err.splitlines()
    assert lines[0] == f"search: {more} trials ({method}), by r2; {few} trials found, going on"
    assert int(lines[1].split()[0]) >= int(few) or lines[1].startswith("searched")
    assert run(*words, "--trials", more, "--out", "b").code == 0
    assert kept("a") == kept("b")
    assert files_but_times("a") == files_but_times("b")
    metrics = json.loads(Path("a/metrics.json").read_text())
    assert metrics["search"]["trials"] == int(more)
    said = "its training is done"
    assert said in run("tune", "--resume", "--out", "a").sentence


@pytest.mark.slow
def test_a_search_that_was_killed_on_its_way_to_more_trials_goes_on(start, process, space):
    words = ("tune", "houses.csv", "--target", "price", "--epochs", "10", "--members", "1", *space)
    words += ("--method", "random", "--out")
    assert process(*words, "cut", "--trials", "3").code == 0
    child = start("tune", "--resume", "--out", "cut", "--trials", "40", stderr=subprocess.PIPE)
    while "trials = 40" not in Path("cut/search.toml").read_text():
        assert child.poll() is None
        time.sleep(0.002)
    time.sleep(0.1)
    child.kill()
    child.communicate()
    assert process("predict", "cut", "houses.csv").code == 0  # what was there still serves
    outcome = process("tune", "--resume", "--out", "cut")
    assert outcome.code == 0, outcome.err
    assert "search: 40 trials (random)" in outcome.err
    assert process(*words, "whole", "--trials", "40").code == 0
    assert kept("cut") == kept("whole")
    assert files_but_times("cut") == files_but_times("whole")


def test_what_was_searched_is_said_in_the_report(run, space):
    assert run("tune", "churn.csv", "--target", "left", *SMALL, *space, "--out", "a").code == 0
    rows = json.loads(Path("a/metrics.json").read_text())["settings"]
    origins = {row["name"]: row["origin"] for row in rows}
    assert origins["hidden"] == origins["learning_rate"] == "searched"
    assert origins["epochs"] == "given"
    assert "searched" not in {origins[name] for name in ("dropout", "batch_size", "optimizer")}


def test_a_time_limit_leaves_a_trained_run(run):
    words = ("--method", "random", "--time-limit", "0.2", "--epochs", "500", "--members", "1")
    outcome = run("tune", "houses.csv", "--target", "price", *words, "--out", "a", "--json")
    assert outcome.code == 0, outcome.err
    assert "search: until stopped (random)" in outcome.err
    assert outcome.record["search"]["trials"] >= 1
    assert not Path("a/trials").exists()


def test_a_space_is_checked_before_the_table_is_read(run):
    Path("space.toml").write_text("unit = [4, 8]\n")
    outcome = run("tune", "none.csv", "--target", "left", "--space", "space.toml")
    assert "space: there is no setting 'unit'; did you mean 'units'?" in outcome.sentence


@pytest.mark.parametrize(
    "words, said",
    [
        (("tune",), "no data given; name a table"),
        (("tune", "churn.csv"), "no target given; name a column with --target"),
        (("tune", "--resume"), "--resume needs the search to go on with; add --out RUN"),
        (("tune", "--resume", "--out", "a", "--method", "grid"), "leave out method"),
        (("tune", "--resume", "--out", "a", "--epochs", "3"), "leave out epochs"),
        (("tune", "churn.csv", "--trails", "3"), "did you mean '--trials'?"),
    ],
)
def test_what_cannot_be_understood(run, words, said):
    outcome = run(*words)
    assert outcome.code == 2
    assert said in outcome.err


def test_what_cannot_be_gone_on_with(run, space):
    assert "no search was begun there" in run("tune", "--resume", "--out", "none").sentence
    run("tune", "churn.csv", "--target", "left", *SMALL, *space, "--out", "a")
    assert "its training is done" in run("tune", "--resume", "--out", "a").sentence
    for name in ("model.safetensors", "metrics.json"):
        Path("a", name).unlink()
    Path("churn.csv").write_text(Path("churn.csv").read_text() + "7,gold,no\n")
    said = run("tune", "--resume", "--out", "a").sentence
    assert "churn.csv: has changed since the search was begun" in said


@needs_terminals
def test_a_table_of_trials_is_shown_and_vanishes(space):
    command = [sys.executable, "-m", "chainrule", "tune", "houses.csv", "--target", "price"]
    words = ("--epochs", "60", "--members", "1", "--trials", "60", "--method", "random", *space)
    terminal = Terminal(
        [*command, *words], 80, None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert terminal.end() == 0, terminal.screen.text
    with terminal.child.stdout as out:
        assert b"\x1b" not in out.read()
    assert terminal.screen.cursor_shown
    assert not re.search("^running|^best +trial|best so far", terminal.screen.text, re.M)
    shown = [text for text in terminal.seen if re.search("^running", text, re.M)]
    views = [re.findall("^(?:\\d+ of|running|best|last) .*", text, re.M) for text in shown]
    assert all(len(line) <= 78 for view in views for line in view)
    assert re.search(r"^\d+ of 60 trials over .*%  about .* left$", shown[-1], re.M)
    assert re.search(r"^running +trial \d+  epoch \d+", shown[-1], re.M)
    assert re.search(r"^best +trial \d+ after \d+ epochs: validation loss", shown[-1], re.M)
    assert re.search(r"^last +trial \d+ after \d+ epochs: ", shown[-1], re.M)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    (place / "large.csv").write_text(houses_text(1200, seed=4), "utf-8")
    (place / "space.toml").write_text(SPACE)
    pipe = subprocess.PIPE
    child = start_process(*LONG, "--out", "whole", cwd=place, stdout=pipe, stderr=pipe)
    _, said = child.communicate()
    assert child.returncode == 0, said.decode()
    return place / "whole"


def assert_same(run, other):
    assert kept(run) == kept(other)
    for name in ("model.safetensors", "history.jsonl", "judged.safetensors"):
        assert (Path(run) / name).read_bytes() == (other / name).read_bytes(), name


def stopped(start, number, *words, after, threads=1):
    """Starts a search and sends it a signal when it has kept so many networks or trials."""
    environment = {"CHAINRULE_NUM_THREADS": str(threads)}
    child = start(*words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, environment=environment)
    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        if len(list(Path("cut/trials").glob("*.safetensors"))) >= after:
            break
        time.sleep(0.002)
    child.send_signal(number)
    return child.communicate()[1].decode(), child.returncode


@pytest.mark.slow
def test_a_search_that_was_killed_ends_as_if_it_had_not_been(start, process, whole, space):
    Path("large.csv").write_text(houses_text(1200, seed=4), "utf-8")
    _, code = stopped(start, signal.SIGKILL, *LONG, "--out", "cut", after=20)
    assert code == -signal.SIGKILL
    assert not Path("cut/search.json").exists()
    resume = ("tune", "--resume", "--out", "cut")
    said, code = stopped(start, signal.SIGINT, *resume, after=26, threads=2)
    assert code == 130
    assert "what is done is kept; to go on: chainrule tune --resume --out cut" in said
    assert kept("cut")["interrupted"]
    told = "go on with it (chainrule tune --resume --out cut)"
    assert told in process("predict", "cut", "large.csv").sentence
    assert told in process(*LONG, "--out", "cut").sentence
    outcome = process(*resume)
    assert outcome.code == 0, outcome.err
    assert_same("cut", whole)
    assert {path.name for path in Path("cut").iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_last_training_that_was_stopped_is_gone_on_with(start, process, number):
    Path("large.csv").write_text(houses_text(600, seed=4), "utf-8")
    Path("space.toml").write_text("units = [48, 64]")
    words = (
        "tune", "large.csv", "--target", "price", "--space", "space.toml", "--trials", "2",
        "--epochs", "60", "--patience", "60", "--members", "2", "--method", "random",
    )  # fmt: skip
    child = start(*words, "--out", "cut", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    history = Path("cut/history.jsonl")
    while not history.exists() or history.read_bytes().count(b"\n") < 30:
        assert child.poll() is None
        time.sleep(0.002)
    child.send_signal(number)
    said = child.communicate()[1].decode()
    if number == signal.SIGKILL:
        assert not Path("cut/model.safetensors").exists()
    else:
        assert "to go on: chainrule tune --resume --out cut" in said
        assert json.loads(Path("cut/metrics.json").read_text())["interrupted"]
    outcome = process("tune", "--resume", "--out", "cut")
    assert outcome.code == 0, outcome.err
    again = process("train", "--config", "cut", "--out", "again")
    assert again.code == 0, again.err
    model = Path("cut/model.safetensors").read_bytes()
    assert Path("again/model.safetensors").read_bytes() == model
