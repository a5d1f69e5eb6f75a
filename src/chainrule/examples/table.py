"""Examples by name."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.examples.backpropagation import han, matrix_form, mazur
from chainrule.examples.boolean import fixed_basis, perceptron_failure, xnor, xor
from chainrule.examples.datasets import circles, logistic_regression, universal_approximation
from chainrule.examples.example import Example
from chainrule.examples.expressions import chain, one_one_one, xyz
from chainrule.examples.starts import symmetric_zeros, vanishing
from chainrule.examples.units import linear_collapse, parameter_counts, softmax_examples

__all__ = ["find", "names"]

EXAMPLES: tuple[Callable[..., Example], ...] = (
    xyz, one_one_one, chain, softmax_examples, parameter_counts, linear_collapse, mazur, han,
    matrix_form, perceptron_failure, xor, xnor, fixed_basis, logistic_regression, circles,
    universal_approximation, symmetric_zeros, vanishing,
)  # fmt: skip
_BY_NAME = {one.__name__.replace("_", "-"): one for one in EXAMPLES}


def names() -> list[str]:
    """What the examples are called, in the order of a course.

    >>> from chainrule import examples
    >>> examples.names()[:3]
    ['xyz', 'one-one-one', 'chain']
    """
    return list(_BY_NAME)


def find(name: str) -> Callable[..., Example]:
    """The function of an example's name; calling it gives the example.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is no name.

    >>> from chainrule import examples
    >>> examples.find("one-one-one") is examples.one_one_one
    True
    """
    if not isinstance(name, str):
        message = f"examples: a name is text such as 'mazur', got {type(name).__name__}."
        raise InputTypeError(message)
    folded = name.casefold().replace("_", "-")
    if folded not in _BY_NAME:
        message = f"examples: {name!r} is not known; {nearest(name, _BY_NAME, listed=True)}"
        raise SettingError(message)
    return _BY_NAME[folded]
