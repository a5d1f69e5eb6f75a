"""Callbacks: told what training does, able to change it; Keras's hooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError, InputTypeError, SettingError, listing, warn

if TYPE_CHECKING:
    from chainrule.training.loop import Course

__all__ = ["Callback", "Callbacks", "LambdaCallback"]

Logs = dict[str, float]

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_LAST_HOOKS = ("on_train_end", "on_train_error", "on_train_over")
_EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end", "on_train_steps", "on_loss_not_finite")


class Callback:
    """What may be told of training: override the hooks that are wanted.

    model
        What is trained; `model.stop_training = True` stops, as does returning True from
        `on_epoch_end` or `on_train_batch_end`.
    params
        `epochs`, `steps` (an epoch) and `verbose`.
    course
        The fit under way (`chainrule.training.Course`); None when it is over.
    may_stop
        Whether it is there to end training before the last epoch.

    Hooks are called in the order of the list. `logs` are numbers by name; an epoch's are its
    means, a batch's the means of the epoch so far (Keras), `val_` those of validation. A callback
    without batch hooks costs nothing a batch: whole pieces of an epoch run in one call. Where none
    has hooks of epochs either, one call runs several short epochs.

    A callback that remembers something from epoch to epoch gives it as `state` and takes it back
    in `restore`: with that, training that was killed goes on exactly (`BackupAndRestore`). It is
    told of the beginning, and of that of the epoch under way, before it is given its state.
    """

    model: Any = None
    params: Mapping[str, Any] = {}
    course: Course | None = None
    may_stop = False

    def set_model(self, model: Any) -> None:
        """Take what is trained as `self.model`."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take the settings of training as `self.params`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> Any:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> Any:
        """After the last epoch, and after Ctrl-C."""

    def on_train_error(self, error: BaseException) -> Any:
        """When training ends with an error, in place of `on_train_end`."""

    def on_train_over(self, done: bool) -> Any:
        """After that, last of all; `done` where nothing failed and it was not stopped by Ctrl-C."""

    def on_loss_not_finite(self, error: BaseException) -> Any:
        """Before a step whose loss is nan or inf: returning True ends training without error."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> Any:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> Any:
        """After an epoch and its validation."""

    def on_train_steps(self, done: int, logs: Logs | None = None) -> Any:
        """Every fraction of a second: `done` steps of the epoch are over."""

    def on_train_pause(self) -> Any:
        """Every fraction of a second between two steps, with every count and weight in place."""

    def pause_after(self, iterations: int) -> int | None:
        """How many steps after so many of the optimizer it wants a pause; None for any number."""

    def state(self) -> dict[str, Any]:
        """What it remembers: plain values, arrays, lists and dicts of them."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave in a training that was stopped."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> Any:
        """Before a batch, counted from 0 in its epoch."""
        return self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> Any:
        """After a batch."""
        return self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> Any:
        """Another name of `on_train_batch_begin`, as in Keras."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> Any:
        """Another name of `on_train_batch_end`, as in Keras."""


class LambdaCallback(Callback):
    """Hooks given as functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`.

    Raises `SettingError` for a name that is no hook, `InputTypeError` for what is no function.
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        known = _known_hooks()
        for name, function in hooks.items():
            if name not in known:
                message = f"LambdaCallback: {name!r} is no hook; known: {listing(known)}."
                raise SettingError(message)
            if function is None:
                continue
            if not callable(function):
                message = f"LambdaCallback: {name} must be a function, got {function!r}."
                raise InputTypeError(message)
            setattr(self, name, function)


class Callbacks:
    """Callbacks in order, and whether any of them asks for every batch or to stop."""

    def __init__(self, given: Any, model: Any, params: Mapping[str, Any]) -> None:
        self.model = model
        self.members = _members(given)
        for member in self.members:
            if member.course is not None:
                message = (
                    f"callbacks: this {type(member).__name__} follows a fit that runs now; give "
                    "each fit an object of its own."
                )
                raise SettingError(message)
            _warn_of_unknown_hooks(member)
            member.set_model(model)
            member.set_params(params)
        self.wants_batches = any(_overrides(member, _BATCH_HOOKS) for member in self.members)
        self.remembering = [one for one in self.members if _overrides(one, ("state",))]
        self._pausing = [one for one in self.members if _overrides(one, ("pause_after",))]
        model.stop_training = False

    @property
    def stopping(self) -> bool:
        """Whether something has asked for training to stop."""
        return bool(self.model.stop_training)

    def watches_epochs(self, but: Callback) -> bool:
        """Whether any callback but one is told of epochs or of what is in them."""
        return any(
            _overrides(member, _EPOCH_HOOKS + _BATCH_HOOKS)
            for member in self.members
            if member is not but
        )

    def follow(self, course: Course | None) -> None:
        """Give every callback the fit that is under way."""
        for member in self.members:
            member.course = course

    def steps_to_pause(self, iterations: int) -> int:
        """After how many steps the first callback wants a pause, at least one."""
        wanted = (one.pause_after(iterations) for one in self._pausing)
        return max(1, min((steps for steps in wanted if steps is not None), default=sys.maxsize))

    def states(self) -> list[dict[str, Any]]:
        """What each of those that remember anything does."""
        return [one.state() for one in self.remembering]

    def restore(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Give each what it remembered."""
        for member, state in zip(self.remembering, states, strict=True):
            member.restore(state)

    def tell_all(self, hook: str, *arguments: Any) -> None:
        """Call a hook of each, also where that of another raises an error, which comes after."""
        with ExitStack() as stack:
            for member in reversed(self.members):
                stack.callback(_call, member, hook, arguments)

    def tell(self, hook: str, *arguments: Any) -> bool:
        """Call a hook of each; a hook that returns True stops training. Whether one did."""
        stopped = False
        for member in self.members:
            if _call(member, hook, arguments) is True:
                self.model.stop_training = stopped = True
        return stopped


def _call(member: Callback, hook: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(member, hook)(*arguments)
    except Exception as error:
        _note(error, member, hook)
        raise


def _note(error: Exception, member: Callback, hook: str) -> None:
    """Say below a traceback of a user's callback what is kept; errors of ours say it all."""
    ours = type(member).__module__.startswith("chainrule.") and type(member) is not LambdaCallback
    if isinstance(error, ChainruleError) or member.course is None or ours:
        return
    course = member.course
    place = hook if hook in _LAST_HOOKS else f"{hook}, epoch {course.epoch + 1}"
    error.add_note(
        f"Raised by the callback {type(member).__name__} in {place}; the "
        f"model keeps its weights after {course.trainer.iterations} steps, and its history what "
        "happened so far."
    )


def _known_hooks() -> list[str]:
    return [name for name in vars(Callback) if name.startswith("on_")]


def _warn_of_unknown_hooks(member: Callback) -> None:
    """A hook that nobody calls is a misspelt one, or one that Keras calls elsewhere."""
    known = _known_hooks()
    for name in dir(member):
        if name.startswith("on_") and name not in known and callable(getattr(member, name)):
            warn(
                f"callbacks: {type(member).__name__}.{name} is never called, fit has no hook of "
                f"that name; it has {listing(known)}."
            )


def _members(given: Any) -> list[Callback]:
    listed = list(given) if isinstance(given, Iterable) else [given]
    for member in listed:
        if not isinstance(member, Callback):
            message = (
                f"callbacks: needs Callback objects, got {member!r}; derive a class from "
                "chainrule.callbacks.Callback (and give an object of it)."
            )
            raise InputTypeError(message)
    return listed


def _overrides(member: Callback, hooks: Iterable[str]) -> bool:
    """Whether a callback does anything in one of the hooks."""
    return any(
        (name in vars(member) or getattr(type(member), name) is not getattr(Callback, name))
        and callable(getattr(member, name))  # a value that happens to have the name is none
        for name in hooks
    )
