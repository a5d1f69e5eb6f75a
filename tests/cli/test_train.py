"""Training from every kind of table, what it writes, and that it does so again."""

import json
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file
from tests.cli.tables import QUICK, churn_text, houses_text

RUN_FILES = {
    "config.toml", "history.jsonl", "judged.safetensors", "metrics.json", "model.safetensors",
    "report.html",
}  # fmt: skip
TIMED = {"metrics.json", "report.html"}  # these tell how long it took
HOUSES = ("--target", "price", *QUICK)


def test_the_scores_stand_in_stdout_and_the_talk_in_stderr(run):
    outcome = run("train", "houses.csv", *HOUSES)
    assert outcome.code == 0, outcome.err
    header = outcome.out.splitlines()[0].split()
    assert header == ["score", "test", "95", "%", "interval", "naive", "linear", "validation"]
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == [
        "rmse", "mae", "r2", "median_absolute_error",
    ]  # fmt: skip
    for part in (
        "houses.csv: 120 rows, 5 columns",
        "text that tells rows apart",
        "task: regression, because 'price' has",
        "--task classification",
        "rows: ",
        "24 test",
        "numbers: as they are, and spread over up to ",
        "network: one network of hidden layers 8",
        "trained 3 epochs in ",
        "run folder: runs/houses-price-1",
        "next: chainrule predict runs/houses-price-1 NEW.csv",
    ):
        assert part in outcome.err


def test_several_networks_are_counted_and_those_that_a_limit_left_out(run):
    several = ("train", "houses.csv", *HOUSES, "--members", "3")
    assert "trained 3 networks, 9 epochs in all, in " in run(*several).err
    late = run(*several, "--epochs", "100000", "--time-limit", "0.001")
    # a second core may have begun one more before the time was over
    assert re.search(r"trained ([12]) of 3 networks, \1 epochs? in all, in ", late.err)
    assert "numbers: " not in run(*several, "--bins", "0").err


def test_the_run_folder_holds_the_files_of_a_run(run):
    assert run("train", "houses.csv", *HOUSES).code == 0
    assert run("train", "houses.csv", *HOUSES).code == 0
    for number in (1, 2):
        assert {path.name for path in Path(f"runs/houses-price-{number}").iterdir()} == RUN_FILES
    history = Path("runs/houses-price-1/history.jsonl").read_text().splitlines()
    assert len(history) == 3
    assert all({"member", "epoch", "loss"} <= set(json.loads(line)) for line in history)


def test_the_record_is_that_of_the_contract(run):
    outcome = run("train", "churn.csv", "--target", "left", "--json", "--out", "there", *QUICK)
    record = outcome.record
    assert list(record)[:7] == ["task", "target", "rows", "metrics", "seconds", "epochs", "run"]
    assert (record["task"], record["target"], record["rows"]) == ("classification", "left", 120)
    assert (record["epochs"], record["run"]) == (3, "there")
    assert record["seconds"] > 0
    assert set(record["metrics"]) == {"test", "validation", "baselines"}
    assert set(record["metrics"]["baselines"]) == {"naive", "linear"}
    for scores in (record["metrics"]["test"], record["metrics"]["validation"]):
        assert {"accuracy", "balanced_accuracy", "roc_auc", "log_loss", "f1_macro"} <= set(scores)
    kept = json.loads(Path("there/metrics.json").read_text())
    assert {name: kept[name] for name in record} == record
    assert sum(map(sum, kept["details"]["test"]["confusion"])) == 24
    for baseline in kept["details"]["baselines"].values():
        assert (baseline["fitted_rows"], baseline["rows"]) == (record["parts"]["train"], 24)


