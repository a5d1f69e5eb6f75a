"""Held rows in the model file, intervals of stated coverage, calibrated probabilities."""

import math
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from tests.estimators import tables

from chainrule import TabularClassifier, TabularRegressor
from chainrule.data import as_table
from chainrule.errors import DataError, SettingError
from chainrule.estimators import Held, TableSettings, fit_table, load_table_model, plan_table
from chainrule.estimators.calibration import fitted_temperature, tempered
from chainrule.estimators.held import narrowing_of
from chainrule.estimators.intervals import Intervals

QUICK = {"epochs": 6, "members": 3, "hidden": (16,), "learning_rate": 0.01}
FILES = Path(__file__).parents[1] / "files"


def trained(columns=tables.XOR, rows=240, **settings):
    target = columns[-1]
    plan = plan_table(
        tables.table(rows, only=columns), target, TableSettings(**QUICK | settings), test_share=0.0
    )
    return plan, fit_table(plan)


@pytest.mark.parametrize("columns", [tables.XOR, tables.PRICE])
def test_held_rows_are_answered_by_those_that_did_not_learn_from_them(columns, tmp_path):
    plan, model = trained(columns)
    model.save(tmp_path / "m.safetensors")
    (held,) = load_table_model(tmp_path / "m.safetensors").held
    answers = np.zeros((len(model.members), plan.pool.rows, *held.answers.shape[1:]))
    answered = np.zeros((len(model.members), plan.pool.rows), bool)
    for number, member in enumerate(model.members):
        alone = load_table_model(tmp_path / "m.safetensors")
        alone.members = [member]
        answers[number] = alone.answers(alone.encoder.encode(plan.pool))
        answered[number, plan.members[number].validation] = True
        assert not set(plan.members[number].validation) & set(plan.members[number].train)
    assert held.rows.tolist() == np.flatnonzero(answered.any(axis=0)).tolist()
    for place, row in enumerate(held.rows):
        expected = answers[answered[:, row], row].mean(axis=0)
        np.testing.assert_allclose(held.answers[place], expected, rtol=1e-6)
    assert held.truth.tolist() == plan.truth(plan.pool)[held.rows].tolist()


def test_given_rows_to_watch_are_the_held_ones():
    table = tables.table(60, seed=5, only=tables.XOR)
    plan = plan_table(
        tables.table(only=tables.XOR), "same", TableSettings(**QUICK), validation=table
    )
    (held,) = fit_table(plan).held
    assert held.rows.tolist() == list(range(60))
    assert held.truth.tolist() == plan.truth(table).tolist()


