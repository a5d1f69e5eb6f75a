"""What is shown of an evaluation: scores, thresholds, slices, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.text import (
    Block,
    plural,
    score_digits,
    shortened,
    spell_cell,
    spell_interval,
    spell_score,
)

if TYPE_CHECKING:
    from chainrule.judging.evaluation import Evaluation
    from chainrule.judging.slices import Slice

__all__ = ["evaluation_blocks", "slices_block", "thresholds_block", "worst_block"]

MOST_SLICES = 10
MOST_COLUMNS = 6
LONGEST_VALUE = 24
INTERVAL = "95 % interval"


def evaluation_blocks(found: Evaluation) -> list[Block]:
    """Scores, thresholds, slices, the worst rows and notes, as far as there are any."""
    blocks = [_scores(found)]
    if found.thresholds:
        blocks.append(thresholds_block(found))
    if found.slices or found.slices_told:
        blocks.append(slices_block(found))
    if found.worst:
        blocks.append(worst_block(found))
    notes = [f"note: {one}" for one in found.notes]
    return [*blocks, Block("\n".join([found.fitting, *notes]))]


def _scores(found: Evaluation) -> Block:
    names = sorted(found.scores, key=lambda name: name != found.metric)
    lines = []
    for name in names:
        value = found.scores[name]
        digits = score_digits(value)
        interval = spell_interval(found.intervals.get(name), digits)
        lines.append((name, spell_score(value, digits), interval))
    unseen = found.judgment.unseen
    left = f", {unseen:,} left out, of labels not seen in training" if unseen else ""
    title = f"{found.target}: {plural(found.judgment.rows, 'row')} judged{left}"
    header = ("score", "value", INTERVAL)
    return Block(title, header, lines, (1, 2), told=found.sureness_told)


def thresholds_block(found: Evaluation) -> Block:
    """What each threshold comes to, and how they were chosen."""
    priced = any(one.cost is not None for one in found.thresholds)
    header = ["threshold", "from", "precision", "recall", "f1", "accuracy", "flagged"]
    header += ["cost per 1,000", "saves", INTERVAL] if priced else []
    digits = score_digits(max(one.cost or 0.0 for one in found.thresholds))
    lines = []
    for one in found.thresholds:
        values = (one.threshold, one.precision, one.recall, one.f1, one.accuracy, one.flagged)
        cells = [one.name, *(spell_score(value, 3) for value in values)]
        if priced:
            cells += [spell_score(one.cost, digits), spell_score(one.saves, digits)]
            cells.append(spell_interval(one.interval, digits))
        lines.append(cells)
    numbers = range(1, len(header))
    positive = found.labels[found.positive]
    title = f"a row is called {positive!r} from this probability on"
    return Block(title, header, lines, numbers, (0, *numbers), found.thresholds_told)


def slices_block(found: Evaluation) -> Block:
    """The slices where it fails."""
    if not found.slices:
        return Block(found.slices_told)
    by, count = found.slices[0].by, len(found.slices)
    failing = sum(one.beyond_noise and one.difference > 0 for one in found.slices)
    digits = score_digits(max(one.score for one in found.slices))
    lines = [
        (
            one.column, shortened(one.value, LONGEST_VALUE), f"{one.rows:,}",
            spell_score(one.score, digits), spell_interval(one.interval, digits),
            spell_score(one.rest, digits), spell_score(one.difference, digits), _beyond_noise(one),
        )
        for one in found.slices[:MOST_SLICES]
    ]  # fmt: skip
    header = ("column", "value", "rows", by, INTERVAL, "rest", "worse by", "beyond noise")
    first = (
        f"{by} by value: what is worse than the rest beyond noise ({failing:,} of "
        f"{plural(count, 'slice')}), then the others, each by how much worse it is"
    )
    last = (
        "Beyond noise: where rows are dealt out at random, any of these seldom (5 %) differs as "
        "much."
    )
    told = "\n".join(filter(None, [last, found.slices_told]))
    return Block(first, header, lines, range(2, 7), range(1, len(header)), told)


def _beyond_noise(one: Slice) -> str:
    if not one.beyond_noise:
        return "no"
    return "worse" if one.difference > 0 else "better"


def worst_block(found: Evaluation) -> Block:
    """The rows that it gets most wrong."""
    names = list(found.worst[0]["columns"])[:MOST_COLUMNS]
    what = "probability" if found.labels else "residual"
    sizes = [] if found.labels else [abs(one[key]) for one in found.worst
                                     for key in ("truth", "prediction")]  # fmt: skip
    digits = score_digits(max(sizes, default=0.0))

    def spelled(value: Any) -> str:
        return str(value) if found.labels else spell_score(value, digits)

    lines = [
        (
            f"{one['row']:,}", spelled(one["truth"]), spelled(one["prediction"]),
            spell_score(one[what], digits), *(spell_cell(one["columns"][name]) for name in names),
        )
        for one in found.worst
    ]  # fmt: skip
    told = "counted from 0; probability: that of the truth" if found.labels else (
        "counted from 0; residual: truth - prediction"
    )  # fmt: skip
    header = ("row", "truth", "prediction", what, *names)
    title = f"the rows it gets most wrong ({told})"
    return Block(title, header, lines, range(len(header)), range(4))
