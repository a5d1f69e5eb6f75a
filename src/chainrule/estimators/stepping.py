"""The trainers of a table's networks; and one row of a table as one of them takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Labels, Numbers, Table
from chainrule.errors import DataError, SettingError
from chainrule.estimators.choices import member_seed
from chainrule.estimators.model import TableModel, decoded, member_answers, network_inputs
from chainrule.estimators.network import SPREAD_WIDTH, TableNetwork, embedding_width
from chainrule.estimators.settings import TableSettings
from chainrule.layers import Parameters
from chainrule.losses import MeanSquaredError, SparseCategoricalCrossentropy
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.training import Data, Trainer

__all__ = ["RowStep", "row_step", "trainer_of"]

SGD_MOMENTUM = 0.9

MOST_SCALED = 12
"""Columns of which it is said how they are scaled."""


def trainer_of(
    network: TableNetwork, settings: TableSettings, number: int,
    parameters: Parameters | None = None,
) -> Trainer:  # fmt: skip
    """What trains one of a table's networks.

    settings
        With every value filled in.
    number
        Which network, from 0.
    """
    chosen: Any = settings
    losses = [
        SparseCategoricalCrossentropy() if head.is_classification else MeanSquaredError()
        for head in network.heads
    ]
    seed = member_seed(chosen.seed, number)
    return Trainer(network, losses, _rule(chosen), seed=seed, parameters=parameters)


def _rule(chosen: Any) -> Optimizer:
    """The optimizer of settings."""
    extra = {
        "adamw": {"weight_decay": chosen.weight_decay},
        "sgd": {"momentum": SGD_MOMENTUM},
    }.get(chosen.optimizer, {})
    return OPTIMIZERS[chosen.optimizer](chosen.learning_rate, **extra)


@dataclass(frozen=True)
class RowStep:
    """One row of a table as a step of training takes it that goes forward as prediction does.

    trainer, data
        One of the model's networks with a new optimizer; the row, encoded.
    inputs, columns
        What the columns of each input are called, by its name; and those that the first layer of
        all is given.
    ranges
        The numbers that are spread, each with the edges of the parts of its range, in its own unit.
    outputs
        What the units of its last layer say: classes, or the target.
    predictions
        By target what this network alone predicts for the row: a number, or a class with its
        probability.
    together
        The same of all networks of the model, as it predicts; empty where there is one.
    assumed
        The targets that the row does not have: what the network predicts stands for them.
    scaled
        Sentences: how numbers of the table become those that the network is given, and learns.
    unmet
        A sentence for each category that training did not meet: what the network makes of it.
    """

    trainer: Trainer
    data: Data
    inputs: dict[str, list[str]]
    ranges: list[tuple[str, tuple[float, ...]]]
    columns: list[str]
    outputs: list[str]
    predictions: dict[str, tuple[Any, float | None]]
    together: dict[str, tuple[Any, float | None]]
    assumed: list[str]
    scaled: list[str]
    unmet: list[str]


def row_step(model: TableModel, table: Table, row: int, member: int = 0) -> RowStep:
    """A row of a table, ready to be traced through one of a model's networks.

    Dropout is off, and statistics of batches are those kept for prediction, so that what goes
    forward is the prediction.

    row, member
        Counted from 0.

    Raises `SettingError` for a row or a network that is not there, `DataError` for a target that
    training has not seen.
    """
    if not 0 <= row < table.rows:
        message = (
            f"trace: there is no row {row}; {table.source} has {table.rows:,} rows, counted from 0."
        )
        raise SettingError(message)
    if not 0 <= member < len(model.members):
        message = (
            f"trace: there is no network {member}; the run has {len(model.members)}, counted from "
            "0."
        )
        raise SettingError(message)
    try:
        return _of_row(model, table.take(np.array([row])), member)
    except DataError as error:  # of a table of one row
        raise DataError(str(error).replace("row 0,", f"row {row},")) from error


def _of_row(model: TableModel, one: Table, member: int) -> RowStep:
    network = replace(model.network, dropout=0.0, fixed=True)
    encoded = model.encoder.encode(one)
    inputs = network_inputs(network, encoded)
    trainer = trainer_of(network, model.chosen, member, model.members[member].parameters)
    answers = list(zip(model.codecs, member_answers(trainer, inputs), strict=True))
    assumed = [codec.name for codec in model.codecs if _lacks(one, codec.name)]
    targets = [
        _likeliest(codec, answer) if codec.name in assumed else _target(codec, one)
        for codec, answer in answers
    ]
    named = dict(zip(network.output_names, targets, strict=True))
    data = trainer.data(inputs, named if len(targets) > 1 else targets[0])
    predictions = {codec.name: _told(codec, decoded(codec, answer)) for codec, answer in answers}
    together = {} if len(model.members) == 1 else {
        codec.name: _told(codec, answer)
        for codec, answer in zip(model.codecs, model.answers_each(encoded), strict=True)
    }  # fmt: skip
    return RowStep(
        trainer, data, _inputs(model),
        [(number.name, number.edges) for number in model.encoder.spread],
        list(_columns(model)), list(_outputs(model)), predictions, together,
        assumed,
        list(_scaled(model)),
        list(_unmet(model, one)),
    )  # fmt: skip


def _scaled(model: TableModel) -> Iterator[str]:
    """How numbers are scaled, each with its two constants."""
    encoder = model.encoder
    scales = {name: one for name, one in encoder.scales.items() if one.scaling == "standard"}
    if scales:
        made = _scalings((name, one.center, one.spread) for name, one in scales.items())
        yield f"the network is given, cut to lie between -10 and 10: {made}"
    targets = [one for one in model.codecs if isinstance(one, Numbers)]
    if targets:
        made = _scalings((one.name, one.mean, one.deviation) for one in targets)
        yield f"it learns {made}"
    if encoder.presences:
        which = ", ".join(f"{name} present" for name in encoder.presences[:MOST_SCALED])
        more = ", ..." * (len(encoder.presences) > MOST_SCALED)
        yield f"{which}{more}: 1 where there is a value, -1 where it is missing"


def _scalings(found: Iterable[tuple[str, float, float]]) -> str:
    """Names with the mean that is subtracted and the deviation; of many the first."""
    told = [
        f"({name} {'+' if mean < 0 else '-'} {abs(mean):,.6g})/{deviation:,.6g}"
        for name, mean, deviation in found
    ]
    others = len(told) - MOST_SCALED
    return ", ".join(told[:MOST_SCALED] + [f"{others:,} more so"] * (others > 0))


def _unmet(model: TableModel, one: Table) -> Iterator[str]:
    """What the network makes of categories that training did not meet."""
    encoder = model.encoder
    for encoding in encoder.unmet(one):
        name, column = encoding.name, one.columns[encoding.name]
        lacks = bool(column.missing[0])
        value = f"{name} is missing" if lacks else f"{name} = {column.keys[0]}"
        together = encoding.other and not lacks
        met = "was met at most once in training" if together else "was not met in training"
        if not encoding.one_hot:
            layer = f"embedding_{encoder.category_names.index(name)}"
            used = "as all such values have" if encoding.other else "which no training row used"
            yield f"{value}, which {met}: it has row 0 of {layer}, {used}"
        elif together:
            yield f"{value}, which {met}: it counts as {name} = other, as all such values do"
        else:
            yield f"{value}, which {met}: all columns of {name} are 0"


def _told(codec: Labels | Numbers, answer: Any) -> tuple[Any, float | None]:
    """The number, or the likeliest class and its probability."""
    if isinstance(codec, Labels):
        code = int(answer[0].argmax())
        return codec.classes[code], float(answer[0, code])
    return float(answer[0]), None


def _lacks(one: Table, name: str) -> bool:
    """Whether a row has no such target."""
    return name not in one.columns or bool(one.column(name).missing.any())


def _target(codec: Labels | Numbers, one: Table) -> Any:
    """The code or the scaled number of a row's target."""
    coded = codec.encode(one.column(codec.name))
    return coded if isinstance(codec, Labels) else coded.astype(np.float32)


