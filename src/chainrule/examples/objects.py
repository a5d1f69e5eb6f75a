"""Objects of the library that tables of settings in a spec stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from chainrule.errors import SettingError, nearest
from chainrule.examples.shapes import KERNELS
from chainrule.layers import CONSTRAINTS, LAYERS, REGULARIZERS
from chainrule.optimizers import schedules

__all__ = ["PARTS", "check_settings", "made_of"]

PARTS: dict[str, Mapping[str, type]] = {
    "regularizer": REGULARIZERS, "constraint": CONSTRAINTS, "learning_rate": schedules.SCHEDULES,
}  # fmt: skip
"""What may stand in settings as a table, { name = "l2", l2 = 0.001 }, by the setting's ending."""
SAMPLES = {
    "regularizer": '{ name = "l2", l2 = 0.01 }',
    "constraint": '{ name = "max_norm", max_value = 2.0 }',
    "learning_rate": '{ name = "InverseTimeDecay", initial_learning_rate = 0.1, decay_steps = 100, '
    "decay_rate = 0.5 }",
}
"""Such tables as a sentence shows them."""
NEEDED: dict[str, Any] = {
    "activation": "relu", "boundaries": [100], "decay_rate": 0.5, "decay_steps": 100,
    "initial_learning_rate": 0.1, "input_dim": 10, "max_learning_rate": 0.1, "output_dim": 4,
    "rate": 0.5, "stddev": 0.1, "total_steps": 100, "units": 3, "values": [0.1, 0.01],
}  # fmt: skip
"""What a sentence shows for settings that have no default."""


def made_of(what: str, name: Any, table: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    """An object of a table by its name, with settings."""
    check_settings(what, name, table, settings)
    made = {key: _object(f"{what}: {key}", key, one) for key, one in settings.items()}
    for one in fields(table[name]):
        has_none = one.default is MISSING and one.default_factory is MISSING
        if one.init and has_none and one.name not in settings:
            sample = json.dumps(NEEDED[one.name])
            message = f"spec: {what}: {name} needs {one.name}; write {one.name} = {sample}."
            raise SettingError(message)
    try:
        return table[name](**made)
    except (TypeError, ValueError) as error:
        message = f"spec: {what}: {error}"
        raise SettingError(message) from error


def check_settings(
    what: str, name: Any, table: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Raise for a name that a table has not, and for a setting that its object has not."""
    if not isinstance(name, str) or name not in table:
        message = f"spec: {what}: {name!r} is not known; {nearest(str(name), table)}"
        raise SettingError(message)
    known = [one.name for one in fields(table[name]) if one.init]
    known += ["kind", *KERNELS, "bias"] if table is LAYERS else []
    for setting in settings:
        if setting not in known:
            message = f"spec: {what}: {name} has no {setting!r}; {nearest(setting, known)}"
            if table is LAYERS and setting in ("type", "layer", "class_name"):
                message = (
                    f"spec: {what}: {setting} is called kind; write kind = {settings[setting]!r}."
                )
            raise SettingError(message)


def _object(what: str, key: str, given: Any) -> Any:
    """A setting; a table of a name and settings is what the name stands for, with these."""
    ending = next((one for one in PARTS if key.endswith(one)), None)
    if not isinstance(given, Mapping):
        if ending in ("regularizer", "constraint") and not isinstance(given, str):
            message = f"spec: {what} must be a name or a table {SAMPLES[ending]}, got {given!r}."
            raise SettingError(message)
        return given
    if ending is None:
        message = f"spec: {what} cannot be a table, got {given}; write one value."
        raise SettingError(message)
    settings = {name: value for name, value in given.items() if name != "name"}
    if "name" not in given:
        message = f"spec: {what} needs a name, such as {SAMPLES[ending]}, got {given}."
        raise SettingError(message)
    return made_of(what, given["name"], PARTS[ending], settings)
