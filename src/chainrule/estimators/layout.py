"""What X and y looked like when an estimator was fitted, and later X held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Schema, Table, as_table
from chainrule.errors import DataError, InputTypeError, warn
from chainrule.estimators.plain import plain, unboxed, unplain

__all__ = ["Layout", "collected", "labels_of", "table_of"]

Array = np.ndarray[Any, np.dtype[Any]]
SHOWN = 5


@dataclass(frozen=True)
class Layout:
    """The columns of X in order, and the form of y.

    features, named
        Their names in the table, and whether X had these names (else "x0", "x1" ...).
    several
        Whether predictions have a column for each target.
    frame
        The library of the frame that y was: "pandas", "polars" or "pyarrow"; "" for arrays.
    targets
        The labels of the columns of y where it was a frame or a dict.
    """

    features: tuple[str, ...]
    named: bool = True
    several: bool = False
    frame: str = ""
    targets: tuple[Any, ...] = ()

    @classmethod
    def of_schema(cls, schema: Schema) -> Layout:
        """The layout of a table that holds everything."""
        others = ("target", "weight", "group")
        return cls(tuple(one.name for one in schema.columns if one.role not in others))

    @classmethod
    def of(cls, X: Any, table: Table) -> Layout:
        """The layout of an X that became a table."""
        labels = labels_of(X)
        named = labels is not None and all(isinstance(label, str) for label in labels)
        return cls(table.names, named)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "features": list(self.features),
            "named": self.named,
            "several": self.several,
            "frame": self.frame,
            "targets": plain(tuple(map(_kept, self.targets))),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Layout:
        """The layout that `to_record` wrote."""
        targets = unplain(record.get("targets")) or ()
        return cls(**{**record, "features": tuple(record["features"]), "targets": targets})

    def table(self, X: Any, owner: Any, needed: Sequence[str]) -> Table:
        """X with the columns of training: by name where both have names, else by position.

        needed
            Columns that must be there where they go by name; others may be left out.

        Raises `DataError` in scikit-learn's words where columns are missing; warns where only
        one of the two has names.
        """
        X = collected(X)
        labels = labels_of(X)
        names = None if labels is None else [str(label) for label in labels]
        has_names = labels is not None and all(isinstance(label, str) for label in labels)
        if names is not None and (self.named or set(needed or self.features) <= set(names)):
            self._refuse_missing(names, needed)
            return table_of(_selected(X, self.features), owner)
        table = table_of(X, owner)
        if len(table.names) != len(self.features):
            message = (
                f"X has {len(table.names)} features, but {type(owner).__name__} is expecting "
                f"{len(self.features)} features as input."
            )
            raise DataError(message)
        if self.named:
            warn(
                f"X does not have valid feature names, but {type(owner).__name__} was fitted with "
                "feature names"
            )
        elif has_names:
            warn(
                f"X has feature names, but {type(owner).__name__} was fitted without feature names"
            )
        columns = dict(zip(self.features, table.columns.values(), strict=True))
        return replace(table, columns=columns)

    def _refuse_missing(self, names: Sequence[str], needed: Sequence[str]) -> None:
        missing = sorted(set(needed) - set(names))
        if not missing:
            return
        unseen = sorted(set(names) - set(self.features))
        message = "The feature names should match those that were passed during fit.\n"
        if unseen:
            message += f"Feature names unseen at fit time:\n{_listed(unseen)}"
        message += f"Feature names seen at fit time, yet now missing:\n{_listed(missing)}"
        raise DataError(message)


def _kept(label: Any) -> Any:
    """A label that a record can hold: texts and numbers as they are, others spelled."""
    return label if isinstance(label, str | int | float | tuple) else str(unboxed(label))


def _listed(names: Sequence[str]) -> str:
    lines = [f"- {name}\n" for name in names[:SHOWN]]
    return "".join([*lines, *(["- ...\n"] if names[SHOWN:] else [])])


def collected(X: Any) -> Any:
    """A frame that is not computed yet, computed; all else as it is."""
    return X.collect() if callable(getattr(X, "collect", None)) else X


def labels_of(X: Any) -> list[Any] | None:
    """The labels of the columns of a frame or a dict; None for what has none."""
    if isinstance(X, Mapping):
        return list(X)
    if isinstance(X, Table):
        return list(X.names)
    for name in ("column_names", "columns"):
        labels = getattr(X, name, None)
        if labels is not None and hasattr(X, "shape") and not isinstance(X, np.ndarray):
            return list(labels)
    return None


def _selected(X: Any, names: Sequence[str]) -> Any:
    """The columns of a frame that have these names, in this order."""
    if isinstance(X, Mapping):
        return {name: X[name] for name in X if str(name) in names}
    if isinstance(X, Table):
        return X
    places = {str(label): place for place, label in enumerate(labels_of(X) or ())}
    if len(places) < len(labels_of(X) or ()):
        return X  # two columns have one name: reading it says so
    there = [name for name in names if name in places]
    return X.iloc[:, [places[n] for n in there]] if hasattr(X, "iloc") else X.select(there)


def table_of(X: Any, owner: Any) -> Table:
    """The table in X, checked as scikit-learn does; raises in its words.

    Arrays may hold anything but nested things, and columns of arrays are named "x0", "x1" ...
    """
    if hasattr(X, "toarray"):
        message = (
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert "
            "to a dense numpy array."
        )
        raise InputTypeError(message)
    if labels_of(X) is None:
        from sklearn.utils import check_array

        if isinstance(X, list | tuple):
            X = _from_list(X)
        try:
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=owner)
        except TypeError as error:
            raise InputTypeError(str(error)) from None
        except ValueError as error:
            raise DataError(str(error)) from None
        return as_table(X)
    table = as_table(X)
    if table.rows == 0:
        message = (
            f"Found array with 0 sample(s) (shape={(0, len(table.names))}) while a minimum of 1 is "
            f"required by {type(owner).__name__}."
        )
        raise DataError(message)
    return table


def _from_list(X: Sequence[Any]) -> Any:
    """A list of rows as an array whose columns keep their kinds."""
    try:
        array = np.asarray(X)
    except ValueError:
        return X  # rows of different lengths: scikit-learn says so
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array
