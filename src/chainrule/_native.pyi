# The same functions as chainrule/random/philox.py, in C++ (native/python/module.cpp).
import numpy as np
from numpy.typing import NDArray

def fill_words(
    out: NDArray[np.uint32], key: int, stream: int, step: int, purpose: int, first: int
) -> None: ...
def fill_uniform(
    out: NDArray[np.float64], key: int, stream: int, step: int, purpose: int
) -> None: ...
def fill_normal(
    out: NDArray[np.float64], key: int, stream: int, step: int, purpose: int
) -> None: ...
def fill_truncated_normal(
    out: NDArray[np.float64], key: int, stream: int, step: int, purpose: int
) -> None: ...
def fill_permutations(
    out: NDArray[np.int64],
    count: int,
    key: int,
    stream: int,
    step: int,
    purpose: int,
    threads: int,
) -> None: ...
def fill_mask(
    out: NDArray[np.float32] | NDArray[np.float64],
    key: int,
    stream: int,
    step: int,
    purpose: int,
    threshold: int,
    scale: float,
) -> None: ...
def inverse_normal(shares: NDArray[np.float64]) -> None: ...
