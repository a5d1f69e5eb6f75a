"""Predictions: in order, in the target's own labels, from tables of any order of columns."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest
from tests.cli.tables import houses_text


def cells(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_one_prediction_a_row_in_order(run, price_run):
    outcome = run("predict", price_run, "houses.csv")
    assert (outcome.code, outcome.err) == (0, "")
    predicted = cells(outcome.out)
    assert len(predicted) == 120
    assert set(predicted[0]) == {"prediction"}
    lines = houses_text().splitlines()
    for row in (0, 57, 119):
        Path("one.csv").write_text(f"{lines[0]}\n{lines[row + 1]}\n", "utf-8")
        [alone] = cells(run("predict", price_run, "one.csv").out)
        together = float(predicted[row]["prediction"])
        assert float(alone["prediction"]) == pytest.approx(together, rel=1e-5)


def test_columns_may_be_in_any_order_with_others_and_without_the_target(run, price_run):
    plain = run("predict", price_run, "houses.csv").out
    rows = list(csv.reader(houses_text().splitlines()))
    turned = "\n".join(",".join(["x", *reversed(row[1:4])]) for row in rows)
    Path("turned.csv").write_text(turned.replace("x,town", "note,town", 1) + "\n", "utf-8")
    outcome = run("predict", price_run, "turned.csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out == plain


def test_unseen_categories_and_missing_cells_are_normal(run, price_run):
    Path("odd.csv").write_text("area,rooms,town\n,,\n?,3,Paris\n80,3,NA\n", "utf-8")
    outcome = run("predict", price_run, "odd.csv")
    assert outcome.code == 0, outcome.err
    assert len(cells(outcome.out)) == 3


def test_labels_and_probabilities(run, left_run):
    predicted = cells(run("predict", left_run, "churn.csv", "--proba").out)
    assert list(predicted[0]) == ["prediction", "probability_no", "probability_yes"]
    for row in predicted:
        no, yes = float(row["probability_no"]), float(row["probability_yes"])
        assert no + yes == pytest.approx(1, abs=1e-6)
        assert row["prediction"] == ("yes" if yes > no else "no")


@pytest.mark.parametrize("threshold", ["0", "0.3", "0.62", "1"])
def test_the_threshold_is_of_the_positive_label(run, left_run, threshold):
    words = ("predict", left_run, "churn.csv", "--proba", "--threshold", threshold)
    for row in cells(run(*words).out):
        positive = float(row["probability_yes"]) >= float(threshold)
        assert row["prediction"] == ("yes" if positive else "no")


def test_columns_are_kept_as_they_are(run, price_run):
    outcome = run(
        "predict", price_run, "houses.csv", "--keep", "id", "--keep", "area", "--keep", "rooms"
    )
    source = cells(houses_text())
    for row, kept in zip(source, cells(outcome.out), strict=True):
        assert list(kept) == ["id", "area", "rooms", "prediction"]
        assert (kept["id"], kept["rooms"]) == (row["id"], row["rooms"])
        assert kept["area"] == row["area"].removesuffix(".0")


def test_an_interval_stands_around_each_prediction(run, price_run):
    plain = cells(run("predict", price_run, "houses.csv").out)
    rows = cells(run("predict", price_run, "houses.csv", "--interval", "0.8", "--keep", "area").out)
    assert list(rows[0]) == ["area", "prediction", "lower", "upper"]
    assert [row["prediction"] for row in rows] == [row["prediction"] for row in plain]
    prices = [float(line.split(",")[-1]) for line in houses_text().splitlines()[1:]]
    pairs = zip(rows, prices, strict=True)
    inside = [float(row["lower"]) <= price <= float(row["upper"]) for row, price in pairs]
    assert sum(inside) >= 0.7 * len(inside)
    outcome = run("predict", price_run, "houses.csv", "--interval", "0.9")
    assert "note: the intervals are from " in outcome.err
    assert "from fewer than 400 they have one width for all rows" in outcome.err
    wide = cells(outcome.out)
    assert float(wide[0]["upper"]) > float(rows[0]["upper"])


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_files_by_their_ending(run, left_run, ending):
    out = f"there.{ending}"
    words = ("predict", left_run, "churn.csv", "--proba", "--keep", "months")
    plain = cells(run(*words).out)
    outcome = run(*words, "--out", out)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert "120 predictions written to there." in outcome.err
    if ending == "parquet":
        rows = pyarrow.parquet.read_table(out).to_pylist()
    elif ending == "jsonl":
        rows = [json.loads(line) for line in Path(out).read_text("utf-8").splitlines()]
    elif ending == "json":
        rows = json.loads(Path(out).read_text("utf-8"))
    else:
        delimiter = "\t" if ending == "tsv" else ","
        text = Path(out).read_text("utf-8")
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    assert [{name: str(value) for name, value in row.items()} for row in rows] == plain


def test_json_is_a_list_of_rows(run, left_run):
    rows = run("predict", left_run, "churn.csv", "--proba", "--json").record
    assert len(rows) == 120
    assert set(rows[0]) == {"prediction", "probability_no", "probability_yes"}


def test_an_existing_file_is_not_overwritten(run, left_run):
    Path("there.csv").write_text("precious")
    outcome = run("predict", left_run, "churn.csv", "--out", "there.csv")
    assert outcome.code == 1
    assert outcome.sentence.startswith("chainrule: error: there.csv: exists already")
    assert Path("there.csv").read_text() == "precious"


@pytest.mark.parametrize(
    "target, values, first",
    [
        ("n", ["3", "5"], "3"),
        ("n", ["true", "false"], "true"),
        ("n", ["1.5", "2.5"], "1.5"),
        ("n", ["007", "010"], "007"),
        ("n", ["ja, gern", 'so "lala"'], "ja, gern"),
    ],
)
def test_labels_come_back_as_they_were_spelled(run, quick, target, values, first):
    rows = [[str(i), values[i % 2]] for i in range(40)]
    with Path("labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x", target], *rows])
    words = ("--target", target, "--task", "classification", "--out", "labelled", *quick)
    assert run("train", "labels.csv", *words).code == 0
    outcome = run("predict", "labelled", "labels.csv")
    assert {row["prediction"] for row in cells(outcome.out)} <= set(values)
    assert run("predict", "labelled", "labels.csv", "--proba").out.startswith(
        '"prediction' if '"' in first else "prediction"
    )


@pytest.mark.parametrize(
    "words, part",
    [
        (["--threshold", "0.5"], "--threshold: the target 'price' is a number"),
        (["--proba"], "--proba: the target 'price' is a number"),
        (["--interval", "90"], "--interval: must be a number above 0 and below 1, as 0.9"),
        (
            ["--interval", "0.99"],
            "--interval: 0.99 needs 99 rows that the networks were watched",
        ),
        (["--keep", "aera"], "no column 'aera'; did you mean 'area'?"),
        (["--out", "there.xlsx"], "files that end in '.xlsx' cannot be written"),
        (["--out", "there"], "it has no ending"),
        (["--out", "nowhere/there.csv"], "the folder nowhere does not exist"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, price_run, words, part):
    outcome = run("predict", price_run, "houses.csv", *words)
    assert outcome.code == 1
    assert part in outcome.sentence
    assert outcome.out == ""


def test_a_threshold_needs_two_labels(run, quick):
    words = ("--target", "months", "--task", "classification", "--out", "many", *quick)
    outcome = run("train", "churn.csv", *words)
    assert outcome.code == 0, outcome.err
    outcome = run("predict", "many", "churn.csv", "--threshold", "0.5")
    assert "labels; a threshold is for two" in outcome.sentence


@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan", "half"])
def test_a_threshold_is_a_share(run, left_run, value):
    outcome = run("predict", left_run, "churn.csv", f"--threshold={value}")
    assert outcome.code == 2
    assert "--threshold: must be a number from 0 to 1" in outcome.sentence


def test_numbers_that_would_be_rounded_are_not_kept(run, price_run):
    lines = houses_text(3).splitlines()
    numbered = [f"{line},{9007199254740993 + n}" for n, line in enumerate(lines[1:])]
    Path("ids.csv").write_text("\n".join([f"{lines[0]},key", *numbered]) + "\n", "utf-8")
    assert "would be rounded" in run("predict", price_run, "ids.csv", "--keep", "key").sentence
    query = "SELECT * REPLACE (key::VARCHAR AS key) FROM 'ids.csv'"
    kept = cells(run("predict", price_run, query, "--keep", "key").out)
    assert [row["key"] for row in kept] == [str(9007199254740993 + n) for n in range(3)]


def test_an_interval_is_of_numbers(run, left_run):
    outcome = run("predict", left_run, "churn.csv", "--interval", "0.9")
    assert "--interval: the target 'left' is a class, not a number; use --proba" in outcome.sentence


def test_a_calibrated_run_predicts_and_traces_what_it_says(run, quick):
    words = ("--target", "left", "--out", "calibrated", "--calibration", "temperature", *quick)
    assert run("train", "churn.csv", *words).code == 0
    row = cells(run("predict", "calibrated", "churn.csv", "--proba").out)[7]
    sure = max(float(row["probability_no"]), float(row["probability_yes"]))
    traced = " ".join(run("trace", "calibrated", "churn.csv", "--row", "7").out.split())
    assert "to the power 1/" in traced and "its gradients are without that" in traced
    assert f", predicts left = {row['prediction']} with probability {sure:.3g}" in traced
    assert f"this network predicts left = {row['prediction']} with probability" in traced
    temperature = float(traced.split("to the power 1/")[1].split()[0])
    own = float(traced.split("this network predicts left = ")[1].split()[3])
    odds = (own / (1 - own)) ** (1 / temperature)
    assert odds / (1 + odds) == pytest.approx(sure, abs=2e-3)
