"""The settings of the table front: one row each, from which checks, options and files are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

from chainrule.errors import SettingError, listing, nearest
from chainrule.estimators.network import ACTIVATIONS, NORMALIZATIONS

__all__ = ["SETTINGS", "Setting", "TableSettings", "check_settings"]


@dataclass(frozen=True)
class Setting:
    """What one setting may be, and one sentence of help.

    kind
        `integer`, `number`, `word`, `words` (a list), `integers` (a list) or `choice`.
    lowest, highest
        Bounds that are allowed themselves; `above` and `below` are bounds that are not.
    optional
        Whether None is allowed, which `help` explains.
    """

    help: str
    kind: str
    lowest: float | None = None
    highest: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    option: str = ""


SETTINGS: dict[str, Setting] = {
    "task": Setting(
        "what kind of target it is; auto says which rule chose",
        "choice",
        choices=("auto", "classification", "regression"),
    ),
    "ignore": Setting("a column to leave out (may be given several times)", "words"),
    "kinds": Setting(
        "what a column is, as zip=category, where the schema is wrong (number, category, boolean, "
        "datetime or identifier; may be given several times)",
        "words",
        option="--kind",
    ),
    "weight": Setting("a column with the weight of each row", "word", optional=True),
    "group": Setting("a column whose rows of one value stay in one part", "word", optional=True),
    "time": Setting("a column to order rows by: the last ones are the test", "word", optional=True),
    "positive": Setting("the label that counts as positive", "word", optional=True),
    "metric": Setting(
        "the score that chooses the best epoch; validation loss by default", "word", optional=True
    ),
    "class_weight": Setting(
        "balanced: each class counts as much as every other",
        "choice",
        choices=("balanced",),
        optional=True,
    ),
    "model": Setting(
        "tabular: strong defaults for tables; mlp: one plain network",
        "choice",
        choices=("tabular", "mlp"),
    ),
    "hidden": Setting(
        "units of the hidden layers, as 256,128", "integers", lowest=1, optional=True
    ),
    "activation": Setting(
        "function of the hidden units: relu, leaky_relu, elu, selu, gelu, silu, mish, softplus, "
        "tanh, sigmoid ...",
        "choice",
        choices=ACTIVATIONS,
    ),
    "normalization": Setting(
        "batch or layer: brings the sums of hidden units to mean 0 and deviation 1 over a batch, "
        "or over the units of a row",
        "choice",
        choices=tuple(NORMALIZATIONS),
    ),
    "bins": Setting(
        "parts that the range of a number is spread over at most, 0 or 1: none; by default 128; "
        "fewer on tables of many numbers, none above 512 of them",
        "integer",
        lowest=0,
        highest=1024,
        optional=True,
    ),
    "dropout": Setting("share of hidden units left out", "number", 0, below=1, optional=True),
    "l1": Setting("penalty on the sizes of the weights of dense layers", "number", lowest=0),
    "l2": Setting("penalty on the squares of the weights of dense layers", "number", lowest=0),
    "optimizer": Setting(
        "what makes steps of gradients; sgd has momentum 0.9",
        "choice",
        choices=("adamw", "adam", "nadam", "rmsprop", "adagrad", "sgd"),
    ),
    "learning_rate": Setting(
        "step size; by default 0.001 (0.002 for numbers), of sgd and adagrad ten times as much",
        "number",
        above=0,
        optional=True,
    ),
    "weight_decay": Setting(
        "pull of the weights towards 0, of adamw alone", "number", lowest=0, optional=True
    ),
    "batch_size": Setting("rows an update", "integer", lowest=1, optional=True),
    "epochs": Setting("passes over the rows at most", "integer", lowest=1),
    "patience": Setting("epochs without a better validation before the end", "integer", lowest=1),
    "members": Setting(
        "networks whose predictions are averaged, each watched on other rows; "
        "by default 8 on tables of up to 5,000 rows (16 for classes up to 1,000), 4 up to "
        "100,000, else 1",
        "integer",
        lowest=1,
        highest=64,
        optional=True,
    ),
    "time_limit": Setting("seconds to train at most", "number", above=0, optional=True),
    "seed": Setting("where every random number comes from", "integer", 0, 2**63 - 1),
}


@dataclass(frozen=True)
class TableSettings:
    """What a user may choose; None is a choice made from the size of the table.

    The allowed values stand in `SETTINGS`; raises `SettingError` for others.

    >>> TableSettings(hidden=(64, 32), seed=1).hidden
    (64, 32)
    """

    task: str = "auto"
    ignore: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    positive: str | None = None
    metric: str | None = None
    class_weight: str | None = None
    model: str = "tabular"
    hidden: tuple[int, ...] | None = None
    activation: str = "relu"
    normalization: str = "none"
    bins: int | None = None
    dropout: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    optimizer: str = "adamw"
    learning_rate: float | None = None
    weight_decay: float | None = None
    batch_size: int | None = None
    epochs: int = 200
    patience: int = 20
    members: int | None = None
    time_limit: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("ignore", "kinds", "hidden"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        check_settings(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> TableSettings:
        """Settings from plain values; raises SettingError for a name that is not known."""
        known = [field.name for field in fields(cls)]
        for name in record:
            if name not in known:
                message = f"setting {name!r} is not known; {nearest(name, known)}"
                raise SettingError(message)
        return cls(**record)

    def to_record(self) -> dict[str, Any]:
        """Plain values, what was left to the table's size left out."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None and value != ()
        }


