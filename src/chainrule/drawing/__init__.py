"""Pictures, on matplotlib axes: activations, boundaries, descent, training, gradients.

Each function draws on axes that it is given, or on those of a new figure, and gives the axes:
`ax.figure.savefig("picture.png")` keeps the picture, and a notebook with `%matplotlib inline` shows
`ax.figure`. pyplot is not used, so nothing stays open.
"""

from chainrule.drawing.activation import plot_activation
from chainrule.drawing.boundary import plot_boundaries_by_units, plot_decision_boundary
from chainrule.drawing.descent import plot_learning_rates, plot_optimizer_paths
from chainrule.drawing.history import (
    gradient_norms,
    plot_approximation,
    plot_gradient_norms,
    plot_history,
)

__all__ = [
    "gradient_norms", "plot_activation", "plot_approximation", "plot_boundaries_by_units",
    "plot_decision_boundary", "plot_gradient_norms", "plot_history", "plot_learning_rates",
    "plot_optimizer_paths",
]  # fmt: skip
