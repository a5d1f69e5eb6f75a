"""What is made once and kept: by a key that says all that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from threading import Lock
from types import FunctionType
from typing import Any, Generic, TypeVar

__all__ = ["Kept", "description_key"]

Made = TypeVar("Made")

PLAIN = (int, bool, str, type(None))


def description_key(description: Any) -> Hashable:
    """What two descriptions have in common when they are the same; None where that is not known.

    Known are plain values, tuples and frozen sets of them, and chainrule's own dataclasses,
    classes, functions and operations: what code of one's own makes may be another thing each
    time. 1, 1.0 and True are not the same.

    >>> description_key((1, "a")) == description_key((1, "a"))
    True
    >>> description_key(1) == description_key(True), description_key(len)
    (False, None)
    """
    kind = type(description)
    if kind in PLAIN:
        return kind, description
    if kind is float:
        return kind, description.hex()  # 0.0 and -0.0 are equal
    if kind is FunctionType or isinstance(description, type):
        return _place(description)
    if kind is tuple or kind is frozenset:
        values = description
    else:
        names = _settings(kind)  # type: ignore[arg-type]
        if names is None:
            return _operation_name(description)
        values = [getattr(description, name) for name in names]
    # most are plain: a call for each would take longer than all else
    parts = [(type(x), x) if type(x) in PLAIN else description_key(x) for x in values]
    return None if None in parts else (kind, (frozenset if kind is frozenset else tuple)(parts))


@cache
def _settings(kind: type[Any]) -> tuple[str, ...] | None:
    """The names of what the descriptions of a class are made of; None where it is not known."""
    if is_dataclass(kind) and kind.__module__.startswith("chainrule."):
        return tuple(one.name for one in fields(kind) if one.compare)
    return None


def _place(code: Any) -> Hashable:
    """Where a function or class of chainrule stands; None of others, and of what calls make."""
    place = code.__module__, code.__qualname__
    return place if place[0].startswith("chainrule.") and "<" not in place[1] else None


def _operation_name(description: Any) -> Hashable:
    """What an operation of chainrule is kept as; None of anything else."""
    kind = type(description)
    name = (
        getattr(description, "kept_as", None) if kind.__module__.startswith("chainrule.") else None
    )
    return None if name is None else (kind, name)


class Kept(Generic[Made]):
    """The things last used, each made once; threads may share it."""

    def __init__(self, most: int = 128) -> None:
        self._most = most
        self._found: dict[Hashable, Made] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What the key stands for; made now where it is not kept, or where there is no key."""
        if key is None:
            return make()
        with self._lock:
            found = self._found.pop(key, None)
            if found is not None:
                self._found[key] = found  # last: the first is the one not used for longest
                return found
        made = make()
        with self._lock:
            self._found[key] = made
            if len(self._found) > self._most:
                del self._found[next(iter(self._found))]
        return made
