"""The elementary functions of the native engine: how exact they are, and the same everywhere."""

import numpy as np
import pytest
from scipy.special import erf, expit

try:
    from chainrule import _native
except ImportError:
    _native = None

pytestmark = pytest.mark.skipif(
    _native is None, reason="chainrule is installed without its native module"
)
SETS = _native.instruction_sets() if _native else ["plain"]
DTYPES = [np.float32, np.float64]
ORACLES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": expit,
    "erf": erf,
    "sin": np.sin,
    "cos": np.cos,
}
NAMES = [*ORACLES, "power"]
needs_wide_numbers = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than double here"
)
inf, nan = np.inf, np.nan


@pytest.fixture(autouse=True)
def _numbers_may_overflow():
    with np.errstate(all="ignore"):
        yield


def applied(name, x, y=None, instructions=SETS[0]):
    out = np.empty_like(x)
    _native.apply(name, instructions, out, x, y)
    return out


def units(got, want):
    """The distance from a wider number in units of its last place, infinite for a wrong sign."""
    layout, one = np.finfo(got.dtype), want.dtype.type(1)
    overflow = np.ldexp(one, layout.maxexp)
    bounded = np.clip(want, -overflow, overflow)
    exponent = np.clip(np.frexp(bounded)[1], layout.minexp + 1, layout.maxexp)
    unit = np.ldexp(one, exponent - layout.nmant - 1)
    distance = np.abs(np.clip(got.astype(want.dtype), -overflow, overflow) - bounded) / unit
    distance[np.signbit(got) != np.signbit(want)] = inf
    distance[np.isnan(got) | np.isnan(want)] = inf
    distance[np.isnan(got) & np.isnan(want)] = 0
    return distance


def assert_within(limit, name, want, x, y=None):
    distance = units(applied(name, x, y), want)
    worst = int(np.argmax(distance))
    at = [argument[worst] for argument in (x, y) if argument is not None]
    assert distance[worst] <= limit, f"{name}{at} is {distance[worst]} units off {want[worst]}"


def around(points, dtype, count=150):
    """Some numbers on both sides of each point."""
    whole = np.dtype(f"i{np.dtype(dtype).itemsize}")
    points = np.array(points, dtype).view(whole)
    near = points[:, None] + np.arange(-count, count, dtype=whole)
    return near.reshape(-1).view(dtype)


def critical(dtype):
    """Numbers around those where a function changes its formula, or its result its nature."""
    layout = np.finfo(dtype)
    halves_of_ln2 = np.arange(1, 12) * np.log(2) / 2
    ends = [np.log(layout.max), np.log(layout.tiny), np.log(layout.smallest_subnormal) - 0.7]
    points = np.concatenate(
        [
            [0.5, 1, 1.5, 2, 3.95, 5.95, 9, 10, 16, 19, 20, 37, 2**24, 2**30, 2**53, 1e30],
            [np.sqrt(0.5), np.sqrt(2), layout.tiny, layout.max / 2, *np.abs(ends)],
            halves_of_ln2,
            np.arange(1, 40) * np.pi / 4,
        ]
    )
    return around(np.concatenate([points, -points]), dtype)


