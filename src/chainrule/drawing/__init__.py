"""Pictures, on matplotlib axes: graphs, networks, activations, boundaries, descent, training.

Each function draws on axes that it is given, or on those of a new figure of pyplot, and gives the
axes. A notebook shows a new figure below the cell; elsewhere `matplotlib.pyplot.show()` opens it.
`ax.figure.savefig("picture.png")` keeps a picture.
"""

from chainrule.drawing.activation import plot_activation
from chainrule.drawing.attributions import plot_attributions, plot_waterfall
from chainrule.drawing.bars import plot_bars, plot_running_sums
from chainrule.drawing.boundary import plot_boundaries_by_units, plot_decision_boundary
from chainrule.drawing.canvas import svg_of
from chainrule.drawing.descent import plot_learning_rates, plot_optimizer_paths
from chainrule.drawing.explained import plot_contributions, plot_dependence, plot_importance
from chainrule.drawing.graph import plot_graph
from chainrule.drawing.hidden_unit import plot_hidden_unit
from chainrule.drawing.history import (
    gradient_norms,
    plot_approximation,
    plot_gradient_norms,
    plot_history,
)
from chainrule.drawing.judgment import plot_judgment, plot_learning_curve, plot_residuals
from chainrule.drawing.learning_rate_range import plot_learning_rate_range
from chainrule.drawing.network import plot_network
from chainrule.drawing.search import plot_search
from chainrule.drawing.unit import Effect, UnitFacts, plot_unit
from chainrule.drawing.weights import plot_weight_images, plot_weights

__all__ = [
    "Effect", "UnitFacts", "gradient_norms", "plot_activation", "plot_approximation",
    "plot_attributions", "plot_bars", "plot_boundaries_by_units", "plot_contributions",
    "plot_decision_boundary", "plot_dependence", "plot_gradient_norms", "plot_graph",
    "plot_hidden_unit", "plot_history", "plot_importance", "plot_judgment",
    "plot_learning_curve", "plot_learning_rate_range", "plot_learning_rates", "plot_network",
    "plot_optimizer_paths", "plot_residuals", "plot_running_sums", "plot_search", "plot_unit",
    "plot_waterfall", "plot_weight_images", "plot_weights", "svg_of",
]  # fmt: skip
