"""What the numbers of parameters are called that are no weights or biases of sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chainrule.tracing.notation import Names
from chainrule.tracing.step import LayerTrace

__all__ = ["parameter_names"]

OF_SUMS = ("W", "b", "Θ", "z", "δ")
"""What weights, sums and their derivatives are called of a layer that has its name in theirs."""


def parameter_names(layers: Sequence[LayerTrace], names: Names) -> dict[str, str]:
    """What the numbers of each parameter are called, by its path, without their places.

    Those of own/a are called a_own; where something else has this name, own/a.
    """
    called = {
        f"{layer.name}/{parameter}": f"{parameter}_{layer.name}"
        for layer in layers
        for parameter in layer.parameters
    }
    of_sums = [
        f"{letter}_{layer.name}" for layer in layers if layer.kernel for letter in OF_SUMS
    ]  # fmt: skip
    units = [unit for layer in names.units for unit in layer]
    count = Counter([*called.values(), *of_sums, *units])
    return {path: name if count[name] == 1 else path for path, name in called.items()}
