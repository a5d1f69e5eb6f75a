"""Terminals, pipes and signals, with real ones of each."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.tables import QUICK, houses_text
from tests.terminals import Screen, Terminal, needs_terminals

import chainrule
from chainrule.cli.progress import waiting

LONG = ("--target", "price", "--epochs", "100000", "--patience", "100000", "--members", "1")
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


def watched(*words, columns=80, environment=None):
    """A training on a terminal of its own, with its results in a pipe."""
    command = [sys.executable, "-m", "chainrule", "train", "houses.csv", "--target", "price"]
    return Terminal(
        [*command, *words], columns, environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )


@needs_terminals
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_progress_is_a_few_lines_that_vanish(columns):
    words = ("--epochs", "1500", "--patience", "1500", "--members", "2")
    terminal = watched(*words, columns=columns)
    assert terminal.end() == 0, terminal.screen.text
    with terminal.child.stdout as out:
        assert b"\x1b" not in out.read()
    assert terminal.screen.cursor_shown
    assert not re.search(" left$|rows/s", terminal.screen.text, re.M)
    assert terminal.screen.text.endswith("NEW.csv")
    views = [re.search(r"^network [12]/2  .*%  about .* left\n.*\n.*$", text, re.M)
             for text in terminal.seen]  # fmt: skip
    shown = [view[0].split("\n") for view in views if view]
    assert len(shown) > 2
    assert all(len(line) <= columns - 2 for view in shown for line in view)
    assert all(re.match("train", view[1]) and re.match("val", view[2]) for view in shown)
    if columns > 40:
        assert re.search(r"epoch \d+/1500  .*rows/s", shown[-1][0])
        assert re.search(r"^training +loss \S+ +[▁-█]+$", shown[-1][1])
        assert re.search(r"^validation +loss \S+ +best \S+ +[▁-█]+$", shown[-1][2])


@needs_terminals
def test_ctrl_c_takes_the_lines_away():
    terminal = watched("--epochs", "100000", "--patience", "100000", "--members", "2")
    terminal.until(r"epoch \d\d+/100000")
    terminal.send()
    assert terminal.end() == 130
    terminal.child.stdout.close()
    assert terminal.screen.cursor_shown
    assert not re.search(" left$|rows/s", terminal.screen.text, re.M)
    assert "\nstopped: the best weights so far are kept " in terminal.screen.text


@needs_terminals
def test_no_color_is_respected():
    terminal = watched("--epochs", "100", "--members", "1", environment={"NO_COLOR": "1"})
    terminal.end()
    terminal.child.stdout.close()
    assert b"left" in terminal.raw
    assert not re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_a_fit_within_a_training_leaves_its_lines_alone(monkeypatch):
    """A view within another: what it leaves behind comes above, in whole lines."""
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with waiting("outer"):
        model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
        model.compile("sgd", "mse")
        model.fit([[1.0]], [1.0], epochs=3, verbose=1)
    assert sys.stderr is shown
    screen = Screen(80)
    screen.feed(shown.getvalue().replace("\n", "\r\n"))
    assert [line.split()[0] for line in screen.text.split("\n")] == ["epoch", "training"]


def test_piped_there_are_no_control_characters(process):
    for words in ([], ["--json"]):
        outcome = process("train", "houses.csv", "--target", "price", *QUICK, *words)
        assert outcome.code == 0, outcome.err
        assert not CONTROL.search((outcome.out + outcome.err).encode())
        assert "epoch 1" not in outcome.err


def interrupted(start, until, *words, by=signal.SIGINT):
    """A piped command, stopped by a signal when it has said a line and made some epochs."""
    child = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = b""
    for line in child.stderr:
        said += line
        if until in line:
            break
    history = Path(words[words.index("--out") + 1], "history.jsonl")
    while child.poll() is None and not (history.exists() and history.read_text().count("\n") > 20):
        time.sleep(0.01)
    child.send_signal(by)
    out, rest = child.communicate(timeout=60)
    return child.returncode, out, (said + rest).decode()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_what_is_stopped_is_kept(start, run, by):
    words = ("train", "houses.csv", *LONG, "--out", "kept", "--json")
    code, out, said = interrupted(start, b"network: ", *words, by=by)
    assert code == 130, said
    assert "stopped: the best weights so far are kept" in said
    assert "run folder: kept" in said
    assert b'"interrupted": true' in out
    assert "Traceback" not in said
    assert run("predict", "kept", "houses.csv").code == 0
    assert run("evaluate", "kept", "houses.csv").code == 0


@pytest.mark.skipif(os.name != "posix", reason="this system has no jobs in the background")
def test_a_job_in_the_background_that_is_told_to_end_is_kept(start, run):
    """Shells have such a job ignore Ctrl-C."""
    words = ("train", "houses.csv", *LONG, "--out", "kept")
    pipe = subprocess.PIPE
    child = start(
        *words, stdout=pipe, stderr=pipe,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    history = Path("kept/history.jsonl")
    while child.poll() is None and not (history.exists() and history.stat().st_size):
        time.sleep(0.05)
    child.terminate()
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert b"stopped: the best weights so far are kept" in said
    assert run("predict", "kept", "houses.csv").code == 0


def test_a_run_that_was_stopped_before_its_first_checkpoint_goes_on(start, run):
    words = ("train", "houses.csv", *LONG)
    pipe = subprocess.PIPE
    child = start(*words, "--out", "kept", stdout=pipe, stderr=pipe)
    history = Path("kept/history.jsonl")
    while child.poll() is None and not (history.exists() and history.stat().st_size):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    Path("kept/checkpoint.safetensors").unlink(missing_ok=True)  # a slow machine has one
    place = Path("kept/config.toml")
    place.write_text(place.read_text("utf-8").replace("100000", "3"), "utf-8")
    again = run("train", "--resume", "--out", "kept")
    assert again.code == 0, again.err
    assert "begins anew" in again.err
    assert "its training is done" in run("train", "--resume", "--out", "kept").sentence


def test_what_is_killed_leaves_its_settings_and_its_epochs(start, run):
    words = ("train", "houses.csv", *LONG, "--out", "killed")
    code, _, said = interrupted(start, b"network: ", *words, by=signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    left = {path.name for path in Path("killed").iterdir() if path.suffix != ".part"}
    assert left - {"checkpoint.safetensors"} == {".lock", "config.toml", "history.jsonl"}
    lines = Path("killed/history.jsonl").read_text().splitlines()
    assert len(lines) > 10
    assert json.loads(lines[9])["epoch"] == 10
    assert "its training goes on, or was stopped" in run("predict", "killed", "houses.csv").sentence
    again = run("train", "--config", "killed", "--epochs", "10", "--out", "again")
    assert again.code == 0, again.err
    assert Path("again/history.jsonl").read_text().splitlines() == lines[:10]


@pytest.mark.parametrize("until", ["reading", "training"])
def test_ctrl_c_before_the_first_epoch_keeps_nothing(start, until):
    Path("large.csv").write_text(houses_text(15_000, seed=4), "utf-8")
    words = ("train", "large.csv", "--target", "price", "--hidden", "2000,2000")
    child = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if until == "training":
        while b"network: " not in child.stderr.readline():
            pass
    while not Path("runs").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert (out, Path("runs").exists()) == (b"", False)
    assert b"stopped before the first epoch was done: nothing was kept." in err
    assert b"Traceback" not in err


def test_a_reader_that_has_had_enough_is_no_mistake(start, price_run):
    Path("many.csv").write_text(houses_text(30_000), "utf-8")
    predict = start(
        "predict", price_run, "many.csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    head = [predict.stdout.readline() for _ in range(3)]
    predict.stdout.close()
    assert head[0] == b"prediction\n"
    assert predict.wait(timeout=60) == 0
    assert predict.stderr.read() == b""
    predict.stderr.close()


def test_talk_that_nobody_reads_does_not_end_a_training(start):
    ours, theirs = os.pipe()
    os.close(ours)
    child = start("train", "houses.csv", "--target", "price", *QUICK, "--out", "run", stderr=theirs,
                  stdout=subprocess.PIPE)  # fmt: skip
    os.close(theirs)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out[:7]) == (0, b"score  ") or out.lstrip()[:5] == b"score"
    assert Path("run/model.safetensors").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_a_sentence(start, price_run):
    with open("/dev/full", "wb") as full:
        child = start("predict", price_run, "houses.csv", stdout=full, stderr=subprocess.PIPE)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert err.decode() == (
        "chainrule: error: no space left on device. Check the place and its free space.\n"
    )


def test_standard_input_may_be_predicted(process, price_run, run):
    outcome = process("predict", price_run, "-", stdin=Path("houses.csv").read_bytes())
    assert outcome.code == 0, outcome.err
    assert outcome.out == run("predict", price_run, "houses.csv").out


@pytest.mark.skipif(sys.platform == "win32", reason="locales of POSIX")
def test_letters_that_the_terminal_lacks_stop_nothing(process, quick):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    outcome = process("train", "houses.csv", "--target", "town", *quick, environment=environment)
    assert outcome.code == 0, outcome.err


def test_rows_that_are_done_are_told_with_the_time_left(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with waiting("explaining") as tell:  # piped: not a word
        tell(50, 200)
    assert shown.getvalue() == ""
    shown.isatty = lambda: True
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with waiting("explaining") as tell:
        time.sleep(0.3)
        tell(1500, 3000)
    assert re.search("explaining: 1,500 of 3,000 rows, about .* left", shown.getvalue())
    screen = Screen(80)
    screen.feed(shown.getvalue().replace("\n", "\r\n"))
    assert screen.text == ""
