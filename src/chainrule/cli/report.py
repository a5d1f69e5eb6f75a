"""`chainrule report`: what a run has learned and how well, as one HTML file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chainrule.cli.output import show
from chainrule.cli.parser import Parser
from chainrule.errors import MissingFileError

if TYPE_CHECKING:
    from chainrule.files import RunFolder

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
    _check_is_run(folder, options.run)
    if options.out is not None:
        refuse_existing(options.out)
    show(str(write_report(folder, options.out)))
    return 0


def _check_is_run(folder: RunFolder, given: str) -> None:
    """Raise where a file was given whose folder is not a run's: a report.html there is not ours."""
    from chainrule.files import is_file

    kept = ((folder.config_path, folder.read_config), (folder.metrics_path, folder.read_metrics))
    if not any(is_file(path) and "target" in read() for path, read in kept):
        message = (
            f"{given}: not of a run folder, for neither config.toml nor metrics.json beside it "
            "names a target. Give a folder that 'chainrule train' wrote."
        )
        raise MissingFileError(message)
