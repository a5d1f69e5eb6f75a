"""Runs read from their folders, and held against each other: intervals against other formulas."""

from datetime import datetime
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from chainrule.errors import DataError, MissingFileError
from chainrule.files import RunFolder
from chainrule.reporting import (
    JudgedRows,
    Run,
    compare_runs,
    find_runs,
    groups_of_same_rows,
    judge_classification,
    judge_regression,
    read_run,
    settings_that_differ,
    why_apart,
)
from chainrule.reporting.comparison import leads_over_baselines

RNG = np.random.default_rng(7)
ROWS = 400
TRUTH = RNG.normal(size=ROWS)
LABELS = (RNG.random(ROWS) < 0.3).astype(np.int64)


@pytest.fixture
def written(tmp_path):
    """Writes a run folder as `chainrule train` leaves it, and reads it back."""

    def written(name, answers, truth=TRUTH, rows="all", settings=None, **judged):
        folder = RunFolder.create(tmp_path / name)
        config = {"target": "y", "data": "a.csv", "fingerprint": "f", "settings": settings or {}}
        folder.write_config(config)
        answers, weights = np.asarray(answers), judged.get("weights")
        task = "regression" if answers.ndim == 1 else "classification"
        if task == "regression":
            judgment = judge_regression(truth, answers, weights)
        else:
            judgment = judge_classification(truth, answers, ["no", "yes"], weights)
            judged = {"labels": ("no", "yes"), **judged}
        rows = np.arange(len(truth)) if isinstance(rows, str) else rows
        JudgedRows(task, "y", truth, answers, rows, "f", **judged).save(folder.judged_path)
        metrics = {"test": judgment.metrics}
        intervals = judgment.to_record()["intervals"]
        record = {"task": task, "metrics": metrics, "intervals": intervals}
        folder.write_metrics({**record, "epochs": 3, "seconds": 0.5, "interrupted": False})
        folder.model_path.write_bytes(b"")
        return read_run(folder.path)

    return written


def rank_sum_auc(draws, score):
    """The AUC of each draw of rows by ranks (Mann and Whitney, 1947)."""
    ones = LABELS[draws]
    count = ones.sum(axis=1)
    above = (rankdata(score[draws], axis=1) * ones).sum(axis=1) - count * (count + 1) / 2
    return above / (count * (ROWS - count))


def by(metric):
    return {"metric": metric}


def test_interval_of_a_mean_difference_is_that_of_normal_theory(written):
    one = TRUTH + RNG.normal(size=ROWS)
    two = one + RNG.normal(size=ROWS) * 0.7
    runs = [written("a", one, settings=by("mae")), written("b", two, settings=by("mae"))]
    comparison = compare_runs(runs)
    rows = np.abs(two - TRUTH) - np.abs(one - TRUTH)
    (found,) = comparison.differences
    error = rows.std() / np.sqrt(ROWS)
    assert (comparison.score, comparison.rows, comparison.level) == ("mae", ROWS, 0.95)
    assert [run.path.name for run in comparison.runs] == ["a", "b"]
    assert found.behind == pytest.approx(rows.mean(), rel=1e-12)
    expected = (rows.mean() - 1.96 * error, rows.mean() + 1.96 * error)
    np.testing.assert_allclose(found.interval, expected, atol=0.2 * error)


def test_interval_of_an_auc_is_that_of_a_bootstrap_written_out(written):
    good = np.clip(0.3 * LABELS + 0.7 * RNG.random(ROWS), 0, 1)
    weak = np.clip(0.5 * good + 0.5 * RNG.random(ROWS), 0, 1)
    runs = [written(n, np.stack([1 - p, p], 1), LABELS) for n, p in (("a", weak), ("b", good))]
    comparison = compare_runs(runs)
    (found,) = comparison.differences
    draws = np.random.default_rng(0).integers(0, ROWS, (1500, ROWS))
    gaps = rank_sum_auc(draws, good) - rank_sum_auc(draws, weak)
    assert comparison.score == "roc_auc"
    assert comparison.runs[0].path.name == "b"
    whole = roc_auc_score(LABELS, good) - roc_auc_score(LABELS, weak)
    assert found.behind == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(
        found.interval, np.quantile(gaps, [0.025, 0.975]), atol=0.25 * np.std(gaps)
    )


