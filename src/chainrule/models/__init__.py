"""Models: Keras's words over networks, parameters and training."""

from chainrule.models.bound import BoundLayer
from chainrule.models.loading import load_model
from chainrule.models.sequential import Sequential

__all__ = ["BoundLayer", "Sequential", "load_model"]
