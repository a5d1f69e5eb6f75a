"""Random numbers that depend on seed, stream, step and position alone: Philox 4x32-10.

The native module draws them where it is installed, NumPy elsewhere: the same bits.
"""

from __future__ import annotations

from chainrule.random.draws import (
    DRAWS,
    MASKS,
    SHUFFLES,
    SPLITS,
    WEIGHTS,
    dropout_mask,
    fresh_seed,
    has_native,
    native_status,
    normal,
    normal_numbers,
    permutation,
    permutations,
    truncated_normal,
    uniform,
    uniform_numbers,
    words,
)

__all__ = [
    "DRAWS",
    "MASKS",
    "SHUFFLES",
    "SPLITS",
    "WEIGHTS",
    "dropout_mask",
    "fresh_seed",
    "has_native",
    "native_status",
    "normal",
    "normal_numbers",
    "permutation",
    "permutations",
    "truncated_normal",
    "uniform",
    "uniform_numbers",
    "words",
]