def test_pairing_sees_what_two_intervals_do_not(written):
    one = TRUTH + RNG.normal(size=ROWS)
    two = TRUTH + 1.03 * (one - TRUTH)
    runs = [written("a", one), written("b", two)]
    low, high = runs[0].intervals["rmse"]
    assert low < runs[1].metrics["rmse"] < high
    assert compare_runs(runs).differences[0].beyond_noise


@pytest.mark.parametrize("factor, sign", [(1.1, 1), (0.9, -1)])
def test_the_lead_over_a_simple_model_is_that_of_a_paired_bootstrap_written_out(factor, sign):
    error = RNG.normal(size=ROWS)
    simple = TRUTH + factor * error + 0.1 * RNG.normal(size=ROWS)
    judged = JudgedRows(
        "regression", "y", TRUTH, TRUTH + error, np.arange(ROWS), "f",
        baselines={"naive": np.zeros(ROWS), "linear": simple},
    )  # fmt: skip
    leads = leads_over_baselines(judged, "rmse")
    draws = np.random.default_rng(0).integers(0, ROWS, (4000, ROWS))
    network = np.sqrt(np.mean(error[draws] ** 2, axis=1))
    for name, answers in judged.baselines.items():
        squares = (answers - TRUTH) ** 2
        gaps = np.sqrt(squares[draws].mean(axis=1)) - network
        whole = np.sqrt(squares.mean()) - np.sqrt(np.mean(error**2))
        assert leads[name].by == pytest.approx(whole, rel=1e-12)
        expected = np.quantile(gaps, [0.025, 0.975])
        np.testing.assert_allclose(leads[name].interval, expected, atol=0.25 * np.std(gaps))
    assert leads["linear"].beyond_noise and np.sign(leads["linear"].by) == sign


def test_the_lead_in_ranking_is_that_of_a_paired_bootstrap_written_out():
    good = np.clip(0.3 * LABELS + 0.7 * RNG.random(ROWS), 0, 1)
    weak = np.clip(0.5 * good + 0.5 * RNG.random(ROWS), 0, 1)
    table = {name: np.stack([1 - p, p], 1) for name, p in (("good", good), ("weak", weak))}
    judged = JudgedRows(
        "classification", "y", LABELS, table["good"], None, "f", labels=("no", "yes"),
        baselines={"linear": table["weak"]},
    )  # fmt: skip
    lead = leads_over_baselines(judged, "roc_auc")["linear"]
    draws = np.random.default_rng(0).integers(0, ROWS, (1500, ROWS))
    gaps = rank_sum_auc(draws, good) - rank_sum_auc(draws, weak)
    assert lead.by == pytest.approx(roc_auc_score(LABELS, good) - roc_auc_score(LABELS, weak))
    expected = np.quantile(gaps, [0.025, 0.975])
    np.testing.assert_allclose(lead.interval, expected, atol=0.25 * np.std(gaps))


def test_without_answers_of_simple_models_there_is_no_lead():
    assert leads_over_baselines(JudgedRows("regression", "y", TRUTH, TRUTH, None, "f"), "mae") == {}


def test_smaller_is_better_where_errors_are_scored(written):
    near, far = written("near", TRUTH + 0.1), written("far", TRUTH + 0.5)
    comparison = compare_runs([far, near])
    assert comparison.runs[0] is near
    assert comparison.differences[0].behind == pytest.approx(0.4)
    assert comparison.differences[0].beyond_noise
    by_r2 = compare_runs(
        [written("n", TRUTH + 0.1, settings=by("r2")), written("f", -TRUTH, settings=by("r2"))]
    )
    assert (by_r2.score, by_r2.runs[0].path.name) == ("r2", "n")


