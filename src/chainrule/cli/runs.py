"""`chainrule runs`: what was trained, how the runs differ, and which is better beyond noise."""

from __future__ import annotations

import argparse
import os
import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import (
    plural,
    say,
    show,
    terminal_width,
    text_table,
)
from chainrule.cli.parser import Parser
from chainrule.errors import ChainruleError
from chainrule.text import score_digits, spell_interval, spell_score

if TYPE_CHECKING:
    from chainrule.reporting import Comparison, Difference, Run

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

USAGE = "[FOLDER]... [options]"
EXAMPLES = """\
examples:
  chainrule runs
  chainrule runs runs/houses-price-1 runs/houses-price-3
  chainrule runs --json

Runs with the same target that were judged on the same test rows are compared:
the test rows are drawn again and again, the same ones for both, and where the
better one stays better in 95 of 100 draws and more, that is beyond noise. How
much other seeds would change a run is not in it: train with some to see that.
"""
SOURCES = ("data", "test", "validation")
NARROW = 72


def add_options(parser: Parser) -> None:
    """What the command takes."""
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", default=["runs"],
        help="a folder of runs, or a run; by default runs",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON record")


def run(options: argparse.Namespace) -> int:
    """List and compare."""
    from chainrule.files import strict_json

    runs, only = _read(options.folders)
    subjects = [_Subject(runs, target) for target in dict.fromkeys(run.target for run in runs)]
    if options.json:
        show(strict_json(_record(runs, subjects)))
        return 0
    if not runs:
        say(f"{', '.join(options.folders)}: no runs in it; train one with 'chainrule train'.")
    names = {one.path: one.path.resolve().name if only else str(one.path) for one in runs}
    for place, subject in enumerate(subjects):
        if place:
            show()
        subject.show(names)
    return 0


def _read(folders: Sequence[str]) -> tuple[list[Run], bool]:
    """The runs in the folders, a note for what is none; whether they are all of one folder."""
    from chainrule.reporting import find_runs, read_run

    found = {os.path.realpath(path): path for folder in folders for path in find_runs(folder)}
    runs = []
    for path in found.values():
        try:
            runs.append(read_run(path))
        except ChainruleError as error:
            say(f"note: left out: {' '.join(str(error).split())}")
    return runs, len({path.parent for path in found.values()}) == 1


class _Subject:
    """The runs that predict one column."""

    def __init__(self, runs: Sequence[Run], target: str) -> None:
        from chainrule.reporting import compare_runs, groups_of_same_rows, settings_that_differ

        self.target = target
        self.runs = [one for one in runs if one.target == target]
        self.comparisons: list[Comparison] = []
        for group in groups_of_same_rows(self.runs):
            try:
                self.comparisons.append(compare_runs(group))
            except ChainruleError as error:
                names = ", ".join(str(one.path) for one in group)
                say(f"note: not compared: {names}: {' '.join(str(error).split())}")
        self.comparisons.sort(key=lambda one: -len(one.runs))
        self.settings = settings_that_differ([_with_usual(one) for one in self.runs])

    def show(self, names: dict[Path, str]) -> None:
        """List, compare, and say what differs."""
        sources = {_spelled("data", one.settings.get("data")) for one in self.runs}
        of = f" of {sources.pop()}" if len(sources) == 1 else ""
        show(f"{self.target}: {plural(len(self.runs), 'run')}{of}")
        show(_listing(self.runs, names))
        for one in self.runs:
            hint = _hint(one)
            if hint is not None:
                _paragraph(f"{names[one.path]}: {hint}")
        for comparison in self.comparisons:
            show()
            _paragraph(_heading(comparison, self.comparisons[0]))
            show(_scores(comparison, names))
            if comparison.differences:
                _verdict(comparison, names)
        if self.settings:
            show(f"\nsettings that differ\n{_settings(self.runs, self.settings, names)}")


def _with_usual(run: Run) -> Run:
    """A run with settings that came after it as usual: it had no others."""
    from chainrule.estimators import TableSettings

    later = {**run.settings, **TableSettings().to_record()}  # these come last
    return replace(run, settings={**later, **run.settings})


def _record(runs: Sequence[Run], subjects: Sequence[_Subject]) -> dict[str, Any]:
    return {
        "runs": [one.to_record() for one in runs],
        "comparisons": [one.to_record() for subject in subjects for one in subject.comparisons],
        "settings": {
            subject.target: {
                name: dict(zip([str(one.path) for one in subject.runs], values, strict=True))
                for name, values in subject.settings.items()
            }
            for subject in subjects
        },
    }


def _listing(runs: Sequence[Run], names: dict[Path, str]) -> str:
    moment = "%Y-%m-%d" if terminal_width() < NARROW else "%Y-%m-%d %H:%M"
    lines = [
        (
            names[one.path],
            f"{one.when:{moment}}",
            "-" if one.networks is None else f"{one.networks}",
            "-" if one.epochs is None else f"{one.epochs:,}",
            "-" if one.seconds is None else f"{one.seconds:,.1f}",
            one.state,
        )
        for one in runs
    ]
    header = ("run", "when", "networks", "epochs", "seconds", "state")
    return text_table(header, lines, right=(2, 3, 4), whole=(1,))


