"""Terminals, pipes and signals, with real ones of each."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.tables import QUICK, houses_text

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

LONG = ("--target", "price", "--epochs", "100000", "--patience", "100000", "--members", "1")
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


def watched(start, *words, columns=80, until=None, environment=None):
    """What a command shows on a terminal of its own; `until` ends it with Ctrl-C."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = start(
        *words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        environment={"TERM": "xterm-256color", **(environment or {})},
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.5)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        if until is not None and until.search(shown):
            child.send_signal(signal.SIGINT)
            until = None
    out, _ = child.communicate(timeout=30)
    os.close(ours)
    return child.returncode, out, shown


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_progress_is_one_line_that_vanishes(start, columns):
    words = ("--target", "price", "--epochs", "200", "--patience", "200", "--members", "2")
    code, out, shown = watched(start, "train", "houses.csv", *words, columns=columns)
    assert code == 0, shown
    assert b"\x1b" not in out
    lines = re.findall("\r\x1b\\[2K([^\r\n\x1b]*)", shown.decode())
    assert len(lines) > 2
    assert max(map(len, lines)) <= columns
    told = [line for line in lines if re.match(r" *[0-9]+%  about .* left", line)]
    assert told
    if columns > 100:
        assert re.search(r"network [12]/2  epoch [0-9]+/200  loss .* validation .*\(best ", told[0])
    # the last thing done to the line is to erase it
    assert shown.rstrip().endswith(b"NEW.csv")
    assert b"left" not in shown.rpartition(b"\x1b[2K")[2]


def test_no_color_is_respected(start):
    words = ("train", "houses.csv", "--target", "price", "--epochs", "100", "--members", "1")
    code, _, shown = watched(start, *words, environment={"NO_COLOR": "1"})
    assert code == 0
    assert not re.search(rb"\x1b\[[0-9;]*m", shown)


def test_piped_there_are_no_control_characters(process):
    for words in ([], ["--json"]):
        outcome = process("train", "houses.csv", "--target", "price", *QUICK, *words)
        assert outcome.code == 0, outcome.err
        assert not CONTROL.search((outcome.out + outcome.err).encode())
        assert "epoch 1" not in outcome.err


def interrupted(start, until, *words, by=signal.SIGINT):
    """A piped command, stopped by a signal a moment after a line was said."""
    child = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = b""
    for line in child.stderr:
        said += line
        if until in line:
            break
    time.sleep(2)
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


def test_what_is_killed_leaves_its_settings_and_its_epochs(start, run):
    words = ("train", "houses.csv", *LONG, "--out", "killed")
    code, _, said = interrupted(start, b"network: ", *words, by=signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    assert {path.name for path in Path("killed").iterdir()} == {"config.toml", "history.jsonl"}
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
