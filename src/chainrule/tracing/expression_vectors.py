"""Products with a vector, which the graph computes as products with a matrix of one row or column.

`A @ x` is three operations: x becomes a column, the product is one, and it becomes a vector.
Readers see one, A·x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.tracing.expression import TraceStep
from chainrule.tracing.formula import Call, Expression, Symbol

__all__ = ["VectorProduct", "vector_product"]


@dataclass(frozen=True, eq=False)
class VectorProduct:
    """A product of which one factor is a vector, or both.

    factors
        The steps that are multiplied, before vectors become matrices.
    made
        The step that has the product in the shape that readers expect.
    """

    factors: tuple[TraceStep, TraceStep]
    made: TraceStep

    @property
    def is_dot(self) -> bool:
        """Whether it is a number, of two vectors."""
        return all(one.value.ndim == 1 for one in self.factors)

    @property
    def is_of_matrix(self) -> bool:
        """Whether the other factor is a matrix."""
        return sorted(one.value.ndim for one in self.factors) == [1, 2]

    def value(self, left: Symbol, right: Symbol) -> Expression:
        """x·y of vectors; A·x; xᵀ·A."""
        if self.is_dot:
            return Call("dot", (left, right))
        if right.value.ndim == 1:
            return Call("matrix_column", (left, right))
        return Call("row_matrix", (_transposed(left), right))

    def local(self, place: int, left: Symbol, right: Symbol) -> Expression | None:
        """The local derivative by a vector; None by a matrix, where it has three axes."""
        if self.is_dot:
            return (right, left)[place]
        if not self.is_of_matrix or (left, right)[place].value.ndim == 2:
            return None
        return left if place else _transposed(right)

    def use(self, place: int, arrived: Symbol, left: Symbol, right: Symbol) -> Expression:
        """What the matrix gets of what arrives, or the vector."""
        if place == 1 and right.value.ndim == 1:
            return Call("matrix_column", (_transposed(left), arrived))
        if place == 0 and left.value.ndim == 1:
            return Call("row_matrix", (right, arrived))
        if place == 0:
            return Call("outer", (arrived, _transposed(right)))
        return Call("outer", (left, _transposed(arrived)))


def _transposed(one: Expression) -> Expression:
    return Call("transposed", (one,))


def vector_product(
    step: TraceStep, by_name: Mapping[str, TraceStep], users: Sequence[TraceStep]
) -> VectorProduct | None:
    """A product of matrices as one with a vector; None where it is none."""
    if step.operation != "matmul" or len(users) != 1 or users[0].operation != "reshape":
        return None
    left, right = (by_name[name] for name in step.operands)
    row, column = _vector(left, by_name, 0), _vector(right, by_name, 1)
    shape = list(step.value.shape)
    if column is not None:
        del shape[-1]
    if row is not None:
        del shape[-1 if column is not None else -2]
    if row is column is None or users[0].value.shape != tuple(shape):
        return None
    return VectorProduct((row or left, column or right), users[0])


def _vector(step: TraceStep, by_name: Mapping[str, TraceStep], place: int) -> TraceStep | None:
    """The vector that a row on the left is made of, or a column on the right."""
    if step.operation != "reshape" or step.is_named:
        return None
    found = by_name[step.operands[0]]
    size = found.value.size
    wanted = (size, 1) if place else (1, size)
    return found if found.value.ndim == 1 and step.value.shape == wanted else None
