"""Every operation's native kernel beside the interpreter, on each instruction set."""

import numpy as np
import pytest
from tests.engine.single import (
    EXACT,
    LAYOUTS,
    again,
    bound,
    called,
    near,
    on_native,
    on_numpy,
    repeated,
    same_bits,
    tape_of,
    widened,
)
from tests.graph.cases import CASES, case, normal, points, shares, spread
from tests.graph.sizes import SIZES, large, of_size

from chainrule.errors import DataError
from chainrule.graph import OPERATIONS

native = pytest.importorskip("chainrule._native")
SETS = native.instruction_sets()
NAMES = sorted(OPERATIONS)
TYPES = ("float32", "float64")
ELEMENTWISE = sorted(name for name in NAMES if OPERATIONS[name].elementwise)


def check(y, layout="plain"):
    """The operation of a node on every instruction set: the same bits, near the interpreter."""
    with np.errstate(all="ignore"):
        if layout == "repeated":
            y = again(y, repeated)
        tape = tape_of(y, layout)
        found, *others = [on_native(tape, name) for name in SETS]
        assert all(same_bits(other, found) for other in others), (y, layout)
        if y.operation.name in EXACT or y.dtype.kind != "f":
            expected = on_numpy(tape)
            assert same_bits(found, expected), (y, layout, found, expected)
            return
        exact = on_numpy(tape_of(again(y, widened), layout))
        allowed = bound(y, exact)
    assert found.shape == exact.shape
    assert near(found, exact.astype(y.dtype), allowed), (y, layout, found, exact)


every = pytest.mark.parametrize("name", NAMES)
each_type = pytest.mark.parametrize("dtype", TYPES)


@every
@each_type
def test_every_case(name, dtype):
    for sample in CASES[name]:
        y = called(OPERATIONS[name], sample, dtype)
        for layout in LAYOUTS:
            check(y, layout)


def long_case(name, n):
    """A case with an axis of n numbers; matrices are long on one side."""
    if name == "matmul":
        return case(normal(5, n), normal(n, 17, key=1))
    return of_size(name, n)


@every
@each_type
def test_every_size(name, dtype):
    for size in (*SIZES, 15, 16, 17, 1000):
        y = called(OPERATIONS[name], long_case(name, size), dtype)
        for layout in LAYOUTS:
            check(y, layout)


@every
@each_type
def test_large_numbers(name, dtype):
    for sample in large(name):
        check(called(OPERATIONS[name], sample, dtype))


