"""Why a model answers as it does, column by column."""

from __future__ import annotations

from chainrule.explaining.dependence import Curve, Dependence, partial_dependence
from chainrule.explaining.hidden_unit import ExcitedRow, HiddenUnit, hidden_unit
from chainrule.explaining.permutation import Importance, permutation_importance
from chainrule.explaining.scale import SCALES
from chainrule.explaining.subject import Subject, subject_of
from chainrule.explaining.surrogate import Surrogate, local_surrogate
from chainrule.explaining.unit_drivers import Driver

__all__ = [
    "SCALES",
    "Curve",
    "Dependence",
    "Driver",
    "ExcitedRow",
    "HiddenUnit",
    "Importance",
    "Subject",
    "Surrogate",
    "hidden_unit",
    "local_surrogate",
    "partial_dependence",
    "permutation_importance",
    "subject_of",
]