def test_baselines_learn_from_the_rows_that_the_networks_learn_from(run):
    words = ("--target", "left", "--epochs", "1", "--hidden", "4", "--members", "1", "--json")
    parts = run("train", "churn.csv", *words, "--out", "there").record["parts"]
    details = json.loads(Path("there/metrics.json").read_text())["details"]
    assert parts == {"train": 77, "validation": 19, "test": 24}
    assert {one["fitted_rows"] for one in details["baselines"].values()} == {77}


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--test", "other.csv", "--validation", "other.csv"),
        ("--seed", "7", "--model", "mlp", "--ignore", "town", "--ignore", "rooms"),
        ("--metric", "mae", "--dropout", "0.2", "--members", "2"),
        ("--normalization", "batch", "--activation", "silu", "--l2", "0.01", "--optimizer", "sgd"),
    ],
)
def test_a_config_trains_the_same_run_again(run, more):
    Path("other.csv").write_text(houses_text(40, seed=9), "utf-8")
    first = run("train", "houses.csv", *HOUSES, *more, "--json", "--out", "first")
    assert first.code == 0, first.err
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    again = run("train", "--config", "../first/config.toml", "--json", "--out", "again")
    assert again.code == 0, again.err
    assert again.record["metrics"] == first.record["metrics"]
    weights, repeated = (
        load_file(place) for place in ("../first/model.safetensors", "again/model.safetensors")
    )
    assert list(weights) == list(repeated)
    assert all((weights[name] == repeated[name]).all() for name in weights)
    configs = [tomllib.loads(Path(p, "config.toml").read_text()) for p in ("../first", "again")]
    assert configs[0] == configs[1]


def test_the_same_command_writes_the_same_bytes(run):
    for place in ("first", "again"):
        assert run("train", "houses.csv", *HOUSES, "--out", place).code == 0
    for name in RUN_FILES - TIMED:
        assert Path("first", name).read_bytes() == Path("again", name).read_bytes(), name


def test_the_number_of_threads_changes_no_byte(process):
    words = ("train", "churn.csv", "--target", "left", "--epochs", "4", "--hidden", "8")
    for threads in ("1", "3"):
        outcome = process(*words, "--out", threads, environment={"CHAINRULE_NUM_THREADS": threads})
        assert outcome.code == 0, outcome.err
    for name in RUN_FILES - TIMED:
        assert Path("1", name).read_bytes() == Path("3", name).read_bytes(), name


