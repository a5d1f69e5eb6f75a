"""Training: the loop, what it tells, and what came of it."""

from chainrule.training.arrays import shape_of_row
from chainrule.training.backup import BackupAndRestore, Clock
from chainrule.training.callback import Callback, LambdaCallback
from chainrule.training.checkpoint import read_checkpoint, write_checkpoint
from chainrule.training.constant_answer import constant_loss
from chainrule.training.csv_logger import CSVLogger
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.history import History
from chainrule.training.intake import Data
from chainrule.training.interruption import uninterrupted
from chainrule.training.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from chainrule.training.live import live_text, say_line
from chainrule.training.looking import Look, look
from chainrule.training.loop import Course, Plan
from chainrule.training.many import Workers, fit_many, jobs_at_once
from chainrule.training.model_checkpoint import ModelCheckpoint
from chainrule.training.origin import LossNotFinite
from chainrule.training.progress import ProgressBar
from chainrule.training.progress_text import (
    NumberRow,
    progress_text,
    spell_number,
    spell_rate,
    spell_seconds,
)
from chainrule.training.row_mixing import RowMixing
from chainrule.training.state import RunningOptimizer
from chainrule.training.stopping import StopWhen, TerminateOnNaN
from chainrule.training.traced import (
    Traced,
    TracedLayer,
    TracedNode,
    TracedTape,
    traced,
    traced_tape,
)
from chainrule.training.trainer import Trainer
from chainrule.training.update import clipped_gradient
from chainrule.training.weighted_sum import LINKS

__all__ = [
    "LINKS",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "Clock",
    "Course",
    "Data",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Look",
    "LossNotFinite",
    "ModelCheckpoint",
    "NumberRow",
    "Plan",
    "ProgressBar",
    "ReduceLROnPlateau",
    "RowMixing",
    "RunningOptimizer",
    "StopWhen",
    "TerminateOnNaN",
    "Traced",
    "TracedLayer",
    "TracedNode",
    "TracedTape",
    "Trainer",
    "Workers",
    "clipped_gradient",
    "constant_loss",
    "fit_many",
    "jobs_at_once",
    "live_text",
    "look",
    "progress_text",
    "read_checkpoint",
    "say_line",
    "shape_of_row",
    "spell_number",
    "spell_rate",
    "spell_seconds",
    "traced",
    "traced_tape",
    "uninterrupted",
    "write_checkpoint",
]
