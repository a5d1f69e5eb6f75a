"""Philox 4x32-10 and what is drawn with it, in NumPy: the meaning of the native functions.

`fill_...` functions have the same names, arguments and bits as those of `chainrule._native`. Only
`+ - * /`, square roots and exact bit operations are used, no NumPy or C logarithm, so that every
machine draws the same numbers.

Salmon, Moraes, Dror, Shaw (2011): Parallel random numbers: as easy as 1, 2, 3.
Wichura (1988): Algorithm AS 241, the percentage points of the normal distribution.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "fill_mask",
    "fill_normal",
    "fill_permutations",
    "fill_truncated_normal",
    "fill_uniform",
    "fill_words",
    "inverse_normal",
    "logarithm",
]

CHUNK = 6000
LOW = 0xFFFFFFFF
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], dtype=np.uint64)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
LOWER_TAIL = 0.022750131948179207
"""The share of a standard normal below -2."""

Floats = NDArray[np.float64]

SERIES = tuple(2.0 / odd for odd in range(23, 1, -2))
LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
SQRT_HALF = 0.7071067811865476

CENTRAL = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852545925,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
MIDDLE = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
FAR = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)


def fill_words(
    out: NDArray[np.uint32], key: int, stream: int, step: int, purpose: int, first: int
) -> None:
    """Fill `out` with the words at positions `first`, `first + 1`, ... of one stream."""
    start = 0
    while start < out.size:
        block, skipped = divmod(first + start, 4)
        size = min(out.size - start, 4 * CHUNK - skipped)
        blocks = (skipped + size + 3) // 4
        words = _blocks(block, blocks, key, stream, step, purpose)
        out[start : start + size] = words.reshape(-1)[skipped : skipped + size]
        start += size


def fill_uniform(out: Floats, key: int, stream: int, step: int, purpose: int) -> None:
    """Fill `out` with numbers in [0, 1), multiples of 2**-53."""
    for part, pairs in _pairs(out, key, stream, step, purpose):
        part[...] = (pairs[:, 0] >> 5) * 67108864.0 + (pairs[:, 1] >> 6)
        part *= 2.0**-53


def fill_normal(out: Floats, key: int, stream: int, step: int, purpose: int) -> None:
    """Fill `out` with standard normal numbers."""
    for part, pairs in _pairs(out, key, stream, step, purpose):
        part[...] = inverse_normal(_open_uniform(pairs))


def fill_truncated_normal(out: Floats, key: int, stream: int, step: int, purpose: int) -> None:
    """Fill `out` with standard normal numbers that lie within two deviations."""
    for part, pairs in _pairs(out, key, stream, step, purpose):
        share = LOWER_TAIL + _open_uniform(pairs) * (1.0 - 2.0 * LOWER_TAIL)
        np.clip(inverse_normal(share), -2.0, 2.0, out=part)


def fill_permutations(
    out: NDArray[np.int64],
    count: int,
    key: int,
    stream: int,
    step: int,
    purpose: int,
    threads: int,
) -> None:
    """Fill `out` with the stable orders of 64-bit random keys, those of `count` steps."""
    for number, order in enumerate(out.reshape(count, -1)):
        words = np.empty(2 * order.size, dtype=np.uint32)
        fill_words(words, key, stream, step + number, purpose, 0)
        pairs = words.astype(np.uint64)
        order[...] = np.argsort(pairs[0::2] << np.uint64(32) | pairs[1::2], kind="stable")


def fill_mask(
    out: NDArray[np.float32] | Floats,
    key: int,
    stream: int,
    step: int,
    purpose: int,
    threshold: int,
    scale: float,
) -> None:
    """Fill `out` with 0 where the position's word is below `threshold`, else with `scale`."""
    words = np.empty(out.size, dtype=np.uint32)
    fill_words(words, key, stream, step, purpose, 0)
    if threshold > LOW:
        out[...] = 0
        return
    np.multiply(words >= np.uint32(threshold), out.dtype.type(scale), out=out)


