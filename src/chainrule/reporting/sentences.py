"""What a report says in words: what scores mean, what is better, what the Doctor found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.chart import together
from chainrule.reporting.comparison import Lead
from chainrule.reporting.curves import NORMAL_95, Calibration
from chainrule.reporting.few import is_too_few
from chainrule.reporting.finding import SEVERITIES
from chainrule.reporting.scores import LOWER_IS_BETTER, main_score

__all__ = [
    "MEANINGS",
    "calibration_sentences",
    "comparison_sentence",
    "interval_sentence",
    "score_name",
    "spelled_interval",
    "spelled_score",
    "told_once",
]

MEANINGS = {
    "accuracy": "share of right predictions",
    "balanced_accuracy": "mean over the classes of the share found",
    "roc_auc": "how often a row of the class is ranked above one of the others; 0.5 is guessing",
    "log_loss": "mean of -ln of the probability given to what came true; small is good",
    "f1_macro": "mean over the classes of the harmonic mean of precision and recall",
    "precision": "of the rows predicted positive, the share that is",
    "recall": "of the positive rows, the share found",
    "f1": "harmonic mean of precision and recall",
    "average_precision": "mean precision over all shares found",
    "rmse": "root of the mean squared error, in the target's unit; small is good",
    "mae": "mean distance of prediction and truth, in the target's unit; small is good",
    "r2": "share of the target's variance that is explained; 0 is no better than the mean",
    "median_absolute_error": "half of the predictions are nearer than this; small is good",
}
OF_POSITIVE_CLASS = ("precision", "recall", "f1")

Record = Mapping[str, Any]


def score_name(task: str, test: Record | None, chosen: str | None) -> str:
    """The score that is spoken of: the one that was asked for, else rmse or roc_auc."""
    name = main_score(task, chosen)
    known = {} if test is None else test["metrics"]
    return name if known.get(name) is not None or task == "regression" else "accuracy"


def spelled_score(value: float | None, beside: float | None = None) -> str:
    """A score with as many digits as say something: of the size of the number that it is beside.

    >>> spelled_score(0.87654), spelled_score(5123.4), spelled_score(-0.0), spelled_score(None)
    ('0.8765', '5,123', '0.0000', '–')
    """
    if value is None:
        return "–"
    size = abs(value)
    if value and (size >= 1e12 or size < 0.0005):
        return f"{value:.3g}"
    size = size if beside is None else abs(beside)
    return f"{value:z,.{4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 0}f}"


def spelled_interval(interval: Sequence[float] | None, beside: float | None) -> str:
    """From what to what, with the digits of the score beside it; nothing where there is none."""
    return "" if not interval else " to ".join(spelled_score(one, beside) for one in interval)


def comparison_sentence(name: str, test: Record, baseline: Record, lead: Lead | None = None) -> str:
    """Whether the network is better than a simple model by a score.

    Told by the lead on the same rows where it is known, else as far as two intervals tell. Other
    scores by which it is the other way round are named, but none of the positive class against a
    model that gives every row the same answer.
    """
    what = f"the {baseline['name']} model"
    ahead = _is_ahead(name, test, baseline)
    if ahead is None:
        return f"{name} is not defined for these rows, so nothing is said of {what}."
    if lead is None or lead.by is None:
        is_tie = test["metrics"][name] == baseline["metrics"][name]
        sentence = _by_intervals(name, test, baseline, what, ahead)
    else:
        ahead, is_tie = lead.by > 0, lead.by == 0
        sentence = _by_pairs(name, test["metrics"][name], lead, what)
    if is_tie:
        return sentence
    skipped = {name, *(OF_POSITIVE_CLASS if baseline["name"] == "naive" else ())}
    behind, before = (baseline, test) if ahead else (test, baseline)
    other_way = [
        one for one in test["metrics"] if one not in skipped and _is_ahead(one, behind, before)
    ]
    return (
        f"{sentence} By {together(other_way)} it is the other way round." if other_way else sentence
    )


def _by_pairs(name: str, ours: float, lead: Lead, what: str) -> str:
    """From the scores of both on the same rows drawn again."""
    by, interval = lead.by or 0.0, lead.interval
    if by < 0 and interval is not None:
        interval = (-interval[1], -interval[0])
    sure = (
        f"95 % interval {spelled_interval(interval, ours)}" if interval
        else "too few rows to say how sure that is"
    )  # fmt: skip
    values = f"by {spelled_score(abs(by), ours)} {name} ({sure})"
    better, worse = ("The network", what) if by > 0 else (what.capitalize(), "the network")
    if lead.beyond_noise:
        chance = "beyond what the choice of test rows explains"
        return f"{better} is better than {worse} {values}: {chance}."
    if not by:
        return f"The network is no better and no worse than {what} by {name} ({sure})."
    noise = "" if interval is None else ": within noise, other test rows might turn it round"
    return f"{better} is ahead of {worse} {values}{noise}."


def _by_intervals(name: str, test: Record, baseline: Record, what: str, ahead: bool) -> str:
    """As far as the intervals of both tell, where the simple model's answers were not kept."""
    ours, other = test["metrics"][name], baseline["metrics"][name]
    values = f"{name} {spelled_score(ours)} against {spelled_score(other, ours)}"
    mine, theirs = test["intervals"].get(name), baseline["intervals"].get(name)
    if not mine or not theirs or is_too_few(test, name):
        verdict = "is ahead of" if ahead else "is not ahead of"
        return f"The network {verdict} {what} on these rows ({values}); how sure is not known."
    if mine[0] > theirs[1] or mine[1] < theirs[0]:
        who = f"The network is better than {what}" if ahead else f"{what.capitalize()} is better"
        return f"{who} ({values}): their 95 % intervals lie apart."
    if ahead:
        return (
            f"The network is ahead of {what} on these rows ({values}), but their 95 % intervals "
            "overlap: other rows might turn it round."
        )
    return (
        f"The network is not ahead of {what} on these rows ({values}): the simpler model may "
        "do as well."
    )


