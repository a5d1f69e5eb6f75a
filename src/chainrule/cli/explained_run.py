"""What a run keeps of why its model answers as it does, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.cli.output import say
from chainrule.cli.progress import waiting
from chainrule.errors import ChainruleError

if TYPE_CHECKING:
    from chainrule.estimators import TableModel, TablePlan
    from chainrule.files import RunFolder

__all__ = ["explain_run"]


def explain_run(plan: TablePlan, model: TableModel, folder: RunFolder) -> None:
    """Write `explained.json`: what the model goes by on the test rows of its plan.

    Where that cannot be done, everything else is there all the same.
    """
    from chainrule.explaining import overview

    try:
        with waiting("explaining what the model goes by"):
            test = plan.test_table
            own = test is not None and len(plan.test_rows) != test.rows
            numbers = None if own else plan.test_rows
            folder.write_explained(overview(model, test, plan.rows["train"], numbers))
    except ChainruleError as error:
        say(f"warning: the report does not say what the model goes by: {error}")