def logarithm(x: Floats) -> Floats:
    """The natural logarithm of positive, normal numbers.

    With x = 2**k (1 + f) and s = f / (2 + f): log(1 + f) = f - f²/2 + s (f²/2 + R(s²)), where
    R(z) = 2z/3 + 2z²/5 + ... is the series of the inverse hyperbolic tangent.
    """
    mantissa, exponent = np.frexp(x)
    small = mantissa < SQRT_HALF
    fraction = np.where(small, mantissa + mantissa, mantissa) - 1.0
    power = (exponent - small).astype(np.float64)
    ratio = fraction / (2.0 + fraction)
    square = ratio * ratio
    rest = np.full_like(x, SERIES[0])
    for coefficient in SERIES[1:]:
        rest *= square
        rest += coefficient
    rest *= square
    half = 0.5 * fraction * fraction
    return power * LN2_HIGH - ((half - (ratio * (half + rest) + power * LN2_LOW)) - fraction)


def inverse_normal(share: Floats) -> Floats:
    """The number below which `share` of a standard normal lies (AS 241, PPND16)."""
    centered = share - 0.5
    square = 0.180625 - centered * centered
    result = centered * _ratio(CENTRAL, square)
    tail = np.flatnonzero(np.abs(centered) > 0.425)
    if tail.size:
        outer = centered[tail]
        near = share[tail]
        depth = np.sqrt(-logarithm(np.where(outer < 0.0, near, 1.0 - near)))
        far = depth > 5.0
        size = _ratio(MIDDLE, depth - 1.6)
        if far.any():
            size[far] = _ratio(FAR, depth[far] - 5.0)
        result[tail] = np.where(outer < 0.0, -size, size)
    return result


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    above, below = (_polynomial(part, x) for part in coefficients)
    above /= below
    return above


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    result = x * coefficients[0]
    result += coefficients[1]
    for coefficient in coefficients[2:]:
        result *= x
        result += coefficient
    return result


def _open_uniform(pairs: NDArray[np.uint32]) -> Floats:
    """Numbers within (0, 1), symmetric about one half: odd multiples of 2**-53."""
    share: Floats = (pairs[:, 0] >> 6) * 67108864.0 + (pairs[:, 1] >> 6)
    share += 0.5
    share *= 2.0**-52
    return share


def _pairs(
    out: Floats, key: int, stream: int, step: int, purpose: int
) -> Iterator[tuple[Floats, NDArray[np.uint32]]]:
    """Parts of `out`, each with the two words of each of its numbers."""
    for start in range(0, out.size, 2 * CHUNK):
        part = out[start : start + 2 * CHUNK]
        words = _blocks(start // 2, (part.size + 1) // 2, key, stream, step, purpose)
        yield part, words.reshape(-1, 2)[: part.size]


def _blocks(
    first: int, count: int, key: int, stream: int, step: int, purpose: int
) -> NDArray[np.uint32]:
    """`count` blocks. Words 0 and 2 of the state are rows of `even`, 1 and 3 of `odd`."""
    # Rows that lie a multiple of 4096 bytes apart would take up to three times as long.
    width = count | 8
    even = np.empty((2, width), dtype=np.uint64)
    even[0] = np.arange(first, first + width, dtype=np.uint64)
    even[1] = step & LOW
    odd = np.empty_like(even)
    odd[0] = stream
    odd[1] = purpose << 24 | step >> 32
    product = np.empty_like(even)
    keys = np.empty((2, 1), dtype=np.uint64)
    low_key, high_key = key & LOW, key >> 32
    for _ in range(ROUNDS):
        np.multiply(even, MULTIPLIERS, out=product)
        np.right_shift(product[::-1], 32, out=even)
        even ^= odd
        keys[0], keys[1] = low_key, high_key
        even ^= keys
        np.bitwise_and(product[::-1], LOW, out=odd)
        low_key = (low_key + WEYL[0]) & LOW
        high_key = (high_key + WEYL[1]) & LOW
    words = np.empty((width, 2, 2), dtype=np.uint32)
    words[:, :, 0] = even.T
    words[:, :, 1] = odd.T
    return words[:count]
