"""The space that is searched where none is given."""

from __future__ import annotations

from typing import Any

from chainrule.estimators import SETTINGS, TablePlan, TableSettings
from chainrule.tuning.space import DECAYING, LAYERS, UNITS, Space, space_of

__all__ = ["default_space"]

FEW_ROWS = 2_000


def default_space(plan: TablePlan, method: str) -> Space:
    """Dimensions that matter for a table of this size, without settings that were set already.

    A grid has few values of the three that matter most.
    """
    found = _grid(plan) if method == "grid" else _wide(plan)
    usual = TableSettings()
    fixed = {name for name in SETTINGS if getattr(plan.settings, name) != getattr(usual, name)}
    if "hidden" in fixed:
        fixed |= {LAYERS, UNITS}
    if plan.chosen.optimizer != DECAYING:
        fixed.add("weight_decay")
    return space_of({name: one for name, one in found.items() if name not in fixed})


def _grid(plan: TablePlan) -> dict[str, Any]:
    rate = plan.chosen.learning_rate or 1e-3
    few = plan.pool.rows <= FEW_ROWS
    return {
        "learning_rate": [float(f"{one:.3g}") for one in (rate / 3, rate, rate * 3)],
        "hidden": [[64], [128, 64], [256, 128]] if few else [[128], [256, 128], [512, 256]],
        "dropout": [0.0, 0.2, 0.4],
    }


def _wide(plan: TablePlan) -> dict[str, Any]:
    rows = plan.pool.rows
    largest = 256 if rows <= FEW_ROWS else 512
    sizes = [2**power for power in range(4, 11) if 12 <= rows / 2**power <= 2_000]
    return {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "batch_size": sizes or [16, 32, 64],
        LAYERS: (1, 4),
        UNITS: {"low": 32, "high": largest, "log": True},
        "dropout": (0.0, 0.6),
        "weight_decay": {"low": 1e-3, "high": 1.0, "log": True, "zero": True},
        "l1": {"low": 1e-7, "high": 1e-3, "log": True, "zero": True},
        "l2": {"low": 1e-7, "high": 1e-3, "log": True, "zero": True},
        "optimizer": ["adamw", "adam", "nadam"],
        "activation": ["relu", "gelu", "silu", "tanh"],
        "normalization": ["none", "batch", "layer"],
    }
