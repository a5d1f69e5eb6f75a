"""The formulas of a training step as a page takes them: those that text and LaTeX write.

A formula is a number, the key of a symbol (a text), or a list: "+", "·", "⊙", "/", "^", "−" or the
name of a function, then what it is made of, and {told: "axis=0"} of what a function is told. The
page puts its own names and numbers in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from operator import attrgetter
from typing import Any

import numpy as np

from chainrule.layers import InTraining
from chainrule.tracing.activation_formulas import (
    activation_formula,
    activation_slope,
    parametric_relu,
    parametric_slope,
)
from chainrule.tracing.activities import activity_rule
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    negated,
    signs_of,
    told_with,
)
from chainrule.tracing.loss_formulas import general_formulas, has_both, probabilities
from chainrule.tracing.meanings import MEANINGS, meaning
from chainrule.tracing.operations import rule_formula
from chainrule.tracing.step import LayerTrace, ParameterTrace, StepTrace
from chainrule.tracing.step_normal import names_at_positions
from chainrule.tracing.step_numbers import constants_of, numbers_of_step
from chainrule.tracing.step_penalty import activity_slope
from chainrule.tracing.step_update import is_plain_descent
from chainrule.tracing.view import View

__all__ = ["shipped_formulas"]

MOST_OUTPUTS = 12
"""Of each term of a loss whose formula is shipped."""
CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")


def shipped_formulas(trace: StepTrace) -> dict[str, Any]:
    """Formulas of activations, of the loss and of the optimizer's rule."""
    view = View(trace)
    table = trace.trainer.parameters.table
    return {
        "oneLoss": view.one_loss,
        "layers": [
            _of_layer(layer) | _called(view, layer) | _normal(view, place) | _spread(view, place)
            | _activity(view, layer)
            for place, layer in enumerate(trace.layers)
        ],
        **_of_loss(view),
        "rule": _rule(trace),
        "constants": constants_of(_numbers_of_step(trace))
        | {"rate": float(trace.optimizer.rate(trace.iteration))},
        "clipping": {name: getattr(trace.optimizer, name) for name in CLIPPINGS
                     if getattr(trace.optimizer, name)},
        "constrained": [one.name for one in table if one.constraint is not None],
        "meanings": {name: meaning(name)[0] for name in MEANINGS},
    }  # fmt: skip


def _of_layer(layer: LayerTrace) -> dict[str, Any]:
    """What a layer makes of each number z, and its slope in z and what it gives, a."""
    a, z, alpha = (Symbol(name, 0.5) for name in ("a", "z", "alpha"))
    if layer.is_a("PReLU"):
        return {
            "value": plain(parametric_relu(z, alpha)),
            "slope": plain(parametric_slope(z, alpha)),
        }
    name, settings = layer.activation, layer.settings
    return {
        "value": plain(activation_formula(name, settings, z)),
        "slope": None
        if name in (None, "linear")
        else plain(activation_slope(name, settings, a, z)),
    }


def _called(view: View, layer: LayerTrace) -> dict[str, Any]:
    """What the numbers of a layer's parameters are called."""
    paths = {name: f"{layer.name}/{name}" for name in layer.parameters}
    return {"called": {name: view.parameter_names[path] for name, path in paths.items()}}


def _normal(view: View, place: int) -> dict[str, Any]:
    """How a normalization finds mean and variance, and the number that its names have."""
    one, layer = view.normals[place], view.layers[place]
    if layer not in view.normalizing:
        return {}
    number = view.normal_number(layer)
    if one is None:
        return {"letters": number}
    found = {
        "epsilon": one.epsilon, "size": one.size, "fixed": one.fixed, "number": number,
        "units": one.units, "axes": one.axes, "names": names_at_positions(view, place),
    }  # fmt: skip
    return {"letters": number, "normal": found}


def _spread(view: View, place: int) -> dict[str, Any]:
    """Where the parts of ranges begin, and the input that says where numbers lie in theirs."""
    one = view.spreads[place]
    return {} if one is None else {"spread": {"input": one.name, "starts": one.starts.tolist()}}


def _activity(view: View, layer: LayerTrace) -> dict[str, Any]:
    """The slope of the penalty on what a layer gives, in "a" and "size of ...", of power p."""
    rule = activity_rule(view.trace, layer)
    if rule is None:
        return {}
    rule = rule.regularizer if isinstance(rule, InTraining) else rule
    slope = plain(activity_slope(view, layer, Symbol("a", 0.5)))
    return {"activity": {"slope": slope, "p": getattr(rule, "p", None)}}


