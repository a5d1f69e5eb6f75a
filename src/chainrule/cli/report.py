"""`chainrule report`: what a run has learned and how well, as one HTML file."""

from __future__ import annotations

import argparse

from chainrule.cli.output import show
from chainrule.cli.parser import Parser

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "RUN [options]"
EXAMPLES = """\
examples:
  chainrule report runs/houses-price-1
  chainrule report runs/houses-price-1 --out houses.html

The file needs nothing beside it: it can be sent and printed.
"""


def add_options(parser: Parser) -> None:
    """What the command takes."""
    parser.add_argument("run", metavar="RUN", help="a run folder, or its model file")
    parser.add_argument(
        "--out", metavar="FILE", help="a new file to write; by default RUN/report.html"
    )


def run(options: argparse.Namespace) -> int:
    """Write it and print its path."""
    from chainrule.cli.rows import refuse_existing
    from chainrule.files import RunFolder
    from chainrule.reporting import write_report

    folder = RunFolder.open(options.run)
    if options.out is not None:
        refuse_existing(options.out)
    show(str(write_report(folder, options.out)))
    return 0
