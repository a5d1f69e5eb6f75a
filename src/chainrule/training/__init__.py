"""Training: the loop, what it tells, and what came of it."""

from chainrule.training.callback import Callback, LambdaCallback
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.history import History
from chainrule.training.interruption import uninterrupted
from chainrule.training.many import fit_many
from chainrule.training.progress import ProgressBar
from chainrule.training.state import RunningOptimizer
from chainrule.training.trainer import Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgressBar",
    "RunningOptimizer",
    "Trainer",
    "fit_many",
    "uninterrupted",
]
