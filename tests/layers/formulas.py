"""Each activation's value and derivative as formulas of one number, and the range of its values."""

import math
from decimal import Decimal

from tests.graph.oracles import PRECISE, exponential, logarithm, over


def plus(*numbers):
    total = Decimal(0)
    for number in numbers:
        total = PRECISE.add(total, Decimal(number))
    return total


def times(*numbers):
    product = Decimal(1)
    for number in numbers:
        product = PRECISE.multiply(product, Decimal(number))
    return product


def minus(a, b):
    return PRECISE.subtract(Decimal(a), Decimal(b))


def sigmoid(x):
    return over(1, plus(1, exponential(-x)))


def tanh(x):
    return minus(times(2, sigmoid(2 * x)), 1)


def tanh_slope(x):
    """1 / cosh^2"""
    cosh = over(plus(exponential(x), exponential(-x)), 2)
    return over(1, times(cosh, cosh))


def softplus(x):
    return logarithm(plus(1, exponential(x)))


def mish_slope(x):
    """tanh(s) + x sech^2(s) s', with e^s = 1 + e^x: tanh(s) = (w^2 - 1) / (w^2 + 1)"""
    w = plus(1, exponential(x))
    squared = times(w, w)
    share = over(minus(squared, 1), plus(squared, 1))
    return plus(share, times(x, minus(1, times(share, share)), sigmoid(x)))


def mish(x):
    w = plus(1, exponential(x))
    return times(x, over(minus(times(w, w), 1), plus(times(w, w), 1)))


def smht(a, b, c, d):
    def parts(x):
        return [exponential(s * x) for s in (a, -b, c, -d)]

    def value(x):
        up, down, left, right = parts(x)
        return over(minus(up, down), plus(left, right))

    def slope(x):
        """(a e^ax + b e^-bx - f (c e^cx - d e^-dx)) / (e^cx + e^-dx)"""
        up, down, left, right = parts(x)
        bent = minus(times(c, left), times(d, right))
        top = minus(plus(times(a, up), times(b, down)), times(value(x), bent))
        return over(top, plus(left, right))

    return value, slope


def normal_share(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def bent_gelu(x):
    """0.5 x (1 + tanh(u)), and its derivative by hand."""
    bent = math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    by_x = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * x * (1 + bent), 0.5 * (1 + bent) + 0.5 * x * by_x * (1 - bent) * (1 + bent)


def at(x, *pieces):
    """The value of the first piece (bound, value) that x is not above."""
    return next(value for bound, value in pieces if x <= bound)


def leaky(slope):
    return lambda x: x if x > 0 else slope * x, lambda x: 1 if x > 0 else slope


def elu(alpha, scale=1.0):
    return (
        lambda x: scale * x if x > 0 else times(scale, alpha, minus(exponential(x), 1)),
        lambda x: scale if x > 0 else times(scale, alpha, exponential(x)),
    )


END = math.inf
SELU = (1.0507009873554805, 1.6732632423543772)
# for each activation: value and derivative of a number, and the range of its values
FORMULAS = {
    "linear": (lambda x: x, lambda x: 1, (-END, END)),
    "binary_step": (lambda x: int(x >= 0), lambda x: 0, (0, 1)),
    "sigmoid": (sigmoid, lambda x: times(sigmoid(x), sigmoid(-x)), (0, 1)),
    "hard_sigmoid": (
        lambda x: at(x, (-3, 0), (3, (x + 3) / 6), (END, 1)),
        lambda x: 1 / 6 if -3 < x < 3 else 0,
        (0, 1),
    ),
    "tanh": (tanh, tanh_slope, (-1, 1)),
    "smht": (tanh, tanh_slope, (-1, 1)),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, (-1, 1)),
    "relu": (*leaky(0), (0, END)),
    "relu6": (
        lambda x: at(x, (0, 0), (6, x), (END, 6)),
        lambda x: 1 if 0 < x < 6 else 0,
        (0, 6),
    ),
    "leaky_relu": (*leaky(0.2), (-END, END)),
    "elu": (*elu(1.0), (-1, END)),
    "selu": (*elu(SELU[1], SELU[0]), (-SELU[0] * SELU[1], END)),
    "gelu": (
        lambda x: x * normal_share(x),
        lambda x: normal_share(x) + x * normal_density(x),
        (-0.17, END),
    ),
    "silu": (
        lambda x: times(x, sigmoid(x)),
        lambda x: plus(sigmoid(x), times(x, sigmoid(x), sigmoid(-x))),
        (-0.2785, END),
    ),
    "mish": (mish, mish_slope, (-0.3089, END)),
    "softplus": (softplus, sigmoid, (0, END)),
    "exponential": (exponential, exponential, (0, END)),
}
FORMULAS["swish"] = FORMULAS["silu"]
