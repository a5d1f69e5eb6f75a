"""The study of `chainrule tune`: elsewhere, found again, gone, not written; and without Optuna."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_tune import SMALL, SPACE, kept

SMALLEST = (*SMALL, "--space", "space.toml")


@pytest.fixture(autouse=True)
def space(folder):
    Path("space.toml").write_text(SPACE)


def test_a_study_elsewhere_is_one_of_its_own(run):
    words = ("tune", "churn.csv", "--target", "left", *SMALLEST)
    storage = ("--storage", "sqlite:///shared.sqlite3")
    assert run(*words, *storage, "--out", "a").code == 0
    assert not Path("a/study.sqlite3").exists()
    again = run(*words, *storage, "--out", "b")
    assert "has 4 trials already" in again.sentence
    assert not Path("b").exists()
    other = run("tune", "houses.csv", "--target", "price", *SMALLEST, *storage)
    assert "is of another table" in other.sentence
    assert run(*words, *storage, "--out", "b", "--study", "second").code == 0
    assert kept("a") == kept("b")


def test_a_storage_is_found_again_from_any_folder(run, monkeypatch):
    words = ("tune", "houses.csv", "--target", "price", *SMALLEST, "--out", "a")
    assert run(*words, "--storage", "sqlite:///own.sqlite3").code == 0
    before = kept("a")
    Path("other").mkdir()
    monkeypatch.chdir("other")
    outcome = run("tune", "--resume", "--out", "../a", "--trials", "5")
    assert outcome.code == 0, outcome.err
    assert "4 trials found, going on" in outcome.err
    assert kept("../a")["trials"][:4] == before["trials"]
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("storage", [(), ("--storage", "sqlite:///own.sqlite3")])
def test_a_study_that_is_gone_is_not_begun_anew(run, storage):
    words = ("tune", "houses.csv", "--target", "price", *SMALLEST, "--out", "a", *storage)
    assert run(*words).code == 0
    file = Path("own.sqlite3" if storage else "a/study.sqlite3").absolute()
    file.rename("away.sqlite3")
    more = ("tune", "--resume", "--out", "a", "--trials", "6")
    said = run(*more).sentence
    assert f"storage: {file} is gone, which had the trials of this search; put it back" in said
    assert not file.exists()
    other = f"sqlite:///{file}"
    assert run(*words, "--out", "b", "--storage", other, "--study", "second").code == 0
    said = run(*more).sentence
    assert f"storage: the study 'chainrule' is no longer in {other}; put it back" in said
    Path("away.sqlite3").replace(file)
    assert "4 trials found, going on" in run(*more).err


def test_a_search_that_was_killed_before_its_study_was_made_goes_on(run):
    words = ("tune", "houses.csv", "--target", "price", *SMALLEST, "--out")
    assert run(*words, "a").code == 0
    Path("b").mkdir()
    Path("b/search.toml").write_bytes(Path("a/search.toml").read_bytes())
    assert run("tune", "--resume", "--out", "b").code == 0
    assert kept("a") == kept("b")


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_study_that_cannot_be_written_is_told_of_as_a_file(process):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60 << 10, 60 << 10))

    words = ("tune", "houses.csv", "--target", "price", *SMALLEST)
    said = process(*words, preexec_fn=limit).sentence
    assert "study.sqlite3 cannot be reached (" in said
    assert said.endswith("; check that its folder is there and can be written, and that its disk "
                         "is not full.")  # fmt: skip


@pytest.mark.parametrize("words", [("none.csv", "--target", "x"), ("--resume", "--out", "a")])
def test_without_optuna_nothing_is_read(words):
    Path("a").mkdir()
    Path("a/search.toml").write_text("")
    without = "import sys; sys.modules['optuna'] = None; from chainrule.cli import main; "
    command = [sys.executable, "-c", f"{without}sys.exit(main(sys.argv[1:]))", "tune"]
    child = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    needed = "chainrule: error: tune needs Optuna: pip install 'chainrule[tune]'.\n"
    assert (child.returncode, child.stderr) == (1, needed)
    shown = subprocess.run(
        [*command, "houses.csv", "--target", "price", "--print-space"], stdout=subprocess.PIPE,
        check=True,
    )  # fmt: skip
    assert shown.stdout.startswith(b"units = ") or b"\nunits = " in shown.stdout
