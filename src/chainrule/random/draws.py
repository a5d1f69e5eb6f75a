"""The public draws: checks, arrays, and the choice between the native functions and NumPy's."""

from __future__ import annotations

import importlib
import math
import secrets
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.errors import InputTypeError, SettingError
from chainrule.random import philox

MASKS = 0
WEIGHTS = 1
SHUFFLES = 2
SPLITS = 3
DRAWS = 4

LIMITS = {"key": 2**64, "stream": 2**32, "step": 2**56, "purpose": 2**8}
POSITIONS = 2**34

Floats = NDArray[np.float64]


def _load() -> tuple[ModuleType | None, str]:
    try:
        module = importlib.import_module("chainrule._native")
    except ModuleNotFoundError:
        return None, (
            "The native module is not installed: it could not be built, most often for want of a "
            "C++20 compiler, so NumPy computes, more slowly. Install a compiler, then chainrule "
            "again."
        )
    except ImportError as error:
        return None, f"The native module cannot be loaded, so NumPy computes: {error}."
    return module, "The native module is installed."


_NATIVE, _STATUS = _load()
_SOURCE = philox if _NATIVE is None else _NATIVE


def has_native() -> bool:
    """Whether the native module is installed and loaded.

    >>> isinstance(has_native(), bool)
    True
    """
    return _NATIVE is not None


def native_status() -> str:
    """One sentence on the native module: there, not installed, or why it cannot be loaded.

    >>> native_status().startswith("The native module")
    True
    """
    return _STATUS


def words(
    key: int, stream: int, step: int, count: int, purpose: int = MASKS, first: int = 0
) -> NDArray[np.uint32]:
    """The 32-bit words at positions `first` to `first + count - 1` of a stream.

    Position p is word p mod 4 of the Philox 4x32-10 block whose counter is (p div 4, stream, step
    mod 2**32, purpose * 2**24 + step div 2**32) and whose key is `key`: nothing but these numbers
    decides a word, so any part can be drawn alone.

    `key` is the seed, below 2**64; `stream` below 2**32; `step` below 2**56; `purpose` below 2**8;
    positions below 2**34. Raises SettingError where one is not.

    >>> [hex(word) for word in words(0, 0, 0, 4)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    >>> hex(words(0, 0, 0, 1, first=2)[0])
    '0xbc57ac4c'
    """
    _check(key, stream, step, purpose, count, first)
    out = np.empty(count, dtype=np.uint32)
    _SOURCE.fill_words(out, key, stream, step, purpose, first)
    return out


def uniform(key: int, stream: int, step: int, count: int, purpose: int = MASKS) -> Floats:
    """`count` numbers spread evenly over [0, 1), each a multiple of 2**-53.

    Number i is made of words 2i and 2i + 1. Raises SettingError as `words` does.

    >>> uniform(7, 0, 0, 2).shape
    (2,)
    """
    _check(key, stream, step, purpose, 2 * count)
    out = np.empty(count, dtype=np.float64)
    _SOURCE.fill_uniform(out, key, stream, step, purpose)
    return out


def normal(key: int, stream: int, step: int, count: int, purpose: int = MASKS) -> Floats:
    """`count` standard normal numbers, by inversion (Wichura's AS 241).

    Number i is made of words 2i and 2i + 1. Raises SettingError as `words` does.

    >>> abs(normal(7, 0, 0, 10_000).mean()) < 0.05
    np.True_
    """
    _check(key, stream, step, purpose, 2 * count)
    out = np.empty(count, dtype=np.float64)
    _SOURCE.fill_normal(out, key, stream, step, purpose)
    return out


def truncated_normal(key: int, stream: int, step: int, count: int, purpose: int = MASKS) -> Floats:
    """`count` standard normal numbers on condition that they lie within two deviations.

    They are not rescaled: their deviation is 0.8796. Raises SettingError as `words` does.

    >>> abs(truncated_normal(7, 0, 0, 10_000)).max() <= 2
    np.True_
    """
    _check(key, stream, step, purpose, 2 * count)
    out = np.empty(count, dtype=np.float64)
    _SOURCE.fill_truncated_normal(out, key, stream, step, purpose)
    return out


def permutation(key: int, stream: int, step: int, count: int) -> NDArray[np.int64]:
    """The numbers 0 to `count` - 1 in random order: the stable order of 64-bit random keys.

    Its purpose is SHUFFLES. Raises SettingError as `words` does, and from a count of 2**31 on.

    >>> sorted(permutation(7, 0, 0, 4).tolist())
    [0, 1, 2, 3]
    """
    return permutations(key, stream, step, 1, count)