def _likeliest(codec: Labels | Numbers, answer: Any) -> Any:
    """What a network answers, as it would be a target."""
    return answer.argmax(axis=1) if isinstance(codec, Labels) else answer[:, 0].astype(np.float32)


def _inputs(model: TableModel) -> dict[str, list[str]]:
    """What the table's columns are called where they become an input of the network."""
    encoder = model.encoder
    return {
        "numbers": list(encoder.number_names),
        "categories": list(encoder.category_names),
        "positions": [f"{number.name} position" for number in encoder.spread],
    }


def _columns(model: TableModel) -> Iterator[str]:
    """What the first layer of all is given: numbers, embeddings, spread numbers."""
    encoder = model.encoder
    yield from encoder.number_names
    for name, cardinality in zip(encoder.category_names, encoder.cardinalities, strict=True):
        yield from (f"{name} {place + 1}" for place in range(embedding_width(cardinality)))
    for number in encoder.spread:
        yield from (f"{number.name} part {place + 1}" for place in range(SPREAD_WIDTH))


def _outputs(model: TableModel) -> Iterator[str]:
    several = len(model.codecs) > 1
    for codec in model.codecs:
        if isinstance(codec, Labels):
            yield from (f"{codec.name} {one}" if several else str(one) for one in codec.classes)
        else:
            yield str(codec.name)
