"""A trained table: encoder, networks and labels together, from rows to predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Encoded, Encoder, Labels, Numbers, Schema, Table
from chainrule.errors import ModelFileError
from chainrule.estimators.background import table_from_record, table_record
from chainrule.estimators.calibration import tempered
from chainrule.estimators.held import Held, check_held, held_arrays, held_from
from chainrule.estimators.intervals import Intervals
from chainrule.estimators.network import SPREAD_WIDTH, Head, TableNetwork, embedding_width
from chainrule.estimators.plan import Array, check_single, row_weights, truth
from chainrule.estimators.settings import TableSettings
from chainrule.files import load_model_file, save_model
from chainrule.training import Trainer

__all__ = [
    "Predictions",
    "TableModel",
    "decoded",
    "engine_threads",
    "heads_of",
    "load_table_model",
    "member_answers",
    "network_inputs",
    "one_blas_thread",
    "tempered_each",
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
        Of each target rows that the networks which answer for them did not learn from: those that
        they were watched on. A saved model keeps at most 20,000 of them. None where there were no
        such rows, and of a model that an older version saved.
    temperatures
        Of each target what its probabilities are tempered with; 1 for those that stay as they are.
    background
        Rows of training, of the columns that it uses, which explanations hold answers against;
        none of a model that was saved without.
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
    temperatures: tuple[float, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    background: Table | None = None
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
    def held_kept(self) -> tuple[Held, ...]:
        """Of the held rows those that a model file keeps: the same before and after saving."""
        return tuple(one.drawn(self.settings.seed) for one in self.held)

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
        return self.answers_of([total / len(self.members) for total in totals])

    def answers_of(self, means: Iterable[Array]) -> tuple[Array, ...]:
        """The answer for each target, of what networks put out for it on the mean."""
        answers = (decoded(*pair) for pair in zip(self.codecs, means, strict=True))
        return tempered_each(answers, self.temperatures)

    @property
    def feature_sources(self) -> tuple[str, ...]:
        """The table's column behind each number that the first layer of all is given."""
        encoder = self.encoder
        widths = map(embedding_width, encoder.cardinalities)
        embedded = zip(encoder.category_names, widths, strict=True)
        embeddings = (name for name, width in embedded for _ in range(width))
        spread = (number.name for number in encoder.spread for _ in range(SPREAD_WIDTH))
        return (*encoder.sources, *embeddings, *spread)

    def intervals(self, coverage: float) -> tuple[Intervals | None, ...]:
        """Of each target of numbers how far around a prediction the truth lies; None of classes.

        Raises as `Intervals.of` does, and `DataError` where there are no held rows.
        """
        check_held(self.held, "coverage")
        return tuple(
            None if isinstance(codec, Labels) else Intervals.of(held, coverage)
            for codec, held in zip(self.codecs, self.held_kept, strict=True)
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
            "background": None if self.background is None else table_record(self.background),
            "estimator": self.estimator,
            "temperatures": list(self.temperatures),
        }
        arrays = {
            f"{number}/{name}": member.parameters[name]
            for number, member in enumerate(self.members)
            for name in member.parameters.names
        }
        save_model(path, record, arrays | held_arrays(self.held_kept))


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


def tempered_each(answers: Iterable[Array], temperatures: Sequence[float]) -> tuple[Array, ...]:
    """What is answered for each target at its temperature; as it is where there are none."""
    if not temperatures:
        return tuple(answers)
    return tuple(
        tempered(answer, one) if answer.ndim > 1 else answer
        for answer, one in zip(answers, temperatures, strict=True)
    )


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
    background = record.get("background")
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
        background=None if background is None else table_from_record(background),
        held=held_from(arrays, len(codecs)),
        temperatures=tuple(record["temperatures"]),
        estimator=record["estimator"],
    )
