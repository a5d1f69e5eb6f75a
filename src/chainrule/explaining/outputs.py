"""Which of a model's outputs are explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError, listing, nearest
from chainrule.estimators import positive_code
from chainrule.explaining.explanation import plain
from chainrule.explaining.subject import Subject

__all__ = [
    "MOST_CLASSES", "chosen_outputs", "likeliest", "likeliest_first", "one_output", "output_name",
    "place_among",
]  # fmt: skip

MOST_CLASSES = 4
"""That are shown without being named; of more the most probable ones."""


def chosen_outputs(subject: Subject, classes: Any = None) -> tuple[int, ...]:
    """Positions of outputs: those named; else the positive one of two classes, or all.

    Raises `SettingError` for a class that the model does not know.
    """
    if classes is None:
        two = subject.is_classification and len(subject.outputs) == 2
        return (positive_output(subject),) if two else (
            tuple(range(len(subject.outputs)))
        )  # fmt: skip
    several = isinstance(classes, Iterable) and not isinstance(classes, str)
    return tuple(_place(subject, one) for one in (classes if several else [classes]))


def likeliest_first(subject: Subject, outputs: tuple[int, ...]) -> tuple[int, ...]:
    """Of more than 4 classes those with the highest mean probability over the rows first."""
    if not subject.is_classification or len(outputs) <= MOST_CLASSES:
        return outputs
    first = {label: place for place, label in enumerate(likeliest(subject, len(subject.outputs)))}
    return tuple(sorted(outputs, key=lambda one: first[subject.outputs[one]]))


def likeliest(subject: Subject, most: int = MOST_CLASSES) -> list[Any]:
    """The labels of the classes with the highest mean probability over the rows, in that order."""
    means = subject.answers("probability").mean(axis=0)
    return [subject.outputs[one] for one in np.argsort(-means, kind="stable")[:most]]


def one_output(subject: Subject, label: Any, answers: Any) -> int:
    """The position of the output that a row is explained by: the class named; else the positive one
    of two, of several the most probable one of `answers`.
    """
    if label is not None:
        return _place(subject, label)
    if len(subject.outputs) == 2:
        return positive_output(subject)
    return int(answers.argmax())


def positive_output(subject: Subject) -> int:
    """The position of the positive one of two classes."""
    model = getattr(subject.pool, "model", None)
    return 1 if model is None else positive_code(model.labels, model.settings.positive)


def output_name(subject: Subject, output: int) -> Any:
    """What an output is called, as a plain value."""
    return plain(subject.outputs[output])


def _place(subject: Subject, label: Any) -> int:
    if not subject.is_classification:
        target = subject.target or "the target"
        message = f"class: {target!r} is a number and has no class {label!r}; leave it out."
        raise SettingError(message)
    return place_among(subject.outputs, label, f"class: the model knows no class {label!r}")


def place_among(outputs: Sequence[Any], label: Any, problem: str) -> int:
    """The position of an output by its name; raises SettingError with the problem and a remedy."""
    known = [str(one) for one in outputs]
    if str(label) not in known:
        shown = nearest(str(label), known)
        hint = shown if shown.startswith("did") else f"known: {listing(known[:10])}."
        message = f"{problem}; {hint}"
        raise SettingError(message)
    return known.index(str(label))
