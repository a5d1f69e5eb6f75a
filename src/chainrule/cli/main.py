"""From the words of a command line to an exit code: 0 done, 1 the user's mistake, 2 usage."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import chainrule
from chainrule.cli.output import say
from chainrule.cli.parser import Parser, UsageError, suggestion
from chainrule.errors import ChainruleError

__all__ = ["main"]

DONE, MISTAKE, USAGE, INTERRUPTED = 0, 1, 2, 130

COMMANDS = {
    "train": "train a network on a table and judge it on rows it has not seen",
    "tune": "search the settings that are best for a table, and train them",
    "predict": "predict the rows of a table with a trained run",
    "evaluate": "score a trained run on a table that has the target",
    "explain": "say why a run answers as it does: columns, rows, hidden units",
    "report": "write the report of a trained run, one HTML file",
    "trace": "show every number of a forward and backward pass",
    "runs": "list runs, and say which is better and whether beyond noise",
}
HELP = """\
usage: chainrule COMMAND ...

From a table to a trained network with one command.

commands:
{commands}

example:
  chainrule train houses.csv --target price
  chainrule predict runs/houses-price-1 new.csv

options:
  -h, --help  this help; 'chainrule COMMAND --help' for a command's own
  --version   the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (of this process, where none is given) and return its exit code.

    >>> main(["--version"])
    chainrule ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    _limit_threads()
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the results has had enough
        _silence_stdout()
        return DONE
    except OSError as error:
        _silence_stdout()
        return _mistake(_sentence(error), words)
    return code


def _run(words: list[str]) -> int:
    try:
        return _dispatch(words)
    except UsageError as error:
        say(str(error))
        return USAGE
    except ChainruleError as error:
        return _mistake(str(error), words)
    except MemoryError:
        return _mistake(
            "not enough memory. Give fewer rows, columns, units or layers, or free some.", words
        )
    except KeyboardInterrupt:
        say("chainrule: stopped.")
        return INTERRUPTED
    except SystemExit as ending:  # argparse ends --help this way
        return ending.code if isinstance(ending.code, int) else DONE


def _dispatch(words: list[str]) -> int:
    if not words:
        say(_help().rstrip("\n"))
        return USAGE
    if words[0] in ("-h", "--help"):
        print(_help(), end="")
        return DONE
    if words[0] == "--version":
        print(f"chainrule {chainrule.__version__}")
        return DONE
    name = words[0]
    if name not in COMMANDS:
        what = "option" if name.startswith("-") else "command"
        known = ["--help", "--version"] if what == "option" else list(COMMANDS)
        hint = suggestion(name, known, "see 'chainrule --help'.")
        message = f"chainrule: error: there is no {what} {name!r}; {hint}"
        raise UsageError(message)
    command: Any = importlib.import_module(f"chainrule.cli.{name}")
    parser = Parser(f"chainrule {name}", COMMANDS[name], command.USAGE, command.EXAMPLES)
    command.add_options(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of a mistake")
    code: int = command.run(parser.parse(words[1:]))
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return HELP.format(commands="\n".join(lines))


def _mistake(sentence: str, words: list[str]) -> int:
    if "--debug" in words:
        say(traceback.format_exc().rstrip("\n"))
    say(f"chainrule: error: {' '.join(sentence.split())}")
    return MISTAKE


def _sentence(error: OSError) -> str:
    """What the system says, with the file where it names one."""
    place = f"{error.filename}: " if error.filename is not None else ""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{place}{reason}. Check the place and its free space."


def _prepare_streams() -> None:
    """Results that are piped are UTF-8 everywhere; nothing fails for want of a letter."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        with contextlib.suppress(ValueError, OSError):  # a stream that something has replaced
            if stream.isatty():
                reconfigure(errors="backslashreplace")
            else:
                reconfigure(encoding="utf-8", errors="backslashreplace")


def _limit_threads() -> None:
    """One thread for NumPy's products, unless the user says otherwise.

    Networks of tables gain nothing from more, lose twentyfold where another program is busy, and
    would give other last bits on a machine with another number of cores.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, "1")


def _silence_stdout() -> None:
    """So that the end of the process does not write once more what cannot be written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