def test_equal_runs_are_within_noise_and_nothing_is_minus_zero(written):
    answers = TRUTH + RNG.normal(size=ROWS)
    (found,) = compare_runs([written("a", answers), written("b", answers)]).differences
    assert (found.behind, found.interval, found.beyond_noise) == (0.0, (0.0, 0.0), False)
    assert "-0" not in str(found.to_record())


@pytest.mark.parametrize(
    "rare, weights, too_few",
    [
        (9, None, "9 test rows of 'yes'"),
        (1, None, "1 test row of 'yes'"),
        (10, None, ""),
        (20, [9.0] * 4 + [0.1] * 16, "4 test rows of 'yes'"),
    ],
)
def test_on_few_rows_of_a_class_there_is_neither_interval_nor_verdict(
    written, rare, weights, too_few
):
    truth = np.array([1] * rare + [0] * 200)
    more = {} if weights is None else {"weights": np.array(weights + [1.0] * 200)}
    chances = np.where(truth, 0.8, 0.2), np.where(truth, 0.1, RNG.random(len(truth)))
    runs = [
        written(name, np.stack([1 - one, one], 1), truth, **more)
        for name, one in zip("ab", chances, strict=True)
    ]
    comparison = compare_runs(runs)
    (found,) = comparison.differences
    assert comparison.too_few == too_few
    assert found.behind > 0.5
    assert (found.interval is None) is bool(too_few)
    assert found.beyond_noise is not bool(too_few)


def test_of_few_numbers_nothing_is_said(written):
    for rows, too_few in ((2, "2 test rows"), (9, "9 test rows"), (10, "")):
        truth = np.arange(float(rows))
        runs = [written(f"{n}{rows}", truth + off, truth) for n, off in (("a", 0.1), ("b", 3.0))]
        assert compare_runs(runs).too_few == too_few
        assert compare_runs(runs).differences[0].beyond_noise is not bool(too_few)


def test_several_comparisons_widen_each_interval_as_bonferroni_says(written):
    error = RNG.normal(size=ROWS)
    answers = [TRUTH + error + 0.1 * RNG.normal(size=ROWS) * k for k in range(4)]
    runs = [written(str(k), one, settings=by("mae")) for k, one in enumerate(answers)]
    together = compare_runs(runs)
    assert together.level == pytest.approx(1 - 0.05 / 6)
    best = together.runs[0]
    for run, found in zip(together.runs[1:], together.differences, strict=True):
        alone = compare_runs([best, run]).differences[0]
        stretch = NormalDist().inv_cdf(1 - 0.025 / 6) / NormalDist().inv_cdf(0.975)
        assert found.behind == alone.behind
        np.testing.assert_allclose(
            np.subtract(found.interval, found.behind),
            stretch * np.subtract(alone.interval, alone.behind),
        )


def test_of_equally_good_runs_the_best_is_seldom_beyond_noise():
    draw, wrong = np.random.default_rng(1), 0
    for _ in range(200):
        truth, shared = draw.normal(size=(2, 150))
        runs = []
        for place in range(5):
            answers = truth + shared + draw.normal(size=150)
            judged = JudgedRows("regression", "y", truth, answers, None, "f")
            errors = {"mae": float(np.abs(answers - truth).mean())}
            runs.append(
                Run(
                    Path(str(place)), "done", "y", "regression", by("mae"), datetime.now(),
                    metrics=errors, intervals={}, judged=judged,
                )
            )  # fmt: skip
        found = compare_runs(runs)
        wrong += any(one.beyond_noise for one in found.differences)
    assert wrong <= 16, "of 200, 10 are to be expected at most; more than 16 with chance 0.02"


