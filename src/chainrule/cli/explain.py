"""`chainrule explain`: why a trained run answers as it does."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import say, show
from chainrule.cli.parser import Parser
from chainrule.cli.typed import as_typed
from chainrule.errors import SettingError, listing

if TYPE_CHECKING:
    from chainrule.cli.explained_rows import ExplainedRows
    from chainrule.data import Table
    from chainrule.explaining import ColumnValues

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "RUN [DATA] [options]"
EXAMPLES = """\
examples:
  chainrule explain runs/houses-price-1 houses.csv
  chainrule explain runs/houses-price-1 houses.csv --row 17
  chainrule explain runs/houses-price-1 houses.csv --method pdp --column area
  chainrule explain runs/houses-price-1 houses.csv --unit dense_0.3
  chainrule explain runs/houses-price-1 --row 17        (of the run's own table)
  chainrule explain runs/houses-price-1 --method shap   (of rows it has kept)

The model as a whole: permutation (what each column is worth; needs the
target), shap (how far each column moves answers), pdp (the mean answer by the
values of a column), ice (how single rows differ from that), gradients (as
shap, by slopes on the way from a mean row), saliency (slopes at the rows).
One row, with --row: shap (what each column adds), lime (a straight line that
stands for the model there), ice (other values of a column), gradients,
saliency. Of many classes the most probable ones are told; --class names one.
"""
METHODS = ("permutation", "shap", "lime", "pdp", "ice", "gradients", "saliency")
OF_ROWS = ("shap", "lime", "ice", "gradients", "saliency")


def add_options(parser: Parser) -> None:
    """What the command takes."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder, or its model file")
    add("data", metavar="DATA", nargs="?", help="the table; where left out what the run has of it")
    add("--row", metavar="N", type=int, help="explain this row of the table, counted from 0")
    add(
        "--unit", metavar="LAYER.UNIT",
        help="what a hidden unit has learned, both counted from 0: dense_0.3",
    )  # fmt: skip
    add("--member", metavar="N", type=int, help="the network of the unit (default 0)")
    add(
        "--method", choices=METHODS, metavar="NAME",
        help="permutation, shap, lime, pdp, ice, gradients or saliency",
    )  # fmt: skip
    add(
        "--column", metavar="C", action="append", default=[],
        help="a column for pdp and ice (may be given several times)",
    )  # fmt: skip
    add("--class", dest="label", metavar="LABEL", help="the class whose answers are explained")
    add(
        "--scale", choices=("probability", "logit"), metavar="NAME",
        help="probability (default) or logit, of classes",
    )  # fmt: skip
    add("--metric", metavar="NAME", help="the score for permutation")
    add("--rows", metavar="N", type=int, help="how many rows to look at, at most")
    add("--json", action="store_true", help="print one JSON record")


def run(options: argparse.Namespace) -> int:
    """Explain and print."""
    from chainrule.cli.explained import METHOD_TEXTS
    from chainrule.cli.explained_rows import rows_to_explain
    from chainrule.files import strict_json

    method = _method(options)
    _check(options, method)
    rows = rows_to_explain(options, method)
    with as_typed():
        record = {**_record(options, method, rows), "run": str(rows.folder.path)}
    record = {"base": None, "prediction": None, "scale": None, **record}
    if options.json:
        show(strict_json({**record, "target": rows.model.schema.target}))
        return 0
    for line in METHOD_TEXTS[method](record):
        show(line)
    for sentence in record["cannot_tell"]:
        show(f"cannot tell: {sentence}")
    return 0


def _method(options: argparse.Namespace) -> str:
    """What is asked for, by default by what is named."""
    if options.unit is not None:
        return "unit"
    if options.method is not None:
        return str(options.method)
    if options.column:
        return "pdp" if options.row is None else "ice"
    if options.row is not None or options.data is None:
        return "shap"
    return "permutation"


def _check(options: argparse.Namespace, method: str) -> None:
    """Raise `SettingError` for options that do not go together."""
    wrong = _wrong(options, method)
    if wrong:
        raise SettingError(wrong)


def _wrong(options: argparse.Namespace, method: str) -> str:
    if method == "unit":
        for name in ("method", "row"):
            if getattr(options, name) is not None:
                return f"--{name}: a hidden unit is explained over all rows; leave it out."
    if options.row is not None and method not in OF_ROWS and method != "unit":
        others = ", ".join(OF_ROWS)
        return (
            f"--method {method}: explains the model as a whole; leave out --row, or choose one of "
            f"{others}."
        )
    if method == "lime" and options.row is None:
        return "--method lime: explains one row; name it with --row N."
    if options.column and method not in ("pdp", "ice"):
        return f"--column: goes with --method pdp or ice, not {method}; leave it out."
    for name, given in (("class", options.label), ("scale", options.scale)):
        if given is not None and method in ("permutation", "unit"):
            what = "hidden units are" if method == "unit" else "permutation is"
            return f"--{name}: {what} not told by class or scale; leave it out."
    if options.metric is not None and method != "permutation":
        return f"--metric: goes with --method permutation, not {method}; leave it out."
    if options.member is not None and method != "unit":
        return "--member: names the network of a hidden unit; leave it out, or add --unit."
    if options.rows is not None and options.row is not None:
        return "--rows: goes with explanations of many rows; leave it out, or --row."
    if options.rows is not None and options.rows < 2:
        return f"--rows: must be 2 or more, got {options.rows}."
    return ""


