"""The report of a run: one HTML file, made from the run folder alone."""

from __future__ import annotations

import os
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import ChainruleError, DataError
from chainrule.files import RunFolder, write_text_atomic
from chainrule.reporting import answer_pictures, sentences, tables, training_pictures
from chainrule.reporting.comparison import leads_over_baselines
from chainrule.reporting.course_sentences import course_sentences
from chainrule.reporting.explained import explained_section
from chainrule.reporting.few import few_rows, grouped_rows
from chainrule.reporting.fitting import fitting_of_run
from chainrule.reporting.judged import JudgedRows
from chainrule.reporting.scores import LOWER_IS_BETTER
from chainrule.reporting.search_pictures import search_section

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["report_html", "write_report"]

TEMPLATES = Path(__file__).with_name("page")
FACTS = ("chainrule", "data", "test", "validation", "fingerprint")


def write_report(folder: RunFolder, path: str | os.PathLike[str] | None = None) -> Path:
    """Write the report of a run, whole or not at all, and give its path.

    Args:
        folder: the run; the table that it was trained on is not needed.
        path: the file; the folder's `report.html` where None.

    Raises:
        MissingFileError: the folder of `path` does not exist.
        ModelFileError, DataError: a file of the run is damaged.
        WriteError: the place cannot be written.
    """
    place = folder.report_path if path is None else Path(path)
    write_text_atomic(place, report_html(folder))
    return place


def report_html(folder: RunFolder) -> str:
    """The report as a text; raises as `write_report`."""
    from jinja2 import TemplateError

    metrics = folder.read_metrics() if folder.metrics_path.is_file() else {}
    config = folder.read_config() if folder.config_path.is_file() else {}
    history = folder.read_history()
    judged = JudgedRows.load(folder.judged_path) if folder.judged_path.is_file() else None
    try:
        content = _content(folder, metrics, config, history, judged)
        return _template().render({**content, "search": search_section(folder.read_search())})
    except ChainruleError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, TemplateError) as error:
        message = (
            f"{folder.path}: its files do not describe a run ({type(error).__name__}: {error}); "
            "train it again."
        )
        raise DataError(message) from error


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["seconds"] = _seconds
    environment.filters["percent"] = _percent
    return environment.get_template("report.html.jinja")


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _content(
    folder: RunFolder, metrics: dict[str, Any], config: dict[str, Any],
    history: list[dict[str, Any]], judged: JudgedRows | None,
) -> dict[str, Any]:  # fmt: skip
    """Everything that the page shows."""
    details = metrics.get("details") or {}
    settings = config.get("settings") or {}
    task = metrics.get("task") or (judged.task if judged else "")
    test = details.get("test")
    name = sentences.score_name(task, test, settings.get("metric"))
    members = training_pictures.courses(history)
    answers = _answers(test, judged, str(metrics.get("target", config.get("target", ""))))
    training = _training(members, details, settings, metrics)
    return {
        "target": str(metrics.get("target", config.get("target", ""))),
        "task": task,
        "name": folder.path.resolve().name,
        "metrics": metrics,
        "config": {**dict.fromkeys(FACTS), **config},
        "data": _data(metrics),
        "network": metrics.get("network"),
        "settings": _settings(metrics, settings),
        "score": name,
        "cards": _cards(name, metrics),
        "short": [
            *_comparisons(name, details, judged),
            *_fitting(metrics, test, judged),
            *training["sentences"],
        ],  # fmt: skip
        "remarks": list(_remarks(metrics, test)),
        "interval": sentences.interval_sentence(test, paired=_is_paired(judged)) if test else "",
        "scores": tables.score_table(metrics),
        "answers": answers,
        "training": training,
        "doctor": _doctor(metrics.get("doctor")),
        "explained": explained_section(folder.read_explained(), _explain(folder, config, judged)),
        "command": f"chainrule train --config {shlex.quote(str(folder.config_path))}",
        "go_on": _go_on(folder) if metrics.get("interrupted") else None,
    }


def _go_on(folder: RunFolder) -> str:
    return f"chainrule train --resume --out {shlex.quote(str(folder.path))}"


