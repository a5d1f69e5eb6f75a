"""What each layer of a trace has, by place or by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import MissingNameError, MissingPlaceError, nearest

__all__ = ["ByLayer"]


class ByLayer(tuple[Any, ...]):
    """What each layer has: `found[0]` of the first, `found["dense"]` by the layer's name."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], members: Sequence[Any]) -> ByLayer:
        """Members with the names of their layers."""
        made = cls(members)
        made.names = tuple(names)
        return made

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            try:
                return super().__getitem__(key)
            except IndexError:
                message = f"trace: there is no layer {key}; there are {len(self)}, counted from 0."
                raise MissingPlaceError(message) from None
        if key not in self.names:
            message = f"trace: there is no layer {key!r}; {nearest(key, self.names)}"
            raise MissingNameError(message)
        return super().__getitem__(self.names.index(key))
