"""Training the networks of a planned table."""

from __future__ import annotations

import numpy as np

from chainrule.data import Labels
from chainrule.estimators.model import Held, TableModel, decoded, member_answers, one_blas_thread
from chainrule.estimators.network import TableNetwork
from chainrule.estimators.plan import Array, TablePlan
from chainrule.estimators.rows import Rows, rows_of
from chainrule.estimators.run import Run, Score, Watch

__all__ = ["fit_table", "prepared"]


def fit_table(
    plan: TablePlan, *, watch: Watch | None = None, score: Score | None = None
) -> TableModel:
    """Train what was planned: the networks one a core, with the same result on any number.

    watch
        Told after each epoch, from the thread of the network, one at a time.
    score
        `(truth, answers, weights) -> number`, higher is better: chooses the best epoch in place
        of the validation loss.

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
    run = prepared(plan, watch, score)
    with one_blas_thread():
        run.train()
    return TableModel(
        schema=plan.schema,
        settings=plan.settings,
        chosen=plan.chosen,
        encoder=plan.encoder,
        labels=plan.labels,
        network=run.network,
        members=[run.members[number].trainer for number in run.kept],
        history=run.history,
        validation=_held(run),
        seconds=run.seconds(),
        interrupted=run.interrupted,
    )


def prepared(plan: TablePlan, watch: Watch | None = None, score: Score | None = None) -> Run:
    """The networks of a plan with their rows, ready to be trained."""
    network = _network(plan)
    pool = rows_of(plan, network, plan.pool)
    watched = plan.validation_table
    given = None if watched is None else rows_of(plan, network, watched)
    return Run(plan, network, pool, given, watch, score)


def _network(plan: TablePlan) -> TableNetwork:
    classes = len(plan.labels.classes) if isinstance(plan.labels, Labels) else 1
    return TableNetwork.of(
        plan.encoder,
        hidden=plan.chosen.hidden or (),
        units=classes,
        is_classification=plan.is_classification,
        dropout=plan.chosen.dropout or 0.0,
    )


def _held(run: Run) -> Held | None:
    """What networks say of the rows that they were watched on: the mean over those networks."""
    plan, pool, given = run.plan, run.pool, run.given
    if given is not None:
        total = sum(member_answers(run.members[n].trainer, given.inputs) for n in run.kept)
        answers = decoded(plan.labels, np.asarray(total) / len(run.kept))
        return Held(given.truth, answers, given.weights)
    rows = np.zeros(len(pool))
    sums: Array | None = None
    for number in run.kept:
        watched = plan.members[number].validation
        if len(watched):
            outputs = member_answers(run.members[number].trainer, pool.take(watched).inputs)
            if sums is None:
                sums = np.zeros((len(pool), outputs.shape[1]))
            sums[watched] += outputs
            rows[watched] += 1
    if sums is None:
        return None
    index = np.flatnonzero(rows)
    part: Rows = pool.take(index)
    answers = decoded(plan.labels, sums[index] / rows[index, None])
    return Held(part.truth, answers, part.weights)