def _explain(folder: RunFolder, config: dict[str, Any], judged: JudgedRows | None) -> str:
    """The command that explains rows of the run, with a table where it does not know of it."""
    own = judged is not None and judged.rows is None
    known = config.get("test" if own else "data")
    data = (str(known) if known not in (None, "-") else "DATA") if own or known == "-" else ""
    return shlex.join(["chainrule", "explain", str(folder.path), *([data] if data else [])])


def _cards(name: str, metrics: dict[str, Any]) -> list[dict[str, str]]:
    """The numbers to see first."""
    details = metrics.get("details") or {}
    test, linear = details.get("test"), (details.get("baselines") or {}).get("linear")
    if not test:
        return []
    more = "r2" if test["task"] == "regression" else "accuracy"
    if more == name:
        more = "mae" if test["task"] == "regression" else "log_loss"
    cards = [_card(name, name, test)]
    if linear:
        cards.append(_card(name, f"{name} of the linear model", linear))
    count = {"value": f"{test['rows']:,}", "name": "test rows", "note": _seen(metrics)}
    return [*cards, _card(more, more, test), count]


def _seen(metrics: dict[str, Any]) -> str:
    """Whether training has seen the test rows, as a table of its own may have some of its rows."""
    seen, rows = (metrics.get("data") or {}).get("test_seen", 0), metrics["details"]["test"]["rows"]
    count = "all" if seen >= rows else f"{seen:,}"
    return f"{count} of them also in the training table" if seen else "never seen in training"


def _card(score: str, title: str, judgment: dict[str, Any]) -> dict[str, str]:
    value = judgment["metrics"].get(score)
    between = sentences.spelled_interval(judgment["intervals"].get(score), value)
    note = f"95 % interval {between}" if between else "no interval"
    return {"name": title, "value": sentences.spelled_score(value), "note": note}


def _is_paired(judged: JudgedRows | None) -> bool:
    return judged is not None and bool(judged.baselines)


def _comparisons(name: str, details: dict[str, Any], judged: JudgedRows | None) -> list[str]:
    test, baselines = details.get("test"), details.get("baselines") or {}
    if not test:
        return []
    leads = {} if judged is None else leads_over_baselines(judged, name)
    return [
        sentences.comparison_sentence(name, test, one, leads.get(one["name"]))
        for one in baselines.values()
    ]


def _fitting(
    metrics: dict[str, Any], test: dict[str, Any] | None, judged: JudgedRows | None
) -> list[str]:
    """Over- and underfitting in words, where scores on rows learned from were kept."""
    told = fitting_of_run(metrics, judged, test, "the test rows")[1] if test else ""
    return [told] if told else []


def _remarks(metrics: dict[str, Any], test: dict[str, Any] | None) -> Any:
    """What limits all that follows."""
    if not metrics:
        yield "There is no metrics.json in the run folder, so there are no scores to show."
    elif test is None:
        yield (
            "There is no test part: too few rows, or too few of each class. So there are no "
            "scores on rows that training has not seen; judge by a table of its own (--test)."
        )
    elif few_rows(test):
        yield few_rows(test)
    if test and test.get("unseen"):
        yield f"{test['unseen']:,} test rows have a label that training has not seen; not scored."
    if test and test.get("groups"):
        yield grouped_rows(test["groups"])
    if test and test.get("weighted"):
        yield "Rows count by their weights, in the scores and in the pictures of classes."
    if metrics.get("interrupted"):
        yield "Training was stopped before its end; the best weights so far were kept."


