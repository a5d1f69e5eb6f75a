"""The rows that a run was judged on, kept beside its model: pictures and comparisons need them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError
from chainrule.files import load_model_file, save_model
from chainrule.reporting.answers import plain_labels

__all__ = ["JudgedRows"]

KIND = "judged rows"
BASELINE = "baseline/"

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class JudgedRows:
    """Truth and answers of test rows.

    task, target
        "classification" or "regression", and the column that is predicted.
    truth
        Class codes (rows,), -1 for a label not seen in training; or numbers in the target's unit.
    answers
        Probabilities (rows, classes), or predicted numbers (rows,).
    rows
        Where the rows stand in the table, from 0; None where they are a table of their own.
    fingerprint
        Of the table that the rows are from: runs with the same one and the same `rows` were
        judged on the same rows.
    labels
        The classes by code; empty for numbers.
    positive
        The code of the positive class, where there are two.
    baselines
        What simple models answer for the same rows, by their names, in the form of `answers`; empty
        where it was not kept.
    groups
        The group of each row, as numbers; None where rows have none.

    >>> import tempfile, pathlib
    >>> judged = JudgedRows("regression", "y", np.ones(2), np.zeros(2), None, "f0")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     judged.save(pathlib.Path(folder) / "judged.safetensors")
    ...     JudgedRows.load(pathlib.Path(folder) / "judged.safetensors").answers
    array([0., 0.])
    """

    task: str
    target: str
    truth: Array
    answers: Array
    rows: Array | None
    fingerprint: str
    weights: Array | None = None
    labels: tuple[Any, ...] = ()
    positive: int = 1
    baselines: dict[str, Array] = field(default_factory=dict)
    groups: Array | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them, whole or not at all; raises `WriteError` where that cannot be done."""
        record = {
            "kind": KIND, "task": self.task, "target": self.target, "positive": self.positive,
            "fingerprint": self.fingerprint, "labels": list(plain_labels(self.labels)),
        }  # fmt: skip
        truth = self.truth.astype(np.int64 if self.labels else np.float64)
        arrays = {"truth": truth, "answers": self.answers.astype(np.float64)}
        if self.rows is not None:
            arrays["rows"] = self.rows.astype(np.int64)
        if self.weights is not None:
            arrays["weights"] = self.weights.astype(np.float64)
        if self.groups is not None:
            arrays["groups"] = self.groups.astype(np.int64)
        for name, answers in self.baselines.items():
            arrays[BASELINE + name] = answers.astype(np.float64)
        save_model(path, record, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> JudgedRows:
        """Read what `save` wrote.

        Raises `MissingFileError` where there is no file, `ModelFileError` where it is damaged or
        holds something else.
        """
        record, arrays = load_model_file(path)
        if record.get("kind") != KIND:
            message = f"{path}: holds no judged rows but {record.get('kind', 'something else')!r}."
            raise ModelFileError(message)
        try:
            return cls(
                record["task"], record["target"], arrays["truth"], arrays["answers"],
                arrays.get("rows"), record["fingerprint"], arrays.get("weights"),
                tuple(record["labels"]), record["positive"],
                {
                    name.removeprefix(BASELINE): array
                    for name, array in arrays.items()
                    if name.startswith(BASELINE)
                },
                arrays.get("groups"),
            )  # fmt: skip
        except KeyError as error:
            message = f"{path}: its header does not describe judged rows ({error}); train again."
            raise ModelFileError(message) from error
