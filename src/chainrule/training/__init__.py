"""Training: the loop, what it tells, and what came of it."""

from chainrule.training.arrays import shape_of_row
from chainrule.training.callback import Callback, LambdaCallback
from chainrule.training.csv_logger import CSVLogger
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.history import History
from chainrule.training.intake import Data
from chainrule.training.interruption import uninterrupted
from chainrule.training.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from chainrule.training.loop import Plan
from chainrule.training.many import fit_many, jobs_at_once
from chainrule.training.progress import ProgressBar
from chainrule.training.state import RunningOptimizer
from chainrule.training.stopping import StopWhen, TerminateOnNaN
from chainrule.training.trainer import Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "Data",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Plan",
    "ProgressBar",
    "ReduceLROnPlateau",
    "RunningOptimizer",
    "StopWhen",
    "TerminateOnNaN",
    "Trainer",
    "fit_many",
    "jobs_at_once",
    "shape_of_row",
    "uninterrupted",
]
