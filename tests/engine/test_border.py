"""Data looked at before it is used."""

import numpy as np
import pytest

from chainrule.engine import as_labels, is_ready
from chainrule.engine.native import native_module

HAS_NATIVE = native_module() is not None
FLOATS = [np.dtype("float32"), np.dtype("float64")]
needs_native = pytest.mark.skipif(not HAS_NATIVE, reason="chainrule has no native module here")


@pytest.fixture(params=[True, False], ids=["native", "numpy"])
def with_and_without(request, monkeypatch):
    """A test is run with the native module and without it."""
    if request.param and not HAS_NATIVE:
        pytest.skip("chainrule has no native module here")
    if not request.param:
        monkeypatch.setattr("chainrule.engine.border.native_module", lambda: None)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("count", [1, 7, 1000, 2_000_003])
@pytest.mark.usefixtures("with_and_without")
def test_one_number_that_is_not_finite_is_found_wherever_it_is(dtype, count, monkeypatch):
    largest = np.finfo(dtype).max
    array = np.resize(np.array([0.0, -0.0, largest, -largest, 1e-40], dtype), count)
    for threads in (1, 3):
        monkeypatch.setattr("chainrule.engine.border.thread_count", lambda threads=threads: threads)
        assert is_ready(array, dtype, ())
        for place in {0, count // 2, count - 1}:
            for bad in (np.nan, np.inf, -np.inf):
                before, array[place] = array[place], bad
                assert not is_ready(array, dtype, ())
                assert not is_ready(array.reshape(-1, 1), dtype, (1,))
                array[place] = before
    array.flags.writeable = False
    assert is_ready(array, dtype, ())


def unaligned(array):
    """The same numbers at an address that is no multiple of their size."""
    return np.frombuffer(b"." + array.tobytes(), np.uint8)[1:].view(array.dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.usefixtures("with_and_without")
def test_only_rows_of_the_shape_and_type_that_programs_read_are_ready(dtype):
    table = np.arange(24, dtype=dtype)
    ready = [
        (table, ()), (table[3:], ()), (table.reshape(24, 1), (1,)), (table.reshape(6, 4), (4,)),
        (table.reshape(6, 4), (np.int64(4),)), (table.reshape(2, 3, 4), (3, 4)),
        (table[:1], ()), (np.empty((3, 0), dtype), (0,)),
    ]  # fmt: skip
    for array, row in ready:
        assert is_ready(array, dtype, row)
    others = [
        (table[:0], ()), (table[0], ()), (np.array(1.0, dtype), ()), (table, (1,)), (table, (24,)),
        (table.reshape(6, 4), ()), (table.reshape(6, 4), (3,)), (table.reshape(6, 4), (6,)),
        (table.reshape(6, 4), (4, 1)), (table.reshape(2, 3, 4), (4, 3)), (table[::2], ()),
        (table.reshape(4, 6).T, (4,)), (table[::-1], ()), (unaligned(table), ()),
        (table.astype(">f4"), ()), (table.astype(">f8"), ()), (table.astype(np.float16), ()),
        (table.astype(np.int32), ()),
        (table.astype(np.int64), ()), (table.astype(complex), ()), (table > 3, ()),
        (table.astype(str), ()), (table.astype(object), ()), (np.zeros(3, "f,f"), ()),
        (np.zeros(3, "V0"), ()), (np.ma.array(table), ()), (table.tolist(), ()),
        (memoryview(table), ()), (None, ()),
        *((table.astype(other), ()) for other in FLOATS if other != dtype),
    ]  # fmt: skip
    for array, row in others:
        assert not is_ready(array, dtype, row), (array, row)


@needs_native
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "longlong", "intc"])
def test_labels_are_copied_where_each_is_a_class(dtype):
    given = np.array([0, 2, 1, 2], dtype)
    labels = as_labels(given, 3)
    assert labels.tolist() == [0, 2, 1, 2]
    assert labels.dtype == np.int32
    assert not np.shares_memory(labels, given)
    given.flags.writeable = False
    assert as_labels(given, 256).tolist() == [0, 2, 1, 2]
    assert as_labels(given[:0], 3).shape == (0,)
    assert as_labels(given, 2) is None
    for place in range(4):
        for bad in (3, 100, np.iinfo(dtype).max, np.iinfo(dtype).min):
            if bad != 0:
                assert as_labels(np.insert(np.zeros(3, dtype), place, bad), 3) is None


@needs_native
def test_labels_beyond_int32_are_no_classes_of_their_lower_bits():
    for bad in (2**32, 2**32 + 1, -(2**32), 2**63 - 1, -(2**63)):
        assert as_labels(np.array([0, bad]), 3) is None


@needs_native
def test_what_is_no_row_of_whole_numbers_is_left_to_others():
    labels = np.array([0, 1, 2, 1])
    others = [
        labels[::2], labels[::-1], labels.reshape(4, 1), labels[0], np.array(1), labels.tolist(),
        labels.astype(float), labels.astype("float32"), labels.astype(np.uint32), labels > 0,
        labels.astype(np.int16), labels.astype(">i8"), labels.astype(object), labels.astype(str),
        unaligned(labels), np.ma.array(labels), None, labels.astype("m8[s]"),
    ]  # fmt: skip
    for given in others:
        assert as_labels(given, 3) is None, given


def test_without_the_native_module_labels_are_left_to_others(monkeypatch):
    monkeypatch.setattr("chainrule.engine.border.native_module", lambda: None)
    assert as_labels(np.array([0, 1]), 2) is None
