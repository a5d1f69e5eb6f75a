"""A trained table: encoder, networks and labels together, from rows to predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Encoded, Encoder, Labels, Numbers, Schema, Table
from chainrule.errors import ModelFileError
from chainrule.estimators.network import Head, TableNetwork
from chainrule.estimators.plan import Array, check_single, row_weights, truth
from chainrule.estimators.settings import TableSettings
from chainrule.files import load_model_file, save_model
from chainrule.training import Trainer

__all__ = [
    "Held",
    "Predictions",
    "TableModel",
    "decoded",
    "engine_threads",
    "heads_of",
    "load_table_model",
    "member_answers",
    "network_inputs",
    "one_blas_thread",
]

KIND = "table"


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of rows.

    values
        The target's own labels, or numbers in its unit; shape (rows,).
    probabilities
        Shape (rows, classes), in the order of `classes`; None for a target of numbers.
    """

    values: Array
    probabilities: Array | None = None
    classes: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Held:
    """Rows that the networks did not learn from, with what the networks say of them.

    truth
        Class codes, or numbers in the target's unit.
    answers
        Probabilities (rows, classes), or predicted numbers (rows,).
    """

    truth: Array
    answers: Array
    weights: Array | None = None


@dataclass(eq=False)
class TableModel:
    """Networks trained on a table.

    members
        One trained network or several; their predictions are averaged.
    history
        A row for each epoch of each member.
    loss_by_step
        Of each member the loss by step as `chainrule.reporting.thinned` gives it; none of a
        loaded model.
    codecs
        Of each target the classes, or the scale.
    doctor
        `findings` of the Doctor (`chainrule.Doctor`) in each network as records, and `gradients`,
        their norms by layer and step in the first one; empty of a loaded model.
    held
        Of each target rows that no weights were fitted on; none of a loaded model, and where
        there were none.
    estimator
        What the estimator that trained it has to know, as plain values.
    """

    schema: Schema
    settings: TableSettings
    chosen: TableSettings
    encoder: Encoder
    codecs: tuple[Labels | Numbers, ...]
    network: TableNetwork
    members: list[Trainer]
    history: list[dict[str, Any]] = field(default_factory=list)
    loss_by_step: list[dict[str, Any]] = field(default_factory=list)
    doctor: dict[str, Any] = field(default_factory=lambda: {"findings": [], "gradients": {}})
    held: tuple[Held, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    estimator: dict[str, Any] | None = None

    @property
    def labels(self) -> Labels | Numbers:
        """The classes, or the scale, of the one target."""
        return check_single(self.schema, self.codecs)

    @property
    def validation(self) -> Held | None:
        """What networks say of the rows that they were watched on, where there is one target."""
        return self.held[0] if len(self.held) == 1 else None

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return isinstance(self.labels, Labels)

    @property
    def epochs(self) -> int:
        """Epochs of all members together."""
        return len(self.history)

    def predict(self, table: Table) -> Predictions:
        """Predict every row, in order; columns may stand in any order, and there may be others.

        Raises `DataError` where a column is missing or holds what cannot be encoded.
        """
        check_single(self.schema, self.codecs)
        return self.predict_each(table)[0]

    def predict_each(self, table: Table) -> tuple[Predictions, ...]:
        """What `predict` gives, for each target."""
        found = []
        answers = self.answers_each(self.encoder.encode(table))
        for codec, answer in zip(self.codecs, answers, strict=True):
            if isinstance(codec, Labels):
                codes = answer.argmax(axis=1)
                found.append(Predictions(codec.decode(codes), answer, codec.classes))
            else:
                found.append(Predictions(answer))
        return tuple(found)

    def answers(self, encoded: Encoded) -> Array:
        """Probabilities (rows, classes), or numbers in the target's unit: means over members."""
        check_single(self.schema, self.codecs)
        return self.answers_each(encoded)[0]

    def answers_each(self, encoded: Encoded) -> tuple[Array, ...]:
        """What `answers` gives, for each target."""
        inputs = network_inputs(self.network, encoded)
        with engine_threads():
            each = [member_answers(member, inputs) for member in self.members]
        totals = [np.asarray(sum(outputs)) for outputs in zip(*each, strict=True)]
        return tuple(
            decoded(codec, total / len(self.members))
            for codec, total in zip(self.codecs, totals, strict=True)
        )

    def truth(self, table: Table) -> Array:
        """The target as class codes (-1 for a label that training has not seen) or numbers."""
        return truth(self.labels, table)

    def weights(self, table: Table) -> Array | None:
        """The weight of each row, where training had a weight column and the table has it."""
        name = self.schema.named("weight")
        return row_weights(self.schema, table) if name in table.names else None

    def save(self, path: str | Path) -> None:
        """Write all that prediction needs as one safetensors file.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        record = {
            "kind": KIND,
            "schema": self.schema.to_record(),
            "settings": self.settings.to_record(),
            "chosen": self.chosen.to_record(),
            "encoder": self.encoder.to_record(),
            "labels": [codec.to_record() for codec in self.codecs],
            "network": self.network.design,
            "members": len(self.members),
            "history": self.history,
            "estimator": self.estimator,
        }
        arrays = {
            f"{number}/{name}": member.parameters[name]
            for number, member in enumerate(self.members)
            for name in member.parameters.names
        }
        save_model(path, record, arrays)


def engine_threads() -> AbstractContextManager[None]:
    """BLAS kept to one thread where NumPy computes networks; the native engine does not use it.

    A limit is the whole process's, and limits that overlap in a user's threads do not end.
    """
    return nullcontext() if random.has_native() else one_blas_thread()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread: the same bits on any machine, and no waiting for a busy core.

    The networks of tables are too small to gain from more.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def network_inputs(network: TableNetwork, encoded: Encoded) -> dict[str, Array]:
    """Encoded rows under the names of the network's inputs."""
    return {one.name: getattr(encoded, one.name) for one in network.inputs}


def heads_of(codecs: Iterable[Labels | Numbers]) -> tuple[Head, ...]:
    """The outputs that targets need."""
    return tuple(
        Head(len(codec.classes), True) if isinstance(codec, Labels) else Head() for codec in codecs
    )


def member_answers(member: Trainer, inputs: Mapping[str, Array]) -> list[Array]:
    """One network's outputs for rows, target by target, in float64."""
    outputs = member.predict(inputs)
    names = member.network.output_names
    listed = [outputs] if len(names) == 1 else [outputs[name] for name in names]
    return [np.asarray(one, np.float64) for one in listed]


def decoded(codec: Labels | Numbers, outputs: Array) -> Array:
    """Probabilities as they are; scaled numbers (rows, 1) in the target's unit (rows,)."""
    return outputs if isinstance(codec, Labels) else codec.decode(outputs[:, 0])


def load_table_model(path: str | Path) -> TableModel:
    """The model that `TableModel.save` wrote.

    Raises `MissingFileError` where there is no file, `ModelFileError` where it is damaged or
    holds another kind of model.
    """
    record, arrays = load_model_file(path)
    if record.get("kind") != KIND:
        message = (
            f"{path}: holds no table model but {record.get('kind', 'something else')!r}; "
            "open it with chainrule.load_model."
        )
        raise ModelFileError(message)
    try:
        return _from_record(record, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        message = f"{path}: its header does not describe a table model ({error}); train it again."
        raise ModelFileError(message) from error


def _from_record(record: Mapping[str, Any], arrays: Mapping[str, Array]) -> TableModel:
    schema = Schema.from_record(record["schema"])
    codecs = tuple(
        (Labels if target.task == "classification" else Numbers).from_record(kept)
        for target, kept in zip(schema.targets, record["labels"], strict=True)
    )
    encoder = Encoder.from_record(record["encoder"])
    network = TableNetwork.of(encoder, heads_of(codecs), record["network"])
    members = []
    for number in range(record["members"]):
        member = Trainer(network)
        names = member.parameters.names
        member.parameters.set([arrays[f"{number}/{name}"] for name in names])
        members.append(member)
    return TableModel(
        schema=schema,
        settings=TableSettings.from_record(record["settings"]),
        chosen=TableSettings.from_record(record["chosen"]),
        encoder=encoder,
        codecs=codecs,
        network=network,
        members=members,
        history=record["history"],
        estimator=record["estimator"],
    )
