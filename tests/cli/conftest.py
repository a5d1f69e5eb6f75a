"""Small tables, small runs, and two ways to run a command: in this process, and as users do."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.tables import QUICK, churn_text, houses_text

import chainrule
from chainrule.cli import main


@dataclass
class Outcome:
    """What a command left: its exit code, its results, its talk."""

    code: int
    out: str
    err: str

    @property
    def record(self):
        return json.loads(self.out)

    @property
    def sentence(self):
        """The one line of an error."""
        lines = [line for line in self.err.splitlines() if ": error: " in line]
        assert len(lines) == 1, self.err
        assert self.err.rstrip("\n").endswith(lines[0]), self.err
        assert "Traceback" not in self.err
        return lines[0]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test has a folder of its own, with two tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("houses.csv").write_text(houses_text(), "utf-8")
    Path("churn.csv").write_text(churn_text(), "utf-8")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command line in this process."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


def start(*words, **options):
    """A process of the command line, as a user starts it."""
    place = str(Path(chainrule.__file__).parents[1])
    paths = [place, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "error"}
    environment.update(options.pop("environment", {}))
    command = [sys.executable, "-m", "chainrule", *map(str, words)]
    return subprocess.Popen(command, env=environment, **options)


@pytest.fixture(name="start")
def start_fixture():
    return start


@pytest.fixture
def process():
    """Runs a command line in a process of its own."""

    def process(*words, stdin=b"", **options):
        pipe = subprocess.PIPE
        child = start(*words, stdin=pipe, stdout=pipe, stderr=pipe, **options)
        out, err = child.communicate(stdin, timeout=120)
        return Outcome(child.returncode, out.decode("utf-8"), err.decode("utf-8"))

    return process


def _trained(tmp_path_factory, name, text, target):
    place = tmp_path_factory.mktemp(name)
    (place / "data.csv").write_text(text, "utf-8")
    run = place / "run"
    words = ["train", place / "data.csv", "--target", target, "--out", run, "--json", *QUICK]
    pipe = subprocess.PIPE
    out, err = start(*words, stdout=pipe, stderr=pipe).communicate(timeout=120)
    assert run.is_dir(), err.decode()
    (place / "record.json").write_bytes(out)
    return run


@pytest.fixture(scope="session")
def price_run(tmp_path_factory):
    """A run that predicts a number."""
    return _trained(tmp_path_factory, "price", houses_text(), "price")


@pytest.fixture(scope="session")
def left_run(tmp_path_factory):
    """A run that predicts one of two labels."""
    return _trained(tmp_path_factory, "left", churn_text(), "left")


@pytest.fixture
def quick():
    """Options that make a training short."""
    return QUICK
