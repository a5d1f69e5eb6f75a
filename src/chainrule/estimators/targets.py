"""The targets that an estimator is given: columns of classes and of numbers, labels kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import (
    FRAMES,
    Column,
    Labels,
    Numbers,
    arrays_of_frame,
    column_of,
    frame_of,
    series_array,
)
from chainrule.errors import DataError, InputTypeError, SettingError, listing, nearest
from chainrule.estimators.layout import collected, labels_of

__all__ = [
    "Target",
    "combined",
    "known_kind",
    "labels_as_given",
    "matched",
    "target_column",
    "targets_of",
    "tasks_of",
]

Array = np.ndarray[Any, np.dtype[Any]]
LARGEST_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Target:
    """One column of y.

    label
        Its name or position in y; None for a y of one column without a name.
    values
        An array: what is known, None or NaN where missing.
    """

    label: Any
    values: Array


def targets_of(y: Any, owner: Any) -> tuple[list[Target], str]:
    """The columns of y, and the library of the frame that it was ("" for arrays)."""
    if y is None:
        message = (
            f"This {type(owner).__name__} estimator requires y to be passed, but the target y is "
            "None."
        )
        raise DataError(message)
    y = collected(y)
    labels = labels_of(y)
    if labels is not None and not labels:
        message = "y has no column; give one for each target."
        raise DataError(message)
    if labels is not None:
        _refuse_twins(labels)
        listed = [Target(label, values) for label, values in zip(labels, _columns(y), strict=True)]
        return listed, type(y).__module__.partition(".")[0]
    array = _array(y)
    if array.ndim == 1:
        return [Target(getattr(y, "name", None), array)], ""
    if array.ndim != 2 or array.shape[1] == 0:
        message = f"y must have one value or one row of values a row, got shape {array.shape}."
        raise DataError(message)
    if array.shape[1] == 1:
        return [Target(None, array[:, 0])], ""
    return [Target(place, array[:, place]) for place in range(array.shape[1])], ""


def matched(targets: list[Target], frame: str, known: Sequence[Any], what: str) -> list[Target]:
    """The columns of a later y in the order of training: by name where both have names.

    frame
        What `targets_of` says of this y.
    known
        The labels of y in training; none where it had none.
    what
        What y is called in the sentence where names differ.
    """
    labels, names = [str(target.label) for target in targets], [str(label) for label in known]
    if not frame or not known or labels == names:
        return targets
    counted = [str(place) for place in range(len(targets))]
    if set(labels) != set(names):
        if counted in (labels, names):
            return targets
        message = (
            f"{what} has the columns {listing(labels)}, in training it had {listing(names)}; give "
            "these, in any order."
        )
        raise DataError(message)
    return [targets[labels.index(name)] for name in names]


def _refuse_twins(labels: Sequence[Any]) -> None:
    for label, count in Counter(map(str, labels)).items():
        if count > 1:
            message = f"y: {count} columns are named {label!r}; give each a name of its own."
            raise DataError(message)


def _columns(y: Any) -> list[Array]:
    """The columns of a frame as arrays."""
    if isinstance(y, Mapping):
        return [_array(values) for values in y.values()]
    return arrays_of_frame(y)


def _array(values: Any) -> Array:
    """A sequence, series or array as an array; of text and of what has gaps as objects."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "toarray"):
        message = "y is a sparse matrix; give a dense array (y.toarray())."
        raise InputTypeError(message)
    if not hasattr(values, "to_numpy"):
        array = np.asarray(values)
        return np.array(values, dtype=object) if _mixes(array, values) else array
    return series_array(values)


def _mixes(array: Array, values: Any) -> bool:
    """Whether NumPy has spelled what is no text, to make one kind of it."""
    if array.dtype.kind not in "US":
        return False
    flat = [one for row in values for one in (row if isinstance(row, list | tuple) else [row])]
    return any(not isinstance(one, str | bytes | np.str_) for one in flat)


def tasks_of(
    targets: Sequence[Target], task: str, given: Mapping[Any, str] | None
) -> tuple[str, ...]:
    """The task of each column; `given` says others than the usual one, by name or position."""
    if given is not None and not isinstance(given, Mapping):
        message = (
            "targets: must be a dict of column of y to its task, as {'price': 'regression'}, got "
            f"{given!r}."
        )
        raise SettingError(message)
    tasks = [task] * len(targets)
    labels = [target.label for target in targets]
    for label, wanted in (given or {}).items():
        if wanted not in ("classification", "regression"):
            message = (
                f"targets: must be 'classification' or 'regression', got {wanted!r} for {label!r}."
            )
            raise SettingError(message)
        if label in labels:
            tasks[labels.index(label)] = wanted
        elif isinstance(label, int) and 0 <= label < len(tasks):
            tasks[label] = wanted
        else:
            known = nearest(str(label), [str(one) for one in labels])
            message = f"targets: y has no column {label!r}; {known}"
            raise SettingError(message)
    return tuple(tasks)