def test_order_of_the_rows_kept_does_not_matter(written):
    answers, shuffled = TRUTH + RNG.normal(size=ROWS), RNG.permutation(ROWS)
    one = written("a", answers)
    two = written("b", answers[shuffled], TRUTH[shuffled], rows=shuffled)
    assert groups_of_same_rows([one, two]) == [[one, two]]
    assert compare_runs([one, two]).differences[0].interval == (0.0, 0.0)
    three = written("c", answers, TRUTH, rows=shuffled, baselines={"linear": answers + 1})
    np.testing.assert_array_equal(three.judged.baselines["linear"], three.judged.answers + 1)


def test_truth_that_differs_by_its_rounding_is_the_same(written):
    one, two = written("a", TRUTH), written("b", TRUTH, np.nextafter(TRUTH, np.inf))
    assert groups_of_same_rows([one, two]) == [[one, two]]
    assert why_apart(one, two) is None


@pytest.mark.parametrize(
    "other, why",
    [
        ({"rows": np.arange(ROWS) + 1}, "another part of the table"),
        ({"weights": np.full(ROWS, 2.0)}, "other weights"),
        ({"truth": TRUTH + 1}, "other targets"),
    ],
)
def test_runs_judged_otherwise_stand_apart(written, other, why):
    one, two = written("a", TRUTH), written("b", TRUTH, **other)
    assert groups_of_same_rows([one, two]) == [[one], [two]]
    assert why in why_apart(two, one)


def test_another_positive_label_stands_apart(written):
    chances = np.stack([1 - LABELS, LABELS], 1) * 0.8 + 0.1
    runs = [written(str(code), chances, LABELS, positive=code) for code in (0, 1)]
    assert len(groups_of_same_rows(runs)) == 2


def test_only_settings_that_differ_are_told(written):
    one = written("a", TRUTH, settings={"epochs": 3, "hidden": [8], "seed": 0})
    two = written("b", TRUTH, settings={"epochs": 9, "hidden": [8], "seed": 0, "metric": "mae"})
    assert settings_that_differ([one, two]) == {"epochs": [3, 9], "metric": [None, "mae"]}
    assert compare_runs([one, two]).score == "rmse"


def test_states_are_read_from_the_files(written):
    run = written("a", TRUTH)
    folder = RunFolder(run.path)
    assert (run.state, run.epochs, run.seconds, run.score) == ("done", 3, 0.5, "rmse")
    folder.write_metrics({**folder.read_metrics(), "interrupted": True})
    assert read_run(run.path).state == "stopped early"
    folder.metrics_path.unlink()
    assert read_run(run.path).state == "not scored"
    folder.model_path.unlink()
    assert read_run(run.path).state == "unfinished"


def test_folders_are_found_in_the_order_of_their_numbers(written, tmp_path):
    for name in ("y-10", "y-2", "y-1", ".hidden"):
        written(name, TRUTH)
    (tmp_path / "notes.txt").write_text("")
    assert [path.name for path in find_runs(tmp_path)] == ["y-1", "y-2", "y-10"]
    assert find_runs(tmp_path / "y-2") == [tmp_path / "y-2"]
    with pytest.raises(MissingFileError, match="nowhere: there is no such folder"):
        find_runs(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name, text, what",
    [
        ("metrics.json", "{", "not valid JSON"),
        ("metrics.json", '{"metrics": 3}', "not what 'chainrule train' writes"),
        ("metrics.json", '{"metrics": {"test": null}, "task": "x"}', "not what"),
        ("config.toml", 'data = "a.csv"', "names no target"),
        ("config.toml", 'target = "y"\nsettings = 3', "settings must be a table"),
        ("config.toml", 'target = "y"\nmetric = 3', "metric must be a text"),
        ("judged.safetensors", "none", "judged.safetensors"),
    ],
)
def test_damaged_files_are_said_in_a_sentence(written, name, text, what):
    run = written("a", TRUTH)
    (run.path / name).write_text(text)
    with pytest.raises((DataError, ValueError), match=what):
        read_run(run.path)
