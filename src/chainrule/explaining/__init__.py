"""Why a model answers as it does, column by column."""

from __future__ import annotations

from chainrule.explaining.scale import SCALES
from chainrule.explaining.subject import Subject, subject_of

__all__ = ["SCALES", "Subject", "subject_of"]
