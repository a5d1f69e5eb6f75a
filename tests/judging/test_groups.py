"""Intervals of rows in groups: whole groups are drawn, as by a bootstrap of our own in NumPy."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression

import chainrule
from chainrule import explaining
from chainrule.cli import main
from chainrule.data import as_table
from chainrule.estimators import TableSettings, fit_table, plan_table
from chainrule.reporting import (
    JudgedRows,
    compare_runs,
    grouped_rows,
    judge_classification,
    judge_regression,
    read_run,
)

SETTINGS = TableSettings(group="house", epochs=6, members=1, hidden=(8,))
RESAMPLES = 2000


def houses(count, rows_of_each, seed):
    """Rows of a house share an effect that no column tells."""
    rng = np.random.default_rng(seed)
    house = np.repeat(np.arange(count), rows_of_each)
    x = rng.normal(size=len(house))
    y = x + rng.normal(0, 1.5, count)[house] + rng.normal(0, 0.5, len(house))
    return pd.DataFrame({"x": x, "house": [f"h{one}" for one in house], "y": y})


@pytest.fixture(scope="module")
def numbers():
    model = fit_table(plan_table(as_table(houses(30, 10, 0)), "y", SETTINGS))
    return model, houses(24, 20, 1)


@pytest.fixture(scope="module")
def classes():
    table, new = (
        one.assign(y=np.where(one["y"] > 0.5, "yes", "no"))
        for one in (houses(30, 10, 0), houses(24, 80, 1))
    )
    return fit_table(plan_table(as_table(table), "y", SETTINGS)), new


def by_houses(house, score):
    """The 95 % interval of a score of row numbers, houses drawn again."""
    rng = np.random.default_rng(9)
    members = [np.flatnonzero(house == one) for one in pd.unique(house)]
    drawn = rng.integers(0, len(members), (RESAMPLES, len(members)))
    scores = [score(np.concatenate([members[one] for one in each])) for each in drawn]
    return np.quantile(scores, [0.025, 0.975])


def assert_close(found, expected):
    width = expected[1] - expected[0]
    np.testing.assert_allclose(found, expected, atol=0.12 * width)


def test_scores_are_sure_by_groups(numbers):
    model, new = numbers
    found = chainrule.evaluate(model, new)
    truth, guess = new["y"].to_numpy(), model.predict(as_table(new)).values
    expected = by_houses(
        new["house"].to_numpy(),
        lambda rows: metrics.root_mean_squared_error(truth[rows], guess[rows]),
    )
    assert_close(found.intervals["rmse"], expected)
    low, high = chainrule.evaluate(model, new.drop(columns="house")).intervals["rmse"]
    assert expected[1] - expected[0] > 2 * (high - low)
    assert found.to_record()["groups"] == 24
    assert grouped_rows(24) in found.notes


def test_chances_and_savings_are_sure_by_groups(classes):
    model, new = classes
    costs = {"false_positive": 1, "false_negative": 5}
    found = chainrule.evaluate(model, new, costs=costs)
    house, yes = new["house"].to_numpy(), (new["y"] == "yes").to_numpy()
    chance = model.predict(as_table(new)).probabilities[:, 1].astype(float)
    auc = by_houses(house, lambda rows: metrics.roc_auc_score(yes[rows], chance[rows]))
    assert_close(found.intervals["roc_auc"], auc)
    brier = by_houses(house, lambda rows: np.mean((chance - yes)[rows] ** 2))
    assert_close(found.intervals["brier_score"], brier)
    [cheapest] = [one for one in found.thresholds if one.name == "least cost"]

    def paid(cut):
        flag = chance >= cut
        return 1000 * (1.0 * (flag & ~yes) + 5.0 * (~flag & yes))

    saved = paid(0.5) - paid(cheapest.threshold)
    assert_close(cheapest.interval, by_houses(house, lambda rows: saved[rows].mean()))


def test_two_models_are_compared_by_groups(numbers):
    model, new = numbers
    raised = houses(30, 10, 0).assign(y=lambda one: one["y"] + 1)
    wrong = fit_table(plan_table(as_table(raised), "y", SETTINGS))
    found = chainrule.compare(model, wrong, new, metric="mae")
    truth = new["y"].to_numpy()
    ours, theirs = (np.abs(truth - one.predict(as_table(new)).values) for one in (model, wrong))
    expected = by_houses(
        new["house"].to_numpy(), lambda rows: theirs[rows].mean() - ours[rows].mean()
    )
    assert_close(found.interval, expected)
    assert found.groups == 24 and "24 whole groups were drawn again" in repr(found)


def test_rows_without_the_column_of_groups_are_taken_as_independent_and_it_is_said(numbers):
    model, new = numbers
    alone = new.drop(columns="house")
    [note] = [one for one in chainrule.evaluate(model, alone).notes if "'house'" in one]
    assert "taken as independent" in note
    line = LinearRegression().fit(alone[["x"]], alone["y"])
    assert chainrule.evaluate(line, alone[["x"]], alone["y"]).notes == ()


def test_what_takes_rows_as_independent_says_so(numbers):
    model, new = numbers
    assert "Rows of one 'house' are taken" in chainrule.evaluate(model, new, by="x").slices_told
    told = explaining.permutation_importance(model, new, new["y"], repeats=2).cannot_tell
    assert any("rows of one 'house' are taken as independent" in one for one in told)


def test_groups_stay_with_their_rows_where_some_do_not_count():
    rng = np.random.default_rng(4)
    truth, house = rng.integers(-1, 2, 200), rng.integers(0, 9, 200)
    table = rng.dirichlet([1.0, 1.0], 200)
    weights = rng.integers(0, 3, 200).astype(float)
    kept = (truth >= 0) & (weights > 0)
    whole = judge_classification(truth, table, "ab", weights, groups=house)
    part = judge_classification(truth[kept], table[kept], "ab", weights[kept], groups=house[kept])
    assert whole.intervals == part.intervals and whole.groups == 9
    assert whole.intervals != judge_classification(truth, table, "ab", weights).intervals


def test_one_group_says_nothing_of_others():
    found = judge_regression([1.0, 2.0, 4.0], [1.0, 2.0, 3.0], groups=[7, 7, 7])
    assert set(found.intervals.values()) == {None}
    assert grouped_rows(found.groups).startswith("There are no intervals: all rows are of 1 group")
    # a group a row is the bootstrap of rows
    truth, guess = np.random.default_rng(0).normal(size=(2, 30))
    alone = judge_regression(truth, guess, groups=np.arange(30))
    usual = judge_regression(truth, guess)
    for name, ends in usual.intervals.items():
        assert alone.intervals[name] == pytest.approx(ends, rel=1e-12)


def test_runs_keep_the_groups_of_their_test_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    houses(40, 15, 0).to_csv("houses.csv", index=False)
    words = ("--target", "y", "--group", "house", "--epochs", "3", "--members", "1", "--out")
    assert main(["train", "houses.csv", *words, "one", "--hidden", "4"]) == 0
    assert "note: Intervals: 8 whole groups were drawn again" in capsys.readouterr().err
    assert main(["train", "houses.csv", *words, "two", "--hidden", "32"]) == 0
    one, two = (read_run(tmp_path / name) for name in ("one", "two"))
    kept = JudgedRows.load(tmp_path / "one" / "judged.safetensors")
    house = pd.read_csv(tmp_path / "houses.csv")["house"].to_numpy()[kept.rows]
    assert len(np.unique(kept.groups)) == len(np.unique(house)) < 10
    found = compare_runs([one, two])
    by_run = {id(each): each.judged for each in found.runs}
    best, other = (np.abs(one.truth - one.answers) for one in by_run.values())
    expected = by_houses(
        house, lambda rows: np.sqrt((other[rows] ** 2).mean()) - np.sqrt((best[rows] ** 2).mean())
    )
    assert_close(found.differences[0].interval, expected)
    capsys.readouterr()
    assert main(["runs", "one", "two"]) == 0
    assert "8 whole groups were drawn again" in " ".join(capsys.readouterr().out.split())
    assert main(["report", "one"]) == 0
    assert "8 whole groups were drawn again" in (tmp_path / "one" / "report.html").read_text()
