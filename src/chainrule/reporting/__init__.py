"""Reporting: what to watch and to say about a trained network, as plain records."""

from __future__ import annotations

from chainrule.reporting.baselines import (
    Baseline,
    linear_classification,
    linear_regression,
    naive_classification,
    naive_regression,
)
from chainrule.reporting.bootstrap import LEVEL, drawn, intervals, resamples_for
from chainrule.reporting.comparison import (
    Comparison,
    Difference,
    compare_runs,
    groups_of_same_rows,
    leads_over_baselines,
    settings_that_differ,
    why_apart,
)
from chainrule.reporting.curves import (
    Calibration,
    calibration,
    precision_recall_points,
    roc_points,
    thinned,
)
from chainrule.reporting.design import Design
from chainrule.reporting.doctor import Doctor
from chainrule.reporting.few import FEW_ROWS, few_rows, grouped_rows
from chainrule.reporting.finding import Finding
from chainrule.reporting.fitting import Fit, fit_of, fitting_of_run
from chainrule.reporting.judge import (
    Judgment,
    judge_classification,
    judge_regression,
    score_classification,
    score_regression,
)
from chainrule.reporting.judged import JudgedRows
from chainrule.reporting.one_score import OneScore, score_of_classes, score_of_numbers
from chainrule.reporting.report import write_report
from chainrule.reporting.residuals import ResidualSummary, summarize_residuals
from chainrule.reporting.runs import Run, find_runs, read_run
from chainrule.reporting.scores import LOWER_IS_BETTER, main_score

__all__ = [
    "FEW_ROWS",
    "LEVEL",
    "LOWER_IS_BETTER",
    "Baseline",
    "Calibration",
    "Comparison",
    "Design",
    "Difference",
    "Doctor",
    "Finding",
    "Fit",
    "JudgedRows",
    "Judgment",
    "OneScore",
    "ResidualSummary",
    "Run",
    "calibration",
    "compare_runs",
    "drawn",
    "few_rows",
    "find_runs",
    "fit_of",
    "fitting_of_run",
    "grouped_rows",
    "groups_of_same_rows",
    "intervals",
    "judge_classification",
    "judge_regression",
    "leads_over_baselines",
    "linear_classification",
    "linear_regression",
    "main_score",
    "naive_classification",
    "naive_regression",
    "precision_recall_points",
    "read_run",
    "resamples_for",
    "roc_points",
    "score_classification",
    "score_of_classes",
    "score_of_numbers",
    "score_regression",
    "settings_that_differ",
    "summarize_residuals",
    "thinned",
    "why_apart",
    "write_report",
]