def check_settings(settings: TableSettings) -> None:
    """Raise SettingError with a sentence for the first value that is not allowed."""
    for name, setting in SETTINGS.items():
        value = getattr(settings, name)
        if value is None and setting.optional:
            continue
        problem = _problem(setting, value)
        if problem:
            message = f"{name}: must be {problem}, got {value!r}."
            raise SettingError(message)
    if settings.weight_decay and settings.optimizer != "adamw":
        message = (
            f"weight_decay: belongs to optimizer='adamw', got {settings.weight_decay!r} with "
            f"{settings.optimizer!r}; leave it out, or give l2 in its place."
        )
        raise SettingError(message)


def _problem(setting: Setting, value: Any) -> str:
    """What the value must be, or nothing when it is."""
    if setting.kind == "choice":
        return "" if value in setting.choices else _choice_problem(setting, value)
    if setting.kind == "word":
        return "" if isinstance(value, str) else "a text"
    if setting.kind == "words":
        texts = isinstance(value, tuple) and all(isinstance(word, str) for word in value)
        return "" if texts else "a list of texts"
    if setting.kind == "integers":
        listed = isinstance(value, tuple)
        whole = listed and all(_is_whole(one) and one >= (setting.lowest or 0) for one in value)
        return "" if whole else f"whole numbers of {setting.lowest} or more, as 256,128"
    return _number_problem(setting, value)


def _choice_problem(setting: Setting, value: Any) -> str:
    close = get_close_matches(str(value), setting.choices, 1)
    near = f" (did you mean {close[0]!r}?)" if close else ""
    return f"one of {listing(setting.choices)}{near}"


def _number_problem(setting: Setting, value: Any) -> str:
    if setting.kind == "integer":
        right, kind = _is_whole(value), "a whole number"
    else:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        right, kind = right and math.isfinite(value), "a number"
    bounds = []
    if setting.lowest is not None:
        right = right and value >= setting.lowest
        bounds.append(f"of {setting.lowest:g} or more")
    if setting.highest is not None:
        right = right and value <= setting.highest
        bounds.append(f"at most {setting.highest}")
    if setting.above is not None:
        right = right and value > setting.above
        bounds.append(f"above {setting.above:g}")
    if setting.below is not None:
        right = right and value < setting.below
        bounds.append(f"below {setting.below:g}")
    return "" if right else f"{kind} {' and '.join(bounds)}".rstrip()


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
