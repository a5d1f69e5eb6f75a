"""How predictions of numbers miss: a summary of residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.reporting.answers import NumberAnswers

__all__ = ["ResidualSummary", "summarize_residuals"]

SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
LARGEST = 10


@dataclass(frozen=True)
class ResidualSummary:
    """How far predictions are off.

    Args:
        bias: the weighted mean of prediction - truth; above 0: predictions are too high.
        quantiles: share to residual (truth - prediction), rows counted alike.
        largest: the rows furthest off, worst first: (row, truth, prediction).
    """

    bias: float
    quantiles: dict[float, float]
    largest: tuple[tuple[int, float, float], ...]

    def to_record(self) -> dict[str, Any]:
        """Plain values.

        >>> ResidualSummary(0.5, {0.5: -0.25}, ((7, 1.0, 3.0),)).to_record()["largest"]
        [{'row': 7, 'truth': 1.0, 'prediction': 3.0}]
        """
        names = ("row", "truth", "prediction")
        return {
            "bias": self.bias,
            "quantiles": {f"{share:g}": value for share, value in self.quantiles.items()},
            "largest": [dict(zip(names, row, strict=True)) for row in self.largest],
        }


def summarize_residuals(answers: NumberAnswers) -> ResidualSummary:
    """The summary for checked answers."""
    truth, prediction = answers.truth, answers.prediction
    with np.errstate(over="ignore"):
        residuals = truth - prediction
        shares = answers.weights / answers.weights.max()
        bias = -float((residuals * (shares / shares.sum())).sum())
    points = np.quantile(residuals, SHARES)
    worst = np.argsort(-np.abs(residuals), kind="stable")[:LARGEST]
    largest = tuple(
        (int(answers.rows[row]), float(truth[row]), float(prediction[row])) for row in worst
    )
    return ResidualSummary(bias, dict(zip(SHARES, points.tolist(), strict=True)), largest)
