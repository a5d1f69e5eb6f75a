"""The settings of a run as a TOML file, and a command line laid over one."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chainrule
from chainrule.cli.parser import UsageError, given_settings
from chainrule.errors import SettingError, nearest

if TYPE_CHECKING:
    from chainrule.estimators import TableSettings

__all__ = ["TrainRequest", "recorded_source", "train_request"]

SOURCES = ("data", "target", "test", "validation")
FACTS = ("chainrule", "fingerprint")
NAMES = "chosen"
OF_OPTIMIZER = {"learning_rate", "weight_decay"}
QUERY = re.compile(r"\s*(select|with|from)\s", re.IGNORECASE)


@dataclass(frozen=True)
class TrainRequest:
    """What is to be trained: sources as the user gave them, and settings.

    Of a repeated run `fingerprint` is of the data that it was trained on, and `chosen` names the
    settings that the size of its table decided.
    """

    data: str
    target: str
    test: str | None
    validation: str | None
    settings: TableSettings
    fingerprint: str | None = None
    chosen: tuple[str, ...] = ()

    def to_record(self, settings: TableSettings, fingerprint: str) -> dict[str, Any]:
        """The content of config.toml: paths made absolute, so that it works from any folder."""
        before, after = self.settings.to_record(), settings.to_record()
        chosen = {name for name in after if name not in before} | set(self.chosen)
        return {
            "chainrule": chainrule.__version__,
            "data": recorded_source(self.data),
            "target": self.target,
            "test": None if self.test is None else recorded_source(self.test),
            "validation": None if self.validation is None else recorded_source(self.validation),
            "fingerprint": fingerprint,
            "chosen": sorted(chosen),
            "settings": settings.to_record(),
        }


def train_request(options: argparse.Namespace) -> TrainRequest:
    """What the command line asks for, over what its --config file says.

    Raises UsageError where data or target is named nowhere, SettingError for a file that says
    what is not known.
    """
    from chainrule.estimators import TableSettings

    config = {} if options.config is None else _read_config(options.config)
    for name in SOURCES:
        given = getattr(options, name)
        if given is not None:
            config[name] = given
    if options.data is not None:
        config.pop("fingerprint", None)
    for name, remedy in (("data", "name a table"), ("target", "name a column with --target")):
        if name not in config:
            message = f"chainrule train: error: no {name} given; {remedy} (or --config FILE.toml)."
            raise UsageError(message)
    given = given_settings(options)
    settings = {**config.get("settings", {}), **given}
    if "optimizer" in given:  # what was chosen for another is chosen anew
        for name in OF_OPTIMIZER & set(config.get("chosen", ())) - set(given):
            settings.pop(name, None)
    return TrainRequest(
        data=config["data"],
        target=config["target"],
        test=config.get("test"),
        validation=config.get("validation"),
        settings=TableSettings.from_record(settings),
        fingerprint=config.get("fingerprint"),
        chosen=tuple(name for name in config.get("chosen", ()) if name not in given),
    )


def _read_config(path: str) -> dict[str, Any]:
    from chainrule.files import read_toml

    place = Path(path)
    if place.is_dir() and (place / "config.toml").is_file():
        place = place / "config.toml"
    config = read_toml(place)
    known = (*SOURCES, *FACTS, NAMES, "settings")
    for name, value in config.items():
        if name not in known:
            message = f"{place}: {name!r} is not known; {_where(name, known)}"
            raise SettingError(message)
        if name == "settings":
            if not isinstance(value, Mapping):
                message = f"{place}: settings must be a table, [settings], got {value!r}."
                raise SettingError(message)
        elif name == NAMES:
            _check_names(place, value)
        elif not isinstance(value, str):
            message = f"{place}: {name} must be a text, got {value!r}. Put it in quotes."
            raise SettingError(message)
    return config


def _check_names(place: Path, value: Any) -> None:
    from chainrule.estimators import SETTINGS

    if not isinstance(value, list) or not all(name in SETTINGS for name in value):
        message = f"{place}: {NAMES} must be a list of names of settings, got {value!r}."
        raise SettingError(message)


def _where(name: str, known: tuple[str, ...]) -> str:
    from chainrule.estimators import SETTINGS

    if name in SETTINGS:
        return f"move {name} below a line '[settings]'."
    return nearest(name, known)


def recorded_source(source: str) -> str:
    """How config.toml has a table: a path made absolute, a query and "-" as they are."""
    if source == "-" or (QUERY.match(source) and not Path(source[:200]).is_file()):
        return source
    return str(Path(source).absolute())
