"""Callbacks: told what training does, able to change it; Keras's hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule.errors import InputTypeError, SettingError, listing

__all__ = ["Callback", "Callbacks", "LambdaCallback"]

Logs = dict[str, float]

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end")
_EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end", "on_train_steps", "on_loss_not_finite")


class Callback:
    """What may be told of training: override the hooks that are wanted.

    model
        What is trained; `model.stop_training = True` stops, as does returning True from
        `on_epoch_end` or `on_train_batch_end`.
    params
        `epochs`, `steps` (an epoch) and `verbose`.

    Hooks are called in the order of the list. `logs` are numbers by name; an epoch's are its
    means, a batch's the means of the epoch so far (Keras), `val_` those of validation. A callback
    without batch hooks costs nothing a batch: whole pieces of an epoch run in one call. Where none
    has hooks of epochs either, one call runs several short epochs.
    """

    model: Any = None
    params: Mapping[str, Any] = {}

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

    def on_loss_not_finite(self, error: BaseException) -> Any:
        """Before a step whose loss is nan or inf: returning True ends training without error."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> Any:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> Any:
        """After an epoch and its validation."""

    def on_train_steps(self, done: int, logs: Logs | None = None) -> Any:
        """Every fraction of a second: `done` steps of the epoch are over."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> Any:
        """Before a batch, counted from 0 in its epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> Any:
        """After a batch."""


class LambdaCallback(Callback):
    """Hooks given as functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`.

    Raises `SettingError` for a name that is no hook, `InputTypeError` for what is no function.
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        known = [name for name in vars(Callback) if name.startswith("on_")]
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
            member.set_model(model)
            member.set_params(params)
        self.wants_batches = any(_overrides(member, _BATCH_HOOKS) for member in self.members)
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

    def tell(self, hook: str, *arguments: Any) -> bool:
        """Call a hook of each; a hook that returns True stops training. Whether one did."""
        stopped = False
        for member in self.members:
            if getattr(member, hook)(*arguments) is True:
                self.model.stop_training = stopped = True
        return stopped


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
        name in vars(member) or getattr(type(member), name) is not getattr(Callback, name)
        for name in hooks
    )
