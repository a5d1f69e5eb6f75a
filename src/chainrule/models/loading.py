"""Models from files: made again of a record of plain values, and arrays by name."""

from __future__ import annotations

import os
from typing import Any

from chainrule.engine import check_engine
from chainrule.errors import ChainruleError, EngineError, ModelFileError
from chainrule.files import load_model_file
from chainrule.layers import Input, Stack, layer_from_record
from chainrule.losses import loss_from_record, metric_from_record
from chainrule.models.saving import KIND, PARAMETERS, SLOTS
from chainrule.models.sequential import Sequential
from chainrule.optimizers import optimizer_from_record

__all__ = ["load_model"]


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """The model that `save` wrote: it predicts, and trains on, as if it had never been away.

    Raises `MissingFileError`, or `ModelFileError` where the file is damaged, of another kind or
    from a later version. No code of the file is run.
    """
    record, arrays = load_model_file(path)
    if record.get("kind") != KIND:
        message = (
            f"{path}: the file holds a {record.get('kind', 'record')!s}, not a {KIND} model; "
            "load it with what saved it."
        )
        raise ModelFileError(message)
    try:
        return _model(record, arrays)
    except (ChainruleError, AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{path}: the model cannot be made again ({error}); save it again."
        raise ModelFileError(message) from error


def _engine_here(engine: str) -> str:
    """The engine that was asked for, or "auto" where this machine does not have it."""
    try:
        check_engine(engine)
    except EngineError:
        return "auto"
    return engine


def _check_shapes(network: Stack, arrays: dict[str, Any]) -> None:
    """Hold the layers against the arrays before anything of their size is allocated."""
    for one in network.parameters():
        found = arrays[f"{PARAMETERS}{one.name}"].shape
        if found != one.shape:
            message = f"{one.name} has shape {found} in place of {one.shape}"
            raise ModelFileError(message)


def _model(record: dict[str, Any], arrays: dict[str, Any]) -> Sequential:
    layers = [layer_from_record(one) for one in record["layers"]]
    _check_shapes(Stack(layers, tuple(record["shape"])), arrays)
    model = Sequential(
        [Input(record["shape"]), *layers], record["seed"], record["dtype"], record["name"]
    )
    compiled = record["compiled"]
    if compiled is not None:
        model.compile(
            optimizer_from_record(compiled["optimizer"]),
            loss_from_record(compiled["loss"]),
            [metric_from_record(one) for one in compiled["metrics"]],
            _engine_here(compiled["engine"]),
        )
        model.optimizer.iterations = compiled["iterations"]
        state = {
            name: arrays[f"{SLOTS}{name}"]
            for name in model.optimizer.arrays(model.trainer.parameters)
        }
        model.optimizer.restore(model.trainer.parameters, state)
    names = model.trainer.parameters.names
    model.set_weights([arrays[f"{PARAMETERS}{name}"] for name in names])
    model.trainer.epochs = int(record["epochs"])
    return model
