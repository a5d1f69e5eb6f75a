"""Thresholds other than 0.5, against brute force and scikit-learn's scores."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from tests.judging.tables import three

import chainrule


def expected_threshold(positive, chance, weighing):
    """Brute force over cuts between all pairs of neighbors, those below and above all too."""
    levels = np.unique(chance)
    cuts = [0.0, *((levels[:-1] + levels[1:]) / 2), (1 + levels[-1]) / 2]
    return min(weighing(chance >= cut, positive) for cut in cuts)


@pytest.mark.parametrize("costs", [(1, 5), (3, 1), (0, 1)])
def test_thresholds_are_chosen_on_held_rows_and_judged_on_those_given(left, costs):
    model, X, y = left
    priced = dict(zip(("false_positive", "false_negative"), costs, strict=True))
    found = chainrule.evaluate(model, X, y, costs=priced, threshold=0.2)
    by_name = {one.name: one for one in found.thresholds}
    assert list(by_name) == ["one half", "best F1", "least cost", "given"]
    held = model.model_.held[0]
    positive, chance = held.truth == 1, held.answers[:, 1]

    def cost(flag, positive):
        return costs[0] * (flag & ~positive).sum() + costs[1] * (~flag & positive).sum()

    least = by_name["least cost"].threshold
    assert cost(chance >= least, positive) == expected_threshold(positive, chance, cost)
    best = by_name["best F1"].threshold
    assert metrics.f1_score(positive, chance >= best) == pytest.approx(
        -expected_threshold(positive, chance, lambda flag, of: -metrics.f1_score(of, flag))
    )
    truth, sure = (y == "yes").to_numpy(), model.predict_proba(X)[:, 1]
    for one in found.thresholds:
        flag = sure >= one.threshold
        assert one.precision == pytest.approx(metrics.precision_score(truth, flag))
        assert one.recall == pytest.approx(metrics.recall_score(truth, flag))
        assert one.f1 == pytest.approx(metrics.f1_score(truth, flag))
        assert one.accuracy == pytest.approx((truth == flag).mean())
        assert one.flagged == pytest.approx(flag.mean())
        assert one.cost == pytest.approx(1000 * cost(flag, truth) / 800)
        saved = 1000 * (cost(sure >= 0.5, truth) - cost(flag, truth)) / 800
        assert one.saves == pytest.approx(saved)
        if one.name != "one half":
            each = costs[0] * (truth < (sure >= 0.5)) + costs[1] * (truth > (sure >= 0.5))
            each = each - costs[0] * (truth < flag) - costs[1] * (truth > flag)
            reach = 1000 * 1.96 * each.std() / np.sqrt(800)  # rows are paired
            assert one.interval == pytest.approx((saved - reach, saved + reach), abs=reach / 4)
    assert "chosen on rows that the networks were watched on" in found.thresholds_told


def test_numbers_of_numpy_are_numbers(left):
    model, X, y = left
    costs = {"false_positive": np.int64(1), "false_negative": np.float32(5)}
    found = chainrule.evaluate(model, X, y, threshold=np.float32(0.25), costs=costs)
    plain = {"false_positive": 1, "false_negative": 5}
    alike = chainrule.evaluate(model, X, y, threshold=0.25, costs=plain)
    assert found.thresholds == alike.thresholds and found.thresholds[-1].threshold == 0.25


def test_without_held_rows_thresholds_are_said_to_flatter():
    X, y = three()
    model = LogisticRegression().fit(X, y > 0)
    found = chainrule.evaluate(model, X, y > 0)
    assert "chosen on the very rows that judge it" in found.thresholds_told
    best = next(one for one in found.thresholds if one.name == "best F1")
    sure = model.predict_proba(X)[:, 1]
    others = [metrics.f1_score(y > 0, sure >= cut) for cut in sure]
    assert best.f1 == pytest.approx(max(others))


def test_without_a_positive_row_no_threshold_has_the_best_f1():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    found = chainrule.evaluate(model, X[:2], [0, 0], threshold=0.3)
    assert [one.name for one in found.thresholds] == ["one half", "given"]
