"""Worked examples of a first course: `print(chainrule.examples.mazur())`.

Each is a function that builds the real thing, computes every number when it is called, and gives an
`Example`: a title, a sentence and a table of named quantities, with the models or nodes that they
were computed with.
"""

from chainrule.examples.backpropagation import han, matrix_form, mazur
from chainrule.examples.boolean import fixed_basis, perceptron_failure, xnor, xor
from chainrule.examples.datasets import circles, logistic_regression, universal_approximation
from chainrule.examples.example import Example, Quantity
from chainrule.examples.expressions import chain, one_one_one, xyz
from chainrule.examples.starts import symmetric_zeros, vanishing
from chainrule.examples.table import find, names
from chainrule.examples.units import linear_collapse, parameter_counts, softmax_examples

__all__ = [
    "Example", "Quantity", "chain", "circles", "find", "fixed_basis", "han", "linear_collapse",
    "logistic_regression", "matrix_form", "mazur", "names", "one_one_one", "parameter_counts",
    "perceptron_failure", "softmax_examples", "symmetric_zeros", "universal_approximation",
    "vanishing", "xnor", "xor", "xyz",
]  # fmt: skip
