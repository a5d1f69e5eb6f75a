"""Schedules: Keras's formulas and printed values, the same bits alone and in rows, records."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from chainrule.errors import InputTypeError, ModelFileError, SettingError
from chainrule.optimizers import (
    SGD,
    Adam,
    AdamW,
    Nadam,
    optimizer_from_record,
    optimizer_record,
    schedules,
)
from chainrule.optimizers.elementary import half_cosine, power
from chainrule.optimizers.schedules import (
    SCHEDULES,
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    LinearDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
)


def cosine(top, passed, alpha=0.0):
    return top * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(passed, 1.0))) + alpha)


def cycle(t):
    if t < 12:
        return 0.02 + 0.48 * (1 - math.cos(math.pi * t / 12)) / 2
    end = 0.02 / 1e4
    return 0.5 + (end - 0.5) * (1 - math.cos(math.pi * min((t - 12) / 28, 1.0))) / 2


def polynomial(t):
    whole = 7 * max(1, math.ceil(t / 7))
    return 0.09 * (1 - t / whole) ** 0.5 + 0.01


# a schedule, its formula by the step in plain Python, and what Keras 3 printed for some steps
EVERY = [
    (ExponentialDecay(0.1, 10, 0.9), lambda t: 0.1 * 0.9 ** (t / 10), {1: 0.098952, 15: 0.085381}),
    (ExponentialDecay(0.1, 10, 0.9, staircase=True), lambda t: 0.1 * 0.9 ** (t // 10),
     {5: 0.1, 15: 0.09, 40: 0.06561}),
    (InverseTimeDecay(0.1, 10, 0.9), lambda t: 0.1 / (1 + 0.9 * t / 10), {1: 0.091743}),
    (InverseTimeDecay(0.1, 10, 0.9, staircase=True), lambda t: 0.1 / (1 + 0.9 * (t // 10)),
     {15: 0.052632, 40: 0.021739}),
    (PiecewiseConstantDecay([3, 10, 20], [0.1, 0.05, 0.02, 0.01]),
     lambda t: 0.1 if t <= 3 else 0.05 if t <= 10 else 0.02 if t <= 20 else 0.01, {5: 0.05}),
    (PolynomialDecay(0.1, 30), lambda t: 0.0999 * (1 - min(t, 30) / 30) + 0.0001, {5: 0.08335}),
    (PolynomialDecay(0.1, 30, 0.01, 2.5), lambda t: 0.09 * (1 - min(t, 30) / 30) ** 2.5 + 0.01,
     {1: 0.092686, 15: 0.02591}),
    (PolynomialDecay(0.1, 7, 0.01, 0.5, cycle=True), polynomial, {5: 0.058107, 40: 0.02964}),
    (CosineDecay(0.1, 30), lambda t: cosine(0.1, t / 30), {1: 0.099726, 15: 0.05, 40: 0.0}),
    (CosineDecay(0.1, 30, alpha=0.1), lambda t: cosine(0.1, t / 30, 0.1), {5: 0.093971}),
    (CosineDecay(0.01, 30, 0.1, warmup_target=0.2, warmup_steps=7),
     lambda t: 0.19 * t / 7 + 0.01 if t < 7 else cosine(0.2, (t - 7) / 30, 0.1),
     {0: 0.01, 1: 0.037143, 15: 0.170222, 40: 0.02}),
    (CosineDecay(0.01, 30, warmup_target=0.2), lambda t: cosine(0.2, t / 30), {5: 0.186603}),
    (LinearDecay(0.1, 30), lambda t: 0.1 * (1 - min(t, 30) / 30), {}),
    (LinearDecay(0.1, 30, 0.01), lambda t: 0.1 - 0.09 * min(t, 30) / 30, {}),
    (OneCycle(0.5, 40), cycle, {}),
    (OneCycle(0.5, 40, rise_share=0), lambda t: cosine(0.5 - 2e-6, t / 40) + 2e-6, {}),
]  # fmt: skip
each = pytest.mark.parametrize(
    "schedule, formula, printed", EVERY, ids=[f"{type(one).__name__}-{i}" for i, (one, *_) in
                                              enumerate(EVERY)]
)  # fmt: skip


def test_every_schedule_is_tried():
    assert {type(one) for one, *_ in EVERY} == set(SCHEDULES.values())
    assert {one.__name__ for one in SCHEDULES.values()} == set(SCHEDULES)
    assert all(hasattr(schedules, name) for name in SCHEDULES)


@each
def test_rates_are_those_of_the_formula_and_of_keras(schedule, formula, printed):
    for step in range(60):
        assert schedule(step) == pytest.approx(formula(step), rel=1e-13, abs=1e-17)
    for step, rate in printed.items():
        assert schedule(step) == pytest.approx(rate, abs=5e-7)


@each
@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, Nadam])
def test_lines_of_many_steps_have_the_bits_of_each_step(schedule, formula, printed, kind):
    rule = kind(schedule)
    for first, count in ((1, 70), (250, 20), (1_000_001, 3), (9, 0), (5, 1)):
        lines = rule.lines(first, count)
        steps = range(first, first + count)
        assert lines.dtype == np.float64
        assert lines.tolist() == [list(rule.line(step)) for step in steps]
        plain = kind(1.0).lines(first, count)
        if kind is not Nadam:
            rates = np.array([[schedule(step - 1)] for step in steps]).reshape(-1, 1)
            scaled = plain * rates if kind is not AdamW else plain[:, :1] * rates
            np.testing.assert_allclose(lines[:, : scaled.shape[1]], scaled, rtol=1e-15)


@each
def test_a_record_gives_the_same_schedule(schedule, formula, printed):
    rule = Adam(schedule, clipnorm=0.5)
    record = optimizer_record(rule)
    assert isinstance(record["settings"]["learning_rate"]["settings"], dict)
    assert optimizer_from_record(record) == rule


def test_the_ends_are_exact():
    assert CosineDecay(0.1, 7)(0) == 0.1
    assert CosineDecay(0.1, 7)(7) == CosineDecay(0.1, 7)(10**9) == 0.0
    assert CosineDecay(0.1, 7, alpha=0.5)(7) == 0.05
    assert (OneCycle(0.5, 10)(0), OneCycle(0.5, 10)(10**9)) == (0.02, 0.02 / 1e4)
    assert ExponentialDecay(0.1, 7, 0.3)(0) == 0.1
    assert ExponentialDecay(0.1, 7, 0.3)(10**9) == 0.0
    assert PolynomialDecay(0.1, 7, 0.02, power=3)(7) == 0.02


def test_the_power_of_1_is_the_number_itself():
    """So a polynomial of the first power is its straight line, to the last bit."""
    x = np.random.default_rng(1).uniform(0, 3, 10_000)
    assert (power(x, 1.0) == x).all()
    assert (power(x, np.ones(10_000)) == x).all()
    schedule, line = PolynomialDecay(0.7, 1000, 0.0), LinearDecay(0.7, 1000)
    for step in range(1001):
        assert schedule(step) == 0.7 * (1 - step / 1000) == line(step)


def test_a_half_cosine_and_a_power_are_right_to_a_few_units():
    x = np.linspace(0, 1, 10_001)
    np.testing.assert_allclose(half_cosine(x), (1 + np.cos(math.pi * x)) / 2, rtol=0, atol=3e-16)
    random = np.random.default_rng(0)
    base, exponent = random.uniform(1e-3, 3, 10_000), random.uniform(-20, 20, 10_000)
    np.testing.assert_allclose(power(base, exponent), base**exponent, rtol=5e-14)
    near, few = random.uniform(0.5, 2, 10_000), random.uniform(-1, 1, 10_000)
    np.testing.assert_allclose(power(near, few), near**few, rtol=1.5e-15)
    assert power([0.0, 0.0, 2.0, 1.5], [2.0, 0.0, 10.0, 1.0]).tolist() == [0, 1, 1024, 1.5]
    # a number alone has the bits that it has among others
    for at in (0, 1, 7, 9_999):
        assert power(base[at], exponent[at]) == power(base, exponent)[at]
        assert half_cosine(x[at : at + 1])[0] == half_cosine(x)[at]


@dataclass(frozen=True)
class Harmonic(LearningRateSchedule):
    first: float

    def __call__(self, step):
        return self.first / (step + 1)


class Halved(ExponentialDecay):
    def __call__(self, step):
        return super().__call__(step) / 2


@pytest.mark.parametrize("own", [Harmonic(0.5), lambda step: 0.5 / (step + 1)])
def test_a_schedule_of_ones_own_is_asked_step_by_step(own):
    rule = SGD(own)
    assert rule.lines(3, 4).tolist() == [[0.5 / 3], [0.5 / 4], [0.5 / 5], [0.5 / 6]]
    assert rule.line(3) == (0.5 / 3,)
    with pytest.raises(InputTypeError, match="a model file cannot keep the schedule"):
        optimizer_record(rule)


def test_a_schedule_derived_from_ours_is_asked_step_by_step():
    rule = SGD(Halved(0.1, 10, 0.5))
    assert rule.lines(11, 2).tolist() == [[rule.rate(11)], [rule.rate(12)]]
    assert rule.rate(11) == pytest.approx(0.025)


@pytest.mark.parametrize(
    "own, given",
    [(lambda step: -1.0, "-1.0"), (lambda step: math.nan, "nan"), (lambda step: "a", "'a'"),
     (lambda step: None, "None"), (ExponentialDecay(0.1, 1, 1e9), "inf")],
)  # fmt: skip
def test_what_is_no_rate_is_refused_with_its_step(own, given):
    with pytest.raises(SettingError, match=f"gives {given} for step .*; it must give a number"):
        SGD(own).lines(101, 5)


def test_a_class_in_place_of_a_schedule_is_refused():
    with pytest.raises(InputTypeError, match="learning_rate is the class OneCycle; give an object"):
        SGD(OneCycle)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: ExponentialDecay(0.1, 0, 0.9), SettingError, "decay_steps must be a number above"),
        (lambda: ExponentialDecay(-1, 10, 0.9), SettingError, "ExponentialDecay: initial_learning"),
        (lambda: ExponentialDecay(0.1, 10, 0.9, 1), InputTypeError, "staircase must be True or"),
        (lambda: InverseTimeDecay(0.1, 10, -1), SettingError, "decay_rate must be .* 0 or more"),
        (lambda: PiecewiseConstantDecay([1], [1.0]), SettingError, "one value more than bound"),
        (lambda: PiecewiseConstantDecay([2, 1], [1, 2, 3]), SettingError, "boundaries must rise"),
        (lambda: PiecewiseConstantDecay(3, [1.0]), InputTypeError, "boundaries must be a list"),
        (
            lambda: PiecewiseConstantDecay([1], [1, -2]),
            SettingError,
            "values must be a number of 0",
        ),
        (lambda: PolynomialDecay(0.1, 10, power=0), SettingError, "power must be a number above 0"),
        (lambda: CosineDecay(0.0, 10), SettingError, "initial_learning_rate must be .* above 0"),
        (lambda: CosineDecay(0.1, 10, alpha=-1), SettingError, "alpha must be a number of 0 or"),
        (lambda: LinearDecay(0.1, "a"), SettingError, "decay_steps must be a number above 0"),
        (lambda: OneCycle(0.1, 10, rise_share=1), SettingError, "rise_share must be .* below 1"),
    ],
)
def test_settings_out_of_range_get_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_record_of_an_unknown_schedule_is_refused():
    record = optimizer_record(SGD(LinearDecay(0.1, 10)))
    record["settings"]["learning_rate"]["class"] = "Spiral"
    with pytest.raises(ModelFileError, match="this version does not know"):
        optimizer_from_record(record)
