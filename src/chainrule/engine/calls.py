"""Instructions as NumPy calls that write into given memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.engine.tape import Array, Instruction, Value
from chainrule.errors import ShapeError
from chainrule.graph import Operation

__all__ = ["Call", "call", "fused_calls"]

Call = Callable[[], Any]

# elements of a block of a fused run: operands and scratch stay in the cache of a core
_BLOCK = 65536


def _sum_into(out: Array, x: Array, *, axis: tuple[int, ...], keepdims: bool) -> None:
    np.add.reduce(x, axis, None, out=out, keepdims=keepdims)


def _flush_into(out: Array, x: Array, *, threshold: float = 1e-30) -> None:
    np.multiply(x, np.absolute(x) >= threshold, out=out)


# operations that are no ufunc but can write where they are told: the same bits, no copy
_INTO: dict[str, Callable[..., Any]] = {
    "sum": _sum_into,
    "flush": _flush_into,
    "greater": lambda out, x, y: np.greater(x, y, out=out),
    "equal": lambda out, x, y: np.equal(x, y, out=out),
    "relu": lambda out, x: np.maximum(x, 0, out=out),
}


def call(
    operation: Operation, operands: Sequence[Array], out: Array, attributes: Mapping[str, Any]
) -> Call:
    """A call of nothing that computes the operation into `out`."""
    meaning = operation.meaning
    if isinstance(meaning, np.ufunc):
        return partial(meaning, *operands, out=out)
    if operation.name in _INTO:
        return partial(_INTO[operation.name], out, *operands, **attributes)

    def compute() -> None:
        result = meaning(*operands, **attributes)
        if np.shape(result) != out.shape:
            message = (
                f"{operation.name}: its shape rule says {out.shape}, its result is "
                f"{np.shape(result)}."
            )
            raise ShapeError(message)
        out[...] = result

    return compute


def fused_calls(
    run: Instruction, values: Mapping[int, Array], declared: Sequence[Value], shape: tuple[int, ...]
) -> Iterator[Call]:
    """The parts of a fused run one after the other, block by block along the first axis.

    A product that opens the run comes first, as a whole.
    """
    if run.parts[0].name == "matmul":
        product, *rest = run.parts
        (made,) = product.results
        if made not in run.results:
            values = {**values, made: np.empty(shape, declared[made].dtype)}
        assert product.operation is not None  # noqa: S101  (parts are plain)
        operands = [values[index] for index in product.operands]
        yield call(product.operation, operands, values[made], product.attributes)
        read = dict.fromkeys((*run.operands, made))
        results = tuple(index for index in run.results if index != made)
        run = replace(run, operands=tuple(read), results=results, parts=tuple(rest))
    rows = shape[0]
    block = min(rows, max(1, _BLOCK // max(1, math.prod(shape[1:]))))
    scratch = _Scratch(run, (block, *shape[1:]))
    for start in range(0, rows, max(block, 1)):
        stop = min(start + block, rows)
        here = {
            index: _rows_of(values[index], shape, start, stop)
            for index in (*run.operands, *run.results)
        }
        for part in run.parts:
            (result,) = part.results
            if result not in here:
                here[result] = scratch.memory(result, declared[result], stop - start)
            assert part.operation is not None  # noqa: S101  (parts are plain)
            operands = [here[index] for index in part.operands]
            yield call(part.operation, operands, here[result], part.attributes)


def _rows_of(array: Array, shape: tuple[int, ...], start: int, stop: int) -> Array:
    """The block of an operand; one that is broadcast along the first axis serves every block."""
    if array.ndim == len(shape) and array.shape[0] == shape[0]:
        return array[start:stop]
    return array


class _Scratch:
    """Memory for what lives only inside a fused run, taken again after its last use."""

    def __init__(self, run: Instruction, shape: tuple[int, ...]) -> None:
        self._place: dict[int, int] = {}
        self._shape = shape
        self._memory: dict[int, Array] = {}
        last: dict[int, int] = {}
        for position, part in enumerate(run.parts):
            for index in part.operands:
                last[index] = position
        free: list[int] = []
        places = 0
        for position, part in enumerate(run.parts):
            for index in dict.fromkeys(part.operands):
                if index in self._place and last[index] == position:
                    free.append(self._place[index])  # element-wise, so it may be written over
            (result,) = part.results
            if result in run.results:
                continue
            if free:
                self._place[result] = free.pop()
            else:
                self._place[result] = places
                places += 1
            if result not in last:
                free.append(self._place[result])

    def memory(self, index: int, value: Value, rows: int) -> Array:
        place = self._place[index]
        if place not in self._memory:
            self._memory[place] = np.empty(self._shape, value.dtype)
        return self._memory[place][:rows]
