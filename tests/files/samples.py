"""A record and arrays of every kind, and what it means that arrays came back."""

from __future__ import annotations

import math

import numpy as np

RECORD = {"settings": {"rate": 0.1, "best": math.inf}, "labels": ["no", "caf\u00e9"], "none": None}
ARRAYS = {
    "kernel": np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
    "bias": np.linspace(0, 1, 4),
    "codes": np.array([[1, -2], [3, 4]], dtype=np.int32),
    "step": np.array(7, dtype=np.int64),
    "image": np.arange(5, dtype=np.uint8),
    "nothing": np.zeros((0, 3), dtype=np.float32),
}


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].shape == array.shape
        assert found[name].tobytes() == np.asarray(array, found[name].dtype).tobytes()
