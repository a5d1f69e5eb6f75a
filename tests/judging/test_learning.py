"""What a learning curve says in words."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.tree import DecisionTreeClassifier

import chainrule
from chainrule.judging import LearningCurve

X, Y = load_iris(return_X_y=True)


def curve(held, spread, learned=0.9, score="r2", naive=0.0):
    """Two sizes, of which the rise of the score has this mean and deviation over 4 fits."""
    noise = np.array([-1.0, 1.0, -1.0, 1.0]) * spread
    held = np.stack([np.full(4, held[0]), held[1] + noise])
    return LearningCurve(np.array([50, 100]), np.full((2, 4), learned), held, score, naive=naive)


@pytest.mark.parametrize(
    "held, spread, advice",
    [
        ((0.70, 0.80), 0.01, "More rows would likely help: from 50 to 100 rows r2 on rows held out "
         "rises by 0.1 (standard error 0.0058) to 0.8000;"),
        ((0.99, 0.9964), 0.002, "More rows would likely help: from 50"),
        ((0.80, 0.806), 0.004, "More rows would likely help a little: from 50"),
        ((0.80, 0.801), 0.001, "More rows would hardly help: from 50 to 100 rows r2 on rows "
         "held out rises by 0.001"),
        ((0.80, 0.79), 0.001, "More rows would hardly help: from 50 to 100 rows r2 on rows "
         "held out falls by 0.01"),
        ((0.70, 0.75), 0.10, "More rows may or may not help, which is lost in the noise: from 50"),
        ((0.80, 0.805), 0.01, "More rows may or may not help"),
        ((0.02, 0.022), 0.0001, "More rows would likely help"),
        ((1.0, 1.0), 0.0, "More rows would hardly help"),
        ((0.0, 0.0), 0.0, "More rows would hardly help"),
    ],
)  # fmt: skip
def test_a_sentence_says_one_thing_of_one_score(held, spread, advice):
    words = curve(held, spread).words
    assert words.startswith(advice) and words.count("help") == 1
    assert words.count("r2") == 1 and words.count(". ") == 0


def test_overfitting_is_said_beside_by_the_rule_of_evaluations():
    assert curve((0.7, 0.8), 0.01).words.endswith("0.9000 on rows learned from, so it overfits.")
    assert curve((0.7, 0.5), 0.01).verdict == "overfits strongly"
    assert curve((0.7, 0.8), 0.2).verdict == "may overfit"
    assert "so it neither over- nor underfits by much" in curve((0.85, 0.86), 0.001).words
    assert curve((0.03, 0.05), 0.001, learned=0.05).verdict == "underfits"
    assert curve((0.7, 0.8), 0.01, naive=np.nan).words.endswith("0.9000 on rows learned from.")
    silent = replace(curve((0.7, 0.8), 0.01), tells_fitting=False)
    assert silent.verdict == "" and silent.words.endswith("it is 0.9000 on rows learned from.")
    one = curve((0.7, 0.8), 0.01)
    one = LearningCurve(one.sizes[1:], one.learned[1:], one.held[1:], "r2", naive=0.0)
    assert one.words == (
        "With 100 rows r2 is 0.9000 on rows learned from and 0.8000 on rows held out: it overfits."
    )


@pytest.mark.parametrize(
    "estimator, truth, verdict",
    [
        (DecisionTreeClassifier(random_state=0), lambda X, r: r.random(len(X)) < 0.5,
         "overfits strongly"),
        (LogisticRegression(), lambda X, r: X[:, 0] * X[:, 1] > 0, "underfits"),
        (LogisticRegression(C=1e4), lambda X, r: X[:, 0] + X[:, 1] > 0, "neither"),
    ],
)  # fmt: skip
def test_planted_cases_are_told(estimator, truth, verdict):
    random = np.random.default_rng(0)
    numbers = random.normal(size=(3000, 2))
    found = chainrule.learning_curve(
        estimator, numbers, truth(numbers, random), sizes=(0.5, 1.0), scoring="roc_auc"
    )
    assert found.naive == 0.5 and found.verdict.startswith(verdict)


@pytest.mark.parametrize("score", ["-log_loss", "neg_log_loss"])
def test_a_loss_is_told_as_itself(score):
    words = curve((-0.5, -0.3), 0.001, learned=-0.25, score=score, naive=-0.7).words
    assert "rows log_loss on rows held out falls by 0.2" in words
    shown = repr(curve((-0.5, -0.3), 0.001, learned=-0.25, score=score, naive=-0.7))
    assert shown.startswith("log_loss, mean of 4 fits") and " 0.3000\n" in shown
    assert "to 0.3000; it is 0.2500 on rows learned from, so it overfits" in words


def test_scores_that_are_not_defined_say_nothing_of_more_rows():
    words = curve((0.5, np.nan), 0.0).words
    assert words == "With 100 rows r2 is not defined in all fits."


def test_a_score_that_was_not_named_is_that_of_the_estimator():
    fast = {"sizes": (0.5, 1.0), "cv": 3}
    found = chainrule.learning_curve(LogisticRegression(max_iter=500), X, Y, **fast)
    assert found.score == "accuracy"
    assert found.held[-1].mean() > 0.9 and "accuracy on rows" in found.words
    found = chainrule.learning_curve(LinearRegression(), X, X[:, 0], **fast)
    assert found.score == "r2"
    own = make_scorer(mean_absolute_error, greater_is_better=False)
    found = chainrule.learning_curve(LinearRegression(), X, X[:, 0], scoring=own, **fast)
    assert found.score == "score"
