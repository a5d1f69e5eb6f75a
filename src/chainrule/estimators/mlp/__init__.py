"""Drop-in replacements for the networks of scikit-learn."""

from chainrule.estimators.mlp.classifier import MLPClassifier
from chainrule.estimators.mlp.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
