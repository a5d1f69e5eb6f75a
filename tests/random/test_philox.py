"""The generator itself, and that NumPy and C++ draw the same bits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some
from scipy.stats import norm

from chainrule.random import philox

try:
    from chainrule import _native
except ModuleNotFoundError:
    _native = None

needs_native = pytest.mark.skipif(
    _native is None, reason="chainrule is installed without its native module"
)
SOURCES = [
    pytest.param(philox, id="numpy"),
    pytest.param(_native, id="native", marks=needs_native),
]

# Random123 1.14, tests/kat_vectors: philox4x32 10: counter, key, words.
PUBLISHED = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]

STREAMS = some.tuples(
    some.integers(0, 2**64 - 1),
    some.integers(0, 2**32 - 1),
    some.integers(0, 2**56 - 1),
    some.integers(0, 2**8 - 1),
)


def drawn(fill, count, *numbers, dtype=np.float64):
    out = np.empty(count, dtype=dtype)
    fill(out, *numbers)
    return out


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("counter, key, expected", PUBLISHED)
def test_words_are_the_published_ones(source, counter, key, expected):
    first, stream, low_step, high = counter
    step, purpose = (high & 0xFFFFFF) << 32 | low_step, high >> 24
    number = key[1] << 32 | key[0]
    words = drawn(source.fill_words, 4, number, stream, step, purpose, 4 * first, dtype=np.uint32)
    assert tuple(words.tolist()) == expected


def plain_philox(counter, key):
    """The paper's rounds in Python's whole numbers."""
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = (
            right >> 32 ^ counter[1] ^ key[0],
            right % 2**32,
            left >> 32 ^ counter[3] ^ key[1],
            left % 2**32,
        )
        key = ((key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32)
    return counter


@pytest.mark.parametrize("source", SOURCES)
@given(numbers=STREAMS, first=some.integers(0, 2**34 - 40), count=some.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_words_are_those_of_the_paper(source, numbers, first, count):
    key, stream, step, purpose = numbers
    words = drawn(source.fill_words, count, *numbers, first, dtype=np.uint32)
    expected = []
    for position in range(first, first + count):
        counter = (position // 4, stream, step % 2**32, purpose << 24 | step >> 32)
        expected.append(plain_philox(counter, (key % 2**32, key >> 32))[position % 4])
    assert words.tolist() == expected


@needs_native
@given(numbers=STREAMS, first=some.integers(0, 2**30), count=some.integers(0, 20_000))
@settings(max_examples=40, deadline=None)
def test_native_draws_the_bits_of_numpy(numbers, first, count):
    words = [
        drawn(source.fill_words, count, *numbers, first, dtype=np.uint32)
        for source in (philox, _native)
    ]
    assert np.array_equal(*words)
    for name in ("fill_uniform", "fill_normal", "fill_truncated_normal"):
        numpys, natives = (
            drawn(getattr(source, name), count, *numbers) for source in (philox, _native)
        )
        assert np.array_equal(numpys.view(np.uint64), natives.view(np.uint64)), name
    for steps in (1, 3):
        orders = [
            drawn(source.fill_permutations, steps * count, steps, *numbers, 2, dtype=np.int64)
            for source in (philox, _native)
        ]
        assert np.array_equal(*orders)


@needs_native
@pytest.mark.parametrize("name", ["fill_normal", "fill_truncated_normal"])
def test_native_normals_have_the_bits_of_numpy_in_a_million_draws(name):
    numpys, natives = (
        drawn(getattr(source, name), 1_000_000, 5, 6, 7, 1) for source in (philox, _native)
    )
    assert np.array_equal(numpys.view(np.uint64), natives.view(np.uint64))


@needs_native
@given(
    numbers=STREAMS,
    count=some.integers(0, 5000),
    threshold=some.one_of(some.sampled_from([0, 1, 2**32 - 1, 2**32]), some.integers(0, 2**32)),
    scale=some.floats(1.0, 1e6),
    dtype=some.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=60, deadline=None)
def test_native_masks_have_the_bits_of_numpy(numbers, count, threshold, scale, dtype):
    numpys, natives = (
        drawn(source.fill_mask, count, *numbers, threshold, scale, dtype=dtype)
        for source in (philox, _native)
    )
    assert numpys.tobytes() == natives.tobytes()


@pytest.mark.parametrize("source", SOURCES)
def test_a_word_at_the_threshold_is_kept(source):
    address = 6, 5, 4, 3
    [word] = drawn(source.fill_words, 1, *address, 0, dtype=np.uint32).tolist()
    assert drawn(source.fill_mask, 1, *address, word, 2.0) == [2.0]
    assert drawn(source.fill_mask, 1, *address, word + 1, 2.0) == [0.0]


@needs_native
def test_native_refuses_arrays_that_it_would_have_to_copy():
    with pytest.raises(TypeError):
        _native.fill_uniform(np.empty(4, dtype=np.float32), 0, 0, 0, 0)
    with pytest.raises(TypeError):
        _native.fill_uniform(np.empty(8)[::2], 0, 0, 0, 0)


@needs_native
def test_native_module_and_its_stub_have_the_same_functions():
    names = {name for name in dir(_native) if name.startswith("fill_")}
    assert names == {name for name in philox.__all__ if name.startswith("fill_")}


@given(some.floats(2.0**-1000, 2.0**1000))
@settings(max_examples=500)
def test_logarithm_is_that_of_the_mathematics_library(x):
    assert philox.logarithm(np.array([x]))[0] == pytest.approx(math.log(x), rel=4e-16, abs=0)


def test_logarithm_keeps_its_relative_accuracy_next_to_one():
    x = 1.0 + np.arange(-1000, 1001) * 2.0**-52
    expected = np.log1p(x - 1.0)
    np.testing.assert_allclose(philox.logarithm(x), expected, rtol=4e-16, atol=0)


SHARES = [
    pytest.param(np.linspace(0.0005, 0.9995, 1999), id="even"),
    pytest.param(np.array([0.075, 0.925, *np.nextafter([0.075, 0.925], 0.5)]), id="inner seams"),
    pytest.param(np.exp(-25.0) * np.array([1 - 1e-9, 1 + 1e-9]), id="outer seam"),
    pytest.param(2.0 ** -np.arange(1.0, 54.0), id="small"),
    pytest.param(1.0 - 2.0 ** -np.arange(1.0, 54.0), id="large"),
]


@pytest.mark.parametrize("shares", SHARES)
def test_inverse_normal_is_that_of_scipy(shares):
    np.testing.assert_allclose(
        philox.inverse_normal(shares), norm.ppf(shares), rtol=1e-14, atol=1e-300
    )


@needs_native
@pytest.mark.parametrize("shares", SHARES)
def test_native_inverse_normal_has_the_bits_of_numpy(shares):
    natives = shares.copy()
    _native.inverse_normal(natives)
    assert natives.tobytes() == philox.inverse_normal(shares).tobytes()
