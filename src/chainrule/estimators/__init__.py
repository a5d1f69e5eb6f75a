"""Networks of tables: settings, plan, training, predictions."""

from chainrule.estimators.cross_validation import cross_validate
from chainrule.estimators.fit import TableProgress, fit_table
from chainrule.estimators.mlp import MLPClassifier, MLPRegressor
from chainrule.estimators.model import Held, Predictions, TableModel, load_table_model
from chainrule.estimators.plan import TablePlan, plan_table
from chainrule.estimators.settings import SETTINGS, Setting, TableSettings

__all__ = [
    "SETTINGS",
    "Held",
    "MLPClassifier",
    "MLPRegressor",
    "Predictions",
    "Setting",
    "TableModel",
    "TablePlan",
    "TableProgress",
    "TableSettings",
    "cross_validate",
    "fit_table",
    "load_table_model",
    "plan_table",
]