def target_column(target: Target, name: str, task: str) -> Column:
    """A column of a table; raises DataError for a target that cannot be of its task."""
    if task == "regression":
        return column_of(target.values, name)
    return _class_column(known_kind(target.values, name), name)


def _missing(values: Array) -> Array:
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), dtype=bool)
    return np.fromiter(map(_is_missing, values), bool, count=len(values))


def _is_missing(value: Any) -> bool:
    """None, NaN and their kind, but no spelling of them: a label may be "NA" or "-"."""
    if value is None or isinstance(value, str):
        return value is None
    return type(value).__name__ in ("NAType", "NaTType") or bool(np.all(value != value))


def known_kind(values: Array, name: str) -> Array:
    """Objects that are all booleans or all numbers as such; text stays; a mixture is refused."""
    if values.dtype.kind in "biufU":
        return values
    if values.dtype.kind != "O":
        message = (
            f"Unknown label type: column {name!r} has values of type {values.dtype}; labels must "
            "be texts, whole numbers or booleans."
        )
        raise DataError(message)
    missing = _missing(values)
    known = values[~missing]
    text = np.fromiter((isinstance(one, str) for one in known), bool, count=len(known))
    if text.all():
        return values
    if text.any():
        rows = np.flatnonzero(~missing)
        row, other = rows[np.argmax(text != text[0])], rows[0]
        message = (
            f"column {name!r}: labels are of several types, {values[other]!r} in row {other} and "
            f"{values[row]!r} in row {row} (counted from 0); give texts or numbers alone."
        )
        raise InputTypeError(message)
    try:
        plain = np.array(known.tolist())
    except ValueError:
        plain = known
    if plain.dtype.kind not in "biuf" or plain.ndim != 1:
        first = int(np.flatnonzero(~missing)[0])
        message = (
            f"Unknown label type: column {name!r} has {values[first]!r} in row {first} (counted "
            "from 0); labels must be texts, whole numbers or booleans."
        )
        raise DataError(message)
    if not missing.any():
        return plain
    gaps = np.full(len(values), None, dtype=object)
    gaps[~missing] = plain.tolist()
    return gaps


def _class_column(values: Array, name: str) -> Column:
    """Labels exactly as they are; only None and NaN are missing."""
    from sklearn.utils.multiclass import check_classification_targets

    missing = _missing(values)
    known = np.array(values[~missing].tolist()) if values.dtype.kind == "O" else values[~missing]
    if len(known) == 0:
        return Column("text", np.full(len(values), "", dtype=object), missing)
    infinite = known.dtype.kind == "f" and np.isinf(known)
    if np.any(infinite):
        row = int(np.flatnonzero(~missing)[np.argmax(infinite)])
        message = (
            f"column {name!r}: {values[row]} in row {row} (counted from 0) is no label; "
            "correct it, or leave it empty."
        )
        raise DataError(message)
    try:
        check_classification_targets(known)
    except ValueError as error:
        message = f"column {name!r}: {error}"
        if "continuous" in str(error):
            message += " For numbers that are measured there is TabularRegressor."
        raise DataError(message) from None
    if known.dtype.kind in "US":
        texts = np.full(len(values), "", dtype=object)
        texts[~missing] = [str(one) for one in values[~missing]]
        return Column("text", texts, missing)
    if known.dtype.kind in "iu" and np.abs(known.astype(np.float64)).max() > LARGEST_EXACT:
        message = (
            f"column {name!r}: labels beyond {LARGEST_EXACT} cannot be told apart as numbers; give "
            "them as text (y.astype(str))."
        )
        raise DataError(message)
    numbers = np.full(len(values), np.nan)
    numbers[~missing] = known
    return Column("boolean" if known.dtype.kind == "b" else "number", numbers, missing)


def labels_as_given(codec: Labels | Numbers, values: Array) -> Labels | Numbers:
    """Labels in the type that y has them."""
    if not isinstance(codec, Labels):
        return codec
    kind = values.dtype
    if isinstance(codec.classes[0], str):
        return Labels(codec.classes, "str" if kind.kind == "U" else "object", codec.name)
    if kind.kind == "O":
        kind = np.array(values[~_missing(values)].tolist()).dtype
    classes = np.array(codec.classes).astype(kind)
    return Labels(tuple(classes.tolist()), kind.name, codec.name)


def combined(columns: Mapping[Any, Array], frame: str, index: Any = None) -> Any:
    """Predictions of several targets: a frame where y was one with columns of several kinds."""
    arrays = list(columns.values())
    kinds = {"text" if a.dtype.kind in "OU" else "yes" if a.dtype.kind == "b" else "number"
             for a in arrays}  # fmt: skip
    if len(kinds) == 1:
        return np.column_stack(arrays)
    if frame in FRAMES:
        return frame_of(columns, frame, index)
    kind = object if "text" in kinds else np.float64
    return np.column_stack([array.astype(kind) for array in arrays])
