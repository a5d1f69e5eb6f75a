"""Over- and underfitting in words."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.cli import main
from chainrule.reporting import fitting_words


@pytest.mark.parametrize(
    "learned, new, interval, part",
    [
        (
            0.99,
            0.70,
            (0.65, 0.75),
            "overfits strongly: roc_auc 0.99 on rows learned from, 0.7 on these rows",
        ),
        (0.95, 0.87, (0.85, 0.89), "overfits: roc_auc 0.95"),
        (0.95, 0.87, (0.80, 0.96), "neither over- nor underfits"),
        (0.53, 0.52, (0.5, 0.54), "The model underfits: roc_auc 0.53"),
        (0.90, 0.89, (0.87, 0.91), "neither"),
    ],
)
def test_over_and_underfitting_in_words(learned, new, interval, part):
    words = fitting_words("classification", {"roc_auc": learned}, {"roc_auc": new}, interval)
    assert part in words


def test_a_linear_model_that_is_better_says_underfitting():
    scores = {"r2": 0.4}, {"r2": 0.39}, (0.3, 0.5)
    assert "linear model has 0.6" in fitting_words("regression", *scores, {"r2": 0.6})
    assert fitting_words("regression", None, {"r2": 0.4}, None) == ""


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
    assert "The model overfits strongly" in chainrule.evaluate("run", new).fitting
