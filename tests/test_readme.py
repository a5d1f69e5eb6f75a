"""What the README shows is what happens."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from chainrule.cli import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
CONSOLE = [code for language, code in BLOCKS if language == "console"]
SMALL = ("--members", "1", "--hidden", "8", "--epochs")
QUICK = {"train": (*SMALL, "2"), "tune": (*SMALL, "3", "--trials", "3")}


def skeleton(text):
    """What stays the same from run to run: the text with every number as one letter."""
    text = re.sub(r"-?[0-9][0-9,.]*( min [0-9]+)?", "N", text)
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_runs_as_written(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples")
    exec(compile(code, "README.md", "exec"), {})


def test_the_transcript_is_what_the_command_prints(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples")
    [transcript] = CONSOLE
    command, _, expected = transcript.partition("\n")
    assert main(shlex.split(command.removeprefix("$ chainrule "))) == 0
    shown = capfd.readouterr()
    assert set(skeleton(expected)) == set(skeleton(shown.err + shown.out))


def test_the_commands_work_one_after_the_other(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples")
    lines = [line.rpartition(" && ")[2].rpartition(" > ")[0] or line for line in SHELL]
    commands = [shlex.split(line.rpartition(" && ")[2]) for line in lines]
    ours = [words[1:] for words in commands if words[0].endswith("chainrule")]
    names = ["train", "predict", "evaluate", "train", "runs", "evaluate", "explain", "explain"]
    assert [words[0] for words in ours] == [*names, "tune"]
    for words in ours:
        assert main([*words, *QUICK.get(words[0], ())]) == 0, capfd.readouterr().err


def test_links_lead_somewhere():
    for place in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / place).exists(), place


def test_the_test_command_is_the_one_of_ci():
    found = [line for line in SHELL if re.search("&&.* -m pytest", line)]
    assert len(found) == 1
    script = ROOT / ".ci" / "run"
    if script.exists():
        assert "-m 1 -e '&&.* -m pytest' README.md" in script.read_text()
