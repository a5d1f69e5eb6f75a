"""Checkpoints of the networks of a table in training."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, ModelFileError
from chainrule.training import Clock, read_checkpoint, write_checkpoint

__all__ = ["Keeper"]


class Keeper:
    """Writes the states of the networks of a run to a checkpoint, so seldom that it costs 0.5 %.

    path
        The file; one that is there is what training goes on from.
    facts
        Plain values that stand in it beside the networks: what they are trained on.

    When the time has come, each network that is trained gives its state at a pause of its own,
    and the last one writes the file: they are independent, so their states need not be of one
    moment. A checkpoint that cannot be written is told to the log `chainrule`.

    Raises `ModelFileError` where the file that is there is cut off, damaged, or of another kind.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.facts = dict(facts)
        self.seconds = 0.0
        self.kept: dict[str, Any] | None = None
        self._states: dict[str, Any] = {}
        self._given: set[int] = set()
        self._clock = Clock()
        self._lock = threading.Lock()
        if path.exists():
            found = _checked(path, _read(path), facts)
            self.kept, self.seconds, self._states = (
                found["facts"], found["seconds"], found["members"],
            )  # fmt: skip

    @property
    def history(self) -> list[dict[str, Any]]:
        """The epochs of the checkpoint, network by network."""
        numbers = sorted(self._states, key=int)
        return [row for number in numbers for row in self._states[number]["history"]]

    def state_of(self, member: int) -> Any:
        """What a network gave before training was stopped; None where it had not begun."""
        return self._states.get(str(member))

    def is_wanted(self, member: int) -> bool:
        """Whether a network should give its state now."""
        return self._clock.is_due() and member not in self._given

    def give(
        self, member: int, state: Mapping[str, Any], running: Collection[int], seconds: float
    ) -> None:
        """Take the state of a network; with the last of those that are trained, write all."""
        with self._lock:
            self._states[str(member)] = state
            self._given.add(member)
            if not self._given.issuperset(running):
                return
            self._given.clear()
            self._write(seconds)

    def end(self, member: int, state: Mapping[str, Any]) -> None:
        """Take the last state of a network, which is written with those of the others.

        Whoever has waited for this network to give its state gives its own anew.
        """
        with self._lock:
            self._states[str(member)] = state
            self._given.clear()

    def remove(self) -> None:
        """Remove the file: training is done."""
        self.path.unlink(missing_ok=True)

    def _write(self, seconds: float) -> None:
        began = time.perf_counter()
        state = {"facts": self.facts, "seconds": seconds, "members": self._states}
        try:
            write_checkpoint(self.path, state)
        except ChainruleError as error:
            said = "%s Training goes on, and the next checkpoint is tried later."
            logging.getLogger("chainrule").warning(said, error)
        self._clock.written(time.perf_counter() - began)


def _read(path: Path) -> Any:
    try:
        return read_checkpoint(path)
    except ModelFileError as error:
        message = f"{error} Or remove it to begin anew with --resume."
        raise ModelFileError(message) from error


def _checked(path: Path, found: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a checkpoint holds, if it is one of a table with facts of these names."""
    if found.keys() != {"facts", "seconds", "members"} or found["facts"].keys() != facts.keys():
        message = (
            f"{path}: is not the checkpoint of a table in training; put the right one there, or "
            "remove it to begin anew."
        )
        raise ModelFileError(message)
    return found
