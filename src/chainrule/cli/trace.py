"""`chainrule trace`: every number of a forward and backward pass."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, say, terminal_width
from chainrule.cli.parser import Parser, UsageError
from chainrule.errors import SettingError, listing

if TYPE_CHECKING:
    from chainrule.data import Column, Table
    from chainrule.estimators import RowStep, TableModel
    from chainrule.tracing import StepTrace, Trace

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "RUN DATA --row N | --example NAME | --spec FILE [options]"
EXAMPLES = """\
examples:
  chainrule trace --example mazur
  chainrule trace --example mazur --format html --out mazur.html
  chainrule trace --example mazur --spec > mine.toml
  chainrule trace --spec mine.toml --steps 3 --check
  chainrule trace runs/houses-price-1 houses.csv --row 17

Examples are xyz, one-one-one, chain, softmax-examples, parameter-counts,
linear-collapse, mazur, han, matrix-form, perceptron-failure, xor, xnor,
fixed-basis, logistic-regression, circles, universal-approximation,
symmetric-zeros and vanishing; those without a step of training give their
numbers.
"""
FORMATS = ("text", "latex", "html", "csv", "json")
MANY = 100_000
"""Parameters from which a sentence says beforehand that every number is written."""
A_LINE = {"csv": 67, "json": 180}
"""Bytes of one number with its place and name, about."""


def add_options(parser: Parser) -> None:
    """What the command takes."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run folder, or its model file")
    parser.add_argument(
        "data", metavar="DATA", nargs="?", help="the table, as for 'chainrule train'"
    )
    add = parser.add_argument
    add("--row", metavar="N", type=int, help="the row of DATA, counted from 0")
    add("--member", metavar="N", type=int, help="which network of the run, from 0 (default 0)")
    add("--example", metavar="NAME", help="a worked example")
    add(
        "--spec", metavar="FILE.toml", nargs="?", const="",
        help="a network or an expression in TOML; with --example and no file: print that one's",
    )  # fmt: skip
    add("--format", choices=FORMATS, metavar="|".join(FORMATS), help="default text")
    add("--json", action="store_true", help="the same as --format json")
    add("--steps", metavar="N", type=int, help="how many steps of training (default 1)")
    add("--digits", metavar="N", type=int, help="digits after the point")
    add(
        "--notation", metavar="rows|columns|theta",
        help="a W, W a, or a unit of 1 for the bias",
    )  # fmt: skip
    add("--first-layer", metavar="0|1", type=int, help="what the inputs are counted as")
    add("--check", action="store_true", help="a central difference beside each gradient")
    add("--out", metavar="FILE", help="write a new file instead of stdout")


def run(options: argparse.Namespace) -> int:
    """Trace and show."""
    from chainrule.cli.rows import refuse_existing

    _check_source(options)
    if options.out is not None:
        refuse_existing(options.out)
    if options.example is not None and options.spec == "":
        return _give(_printed_spec(options), options.out)
    form = "json" if options.json else options.format or _format_of(options.out)
    example = None if options.example is None else _example(options.example)
    if example is not None and not example.is_traceable:
        return _give(_numbers_of(example, form, options.digits), options.out)
    trace = _trace(options, example)
    if form != "text":
        _say_if_many(trace, form)
        text: str = getattr(trace, f"to_{form}")()
    elif options.out is not None or not sys.stdout.isatty():
        text = trace.to_text()
    else:
        text = trace.to_text(terminal_width(), color=True)
    return _give(text, options.out)


def _say_if_many(trace: Trace | StepTrace, form: str) -> None:
    """What large tables take, before they are made: time and room."""
    from chainrule.tracing import StepTrace

    if form not in ("csv", "json") or not isinstance(trace, StepTrace):
        return
    count = trace.trainer.parameters.count
    if count >= MANY:
        # before and after, the gradient twice, and the optimizer's state before and after
        numbers = count * len(trace.steps) * (4 + 2 * len(trace.optimizer.slots))
        say(
            f"note: writing {numbers / 1e6:,.1f} million numbers of {plural(count, 'parameter')}, "
            f"each with its place and name, about {numbers * A_LINE[form] / 1e6:,.0f} MB of {form}."
        )


def _numbers_of(example: Any, form: str, digits: int | None) -> str:
    """The table of an example that has no step of training."""
    if form != "text":
        message = (
            f"{example.title}: it has no step of training to trace as {form}; leave the format "
            "out to see its numbers."
        )
        raise SettingError(message)
    say(f"note: {example.title}: it has no step of training to trace; these are its numbers.")
    text: str = example.to_text(digits)
    return text


def _check_source(options: argparse.Namespace) -> None:
    """Raise unless exactly one thing to trace is named, with options that go with it."""
    wrong = _wrong(options)
    if wrong:
        message = f"chainrule trace: error: {wrong}"
        raise UsageError(message)


def _wrong(options: argparse.Namespace) -> str:
    """What is wrong with what is named; empty where nothing is."""
    is_printed = options.spec == ""
    named = [options.run, options.example, None if is_printed else options.spec]
    if is_printed and options.example is None:
        return "--spec needs FILE.toml, or --example NAME to print one."
    if sum(one is not None for one in named) != 1:
        return "name one thing to trace: RUN DATA --row N, --example NAME, or --spec FILE.toml."
    if options.run is not None and (options.data is None or options.row is None):
        what = "DATA" if options.data is None else "--row N"
        return f"{what} is missing: chainrule trace RUN DATA --row N."
    for name in ("row", "member"):
        if options.run is None and getattr(options, name) is not None:
            return f"--{name} goes with RUN DATA; leave it out."
    for name in ("format", "json", "check"):
        if is_printed and getattr(options, name):
            return f"--{name}: a spec is TOML that is printed, not traced; leave it out."
    return ""