def _record(options: argparse.Namespace, method: str, rows: ExplainedRows) -> dict[str, Any]:
    """The explanation as plain values."""
    from chainrule import explaining
    from chainrule.cli.progress import waiting

    model, seed = rows.model, rows.seed
    with waiting(f"explaining by {method}") as tell:
        if method == "unit":
            found: Any = explaining.hidden_unit(
                model, rows.table, options.unit, member=options.member or 0, seed=seed
            )
            record: dict[str, Any] = found.to_record()
            for one in record["rows"]:
                one["row"] = int(rows.places[one["row"]])
            return record
        if method == "permutation":
            return explaining.permutation_importance(
                model, rows.table, rows.target, metric=options.metric,
                sample_weight=model.weights(rows.table), seed=seed,
            ).to_record()  # fmt: skip
        if method == "lime":
            found = explaining.local_surrogate(
                model, rows.table, 0, label=_classes(options, method, rows), scale=options.scale,
                background=rows.background, seed=seed,
            )  # fmt: skip
            return {**found.to_record(), "row": options.row}
        if method in ("shap", "gradients", "saliency"):
            found = _by_column(options, method, rows, tell)
            return {**found, "method": method, "row": options.row}
        return _curves(options, method, rows)


def _by_column(
    options: argparse.Namespace, method: str, rows: ExplainedRows, tell: Any
) -> dict[str, Any]:
    """A number for each column: of one row, or the mean size over many."""
    from chainrule.explaining import integrated_gradients, saliency, shap_values

    table = _looked_at(rows)
    wanted: dict[str, Any] = {
        "classes": _classes(options, method, rows), "scale": options.scale,
    }  # fmt: skip
    if method == "shap":
        found: Any = shap_values(rows.model, table, rows.background, seed=rows.seed, **wanted)
    elif method == "gradients":
        found = integrated_gradients(rows.model, table, progress=tell, **wanted)
    else:
        found = saliency(rows.model, table, **wanted)
    if rows.row is None:
        return dict(found.importance(seed=rows.seed).to_record())
    return _slopes_of_row(found) if method == "saliency" else dict(found.row(0).to_record())


def _looked_at(rows: ExplainedRows) -> Table:
    return rows.table if rows.row is None else rows.table.take(np.array([rows.row]))


def _classes(options: argparse.Namespace, method: str, rows: ExplainedRows) -> Any:
    """The class named, else of many the most probable ones, which is said; None for the usual ones.

    All classes of SHAP values come at the price of one, so that means are of all of them.
    """
    from chainrule.explaining import MOST_CLASSES, likeliest, subject_of

    subject = subject_of(rows.model, _looked_at(rows))
    count = len(subject.outputs)
    most = 1 if rows.row is not None else MOST_CLASSES
    if options.label is not None or count <= max(2, most):
        return options.label
    if rows.row is None and method == "shap":
        return None
    found = likeliest(subject, most)
    which = "the most probable one" if most == 1 else f"the {most} most probable ones"
    say(f"note: of {count:,} classes {which}, {listing(found)}; --class names another.")
    return found[0] if most == 1 else found


def _slopes_of_row(found: ColumnValues) -> dict[str, Any]:
    """What saliency says of the one row that was asked about, the steepest column first."""
    record = found.to_record()
    columns = [
        {"column": one["column"], "value": one["value"][0], "cell": one["cell"][0]}
        for one in record["columns"]
    ]
    columns.sort(key=lambda one: -abs(one["value"]))
    return {
        **record, "columns": columns, "output": record["outputs"][0],
        "prediction": record["prediction"][0],
    }  # fmt: skip


def _curves(options: argparse.Namespace, method: str, rows: ExplainedRows) -> dict[str, Any]:
    """The answer by the values of the columns named, else of all, those that move it most first."""
    from chainrule.explaining import dependence_of, subject_of

    subject = subject_of(rows.model, rows.table)
    found = [
        dependence_of(
            subject,
            name,
            points=20,
            rows=subject.rows,
            classes=options.label,
            ice=method == "ice",
            scale=options.scale,
            seed=rows.seed,
            library="",
            only=rows.row,
        )  # fmt: skip
        for name in options.column or subject.columns
    ]
    found.sort(key=lambda one: -one.spread)
    columns = [{**one.to_record(), "method": method, "value": one.spread} for one in found]
    for one in columns:
        one["ice_rows"] = [int(rows.places[place]) for place in one["ice_rows"]]
    told = list(dict.fromkeys(sentence for one in found for sentence in one.cannot_tell))
    of_all = [sentence for sentence in told if all(sentence in one.cannot_tell for one in found)]
    answers = subject.take([rows.row]).answers(options.scale) if rows.row is not None else None
    return {
        "method": method, "columns": columns, "scale": found[0].scale, "row": options.row,
        "rows": found[0].rows, "cannot_tell": told if options.column else of_all,
        "prediction": None if answers is None else answers[0].tolist(),
        "in_full": bool(options.column),
    }  # fmt: skip
