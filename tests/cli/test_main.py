"""Help, version, exit codes, and how quickly the command line is there."""

import subprocess
import sys

import pytest

import chainrule
from chainrule.cli.main import COMMANDS
from chainrule.estimators.metric import METRICS


def test_alone_it_prints_help_to_stderr(run):
    outcome = run()
    assert outcome.code == 2
    assert outcome.out == ""
    assert "usage: chainrule COMMAND" in outcome.err


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_names_every_command_and_fits_80_columns(run, word):
    outcome = run(word)
    assert (outcome.code, outcome.err) == (0, "")
    assert all(f"\n  {name} " in outcome.out for name in COMMANDS)
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"chainrule {command} " in outcome.out.partition("examples:")[2]
    assert outcome.out.startswith(f"usage: chainrule {command} ")
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_help_names_every_metric(run):
    text = run("train", "--help").out
    assert all(name in text for names in METRICS.values() for name in names)


def test_version(run):
    outcome = run("--version")
    assert (outcome.code, outcome.out) == (0, f"chainrule {chainrule.__version__}\n")


@pytest.mark.parametrize(
    "words, code, part",
    [
        (["trian"], 2, "there is no command 'trian'; did you mean 'train'?"),
        (["--verison"], 2, "there is no option '--verison'; did you mean '--version'?"),
        (["frobnicate"], 2, "see 'chainrule --help'."),
        (["train"], 2, "no data given"),
        (["train", "houses.csv"], 2, "no target given"),
        (["train", "houses.csv", "--target"], 2, "--target: expected one argument"),
        (["train", "houses.csv", "--target", "price", "--epoch", "3"], 2, "mean '--epochs'?"),
        (["train", "houses.csv", "--target", "price", "extra"], 2, "'extra' is one argument too"),
        (["predict"], 2, "required: RUN, DATA"),
        (["evaluate", "nowhere", "houses.csv"], 1, "nowhere: there is no such run folder"),
    ],
)
def test_usage_mistakes_are_one_line(run, words, code, part):
    outcome = run(*words)
    assert outcome.code == code
    assert part in outcome.sentence
    assert outcome.out == ""


def test_debug_shows_where_a_mistake_was_found(run):
    words = ["train", "nowhere.csv", "--target", "price"]
    assert "Traceback" not in run(*words).err
    outcome = run(*words, "--debug")
    assert outcome.code == 1
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("chainrule: error: ")


def in_a_process(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_help_loads_no_library():
    code = "import sys; from chainrule.cli import main; main(['--help']); print(*sys.modules)"
    loaded = set(in_a_process(code).splitlines()[-1].split())
    assert not {"numpy", "scipy", "sklearn", "duckdb", "rich"} & loaded


@pytest.mark.parametrize("given, expected", [(None, 1), ("2", 2)])
def test_numpy_takes_one_thread_unless_told(monkeypatch, given, expected):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    if given is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    code = (
        "from chainrule.cli import main; main(['--version']); import numpy, threadpoolctl; "
        "print(*(one['num_threads'] for one in threadpoolctl.threadpool_info()))"
    )
    counts = in_a_process(code).splitlines()[-1].split()
    if not counts:
        pytest.skip("this NumPy has no threads of its own")
    assert max(map(int, counts)) <= expected


def test_a_network_that_is_too_large_is_told_as_one(tmp_path):
    resource = pytest.importorskip("resource")
    layer = "[[layers]]\nunits = 100_000\n"
    spec = tmp_path / "large.toml"
    spec.write_text(
        f"[data]\nX = [[1.0]]\ny = [[1.0]]\n{layer}{layer}[[layers]]\nunits = 1", "utf-8"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "chainrule", "trace", "--spec", str(spec)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "not enough memory. Give fewer rows, columns, units or layers" in ran.stderr