def test_weights_and_several_targets_are_kept(tmp_path):
    found = tables.columns()
    y = {"same": found["same"], "price": found["price"]}
    X = {name: found[name] for name in ("left", "right", "size", "city")}
    model = TabularClassifier(**QUICK, targets={"price": "regression"})
    model.fit(X, y, sample_weight=found["weight"]).save(tmp_path / "m.safetensors")
    again = TabularClassifier.load(tmp_path / "m.safetensors").model_
    assert [one.answers.ndim for one in again.held] == [2, 1]
    for one, other in zip(again.held, model.model_.held, strict=True):
        for name in ("truth", "answers", "weights", "rows"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
    assert again.held[0].weights.tolist() == found["weight"][again.held[0].rows].tolist()


def test_a_file_keeps_20_000_rows_evenly_drawn():
    count = 90_000
    held = Held(np.arange(count, dtype=float), np.zeros(count), np.ones(count), np.arange(count))
    drawn = held.drawn(3)
    assert len(drawn.truth) == len(np.unique(drawn.rows)) == 20_000
    assert drawn.truth.tolist() == drawn.rows.tolist() == sorted(drawn.rows)
    assert abs(drawn.rows.mean() - count / 2) < 5 * count / math.sqrt(12 * 20_000)
    assert drawn.drawn(3) is drawn
    wide = Held(np.zeros(count, int), np.broadcast_to(0.001, (count, 1000)))
    assert len(wide.drawn(0).truth) == 2_000


def test_old_files_open_without_held_rows():
    for name in ("first_table", "second_table", "third_table"):
        model = load_table_model(FILES / f"{name}.safetensors")
        assert model.held == ()
        with pytest.raises(DataError, match="an older version saved it.* train again"):
            model.intervals(0.9)


def coverage_of(rows, new, share):
    """Over all ways to name `rows` of equally spread values the held ones: share covered."""
    values = np.arange(rows + new, dtype=float) ** 2
    covered = total = 0
    for chosen in combinations(range(rows + new), rows):
        others = np.delete(values, chosen)
        held = values[list(chosen)]
        signs = np.where(np.arange(rows) % 2, 1.0, -1.0)
        intervals = Intervals.of(Held(signs * held, np.zeros(rows)), share)
        low, high = intervals.around(np.zeros(1))[0]
        covered += ((-low >= others) & (high >= others)).sum()
        total += new
    return covered / total


@pytest.mark.parametrize("rows, share", [(9, 0.9), (9, 0.5), (7, 0.8), (10, 0.75)])
def test_coverage_by_full_enumeration(rows, share):
    """Of all 9 + 1 and more rows in any order: ceil((n + 1) share) / (n + 1), no less, no more.

    Shares and counts are such that signed residuals are too few, or no shorter.
    """
    found = coverage_of(rows, 2, share)
    assert found >= share
    if rows < 2 / (1 - share) - 1:  # too few rows for signed ones
        assert found == pytest.approx(math.ceil((rows + 1) * share - 1e-9) / (rows + 1))


def simulated(rng, rows):
    """A number, its noise growing with it and on one side."""
    x = rng.uniform(0, 10, rows)
    return x + (0.1 + 0.3 * x) * rng.exponential(size=rows), x


def test_intervals_grow_where_noise_does_and_cover_in_every_bin():
    rng = np.random.default_rng(0)
    covered, low, high = [], [], []
    for _ in range(20):
        truth, answers = simulated(rng, 2_500)
        intervals = Intervals.of(Held(truth, answers), 0.9)
        assert len(intervals.edges) == 9
        new, predicted = simulated(rng, 4_000)
        lower, upper = intervals.around(predicted).T
        inside = (lower <= new) & (new <= upper)
        covered.append(inside.mean())
        low.append(inside[predicted < 2].mean())
        high.append(inside[predicted > 8].mean())
        width = upper - lower
        assert width[predicted > 9].mean() > 5 * width[predicted < 1].mean()
        assert (intervals.above > intervals.below).all()  # signed: noise is above
    assert 0.895 < np.mean(covered) < 0.91
    assert 0.88 < np.mean(low) < 0.92
    assert 0.88 < np.mean(high) < 0.92


def test_even_noise_gets_the_quantile_of_absolute_residuals():
    rng = np.random.default_rng(1)
    residuals = rng.normal(size=99)
    intervals = Intervals.of(Held(residuals, np.zeros(99)), 0.9)
    absolute = np.sort(np.abs(residuals))[math.ceil(100 * 0.9) - 1]
    signed = np.sort(residuals)[math.ceil(100 * 0.95) - 1], -np.sort(-residuals)[94]
    width = float((intervals.below + intervals.above)[0])
    assert width == pytest.approx(min(2 * absolute, signed[0] - signed[1]))


def test_weights_count_as_repeated_rows_but_for_the_one_more():
    rng = np.random.default_rng(2)
    truth, times = rng.normal(size=400), rng.integers(0, 4, 400)
    weighted = Intervals.of(Held(truth, np.zeros(400), times.astype(float)), 0.8)
    repeated = Intervals.of(Held(np.repeat(truth, times), np.zeros(times.sum())), 0.8)
    np.testing.assert_allclose(weighted.above, repeated.above, atol=0.03)
    alike = Intervals.of(Held(truth, np.zeros(400), np.full(400, 7.0)), 0.8)
    assert alike.above == Intervals.of(Held(truth, np.zeros(400)), 0.8).above


def test_few_held_rows_are_not_narrowed_and_it_is_said():
    rng = np.random.default_rng(3)
    residuals, answers = rng.normal(size=(2, 400))
    for rows, narrowed in ((399, 1.0), (400, 0.5)):
        held = Held(residuals[:rows] + answers[:rows], answers[:rows], narrowing=0.5)
        usual = Intervals.of(Held(held.truth, held.answers), 0.9)
        found = Intervals.of(held, 0.9)
        np.testing.assert_array_equal(found.above, narrowed * usual.above)
        np.testing.assert_array_equal(found.below, narrowed * usual.below)
        assert len(found.edges) == rows // 400
        assert ("are from 399 rows that" in found.note) == (rows < 400) == bool(found.note)


def test_an_estimator_gives_intervals_before_and_after_saving(tmp_path):
    found = tables.columns(1_000)
    X = {name: found[name] for name in ("size", "city")}
    noise = np.random.default_rng(4).normal(size=1_000)
    y = found["price"] + 5 * noise
    model = TabularRegressor(members=2, hidden=(32,), epochs=40, learning_rate=0.01)
    model.fit({name: X[name][:600] for name in X}, y[:600])
    rest = {name: X[name][600:] for name in X}
    found = model.predict_interval(rest)
    assert found.shape == (400, 2)
    assert 0.84 < ((found[:, 0] <= y[600:]) & (y[600:] <= found[:, 1])).mean() < 0.97
    model.save(tmp_path / "m.safetensors")
    again = TabularRegressor.load(tmp_path / "m.safetensors").predict_interval(rest)
    assert again.tobytes() == found.tobytes()
    assert (model.predict_interval(rest, 0.5) != found).all()
    for wrong in (0, 1, 90, "0.9", True, float("nan")):
        with pytest.raises(SettingError, match="above 0 and below 1, as 0.9 for 90 %, got"):
            model.predict_interval(rest, wrong)
    with pytest.raises(DataError, match="0.999 needs 999 rows .* and there are 2.*lower coverage"):
        model.predict_interval(rest, 0.999)


def test_intervals_of_several_targets_are_a_list():
    found = tables.columns()
    X = {name: found[name] for name in ("size", "city", "left")}
    y = np.stack([found["price"], found["size"] * 2], axis=1)
    model = TabularRegressor(**QUICK).fit(X, y)
    one, two = model.predict_interval(X, 0.8)
    assert one.shape == two.shape == (240, 2)
    predicted = model.predict(X)
    assert ((one[:, 0] < predicted[:, 0]) & (predicted[:, 1] < two[:, 1])).all()


def log_loss(probabilities, truth, weights, temperature):
    z = np.log(probabilities) / temperature
    z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -(weights * z[np.arange(len(z)), truth]).sum()


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_has_the_smallest_log_loss(scale):
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(400, 3))
    truth = np.array([rng.choice(3, p=p) for p in softmax(logits, axis=1)])
    probabilities = np.exp(scale * logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    weights = rng.uniform(0, 2, 400)
    found = fitted_temperature(Held(truth, probabilities, weights))
    oracle = minimize_scalar(
        lambda b: log_loss(probabilities, truth, weights, 1 / b), bounds=(0.05, 20),
        method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert found == pytest.approx(1 / oracle.x, rel=1e-5)
    assert found == pytest.approx(scale, rel=0.3)
    same = tempered(probabilities, found)
    assert (same.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    np.testing.assert_allclose(same.sum(axis=1), 1)
    assert tempered(np.array([[0.0, 1.0]]), 3.0)[0, 1] > 0.99


def test_calibration_is_of_what_all_networks_say_on_rows_that_none_learned_from(tmp_path):
    found = tables.columns(600)
    rng = np.random.default_rng(0)
    flipped = rng.random(600) < 0.25
    y = [("no" if one == "yes" else "yes") if flip else one
         for one, flip in zip(found["same"], flipped, strict=True)]  # fmt: skip
    X = {name: found[name] for name in ("left", "right", "city")}
    settings = QUICK | {"epochs": 60, "hidden": (64,), "patience": 60, "dropout": 0.0}
    plain = TabularClassifier(**settings).fit(X, y)
    model = TabularClassifier(**settings, calibration="temperature")
    plan = model.plan(X, y)
    model.fit_plan(plan)
    assert all(np.array_equal(one.validation, plan.members[0].validation) for one in plan.members)
    (temperature,) = model.model_.temperatures
    assert plain.model_.temperatures == () and temperature != 1.0
    watched = plan.members[0].validation
    raw = np.mean([_alone(model, number, plan.pool) for number in range(3)], axis=0)
    (held,) = model.model_.held
    assert held.rows.tolist() == watched.tolist()
    oracle = minimize_scalar(
        lambda b: log_loss(raw[watched], held.truth, np.ones(len(watched)), 1 / b),
        bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert temperature == pytest.approx(1 / oracle.x, rel=1e-4)
    expected = raw ** (1 / temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-5)
    np.testing.assert_allclose(held.answers, expected[watched], rtol=1e-5)
    model.save(tmp_path / "m.safetensors")
    again = TabularClassifier.load(tmp_path / "m.safetensors")
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def _alone(model, number, table):
    one = model.model_
    members, temperatures = one.members, one.temperatures
    one.members, one.temperatures = [members[number]], ()
    answers = one.answers(one.encoder.encode(table))
    one.members, one.temperatures = members, temperatures
    return answers


def test_calibration_needs_classes_and_rows_to_watch():
    table = tables.table(only=tables.PRICE)
    with pytest.raises(SettingError, match="calibration: the target 'price' is a number"):
        plan_table(table, "price", TableSettings(calibration="temperature"))
    with pytest.raises(SettingError, match="calibration: must be one of 'temperature', got 'beta'"):
        TableSettings(calibration="beta")
    few = as_table({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "b", "a", "b"]})
    with warnings.catch_warnings(), pytest.raises(DataError, match="calibration: the model has no"):
        warnings.simplefilter("ignore")
        plan = plan_table(few, "y", TableSettings(**QUICK, calibration="temperature"))
        fit_table(plan)


def test_how_much_less_all_networks_err_is_found_from_their_disagreement():
    rng = np.random.default_rng(6)
    rows, networks = 20_000, 4
    truth = rng.normal(size=rows)
    answers = rng.normal(scale=0.8, size=(networks, rows))  # each off by its own, none knows truth
    asked = rng.random((networks, rows)) < 0.3
    asked[:, asked.sum(axis=0) == 0] = True
    counts = asked.sum(axis=0)
    mean = np.where(asked, answers, 0).sum(axis=0) / counts
    spreads = (np.where(asked, answers - mean, 0) ** 2).sum(axis=0) / np.maximum(counts - 1, 1)
    found = narrowing_of(truth - mean, spreads, counts, networks)
    of_few, of_all = np.std(truth - mean), np.std(truth - answers.mean(axis=0))
    assert of_all < 0.95 * of_few
    assert found == pytest.approx(of_all / of_few, rel=0.01)
    assert narrowing_of(truth - mean, spreads, np.ones(rows), networks) == 1.0


def test_networks_that_all_answer_for_every_row_need_no_narrowing():
    found = tables.columns(600)
    X = {name: found[name] for name in ("size", "city")}
    own = TabularRegressor(**QUICK).fit(X, found["price"]).model_.held[0].narrowing
    rest = (X, found["price"])
    given = TabularRegressor(**QUICK).fit(X, found["price"], eval_set=rest).model_.held[0].narrowing
    assert 0 < own < 1 and given == pytest.approx(1)


def test_a_model_of_the_third_format_predicts_what_it_did():
    """Numbers as the version that wrote the file printed them."""
    model = TabularRegressor.load(FILES / "third_table.safetensors")
    asked = {"size": [1.5, None, -3.0], "city": ["c3", "nowhere", None]}
    wanted = [13.547646441019946, 12.542561017380665, 11.460489603555047]
    np.testing.assert_allclose(model.predict(asked), wanted, rtol=1e-12)
    with pytest.raises(DataError, match="an older version saved it"):
        model.predict_interval(asked)
