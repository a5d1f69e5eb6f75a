"""Every number of an expression, and of a training step: values, derivatives, products."""

from chainrule.tracing.expression import Contribution, Trace, TraceStep, trace
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.notation import Names, Notation, as_notation
from chainrule.tracing.step import LayerTrace, ParameterTrace, StepTrace, UpdateTrace
from chainrule.tracing.taking import as_batch, trace_steps

__all__ = [
    "Contribution",
    "LayerTrace",
    "Names",
    "Notation",
    "ParameterTrace",
    "Seen",
    "StepTrace",
    "Trace",
    "TraceStep",
    "UpdateTrace",
    "as_batch",
    "as_notation",
    "trace",
    "trace_steps",
]
