"""Labels of several targets of classes at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target

__all__ = ["GroupedLabels", "codes_of", "has_several", "labels_in"]

Array = np.ndarray[Any, np.dtype[Any]]


class GroupedLabels:
    """Class codes for each column of targets, and back; to LabelBinarizer what it is to one.

    classes_
        The sorted labels of each column.
    """

    y_type_ = "multiclass-multioutput"

    classes_: list[Array]

    def fit(self, columns: Any) -> GroupedLabels:
        """Learn the labels of columns."""
        self.classes_ = [np.unique(column) for column in columns]
        return self

    @property
    def groups(self) -> tuple[int, ...]:
        """How many labels each column has."""
        return tuple(len(labels) for labels in self.classes_)

    def transform(self, y: Any) -> Array:
        """The codes of labels, shape (rows, columns)."""
        columns = zip(self.classes_, np.asarray(y).T, strict=True)
        codes = [np.searchsorted(labels, column) for labels, column in columns]
        return np.stack(codes, axis=1).astype(np.int32)

    def unknown(self, y: Any) -> tuple[int, Any] | None:
        """The column and the first label that is not known, if any."""
        for index, (labels, column) in enumerate(zip(self.classes_, np.asarray(y).T, strict=True)):
            wrong = ~np.isin(column, labels)
            if wrong.any():
                return index, column[np.argmax(wrong)]
        return None

    def split(self, outputs: Array) -> list[Array]:
        """The probabilities of each column's labels."""
        return np.split(outputs, np.cumsum(self.groups)[:-1], axis=1)

    def inverse_transform(self, outputs: Array) -> Array:
        """The most probable label of each column, shape (rows, columns)."""
        parts = zip(self.classes_, self.split(outputs), strict=True)
        return np.stack([labels[part.argmax(axis=1)] for labels, part in parts], axis=1)


def labels_in(y: Any) -> Any:
    """What knows the labels of y; each is looked at once, where there may be many rows."""
    if y.ndim == 1 and y.dtype.kind in "OUTbiu":
        try:
            if y.dtype.kind != "O":
                return LabelBinarizer().fit(np.unique(y))
            labels = np.empty(len(met := sorted(set(y.tolist()))), object)
            labels[:] = met
            return LabelBinarizer().fit(labels)
        except TypeError:  # labels that cannot be sorted: scikit-learn says so
            pass
    return GroupedLabels().fit(y.T) if has_several(y) else LabelBinarizer().fit(y)


def codes_of(classes: Array, y: Array) -> Array:
    """The place of each label among the classes; objects are looked up, which takes less time."""
    if y.dtype.kind != "O":
        return np.searchsorted(classes, y).astype(np.int32)
    places = {label: place for place, label in enumerate(classes.tolist())}
    return np.fromiter(map(places.__getitem__, y.tolist()), np.int32, count=len(y))


def has_several(y: Any) -> bool:
    """Whether y has several columns of classes."""
    texts = getattr(y, "ndim", 1) == 2 and y.dtype.kind in "OUT" and y.shape[1] > 1
    return bool(texts or type_of_target(y) == GroupedLabels.y_type_)