def _format_of(out: str | None) -> str:
    """The form that a file's ending asks for."""
    endings = {".tex": "latex", ".html": "html", ".htm": "html", ".csv": "csv", ".json": "json"}
    return endings.get(Path(out or "").suffix.lower(), "text")


def _example(name: str) -> Any:
    from chainrule import examples

    make = examples.find(name)
    few = name.casefold().replace("_", "-") in ("xor", "xnor")
    # what these learn from random weights is not traced
    return make(seeds=[0]) if few else make()


def _printed_spec(options: argparse.Namespace) -> str:
    """The spec of an example, in the notation that is asked for."""
    from chainrule.examples import spec_text

    return spec_text(_example(options.example).spec(**_shown(options), steps=options.steps))


def _shown(options: argparse.Namespace) -> dict[str, Any]:
    """What is said of how to show it."""
    given = {name: getattr(options, name) for name in ("notation", "digits", "first_layer")}
    return {name: one for name, one in given.items() if one is not None}


def _trace(options: argparse.Namespace, example: Any) -> Trace | StepTrace:
    if options.run is not None:
        return _trace_row(options)
    from chainrule.examples import read_spec

    given = read_spec(options.spec) if example is None else example
    found: Trace | StepTrace = given.trace(
        steps=options.steps, check=options.check, **_shown(options)
    )
    return found


def _trace_row(options: argparse.Namespace) -> StepTrace:
    """A row of a table through one network of a run."""
    from chainrule.data import read_table
    from chainrule.estimators import load_table_model, row_step
    from chainrule.files import RunFolder
    from chainrule.tracing import as_notation, trace_steps

    model = load_table_model(RunFolder.open(options.run).model_path)
    member, table = options.member or 0, read_table(options.data)
    found = row_step(model, table, options.row, member)
    if len(model.members) > 1:
        say(
            f"note: network {member} of {plural(len(model.members), 'network')}, whose predictions "
            "are averaged; --member N shows another."
        )
    given = _shown(options)
    notation = as_notation(given.pop("notation", "rows"), given)
    return trace_steps(
        found.trainer, found.data, steps=1 if options.steps is None else options.steps,
        notation=notation, columns=found.columns, outputs=found.outputs, inputs=found.inputs,
        ranges=found.ranges, check=options.check,
        remarks=[*_remarks(model, found, table, options), *_left_aside(model)],
    )  # fmt: skip


def _remarks(
    model: TableModel, found: RowStep, table: Table, options: argparse.Namespace
) -> Iterator[str]:
    """Where the row comes from, in its own units, and what is other than in prediction."""
    one = table.take(np.array([options.row]))
    cells = (f"{name} = {_spelled(column)}" for name, column in one.columns.items())
    yield f"row {options.row} of {table.source}: {', '.join(cells)}"
    for target, predicted in found.predictions.items():
        yield f"this network predicts {_predicted(target, *predicted)}"
    for target, predicted in found.together.items():
        together, temperature = _predicted(target, *predicted), found.temperatures.get(target)
        tempered = "" if temperature is None else f" at temperature {temperature:.4g}"
        yield f"the run as a whole, the average of its networks{tempered}, predicts {together}"
    for target, temperature in found.temperatures.items():
        yield (
            f"the run raises the averaged probabilities of {target} to the power 1/"
            f"{temperature:.6g} and scales them to add up to 1; this network's own, its loss and "
            "its gradients are without that"
        )
    yield from found.unmet
    if found.assumed:
        yield (
            f"the row has no {listing(found.assumed)}: what this network predicts stands for it in "
            "loss, gradients and update"
        )
    yield from found.scaled
    yield "dropout, which leaves units out in training, is off as in prediction"
    if model.network.normalization == "batch":
        yield (
            "batch normalization takes the means and variances kept for prediction: those of one "
            "row alone would be the row itself, and 0"
        )
    yield (
        "the optimizer begins anew, for a run keeps none of its state: its first step may be "
        "larger than those that trained it"
    )


def _left_aside(model: TableModel) -> Iterator[str]:
    """The weights of rows that were used in training."""
    weights = [
        *(["class weights"] if model.settings.class_weight is not None else []),
        *(["weights of rows"] if model.schema.named("weight") is not None else []),
    ]
    if weights:
        which = " and ".join(weights)
        yield f"the {which} of the run's training are left out: this row counts as 1"


def _predicted(target: str, value: Any, probability: float | None) -> str:
    sure = "" if probability is None else f" with probability {probability:.3g}"
    return f"{target} = {f'{value:,.6g}' if isinstance(value, float) else value}{sure}"


def _spelled(column: Column) -> str:
    from chainrule.data import plain_cells

    (cell,) = plain_cells(column)
    return "missing" if cell is None else str(cell)


def _give(text: str, out: str | None) -> int:
    text = text if text.endswith("\n") else text + "\n"
    if out is None:
        sys.stdout.write(text)
        return 0
    from chainrule.files import write_text_atomic

    write_text_atomic(Path(out), text)
    say(f"written to {out}")
    return 0