def _answers(
    test: dict[str, Any] | None, judged: JudgedRows | None, target: str
) -> dict[str, Any] | None:
    """What the model says of test rows; None where there are none."""
    if test is None:
        return None
    rows = None if judged is None else answer_pictures.scored(judged)
    known = rows is not None and len(rows.truth) > 0
    found: dict[str, Any] = {
        "task": test["task"], "has_rows": known, "charts": [], "sentences": [], "by_class": [],
    }  # fmt: skip
    if test["task"] == "regression":
        found["sentences"] = list(_miss_sentences(test, rows if known else None))
        found["misses"] = tables.largest_misses(test, judged)
        found["own_table"] = judged is not None and judged.rows is None
        if rows is not None and known:
            found["charts"] = answer_pictures.number_charts(rows, target)
        return found
    labels, counts = test["labels"], test.get("confusion")
    found["classes"] = len(labels)
    found["confusion"] = tables.confusion_table(labels, counts) if counts else None
    found["pairs"] = tables.confused_pairs(labels, counts) if counts and len(labels) > 2 else []
    found["by_class"] = tables.class_table(labels, counts) if counts and len(labels) > 2 else []
    if rows is not None and known:
        binary = len(labels) == 2
        name = answer_pictures.class_name(rows, rows.positive) if binary else "the prediction"
        shape = answer_pictures.confidence(rows)
        found["charts"] = [
            *answer_pictures.class_charts(rows), answer_pictures.calibration_chart(shape, name),
        ]  # fmt: skip
        found["sentences"] = list(sentences.calibration_sentences(shape, name, binary))
    return found


def _miss_sentences(test: dict[str, Any], rows: JudgedRows | None) -> Any:
    spelled = sentences.spelled_score
    if rows is not None:
        far = np.quantile(np.abs(rows.truth - rows.answers.reshape(-1)), [0.5, 0.9])
        yield (
            f"Half of the predictions are within {spelled(float(far[0]))} of the truth, nine in "
            f"ten within {spelled(float(far[1]))}."
        )
    bias = test["residuals"]["bias"]
    way = "high" if bias > 0 else "low"
    yield f"On average predictions are {spelled(abs(bias))} too {way}."


def _training(
    members: list[training_pictures.Course], details: dict[str, Any], settings: dict[str, Any],
    metrics: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Curves and what they say."""
    if not members:
        return {"charts": [], "sentences": [], "members": 0, "epochs": 0}
    chosen = settings.get("metric")
    steps = training_pictures.step_chart(details.get("iterations") or [])
    charts = [
        training_pictures.epoch_chart(members, metrics.get("task", "")),
        training_pictures.score_chart(
            members, str(chosen), lower_is_better=chosen in LOWER_IS_BETTER
        ),
        steps,
    ]
    watched = (metrics.get("parts") or {}).get("validation")
    said = course_sentences(
        members, settings, watched, metrics.get("doctor"),
        interrupted=bool(metrics.get("interrupted")),
    )  # fmt: skip
    return {
        "charts": [chart for chart in charts if chart is not None],
        "has_steps": steps is not None,
        "sentences": list(said),
        "members": len(members),
        "epochs": sum(one.epochs for one in members),
    }


def _data(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """What is known of the table; None of runs that have not kept it."""
    data = metrics.get("data")
    if not data:
        return None
    target = data.get("target_values") or {}
    counts = target.get("counts") or []
    total = sum(counts) or 1
    classes = [
        {"label": str(label), "count": f"{count:,}", "share": count / total}
        for label, count in zip(target.get("labels") or [], counts, strict=False)
    ]
    largest = max((one["share"] for one in classes), default=1.0) or 1.0
    for one in classes:
        one["wide"] = one["share"] / largest
    chart = answer_pictures.target_chart(target, str(metrics["target"]))
    rows = target.get("rows", "the training rows")
    return {**data, "classes": classes, "chart": chart, "target_rows": rows}


def _settings(metrics: dict[str, Any], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Each setting with where it is from, where that is known."""
    rows = metrics.get("settings")
    if not rows:
        rows = [{"name": name, "value": value} for name, value in settings.items()]
    return [{"origin": "", "meaning": "", **row, "value": _plain(row["value"])} for row in rows]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _doctor(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """Findings, severe ones first, and gradients by layer; None where no Doctor was asked."""
    if record is None:
        return None
    gradients = record.get("gradients")
    chart = training_pictures.gradient_chart(gradients) if gradients else None
    return {"findings": sentences.told_once(record.get("findings") or []), "chart": chart}
