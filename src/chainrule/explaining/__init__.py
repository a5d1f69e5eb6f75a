"""Why a model answers as it does, column by column."""

from __future__ import annotations

from chainrule.explaining.hidden_unit import ExcitedRow, HiddenUnit, hidden_unit
from chainrule.explaining.scale import SCALES
from chainrule.explaining.subject import Subject, subject_of
from chainrule.explaining.unit_drivers import Driver

__all__ = [
    "SCALES",
    "Driver",
    "ExcitedRow",
    "HiddenUnit",
    "Subject",
    "hidden_unit",
    "subject_of",
]
