"""Scores of `evaluate`, against scikit-learn's on the predictions of `predict`."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from tests.cli.tables import QUICK, churn_text, houses_text

import chainrule
from chainrule.data import read_table
from chainrule.reporting import JudgedRows


def cells(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_scores_of_labels_are_scikit_learns(run, left_run):
    Path("new.csv").write_text(churn_text(200, seed=5))
    record = run("evaluate", left_run, "new.csv", "--json").record
    predicted = cells(run("predict", left_run, "new.csv", "--proba").out)
    truth = [row["left"] for row in cells(churn_text(200, seed=5))]
    guess = [row["prediction"] for row in predicted]
    chance = np.array([float(row["probability_yes"]) for row in predicted])
    expected = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
        "roc_auc": metrics.roc_auc_score(np.array(truth) == "yes", chance),
        "log_loss": metrics.log_loss(np.array(truth) == "yes", chance),
        "f1_macro": metrics.f1_score(truth, guess, average="macro"),
        "recall": metrics.recall_score(truth, guess, pos_label="yes"),
    }
    for name, value in expected.items():
        assert record["metrics"][name] == pytest.approx(value, rel=1e-6), name
    assert record["confusion"] == metrics.confusion_matrix(truth, guess).tolist()
    low, high = record["intervals"]["roc_auc"]
    assert low < record["metrics"]["roc_auc"] < high
    assert (record["rows"], record["left_out"], record["labels"]) == (200, 0, ["no", "yes"])


def test_scores_of_numbers_are_scikit_learns(run, price_run):
    Path("new.csv").write_text(houses_text(200, seed=5), "utf-8")
    record = run("evaluate", price_run, "new.csv", "--json").record
    guess = [float(row["prediction"]) for row in cells(run("predict", price_run, "new.csv").out)]
    truth = [float(row["price"]) for row in cells(houses_text(200, seed=5))]
    assert record["metrics"]["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, guess))
    assert record["metrics"]["mae"] == pytest.approx(metrics.mean_absolute_error(truth, guess))
    assert record["metrics"]["r2"] == pytest.approx(metrics.r2_score(truth, guess))
    worst = int(np.argmax(np.abs(np.array(truth) - guess)))
    assert record["residuals"]["largest"][0]["row"] == worst


def test_rows_without_a_target_are_left_out_and_rows_keep_their_numbers(run, price_run):
    lines = houses_text(60, seed=5).splitlines()
    full = run("evaluate", price_run, _written("full.csv", lines), "--json").record
    holes = [lines[0]]
    for line in lines[1:]:
        holes += [line.rpartition(",")[0] + ",", line]
    outcome = run("evaluate", price_run, _written("holes.csv", holes), "--json")
    assert "60 rows without a target left out" in outcome.err
    assert outcome.record["left_out"] == 60
    assert outcome.record["metrics"] == full["metrics"]
    rows = [one["row"] for one in full["residuals"]["largest"]]
    assert [one["row"] for one in outcome.record["residuals"]["largest"]] == [
        2 * row + 1 for row in rows
    ]


def test_labels_never_seen_are_counted(run, left_run):
    lines = churn_text(50, seed=5).splitlines()
    plain = run("evaluate", left_run, _written("plain.csv", lines), "--json").record
    outcome = run("evaluate", left_run, _written("more.csv", [*lines, "3,gold,maybe"]), "--json")
    assert "1 row left out, of labels not seen in training: 'maybe'" in outcome.err
    assert outcome.record["unseen"] == 1
    assert outcome.record["metrics"] == plain["metrics"]


def test_people_get_tables(run, left_run, price_run):
    outcome = run("evaluate", left_run, "churn.csv", "--all")
    assert outcome.out.startswith("left: 120 rows scored\n")
    assert "brier_score" in outcome.out and "expected_calibration_error" in outcome.out
    assert "confusion: rows by true label (down) and prediction (across)" in outcome.out
    outcome = run("evaluate", price_run, "houses.csv")
    assert (
        "the rows it gets most wrong (counted from 0; residual: truth - prediction)" in outcome.out
    )
    worst = outcome.out.partition("most wrong")[2].splitlines()[2:7]
    digits = {len(cell.partition(".")[2]) for line in worst for cell in line.split()[1:4]}
    assert len(digits) == 1 and outcome.out.count("(counted from 0") == 1


def test_of_the_table_of_training_the_test_rows_are_scored(run, left_run):
    kept = json.loads((left_run / "metrics.json").read_text())["metrics"]["test"]
    outcome = run("evaluate", left_run, "churn.csv", "--json", "--worst", "30")
    assert "only its 24 test rows are scored, which training has not seen (--all" in outcome.err
    assert outcome.record["rows"] == 24
    for name, value in kept.items():
        assert outcome.record["metrics"][name] == pytest.approx(value, rel=1e-6), name
    truth = [row["left"] for row in cells(churn_text())]
    worst = outcome.record["worst"]
    assert len(worst) == 24 and all(truth[one["row"]] == one["truth"] for one in worst)
    outcome = run("evaluate", left_run, "churn.csv", "--json", "--all")
    assert "scores flatter it" in outcome.err and outcome.record["rows"] == 120
    Path("new.csv").write_text(churn_text(50, seed=5))
    assert run("evaluate", left_run, "new.csv").err == ""


def test_a_run_without_test_rows_is_scored_by_all(run, quick):
    Path("other.csv").write_text(churn_text(40, seed=9))
    words = ("--target", "left", "--test", "other.csv", "--out", "own", *quick)
    assert run("train", "churn.csv", *words).code == 0
    outcome = run("evaluate", "own", "churn.csv")
    assert "scores flatter it" in outcome.err and "left: 120 rows" in outcome.out


def test_thresholds_slices_and_worst_rows_are_those_of_python(run, left_run):
    Path("new.csv").write_text(churn_text(200, seed=5))
    words = ("--threshold", "0.3", "--costs", "1,5", "--by", "plan", "--by", "months")
    outcome = run("evaluate", left_run, "new.csv", *words, "--worst", "3", "--json")
    found = chainrule.evaluate(
        left_run, read_table("new.csv"), threshold=0.3, by=("plan", "months"), worst=3,
        costs={"false_positive": 1.0, "false_negative": 5.0},
    )  # fmt: skip
    expected = json.loads(json.dumps(found.to_record()))
    for name in ("thresholds", "slices", "worst", "sureness", "fitting", "metrics", "slices_told"):
        assert outcome.record[name] == expected[name]
    text = run("evaluate", left_run, "new.csv", *words, "--worst", "3").out
    for part in (
        "least cost",
        "given",
        "roc_auc",
        "log_loss by value",
        "for roc_auc ranks rows",
        "gets most wrong",
    ):
        assert part in text
    everything = run("evaluate", left_run, "new.csv", "--by", "all", "--json").record["slices"]
    assert {one["column"] for one in everything} == {"plan", "months"}


def test_two_runs_on_the_same_rows(run, left_run, price_run, quick):
    Path("new.csv").write_text(churn_text(300, seed=5))
    words = ("--target", "left", "--out", "better", "--members", "2", "--epochs", "30")
    assert run("train", "churn.csv", *words).code == 0
    outcome = run("evaluate", left_run, "new.csv", "--against", "better", "--metric", "accuracy")
    assert "McNemar's test, exact" in outcome.out and "on these 300 rows" in outcome.out
    record = run("evaluate", left_run, "new.csv", "--against", "better", "--json").record["against"]
    assert record["metric"] == "roc_auc" and record["rows"] == 300
    outcome = run("evaluate", left_run, "new.csv", "--against", price_run)
    assert outcome.code == 1 and "predict other things, left ('no', 'yes') and" in outcome.sentence


def test_runs_are_compared_on_rows_that_neither_has_learned_from(run, left_run, quick):
    words = ("--target", "left", *quick, "--seed", "5")
    assert run("train", "churn.csv", "--out", "seeded", *words).code == 0
    parts = [JudgedRows.load(one / "judged.safetensors").rows for one in (left_run, Path("seeded"))]
    both = len(np.intersect1d(*parts))
    outcome = run("evaluate", left_run, "churn.csv", "--against", "seeded", "--json")
    assert 0 < both < 24 and outcome.record["rows"] == 24
    assert outcome.record["against"]["rows"] == both
    assert f"compared on the {both} rows that neither run has learned from" in outcome.err


def test_of_the_table_of_training_nothing_is_said_of_overfitting(left_run):
    table = read_table("churn.csv")
    assert "cannot be told" in chainrule.evaluate(left_run, table).fitting
    new = read_table(_written("new.csv", churn_text(200, seed=5).splitlines()))
    assert "roc_auc" in chainrule.evaluate(left_run, new).fitting


def test_training_anew_on_folds_and_on_ever_more_rows(run, left_run):
    words = ("--folds", "3", "--learning-curve", "--metric", "accuracy")
    outcome = run("evaluate", left_run, "churn.csv", *words)
    assert "trained anew on 120 rows of DATA, 3 folds: each row held out once" in outcome.out
    assert outcome.out.count("cannot tell: ") == 2
    assert "least to largest" in outcome.out and "More rows" in outcome.out
    record = run("evaluate", left_run, "churn.csv", "--folds", "3", "--json").record
    assert len(record["folds"]["scores"]["roc_auc"]) == 3 and "learning_curve" not in record


def rare_text(rows=300, yes=4):
    lines = churn_text(rows, seed=3).splitlines()
    cells = [line.rsplit(",", 1)[0] for line in lines[1:]]
    kept = [f"{one},{'yes' if row < yes else 'no'}" for row, one in enumerate(cells)]
    return [lines[0], *kept]


def test_sizes_that_cannot_be_learned_from_are_left_out_of_a_curve(run):
    place = _written("rare.csv", rare_text())
    assert run("train", place, "--target", "left", *QUICK, "--out", "rare").code == 0
    outcome = run("evaluate", "rare", place, "--all", "--learning-curve")
    assert outcome.code == 0 and outcome.out.count("mean of 5 fits") == 1
    assert "Left out, as not every fold can learn from them: 24 rows (with 24 rows" in outcome.out


def test_scores_are_printed_where_training_anew_fails(run):
    place = _written("rare.csv", rare_text())
    assert run("train", place, "--target", "left", *QUICK, "--out", "rare").code == 0
    _written("rare.csv", rare_text(yes=1))
    for words in (["--learning-curve"], ["--folds", "5"]):
        outcome = run("evaluate", "rare", place, *words)
        assert outcome.code == 1 and "roc_auc" in outcome.out and "The model" in outcome.out
        told = run("evaluate", "rare", place, "--json", *words)
        assert told.code == 1 and json.loads(told.out)["rows"] == 300
        assert f"error: {words[0]}: with" in told.sentence


def test_a_curve_says_no_other_verdict_than_the_scores(run, left_run):
    _written("new.csv", churn_text(200, seed=5).splitlines())
    outcome = run("evaluate", left_run, "new.csv", "--learning-curve")
    assert outcome.out.count("fits by much") + outcome.out.count("overfit") == 1
    record = run("evaluate", left_run, "new.csv", "--learning-curve", "--json").record
    assert record["verdict"] and record["learning_curve"]["verdict"] == ""
    outcome = run("evaluate", left_run, "churn.csv", "--all", "--learning-curve", "--json")
    assert outcome.record["verdict"] == "" and outcome.record["learning_curve"]["verdict"]


def test_training_anew_on_rows_with_an_order_in_time(run, left_run):
    text = churn_text().splitlines()
    lines = [f"day,{text[0]}", *(f"{day},{line}" for day, line in enumerate(text[1:]))]
    place = _written("daily.csv", lines)
    words = ("--target", "left", "--time", "day", *QUICK)
    assert run("train", place, *words, "--out", "daily").code == 0
    outcome = run("evaluate", "daily", place, "--all", "--folds", "3", "--learning-curve")
    assert "120 rows of DATA, 3 folds: forward by 'day': each is held out from" in outcome.out
    assert "the first 30 rows are only learned from" in outcome.out
    assert "the latest ones by 'day' before those held out" in outcome.out


@pytest.mark.parametrize(
    "words, code, part",
    [
        (["--threshold", "7"], 2, ": --threshold: must be a number from 0 to 1, got '7'"),
        (["--threshold", "x"], 2, ": --threshold: must be a number from 0 to 1, got 'x'"),
        (
            ["--costs", "1"],
            2,
            ": --costs: must be two numbers of 0 or more, not both 0, as 1,5, got",
        ),
        (["--costs", "0,0"], 2, ": --costs: must be two numbers of 0 or more, not both 0, as 1,5"),
        (["--costs", "-1,5"], 2, "not both 0, as 1,5, got '-1,5'"),
        (["--costs", "1,inf"], 2, "not both 0, as 1,5, got '1,inf'"),
        (["--by", "plam"], 1, "error: --by: there is no column 'plam'; did you mean 'plan'?"),
        (["--by", "all", "--by", "plam"], 1, "error: --by: there is no column 'plam'; did you"),
        (
            ["--metric", "rmse"],
            1,
            "error: --metric: 'rmse' is not a score of a classification of 2",
        ),
        (["--worst", "-1"], 2, ": --worst: must be a whole number of 0 or more, got '-1'"),
        (["--worst", "2.5"], 2, ": --worst: must be a whole number of 0 or more, got '2.5'"),
        (["--folds", "1"], 2, ": --folds: must be a whole number of 2 or more, got '1'"),
        (["--folds", "9999"], 1, "error: --folds: 9,999 folds of 120 rows cannot be"),
        (["--against", "nowhere"], 1, "nowhere: there is no such run folder"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, left_run, words, code, part):
    outcome = run("evaluate", left_run, "churn.csv", *words)
    assert outcome.code == code and part in outcome.sentence


def test_a_threshold_is_not_for_numbers(run, price_run):
    outcome = run("evaluate", price_run, "houses.csv", "--threshold", "0.3")
    told = "error: --threshold: the target 'price' is a number; a threshold is for"
    assert told in outcome.sentence
    outcome = run("evaluate", price_run, "houses.csv", "--costs", "1,5")
    assert "error: --costs: the target 'price' is a number; a threshold" in outcome.sentence


@pytest.mark.parametrize(
    "text, part",
    [
        ("months,plan\n1,gold\n", "no column 'left'"),
        ("months,plan,left\n1,gold,\n2,gold,NA\n", "'left' is missing in every row"),
        ("months,plan,left\n1,gold,perhaps\n", "holds no label of training, only 'perhaps'"),
        ("months,left\n1,yes\n", "column 'plan' not found"),
        ("months,plan,left\nsoon,gold,yes\n", "column 'months'"),
    ],
)
def test_what_cannot_be_scored_is_refused(run, left_run, text, part):
    Path("new.csv").write_text(text)
    outcome = run("evaluate", left_run, "new.csv")
    assert outcome.code == 1
    assert part in outcome.sentence


def test_few_rows_are_said_to_be_few_and_a_single_one_has_no_interval(run, left_run):
    lines = churn_text(30, seed=5).splitlines()
    assert run("evaluate", left_run, _written("enough.csv", lines)).err == ""
    outcome = run("evaluate", left_run, _written("few.csv", lines[:-1]))
    assert "note: 29 rows are few to judge by" in outcome.err
    outcome = run("evaluate", left_run, _written("one.csv", lines[:2]))
    assert "note: 1 row is too few to judge by" in outcome.err
    assert all(line.split()[2] == "-" for line in outcome.out.splitlines()[2:7])
    header, *rows = churn_text(200, seed=5).splitlines()
    gone = [row for row in rows if row.endswith("yes")]
    rare = [header, *(row for row in rows if row not in gone), *gone[:3]]
    outcome = run("evaluate", left_run, _written("rare.csv", rare))
    assert "note: 3 rows of 'yes' are too few to judge by: other rows may" in outcome.err


def test_without_the_weight_column_each_row_counts_alike(run):
    lines = churn_text().splitlines()
    weighed = [line + (f",{n % 3}" if n else ",weight") for n, line in enumerate(lines)]
    words = ("--target", "left", "--weight", "weight", "--epochs", "2", "--members", "1")
    assert run("train", _written("weighed.csv", weighed), *words, "--out", "run").code == 0
    with_weights = run("evaluate", "run", "weighed.csv", "--json", "--all")
    without = run("evaluate", "run", "churn.csv", "--json")
    assert "there is no weight column 'weight'" in without.err
    assert (with_weights.record["weighted"], without.record["weighted"]) == (True, False)
    assert (with_weights.record["rows"], without.record["rows"]) == (80, 120)
    assert run("predict", "run", "churn.csv").out == run("predict", "run", "weighed.csv").out


def _written(name, lines):
    Path(name).write_text("\n".join(lines) + "\n", "utf-8")
    return name
