"""`train --resume`: what was killed ends as if it had run through."""

import json
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import start as start_process
from tests.cli.tables import QUICK, houses_text

from chainrule.files import FolderLock
from chainrule.training import read_checkpoint, write_checkpoint

SIZES = ("--epochs", "400", "--patience", "400", "--members", "3", "--hidden", "64,32")
FILES = ("model.safetensors", "history.jsonl", "judged.safetensors")


TRAIN = ("train", "large.csv", "--target", "price", *SIZES)


@pytest.fixture
def large():
    Path("large.csv").write_text(houses_text(2000, seed=4), "utf-8")
    return TRAIN


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    (place / "large.csv").write_text(houses_text(2000, seed=4), "utf-8")
    pipe = subprocess.PIPE
    child = start_process(*TRAIN, "--out", "whole", cwd=place, stdout=pipe, stderr=pipe)
    _, said = child.communicate()
    assert child.returncode == 0, said.decode()
    return place / "whole"


def assert_same(run, other):
    for name in FILES:
        assert (Path(run) / name).read_bytes() == (other / name).read_bytes(), name
    scores = [
        json.loads((Path(one) / "metrics.json").read_text())["metrics"] for one in (run, other)
    ]
    assert scores[0] == scores[1]


def killed(start, *words, after, threads=1):
    """Starts a training and kills it so long after it has written a checkpoint."""
    place = Path("cut/checkpoint.safetensors")
    before = place.stat().st_mtime_ns if place.exists() else None
    environment = {"CHAINRULE_NUM_THREADS": str(threads)}
    child = start(*words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, environment=environment)
    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        if place.exists() and place.stat().st_mtime_ns != before:
            break
        time.sleep(0.002)
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.communicate()


def test_a_run_that_was_killed_ends_with_the_same_bytes(start, process, large, whole):
    killed(start, *large, "--out", "cut", after=0.0)
    assert not Path("cut/model.safetensors").exists()
    said = process("predict", "cut", "large.csv").sentence
    assert "chainrule train --resume --out cut" in said
    killed(start, "train", "--resume", "--out", "cut", after=0.0, threads=2)
    if Path("cut/checkpoint.safetensors").exists():  # a quick machine may have been done
        again = process("train", "--resume", "cut", "--json", *SIZES)
        assert again.code == 0, again.err
        assert re.search("going on with cut after [0-9,]+ epochs", again.err)
    assert_same("cut", whole)
    assert {path.name for path in Path("cut").iterdir()} == {path.name for path in whole.iterdir()}


