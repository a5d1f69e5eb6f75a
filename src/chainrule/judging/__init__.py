"""Judging: how good a trained model is, where it fails, and what would help."""

from __future__ import annotations

from chainrule.judging.comparing import PairedComparison, compare
from chainrule.judging.evaluation import Evaluation, evaluate
from chainrule.judging.folds import FoldScores, cross_validated, learning_curve_of_table
from chainrule.judging.learned import learned_note
from chainrule.judging.learning import LearningCurve, learning_curve
from chainrule.judging.slices import Slice
from chainrule.judging.text import slices_block, thresholds_block, worst_block
from chainrule.judging.thresholds import Threshold

__all__ = [
    "Evaluation",
    "FoldScores",
    "LearningCurve",
    "PairedComparison",
    "Slice",
    "Threshold",
    "compare",
    "cross_validated",
    "evaluate",
    "learned_note",
    "learning_curve",
    "learning_curve_of_table",
    "slices_block",
    "thresholds_block",
    "worst_block",
]
