"""Tapes of one operation, and how far from the interpreter an engine's result may be."""

import numpy as np

from chainrule.engine import Instruction, Program, Source, Tape, Value, verify
from chainrule.engine.executor import Executor
from chainrule.graph import OPERATIONS, Rows
from chainrule.graph.operation import Operation

NOTHING = np.zeros(0)
LAYOUTS = ("plain", "turned", "repeated")


def called(operation: Operation, case, dtype):
    """The node of a case with operands of a type, whole numbers as they are."""
    y = operation(*case.operands, **case.attributes)
    operands = [
        node.array.astype(dtype) if node.dtype.kind == "f" else node.array for node in y.operands
    ]
    attributes = dict(case.attributes)
    if attributes.get("dtype", dtype) in ("float64", float, np.float64):
        attributes["dtype"] = dtype
    if "dtype" not in y.attributes:
        attributes.pop("dtype", None)
    return operation(*operands, **attributes)


class _Writer:
    def __init__(self):
        self.values, self.sources, self.instructions = [], [], []

    def value(self, shape, dtype):
        self.values.append(Value(tuple(shape), np.dtype(dtype)))
        return len(self.values) - 1

    def constant(self, array):
        array = np.array(array, order="C")
        index = self.value(array.shape, array.dtype)
        self.sources.append(Source(index, "constant", "", array))
        return index

    def instruction(self, name, operands, shape, dtype, attributes):
        result = self.value(shape, dtype)
        made = Instruction(OPERATIONS[name], tuple(operands), (result,), attributes)
        self.instructions.append(made)
        return result

    def operand(self, array, layout):
        """The array as a value; its numbers lie in memory as the layout says."""
        if layout == "turned" and array.ndim > 1:
            axes = tuple(reversed(range(array.ndim)))
            held = self.constant(array.transpose(axes))
            return self.instruction("transpose", [held], array.shape, array.dtype, {"axes": axes})
        if layout == "repeated" and array.ndim > 0 and array.shape[0] > 0:
            held, seen = self.constant(array[:1]), {"shape": array.shape}
            return self.instruction("broadcast_to", [held], array.shape, array.dtype, seen)
        return self.constant(array)


def again(y, change):
    """The operation of a node on changed operands."""
    return y.operation(*(change(node.array) for node in y.operands), **y.attributes)


def repeated(array):
    """The first entry again and again."""
    return np.broadcast_to(array[:1], array.shape) if array.ndim and len(array) else array


def widened(array):
    """Fractions as float64."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def tape_of(y, layout="plain"):
    """A tape with nothing but the operation of a node, on constants."""
    writer = _Writer()
    operands = [writer.operand(node.array, layout) for node in y.operands]
    made = writer.instruction(y.operation.name, operands, y.shape, y.dtype, y.attributes)
    # a result has an entry a row: the value once for each row
    shape = (Rows(), *y.shape)
    result = writer.instruction("broadcast_to", [made], shape, y.dtype, {"shape": shape})
    tape = Tape(
        tuple(writer.values), tuple(writer.sources), tuple(writer.instructions),
        len(writer.instructions), {"y": result}, (),
    )  # fmt: skip
    verify(tape)
    return tape


def on_numpy(tape):
    """What the interpreter gives."""
    return Program(tape, "numpy").run({}, NOTHING).results["y"][0]


def on_native(tape, instructions=None):
    """What the native engine gives, with the instruction set that is named."""
    executor = Executor(tape, instructions)
    return executor.run({}, NOTHING, None, 1, (), None, 0, 0).results["y"][0]


def same_bits(found, expected):
    """Equal to the bit, but that any nan is a nan."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if found.dtype.kind == "f":
        both = np.isnan(found) & np.isnan(expected)
        found, expected = np.where(both, 0, found), np.where(both, 0, expected)
    return found.tobytes() == expected.tobytes()


# Each of these is one rounding (or none) a number, or moves numbers: engines agree to the bit.
EXACT = {
    "add", "subtract", "multiply", "divide", "negative", "sqrt", "abs", "sign", "maximum",
    "minimum", "greater", "equal", "flush", "relu", "absolute_error", "squared_error", "cast",
    "dropout_mask", "max", "min", "broadcast_to", "count", "argmax", "reshape", "transpose",
    "gather", "scatter_add", "one_hot", "concatenate", "narrow", "widen", "masked", "leaky_relu",
    "stop_gradient", "random_uniform", "random_normal", "sample_bilinear", "spread_bilinear",
    "flip",
}  # fmt: skip
ULPS = {
    "exp": 2, "expm1": 4, "log": 2, "log1p": 2, "power": 2, "tanh": 4, "sigmoid": 4, "erf": 3,
    "sin": 2, "cos": 2, "elu": 5, "softplus": 4,
}  # fmt: skip
"""Of the native engine's function and NumPy's in float64 together."""


def bound(y, expected):
    """How far a float result may be from the interpreter's in float64, number by number.

    In units of the type's rounding, u = eps / 2. A sum of n numbers in any order errs by at most
    (n - 1) u times the sum of their sizes, a product of matrices by depth times u times |a| |b|;
    what is made of several roundings by as many.
    """
    u = np.finfo(y.dtype).eps / 2
    wide = [np.asarray(node.array, np.float64) for node in y.operands]
    name, axis = y.operation.name, y.attributes.get("axis", -1)
    if name in ULPS:
        return ULPS[name] * 2 * u * abs(expected)
    if name == "sum":
        kept = y.attributes["keepdims"]
        return wide[0].size * u * abs(wide[0]).sum(axis=axis, keepdims=kept)
    if name == "matmul":
        return 2 * wide[0].shape[-1] * u * (abs(wide[0]) @ abs(wide[1]))
    if name == "sigmoid_cross_entropy":
        z, t = wide
        return 4 * u * (abs(z) + abs(z * t) + 1)
    n = wide[0].shape[axis]
    lower = wide[0] - wide[0].max(axis=axis, keepdims=True, initial=-np.inf)
    if name == "softmax":
        return (n + 6 + abs(lower)) * u * expected
    if name == "softmax_cross_entropy_slope":
        shares = np.exp(lower) / np.exp(lower).sum(axis=-1, keepdims=True)
        product = shares * abs(wide[1]).sum(axis=-1, keepdims=True)
        each = (2 * n + 9 + abs(lower)) * product + 2 * abs(wide[1])
        return abs(wide[2])[..., np.newaxis] * each * u
    # the logarithm of a sum of n shares, then a difference
    each = u * (abs(lower) + np.log(n) + n + 6)
    return each if name == "log_softmax" else (abs(wide[1]) * each * (n + 2)).sum(axis=-1)


def near(found, expected, allowed):
    """Whether each number is equal, or as near as it must be."""
    tiny = np.finfo(found.dtype).smallest_subnormal
    with np.errstate(all="ignore"):
        apart = abs(found.astype(np.float64) - np.asarray(expected, np.float64))
        within = apart <= allowed + tiny
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    return bool((same | within).all())
