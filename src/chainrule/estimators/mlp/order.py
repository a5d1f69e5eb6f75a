"""The order in which scikit-learn's networks take their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["ShuffledOrder"]

Array = np.ndarray[Any, np.dtype[Any]]


class ShuffledOrder:
    """The orders of the epochs: each is the one before it, shuffled as scikit-learn does.

    draws
        What shuffles; None where rows stay as they are.
    """

    def __init__(self, rows: int, draws: np.random.RandomState | None) -> None:
        self._rows = rows
        self._draws = draws
        self._order = np.arange(rows)

    def next(self, epochs: int) -> Array:
        """The rows of so many epochs, one after the other."""
        found = []
        for _ in range(epochs):
            if self._draws is not None:
                places = np.arange(self._rows)
                self._draws.shuffle(places)
                self._order = self._order[places]
            found.append(self._order)
        return found[0] if epochs == 1 else np.concatenate(found)

    def state(self) -> dict[str, Any]:
        """Plain values and arrays, with which it goes on; also where nothing gave it a seed."""
        if self._draws is None:
            return {}
        return {"order": self._order, "draws": _plain(self._draws.get_state(legacy=False))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave."""
        if self._draws is not None:
            self._order = state["order"]
            self._draws.set_state(state["draws"])


def _plain(value: Any) -> Any:
    """Arrays as lists: NumPy's generators hold words that no file of ours has a type for."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
