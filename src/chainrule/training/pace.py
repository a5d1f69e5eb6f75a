"""Where a fit is, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.training.loop import Course

__all__ = ["Pace"]

HALF_LIFE = 5.0
"""Seconds of training after which a pace counts half."""

FORWARD_SHARE = 1 / 3
"""What a row of validation is taken to cost of one of training, until an epoch has shown it."""


class Pace:
    """The steps that a fit has made and will make, and their time.

    course
        The fit, at a moment when its counts are in place.
    began
        When it began (`time.perf_counter`).

    made, total
        Steps of the whole plan; those made before a fit that goes on was stopped are among them.
    """

    def __init__(self, course: Course, began: float) -> None:
        self.course = course
        self.first = course.first
        self.total = max(0, course.plan.epochs - course.plan.initial_epoch) * course.steps
        # iterations go on from fit to fit
        self._uncounted = course.trainer.iterations - self._before(course.epoch) - course.done
        self._began = began
        epoch, done = course.first
        self._made_before = self._before(epoch) + done
        self._seen = (0.0, self._made_before)
        self._seconds = self._steps = 0.0

    @property
    def made(self) -> int:
        """Steps that are made; a stop within an epoch leaves the rest of it out."""
        return min(self.total, self.course.trainer.iterations - self._uncounted)

    @property
    def passed(self) -> float:
        """Seconds since the fit began."""
        return time.perf_counter() - self._began

    @property
    def may_stop(self) -> bool:
        """Whether a callback is there to end it before the last epoch."""
        return any(one.may_stop for one in self.course.told.members)

    def steps_of(self, epoch: int) -> int:
        """Steps made of an epoch."""
        return max(0, min(self.course.steps, self.made - self._before(epoch)))

    def epoch(self) -> int:
        """The epoch of the last step, from 0."""
        plan, made = self.course.plan, self.made
        return plan.initial_epoch + max(0, made - 1) // self.course.steps

    def look(self) -> None:
        """Take in what was done since the last look."""
        (seconds, made), self._seen = self._seen, (self.course.seconds, self.made)
        passed = self._seen[0] - seconds
        fading = 0.5 ** (passed / HALF_LIFE)
        self._seconds = self._seconds * fading + passed
        self._steps = self._steps * fading + self._seen[1] - made

    def rate(self) -> float:
        """Rows a second of late, in steps alone; 0 before the first."""
        return self._rows(self._steps, self._seconds)

    def whole_rate(self) -> float:
        """Rows a second since the fit began, in steps alone."""
        return self._rows(self.made - self._made_before, self.course.seconds)

    def left(self) -> float | None:
        """Seconds until the last epoch is over, validation and callbacks included."""
        if not self._steps:
            return None
        course, pace = self.course, self._seconds / self._steps
        over = course.epoch - self.first[0]
        if over:
            rest = max(0.0, self.passed - course.seconds) / over
        else:
            held = 0 if course.validation is None else course.validation.rows
            rest = FORWARD_SHARE * pace * held * course.steps / course.data.rows
        return (self.total - self.made) * pace + (course.plan.epochs - course.epoch) * rest

    def _before(self, epoch: int) -> int:
        """Steps of the plan before an epoch."""
        return (epoch - self.course.plan.initial_epoch) * self.course.steps

    def _rows(self, steps: float, seconds: float) -> float:
        course = self.course
        return steps * course.data.rows / course.steps / seconds if seconds else 0.0
