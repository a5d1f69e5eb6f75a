"""Models to files: a record of plain values, and arrays by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chainrule.files import save_model
from chainrule.layers import layer_names, layer_record
from chainrule.losses import loss_record, metric_record
from chainrule.optimizers import optimizer_record

if TYPE_CHECKING:
    from chainrule.models.sequential import Sequential

__all__ = ["KIND", "PARAMETERS", "SLOTS", "record_of", "save"]

KIND = "Sequential"
PARAMETERS = "parameters/"
SLOTS = "slots/"


def save(model: Sequential, path: str | os.PathLike[str]) -> None:
    """Write a model: all that predicts, and all that lets training go on to the same bits."""
    parameters = model.trainer.parameters
    arrays = {f"{PARAMETERS}{name}": parameters[name] for name in parameters.names}
    if model.trainer.compiled:
        state = model.optimizer.arrays(parameters)
        arrays |= {f"{SLOTS}{name}": array for name, array in state.items()}
    save_model(path, record_of(model), arrays)


def record_of(model: Sequential) -> dict[str, Any]:
    """A model without its arrays as plain values."""
    inner = model.network.layers
    return {
        "kind": KIND,
        "name": model.name,
        "seed": model.seed,
        "dtype": model.dtype,
        "shape": list(model.network.inputs[0].shape),
        "layers": [
            layer_record(layer, name) for layer, name in zip(inner, layer_names(inner), strict=True)
        ],
        "compiled": _compiled_record(model) if model.trainer.compiled else None,
        "epochs": model.trainer.epochs,
    }


def _compiled_record(model: Sequential) -> dict[str, Any]:
    settings = model.compile_settings
    return {
        "optimizer": optimizer_record(model.optimizer.description),
        "iterations": model.optimizer.iterations,
        "loss": loss_record(settings["loss"]),
        "metrics": [metric_record(metric) for metric in settings["metrics"]],
        "engine": settings["engine"],
    }
