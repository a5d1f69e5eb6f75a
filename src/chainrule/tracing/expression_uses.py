"""What each use of a node adds to its derivative, as a formula."""

from __future__ import annotations

import numpy as np

from chainrule.tracing.equations import is_whole
from chainrule.tracing.expression import TraceStep
from chainrule.tracing.expression_graph import Edge, Seen
from chainrule.tracing.formula import Call, Expression, Product, Symbol, evaluate, total

__all__ = ["is_of_matrices", "is_spelled", "shapes_in", "use_of"]

SHAPED = ("matrix_column", "row_matrix", "times")
"""Products whose factors' shapes are told where they are too large to be shown."""


def use_of(seen: Seen, edge: Edge) -> Expression:
    """What arrives at the user, times the local derivative; of matrices as their product."""
    user = seen.symbol(edge.user)
    if _is_by_matrix(seen, edge):
        return _by_matrix(seen, edge)
    if _is_by_vector(seen, edge):
        return _by_vector(seen, edge)
    if edge.local is None:
        arrived = [
            one.product for one in edge.used.contributions
            if seen.shown_as[one.user] == edge.user.name
        ]  # fmt: skip
        value = np.sum(arrived, axis=0) if arrived else np.nan
        return Symbol(f"[{seen.symbol(edge.used).name} through {user.name}]", value)
    local = seen.symbol(edge.used).slope(user, edge.local, sign="∂")
    if edge.user is seen.result:
        return local
    is_number = edge.upstream.size == 1 and not edge.is_elementwise
    came = edge.upstream.reshape(()) if is_number else edge.upstream
    upstream = user.slope(seen.symbol(seen.result), came, sign="d")
    if edge.is_elementwise or is_number:
        return Product((upstream, local))
    if np.shape(edge.local) == edge.upstream.shape:  # of one number that all have
        return Call("flat_sum", (Product((upstream, local)),))
    return Call("chain", (upstream, local))


def is_spelled(seen: Seen, edge: Edge) -> bool:
    """Whether a use is a formula, and not only what comes of it."""
    return edge.local is not None or _is_by_matrix(seen, edge) or _is_by_vector(seen, edge)


def is_of_matrices(step: TraceStep) -> bool:
    """Whether a step is the product of two matrices, or a matrix turned over."""
    known = step.operation in ("matmul", "transpose")
    return known and all(len(one.shape) == 2 for one in step.node.operands)


def shapes_in(formula: Expression) -> str:
    """The shapes of two factors that are too large to be shown: "4x30 times 30x2"."""
    if not isinstance(formula, Call) or formula.function not in SHAPED:
        return ""
    values = [evaluate(one) for one in formula.arguments]
    if all(map(is_whole, values)):
        return ""
    return " times ".join("x".join(map(str, np.shape(value))) for value in values)


def _is_by_matrix(seen: Seen, edge: Edge) -> bool:
    """Whether a node is an operand of such a step in its own shape."""
    shapes = {seen.by_name[edge.user.operands[place]].value.shape for place in edge.places}
    if edge.user.name in seen.products or not is_of_matrices(edge.user):
        return False
    return shapes == {seen.face(edge.used).value.shape}


def _is_by_vector(seen: Seen, edge: Edge) -> bool:
    """Whether a node is a factor, in its own shape, of a matrix and a vector."""
    product = seen.products.get(edge.user.name)
    if product is None or not product.is_of_matrix or len(edge.places) > 1:
        return False
    return seen.has_shape_of(edge.used, product.factors[edge.places[0]])


def _by_vector(seen: Seen, edge: Edge) -> Expression:
    """G·xᵀ of the matrix of A·x, Aᵀ·G of the vector, where G arrives."""
    product = seen.products[edge.user.name]
    return product.use(edge.places[0], seen.slope(edge.user), *seen.factors(product))


def _by_matrix(seen: Seen, edge: Edge) -> Expression:
    """G·Bᵀ of the left factor of A·B, Aᵀ·G of the right one, where G arrives; of Aᵀ Gᵀ."""
    arrived = seen.symbol(edge.user).slope(seen.symbol(seen.result), edge.upstream, sign="d")
    if edge.user.operation == "transpose":
        if edge.user.attributes["axes"] == (0, 1):
            return arrived
        return Call("transposed", (arrived,))
    terms: list[Expression] = []
    for place in edge.places:
        other = Call("transposed", (seen.operand(edge.user.operands[1 - place]),))
        factors = (arrived, other) if place == 0 else (other, arrived)
        terms.append(other if edge.user is seen.result else Call("times", factors))
    return total(terms)
