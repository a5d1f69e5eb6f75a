"""Options made from the settings table, and mistakes in them said in one line."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from chainrule.estimators import Setting

__all__ = ["OneTarget", "Parser", "UsageError", "add_settings", "given_settings", "suggestion"]

MOST_LISTED = 8
"""Choices that are listed beside an option; of more its help names some."""


class UsageError(Exception):
    """A command line that cannot be understood; its text is the line to print."""


class Parser(argparse.ArgumentParser):
    """An argparse parser that takes no abbreviations, suggests the nearest option and says
    mistakes in one line.
    """

    def __init__(self, prog: str, description: str, usage: str = "", epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            usage=f"{prog} {usage}",
            description=description[:1].upper() + description[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """The options of a command line; raises UsageError."""
        options, unknown = self.parse_known_args(_joined(words))
        if unknown:
            name = next((word for word in unknown if word.startswith("-")), unknown[0])
            if not name.startswith("-"):
                self.error(f"{name!r} is one argument too many; quote what has blanks in it.")
            known = [option for option in self._option_string_actions if option.startswith("--")]
            hint = suggestion(name.partition("=")[0], known, f"see '{self.prog} --help'.")
            self.error(f"there is no option {name!r}; {hint}")
        return options

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        text = " ".join(message.removeprefix("argument ").split())
        hint = "" if text.endswith((".", "?")) else f"; see '{self.prog} --help'."
        line = f"{self.prog}: error: {text}{hint}"
        raise UsageError(line)


class OneTarget(argparse.Action):
    """`--target`, which may be given once: a column named first would quietly become an input."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
        option_string: str | None = None,
    ) -> None:  # fmt: skip
        before = getattr(namespace, self.dest)
        if before is not None:
            parser.error(
                f"--target is given twice, {before!r} and {values!r}; a run predicts one column "
                "(in Python TabularClassifier and TabularRegressor take several)."
            )
        setattr(namespace, self.dest, values)


def _joined(words: Sequence[str]) -> list[str]:
    """Values that begin with a minus and a digit at their options: `--costs=-1,5`.

    >>> _joined(["run", "--costs", "-1,5", "--json"])
    ['run', '--costs=-1,5', '--json']
    """
    joined: list[str] = []
    for word in words:
        is_number = word[:1] == "-" and word[1:2].isdigit()
        if is_number and joined and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """A half sentence that names the nearest known name, if one is near.

    >>> suggestion("--epoch", ["--epochs", "--seed"], "see --help.")
    "did you mean '--epochs'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else otherwise


def add_settings(
    parser: Parser, settings: Mapping[str, Setting], defaults: Mapping[str, Any]
) -> None:
    """An option for each setting, absent from the namespace where it is not given."""
    group = parser.add_argument_group("settings")
    for name, setting in settings.items():
        option = setting.option or "--" + name.replace("_", "-")
        group.add_argument(
            option,
            dest=f"setting_{name}",
            action="append" if setting.kind == "words" else "store",
            type=_reader(setting),
            metavar=_metavar(setting),
            default=argparse.SUPPRESS,
            help=_help(setting, defaults.get(name)).replace("%", "%%"),
        )


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that stand on the command line."""
    values = vars(options)
    return {
        name.removeprefix("setting_"): value
        for name, value in values.items()
        if name.startswith("setting_")
    }


def _help(setting: Setting, default: Any) -> str:
    return setting.help if default in (None, ()) else f"{setting.help} (default {default})"


def _metavar(setting: Setting) -> str:
    if setting.kind == "choice" and len(setting.choices) <= MOST_LISTED:
        return "|".join(setting.choices)
    if setting.help.startswith("a column"):
        return "COLUMN"
    names = {"integer": "N", "number": "X", "integers": "N,N"}
    return names.get(setting.kind, "NAME")


def _reader(setting: Setting) -> Callable[[str], Any]:
    """What makes a value of the text; bounds are checked with the settings themselves."""
    if setting.kind == "integer":
        return _integer
    if setting.kind == "number":
        return _number
    if setting.kind == "integers":
        return _integers
    if setting.kind == "choice":
        return _chooser(setting.choices)
    return str


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        message = f"must be a whole number, got {text!r}."
        raise argparse.ArgumentTypeError(message) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        message = f"must be a number, got {text!r}."
        raise argparse.ArgumentTypeError(message) from None


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        message = f"must be whole numbers with commas between, as 256,128, got {text!r}."
        raise argparse.ArgumentTypeError(message) from None


def _chooser(choices: Sequence[str]) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text in choices:
            return text
        hint = suggestion(text, choices, f"choose one of {', '.join(choices)}.")
        message = f"{text!r} is not known; {hint}"
        raise argparse.ArgumentTypeError(message)

    return choose
