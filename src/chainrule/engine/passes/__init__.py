"""Passes, tape to tape: each optional, each leaving every bit of every result as it was."""

from collections.abc import Callable

from chainrule.engine.passes.delay import delay
from chainrule.engine.passes.drop import drop
from chainrule.engine.passes.fold import fold
from chainrule.engine.passes.fuse import fuse
from chainrule.engine.passes.reuse import reuse
from chainrule.engine.passes.share import share
from chainrule.engine.tape import Tape

PASSES: dict[str, Callable[[Tape], Tape]] = {
    "fold": fold,
    "share": share,
    "drop": drop,
    "delay": delay,
    "fuse": fuse,
    "reuse": reuse,
}

__all__ = ["PASSES", "delay", "drop", "fold", "fuse", "reuse", "share"]
