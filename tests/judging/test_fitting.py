"""Over- and underfitting: one rule, in words."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.cli import main
from chainrule.reporting import JudgedRows, fit_of, fitting_of_run

PERFECT = {"naive": 0.5, "perfect": 1.0}


def told(learned, new, interval, score="roc_auc", rows=1000, **more):
    """The verdict, and it in words, on a run with these scores."""
    task = "regression" if score == "r2" else "classification"
    metrics = {"learned": {"rows": 10 * rows, "scores": {score: learned}}, **more}
    test = {"task": task, "rows": rows, "metrics": {score: new}, "intervals": {score: interval}}
    return fitting_of_run(metrics, None, test)


@pytest.mark.parametrize(
    "learned, new, interval, part",
    [
        (0.99, 0.70, (0.65, 0.75), "overfits strongly: roc_auc 0.99 on rows learned from, 0.7 on "
         "these rows: 59% of what it gained over a constant answer is lost on new rows. More"),
        (0.95, 0.87, (0.85, 0.89), "overfits: roc_auc 0.95"),
        (0.95, 0.87, (0.80, 0.96), "may overfit: roc_auc 0.95 on rows learned from, 0.87 on these "
         "rows: 18% of what it gained over a constant answer is lost on new rows, which may be "
         "chance."),
        (0.95, 0.87, None, "may overfit"),
        (0.53, 0.52, (0.5, 0.54), "underfits: roc_auc 0.53"),
        (0.54, 0.45, (0.44, 0.46), "underfits and also overfits strongly: roc_auc 0.54"),
        (0.90, 0.89, (0.87, 0.91), "neither over- nor underfits by much: roc_auc 0.9 on rows "
         "learned from, 0.89 on these rows."),
        (1.0, 1.0, (1.0, 1.0), "neither"),
    ],
)  # fmt: skip
def test_over_and_underfitting_in_words(learned, new, interval, part):
    verdict, words = told(learned, new, interval)
    assert words.startswith(f"The model {part}") and part.startswith(verdict.split()[0])


def test_where_scores_on_rows_learned_from_are_unknown_nothing_is_said():
    assert told(None, 0.4, (0.3, 0.5), "r2") == ("", "")


def test_noise_of_few_rows_learned_from_counts_too():
    test = {"task": "classification", "rows": 1000, "metrics": {"roc_auc": 0.87}}
    test["intervals"] = {"roc_auc": (0.80, 0.93)}
    for rows, verdict in ((10_000, "overfits"), (1000, "may overfit")):
        learned = {"learned": {"rows": rows, "scores": {"roc_auc": 0.95}}}
        assert fitting_of_run(learned, None, test)[0] == verdict


def test_the_rule_is_the_same_of_scores_and_of_losses():
    assert fit_of(0.9, 0.7, 0.05, **PERFECT).lost == pytest.approx(0.5)
    assert fit_of(-2.0, -6.0, 0.05, naive=-10.0, perfect=0.0).lost == pytest.approx(0.5)
    unknown = fit_of(0.9, 0.7, 0.05, naive=0.5, perfect=np.nan)
    assert unknown.verdict == "overfits strongly" and np.isnan(unknown.gain)
    assert fit_of(0.9, 0.7, 0.05, naive=np.nan, perfect=1.0) is None


def _against_linear(spread, learned=0.9):
    """The verdict on a network of which a linear model is ahead on the same 400 test rows."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    ours, linear = (truth + size * rng.normal(size=400) for size in (0.5, 0.5 - spread))
    judged = JudgedRows("regression", "y", truth, ours, None, "f", baselines={"linear": linear})
    spread_of = np.var(truth)
    scores = [1 - np.mean((one - truth) ** 2) / spread_of for one in (ours, linear)]
    details = {"test": {"metrics": {"r2": scores[0]}},
               "baselines": {"linear": {"metrics": {"r2": scores[1]}}}}  # fmt: skip
    test = {"task": "regression", "rows": 400, "metrics": {"r2": scores[0]}}
    test["intervals"] = {"r2": (scores[0] - 0.05, scores[0] + 0.05)}
    metrics = {"learned": {"rows": 900, "scores": {"r2": learned}}, "details": details}
    return fitting_of_run(metrics, judged, test)


def test_a_linear_model_is_compared_on_the_same_rows():
    verdict, words = _against_linear(0.4, learned=0.8)
    assert verdict == "underfits" and "on the test rows of training a linear model has 0.9" in words
    assert "with 95 %)" in words
    assert _against_linear(0.02, learned=0.7)[0].startswith("neither")  # behind by too little
    assert "underfits" not in _against_linear(0.4, learned=1.0)[0]  # what it learned it answers


def _trained(table, words):
    table.to_csv("table.csv", index=False)
    assert (
        main(["train", "table.csv", "--target", "y", "--out", "run", "--members", "1", *words]) == 0
    )


def test_a_run_that_hardly_learned_is_said_to_underfit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"x{k}": rng.normal(size=900) for k in range(4)})
    table = X.assign(y=X.sum(axis=1) + 0.1 * rng.normal(size=900))
    _trained(table[:600], ["--epochs", "2", "--hidden", "4", "--learning-rate", "0.001"])
    found = chainrule.evaluate("run", table[600:])
    assert found.verdict == "underfits" and found.to_record()["verdict"] == "underfits"
    assert "a linear model has 0.99" in found.fitting


def test_a_perfect_run_is_not_said_to_over_or_underfit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"x{k}": rng.normal(size=900) for k in range(2)})
    table = X.assign(y=np.where(X["x0"] + X["x1"] > 0, "a", "b"))
    _trained(table[:600], ["--epochs", "30", "--hidden", "16", "--learning-rate", "0.01"])
    found = chainrule.evaluate("run", table[600:])
    assert found.scores["roc_auc"] > 0.99 and found.verdict.startswith("neither")


def test_a_run_that_learned_noise_by_heart_is_said_to_overfit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    columns = {f"x{k}": rng.normal(size=300) for k in range(8)}
    noise = pd.DataFrame(columns).assign(y=rng.choice(["a", "b"], 300))
    noise.to_csv("noise.csv", index=False)
    words = ["--epochs", "60", "--patience", "60", "--members", "1", "--dropout", "0"]
    words += ["--hidden", "64", "--learning-rate", "0.02"]
    assert main(["train", "noise.csv", "--target", "y", "--out", "run", *words]) == 0
    metrics_kept = json.loads(Path("run/metrics.json").read_text())
    assert metrics_kept["learned"]["rows"] == 192
    new = noise.assign(y=rng.choice(["a", "b"], 300))
    assert "overfits strongly: roc_auc" in chainrule.evaluate("run", new).fitting