def test_ctrl_c_keeps_a_scored_model_and_what_to_go_on_with(start, process, large, whole):
    child = start(*large, "--out", "cut", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not Path("cut/checkpoint.safetensors").exists():
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"to go on: chainrule train --resume --out cut" in said
    assert process("predict", "cut", "large.csv").code == 0
    Path("cut/history.jsonl").unlink()
    Path("cut/history.jsonl").mkdir()
    failed = process("train", "--resume", "--out", "cut")
    assert failed.code == 1
    assert "the trained model is kept: cut" in failed.err
    assert "to go on: chainrule train --resume --out cut" in failed.err
    Path("cut/history.jsonl").rmdir()
    assert process("train", "--resume", "--out", "cut").code == 0
    assert_same("cut", whole)


def test_before_the_first_checkpoint_a_run_begins_anew(start, run, large, whole):
    child = start(*large, "--out", "cut", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not Path("cut/history.jsonl").exists():
        assert child.poll() is None
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    Path("cut/checkpoint.safetensors").unlink(missing_ok=True)
    again = run("train", "--resume", "--out", "cut")
    assert again.code == 0, again.err
    assert "begins anew" in again.err
    assert_same("cut", whole)


@pytest.fixture
def cut(start, large):
    """A run that was killed, with a table to judge by."""
    Path("judge.csv").write_text(houses_text(80, seed=9), "utf-8")
    killed(start, *large, "--test", "judge.csv", "--out", "cut", after=0.0)
    assert Path("cut/checkpoint.safetensors").exists()
    return Path("cut")


def test_what_changed_since_is_named(run, cut):
    lines = Path("large.csv").read_text("utf-8").splitlines()

    def said_of(text, *words):
        Path("large.csv").write_text(text, "utf-8")
        outcome = run("train", "--resume", "--out", "cut", *words)
        assert outcome.code == 1
        return outcome.sentence

    cells = lines[7].split(",")
    other = [*lines[:7], ",".join([*cells[:2], "9", *cells[3:]]), *lines[8:]]
    assert "column 'rooms' has changed since" in said_of("\n".join(other) + "\n")
    both = [*other[:9], other[9].replace("Bonn", "Wien").replace("Ulm", "Wien").replace(
        "Köln", "Wien"), *other[10:]]  # fmt: skip
    assert "columns 'rooms', 'town' have changed" in said_of("\n".join(both) + "\n")
    assert "has 1,999 rows, and had 2,000" in said_of("\n".join(lines[:-1]) + "\n")
    fewer = [",".join(line.split(",")[:1] + line.split(",")[2:]) for line in lines]
    assert "column 'area' is gone since" in said_of("\n".join(fewer))
    more = [f"{lines[0]},age", *(f"{line},7" for line in lines[1:])]
    assert "column 'age' is new since" in said_of("\n".join(more))
    text = "\n".join(lines) + "\n"
    assert "was begun with --epochs 400, not 5" in said_of(text, "--epochs", "5")
    assert "was begun with --target 'price', not 'area'" in said_of(text, "--target", "area")
    said = run("train", "houses.csv", "--resume", "--out", "cut").sentence
    assert "houses.csv: is not the table that the run was begun with, " in said
    assert "large.csv; leave DATA out" in said
    Path("judge.csv").write_text(houses_text(80, seed=8), "utf-8")
    assert "judge.csv: columns 'area', " in said_of(text)
    Path("judge.csv").write_text(houses_text(80, seed=9), "utf-8")
    assert run("train", "--resume", "--out", "cut").code == 0


def test_settings_that_were_edited_are_named(run, cut):
    config = cut / "config.toml"
    text = config.read_text("utf-8")
    for name, value in (("learning_rate", "0.5"), ("members", "2"), ("target", '"area"')):
        edited = re.sub(rf"(?m)^{name} = (.*)$", f"{name} = {value}", text)
        assert edited != text
        config.write_text(edited, "utf-8")
        sentence = run("train", "--resume", "--out", "cut").sentence
        assert f"config.toml: {name} is " in sentence
        assert "when the checkpoint was written" in sentence
    config.write_text(text, "utf-8")
    assert run("train", "--resume", "--out", "cut").code == 0


def test_a_checkpoint_from_before_there_was_a_setting_is_gone_on_with(run, cut):
    """What has come later is as usual in it: it was as usual then."""
    path, config = cut / "checkpoint.safetensors", cut / "config.toml"
    kept = read_checkpoint(path)
    for name in ("activation", "normalization", "l1", "l2", "optimizer"):
        kept["facts"]["settings"].pop(name)
        config.write_text(re.sub(rf"(?m)^{name} = .*$", "", config.read_text("utf-8")), "utf-8")
    write_checkpoint(path, kept)
    assert run("train", "--resume", "--out", "cut").code == 0


def test_a_checkpoint_of_another_kind_is_refused(run, cut):
    for content in ({"a": 1}, {"facts": {}, "seconds": 0.0, "members": {}}):
        write_checkpoint(cut / "checkpoint.safetensors", content)
        outcome = run("train", "--resume", "--out", "cut")
        assert (outcome.code, "is not the checkpoint of a table" in outcome.sentence) == (1, True)


def test_a_damaged_checkpoint_is_refused(run, cut):
    place = cut / "checkpoint.safetensors"
    good = place.read_bytes()
    before = {path.name for path in cut.iterdir()}
    for content in (good[: len(good) // 2], good[:-1], b"", good[:5000] + b"x" + good[5001:]):
        place.write_bytes(content)
        outcome = run("train", "--resume", "--out", "cut")
        assert outcome.code == 1
        assert "checkpoint.safetensors" in outcome.sentence
        assert outcome.sentence.endswith("Or remove it to begin anew with --resume.")
        assert {path.name for path in cut.iterdir()} == before - {".lock"}
    place.write_bytes(good)
    assert run("train", "--resume", "--out", "cut").code == 0


def test_one_process_trains_in_a_folder_at_a_time(run, cut):
    with FolderLock(cut):
        assert "trains here now" in run("train", "--resume", "--out", "cut").sentence
    said = run("train", "large.csv", "--target", "price", "--out", "cut").sentence
    assert said.endswith("or go on with it (chainrule train --resume --out cut).")
    assert run("train", "--resume", "--out", "cut").code == 0


def test_a_process_that_trains_is_named(start, run, large):
    child = start(*large, "--out", "cut", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not Path("cut/config.toml").exists():
        time.sleep(0.01)
    assert f"process {child.pid} trains here now" in run("train", "--resume", "cut").sentence
    child.kill()
    child.communicate()


def test_what_cannot_be_gone_on_with_is_a_sentence(run):
    sentences = {
        ("--out", "none"): "there is no such run folder",
        ("houses.csv", "--target", "price"): "no run of it for 'price' is in 'runs'",
        ("--out", "."): "there is no config.toml",
    }
    for words, said in sentences.items():
        outcome = run("train", *words, "--resume")
        assert (outcome.code, said in outcome.sentence) == (1, True), outcome.err
    for words in ((), ("houses.csv",), ("--config", "x.toml", "--out", "y")):
        assert run("train", *words, "--resume").code == 2
    assert run("train", "houses.csv", "--target", "price", *QUICK).code == 0
    for words in (("houses.csv", "--target", "price"), ("--out", "runs/houses-price-1")):
        assert "its training is done" in run("train", *words, "--resume").sentence
    Path("runs/houses-price-1/report.html").unlink()
    said = run("train", "--resume", "--out", "runs/houses-price-1").sentence
    assert "write its report (chainrule report runs/houses-price-1)" in said


def limited():
    """No file may be larger than this: what a full disk is to a process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


@pytest.mark.skipif(os.name != "posix", reason="this system limits no sizes of files")
def test_a_disk_that_is_full_loses_nothing(process, large, whole):
    outcome = process(*large, "--out", "cut", preexec_fn=limited)
    assert outcome.code == 1
    assert "checkpoint.safetensors: cannot be written" in outcome.err
    assert "Training goes on" in outcome.err
    assert "model.safetensors: cannot be written" in outcome.err.splitlines()[-1]
    assert "no checkpoint was written; to begin it again: chainrule train --resume" in outcome.err
    assert "is kept" not in outcome.err
    assert process("train", "--resume", "--out", "cut").code == 0
    assert_same("cut", whole)


def test_a_run_killed_before_it_wrote_anything_can_begin(run):
    for place, words in (("a", ("--resume",)), ("b", ())):
        Path(place).mkdir()
        (Path(place) / ".lock").touch()
        if words:
            assert "name DATA and --target" in run("train", *words, "--out", place).sentence
            assert (Path(place) / ".lock").exists()
        given = ("houses.csv", "--target", "price", *QUICK)
        outcome = run("train", *given, "--out", place, *words)
        assert outcome.code == 0, outcome.err
        assert not (Path(place) / ".lock").exists()
    with FolderLock("a"):
        assert "exists already" in run("train", *given, "--out", "a").sentence
    Path("c").mkdir()
    with FolderLock("c"):
        assert "trains here now" in run("train", *given, "--out", "c", "--resume").sentence
        assert "exists already" in run("train", *given, "--out", "c").sentence
