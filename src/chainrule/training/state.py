"""What training changes: an optimizer at work, and all of a trainer that a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError, listing
from chainrule.layers import Parameters
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["RunningOptimizer", "restore_trainer", "trainer_state"]

Array = np.ndarray[Any, np.dtype[Any]]


class RunningOptimizer:
    """The optimizer of a model: `learning_rate` may be set, also while training runs.

    Where the rate is a schedule, `learning_rate` is that of the next step and cannot be set to a
    number.

    description
        The frozen settings.
    slots
        Its flat arrays, in the order of `description.slots`.
    iterations
        How many steps it has made.

    Settings of the description can be read from it: `optimizer.beta_1`.
    """

    description: Optimizer
    slots: tuple[Array, ...]
    iterations: int

    def __init__(self, description: Optimizer, parameters: Parameters) -> None:
        count, dtype = parameters.trainable_count, parameters.dtype
        slots = tuple(np.full(count, description.initial(s), dtype) for s in description.slots)
        self.__dict__.update(description=description, slots=slots, iterations=0)

    def __repr__(self) -> str:
        return f"<{self.description} after {self.iterations} steps>"

    def __getattr__(self, name: str) -> Any:
        if name == "description":  # not there yet, while it is copied
            raise AttributeError(name)
        return getattr(self.description, name)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self.description.rate(self.iterations + 1)

    @property
    def scheduled(self) -> bool:
        """Whether the rate is a schedule."""
        return callable(self.description.learning_rate)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "iterations":
            self.__dict__["iterations"] = int(value)
        elif name == "learning_rate":
            if self.scheduled and not callable(value):
                message = (
                    "optimizer: learning_rate is a schedule and cannot be set to a number; compile "
                    "the model with a number, or set another schedule."
                )
                raise SettingError(message)
            rate = value.item() if isinstance(value, np.ndarray) else value
            self.__dict__["description"] = replace(self.description, learning_rate=rate)
        else:
            settings = [one.name for one in fields(self.description)]
            message = (
                f"optimizer: only learning_rate can be set, not {name!r}; compile the model again "
                f"to change others of {listing(settings)}."
            )
            raise SettingError(message)

    def lines(self, count: int) -> Array:
        """The numbers of the next steps, one line a step."""
        rule, first = self.description, self.iterations + 1
        if count == 1:
            return np.array([rule.line(first)], np.float64)
        return rule.lines(first, count)

    def arrays(self, parameters: Parameters) -> dict[str, Array]:
        """The state by slot and parameter, named `slot/layer/name`: views."""
        return {
            f"{slot}/{one.name}": parameters.view(array, one.name)
            for slot, array in zip(self.description.slots, self.slots, strict=True)
            for one in parameters.table
            if one.trainable
        }

    def restore(self, parameters: Parameters, arrays: Mapping[str, Array]) -> None:
        """Take the state that `arrays` gave, where names and shapes are the same."""
        for name, view in self.arrays(parameters).items():
            if name in arrays and arrays[name].shape == view.shape:
                view[...] = arrays[name]


def trainer_state(trainer: Trainer) -> dict[str, Any]:
    """Copies of all that training changes, as plain values and arrays."""
    optimizer = trainer.optimizer
    return {
        "parameters": trainer.parameters.flat.copy(),
        "slots": {
            name: slot.copy()
            for name, slot in zip(optimizer.description.slots, optimizer.slots, strict=True)
        },
        "iterations": optimizer.iterations,
        "learning_rate": None if optimizer.scheduled else optimizer.learning_rate,
        "epochs": trainer.epochs,
        "seed": trainer.seed,
    }


def restore_trainer(trainer: Trainer, state: Mapping[str, Any]) -> None:
    """Take what `trainer_state` gave of the same network and optimizer."""
    optimizer: Any = trainer.optimizer  # its rate is a property that may be set
    trainer.parameters.flat[...] = state["parameters"]
    for name, slot in zip(optimizer.description.slots, optimizer.slots, strict=True):
        slot[...] = state["slots"][name]
    optimizer.iterations = state["iterations"]
    if state["learning_rate"] is not None:
        optimizer.learning_rate = state["learning_rate"]
    trainer.epochs, trainer.seed = state["epochs"], state["seed"]
