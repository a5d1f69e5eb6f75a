"""What each operation computes, a second time: loops over numbers, `math` and `decimal`."""

import decimal
import itertools
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

# every e^x of numbers to 10,000 is a number here, so the plain formulas need no tricks
PRECISE = decimal.Context(prec=60, Emax=10**9, Emin=-(10**9))


def exponential(x: Any) -> Decimal:
    return PRECISE.exp(Decimal(float(x)))


def over(top: Any, bottom: Any) -> Decimal:
    return PRECISE.divide(Decimal(top), Decimal(bottom))


def logarithm(x: Decimal) -> Decimal:
    return PRECISE.ln(x)


def total(numbers: Any) -> Decimal:
    result = Decimal(0)
    for number in numbers:
        result = PRECISE.add(result, number)
    return result


def indices(shape: tuple[int, ...]) -> Any:
    return itertools.product(*(range(size) for size in shape))


def filled(shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], Any]) -> np.ndarray:
    result = np.empty(shape)
    for index in indices(shape):
        result[index] = entry(index)
    return result


def wide_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Broadcasting, by its definition: from the last axis, 1 gives way."""
    wide = []
    for sizes in itertools.zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        others = [size for size in sizes if size != 1]
        wide.append(others[0] if others else 1)
    return tuple(reversed(wide))


def seen(x: np.ndarray, index: tuple[int, ...]) -> Any:
    """The entry of x that stands at an index of the wider array it is broadcast to."""
    own = index[len(index) - x.ndim :]
    return x[tuple(0 if size == 1 else i for i, size in zip(own, x.shape, strict=True))]


def each(formula: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """A formula of numbers, element by element."""

    def oracle(*arrays: np.ndarray, **attributes: Any) -> np.ndarray:
        shape = wide_shape(*(array.shape for array in arrays))
        return filled(
            shape,
            lambda index: formula(*(float(seen(x, index)) for x in arrays), **attributes),
        )

    return oracle


def sigmoid(x: float) -> Decimal:
    return over(1, PRECISE.add(1, exponential(-x)))


def sigmoid_cross_entropy(z: float, t: float) -> Decimal:
    yes, no = (PRECISE.multiply(Decimal(share), part) for share, part in (
        (t, logarithm(sigmoid(z))), (1 - t, logarithm(sigmoid(-z)))))  # fmt: skip
    return -PRECISE.add(yes, no)


def tanh(x: float) -> Decimal:
    up, down = exponential(x), exponential(-x)
    return over(PRECISE.subtract(up, down), PRECISE.add(up, down))


def power(x: float, y: float) -> float:
    if y == int(y):
        return float(Fraction(x) ** int(y))
    return math.exp(y * math.log(x))


def lines(x: np.ndarray, axis: int) -> Any:
    """Index and line, for each line along an axis."""
    axis %= x.ndim
    for index in indices(x.shape):
        here = [index[:axis] + (i,) + index[axis + 1 :] for i in range(x.shape[axis])]
        yield index, [x[place] for place in here]


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    result = np.empty(x.shape)
    for index, line in lines(x, axis):
        result[index] = over(exponential(x[index]), total(map(exponential, line)))
    return result


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    result = np.empty(x.shape)
    for index, line in lines(x, axis):
        result[index] = logarithm(over(exponential(x[index]), total(map(exponential, line))))
    return result


def softmax_cross_entropy(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    def entry(index: tuple[int, ...]) -> Decimal:
        whole = total(map(exponential, z[index]))
        return -total(
            Decimal(float(share)) * logarithm(over(exponential(number), whole))
            for number, share in zip(z[index], t[index], strict=True)
        )

    return filled(z.shape[:-1], entry)


def softmax_cross_entropy_slope(z: np.ndarray, t: np.ndarray, g: np.ndarray) -> np.ndarray:
    result = np.empty(z.shape)
    for row in np.ndindex(z.shape[:-1]):
        whole, shares = total(map(exponential, z[row])), total(map(Decimal, map(float, t[row])))
        for column in range(z.shape[-1]):
            share = over(exponential(z[row][column]), whole)
            gap = share * shares - Decimal(float(t[row][column]))
            result[(*row, column)] = Decimal(float(np.asarray(g)[row])) * gap
    return result


def reduced(combine: Callable[[list[float]], Any]) -> Callable[..., np.ndarray]:
    def oracle(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
        axes = range(x.ndim) if axis is None else [axis] if np.ndim(axis) == 0 else axis
        axes = {one % x.ndim for one in axes} if x.ndim else set()
        groups: dict[tuple[int, ...], list[float]] = {}
        kept = [1 if i in axes else size for i, size in enumerate(x.shape)]
        for index in indices(tuple(kept)):
            groups[index] = []
        for index in indices(x.shape):
            groups[tuple(0 if i in axes else at for i, at in enumerate(index))].append(x[index])
        shape = kept if keepdims else [size for i, size in enumerate(x.shape) if i not in axes]
        return np.array([combine(group) for group in groups.values()], float).reshape(shape)

    return oracle


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    leading = wide_shape(a.shape[:-2], b.shape[:-2])

    def entry(index: tuple[int, ...]) -> float:
        *at, i, j = index
        left = [seen(a, (*at, i, k)) for k in range(a.shape[-1])]
        right = [seen(b, (*at, k, j)) for k in range(a.shape[-1])]
        return math.fsum(x * y for x, y in zip(left, right, strict=True))

    return filled((*leading, a.shape[-2], b.shape[-1]), entry)


def philox_word(key: int, stream: int, step: int, position: int) -> int:
    """Philox 4x32-10 (Salmon et al., 2011) in whole numbers."""
    block, word = divmod(position, 4)
    low = 2**32 - 1
    a, b, c, d = block, stream, step & low, step >> 32
    left, right = key & low, key >> 32
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = second >> 32 ^ b ^ left, second & low, first >> 32 ^ d ^ right, first & low
        left, right = (left + 0x9E3779B9) & low, (right + 0xBB67AE85) & low
    return (a, b, c, d)[word]


def dropout_mask(
    seed: Any, step: Any, shape: Any, rate: float, stream: int = 0, dtype: str = "float64"
) -> np.ndarray:
    shape = tuple(np.atleast_1d(shape)) if shape != () else ()
    count = math.prod(shape)
    bound = round(rate * 2**32)
    drawn = [philox_word(int(seed), stream, int(step), position) for position in range(count)]
    kept = [0.0 if word < bound else 1 / (1 - rate) for word in drawn]
    return np.array(kept).reshape(shape)


def words(seed: Any, step: Any, shape: Any, stream: int) -> Any:
    sizes = tuple(np.atleast_1d(shape)) if shape != () else ()
    count = math.prod(sizes)
    drawn = [philox_word(int(seed), stream, int(step), position) for position in range(count)]
    return sizes, drawn


def random_uniform(
    seed: Any, step: Any, shape: Any, stream: int = 0, dtype: str = "float64"
) -> np.ndarray:
    sizes, drawn = words(seed, step, shape, stream)
    return np.array([word // 512 / 2**23 for word in drawn]).reshape(sizes)


def random_normal(
    seed: Any, step: Any, shape: Any, stream: int = 0, dtype: str = "float64"
) -> np.ndarray:
    from scipy.special import ndtri

    sizes, drawn = words(seed, step, shape, stream)
    return np.array([ndtri((word + 0.5) / 2**32) for word in drawn]).reshape(sizes)


def tents(at: float, size: int) -> list[float]:
    """How much of each pixel of a line is seen at a coordinate."""
    return [max(0.0, 1.0 - abs(at - pixel)) for pixel in range(size)]


def sample_bilinear(x: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    def entry(index: tuple[int, ...]) -> float:
        row, i, j, *channel = index
        down = tents(coordinates[row, 0, i, j], x.shape[1])
        across = tents(coordinates[row, 1, i, j], x.shape[2])
        return math.fsum(
            v * w * x[(row, k, m, *channel)]
            for k, v in enumerate(down)
            for m, w in enumerate(across)
        )

    return filled((len(x), *coordinates.shape[2:], *x.shape[3:]), entry)


def spread_bilinear(g: np.ndarray, coordinates: np.ndarray, height: int, width: int) -> np.ndarray:
    result = np.zeros((len(g), height, width, *g.shape[3:]))
    for row, i, j, *channel in indices(g.shape):
        down = tents(coordinates[row, 0, i, j], height)
        across = tents(coordinates[row, 1, i, j], width)
        for k, m in indices((height, width)):
            result[(row, k, m, *channel)] += down[k] * across[m] * g[(row, i, j, *channel)]
    return result


def argmax(x: np.ndarray) -> np.ndarray:
    def entry(index: tuple[int, ...]) -> int:
        line = [float(number) for number in x[index]]
        return line.index(max(line))

    return filled(x.shape[:-1], entry)


def reshape(x: np.ndarray, shape: Any) -> np.ndarray:
    sizes = [shape] if np.ndim(shape) == 0 else list(shape)
    if -1 in sizes:
        at = sizes.index(-1)
        sizes[at] = x.size // math.prod(sizes[:at] + sizes[at + 1 :])
    result = np.empty(sizes)
    for old, new in zip(indices(x.shape), indices(tuple(sizes)), strict=True):
        result[new] = x[old]
    return result


def transpose(x: np.ndarray, axes: Any = None) -> np.ndarray:
    order = [axis % x.ndim for axis in (reversed(range(x.ndim)) if axes is None else axes)]
    result = np.empty([x.shape[axis] for axis in order])
    for index in indices(x.shape):
        result[tuple(index[axis] for axis in order)] = x[index]
    return result


def gather(table: np.ndarray, at: np.ndarray) -> np.ndarray:
    return filled(
        at.shape + table.shape[1:],
        lambda index: table[(int(at[index[: at.ndim]]), *index[at.ndim :])],
    )


def scatter_add(g: np.ndarray, at: np.ndarray, length: int) -> np.ndarray:
    result = np.zeros((length, *g.shape[at.ndim :]))
    for index in indices(g.shape):
        result[(int(at[index[: at.ndim]]), *index[at.ndim :])] += g[index]
    return result


def concatenate(*parts: np.ndarray, axis: int = -1) -> np.ndarray:
    axis %= parts[0].ndim
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    result = np.full(shape, np.nan)
    start = 0
    for part in parts:
        for index in indices(part.shape):
            result[index[:axis] + (start + index[axis],) + index[axis + 1 :]] = part[index]
        start += part.shape[axis]
    return result


def shifted(x: np.ndarray, axis: int, length: int, start: int) -> np.ndarray:
    """Entry i of x along an axis at i + start, within zeros of a length."""
    axis %= x.ndim
    result = np.zeros([length if i == axis else size for i, size in enumerate(x.shape)])
    for index in indices(x.shape):
        at = index[axis] + start
        if 0 <= at < length:
            result[index[:axis] + (at,) + index[axis + 1 :]] = x[index]
    return result


ORACLES: dict[str, Callable[..., np.ndarray]] = {
    "add": each(lambda x, y: x + y),
    "subtract": each(lambda x, y: x - y),
    "multiply": each(lambda x, y: x * y),
    "divide": each(lambda x, y: Fraction(x) / Fraction(y)),
    "negative": each(lambda x: 0.0 - x),
    "power": each(power),
    "exp": each(exponential),
    "expm1": each(lambda x: PRECISE.subtract(exponential(x), Decimal(1))),
    "log1p": each(lambda x: logarithm(PRECISE.add(Decimal(x), Decimal(1)))),
    "erf": each(math.erf),
    "sin": each(math.sin),
    "cos": each(math.cos),
    "masked": each(lambda x, mask: x if mask else 0),
    "stop_gradient": each(lambda x: x),
    "log": each(lambda x: logarithm(Decimal(x))),
    "sqrt": each(lambda x: PRECISE.sqrt(Decimal(x))),
    "abs": each(lambda x: x if x > 0 else -x),
    "sign": each(lambda x: (x > 0) - (x < 0)),
    "maximum": each(lambda x, y: x if x > y else y),
    "minimum": each(lambda x, y: x if x < y else y),
    "greater": each(lambda x, y: int(x > y)),
    "equal": each(lambda x, y: int(x == y)),
    "flush": each(lambda x, threshold=1e-30: 0 if -threshold < x < threshold else x),
    "cast": each(lambda x, dtype: int(x) if "int" in str(dtype) else x),
    "tanh": each(tanh),
    "sigmoid": each(sigmoid),
    "relu": each(lambda x: x if x > 0 else 0),
    "leaky_relu": each(lambda x, negative_slope=0.2: x if x > 0 else x * negative_slope),
    "elu": each(lambda x, alpha=1.0: x if x > 0 else alpha * float(exponential(x) - 1)),
    "softplus": each(lambda x: logarithm(PRECISE.add(exponential(x), Decimal(1)))),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "matmul": matmul,
    "absolute_error": each(lambda p, t: p - t if p > t else t - p),
    "squared_error": each(lambda p, t: (p - t) ** 2),
    "sigmoid_cross_entropy": each(sigmoid_cross_entropy),
    "softmax_cross_entropy": softmax_cross_entropy,
    "softmax_cross_entropy_slope": softmax_cross_entropy_slope,
    "dropout_mask": dropout_mask,
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "sample_bilinear": sample_bilinear,
    "spread_bilinear": spread_bilinear,
    "flip": lambda x, axis: filled(
        x.shape,
        lambda index: x[
            tuple(x.shape[i] - 1 - at if i == axis % x.ndim else at for i, at in enumerate(index))
        ],
    ),
    "sum": reduced(math.fsum),
    "max": reduced(lambda line: sorted(line)[-1]),
    "min": reduced(lambda line: sorted(line)[0]),
    "broadcast_to": lambda x, shape: filled(
        tuple(np.atleast_1d(shape)), lambda index: seen(x, index)
    ),
    "count": lambda shape, dtype="float64": np.array(
        float(sum(1 for _ in indices(tuple(np.atleast_1d(shape).astype(int)))))
    ),
    "argmax": argmax,
    "reshape": reshape,
    "transpose": transpose,
    "gather": gather,
    "scatter_add": scatter_add,
    "one_hot": lambda labels, depth, dtype="float64": filled(
        (*labels.shape, depth), lambda index: int(labels[index[:-1]] == index[-1])
    ),
    "concatenate": concatenate,
    "narrow": lambda x, axis, start, stop: shifted(x, axis, stop - start, -start),
    "widen": lambda x, axis, start, length: shifted(x, axis, length, start),
}
