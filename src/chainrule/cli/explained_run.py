"""What a run keeps of why its model answers as it does, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.cli.progress import waiting

if TYPE_CHECKING:
    from chainrule.estimators import TableModel, TablePlan
    from chainrule.files import RunFolder

__all__ = ["explain_run"]


def explain_run(plan: TablePlan, model: TableModel, folder: RunFolder) -> None:
    """Write `explained.json`: what the model goes by on the test rows of its plan."""
    from chainrule.explaining import overview

    with waiting("explaining what the model goes by"):
        folder.write_explained(overview(model, plan.test_table, plan.rows["train"]))
