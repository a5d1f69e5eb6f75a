"""The engine: graph to tape to numbers."""

from chainrule.engine.border import as_numbers, contiguous, is_ready
from chainrule.engine.compile import ENGINES, check_engine, compile, engine_info  # noqa: A004
from chainrule.engine.lower import Graph, Update, lower
from chainrule.engine.origin import Origin, origin_of
from chainrule.engine.passes import PASSES
from chainrule.engine.program import Program
from chainrule.engine.steps import Steps
from chainrule.engine.tape import Instruction, Source, Tape, Value
from chainrule.engine.threads import thread_count, threads_at_most
from chainrule.engine.verify import verify
from chainrule.engine.workspace import Workspace

__all__ = [
    "ENGINES",
    "PASSES",
    "Graph",
    "Instruction",
    "Origin",
    "Program",
    "Source",
    "Steps",
    "Tape",
    "Update",
    "Value",
    "Workspace",
    "as_numbers",
    "check_engine",
    "compile",
    "contiguous",
    "engine_info",
    "is_ready",
    "lower",
    "origin_of",
    "thread_count",
    "threads_at_most",
    "verify",
]
