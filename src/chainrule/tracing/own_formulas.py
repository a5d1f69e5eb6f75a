"""What single operations of the user's own make of numbers, and hand back, as formulas."""

from __future__ import annotations

from chainrule.tracing.activation_formulas import activation_formula
from chainrule.tracing.formula import Call, Expression, Negative, Number, Product, Symbol, minus
from chainrule.tracing.operations import formula_of
from chainrule.training import TracedNode

__all__ = ["CONSTANT", "FLAT", "MOVING", "PASSING", "SHARES", "passed", "share_slope", "spelled"]

PASSING = ("cast", "flush", "reshape")
"""Operations that give the numbers that they are given, in their order."""
MOVING = ("broadcast_to", "concatenate", "flip", "narrow", "transpose")
"""Operations that give the numbers that they are given, in other places."""
FLAT = ("equal", "greater", "sign", "stop_gradient")
"""Operations that hand no derivative back."""
SHARES = ("softmax", "log_softmax")
"""Operations of which each number is made of all along an axis."""
CONSTANT = ("constant", "count")
"""What has the same numbers whatever a network is given."""


def passed(node: TracedNode) -> tuple[int, ...]:
    """The operands to which a derivative is handed back."""
    if node.operation == "masked":
        return node.operands[:1]
    return () if node.operation in FLAT else node.operands


def spelled(node: TracedNode, operands: list[Expression]) -> Expression | None:
    """What an operation makes of its operands; None where it is not spelled."""
    match node.operation:
        case "greater":
            return Call("holds", (minus(*operands),))
        case "masked":
            return formula_of("multiply", operands, {})
        case moving if moving in MOVING:
            return operands[0]
        case "leaky_relu" if isinstance(operands[0], Symbol):
            return activation_formula("leaky_relu", node.attributes, operands[0])
    return formula_of(node.operation, operands, node.attributes)


def share_slope(operation: str, one: Symbol, own: Symbol, same: bool) -> Expression:
    """The derivative of a share, or of its logarithm, by what the share `own` is made of."""
    power: Expression = Call("exp", (own,)) if operation == "log_softmax" else own
    if operation == "log_softmax":
        return minus(Number(1), power) if same else Negative(power)
    return Product((one, minus(Number(1), own))) if same else Negative(Product((one, own)))