def all_kinds(dtype, count):
    """Finite numbers, infinities, nans and denormals, evenly over all patterns of bits."""
    size = np.dtype(dtype).itemsize
    step = (2 ** (8 * size) // count) | 1
    return (np.arange(count, dtype=f"u{size}") * np.array(step, f"u{size}")).view(dtype)


def usual(dtype, count, largest=30.0):
    generator = np.random.default_rng(5)
    return generator.uniform(-largest, largest, count).astype(dtype)


def pairs(dtype, count):
    """Operands of power: of all kinds, and such that most results are finite."""
    generator = np.random.default_rng(6)
    layout = np.finfo(dtype)
    size = generator.permutation(all_kinds(dtype, count))
    distance = generator.uniform(-1, 1, count) * 2.0 ** generator.uniform(-30, -1, count)
    x = np.concatenate([size, np.abs(size), 1 + distance, usual(dtype, count)]).astype(dtype)
    wanted = generator.uniform(layout.minexp - 60, layout.maxexp + 20, x.size)
    y = (wanted / np.log2(np.abs(x.astype(np.float64)))).astype(dtype)
    y[:count] = all_kinds(dtype, count)
    y[-count:] = np.trunc(y[-count:])
    return x, y


@pytest.mark.parametrize("name", ORACLES)
def test_float32_over_all_numbers(name):
    everything = np.concatenate([all_kinds(np.float32, 10_000_000), critical(np.float32)])
    for x in np.array_split(everything, 40):
        assert_within(2, name, ORACLES[name](x.astype(np.float64)), x)


def test_float32_powers():
    x, y = pairs(np.float32, 500_000)
    assert_within(2, "power", np.power(x.astype(np.float64), y.astype(np.float64)), x, y)


def wide_sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def wide_erf(x):
    """2 / sqrt(pi) e^(-x^2) (x + 2/3 x^3 + 4/15 x^5 + ...), without a cancellation."""
    size = np.minimum(np.abs(x), 6.2)
    total, term = np.zeros_like(size), size.copy()
    for n in range(1, 160):
        total += term
        term *= 2 * size * size / (2 * n + 1)
    root_of_pi = np.longdouble("1.77245385090551602729816748334114518")
    return np.copysign(np.where(np.isnan(x), x, 2 / root_of_pi * np.exp(-size * size) * total), x)


@needs_wide_numbers
@pytest.mark.parametrize("name", ORACLES)
def test_float64(name):
    oracle = {"sigmoid": wide_sigmoid, "erf": wide_erf}.get(name, ORACLES[name])
    for x in (
        all_kinds(np.float64, 50_000),
        usual(np.float64, 50_000),
        usual(np.float64, 50_000, 1.0),
        critical(np.float64),
    ):
        assert_within(4, name, oracle(x.astype(np.longdouble)), x)


@needs_wide_numbers
def test_float64_powers():
    x, y = pairs(np.float64, 30_000)
    assert_within(4, "power", np.power(x.astype(np.longdouble), y.astype(np.longdouble)), x, y)


def bits_of(x):
    return x.view(f"u{x.itemsize}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name, x, want",
    [
        ("exp", [0.0, -0.0, inf, -inf, 1e4, -1e4, nan], [1, 1, inf, 0, inf, 0, nan]),
        ("expm1", [0.0, -0.0, inf, -inf, 1e4, -1e4, nan], [0.0, -0.0, inf, -1, inf, -1, nan]),
        ("log", [0.0, -0.0, 1, inf, -1, -inf, nan], [-inf, -inf, 0.0, inf, nan, nan, nan]),
        ("log1p", [0.0, -0.0, -1, inf, -2, -inf, nan], [0.0, -0.0, -inf, inf, nan, nan, nan]),
        ("tanh", [0.0, -0.0, inf, -inf, 50, -50, nan], [0.0, -0.0, 1, -1, 1, -1, nan]),
        ("sigmoid", [0.0, -0.0, inf, -inf, 1e4, -1e4, nan], [0.5, 0.5, 1, 0, 1, 0, nan]),
        ("erf", [0.0, -0.0, inf, -inf, 9, -9, nan], [0.0, -0.0, 1, -1, 1, -1, nan]),
        ("sin", [0.0, -0.0, inf, -inf, nan], [0.0, -0.0, nan, nan, nan]),
        ("cos", [0.0, -0.0, inf, -inf, nan], [1, 1, nan, nan, nan]),
    ],
)
@pytest.mark.parametrize("instructions", SETS)
def test_special_values(name, x, want, dtype, instructions):
    got, want = applied(name, np.array(x, dtype), None, instructions), np.array(want, dtype)
    np.testing.assert_array_equal(got, want)
    known = ~np.isnan(want)
    assert np.array_equal(np.signbit(got[known]), np.signbit(want[known]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("instructions", SETS)
def test_special_powers_are_those_of_c(dtype, instructions):
    some = [0.0, 0.3, 0.5, 1, 1.5, 2, 3, 4, 2.0**23 - 1, 2.0**24, 2.0**24 + 2, 1e30, inf]
    some = np.array([*some, *np.negative(some), nan], dtype)
    x, y = (np.ascontiguousarray(axis.reshape(-1)) for axis in np.meshgrid(some, some))
    got, want = applied("power", x, y, instructions), np.power(x, y)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    known = ~np.isnan(want)
    np.testing.assert_allclose(got[known], want[known], rtol=3e-7)
    assert np.array_equal(np.signbit(got[known]), np.signbit(want[known]))


def operands(name, dtype, count):
    if name == "power":
        return pairs(dtype, count // 4)
    half = count // 2
    return np.concatenate([all_kinds(dtype, half), usual(dtype, count - half, 12.0)]), None


@pytest.mark.skipif(len(SETS) < 2, reason="this machine has only one instruction set")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_all_instruction_sets_give_the_same_bits(name, dtype):
    x, y = operands(name, dtype, 1_000_000)
    first, *others = (bits_of(applied(name, x, y, instructions)) for instructions in SETS)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("instructions", SETS)
def test_a_result_depends_on_its_operands_alone(name, dtype, instructions):
    x, y = operands(name, dtype, 4000)
    whole = bits_of(applied(name, x, y, instructions))
    order = np.random.default_rng(7).permutation(x.size)
    moved = applied(name, x[order], None if y is None else y[order], instructions)
    assert np.array_equal(bits_of(moved), whole[order])
    for first in range(9):
        for count in range(19):
            part = slice(first + 1000, first + 1000 + count)
            got = applied(name, x[part], None if y is None else y[part], instructions)
            assert np.array_equal(bits_of(got), whole[part])
