"""`chainrule evaluate`: how good a trained run is on a table that has the target."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, say, show, text_table
from chainrule.cli.parser import Parser
from chainrule.errors import DataError
from chainrule.text import score_digits, spell_score

if TYPE_CHECKING:
    from chainrule.data import Table
    from chainrule.estimators import TableModel
    from chainrule.files import RunFolder
    from chainrule.judging import Evaluation
    from chainrule.reporting import Judgment, ResidualSummary

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "RUN DATA [options]"
EXAMPLES = """\
examples:
  chainrule evaluate runs/houses-price-1 houses-2024.csv
  chainrule evaluate runs/houses-price-1 houses-2024.csv --by all --worst 10
  chainrule evaluate runs/churn-left-1 new.csv --costs 1,5
  chainrule evaluate runs/churn-left-1 new.csv --against runs/churn-left-2
"""
MOST_CLASSES = 12
MOST_WORST = 5

Array = np.ndarray[Any, np.dtype[Any]]


def add_options(parser: Parser) -> None:
    """What the command takes."""
    parser.add_argument("run", metavar="RUN", help="a run folder, or its model file")
    parser.add_argument("data", metavar="DATA", help="the table, as for 'chainrule train'")
    parser.add_argument(
        "--all", action="store_true",
        help="of the table of training score all rows, not only those of the test",
    )  # fmt: skip
    parser.add_argument(
        "--metric", metavar="NAME",
        help="the score to compare, to slice and to draw curves by; that of training by default",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", metavar="T", type=_threshold,
        help="what calling a row positive from this probability on comes to, beside 0.5",
    )  # fmt: skip
    parser.add_argument(
        "--costs", metavar="FP,FN", type=_costs,
        help="what a false positive and a false negative cost, as 1,5: the cheapest threshold",
    )  # fmt: skip
    parser.add_argument(
        "--by", metavar="COLUMN", action="append", default=[],
        help="scores by value of a column, or all (may be given several times)",
    )  # fmt: skip
    parser.add_argument(
        "--worst", metavar="N", type=partial(_whole, least=0), default=MOST_WORST,
        help=f"the N rows it gets most wrong (default {MOST_WORST})",
    )  # fmt: skip
    parser.add_argument(
        "--against", metavar="RUN2", help="compare with another run on the same rows"
    )
    parser.add_argument(
        "--folds", metavar="K", type=partial(_whole, least=2),
        help="also train anew on DATA with the run's settings, K parts held out in turn",
    )  # fmt: skip
    parser.add_argument(
        "--learning-curve", action="store_true",
        help="also train anew on ever more rows of DATA: would more rows help?",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON record")


def run(options: argparse.Namespace) -> int:
    """Score and print."""
    from chainrule.cli.evaluated import extra_record, extras, show_details, show_extras
    from chainrule.cli.typed import as_typed
    from chainrule.data import read_table
    from chainrule.estimators import load_table_model
    from chainrule.files import RunFolder, strict_json
    from chainrule.judging import evaluate

    folder = RunFolder.open(options.run)
    model = load_table_model(folder.model_path)
    whole = read_table(options.data)
    rows = _rows_with_target(model, whole)
    tested = None if options.all else _test_rows(folder, whole)
    if tested is not None:
        rows = rows[np.isin(rows, tested)]
    _say_weights(model, whole)
    _check_labels(model, whole.take(rows))
    with as_typed():
        found = evaluate(
            options.run, whole if tested is None else whole.take(rows), metric=options.metric,
            threshold=options.threshold, costs=options.costs, by=options.by, worst=options.worst,
            seed=model.settings.seed,
        )  # fmt: skip
    found = found if tested is None else _numbered(found, rows)
    shared = _shared(options, whole, rows)
    if not options.json:
        _show(found)
        show_details(options, found)
    for note in found.notes:
        say(f"note: {note}")
    if not options.json:
        show_extras(options, extras(options, model, whole, shared, found))
        return 0
    record = {"run": str(folder.path), "left_out": whole.rows - len(rows), **found.to_record()}
    try:
        record |= extra_record(extras(options, model, whole, shared, found))
    finally:  # the scores are known, even where training anew fails
        show(strict_json(record))
    return 0


def _costs(text: str) -> dict[str, float]:
    try:
        false_positive, false_negative = map(float, text.split(","))
    except ValueError:
        false_positive = false_negative = -1.0
    costs = {"false_positive": false_positive, "false_negative": false_negative}
    if not all(0 <= one < np.inf for one in costs.values()) or not any(costs.values()):
        message = f"must be two numbers of 0 or more, not both 0, as 1,5, got {text!r}."
        raise argparse.ArgumentTypeError(message)
    return costs


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        message = f"must be a number from 0 to 1, got {text!r}."
        raise argparse.ArgumentTypeError(message)
    return value


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        message = f"must be a whole number of {least} or more, got {text!r}."
        raise argparse.ArgumentTypeError(message)
    return value


def _is_of_training(folder: RunFolder, table: Table) -> bool:
    """Whether this is the table of training, by the fingerprint in config.toml."""
    from chainrule.data import fingerprint

    if not folder.config_path.is_file():
        return False
    return bool(folder.read_config().get("fingerprint") == fingerprint(table))


def _test_rows(folder: RunFolder, table: Table) -> Array | None:
    """Of the table of training the rows of the test; None of another, or where it has none."""
    from chainrule.reporting import JudgedRows

    if not _is_of_training(folder, table) or not folder.judged_path.is_file():
        return None
    judged = JudgedRows.load(folder.judged_path)
    if judged.rows is None:
        return None
    say(
        f"note: the run was trained on this table: only its {plural(len(judged.rows), 'test row')} "
        "are scored, which training has not seen (--all scores all)."
    )
    return judged.rows


def _shared(options: argparse.Namespace, table: Table, rows: Array) -> Table:
    """The rows that are scored, without those that the other run was trained on."""
    from chainrule.files import RunFolder
    from chainrule.reporting import JudgedRows

    if options.against is None or options.all:
        return table.take(rows)
    other = RunFolder.open(options.against)
    if not _is_of_training(other, table) or not other.judged_path.is_file():
        return table.take(rows)
    judged = JudgedRows.load(other.judged_path)
    kept = rows if judged.rows is None else rows[np.isin(rows, judged.rows)]
    if not len(kept):
        message = (
            f"--against: {other.path} was trained on all rows that {options.run} is judged by; "
            "give rows that neither has seen, or runs of one --seed."
        )
        raise DataError(message)
    if len(kept) < len(rows):
        say(f"note: compared on the {plural(len(kept), 'row')} that neither run has learned from.")
    return table.take(kept)


def _rows_with_target(model: TableModel, table: Table) -> Array:
    """The positions of the rows that can be scored; raises DataError where there is none."""
    target = str(model.schema.target)
    rows: Array = np.flatnonzero(~table.column(target).missing)
    if len(rows) == 0:
        message = (
            f"{table.source}: the target {target!r} is missing in every row; give rows with it, "
            "or use 'chainrule predict'."
        )
        raise DataError(message)
    return rows


def _check_labels(model: TableModel, table: Table) -> None:
    """Says which labels training has not seen; raises DataError where it has seen none."""
    truth: Array = model.truth(table)
    if not model.is_classification:
        return
    unseen = truth < 0
    if unseen.any():
        target = str(model.schema.target)
        labels = table.columns[target].take(np.flatnonzero(unseen)).keys
        shown = ", ".join(map(repr, labels[:5])) + (" ..." if labels[5:] else "")
        count = int(unseen.sum())
        if count == len(truth):
            known = ", ".join(repr(label) for label in getattr(model.labels, "classes", ())[:10])
            message = (
                f"{table.source}: column {target!r} holds no label of training, only {shown}; "
                f"known: {known}."
            )
            raise DataError(message)
        say(f"note: {plural(count, 'row')} left out, of labels not seen in training: {shown}.")


def _say_weights(model: TableModel, table: Table) -> None:
    name = model.schema.named("weight")
    if name is not None and name not in table.names:
        say(f"note: there is no weight column {name!r}: each row counts as much as any other.")


def _numbered(found: Evaluation, rows: Array) -> Evaluation:
    """The evaluation of some rows of DATA, rows counted as they stand there."""
    worst = tuple({**one, "row": int(rows[one["row"]])} for one in found.worst)
    judgment = found.judgment.numbered(rows)
    return replace(found, judgment=judgment, worst=worst, rows=rows[found.rows])


def _show(found: Evaluation) -> None:
    from chainrule.cli.scores import scores_text

    judgment = found.judgment
    show(f"{found.target}: {plural(judgment.rows, 'row')} scored")
    every = replace(judgment, metrics=found.scores, intervals=found.intervals)
    show(scores_text(every, title="value"))
    if found.sureness_told:
        show(found.sureness_told)
    if judgment.residuals is not None:
        show(_residuals_text(judgment.residuals))
    elif judgment.confusion is None or len(judgment.labels) > MOST_CLASSES:
        show(f"\nconfusion: {len(judgment.labels)} labels are too many to show; see --json")
    else:
        show(_confusion_text(judgment))


def _confusion_text(judgment: Judgment) -> str:
    labels = [str(label) for label in judgment.labels]
    counts = judgment.confusion or ()
    what = "weights" if judgment.weighted else "rows"
    lines = [
        (label, *(f"{count:,.6g}" for count in row))
        for label, row in zip(labels, counts, strict=True)
    ]
    header = ("", *labels)
    table = text_table(header, lines, right=tuple(range(1, len(header))))
    return f"\nconfusion: {what} by true label (down) and prediction (across)\n{table}"


def _residuals_text(residuals: ResidualSummary) -> str:
    digits = score_digits(max(map(abs, residuals.quantiles.values()), default=0.0))
    shares = [f"{share:.0%}" for share in residuals.quantiles]
    values = [spell_score(value, digits) for value in residuals.quantiles.values()]
    table = text_table(shares, [values], right=tuple(range(len(shares))))
    mean = spell_score(-residuals.bias, digits)
    return (
        f"\nresiduals (truth - prediction): this share of the rows lies below\n{table}"
        f"\n\nmean of truth - prediction: {mean}"
    )
