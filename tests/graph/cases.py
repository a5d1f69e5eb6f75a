"""Samples for every operation: small, away from kinks, within the domain.

Every suite that wants an operation to hold something reads them: the graph's, and each engine's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule import graph


@dataclass(frozen=True)
class Case:
    """One call of an operation.

    rows
        A size that stands for the rows of the data: each axis of that size (or twice that size)
        becomes symbolic in the tests of shapes; 0 where none does.
    fixed
        Positions of operands that stand at a kink, or outside of what can be differentiated.
    """

    operands: tuple[Any, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    fixed: tuple[int, ...] = ()

    def __repr__(self) -> str:
        shapes = [str(np.shape(operand)).replace(" ", "") for operand in self.operands]
        return "-".join([*shapes, *(f"{key}={value}" for key, value in self.attributes.items())])


def case(*operands: Any, rows: int = 0, fixed: tuple[int, ...] = (), **attributes: Any) -> Case:
    return Case(operands, attributes, rows, fixed)


def _generator(*key: int) -> np.random.Generator:
    return np.random.default_rng([20, *key])


def normal(*shape: int, key: int = 0) -> np.ndarray:
    """Both signs, from 0.2 to about 2.5 away from zero: no kink at 0 is near."""
    draws = _generator(key, *shape).standard_normal(shape)
    return np.sign(draws) * (0.2 + np.abs(draws))


def positive(*shape: int, key: int = 0) -> np.ndarray:
    return _generator(key, *shape).uniform(0.4, 2.5, shape)


def spread(*shape: int, key: int = 0) -> np.ndarray:
    """Numbers of which no two are nearer than 0.2, both signs."""
    count = int(np.prod(shape))
    numbers = 0.3 * (np.arange(count) - count / 2 + 0.25)
    return _generator(key, *shape).permutation(numbers).reshape(shape)


def shares(*shape: int, key: int = 0) -> np.ndarray:
    """Shares that add up to 1 along the last axis."""
    draws = positive(*shape, key=key)
    return draws / draws.sum(axis=-1, keepdims=True) if draws.size else draws


def bits(*shape: int, key: int = 0) -> np.ndarray:
    """0 or 1."""
    return _generator(key, *shape).integers(0, 2, shape).astype(float)


def points(*shape: int, key: int = 0) -> np.ndarray:
    """Coordinates within pictures of about 3 by 4 pixels, beyond their edges and on pixels."""
    numbers = _generator(key, *shape).uniform(-2.5, 5.5, shape)
    return np.where(numbers > 4, np.round(numbers), numbers)


WHOLE = np.array([[1, 2], [3, 5]])


def unary(draw: Callable[..., np.ndarray]) -> list[Case]:
    return [
        case(draw(5, 2), rows=5),
        case(draw(3)),
        case(draw()),
        case(2.5),
        case(draw(2, 1, 3)),
        case(draw(0)),
        case(draw(0, 3)),
        case(WHOLE),
    ]


def binary(
    draw: Callable[..., np.ndarray], other: Callable[..., np.ndarray] | None = None
) -> list[Case]:
    """Broadcasting from either side, along first, middle and last axes, and scalars."""

    def second(*shape: int) -> np.ndarray:
        return (other or draw)(*shape, key=1)

    return [
        case(draw(5, 2), second(5, 2), rows=5),
        case(draw(5, 2), second(2), rows=5),
        case(draw(2), second(5, 2), rows=5),
        case(draw(5, 1), second(5, 2), rows=5),
        case(draw(1, 2), second(5, 1), rows=5),
        case(draw(2, 1, 3), second(2, 1)),
        case(draw(2, 3), second()),
        case(draw(), second(3)),
        case(draw(), second()),
        case(2.5, second(3)),
        case(draw(3), 1.5),
        case(2.5, 1.5),
        case(draw(3, 1), second(1)),
        case(draw(0, 2), second(2)),
        case(draw(0), second(1)),
        case(WHOLE, second(2)),
        case(WHOLE + 7, WHOLE),
        case([4, 6], [[0.5], [1.25]]),
    ]


def reductions(draw: Callable[..., np.ndarray]) -> list[Case]:
    return [
        case(draw(5, 2), rows=5),
        case(draw(5, 2), axis=0, rows=5),
        case(draw(5, 2), axis=1, rows=5),
        case(draw(5, 2), axis=-1, keepdims=True, rows=5),
        case(draw(2, 3, 2), axis=(0, 2)),
        case(draw(2, 3, 2), axis=(-1, 1), keepdims=True),
        case(draw(2, 1, 3), axis=[1]),
        case(draw(2, 1, 3), keepdims=True),
        case(draw(2, 2), axis=()),
        case(draw(3), axis=0),
        case(draw()),
        case(draw(0, 3), axis=1),
        case(draw(1, 4), axis=np.int64(1)),
        case(WHOLE, axis=0),
    ]


def along(draw: Callable[..., np.ndarray]) -> list[Case]:
    """Operations along one axis, the last by default."""
    return [
        case(draw(5, 2), rows=5),
        case(draw(4)),
        case(draw(5, 2), axis=0),
        case(draw(2, 3, 2), axis=1),
        case(draw(2, 3, 2), axis=-3),
        case(draw(3, 1)),
        case(draw(0, 3), axis=1),
        case(WHOLE),
    ]


def matrices() -> list[Case]:
    a, b = normal, lambda *shape: normal(*shape, key=1)
    return [
        case(a(5, 2), b(2, 1), rows=5),
        case(a(2, 3), b(3, 2)),
        case(a(1, 1), b(1, 1)),
        case(a(2, 2, 3), b(3, 2)),
        case(a(5, 1, 2), b(2, 2), rows=5),
        case(a(2, 3), b(2, 3, 1)),
        case(a(2, 1, 3), b(2, 3, 2)),
        case(a(1, 2, 2), b(3, 2, 1)),
        case(a(2, 1, 1, 2), b(3, 2, 1)),
        case(a(5, 2), b(2, 0), rows=5),
        case(a(0, 2), b(2, 3)),
        case(a(2, 0), b(0, 3)),
        case(a(2, 3, 0), b(0, 2)),
        case(a(0, 2, 3), b(3, 2)),
        case(WHOLE, b(2, 2)),
    ]


def constant_in(position: int, cases: list[Case]) -> list[Case]:
    """Cases of an operation that takes an operand for a constant."""
    return [replace(one, fixed=(position,)) for one in cases]


CASES: dict[str, list[Case]] = {
    "add": binary(normal),
    "subtract": binary(normal),
    "multiply": binary(normal),
    "divide": binary(normal, positive),
    "negative": unary(normal),
    "power": [
        *binary(positive, normal),
        case(normal(3), 3.0, fixed=(1,)),
        case(normal(3), -2.0, fixed=(1,)),
        case(normal(3), 0.0, fixed=(1,)),
        case(np.array([0.0, 1.5]), np.array([2.0, 0.0]), fixed=(1,)),
        case(normal(5, 1), np.array([0.0, 1.0, 2.0]), rows=5, fixed=(1,)),
        case(2.0, normal(3)),
    ],
    "exp": unary(normal),
    "expm1": [*unary(normal), case([1e-9, -40.0])],
    "log1p": [*unary(positive), case([1e-9, -0.5])],
    "erf": unary(normal),
    "sin": unary(normal),
    "cos": unary(normal),
    "masked": [
        *constant_in(1, binary(normal, bits)),
        case(normal(3), [0.5, -2.0, 0.0], fixed=(1,)),
        case(normal(2), [True, False], fixed=(1,)),
    ],
    "stop_gradient": constant_in(0, unary(normal)),
    "log": unary(positive),
    "sqrt": unary(positive),
    "abs": unary(normal),
    "sign": unary(normal),
    "maximum": binary(spread, lambda *shape, key: spread(*shape, key=key) + 0.11),
    "minimum": binary(spread, lambda *shape, key: spread(*shape, key=key) + 0.11),
    "greater": [
        *binary(spread, lambda *shape, key: spread(*shape, key=key) + 0.11),
        case(2, 2, fixed=(0, 1)),
    ],
    "equal": [
        *binary(spread, lambda *shape, key: spread(*shape, key=key) + 0.11),
        case(2, 2, fixed=(0, 1)),
    ],
    "flush": [
        *unary(normal),
        case(spread(4), threshold=0.35),
        case([1e-31, -1e-29, 2.0], fixed=(0,)),
    ],
    "cast": [
        case(normal(5, 2), dtype="float64", rows=5),
        case(normal(3), dtype=np.float64),
        case(normal(), dtype=float),
        case(normal(2, 3), dtype="int32"),
        case(WHOLE, dtype="int64", fixed=(0,)),
        case(WHOLE, dtype="float64"),
        case(normal(0), dtype="float64"),
    ],
    "tanh": unary(normal),
    "sigmoid": unary(normal),
    "relu": unary(normal),
    "leaky_relu": [
        *unary(normal),
        case(normal(4), negative_slope=0.3),
        case(normal(4), negative_slope=0.0),
        case(normal(4), negative_slope=3),
    ],
    "elu": [*unary(normal), case(normal(4), alpha=2.5), case(normal(4), alpha=0.0)],
    "softplus": unary(normal),
    "softmax": along(normal),
    "log_softmax": along(normal),
    "matmul": matrices(),
    "absolute_error": binary(spread, lambda *shape, key: spread(*shape, key=key) + 0.11),
    "squared_error": binary(normal),
    "sigmoid_cross_entropy": binary(normal, positive),
    "softmax_cross_entropy": [
        case(normal(5, 2), shares(5, 2), rows=5),
        case(normal(2, 3), positive(2, 3)),
        case(normal(4), shares(4)),
        case(normal(2, 2, 3), shares(2, 2, 3)),
        case(normal(0, 3), shares(0, 3)),
        case(normal(3, 1), shares(3, 1)),
        case(WHOLE, np.eye(2)),
    ],
    "softmax_cross_entropy_slope": [
        case(normal(5, 2), shares(5, 2), normal(5, key=1), rows=5),
        case(normal(2, 3), positive(2, 3), normal(2, key=1)),
        case(normal(4), shares(4), 0.7),
        case(normal(2, 2, 3), shares(2, 2, 3), normal(2, 2, key=1)),
        case(normal(0, 3), shares(0, 3), normal(0)),
        case(normal(3, 1), positive(3, 1), normal(3, key=1)),
        case(WHOLE, np.eye(2), np.array([2, 3])),
    ],
    "dropout_mask": [
        case(7, 0, shape=(3, 4), rate=0.5),
        case(7, 3, shape=12, rate=0.2, stream=5),
        case(2**63 + 1, 2**40, shape=(5, 2), rate=0.9, stream=1, dtype="float32", rows=5),
        case(0, 0, shape=(), rate=0.0),
        case(1, 1, shape=(0, 3), rate=0.5),
    ],
    "random_uniform": [
        case(7, 0, shape=(3, 4)),
        case(7, 3, shape=12, stream=5),
        case(2**63 + 1, 2**40, shape=(5, 2), stream=1, dtype="float32", rows=5),
        case(0, 0, shape=()),
        case(1, 1, shape=(0, 3)),
    ],
    "random_normal": [
        case(7, 0, shape=(3, 4)),
        case(7, 3, shape=70, stream=5),
        case(2**63 + 1, 2**40, shape=(5, 2), stream=1, dtype="float32", rows=5),
        case(0, 0, shape=()),
        case(1, 1, shape=(0, 3)),
    ],
    "sample_bilinear": [
        case(normal(5, 3, 4), points(5, 2, 2, 3), rows=5, fixed=(1,)),
        case(normal(2, 3, 4, 3), points(2, 2, 3, 3), fixed=(1,)),
        case(normal(1, 3, 1), points(1, 2, 1, 9), fixed=(1,)),
        case(normal(1, 1, 4, 1), points(1, 2, 17, 1), fixed=(1,)),
        case(normal(1, 2, 2), np.array([[[[30.0, 0.5]], [[0.5, -40.0]]]]), fixed=(1,)),
        case(normal(2, 3, 4), points(2, 2, 0, 3), fixed=(1,)),
        case(normal(2, 0, 4), points(2, 2, 2, 2), fixed=(1,)),
        case(normal(0, 3, 4), points(0, 2, 2, 2), fixed=(1,)),
        case(normal(1, 2, 3, 0), points(1, 2, 2, 2), fixed=(1,)),
        case(WHOLE[None], [[[[0, 1]], [[1, 2]]]], fixed=(1,)),
    ],
    "spread_bilinear": [
        case(normal(5, 2, 3), points(5, 2, 2, 3), height=3, width=4, rows=5, fixed=(1,)),
        case(normal(2, 3, 3, 2), points(2, 2, 3, 3), height=3, width=4, fixed=(1,)),
        case(normal(1, 1, 9), points(1, 2, 1, 9), height=3, width=1, fixed=(1,)),
        case(normal(1, 17, 1, 1), points(1, 2, 17, 1), height=1, width=4, fixed=(1,)),
        case(normal(2, 0, 3), points(2, 2, 0, 3), height=3, width=4, fixed=(1,)),
        case(normal(2, 2, 2), points(2, 2, 2, 2), height=0, width=4, fixed=(1,)),
        case(normal(0, 2, 2), points(0, 2, 2, 2), height=3, width=4, fixed=(1,)),
        case(WHOLE[None], [[[[0, 1], [1, 2]], [[1, 2], [0, 0]]]], height=2, width=3, fixed=(1,)),
    ],
    "flip": [
        case(normal(5, 2), axis=0, rows=5),
        case(normal(5, 2), axis=1, rows=5),
        case(normal(2, 3, 2), axis=-2),
        case(normal(3), axis=0),
        case(normal(0, 3), axis=0),
        case(normal(2, 0), axis=-1),
        case(WHOLE, axis=0),
    ],
    "sum": [*reductions(normal), case(normal(0, 3), axis=0), case(normal(0))],
    "max": reductions(spread),
    "min": reductions(spread),
    "broadcast_to": [
        case(normal(2), shape=(5, 2), rows=5),
        case(normal(5, 1), shape=(5, 2), rows=5),
        case(normal(), shape=(2, 3)),
        case(normal(2, 1, 2), shape=(2, 2, 3, 2)),
        case(normal(3), shape=3),
        case(normal(1), shape=0),
        case(normal(1, 2), shape=(0, 2)),
        case([1, 2], shape=[3, 2]),
    ],
    "count": [
        case(shape=(5, 3), rows=5),
        case(shape=(10, 5), rows=5),
        case(shape=()),
        case(shape=(0, 3)),
        case(shape=7, dtype="float32"),
    ],
    "argmax": [
        case(spread(5, 2), rows=5),
        case(spread(4)),
        case(spread(2, 2, 3)),
        case([[1.0, 1.0], [0.0, 0.0]], fixed=(0,)),
        case(spread(0, 3)),
        case(WHOLE, fixed=(0,)),
    ],
    "reshape": [
        case(normal(5, 2), shape=(10,), rows=5),
        case(normal(5, 2), shape=(-1,), rows=5),
        case(normal(10, 1), shape=(5, -1), rows=5),
        case(normal(2, 3), shape=(3, 2)),
        case(normal(2, 3), shape=-1),
        case(normal(2, 2, 3), shape=[4, -1]),
        case(normal(), shape=(1, 1)),
        case(normal(1), shape=()),
        case(normal(0, 3), shape=(3, 0)),
        case(normal(0, 3), shape=(-1, 3)),
        case(WHOLE, shape=4),
    ],
    "transpose": [
        case(normal(5, 2), rows=5),
        case(normal(5, 2), axes=(0, 1), rows=5),
        case(normal(2, 3, 2), axes=(2, 0, 1)),
        case(normal(2, 3, 2), axes=(-1, 0, -2)),
        case(normal(3)),
        case(normal()),
        case(normal(0, 3)),
        case(WHOLE),
    ],
    "gather": [
        case(normal(4, 2), np.array([3, 0, 3, 1, 3]), rows=5),
        case(normal(4), np.array([[0, 1], [1, 1]])),
        case(normal(3, 2), np.int64(2)),
        case(normal(3, 1, 2), [2, 2]),
        case(normal(5, 2), np.array([4, 0]), rows=5),
        case(normal(3, 2), np.array([], np.int32)),
        case(normal(3, 2), []),
        case(normal(0, 2), []),
        case(WHOLE, [1, 1]),
    ],
    "scatter_add": [
        case(normal(5, 2), np.array([3, 0, 3, 1, 3]), length=4, rows=5),
        case(normal(2, 2), np.array([[0, 1], [1, 1]]), length=3),
        case(normal(2), np.int64(2), length=4),
        case(normal(2, 1, 3), [1, 1], length=2),
        case(normal(0, 2), [], length=3),
        case(WHOLE, [1, 1], length=2),
    ],
    "one_hot": [
        case(np.array([2, 0, 1, 1, 0]), depth=3, rows=5),
        case(np.array([[1, 0], [1, 1]]), depth=2, dtype="float32"),
        case(np.int64(1), depth=3),
        case([4, -1], depth=3),
        case([], depth=3),
    ],
    "concatenate": [
        case(normal(5, 1), normal(5, 2, key=1), rows=5),
        case(normal(2, 1), normal(2, 2, key=1), normal(2, 1, key=2), axis=1),
        case(normal(2, 2), normal(1, 2, key=1), axis=0),
        case(normal(2, 2, 1), normal(2, 1, 1, key=1), axis=-2),
        case(normal(3)),
        case(normal(3), normal(2, key=1)),
        case(normal(2, 0), normal(2, 1, key=1)),
        case(normal(2), [1, 2]),
    ],
    "narrow": [
        case(normal(5, 2), axis=1, start=1, stop=2, rows=5),
        case(normal(6), axis=0, start=2, stop=5),
        case(normal(2, 3, 2), axis=-2, start=0, stop=2),
        case(normal(3), axis=0, start=1, stop=1),
        case(normal(3), axis=0, start=0, stop=3),
        case(WHOLE, axis=0, start=1, stop=2),
    ],
    "widen": [
        case(normal(5, 2), axis=1, start=1, length=4, rows=5),
        case(normal(3), axis=0, start=2, length=6),
        case(normal(2, 3, 2), axis=-2, start=0, length=4),
        case(normal(0, 2), axis=0, start=1, length=2),
        case(normal(3), axis=0, start=0, length=3),
        case(WHOLE, axis=1, start=0, length=3),
    ],
}


def every_case() -> list[tuple[graph.Operation, Case]]:
    """Operation and case, as far as operations are known."""
    return [
        (graph.OPERATIONS[name], sample)
        for name, samples in CASES.items()
        if name in graph.OPERATIONS
        for sample in samples
    ]
