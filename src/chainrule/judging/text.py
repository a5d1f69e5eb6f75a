"""An evaluation as text: scores, thresholds, slices, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.text import (
    aligned,
    plural,
    score_digits,
    spell_cell,
    spell_interval,
    spell_score,
)

if TYPE_CHECKING:
    from chainrule.judging.evaluation import Evaluation

__all__ = ["evaluation_text", "slices_text", "thresholds_text", "worst_text"]

MOST_SLICES = 10
MOST_COLUMNS = 6
INTERVAL = "95 % interval"


def evaluation_text(found: Evaluation) -> str:
    """Scores, thresholds, slices, the worst rows and notes, as far as there are any."""
    parts = [f"{_rows(found)}\n{_scores(found)}"]
    if found.thresholds:
        parts.append(thresholds_text(found))
    if found.slices or found.slices_told:
        parts.append(slices_text(found))
    if found.worst:
        parts.append(worst_text(found))
    parts.append("\n".join([found.fitting, *(f"note: {one}" for one in found.notes)]))
    return "\n\n".join(parts)


def _rows(found: Evaluation) -> str:
    unseen = found.judgment.unseen
    left = f", {unseen:,} left out, of labels not seen in training" if unseen else ""
    return f"{found.target}: {plural(found.judgment.rows, 'row')} judged{left}"


def _scores(found: Evaluation) -> str:
    names = sorted(found.scores, key=lambda name: name != found.metric)
    lines = []
    for name in names:
        value = found.scores[name]
        digits = score_digits(value)
        interval = spell_interval(found.intervals.get(name), digits)
        lines.append((name, spell_score(value, digits), interval))
    return aligned(("score", "value", INTERVAL), lines, right=(1, 2))


def thresholds_text(found: Evaluation, width: int | None = None) -> str:
    """What each threshold comes to, and how they were chosen.

    width
        Letters a line of the table; None for as many as it takes.
    """
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
    table = aligned(header, lines, right=numbers, whole=(0, *numbers), width=width)
    positive = found.labels[found.positive]
    first = f"a row is called {positive!r} from this probability on"
    return f"{first}\n{table}\n{found.thresholds_told}"


def slices_text(found: Evaluation, width: int | None = None) -> str:
    """The slices where it fails, as `thresholds_text`."""
    if not found.slices:
        return found.slices_told
    by, count = found.slices[0].by, len(found.slices)
    failing = sum(one.beyond_noise and one.difference > 0 for one in found.slices)
    digits = score_digits(max(one.score for one in found.slices))
    lines = [
        (
            one.column, one.value, f"{one.rows:,}", spell_score(one.score, digits),
            spell_interval(one.interval, digits), spell_score(one.rest, digits),
            spell_score(one.difference, digits), one.verdict,
        )
        for one in found.slices[:MOST_SLICES]
    ]  # fmt: skip
    header = ("column", "value", "rows", by, INTERVAL, "the rest", "worse by", "which is")
    first = (
        f"{by} by value: what is worse than the rest beyond noise ({failing:,} of "
        f"{plural(count, 'slice')}), then the others, each by how much worse it is"
    )
    last = (
        "Beyond noise: where rows are dealt out at random, any of these seldom (5 %) differs as "
        "much."
    )
    table = aligned(header, lines, right=range(2, 7), whole=range(2, len(header)), width=width)
    return "\n".join(filter(None, [first, table, last, found.slices_told]))


def worst_text(found: Evaluation, width: int | None = None) -> str:
    """The rows that it gets most wrong, as `thresholds_text`."""
    names = list(found.worst[0]["columns"])[:MOST_COLUMNS]
    what = "probability" if found.labels else "error"
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
        "counted from 0; error: prediction - truth"
    )  # fmt: skip
    header = ("row", "truth", "prediction", what, *names)
    table = aligned(header, lines, right=range(len(header)), whole=range(4), width=width)
    return f"the rows it gets most wrong ({told})\n{table}"
