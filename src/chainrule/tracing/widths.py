"""How many numbers a network is given and its layers give, as its title says it."""

from __future__ import annotations

from chainrule.tracing.folding import flat
from chainrule.tracing.step import LayerTrace, StepTrace

__all__ = ["widths_of"]


def _makes_units(layer: LayerTrace) -> bool:
    """Whether a layer of the user's own has weights, or gives more or fewer numbers."""
    x, a = layer.numbers.x, layer.numbers.a
    return layer.own and bool(layer.parameters or (x is not None and x.size != a.size))


def widths_of(trace: StepTrace) -> list[int]:
    """How many numbers a network is given, then how many each layer with weights gives."""
    layers = [one for one in trace.layers if one.kernel is not None or _makes_units(one)]
    if all(layer.place is not None for layer in layers):
        return [len(one) for one in trace.names.units]
    x = layers[0].numbers.x
    given = next(iter(trace.inputs.values())) if x is None else x
    return [
        flat(one, trace.rows).shape[1] for one in (given, *(one.numbers.a for one in layers))
    ]  # fmt: skip
