"""Networks of tables: settings, plan, training, predictions; scikit-learn's estimators."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chainrule.errors import missing_from
from chainrule.estimators.choices import Member, chosen_settings
from chainrule.estimators.fit import fit_table
from chainrule.estimators.fitted import check_fitted
from chainrule.estimators.held import Held
from chainrule.estimators.keeping import Keeper
from chainrule.estimators.metric import METRICS, chosen_score, positive_code
from chainrule.estimators.model import Predictions, TableModel, load_table_model
from chainrule.estimators.plan import TablePlan, plan_table, schema_of_table
from chainrule.estimators.run import TableProgress
from chainrule.estimators.settings import SETTINGS, Setting, TableSettings
from chainrule.estimators.staged import StagedFit, StagedRows
from chainrule.estimators.stepping import RowStep, row_step

if TYPE_CHECKING:
    from chainrule.estimators.cross_validation import cross_validate
    from chainrule.estimators.mlp import MLPClassifier, MLPRegressor
    from chainrule.estimators.tabular import TabularEstimator, tabular_estimator
    from chainrule.estimators.tabular_classifier import TabularClassifier
    from chainrule.estimators.tabular_regressor import TabularRegressor

__all__ = [
    "METRICS",
    "SETTINGS",
    "Held",
    "Keeper",
    "MLPClassifier",
    "MLPRegressor",
    "Member",
    "Predictions",
    "RowStep",
    "Setting",
    "StagedFit",
    "StagedRows",
    "TableModel",
    "TablePlan",
    "TableProgress",
    "TableSettings",
    "TabularClassifier",
    "TabularEstimator",
    "TabularRegressor",
    "check_fitted",
    "chosen_score",
    "chosen_settings",
    "cross_validate",
    "fit_table",
    "load_table_model",
    "plan_table",
    "positive_code",
    "row_step",
    "schema_of_table",
    "tabular_estimator",
]

_MODULE_OF = {  # these load scikit-learn
    "MLPClassifier": "mlp",
    "MLPRegressor": "mlp",
    "cross_validate": "cross_validation",
    "TabularClassifier": "tabular_classifier",
    "TabularEstimator": "tabular",
    "TabularRegressor": "tabular_regressor",
    "tabular_estimator": "tabular",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        return missing_from("estimators", __all__)(name)
    value = getattr(importlib.import_module(f"chainrule.estimators.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
