"""Models: Keras's words over networks, parameters and training."""

from chainrule.models.bound import BoundLayer
from chainrule.models.learning_rate_range import LearningRateRange, learning_rate_range_test
from chainrule.models.loading import load_model
from chainrule.models.sequential import Sequential

__all__ = [
    "BoundLayer",
    "LearningRateRange",
    "Sequential",
    "learning_rate_range_test",
    "load_model",
]