def _of_loss(view: View) -> dict[str, Any]:
    """A row's own loss, a part of a sum of terms alike, and the slopes by outputs of the first.

    They are in outputs o/k and targets t/k, counted from those of the term. `targets` says whose
    the loss has: "own", of mixed rows those of "both" in shares; None where these are unknown.
    """
    last = len(view.layers) - 1
    own = probabilities(view, 0)[0].name == view.unit(last, 0, 0.0).name
    known = view.targets is not None and (not view.mixed or has_both(view))
    found: dict[str, Any] = {
        "loss": None, "slopes": [], "outputs": "a" if own else "p",
        "targets": "own" if not view.mixed else "both" if known else None,
    }  # fmt: skip
    if view.targets is None or not known:
        return found
    count = view.targets.shape[1]
    outputs = [Symbol(f"o/{k}", 1 / (count + 1)) for k in range(count)]
    targets = [Symbol(f"t/{k}", 0.25) for k in range(count)]
    view.folding = replace(view.folding, terms=MOST_OUTPUTS)
    general = general_formulas(view, outputs, targets)
    if general is None or general.width > MOST_OUTPUTS:
        return found
    slopes = [one if one is None or not view.errors else negated(one) for one in general.slopes]
    loss = {"term": plain(general.term), "width": general.width, "part": general.part}
    return found | {"loss": loss, "slopes": [plain(one) for one in slopes]}


def _rule(trace: StepTrace) -> dict[str, Any] | None:
    """The optimizer's rule on a number: what it makes of each slot, and of the weight."""
    found = _moved(trace)
    if found is None:
        return None
    rule = trace.optimizer
    made = trace.update(*found)
    known: dict[int, Expression] = {}
    for name, node in made.leaves.items():
        known[node.number] = _leaf(name, made.slots)
    slots = {}
    for name, node in made.slots.items():
        slots[name] = plain(rule_formula(node, known))
        known[node.number] = Symbol(f"new/{name}", 0.0, head=name)
    return {
        "slots": slots,
        "flushed": {name: node.attributes["threshold"] for name, node in made.slots.items()
                    if node.operation is not None and node.operation.name == "flush"},
        "weight": plain(rule_formula(made.weight, known)),
        "numbers": [[symbol.name, plain(one)] for symbol, one in _numbers_of_step(trace)],
        "plain": is_plain_descent(rule),
    }  # fmt: skip


def _numbers_of_step(trace: StepTrace) -> list[tuple[Symbol, Expression | None]]:
    """The numbers of any step, with the step as a symbol."""
    return numbers_of_step(trace.optimizer, trace.line, Symbol("step", trace.iteration))


def _leaf(name: str, slots: Mapping[str, Any]) -> Symbol:
    """A leaf of the rule; numbers of the step and the weight stand before what has a head."""
    if name in slots:
        return Symbol(f"slot/{name}", 0.0, head=name)
    if name == "gradient":
        return Symbol(name, 0.0, head="g")
    return Symbol(name if name == "weight" else f"line/{name}", 0.0)


def _moved(trace: StepTrace) -> tuple[str, tuple[int, ...]] | None:
    """The first number that an update reaches."""
    for layer in trace.layers:
        parameters: Mapping[str, ParameterTrace] = layer.parameters
        for name, one in parameters.items():
            if one.clipped is not None and one.before.size:
                return f"{layer.name}/{name}", (0,) * one.before.ndim
    return None


def plain(one: Expression | None, called: Callable[[Symbol], str] = attrgetter("name")) -> Any:
    """A formula as plain values; None where there is none, or terms of it are left out.

    called
        The key of a symbol.

    >>> from chainrule.tracing.formula import minus
    >>> plain(Product((Symbol("a", 0.5), minus(Number(1), Symbol("a", 0.5)))))
    ['·', 'a', ['+', 1.0, ['−', 'a']]]
    """

    def several(parts: Iterable[Expression]) -> list[Any]:
        return [plain(part, called) for part in parts]

    match one:
        case None | Rest():
            return None
        case Symbol():
            return called(one)
        case Number():
            number = float(np.reshape(one.value, ()))
            return number if isfinite(number) else None
        case Call():
            told = ({"told": said} for said in told_with(one))
            made = [one.function, *several(one.arguments), *told]
        case Sum():
            made = ["+", *several(one.terms)]
        case Product():
            factors = several(one.factors)
            made = [None] if None in factors else _product(factors, signs_of(one))
        case Quotient():
            made = ["/", *several((one.top, one.bottom))]
        case Power():
            made = ["^", *several((one.base, one.exponent))]
        case Negative():
            made = ["−", *several((one.operand,))]
    return None if None in made else made


def _product(factors: Sequence[Any], signs: Sequence[str]) -> list[Any]:
    """Factors with the signs between them; those before another sign are its first factor."""
    made = [signs[0], factors[0]]
    for sign, factor in zip(signs, factors[1:], strict=True):
        made = [*made, factor] if sign == made[0] else [sign, made, factor]
    return made