# Sizes around the blocks of the engine: a run of 4096 bytes, rows of 512 numbers, tiles of 16
# columns, products of 512 numbers in depth.
WIDE = {
    "matmul": [
        case(normal(m, k), normal(k, n, key=1))
        for m, k, n in [(1, 511, 1), (3, 512, 15), (7, 513, 33), (65, 1025, 2), (130, 3, 129)]
    ],
    "sum": [case(normal(3, 700), axis=0), case(normal(700, 3), axis=0), case(normal(70, 70))],
    "max": [case(spread(3, 700), axis=0), case(spread(700, 3), axis=0)],
    "softmax": [case(normal(3, 700)), case(normal(700, 3), axis=0), case(normal(700, 2))],
    "log_softmax": [case(normal(3, 700)), case(normal(700, 3), axis=0)],
    "softmax_cross_entropy": [case(normal(3, 700), shares(3, 700))],
    "softmax_cross_entropy_slope": [
        case(normal(rows, columns), shares(rows, columns), normal(rows, key=1))
        for rows, columns in [(3, 700), (9, 17), (70, 16), (301, 10), (1000, 2)]
    ],
    "argmax": [case(spread(3, 700)), case(np.zeros((2, 40)))],
    "dropout_mask": [case(7, 2, shape=(33, 65), rate=0.3, stream=4)],
    "random_uniform": [case(7, 2, shape=(33, 65), stream=4)],
    "random_normal": [case(7, 2, shape=(333, 65), stream=4)],
    "sample_bilinear": [
        case(normal(33, 8, 9), 2 * points(33, 2, 9, 11)),
        case(normal(9, 8, 7, 5), 2 * points(9, 2, 17, 11)),
    ],
    "spread_bilinear": [
        case(normal(33, 9, 11), 2 * points(33, 2, 9, 11), height=8, width=9),
        case(normal(9, 17, 11, 5), 2 * points(9, 2, 17, 11), height=8, width=7),
    ],
    "flip": [case(normal(33, 65), axis=0), case(normal(7, 3, 65), axis=-1)],
    "scatter_add": [case(normal(700, 3), np.arange(700) % 7, length=7)],
    "exp": [case(normal(2049)), case(normal(3, 700)), case(normal(700, 3)), case(normal(5, 9, 50))],
    "sigmoid": [case(normal(2, 1, 513))],
    "add": [
        case(normal(*left), normal(*right, key=1))
        for left, right in [
            ((700, 3), (3,)), ((700, 3), (700, 1)), ((3, 700), (700,)), ((3, 700), (3, 1)),
            ((513, 2, 3), (2, 1)), ((2, 513), (1, 513)), ((1, 700), (700, 1)), ((1025,), ()),
            ((5, 9, 50), (9, 1)), ((5, 1, 50), (9, 50)), ((2, 3, 600), (3, 1)), ((1024, 4), (4,)),
        ]
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WIDE)
@each_type
def test_sizes_around_blocks(name, dtype):
    for sample in WIDE[name]:
        y = called(OPERATIONS[name], sample, dtype)
        for layout in ("plain", "turned"):
            check(y, layout)


def edges(dtype):
    """Zeros, the ends of the type, what is no number, and what lies between."""
    told = np.finfo(dtype)
    some = [0.0, told.smallest_subnormal, told.tiny, told.eps, 0.5, 1.0, 2.0, 3.0, 88.0, 104.0,
            710.0, 746.0, 1e6, told.max, np.inf]  # fmt: skip
    return np.array([*some, *(-number for number in some), np.nan], dtype)


@pytest.mark.parametrize("name", ELEMENTWISE)
@each_type
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_the_numbers(name, dtype):
    x = edges(dtype)
    one = len(CASES[name][0].operands) == 1
    operands = [x] if one else [np.repeat(x, len(x)), np.tile(x, len(x))]
    y = OPERATIONS[name](*operands)
    tape = tape_of(y)
    found, *others = [on_native(tape, name) for name in SETS]
    assert all(same_bits(other, found) for other in others)
    expected = np.asarray(y.array)
    usual = np.isfinite(expected)
    np.testing.assert_array_equal(found[~usual], expected[~usual])
    if name in EXACT:
        np.testing.assert_array_equal(found, expected)
    else:
        # NumPy's own functions are held to 4 ulp
        allowed = 6 * np.finfo(dtype).eps * abs(expected)
        assert near(found[usual], expected[usual], allowed[usual])


KINDS = ("float32", "float64", "int32", "int64", "uint8")


@pytest.mark.parametrize("given", [*KINDS, "uint64", "bool"])
@pytest.mark.parametrize("wanted", KINDS)
def test_numbers_of_every_type_become_another(given, wanted):
    array = np.array([[0, 1, 2], [3, 100, 200]]).astype(given)
    y = OPERATIONS["cast"](array, dtype=wanted)
    for layout in LAYOUTS:
        check(y, layout)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_positions_of_every_type(dtype):
    at = np.array([2, 0, 1, 2], dtype)
    for y in (
        OPERATIONS["gather"](normal(3, 2), at),
        OPERATIONS["scatter_add"](normal(4, 2), at, length=3),
        OPERATIONS["one_hot"](at, depth=3),
        OPERATIONS["argmax"](at.reshape(2, 2)),
        OPERATIONS["max"](at.reshape(2, 2), axis=0),
        OPERATIONS["min"](at.reshape(2, 2), axis=1),
    ):
        for layout in LAYOUTS:
            check(y, layout)


@pytest.mark.parametrize("wrong", [3, -1, 2**40])
@pytest.mark.parametrize("name", ["gather", "scatter_add"])
def test_positions_outside_are_refused_with_the_interpreters_sentence(name, wrong):
    right = np.array([2, 0, 1, 2])
    y = (OPERATIONS["gather"](normal(3, 2), right) if name == "gather"
         else OPERATIONS["scatter_add"](normal(4, 2), right, length=3))  # fmt: skip
    tape = tape_of(y)
    constant = next(s.constant for s in tape.sources if s.constant.dtype.kind == "i")
    constant[2] = wrong
    with pytest.raises(DataError) as told:
        on_numpy(tape)
    for name in SETS:
        with pytest.raises(DataError) as found:
            on_native(tape, name)
        assert str(found.value) == str(told.value)


@pytest.mark.parametrize("stream", [0, 9, 2**32 - 1])
@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.1, 0.5, 0.999])
@each_type
def test_masks_are_equal_to_the_bit(rate, stream, dtype):
    for shape in ((), (1,), (33,), (100, 7), (3, 2, 50)):
        check(OPERATIONS["dropout_mask"](
            2**64 - 1, 2**56 - 1, shape=shape, rate=rate, stream=stream, dtype=dtype))  # fmt: skip


@pytest.mark.parametrize("stream", [0, 9, 2**32 - 1])
@pytest.mark.parametrize("name", ["random_uniform", "random_normal"])
@each_type
def test_drawn_numbers_are_equal_to_the_bit(name, stream, dtype):
    for shape in ((), (1,), (33,), (100, 7), (3, 2, 50), (100_003,)):
        check(OPERATIONS[name](2**64 - 1, 2**56 - 1, shape=shape, stream=stream, dtype=dtype))


@each_type
def test_coordinates_that_are_no_numbers_are_outside(dtype):
    x = np.ones((1, 2, 2), dtype)
    for odd in (np.nan, np.inf, -np.inf, 3e38, -3e38):
        y = OPERATIONS["sample_bilinear"](x, np.full((1, 2, 3, 3), odd, dtype))
        assert not y.array.any()
        check(y)


def test_every_operation_has_a_kernel_and_no_kernel_is_left_over():
    # element-wise operations are known to an instruction set, the others to the engine
    named = set(native.operation_names())
    assert not named.intersection(ELEMENTWISE)
    for name in ELEMENTWISE:
        for instructions in SETS:
            for dtype in TYPES:
                x = np.full(3, 0.5, dtype)
                native.apply(name, instructions, np.empty_like(x), x, x)
    assert named | set(ELEMENTWISE) == set(OPERATIONS)
