"""What a model has in place of names that Keras has, or that are misspelled."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import MissingNameError, nearest

__all__ = ["missing_name"]

INSTEAD = {
    "weights": "get_weights()",
    "variables": "get_weights()",
    "trainable_weights": "get_weights()",
    "trainable_variables": "get_weights()",
    "parameters": "get_weights()",
    "pop": "a new Sequential of the descriptions of the layers that stay",
    "save_weights": "save(path)",
    "load_weights": "chainrule.load_model(path)",
    "call": "predict(X)",
    "forward": "predict(X)",
}


def missing_name(name: str, known: Sequence[str]) -> MissingNameError:
    """What to use in place of a name that models do not have."""
    hint = f"use {INSTEAD[name]}." if name in INSTEAD else nearest(name, known)
    return MissingNameError(f"a model has no {name!r}; {hint}")
