"""Reporting: what to watch and to say about a trained network, as plain records."""

from __future__ import annotations

from chainrule.reporting.baselines import (
    Baseline,
    linear_classification,
    linear_regression,
    naive_classification,
    naive_regression,
)
from chainrule.reporting.design import Design
from chainrule.reporting.judge import (
    Judgment,
    judge_classification,
    judge_regression,
    score_classification,
    score_regression,
)
from chainrule.reporting.residuals import ResidualSummary, summarize_residuals

__all__ = [
    "Baseline",
    "Design",
    "Judgment",
    "ResidualSummary",
    "judge_classification",
    "judge_regression",
    "linear_classification",
    "linear_regression",
    "naive_classification",
    "naive_regression",
    "score_classification",
    "score_regression",
    "summarize_residuals",
]
