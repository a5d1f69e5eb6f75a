"""Ctrl-C between steps, never within one."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, default_int_handler
from types import FrameType

__all__ = ["stoppable", "uninterrupted"]


class _Thread(threading.local):
    stop: threading.Event | None = None


_thread = _Thread()


@contextmanager
def stoppable(stop: threading.Event) -> Iterator[None]:
    """Within the block an event that is set is to this thread what Ctrl-C is to the main one."""
    before, _thread.stop = _thread.stop, stop
    try:
        yield
    finally:
        _thread.stop = before


class uninterrupted:  # noqa: N801
    """Keep Ctrl-C back while the block runs, and raise `KeyboardInterrupt` after it, also where
    it ended with an error.

    A second Ctrl-C is not kept back. Handlers other than Python's own are left alone, and so are
    other threads than the main one, save for what `stoppable` says.
    """

    def __enter__(self) -> None:
        self._came = False
        # signal's own functions look up enums, for longer than a small step takes
        self._own = _signal.getsignal(SIGINT) is default_int_handler
        if self._own:
            try:
                _signal.signal(SIGINT, self._remember)
            except ValueError:  # only the main thread may
                self._own = False

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self._own:
            _signal.signal(SIGINT, default_int_handler)
        stop = _thread.stop
        failed = error is not None and not issubclass(error, Exception)
        if not failed and (self._came or (stop is not None and stop.is_set())):
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        _signal.signal(SIGINT, default_int_handler)