def permutations(
    key: int, stream: int, step: int, steps: int, count: int, threads: int = 1
) -> NDArray[np.int64]:
    """The permutations of so many steps from `step` on, in a row: shape (steps * count,).

    Drawn by at most so many threads; raises as `permutation` does.

    >>> permutations(7, 0, 0, 2, 4).tolist() == [
    ...     *permutation(7, 0, 0, 4).tolist(), *permutation(7, 0, 1, 4).tolist()]
    True
    """
    _check(key, stream, step, SHUFFLES, 2 * count)
    _check(key, stream, step + steps - 1, SHUFFLES, 2 * count)
    if steps < 1:
        message = f"steps must be 1 or more, got {steps}."
        raise SettingError(message)
    if count >= 2**31:
        message = f"count must be below 2**31, got {count}: an order has 31 bits for each number."
        raise SettingError(message)
    out = np.empty(steps * count, dtype=np.int64)
    _SOURCE.fill_permutations(out, steps, key, stream, step, SHUFFLES, threads)
    return out


def dropout_mask(
    key: int, stream: int, step: int, shape: tuple[int, ...], rate: float, dtype: DTypeLike
) -> NDArray[np.float32] | Floats:
    """An array of zeros, each with probability `rate`, and of 1 / (1 - rate) elsewhere.

    The element at position p in C order is dropped where word p, of purpose MASKS, is below
    `rate` * 2**32. `dtype` is float32 or float64.

    Raises SettingError where `rate` is not in [0, 1) and as `words` does, InputTypeError for
    another dtype.

    >>> sorted(set(dropout_mask(7, 0, 0, (10, 10), 0.5, "float32").ravel().tolist()))
    [0.0, 2.0]
    """
    if not 0.0 <= rate < 1.0:
        message = f"rate must be a number from 0 up to, not including, 1, got {rate!r}."
        raise SettingError(message)
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        message = f"dtype of a dropout mask must be float32 or float64, got {kind}."
        raise InputTypeError(message)
    _check(key, stream, step, MASKS, math.prod(shape))
    out = np.empty(shape, dtype=kind)
    threshold = round(rate * 2**32)
    _SOURCE.fill_mask(out.reshape(-1), key, stream, step, MASKS, threshold, 1.0 / (1.0 - rate))
    return out


def uniform_numbers(
    key: int, stream: int, step: int, shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[np.float32] | Floats:
    """An array of numbers spread evenly over [0, 1), each a multiple of 2**-23.

    Number i in C order is made of word i, of purpose MASKS: half the words of `uniform`, and the
    same numbers in float32 and float64. Raises SettingError as `words` does.

    >>> bool((uniform_numbers(7, 0, 0, (2, 3), "float32") < 1).all())
    True
    """
    drawn = words(key, stream, step, math.prod(shape))
    shares = (drawn >> 9) * 2.0**-23
    return shares.astype(dtype, copy=False).reshape(shape)


def normal_numbers(
    key: int, stream: int, step: int, shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[np.float32] | Floats:
    """An array of standard normal numbers: quantiles of shares of 32 bits, within 6.4 deviations.

    Number i in C order is made of word i, of purpose MASKS, in float64 and then rounded. Raises
    SettingError as `words` does.

    >>> normal_numbers(7, 0, 0, (2, 3), "float32").dtype
    dtype('float32')
    """
    drawn = words(key, stream, step, math.prod(shape))
    numbers = philox.inverse_normal((drawn.astype(np.float64) + 0.5) * 2.0**-32)
    return numbers.astype(dtype, copy=False).reshape(shape)


def fresh_seed() -> int:
    """A seed from the operating system, 0 to 2**53 - 1: a number that JSON keeps exactly.

    >>> 0 <= fresh_seed() < 2**53
    True
    """
    return secrets.randbits(53)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check(key: int, stream: int, step: int, purpose: int, count: int, first: int = 0) -> None:
    given = {"key": key, "stream": stream, "step": step, "purpose": purpose}
    for name, value in given.items():
        if not _is_whole(value) or not 0 <= value < LIMITS[name]:
            called, most = "seed" if name == "key" else name, LIMITS[name] - 1
            message = f"{called} must be a whole number from 0 to {most}, got {value!r}."
            raise SettingError(message)
    if count < 0 or first < 0 or first + count > POSITIONS:
        message = (
            f"positions must lie from 0 to {POSITIONS - 1}, got {count} words from {first}. "
            "Draw fewer, or from another stream."
        )
        raise SettingError(message)
