"""Intervals: each resample scores as its rows do, and the truth is inside as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from tests.reporting.samples import peer_scores, sample

from chainrule.reporting import judge_classification, judge_regression, score_regression
from chainrule.reporting.answers import class_answers, number_answers
from chainrule.reporting.bootstrap import drawn, intervals
from chainrule.reporting.scores import classification_scorer, regression_scorer


class TestIntervals:
    """The bootstrap."""

    @pytest.mark.parametrize("classes", [2, 4])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_each_resample_scores_as_scikit_learn_scores_its_rows(self, classes, weighted):
        truth, table = sample(40, classes, 11, ties=True)
        weights = np.random.default_rng(12).uniform(0.1, 3, 40) if weighted else np.ones(40)
        answers = class_answers(truth, table, classes, weights, None)
        counts = drawn(0, 0, 30, 40)
        scores = classification_scorer(answers, classes, 1)(counts * weights)
        for resample, times in enumerate(counts.astype(int)):
            rows = np.repeat(np.arange(40), times)
            expected = peer_scores(truth[rows], table[rows], weights[rows])
            found = {name: score[resample] for name, score in scores.items()}
            assert found == pytest.approx(expected, rel=1e-10)

    def test_each_resample_of_numbers_too(self):
        rng = np.random.default_rng(13)
        truth, weights = rng.normal(size=25), rng.uniform(0.1, 3, 25)
        prediction = truth + rng.normal(size=25)
        counts = drawn(0, 0, 30, 25)
        scores = regression_scorer(number_answers(truth, prediction, weights))(counts * weights)
        for resample, times in enumerate(counts.astype(int)):
            rows = np.repeat(np.arange(25), times)
            expected = score_regression(truth[rows], prediction[rows], weights[rows])
            found = {name: score[resample] for name, score in scores.items()}
            assert found == pytest.approx(expected, rel=1e-10)

    def test_resamples_draw_each_row_alike(self):
        counts = drawn(5, 0, 2000, 30)
        assert (counts.sum(axis=1) == 30).all()
        # 60,000 draws: a row's total has mean 2,000, deviation 44
        assert np.abs(counts.sum(axis=0) - 2000).max() < 5 * 44
        assert counts.var() == pytest.approx(1 - 1 / 30, rel=0.05)

    def test_resamples_do_not_depend_on_the_block(self):
        whole = drawn(3, 0, 10, 7)
        assert np.array_equal(whole[4:6], drawn(3, 4, 2, 7))

    def test_the_same_seed_gives_the_same_interval(self):
        truth, table = sample(300, 3, 14)
        first = judge_classification(truth, table, "abc", seed=1)
        assert first == judge_classification(truth, table, "abc", seed=1)
        assert first.intervals != judge_classification(truth, table, "abc", seed=2).intervals

    def test_the_interval_is_the_one_of_theory(self):
        rng = np.random.default_rng(15)
        rows = 4000
        truth = rng.integers(0, 2, rows)
        guess = np.where(rng.uniform(size=rows) < 0.8, truth, 1 - truth)
        table = np.where(np.eye(2)[guess] > 0, 0.75, 0.25)
        judgment = judge_classification(truth, table, "ab", resamples=1000)
        accuracy = (guess == truth).mean()
        half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / rows)
        assert judgment.intervals["accuracy"] == pytest.approx(
            (accuracy - half, accuracy + half), abs=0.15 * half
        )
        error = rng.normal(size=rows)
        judgment = judge_regression(np.zeros(rows), np.abs(error), resamples=1000)
        mean, half = np.abs(error).mean(), 1.96 * np.abs(error).std() / np.sqrt(rows)
        assert judgment.intervals["mae"] == pytest.approx(
            (mean - half, mean + half), abs=0.15 * half
        )

    def test_intervals_cover_the_truth_about_as_often_as_they_say(self):
        rng = np.random.default_rng(16)
        covered = 0
        for seed in range(200):
            truth = rng.integers(0, 2, 150)
            score = rng.normal(size=150) + truth  # AUC = Phi(1 / sqrt 2)
            table = np.stack([1 - 1 / (1 + np.exp(-score)), 1 / (1 + np.exp(-score))], axis=1)
            judgment = judge_classification(truth, table, "ab", seed=seed, resamples=200)
            low, high = judgment.intervals["roc_auc"]
            covered += low <= 0.7602499389 <= high
        assert 0.89 * 200 <= covered <= 0.99 * 200

    def test_rare_classes_and_few_rows_do_not_crash(self):
        truth = np.array([0, 0, 0, 0, 0, 1])
        table = np.tile([0.7, 0.2, 0.1], (6, 1))
        judgment = judge_classification(truth, table, "abc", [1, 0.1, 5, 1e-9, 1, 2])
        assert all(
            limits is None or limits[0] <= limits[1] for limits in judgment.intervals.values()
        )

    def test_a_score_undefined_in_most_resamples_has_no_interval(self):
        def mostly_undefined(weights):
            return {"score": np.where(weights[:, 0] > 2, 1.0, np.nan)}

        assert intervals(mostly_undefined, np.ones(20), 200, 0) == {"score": None}

    def test_none_on_request(self):
        assert judge_regression([1.0, 2.0], [1.0, 2.0], resamples=0).intervals == {}

    def test_many_rows_take_little_time_and_many_classes_no_interval_of_auc(self):
        truth, table = sample(6000, 1000, 17, dtype=np.float32)
        judgment = judge_classification(truth, table, range(1000), resamples=20)
        assert judgment.intervals["roc_auc"] is None
        assert judgment.metrics["roc_auc"] is not None
        assert judgment.confusion is None
