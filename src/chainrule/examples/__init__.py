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
from chainrule.examples.spec import ExpressionSpec, NetworkSpec, read_spec, spec_of
from chainrule.examples.spec_text import spec_text
from chainrule.examples.starts import symmetric_zeros, vanishing
from chainrule.examples.table import find, names
from chainrule.examples.units import linear_collapse, parameter_counts, softmax_examples

__all__ = [
    "Example", "ExpressionSpec", "NetworkSpec", "Quantity", "chain", "circles", "find",
    "fixed_basis", "han", "linear_collapse", "logistic_regression", "matrix_form", "mazur", "names",
    "one_one_one", "parameter_counts", "perceptron_failure", "read_spec", "softmax_examples",
    "spec_of", "spec_text", "symmetric_zeros", "universal_approximation", "vanishing", "xnor",
    "xor", "xyz",
]  # fmt: skip
