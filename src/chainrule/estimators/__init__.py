"""Networks of tables: settings, plan, training, predictions."""

from chainrule.estimators.fit import fit_table
from chainrule.estimators.model import Held, Predictions, TableModel, load_table_model
from chainrule.estimators.plan import TablePlan, plan_table
from chainrule.estimators.run import TableProgress
from chainrule.estimators.settings import SETTINGS, Setting, TableSettings

__all__ = [
    "SETTINGS",
    "Held",
    "Predictions",
    "Setting",
    "TableModel",
    "TablePlan",
    "TableProgress",
    "TableSettings",
    "fit_table",
    "load_table_model",
    "plan_table",
]
