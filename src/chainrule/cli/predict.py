"""`chainrule predict`: a prediction for each row of a table, in order."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, say, show
from chainrule.cli.parser import Parser
from chainrule.cli.rows import (
    check_format,
    csv_text,
    json_text,
    refuse_existing,
    result_column,
    write_rows,
)
from chainrule.cli.typed import as_typed
from chainrule.errors import DataError, SettingError, listing

if TYPE_CHECKING:
    from chainrule.data import Column, Table
    from chainrule.estimators import Predictions, TableModel

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "RUN DATA [options]"
EXAMPLES = """\
examples:
  chainrule predict runs/houses-price-1 new.csv > predictions.csv
  chainrule predict runs/churn-left-1 new.csv --proba --keep id --out p.parquet
  chainrule predict runs/houses-price-1 new.csv --interval 0.9

A file that --out names is .csv, .tsv, .json, .jsonl or .parquet.
"""
PREDICTION = "prediction"
LARGEST_EXACT = 2**53


def add_options(parser: Parser) -> None:
    """What the command takes."""
    parser.add_argument("run", metavar="RUN", help="a run folder, or its model file")
    parser.add_argument("data", metavar="DATA", help="the table, as for 'chainrule train'")
    parser.add_argument("--out", metavar="FILE", help="write a file instead of CSV to stdout")
    parser.add_argument(
        "--proba", action="store_true", help="also the probability of each label of the target"
    )
    parser.add_argument(
        "--threshold",
        metavar="T",
        type=_share,
        help="predict the positive label from this probability on (target of two labels)",
    )
    parser.add_argument(
        "--interval",
        metavar="SHARE",
        type=float,
        help="also lower and upper: bounds that cover this share of rows, as 0.9 (target of "
        "numbers)",
    )
    parser.add_argument(
        "--keep",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column of DATA to put before the prediction (may be given several times)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list of the rows")


def run(options: argparse.Namespace) -> int:
    """Predict and write."""
    from chainrule.data import read_table
    from chainrule.estimators import load_table_model
    from chainrule.files import RunFolder, strict_json

    if options.out is not None:
        check_format(options.out)
        refuse_existing(options.out)
    folder = RunFolder.open(options.run)
    model = load_table_model(folder.model_path)
    if options.threshold is not None or options.proba:
        _check_classes(model, options)
    if options.interval is not None:
        _check_numbers(model)
    table = read_table(options.data)
    for name in options.keep:
        _check_kept(name, table)
    predictions = model.predict(table)
    columns = _columns(model, predictions, table, options)
    if options.out is not None:
        write_rows(options.out, columns)
        say(f"{plural(table.rows, 'prediction')} written to {options.out}")
        if options.json:
            show(strict_json({"run": str(folder.path), "rows": table.rows, "out": options.out}))
    elif options.json:
        sys.stdout.write(json_text(columns))
    else:
        sys.stdout.write(csv_text(columns))
    return 0


def _check_classes(model: TableModel, options: argparse.Namespace) -> None:
    option = "--threshold" if options.threshold is not None else "--proba"
    target = model.schema.target
    if model.schema.task != "classification":
        message = f"{option}: the target {target!r} is a number, not a class; leave it out."
        raise SettingError(message)
    classes = getattr(model.labels, "classes", ())
    if options.threshold is not None and len(classes) != 2:
        message = (
            f"--threshold: the target {target!r} has {len(classes)} labels; a threshold is for "
            "two. Use --proba to decide by yourself."
        )
        raise SettingError(message)


def _check_numbers(model: TableModel) -> None:
    target = model.schema.target
    if model.schema.task == "classification":
        message = (
            f"--interval: the target {target!r} is a class, not a number; use --proba for the "
            "probability of each label."
        )
        raise SettingError(message)


def _check_kept(name: str, table: Table) -> None:
    column = table.column(name)
    if column.kind == "number" and (np.abs(column.values) > LARGEST_EXACT).any():
        message = (
            f"--keep: column {name!r} has numbers beyond {LARGEST_EXACT}, which would be rounded; "
            f"read it as text: \"SELECT * REPLACE ({name}::VARCHAR AS {name}) FROM 'FILE'\"."
        )
        raise DataError(message)


def _columns(
    model: TableModel, predictions: Predictions, table: Table, options: argparse.Namespace
) -> dict[str, Column]:
    """Columns of the result by name: those kept, the prediction, the probabilities."""
    added: dict[str, Any] = {PREDICTION: predictions.values}
    probabilities = predictions.probabilities
    if probabilities is not None and options.threshold is not None:
        added[PREDICTION] = _decided(model, probabilities, options.threshold)
    if probabilities is not None and options.proba:
        for code, label in enumerate(predictions.classes):
            added[f"probability_{_spelled(label)}"] = probabilities[:, code]
    if options.interval is not None:
        with as_typed(coverage="interval"):
            (intervals,) = model.intervals(options.interval)
        assert intervals is not None  # noqa: S101  (the target is a number)
        if intervals.note:
            say(f"note: {intervals.note}")
        added["lower"], added["upper"] = intervals.around(predictions.values).T
    taken = [name for name in options.keep if name in added]
    if taken:
        message = f"--keep: {listing(taken)} is a name of the result; rename the column in DATA."
        raise SettingError(message)
    kept = {name: table.columns[name] for name in options.keep}
    return kept | {name: result_column(values) for name, values in added.items()}


def _decided(model: TableModel, probabilities: Any, threshold: float) -> Any:
    from chainrule.estimators import positive_code

    positive = positive_code(model.labels, model.settings.positive)
    chosen = probabilities[:, positive] >= threshold
    codes = np.where(chosen, positive, 1 - positive)
    return model.labels.decode(codes)


def _spelled(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        message = f"must be a number from 0 to 1, got {text!r}."
        raise argparse.ArgumentTypeError(message)
    return value
