"""Why a model answers as it does, column by column."""

from __future__ import annotations

from chainrule.explaining.attributions import Attributions, RowAttribution
from chainrule.explaining.column_values import ColumnValues, MeanAttribution
from chainrule.explaining.dependence import Curve, Dependence, dependence_of, partial_dependence
from chainrule.explaining.gradients import integrated_gradients, saliency
from chainrule.explaining.hidden_unit import ExcitedRow, HiddenUnit, hidden_unit
from chainrule.explaining.outputs import MOST_CLASSES, likeliest
from chainrule.explaining.overview import overview, rows_within
from chainrule.explaining.permutation import Importance, permutation_importance
from chainrule.explaining.scale import SCALES
from chainrule.explaining.shap_values import shap_values
from chainrule.explaining.subject import Subject, subject_of
from chainrule.explaining.surrogate import Surrogate, local_surrogate
from chainrule.explaining.unit_drivers import Driver

__all__ = [
    "MOST_CLASSES",
    "SCALES",
    "Attributions",
    "ColumnValues",
    "Curve",
    "Dependence",
    "Driver",
    "ExcitedRow",
    "HiddenUnit",
    "Importance",
    "MeanAttribution",
    "RowAttribution",
    "Subject",
    "Surrogate",
    "dependence_of",
    "hidden_unit",
    "integrated_gradients",
    "likeliest",
    "local_surrogate",
    "overview",
    "partial_dependence",
    "permutation_importance",
    "rows_within",
    "saliency",
    "shap_values",
    "subject_of",
]
