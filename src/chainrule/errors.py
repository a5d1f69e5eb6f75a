"""The error tree: every mistake a user can make is one of these, and a builtin one too.

```
ChainruleError
├── SettingError        ValueError          a setting's value, or a name that is not in a table
├── InputTypeError      TypeError           a thing of the wrong type
├── ShapeError          ValueError          shapes that do not fit
├── DataError           ValueError          what a table or array holds
├── GradientError       ArithmeticError     a gradient rule that disagrees with the slope
├── TrainingError       ArithmeticError     a loss that is not finite
├── EngineError         RuntimeError        a program that an engine cannot run
├── ModelFileError      ValueError          a file that is not a model, or is damaged
├── MissingFileError    FileNotFoundError   a file or folder that is not there
├── MissingNameError    AttributeError      an operation or a part of a layer that is not there
├── MissingPlaceError   IndexError          a place, such as that of a layer, that is not there
├── ExistingFileError   FileExistsError     a file or folder that would be overwritten
├── BusyError           BlockingIOError     a folder that another process works in
└── WriteError          PermissionError     a place that cannot be written
```
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = [
    "BusyError",
    "ChainruleError",
    "DataError",
    "EngineError",
    "ExistingFileError",
    "GradientError",
    "InputTypeError",
    "MissingFileError",
    "MissingNameError",
    "MissingPlaceError",
    "ModelFileError",
    "SettingError",
    "ShapeError",
    "TrainingError",
    "WriteError",
    "listing",
    "missing_from",
    "nearest",
    "row_and_column",
    "warn",
]


class ChainruleError(Exception):
    """What every error of chainrule is; its text is one sentence with the remedy."""


class SettingError(ChainruleError, ValueError):
    """A setting has a value that is not allowed, or a name is not known."""


class InputTypeError(ChainruleError, TypeError):
    """An argument is of a type that cannot be used."""


class ShapeError(ChainruleError, ValueError):
    """Shapes do not fit each other."""


class DataError(ChainruleError, ValueError):
    """A table or an array holds what cannot be used."""


class GradientError(ChainruleError, ArithmeticError):
    """A derivative disagrees with central differences."""


class TrainingError(ChainruleError, ArithmeticError):
    """Training met a loss that is not finite, or some of the jobs of `fit_many` failed.

    results
        What each job of `fit_many` gave; the error in the place of one that failed.
    not_finite
        Of a loss that is not finite: the step, the rows, the operation it was born in.
    """

    results: Sequence[Any] = ()
    not_finite: Any = None


class EngineError(ChainruleError, RuntimeError):
    """An engine cannot run a program."""


class ModelFileError(ChainruleError, ValueError):
    """A file is not a model of chainrule, or is damaged."""


class MissingFileError(ChainruleError, FileNotFoundError):
    """A file or a folder is not there."""


class MissingNameError(ChainruleError, AttributeError):
    """A name with a dot before it stands for nothing."""


class MissingPlaceError(ChainruleError, IndexError):
    """A place counted from 0 is beyond the last."""


class ExistingFileError(ChainruleError, FileExistsError):
    """A file or a folder exists and would be overwritten."""


class BusyError(ChainruleError, BlockingIOError):
    """A folder is held by another process."""


class WriteError(ChainruleError, PermissionError):
    """A place cannot be written."""


def listing(names: Iterable[object]) -> str:
    """Names as they stand in a sentence.

    >>> listing(["relu", "tanh"])
    "'relu', 'tanh'"
    """
    return ", ".join(repr(name) for name in names)


def nearest(name: str, known: Iterable[str], *, listed: bool = False) -> str:
    """A half sentence that names the nearest known name, or all of them when none is near.

    listed
        All of them in any case: for the names of a table of ours, not for a user's columns.

    >>> nearest("rleu", ["relu", "tanh"])
    "did you mean 'relu'?"
    >>> nearest("rleu", ["relu", "tanh"], listed=True)
    "did you mean 'relu'? Known: 'relu', 'tanh'."
    >>> nearest("concat", ["count", "concatenate"])
    "did you mean 'concatenate'?"
    >>> nearest("q", ["relu", "tanh"])
    "known: 'relu', 'tanh'."
    """
    known = list(known)
    folded = {other.casefold(): other for other in known}
    given = name.casefold()
    cut_short = [other for other in folded if len(given) > 2 and other.startswith(given)]
    close = sorted(cut_short, key=len) or difflib.get_close_matches(given, folded, 1, cutoff=0.65)
    if close:
        found = f"did you mean {folded[close[0]]!r}?"
        return f"{found} Known: {listing(known)}." if listed else found
    return f"known: {listing(known)}."


def missing_from(module: str, known: Iterable[str]) -> Callable[[str], Any]:
    """What a module has for `__getattr__`: a sentence with the nearest of its names.

    >>> missing_from("layers", ["Dense"])("dense")
    Traceback (most recent call last):
    chainrule.errors.MissingNameError: layers: 'dense' is not known; did you mean 'Dense'? ...
    """
    names = list(known)

    def refuse(name: str) -> Any:
        message = f"{module}: {name!r} is not known; {nearest(name, names, listed=True)}"
        raise MissingNameError(message)

    return refuse


def row_and_column(place: Iterable[Any]) -> str:
    """A position in an array of rows as it stands in a sentence.

    >>> row_and_column((3,)), row_and_column((3, 0, 2))
    ('row 3', 'row 3, column 0, 2')
    """
    row, *column = (int(index) for index in place)
    return f"row {row}" + (f", column {', '.join(map(str, column))}" if column else "")


def warn(message: str) -> None:
    """A `UserWarning` that points at the line outside chainrule from which all began."""
    here = str(Path(__file__).parent)
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(here):
        frame = frame.f_back
        level += 1
    warnings.warn(message, UserWarning, stacklevel=level)
