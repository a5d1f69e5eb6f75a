"""A case of any size for every operation, and cases of numbers as large as 10,000."""

import numpy as np
from tests.graph.cases import Case, bits, case, normal, points, positive, shares, spread

SIZES = (0, 1, 7, 8, 9, 31)

_UNARY = (
    "negative", "exp", "expm1", "log", "log1p", "sqrt", "abs", "sign", "tanh", "sigmoid", "relu",
    "flush", "erf", "sin", "cos", "leaky_relu", "elu", "softplus",
)  # fmt: skip
_BINARY = (
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "greater", "equal",
    "absolute_error", "squared_error", "sigmoid_cross_entropy",
)  # fmt: skip
_POSITIVE = ("log", "log1p", "sqrt", "power", "divide")


def of_size(name: str, n: int) -> Case:
    """A case whose axes are as long as n, where the operation allows it."""
    draw = positive if name in _POSITIVE else normal
    if name in _UNARY:
        return case(draw(n))
    if name in _BINARY:
        return case(draw(n), draw(n, key=1))
    positions = np.arange(n) % 3
    return {
        "cast": lambda: case(normal(n), dtype="float64"),
        "masked": lambda: case(normal(n), bits(n, key=1), fixed=(1,)),
        "stop_gradient": lambda: case(normal(n), fixed=(0,)),
        "softmax": lambda: case(normal(n, 2)),
        "log_softmax": lambda: case(normal(2, n), axis=0),
        "matmul": lambda: case(normal(n, n), normal(n, n, key=1)),
        "softmax_cross_entropy": lambda: case(normal(n, 3), shares(n, 3)),
        "softmax_cross_entropy_slope": lambda: case(normal(n, 3), shares(n, 3), normal(n, key=1)),
        "dropout_mask": lambda: case(5, 1, shape=(n,), rate=0.5),
        "random_uniform": lambda: case(5, 1, shape=(n,)),
        "random_normal": lambda: case(5, 1, shape=(n,)),
        "sample_bilinear": lambda: case(normal(2, n, 3), points(2, 2, n, 2), fixed=(1,)),
        "spread_bilinear": lambda: case(
            normal(2, n, 2), points(2, 2, n, 2), height=n, width=3, fixed=(1,)
        ),
        "flip": lambda: case(normal(n, 2), axis=0),
        "sum": lambda: case(normal(3, n), axis=1),
        "max": lambda: case(spread(n, 3), axis=1),
        "min": lambda: case(spread(n, 3), axis=1),
        "broadcast_to": lambda: case(normal(3, 1), shape=(3, n)),
        "count": lambda: case(shape=(n,)),
        "argmax": lambda: case(spread(n, 3)),
        "reshape": lambda: case(normal(2, n), shape=(n, 2)),
        "transpose": lambda: case(normal(n, 3)),
        "gather": lambda: case(normal(3, 2), positions),
        "scatter_add": lambda: case(normal(n, 2), positions, length=3),
        "one_hot": lambda: case(positions, depth=3),
        "concatenate": lambda: case(normal(2, n), normal(2, 1, key=1)),
        "narrow": lambda: case(normal(n + 1), axis=0, start=1, stop=n + 1),
        "widen": lambda: case(normal(n), axis=0, start=1, length=n + 2),
    }[name]()


_FAR = np.array([1e4, -1e4, 1e4, 3.0, -1e4, 0.0])
_OTHER = np.array([-1e4, -1e4, 1e4, 1e4, 3.0, 1e4])


def large(name: str) -> list[Case]:
    """Cases at 10,000 and -10,000 as far as the result is a number of float64."""
    if name in _UNARY:
        if name in _POSITIVE:
            return [case(np.abs(_OTHER))]
        return [case(-np.abs(_FAR) if name in ("exp", "expm1") else _FAR)]
    if name in _BINARY:
        return {
            "power": [case(np.abs(_OTHER), np.array([3.0, -3.0, 0.5, 0.0, 1.0, -0.5]))],
            "divide": [case(_FAR, _OTHER)],
            "sigmoid_cross_entropy": [case(_FAR, np.array([0.0, 1.0, 1.0, 1.0, 0.0, 0.5]))],
        }.get(name, [case(_FAR, _OTHER)])
    x = _FAR.reshape(2, 3)
    return {
        "cast": [case(_FAR, dtype="int32")],
        "masked": [case(_FAR, np.array([0.0, 1.0, 1e4, 0.0, 0.0, -1e4]), fixed=(1,))],
        "stop_gradient": [case(_FAR, fixed=(0,))],
        "softmax": [case(x), case(x, axis=0)],
        "log_softmax": [case(x), case(x, axis=0)],
        "matmul": [case(x, _OTHER.reshape(3, 2))],
        "softmax_cross_entropy": [case(x, np.eye(3)[[1, 2]]), case(x, np.full((2, 3), 1 / 3))],
        "softmax_cross_entropy_slope": [case(x, np.eye(3)[[1, 2]], np.array([1e4, 1.0]))],
        "sample_bilinear": [case(x[None], points(1, 2, 3, 3), fixed=(1,))],
        "spread_bilinear": [case(x[None], points(1, 2, 2, 3), height=3, width=4, fixed=(1,))],
        "flip": [case(x, axis=1)],
        "sum": [case(x, axis=1)],
        "max": [case(x, axis=1)],
        "min": [case(x, axis=0)],
        "broadcast_to": [case(_FAR, shape=(2, 6))],
        "argmax": [case(x)],
        "reshape": [case(x, shape=6)],
        "transpose": [case(x)],
        "gather": [case(x, [1, 0])],
        "scatter_add": [case(_FAR, [0, 0, 1, 1, 1, 0], length=2)],
        "concatenate": [case(x, x)],
        "narrow": [case(x, axis=1, start=0, stop=2)],
        "widen": [case(x, axis=1, start=0, length=5)],
    }.get(name, [])