def test_options_go_before_the_config(run):
    run("train", "houses.csv", *HOUSES, "--out", "first")
    outcome = run("train", "--config", "first", "--epochs", "2", "--seed", "5", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.record["epochs"] == 2
    config = tomllib.loads(Path(outcome.record["run"], "config.toml").read_text())
    assert (config["settings"]["seed"], config["settings"]["hidden"]) == (5, [8])


def test_another_optimizer_than_the_configs_chooses_what_belongs_to_it_anew(run):
    def trained(*words):
        outcome = run("train", *words, "--json")
        assert outcome.code == 0, outcome.err
        config = tomllib.loads(Path(outcome.record["run"], "config.toml").read_text())
        return [config["settings"][name] for name in ("learning_rate", "weight_decay")]

    quick = ("--target", "price", "--epochs", "1", "--members", "1", "--hidden", "4")
    assert trained("houses.csv", *quick, "--out", "first") == [0.002, 0.1]
    assert trained("--config", "first", "--optimizer", "sgd") == [0.02, 0.0]
    given = ("--config", "first", "--optimizer", "sgd", "--learning-rate", "0.5")
    assert trained(*given) == [0.5, 0.0]
    assert trained("houses.csv", *quick, "--weight-decay", "0.3", "--out", "own") == [0.002, 0.3]
    sentence = run("train", "--config", "own", "--optimizer", "sgd").sentence
    assert "weight_decay: belongs to optimizer='adamw', got 0.3 with 'sgd'" in sentence


def test_what_networks_are_is_said_where_it_is_not_as_usual(run):
    words = ("--normalization", "layer", "--activation", "gelu", "--l1", "0.5")
    words += ("--optimizer", "adam")
    found = run("train", "houses.csv", *HOUSES, *words).err
    assert "; gelu units; layer normalization; dropout 0.1; l1 0.5; steps of adam; up to 3" in found
    usual = run("train", "houses.csv", *HOUSES).err
    assert "network: one network of hidden layers 8; dropout 0.1; up to 3 epochs" in usual


def test_changed_data_is_noticed(run):
    run("train", "houses.csv", *HOUSES, "--out", "first")
    assert "has changed" not in run("train", "--config", "first").err
    Path("houses.csv").write_text(houses_text(seed=3), "utf-8")
    assert "houses.csv has changed" in run("train", "--config", "first").err


def test_a_config_by_hand(run):
    Path("mine.toml").write_text(
        'data = "houses.csv"\ntarget = "price"\n\n[settings]\nepochs = 1\nmembers = 1\n'
    )
    assert run("train", "--config", "mine.toml", "--json").record["epochs"] == 1


def test_other_seeds_give_other_networks_and_splits(run):
    records = [
        run("train", "houses.csv", *HOUSES, "--json", "--seed", seed).record for seed in "001"
    ]
    assert records[0]["metrics"] == records[1]["metrics"] != records[2]["metrics"]


def spelled_tables(place):
    """The same table in many spellings, by the DATA that names it."""
    text = houses_text()
    lines = [line.split(",") for line in text.splitlines()]
    comma = "\n".join(";".join(cell.replace(".", ",") for cell in line) for line in lines)
    (place / "semicolon.csv").write_text(comma + "\n", "cp1252")
    (place / "mark.csv").write_text(text.replace("\n", "\r\n"), "utf-8-sig", newline="")
    (place / "tabs.tsv").write_text(text.replace(",", "\t"), "utf-16")
    table = pyarrow.csv.read_csv(place / "houses.csv")
    pyarrow.parquet.write_table(table, place / "houses.parquet")
    rows = [json.dumps(row, ensure_ascii=False) for row in table.to_pylist()]
    (place / "houses.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    header, *body = text.splitlines(keepends=True)
    (place / "part-1.csv").write_text(header + "".join(body[:50]), "utf-8")
    (place / "part-2.csv").write_text(header + "".join(body[50:]), "utf-8")


DATA = [
    "semicolon.csv", "mark.csv", "tabs.tsv", "houses.parquet", "houses.jsonl", "part-*.csv",
    "SELECT * FROM 'houses.parquet'",
]  # fmt: skip


@pytest.mark.parametrize("data", DATA)
def test_a_table_trains_the_same_however_it_is_spelled(run, folder, data):
    spelled_tables(folder)
    words = (*HOUSES, "--json")
    plain = run("train", "houses.csv", *words).record
    outcome = run("train", data, *words)
    assert outcome.code == 0, outcome.err
    assert outcome.record["metrics"] == plain["metrics"]


def test_standard_input(process, run):
    text = Path("houses.csv").read_bytes()
    outcome = process("train", "-", *HOUSES, "--json", stdin=text)
    assert outcome.code == 0, outcome.err
    assert (
        outcome.record["metrics"] == run("train", "houses.csv", *HOUSES, "--json").record["metrics"]
    )
    assert outcome.record["run"] == "runs/stdin-price-1"


def test_tables_of_their_own_to_watch_and_to_judge(run):
    Path("test.csv").write_text(houses_text(30, seed=8), "utf-8")
    Path("watch.csv").write_text(houses_text(20, seed=9), "utf-8")
    outcome = run(
        "train", "houses.csv", *HOUSES, "--json", "--test", "test.csv", "--validation", "watch.csv"
    )
    assert outcome.code == 0, outcome.err
    assert outcome.record["parts"] == {"train": 120, "validation": 20, "test": 30}


def test_test_rows_that_are_learned_from_are_said(run):
    words = ("train", "houses.csv", *HOUSES, "--test")
    Path("other.csv").write_text(houses_text(40, seed=9), "utf-8")
    assert "(--test)" not in run(*words, "other.csv").err
    assert "every row of houses.csv (--test) can also be learned" in run(*words, "houses.csv").err
    lines = Path("houses.csv").read_text("utf-8").splitlines()
    others = Path("other.csv").read_text("utf-8").splitlines()
    Path("mixed.csv").write_text("\n".join([*others, *lines[1:4]]) + "\n", "utf-8")
    assert "3 of 43 rows of mixed.csv (--test) can also" in run(*words, "mixed.csv").err
    watched = run(*words, "other.csv", "--validation", "other.csv").err
    assert "every row of other.csv (--test) can also be learned from or watched" in watched


def test_the_positive_label_and_leaks_are_said(run):
    lines = [line + ("," if n else ",same") for n, line in enumerate(churn_text().splitlines())]
    lines = [line + line.rsplit(",")[-2].upper() if line[-1] == "," else line for line in lines]
    Path("leak.csv").write_text("\n".join(lines) + "\n")
    outcome = run("train", "leak.csv", "--target", "left", "--positive", "no", *QUICK)
    assert outcome.code == 0, outcome.err
    assert "warning: column 'same' stands for 'left' value by value" in outcome.err
    assert "positive label: 'no'" in outcome.err


def test_a_better_metric_is_followed(run):
    words = ("train", "churn.csv", "--target", "left", "--json", *QUICK)
    for metric in ("roc_auc", "log_loss", "f1"):
        assert run(*words, "--metric", metric).code == 0


@pytest.mark.parametrize("width", [80, 140])
def test_the_talk_fits_the_terminal(run, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("train", "houses.csv", *HOUSES)
    table = [line for line in outcome.err.splitlines() if line.startswith("  ")]
    assert len(table) >= 6
    assert max(map(len, [*table, *outcome.out.splitlines()])) <= width


def test_wide_tables_are_shown_in_part(run):
    values = np.random.default_rng(0).normal(size=(60, 90))
    header = ",".join(["target", *(f"c{i}" for i in range(89))])
    np.savetxt("wide.csv", values, "%.4f", ",", header=header, comments="")
    outcome = run("train", "wide.csv", "--target", "target", *QUICK)
    assert outcome.code == 0, outcome.err
    assert "... and 50 more inputs" in outcome.err


@pytest.mark.parametrize(
    "data, target, rows, classes",
    [
        ("titanic/data.csv", "Survived", 891, True),
        ("concrete/data.parquet", "strength", 1030, False),
        ("heart-disease/data.parquet", "num", 920, True),
    ],
)
def test_real_tables(run, datasets, data, target, rows, classes):
    outcome = run("train", datasets / data, "--target", target, "--json", "--epochs", "15")
    assert outcome.code == 0, outcome.err
    assert outcome.record["rows"] == rows
    scores = outcome.record["metrics"]["test"]
    naive = outcome.record["metrics"]["baselines"]["naive"]
    name = "log_loss" if classes else "rmse"
    assert scores[name] < 0.95 * naive[name]
    assert sum(outcome.record["parts"].values()) == rows


@pytest.mark.parametrize("rows", [2, 3, 5, 12])
@pytest.mark.parametrize("values", ["0.5 1.5 2.5 3.5 4.5 5.5", "no yes"])
def test_the_smallest_tables_train_or_say_why_not(run, rows, values):
    cells = values.split()
    lines = [f"{n},{cells[n % len(cells)]}" for n in range(rows)]
    Path("small.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    outcome = run("train", "small.csv", "--target", "y", "--out", "small", *QUICK)
    assert outcome.code in (0, 1), outcome.err
    if outcome.code == 1:
        assert outcome.sentence
    else:
        assert run("predict", "small", "small.csv").code == 0


def test_the_judged_rows_give_the_scores_that_were_printed(run):
    from chainrule.reporting import JudgedRows, score_regression

    record = run("train", "houses.csv", *HOUSES, "--json", "--out", "judged").record
    judged = JudgedRows.load("judged/judged.safetensors")
    scores = score_regression(judged.truth, judged.answers, judged.weights)
    assert scores == record["metrics"]["test"]


def test_what_the_doctor_found_is_said_and_kept(run):
    """A rate at which the loss grows: said once, however many networks have it."""
    outcome = run("train", "churn.csv", "--target", "left", "--out", "a", *QUICK,
                  "--learning-rate", "30", "--members", "2", "--epochs", "9")  # fmt: skip
    kept = json.loads(Path("a/metrics.json").read_text())["doctor"]
    severe = [one for one in kept["findings"] if one["severity"] == "severe"]
    assert severe
    said = [line for line in outcome.err.splitlines() if "severe in network " in line]
    assert len(said) == len({(one["kind"], one["layer"]) for one in severe})
    assert severe[0]["sentence"] in outcome.err
    assert severe[0]["remedy"] in outcome.err
    quiet = run("train", "churn.csv", "--target", "left", "--out", "b", *QUICK)
    assert "severe" not in quiet.err
    kept = json.loads(Path("b/metrics.json").read_text())["doctor"]
    assert kept["findings"] == []
    assert kept["gradients"]["steps"][0] == 0
