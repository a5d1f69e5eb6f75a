"""Data looked at before it is used."""

import numpy as np
import pytest

from chainrule.engine import all_finite


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [0, 1, 7, 1000, 2_000_003])
def test_one_number_that_is_not_finite_is_found_wherever_it_is(dtype, count, monkeypatch):
    largest = np.finfo(dtype).max
    array = np.resize(np.array([0.0, -0.0, largest, -largest, 1e-40], dtype), count)
    for threads in (1, 3):
        monkeypatch.setattr("chainrule.engine.border.thread_count", lambda threads=threads: threads)
        assert all_finite(array)
        for place in {0, count // 2, count - 1} if count else ():
            for bad in (np.nan, np.inf, -np.inf):
                before, array[place] = array[place], bad
                assert not all_finite(array)
                assert not all_finite(array.reshape(-1, 1))
                array[place] = before
    array.flags.writeable = False
    assert all_finite(array)
