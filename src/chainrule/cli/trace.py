"""`chainrule trace`: every number of a forward and backward pass."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import plural, say, terminal_width
from chainrule.cli.parser import Parser, UsageError
from chainrule.errors import SettingError

if TYPE_CHECKING:
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

Examples are mazur, han, xyz, one-one-one, xor and others of chainrule.examples.
"""
FORMATS = ("text", "latex", "html", "csv", "json")


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
        return _give(_spec_of_example(options.example), options.out)
    trace = _trace(options)
    form = "json" if options.json else options.format or _format_of(options.out)
    if form != "text":
        text: str = getattr(trace, f"to_{form}")()
    elif options.out is not None or not sys.stdout.isatty():
        text = trace.to_text()
    else:
        text = trace.to_text(terminal_width(), color=True)
    return _give(text, options.out)


def _check_source(options: argparse.Namespace) -> None:
    """Raise unless exactly one thing to trace is named."""
    named = [
        options.run is not None, options.example is not None, options.spec not in (None, "")
    ]  # fmt: skip
    if options.spec == "" and options.example is None:
        message = "chainrule trace: error: --spec needs FILE.toml, or --example NAME to print one."
        raise UsageError(message)
    if sum(named) != 1:
        message = (
            "chainrule trace: error: name one thing to trace: RUN DATA --row N, --example NAME, or "
            "--spec FILE.toml."
        )
        raise UsageError(message)
    if options.run is not None and (options.data is None or options.row is None):
        what = "DATA" if options.data is None else "--row N"
        message = f"chainrule trace: error: {what} is missing: chainrule trace RUN DATA --row N."
        raise UsageError(message)


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


def _spec_of_example(name: str) -> str:
    from chainrule.examples import spec_text

    return spec_text(_example(name).spec())


def _trace(options: argparse.Namespace) -> Trace | StepTrace:
    if options.run is not None:
        return _trace_row(options)
    from chainrule.examples import ExpressionSpec, read_spec

    spec = _example(options.example).spec() if options.example else read_spec(options.spec)
    if isinstance(spec, ExpressionSpec):
        for name in ("steps", "notation", "first_layer"):
            if getattr(options, name) is not None:
                option = "--" + name.replace("_", "-")
                message = f"{option}: an expression has no layers and no steps; leave it out."
                raise SettingError(message)
        return spec.trace(digits=options.digits)
    return spec.trace(
        options.steps, options.notation, options.check, digits=options.digits,
        first_layer=options.first_layer,
    )  # fmt: skip


def _trace_row(options: argparse.Namespace) -> StepTrace:
    """A row of a table through one network of a run."""
    from chainrule.data import read_table
    from chainrule.estimators import load_table_model, row_step
    from chainrule.files import RunFolder
    from chainrule.tracing import as_notation, trace_steps

    model = load_table_model(RunFolder.open(options.run).model_path)
    member = options.member or 0
    found = row_step(model, read_table(options.data), options.row, member)
    if len(model.members) > 1:
        say(
            f"note: network {member} of {plural(len(model.members), 'network')}, whose predictions "
            "are averaged; --member N shows another."
        )
    say("note: the optimizer begins anew, for a run keeps none of its state.")
    given = {"digits": options.digits, "first_layer": options.first_layer}
    notation = as_notation(
        options.notation or "rows", {name: one for name, one in given.items() if one is not None}
    )
    return trace_steps(
        found.trainer, found.data, steps=1 if options.steps is None else options.steps,
        notation=notation, columns=found.columns, outputs=found.outputs, check=options.check,
    )  # fmt: skip


def _give(text: str, out: str | None) -> int:
    text = text if text.endswith("\n") else text + "\n"
    if out is None:
        sys.stdout.write(text)
        return 0
    from chainrule.files import write_text_atomic

    write_text_atomic(Path(out), text)
    say(f"written to {out}")
    return 0
