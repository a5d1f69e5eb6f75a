"""Data looked at before it is used."""

import numpy as np
import pytest

from chainrule.engine import as_numbers, is_ready
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


KINDS = ["float64", "float32", "int64", "int32", "uint8", "bool", "longlong", "intc"]


@needs_native
@pytest.mark.parametrize("made", ["float32", "float64", "int32"])
@pytest.mark.parametrize("given", KINDS)
@pytest.mark.parametrize(("rows", "row"), [((6,), ()), ((6, 1), ()), ((6,), (1,)), ((3, 2), (2,))])
def test_numbers_are_copied_as_numpy_casts_them(given, made, rows, row):
    numbers = np.array([0, 2.25, 1, 200, 7.75, 3]).astype(given).reshape(rows)
    numbers.flags.writeable = False
    copy = as_numbers(numbers, made, row)
    if made == "int32" and np.dtype(given).kind == "f":
        assert copy is None  # it might have a fraction
        return
    expected = numbers.astype(made).reshape(len(numbers), *row)
    assert (copy == expected).all()
    assert (copy.dtype, copy.shape) == (expected.dtype, expected.shape)
    assert not np.shares_memory(copy, numbers)


@needs_native
@pytest.mark.parametrize("made", ["float32", "float64", "int32"])
@pytest.mark.parametrize("given", ["float64", "float32", "int64", "int32", "uint8"])
def test_a_number_beyond_the_limits_is_found_wherever_it_is(given, made):
    if made == "int32" and np.dtype(given).kind == "f":
        return
    for place in range(4):
        for number in (0, 2, 3, 100):
            numbers = np.ones(4, given)
            numbers[place] = number
            assert (as_numbers(numbers, made, (), 0, 2) is None) == (number > 2)
            assert (as_numbers(numbers, made, (), 1, 100) is None) == (number < 1)
    if np.dtype(given).kind != "u":
        assert as_numbers(np.array([0, -1], given), made, (), 0, 2) is None


@needs_native
@pytest.mark.parametrize("bad", [2**32, 2**32 + 1, -(2**32), 2**63 - 1, -(2**63)])
def test_labels_beyond_int32_are_no_classes_of_their_lower_bits(bad):
    assert as_numbers(np.array([0, bad]), "int32", (), 0, 2) is None


@needs_native
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39, -1e300])
def test_what_is_not_finite_in_the_type_is_left_to_others(bad):
    finite = np.isfinite(np.float64(bad))
    for count in (1, 9, 5000):
        numbers = np.zeros(count)
        numbers[count // 2] = bad
        assert as_numbers(numbers, "float32", ()) is None
        assert (as_numbers(numbers, "float64", ()) is not None) == finite


@needs_native
def test_what_is_no_common_array_is_left_to_others():
    numbers = np.array([0, 1, 2, 1])
    others = [
        numbers[::2], numbers[::-1], numbers.reshape(2, 2), numbers[:0], numbers[0], np.array(1),
        numbers.tolist(), numbers.astype(np.uint32), numbers.astype(np.int16),
        numbers.astype(np.float16), numbers.astype(">i8"), numbers.astype(">f4"),
        numbers.astype(complex), numbers.astype(object), numbers.astype(str), unaligned(numbers),
        np.ma.array(numbers), None, numbers.astype("m8[s]"), np.zeros(3, "f,f"), np.zeros(3, "V0"),
        numbers.reshape(4, 1, 1), numbers.reshape(1, 4),
    ]  # fmt: skip
    for given in others:
        assert as_numbers(given, "float32", ()) is None, given


def test_without_the_native_module_numbers_are_left_to_others(monkeypatch):
    monkeypatch.setattr("chainrule.engine.border.native_module", lambda: None)
    assert as_numbers(np.array([0, 1]), "int32", ()) is None
