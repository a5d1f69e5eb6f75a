"""What the size of a table decides: settings left open, networks and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Schema, Split, Table, split
from chainrule.estimators.settings import TableSettings

__all__ = ["Member", "chosen_settings", "learned_rows", "member_seed", "members_of"]

Array = np.ndarray[Any, np.dtype[Any]]

MEMBERS = ((5_000, 8), (100_000, 4))
"""Up to how many rows so many networks are averaged; above, one."""

FEW_ROWS = 1_000


@dataclass(frozen=True)
class Member:
    """The rows that one network learns from and is watched on, as positions in the pool."""

    train: Array
    validation: Array


def chosen_settings(settings: TableSettings, schema: Schema, pool: Table) -> TableSettings:
    """The settings, with a value for each that the size of the table decides."""
    rows, plain = pool.rows, settings.model == "mlp"
    classes = schema.task == "classification"
    small = classes and rows <= FEW_ROWS
    members = next((count for most, count in MEMBERS if rows <= most), 1)
    faster = 10 if settings.optimizer in ("sgd", "adagrad") else 1
    decays = settings.optimizer == "adamw" and not plain
    defaults: dict[str, Any] = {
        "hidden": (100,) if plain else (128, 64) if small else (256, 128),
        "dropout": 0.0 if plain else 0.5 if small else 0.3 if classes else 0.1,
        "learning_rate": faster * (1e-3 if plain or classes else 2e-3),
        "bins": 0 if plain else 128,
        "weight_decay": 0.1 if decays else 0.0,
        "batch_size": 64 if rows <= 5_000 else 128 if rows <= 20_000 else 256,
        "members": 1 if plain else 2 * members if small else members,
    }
    missing = {name: v for name, v in defaults.items() if getattr(settings, name) is None}
    return replace(settings, **missing)


def members_of(
    pool: Table,
    schema: Schema,
    chosen: TableSettings,
    validation: Table | None,
    parts: Split,
) -> tuple[Member, ...]:
    """For each network its rows; with several, each is watched on a draw of its own."""
    count = chosen.members or 1
    if validation is not None or schema.named("time") is not None or count == 1:
        return (Member(parts.train, parts.validation),) * count
    members = [Member(parts.train, parts.validation)]
    for index in range(1, count):
        seed = member_seed(chosen.seed, index)
        other = split(pool, schema, seed=seed, test=0.0, validation=0.2)
        members.append(Member(other.train, other.validation))
    return tuple(members)


def learned_rows(members: Sequence[Member]) -> Array:
    """The rows of the pool that at least one network learns from, in order."""
    return np.unique(np.concatenate([member.train for member in members]))


def member_seed(seed: int, member: int) -> int:
    """The seed of a network: far from those of the networks of neighboring seeds."""
    return (seed + member * 0x9E3779B97F4A7C15) % 2**63
