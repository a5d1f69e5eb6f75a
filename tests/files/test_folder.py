"""Run folders are made once, found again, and kept readable whatever happens."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrule.errors import (
    ChainruleError,
    DataError,
    ExistingFileError,
    InputTypeError,
    MissingFileError,
    WriteError,
)
from chainrule.files import RunFolder, next_run_folder, save_model


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run")


def test_create_makes_the_folders_above(tmp_path):
    run = RunFolder.create(str(tmp_path / "a" / "b" / "run"))
    assert run.path.is_dir()
    assert not list(run.path.iterdir())
    assert run.model_path == run.path / "model.safetensors"
    assert run.checkpoint_path == run.path / "checkpoint.safetensors"
    assert run.config_path == run.path / "config.toml"
    assert run.history_path == run.path / "history.jsonl"
    assert run.metrics_path == run.path / "metrics.json"
    assert run.report_path == run.path / "report.html"


def test_what_exists_is_refused(tmp_path, run):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("run", "file", "dangling"):
        with pytest.raises(ExistingFileError, match=f"{name}: exists already.*--out"):
            RunFolder.create(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WriteError, match="cannot be written"):
        RunFolder.create(tmp_path / "file" / "run")
    with pytest.raises(WriteError, match=r"/sys/run: cannot be written"):
        RunFolder.create("/sys/run")
    with pytest.raises(WriteError, match="cannot be written"):
        next_run_folder("a.csv", "y", "/sys/runs")
    with pytest.raises(WriteError, match="cannot be written"):
        next_run_folder("a.csv", "y", tmp_path / "file")


def test_open_finds_a_run_by_folder_or_model(run):
    save_model(run.model_path, {}, {})
    assert RunFolder.open(run.path) == run
    assert RunFolder.open(str(run.model_path)) == run
    other = run.model_path.rename(run.path / "copy.safetensors")
    assert RunFolder.open(other).model_path == other


def test_open_says_what_is_missing(tmp_path, run):
    with pytest.raises(MissingFileError, match="there is no such run folder"):
        RunFolder.open(tmp_path / "no")
    with pytest.raises(
        MissingFileError, match=r"run: not a run folder, 'model\.safetensors' is missing"
    ):
        RunFolder.open(run.path)
    save_model(run.model_path, {}, {})
    with pytest.raises(MissingFileError, match=r"'config\.toml', 'checkpoint\.safetensors' is"):
        RunFolder.open(run.path, needs=("config.toml", "checkpoint.safetensors"))
    with pytest.raises(MissingFileError, match=r"'config\.toml' is missing"):
        RunFolder.open(run.model_path, needs=("model.safetensors", "config.toml"))
    with pytest.raises(MissingFileError, match="there is no such run folder"):
        RunFolder.open(tmp_path / ("a" * 300))


def test_history_is_a_line_an_epoch_at_once(run):
    assert run.read_history() == []
    rows = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.1 + 0.2, "note": "a\nb"}]
    for count, row in enumerate(rows, start=1):
        run.append_history(row)
        assert run.history_path.read_text().count("\n") == count
    assert run.read_history() == rows


def test_history_has_null_for_what_is_not_finite(run):
    run.append_history({"epoch": 1, "loss": math.nan, "other": [math.inf]})
    assert json.loads(run.history_path.read_text(), parse_constant=pytest.fail) == {
        "epoch": 1,
        "loss": None,
        "other": [None],
    }


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_line_that_a_kill_cut_off_is_left_out_and_then_replaced(run, cut):
    for epoch in (1, 2, 3):
        run.append_history({"epoch": epoch, "loss": 0.5})
    content = run.history_path.read_bytes()
    run.history_path.write_bytes(content[:-cut])
    assert [row["epoch"] for row in run.read_history()] == [1, 2]
    run.append_history({"epoch": 4})
    assert [row["epoch"] for row in run.read_history()] == [1, 2, 4]


def test_a_first_line_that_was_cut_off(run):
    run.history_path.write_text('{"epo')
    assert run.read_history() == []
    run.append_history({"epoch": 1})
    assert run.read_history() == [{"epoch": 1}]


def test_write_history_cuts_back_to_a_checkpoint(run):
    for epoch in (1, 2, 3):
        run.append_history({"epoch": epoch})
    run.write_history(run.read_history()[:1])
    run.append_history({"epoch": 2})
    assert run.read_history() == [{"epoch": 1}, {"epoch": 2}]


def test_history_that_is_not_plain_is_refused(run):
    with pytest.raises(InputTypeError, match=r"history\.loss is a builtins\.complex"):
        run.append_history({"loss": 1j})
    assert not run.history_path.exists()


def test_metrics_and_config_come_back(run):
    run.write_metrics({"test": {"roc_auc": 0.75, "r2": math.nan}, "labels": ["é"]})
    assert run.read_metrics() == {"test": {"roc_auc": 0.75, "r2": None}, "labels": ["é"]}
    assert "é" in run.metrics_path.read_text(encoding="utf-8")
    run.write_config({"epochs": 3, "time_limit": None})
    assert run.read_config() == {"epochs": 3}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_damaged_records_have_a_sentence(run, content):
    run.metrics_path.write_bytes(content)
    with pytest.raises(DataError, match=r"metrics\.json: not "):
        run.read_metrics()
    run.history_path.write_bytes(b"3" + content + b"\n")
    with pytest.raises(DataError, match=r"history\.jsonl: "):
        run.read_history()


def test_missing_records_have_a_sentence(run):
    for read in (run.read_metrics, run.read_config):
        with pytest.raises(MissingFileError, match="there is no such file"):
            read()
    run.path.rmdir()
    for write in (run.append_history, run.write_metrics, run.write_config):
        with pytest.raises(ChainruleError, match=r"run does not exist\. Create it first"):
            write({"a": 1})


@pytest.mark.parametrize(
    ("data", "target", "name"),
    [
        ("adult.csv", "income", "adult-income-1"),
        ("a/b/wine.quality.csv.gz", "quality", "wine.quality-quality-1"),
        ("C:\\data\\churn.parquet", "y", "churn-y-1"),
        ("data/part-*.parquet", "y", "part-y-1"),
        ("-", "y", "stdin-y-1"),
        ("SELECT * FROM 'x/houses.parquet' WHERE a > 3", "price (EUR)", "houses-price-EUR-1"),
        ("with t as (select 1) select * from t", "y", "query-y-1"),
        ("../../etc/passwd", "../..", "passwd-target-1"),
        ("selected.csv", "\u732b", "selected-\u732b-1"),
        ("***", "", "data-target-1"),
        ("a" * 300 + ".csv", "\u732b" * 100, "a" * 60 + "-" + "\u732b" * 20 + "-1"),
        ("data/folder/", "a\nb\0c", "folder-a-b-c-1"),
        ("\ud800.csv", "y", "data-y-1"),
    ],
)
def test_names_of_runs(tmp_path, data, target, name):
    run = next_run_folder(data, target, tmp_path / "runs")
    assert run.path == tmp_path / "runs" / name
    assert run.path.is_dir()


def test_the_first_free_number_is_taken(tmp_path):
    (tmp_path / "a-y-2").write_text("in the way")
    assert [next_run_folder("a.csv", "y", tmp_path).path.name for _ in range(3)] == [
        "a-y-1",
        "a-y-3",
        "a-y-4",
    ]


def test_programs_that_ask_together_get_different_folders(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: next_run_folder("a.csv", "y", tmp_path), range(40)))
    assert sorted(int(run.path.name.split("-")[-1]) for run in runs) == list(range(1, 41))
