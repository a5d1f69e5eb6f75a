"""Optuna, loaded where it is needed, and spaces as it has them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.errors import SettingError
from chainrule.tuning.space import Choice, Space, ends, is_whole, plain_choice

__all__ = ["distributions", "load_optuna", "quiet"]


def load_optuna(what: str) -> Any:
    """The library; raises SettingError with the line that installs it.

    what
        What needs it, as the beginning of a sentence.
    """
    try:
        return importlib.import_module("optuna")
    except ImportError:
        message = f"{what} needs Optuna: pip install 'chainrule[tune]'."
        raise SettingError(message) from None


@contextmanager
def quiet(optuna: Any) -> Iterator[None]:
    """Keep Optuna's own talk back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def distributions(optuna: Any, space: Space) -> dict[str, Any]:
    """The dimensions of a space as Optuna's distributions."""
    kinds = optuna.distributions
    found = {}
    for name, one in space.dimensions.items():
        if isinstance(one, Choice):
            found[name] = kinds.CategoricalDistribution([plain_choice(v) for v in one.values])
        elif is_whole(name):
            found[name] = kinds.IntDistribution(int(one.low), int(one.high), log=one.log)
        else:
            low, high = ends(one)
            found[name] = kinds.FloatDistribution(low, high, log=one.log)
    return found
