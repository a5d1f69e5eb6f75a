"""What a hidden unit of a table's network has learned, on the user's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Table
from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.estimators import TableModel
from chainrule.explaining.explanation import Explanation, few_rows, library_of, plain, shown
from chainrule.explaining.pool import TablePool
from chainrule.explaining.subject import Subject, subject_of
from chainrule.explaining.unit_drivers import Driver, drivers_of, spoken
from chainrule.explaining.unit_network import UnitOfTable
from chainrule.settings import check_seed

__all__ = ["ExcitedRow", "HiddenUnit", "hidden_unit"]

Array = np.ndarray[Any, np.dtype[Any]]

LOOKED_AT = 1000
"""Rows that drivers and effects are averaged over."""
EXCITED = 5
PLACES = 11
NAMED = 3
DRAWN = 2
"""Columns that are written on the rows of the picture."""


@dataclass(frozen=True)
class ExcitedRow:
    """A row that a unit answers strongly to, counted from 0, with its own columns."""

    row: int
    activation: float
    values: Mapping[str, Any]

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {"row": self.row, "activation": self.activation, "values": dict(self.values)}


@dataclass(frozen=True, eq=False, repr=False)
class HiddenUnit(Explanation):
    """What a hidden unit of a table's network has learned.

    layer, unit, member
        Which one: the layer's name, the unit in it and the network, both counted from 0.
    drivers
        The columns that move it, the strongest first.
    rows
        Those with the highest activation.
    levels, effect
        Values of its activation over the rows (its quantiles), and the mean outputs of this network
        when the unit is held at each while the others stay: (levels, outputs).
    outputs
        The classes, or the target.
    active
        The share of rows in which it is not 0.
    name
        An attempt to say in words what it stands for.
    """

    layer: str
    unit: int
    member: int
    drivers: tuple[Driver, ...]
    rows: tuple[ExcitedRow, ...]
    levels: tuple[float, ...]
    effect: tuple[tuple[float, ...], ...]
    outputs: tuple[Any, ...]
    active: float
    name: str
    cannot_tell: tuple[str, ...]
    library: str
    activations: Array

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": "hidden unit",
            "unit": f"{self.layer}.{self.unit}",
            "member": self.member,
            "name": self.name,
            "active": self.active,
            "columns": [one.to_record() for one in self.drivers],
            "rows": [one.to_record() for one in self.rows],
            "effect": {
                "activation": list(self.levels),
                "outputs": [plain(one) for one in self.outputs],
                "means": [list(one) for one in self.effect],
            },
            "cannot_tell": list(self.cannot_tell),
        }

    def plot(self, axes: Any = None) -> Any:
        """Three pictures: what drives it, which rows excite it most, its effect."""
        from chainrule import drawing

        names, drive = [], []
        for driver in self.drivers:
            for name, value in driver.bars():
                names.append(name)
                drive.append(value)
        columns = [one.column for one in self.drivers[:DRAWN]]
        word = "class" if len(self.outputs) > 1 else "output"
        effect = drawing.Effect(
            np.array(self.levels), np.array(self.effect), self.activations,
            [str(one) for one in self.outputs], word,
        )  # fmt: skip
        cells = [[shown(one.values[name]) for name in columns] for one in self.rows]
        scale = "change of the activation"
        facts = drawing.UnitFacts(
            f"{self.layer}.{self.unit}", names, drive, scale, effect, cells, columns
        )
        return drawing.plot_unit(facts, axes)

    def _title(self) -> str:
        return f"{self.layer}.{self.unit} of network {self.member}: {self.name}"

    def _columns(self) -> dict[str, list[Any]]:
        bars = [(driver, bar) for driver in self.drivers for bar in driver.bars()]
        return {
            "column": [driver.column for driver, _ in bars],
            "what": [bar[0] for _, bar in bars],
            "change": [bar[1] for _, bar in bars],
            "strength": [driver.strength for driver, _ in bars],
        }


def hidden_unit(
    model: Any, X: Any, layer: Any, unit: int | None = None, *, member: int = 0, seed: int = 0
) -> HiddenUnit:
    """What a hidden unit of a table's network has learned: what drives it, and what it does.

    model
        A `TabularClassifier` or `TabularRegressor`, a run folder, or a `TableModel`.
    X
        Rows to look at.
    layer, unit
        "dense_1.5": unit 5 of the second hidden layer, both counted from 0; or the layer's name or
        position, and the unit. The first hidden layer is "dense_0".
    member
        Which of the model's networks, from 0.
    seed
        Of the draw of 1,000 rows, where X has more, that averages are taken over.

    A number's drive is the mean change of the activation when the column is a standard deviation
    larger: half of it to both sides, within the values that the rows have. A category's value, and
    one of a number with few values or of a date, is put into all rows: its drive is the mean
    activation then, less the mean over values as frequent as they are. A column's strength is the
    absolute drive of a number, the deviation of the drives over values.

    Raises `SettingError` for an unknown layer, unit or network, `DataError` for rows that do not
    fit, `InputTypeError` for another model.
    """
    subject = subject_of(model, X)
    pool = subject.pool
    if not isinstance(pool, TablePool):
        message = (
            f"hidden_unit: is for the networks of a table, got {type(model).__name__}; see "
            "chainrule.drawing.plot_hidden_unit for a Sequential."
        )
        raise InputTypeError(message)
    table_model: TableModel = pool.model
    name, place = _checked(table_model, layer, unit, member)
    found = UnitOfTable(table_model, member, name, place)
    table: Table = pool.table
    activations = found.activity_of(pool.encoded)
    check_seed("hidden_unit", seed)
    chosen = _some_rows(table.rows, seed)
    part = table.take(chosen)
    drivers = drivers_of(found, part)
    levels = _levels(activations)
    moves = float(np.ptp(activations)) > 0
    return HiddenUnit(
        name, place, member, drivers,
        tuple(_excited(subject, activations)),
        tuple(levels.tolist()),
        tuple(map(tuple, found.held_at(table_model.encoder.encode(part), levels).tolist())),
        subject.outputs,
        float(np.mean(activations != 0)),
        spoken(drivers, NAMED) if moves else "says the same of every row",
        (*few_rows(table.rows), *_cannot_tell(table_model)),
        library_of(X),
        activations,
    )  # fmt: skip


def _checked(model: TableModel, layer: Any, unit: Any, member: Any) -> tuple[str, int]:
    """The name of a hidden layer and the position of a unit in it."""
    if not 0 <= member < len(model.members):
        message = (
            f"member: there is no network {member}; the model has {len(model.members)}, counted "
            "from 0."
        )
        raise SettingError(message)
    network: Any = model.network
    names = [f"dense_{place}" for place in range(len(network.hidden))]
    wanted = str(layer)
    if unit is None:
        wanted, dot, after = wanted.rpartition(".")
        if not dot or not after.isdecimal():
            message = (
                f"unit: {layer!r} is no unit; give LAYER.UNIT, both counted from 0, such as "
                f"{names[0]}.0."
            )
            raise SettingError(message)
        unit = int(after)
    if wanted.isdecimal() and int(wanted) < len(names):
        wanted = names[int(wanted)]
    if wanted not in names:
        message = f"layer: {wanted!r} is no hidden layer; {nearest(wanted, names, listed=True)}"
        raise SettingError(message)
    units = network.hidden[names.index(wanted)]
    if not 0 <= unit < units:
        message = f"unit: {wanted} has units 0 to {units - 1}, got {unit}."
        raise SettingError(message)
    return wanted, int(unit)


def _some_rows(rows: int, seed: int) -> Array:
    if rows <= LOOKED_AT:
        return np.arange(rows)
    return np.sort(random.permutation(seed, 0, 0, rows)[:LOOKED_AT])


def _levels(activations: Array) -> Array:
    """Different quantiles of the activation; evenly spread values where these are few."""
    found = np.unique(np.quantile(activations, np.linspace(0, 1, PLACES)))
    low, high = float(activations.min()), float(activations.max())
    return found if len(found) > 2 or low == high else np.linspace(low, high, PLACES)


def _excited(subject: Subject, activations: Array) -> list[ExcitedRow]:
    order = np.argsort(-activations, kind="stable")[:EXCITED]
    values = {name: subject.take(order).values(name) for name in subject.columns}
    return [
        ExcitedRow(
            int(row), float(activations[row]),
            {name: plain(column[place]) for name, column in values.items()},
        )
        for place, row in enumerate(order)
    ]  # fmt: skip


def _cannot_tell(model: TableModel) -> list[str]:
    count = len(model.members)
    whole = f"one of {count} networks that are averaged" if count > 1 else "the network"
    return [
        f"This is one unit of {whole}: units share their work, and the model may do as well "
        "without it.",
        "A column that moves the unit up in some rows and down in others has a small mean.",
    ]