def _hint(one: Run) -> str | None:
    """What is to be known of a run that is not done, or cannot be compared."""
    path = shlex.quote(str(one.path))
    if one.resumable:
        return f"was stopped; go on with: chainrule train --resume --out {path}"
    if one.state == "being trained":
        return None
    if one.metrics is None:
        return "no test part, so nothing to compare by; judge it by a table of its own (--test)."
    if one.judged is None:
        return "its answers row by row were not kept, so it is not compared; train it again."
    return None


def _heading(comparison: Comparison, first: Comparison) -> str:
    from chainrule.reporting import why_apart

    rows = plural(comparison.rows, "test row")
    if comparison is first:
        return f"judged on the same {rows}" if comparison.differences else f"judged on {rows}"
    why = why_apart(comparison.runs[0], first.runs[0])
    return f"judged on {rows}; not compared with the runs above: {why}"


def _scores(comparison: Comparison, names: dict[Path, str]) -> str:
    """Each run's score, best first."""
    name = comparison.score
    values = [(one.metrics or {}).get(name) for one in comparison.runs]
    digits = score_digits(next((value for value in values if value is not None), 0.0))
    lines = [
        (
            names[one.path],
            spell_score(value, digits),
            spell_interval((one.intervals or {}).get(name), digits),
        )
        for one, value in zip(comparison.runs, values, strict=True)
    ]
    return text_table(("run", name, "95 % interval"), lines, right=(1, 2))


def _differences(comparison: Comparison, names: dict[Path, str]) -> str:
    """How far each run is behind the best."""
    sizes = [one.behind for one in comparison.differences if one.behind is not None]
    digits = score_digits(max(sizes, default=0.0))
    lines = [
        (
            names[one.run.path],
            spell_score(one.behind, digits),
            spell_interval(one.interval, digits),
            _noise(one),
        )
        for one in comparison.differences
    ]
    level = f"{100 * comparison.level:.4g} % interval"
    return text_table(("run", "behind by", level, "which is"), lines, right=(1, 2))


def _noise(one: Difference) -> str:
    if one.interval is None:
        return "" if one.behind is None else "too few rows to say"
    return f"{'beyond' if one.beyond_noise else 'within'} noise"


def _verdict(comparison: Comparison, names: dict[Path, str]) -> None:
    """What the scores mean, in sentences."""
    from chainrule.reporting import grouped_rows

    drawn = grouped_rows(comparison.groups)
    if len(comparison.differences) == 1:
        _paragraph(" ".join(filter(None, [_of_two(comparison, names), drawn])))
        return
    best, rows = names[comparison.runs[0].path], plural(comparison.rows, "test row")
    _paragraph(
        f"{best} is the best by {comparison.score}. How far the others are behind it on the same "
        "rows:"
    )
    show(_differences(comparison, names))
    if comparison.too_few:
        _paragraph(f"Too few rows to say what is noise: {comparison.too_few}.")
        return
    _paragraph(
        f"Within noise: the choice of these {rows} may explain it. The intervals are wider than "
        "95 % ones, so that those of all pairs of runs hold at once with 95 % (Bonferroni): any "
        "might have come out best. The best of several looks better than it is, for these rows "
        "chose it: judge it by others (chainrule evaluate)."
    )
    if drawn:
        _paragraph(drawn)


def _of_two(comparison: Comparison, names: dict[Path, str]) -> str:
    one, score = comparison.differences[0], comparison.score
    best, other = names[comparison.runs[0].path], names[one.run.path]
    rows = plural(comparison.rows, "test row")
    if one.behind is None:
        return f"{score} is not defined for both runs on these rows: nothing is said of them."
    digits = score_digits(one.behind)
    amount = f"{spell_score(one.behind, digits)} {score}"
    if one.interval is None:
        return (
            f"{best} and {other} differ by {amount}; too few rows to say whether that is noise: "
            f"{comparison.too_few or rows}."
        )
    amount += f" ({spell_interval(one.interval, digits)})"
    if one.beyond_noise:
        return (
            f"{best} is better than {other} by {amount}, beyond what the choice of these {rows} "
            "explains."
        )
    if one.interval == (0.0, 0.0):
        return (
            f"{best} and {other} are equally good: by {score} no choice of rows tells them apart."
        )
    return (
        f"{best} and {other} differ by {amount}, within the noise that the choice of these {rows} "
        "makes."
    )


def _settings(runs: Sequence[Run], settings: dict[str, list[Any]], names: dict[Path, str]) -> str:
    """A line a setting, a column a run; as many runs side by side as fit."""
    cells = {name: [_spelled(name, value) for value in values] for name, values in settings.items()}
    first = max(map(len, cells))
    widths = [
        max(len(names[one.path]), *(len(values[place]) for values in cells.values()))
        for place, one in enumerate(runs)
    ]
    blocks: list[list[int]] = [[]]
    room = terminal_width() - 2 - first
    for place, width in enumerate(widths):
        if blocks[-1] and sum(widths[k] + 2 for k in blocks[-1]) + width + 2 > room:
            blocks.append([])
        blocks[-1].append(place)
    return "\n\n".join(
        text_table(
            ("setting", *(names[runs[place].path] for place in block)),
            [(name, *(values[place] for place in block)) for name, values in cells.items()],
        )
        for block in blocks
    )


def _spelled(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "fingerprint":
        return str(value)[:8]
    if name in SOURCES:
        return Path(str(value)).name or str(value)
    return ",".join(map(str, value)) if isinstance(value, list) else f"{value}"


def _paragraph(sentence: str) -> None:
    width = terminal_width()
    show(textwrap.fill(sentence, width, break_long_words=False, break_on_hyphens=False))
