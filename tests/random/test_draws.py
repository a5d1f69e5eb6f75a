"""What the public draws promise: positions, shapes, moments, shares, refusals."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some
from scipy.stats import kstest, norm, truncnorm

from chainrule import random
from chainrule.errors import InputTypeError, SettingError


@given(
    key=some.integers(0, 2**64 - 1),
    step=some.integers(0, 2**56 - 1),
    first=some.integers(0, 3000),
    count=some.integers(0, 50),
)
@settings(max_examples=60, deadline=None)
def test_words_drawn_alone_are_those_of_a_larger_draw(key, step, first, count):
    whole = random.words(key, 3, step, 3050)
    assert np.array_equal(random.words(key, 3, step, count, first=first), whole[first:][:count])


def test_words_past_a_chunk_are_those_drawn_alone():
    whole = random.words(1, 2, 3, 40_000)
    for first in (16_381, 16_384, 32_767, 39_990):
        assert np.array_equal(random.words(1, 2, 3, 10, first=first), whole[first : first + 10])


@pytest.mark.parametrize("draw", [random.uniform, random.normal, random.truncated_normal])
def test_numbers_do_not_depend_on_how_many_are_drawn(draw):
    whole = draw(11, 2, 3, 30_000, purpose=random.WEIGHTS)
    for count in (0, 1, 2, 7, 8193, 29_999):
        assert np.array_equal(draw(11, 2, 3, count, purpose=random.WEIGHTS), whole[:count])


@pytest.mark.parametrize("changed", ["key", "stream", "step", "purpose"])
def test_each_number_of_the_address_changes_the_draw(changed):
    address = {"key": 5, "stream": 5, "step": 5, "purpose": 1}
    other = address | {changed: 6}
    assert not np.isin(random.words(count=100, **other), random.words(count=100, **address)).any()


def test_uniform_numbers_are_made_of_their_two_words():
    pairs = random.words(9, 8, 7, 2000).astype(object).reshape(-1, 2)
    expected = [((left >> 5) * 2**26 + (right >> 6)) / 2**53 for left, right in pairs]
    assert random.uniform(9, 8, 7, 1000).tolist() == expected


def test_normal_numbers_are_the_inverse_of_their_two_words():
    pairs = random.words(9, 8, 7, 400_000).astype(np.uint64).reshape(-1, 2)
    shares = ((pairs[:, 0] >> 6) * 2.0**26 + (pairs[:, 1] >> 6) + 0.5) / 2.0**52
    np.testing.assert_allclose(random.normal(9, 8, 7, 200_000), norm.ppf(shares), rtol=1e-14)


@pytest.mark.parametrize(
    "draw, distribution",
    [
        (random.uniform, "uniform"),
        (random.normal, "norm"),
        (random.truncated_normal, truncnorm(-2, 2).cdf),
    ],
)
def test_numbers_follow_their_distribution(draw, distribution):
    numbers = draw(2024, 0, 0, 100_000)
    assert kstest(numbers, distribution).pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.01


def test_moments_of_a_million_numbers():
    uniform = random.uniform(1, 0, 0, 1_000_000)
    assert uniform.min() >= 0 and uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.002)
    assert uniform.var() == pytest.approx(1 / 12, abs=0.0005)
    normal = random.normal(1, 0, 0, 1_000_000)
    assert [np.mean(normal**power) for power in (1, 2, 3, 4)] == pytest.approx(
        [0, 1, 0, 3], abs=0.03
    )
    truncated = random.truncated_normal(1, 0, 0, 1_000_000)
    assert abs(truncated).max() <= 2
    assert truncated.std() == pytest.approx(truncnorm(-2, 2).std(), abs=0.002)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 257, 20_000])
def test_permutation_has_every_number_once(count):
    order = random.permutation(3, 1, 4, count)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(count))


def test_permutation_is_the_stable_order_of_its_keys():
    pairs = random.words(3, 1, 4, 2000, random.SHUFFLES).astype(object).reshape(-1, 2)
    keys = [left << 32 | right for left, right in pairs]
    assert random.permutation(3, 1, 4, 1000).tolist() == sorted(range(1000), key=keys.__getitem__)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 40, 7000])
def test_permutations_are_those_of_their_steps(count, threads):
    step = 2**32 - 3
    orders = random.permutations(3, 1, step, 40, count, threads)
    alone = [random.permutation(3, 1, step + number, count) for number in range(40)]
    assert (orders == np.concatenate(alone)).all()
    assert count < 40 or len({tuple(order) for order in alone}) == 40


@pytest.mark.parametrize(("step", "steps"), [(2**56 - 2, 3), (0, 0), (0, -1)])
def test_permutations_of_steps_that_are_none_are_refused(step, steps):
    with pytest.raises(SettingError, match="steps? must be"):
        random.permutations(3, 1, step, steps, 10)


def test_every_order_of_four_is_about_as_frequent():
    orders = [tuple(random.permutation(8, 0, step, 4).tolist()) for step in range(2400)]
    _, frequencies = np.unique(orders, axis=0, return_counts=True)
    assert len(frequencies) == 24
    assert ((frequencies - 100) ** 2 / 100).sum() < 45  # chi-squared, 23 degrees: p = 0.004


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2, 0.5, 0.9])
def test_dropout_mask_drops_its_share(rate):
    mask = random.dropout_mask(6, 5, 4, (400, 500), rate, np.float64)
    assert set(np.unique(mask)) <= {0.0, 1.0 / (1.0 - rate)}
    assert np.mean(mask == 0) == pytest.approx(rate, abs=0.005)
    assert mask.mean() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_mask_is_decided_by_the_word_at_its_position(dtype):
    mask = random.dropout_mask(6, 5, 4, (7, 11, 3), 0.3, dtype)
    words = random.words(6, 5, 4, 7 * 11 * 3, random.MASKS).reshape(7, 11, 3)
    kept = np.dtype(dtype).type(1 / 0.7)
    assert mask.dtype == dtype
    assert np.array_equal(mask, np.where(words < round(0.3 * 2**32), 0, kept))


def test_dropout_mask_of_any_shape():
    assert random.dropout_mask(0, 0, 0, (), 0.5, np.float32).shape == ()
    assert random.dropout_mask(0, 0, 0, (0, 3), 0.5, np.float32).shape == (0, 3)
    nearly_one = np.nextafter(1.0, 0.0)
    assert not random.dropout_mask(0, 0, 0, (9,), nearly_one, np.float32).any()


def test_numbers_of_numpy_are_numbers():
    expected = random.words(1, 2, 3, 4, 1)
    given = random.words(np.int64(1), np.uint32(2), np.int32(3), np.int64(4), np.uint8(1))
    assert np.array_equal(given, expected)


NAMES = {"key": "seed"}


@pytest.mark.parametrize(
    "setting, value",
    [
        ("key", -1),
        ("key", 2**64),
        ("key", "a"),
        ("key", None),
        ("key", 0.5),
        ("stream", 2**32),
        ("step", 2**56),
        ("purpose", 256),
    ],
)
def test_an_address_out_of_range_is_refused(setting, value):
    address = {"key": 0, "stream": 0, "step": 0, "purpose": 0, "count": 1}
    for draw in (random.words, random.uniform, random.normal, random.truncated_normal):
        with pytest.raises(SettingError, match=f"{NAMES.get(setting, setting)} must be .* got"):
            draw(**address | {setting: value})


@pytest.mark.parametrize("count, first", [(-1, 0), (1, -1), (2, 2**34 - 1)])
def test_positions_out_of_range_are_refused(count, first):
    with pytest.raises(SettingError, match="positions must lie"):
        random.words(0, 0, 0, count, first=first)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(SettingError, match=f"rate must be .* got {rate}"):
        random.dropout_mask(0, 0, 0, (3,), rate, np.float32)


def test_another_dtype_is_refused():
    with pytest.raises(InputTypeError, match="float32 or float64, got int32"):
        random.dropout_mask(0, 0, 0, (3,), 0.5, np.int32)


def test_fresh_seeds_differ_and_survive_json():
    seeds = {random.fresh_seed() for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**53 and json.loads(json.dumps(float(seed))) == seed for seed in seeds)


WITHOUT_NATIVE = """
import sys
sys.modules["chainrule._native"] = None  # as if it were not installed
from chainrule import random
assert not random.has_native()
assert "not installed" in random.native_status() and "NumPy" in random.native_status()
print(random.words(1, 2, 3, 4).tolist(), random.normal(1, 2, 3, 2).tolist())
"""


def test_without_the_native_module_the_same_numbers_are_drawn():
    words, numbers = random.words(1, 2, 3, 4).tolist(), random.normal(1, 2, 3, 2).tolist()
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_NATIVE], capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == f"{words} {numbers}", run.stderr