def _is_ahead(name: str, test: Record, baseline: Record) -> bool | None:
    """None where it cannot be said."""
    ours, other = test["metrics"].get(name), baseline["metrics"].get(name)
    if ours is None or other is None:
        return None
    return bool(ours < other if name in LOWER_IS_BETTER else ours > other)


def interval_sentence(test: Record, *, paired: bool = False) -> str:
    """What the intervals are made of, and what they do not say.

    Of `paired` ones, of the difference to a simple model, it says how they are to be read.
    """
    if not test.get("resamples"):
        return ""
    pairs = (
        " A difference to a simple model is judged on the same drawn rows for both, so it can be "
        "beyond chance where their intervals overlap: a row that is hard for the one is hard for "
        "the other too."
    )
    return (
        f"The 95 % interval: the {test['rows']:,} test rows were drawn again with replacement, "
        f"{test['resamples']:,} times, and 95 of 100 times the score came out within it. It says "
        "how much a score owes to which rows were held out, not how it would differ had the "
        "network been trained again."
    ) + pairs * paired


def calibration_sentences(found: Calibration, name: str, is_positive: bool) -> Iterator[str]:
    """How far probabilities can be taken at their word."""
    rows, groups = float(found.rows.sum()), len(found.predicted)
    given = float(np.average(found.predicted, weights=found.weights))
    came = float(np.average(found.observed, weights=found.weights))
    if is_positive:
        told, truth, high, low = name, "it is so in", "too high", "too low"
    else:
        told, truth, high, low = name, "it is right in", "too sure", "too cautious"
    sentence = (
        f"On average the network gives {told} a probability of {_percent(given)}, and {truth} "
        f"{_percent(came)} of the rows"
    )
    beyond = abs(given - came) > NORMAL_95 * math.sqrt(came * (1 - came) / rows)
    verdict = f": {high if given > came else low}, by more than chance explains"
    yield f"{sentence}{verdict if beyond else ''}."
    if groups == 1:
        yield "All rows were given about the same probability, so there is one group only."
        return
    fitting = f"all {groups}" if found.fitting == groups else f"{found.fitting} of the {groups}"
    yield (
        f"In {groups} groups of rows by probability the two are {_percent(found.error)} apart on "
        f"average; for {fitting} groups that is no more than chance explains (95 %)."
    )


def told_once(findings: Sequence[Record]) -> list[dict[str, str]]:
    """The Doctor's findings, severe ones first; those of one kind in several networks are one."""
    alike: dict[tuple[Any, ...], list[Record]] = {}
    for one in findings:
        alike.setdefault((one["severity"], one["kind"], one["layer"]), []).append(one)
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    told = []
    for same in sorted(alike.values(), key=lambda same: order.get(same[0]["severity"], len(order))):
        first, sentence = same[0], str(same[0]["sentence"])
        where = f"network {first['network'] + 1}"
        where += f", layer {first['layer']}" if first["layer"] else ""
        where += f", step {first['step']:,}"
        others = sorted({one["network"] + 1 for one in same[1:]} - {first["network"] + 1})
        if others:
            named = "network" if len(others) == 1 else "networks"
            where += f"; likewise in {named} {together([str(number) for number in others])}"
        told.append(
            {
                "severity": str(first["severity"]),
                "sentence": sentence[:1].upper() + sentence[1:],
                "remedy": str(first["remedy"] or ""),
                "where": where,
            }
        )
    return told


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
