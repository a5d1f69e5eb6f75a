"""Training the networks of a planned table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.data import Numbers
from chainrule.estimators.background import background_of
from chainrule.estimators.calibration import fitted_temperature
from chainrule.estimators.held import Held, check_held, narrowing_of
from chainrule.estimators.keeping import Keeper
from chainrule.estimators.model import (
    TableModel,
    decoded,
    engine_threads,
    heads_of,
    member_answers,
    tempered_each,
)
from chainrule.estimators.network import DESIGN, TableNetwork
from chainrule.estimators.plan import Array, TablePlan
from chainrule.estimators.rows import rows_of
from chainrule.estimators.run import Run, Score, Watch

__all__ = ["fit_table", "network_of", "prepared"]


def fit_table(
    plan: TablePlan,
    *,
    watch: Watch | None = None,
    score: Score | None = None,
    keeper: Keeper | None = None,
) -> TableModel:
    """Train what was planned: the networks one a core, with the same result on any number.

    watch
        Told after each epoch, from the thread of the network, one at a time.
    score
        `(truth, answers, weights) -> number`, higher is better: chooses the best epoch in place
        of the validation loss.
    keeper
        Writes checkpoints, and has that which training goes on from.

    Ctrl-C ends training and keeps the best weights so far of each network that has done an epoch
    (`interrupted` is True then); before the first epoch is done, `KeyboardInterrupt` goes on to
    the caller. Raises `TrainingError` where the loss is not finite.

    >>> from chainrule.data import as_table
    >>> from chainrule.estimators import TableSettings, fit_table, plan_table
    >>> table = as_table({"x": [float(i % 7) for i in range(60)], "y": ["a", "b", "a"] * 20})
    >>> model = fit_table(plan_table(table, "y", TableSettings(epochs=2, members=1)))
    >>> model.predict(table).probabilities.shape
    (60, 2)
    """
    run = prepared(plan, watch, score, keeper)
    with engine_threads():
        run.train()
    held = tuple(_held(run))
    temperatures = _temperatures(plan, held)
    return TableModel(
        schema=plan.schema,
        settings=plan.settings,
        chosen=plan.chosen,
        encoder=plan.encoder,
        codecs=plan.codecs,
        network=run.network,
        members=[run.members[number].trainer for number in run.kept],
        history=run.history,
        loss_by_step=[run.members[number].steps for number in run.kept],
        doctor=run.doctor,
        held=_at(held, temperatures),
        temperatures=temperatures,
        seconds=run.seconds(),
        interrupted=run.interrupted,
        background=background_of(plan),
    )


def prepared(
    plan: TablePlan,
    watch: Watch | None = None,
    score: Score | None = None,
    keeper: Keeper | None = None,
) -> Run:
    """The networks of a plan with their rows, ready to be trained."""
    network = network_of(plan)
    pool = rows_of(plan, network, plan.pool)
    watched = plan.validation_table
    given = None if watched is None else rows_of(plan, network, watched)
    return Run(plan, network, pool, given, watch, score, keeper)


def network_of(plan: TablePlan) -> TableNetwork:
    """The network that the settings of a plan describe."""
    design = {name: getattr(plan.chosen, name) for name in DESIGN}
    return TableNetwork.of(plan.encoder, heads_of(plan.codecs), design)


def _held(run: Run) -> Iterator[Held]:
    """What networks say of the rows that they were watched on: the mean over those networks."""
    plan, pool, given = run.plan, run.pool, run.given
    rows = pool if given is None else given
    sums, squares, counts = _sums(run, len(rows))
    index = np.flatnonzero(counts)
    if not len(index):
        return
    weights = None if rows.weights is None else rows.weights[index]
    count = counts[index, None]
    for codec, truth, total, squared in zip(plan.codecs, rows.truths, sums, squares, strict=True):
        mean = total[index] / count
        held = Held(truth[index], decoded(codec, mean), weights, index)
        if isinstance(codec, Numbers):
            spreads = np.maximum(squared[index] / count - mean**2, 0) * count
            spreads = spreads / np.maximum(count - 1, 1) * codec.deviation**2
            residuals, networks = held.truth - held.answers, len(run.kept)
            share = narrowing_of(residuals, spreads[:, 0], counts[index], networks)
            held = replace(held, narrowing=share)
        yield held


def _temperatures(plan: TablePlan, held: Sequence[Held]) -> tuple[float, ...]:
    """Of each target the temperature that the settings ask for; none where they do not."""
    if plan.settings.calibration is None:
        return ()
    check_held(held, "calibration")
    return tuple(fitted_temperature(one) if one.answers.ndim > 1 else 1.0 for one in held)


def _at(held: Sequence[Held], temperatures: Sequence[float]) -> tuple[Held, ...]:
    """Held rows with answers as the model gives them."""
    answers = tempered_each([one.answers for one in held], temperatures)
    return tuple(replace(one, answers=own) for one, own in zip(held, answers, strict=True))


def _sums(run: Run, rows: int) -> tuple[list[Array], list[Array], Array]:
    """The outputs of all networks for the rows that each was watched on, and their squares, added
    up; and how many networks these are of each row.
    """
    sums = [np.zeros((rows, head.units)) for head in run.network.heads]
    squares = [np.zeros((rows, head.units)) for head in run.network.heads]
    counts = np.zeros(rows)
    for number in run.kept:
        watched = run.plan.members[number].validation if run.given is None else np.arange(rows)
        if len(watched):
            taken = run.pool.take(watched) if run.given is None else run.given
            answers = member_answers(run.members[number].trainer, taken.inputs)
            for total, squared, one in zip(sums, squares, answers, strict=True):
                total[watched] += one
                squared[watched] += one**2
            counts[watched] += 1
    return sums, squares, counts
