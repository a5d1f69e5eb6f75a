"""What callbacks that watch cost: `fit` with one of them beside `fit` alone.

    python -m benchmarks.watching [CASE ...] [--only CALLBACK] [--runs 15] [--engine auto]

Networks of the same seed take turns, one with the callback and one without, each order as often as
the other; the figure is the median of the ratios of such pairs, so that what else the machine does
falls on both. The first fit of a kind also compiles the programs of the looks, once in a process:
it is given by itself. "an event" is what is paid beside training for each look or checkpoint, in
microseconds. Checkpoints are written once a second at most, so those fits last several seconds.
"""

import argparse
import dataclasses
import statistics
import tempfile
from typing import Any

import chainrule
from benchmarks.cases import CASES, Case
from benchmarks.machine import describe
from benchmarks.small_costs import model, seconds
from chainrule.callbacks import BackupAndRestore, Callback

SECONDS = 8.0
NAMES = ("Doctor", "BackupAndRestore")


class Backup(BackupAndRestore):
    """Counts the checkpoints."""

    written = 0

    def _write(self) -> None:
        self.written += 1
        super()._write()


def watching(name: str, folder: str) -> Any:
    """A new callback."""
    return chainrule.Doctor(verbose=0) if name == "Doctor" else Backup(folder)


def timed(case: Case, engine: str, callbacks: list[Callback]) -> float:
    """Seconds of one fit of a new network; building and compiling are not in it."""
    X, y = case.data()
    made = model(list(case.sizes), 0, engine)
    made.fit(X[: case.batch], y[: case.batch], batch_size=case.batch, verbose=0)
    return seconds(
        lambda: made.fit(
            X, y, batch_size=case.batch, epochs=case.epochs, verbose=0, callbacks=callbacks
        )
    )


def measure(case: Case, name: str, runs: int, engine: str, folder: str) -> None:
    """A line: fit alone, the first fit with the callback, the ratio of pairs, an event's cost."""
    alone = timed(case, engine, [])
    if name == "BackupAndRestore":
        longer = max(1, round(SECONDS / alone))
        case = dataclasses.replace(case, epochs=case.epochs * longer)
        alone, runs = timed(case, engine, []), max(3, runs // 3)
    first = timed(case, engine, [watching(name, folder)])
    ratios, differences, events = [], [], []
    for run in range(runs):
        watcher = watching(name, folder)
        pair = {}
        for watched in (run % 2 == 0, run % 2 == 1):
            pair[watched] = timed(case, engine, [watcher] if watched else [])
        ratios.append(pair[True] / pair[False])
        differences.append(pair[True] - pair[False])
        events.append(watcher.written if name != "Doctor" else len(watcher.statistics["steps"]))
        alone = min(alone, pair[False])
    low, high = (sorted(ratios)[int(share * (runs - 1))] for share in (0.25, 0.75))
    count = statistics.median(events)
    cost = statistics.median(differences) / max(1, count) * 1e6
    print(
        f"{case.name:10}{name:18}{alone * 1e3:9.1f}{(first - alone) * 1e3:+9.1f}"
        f"{statistics.median(ratios) - 1:+9.1%}{low - 1:+9.1%}{high - 1:+9.1%}"
        f"{count:8.0f}{cost:10.0f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", default=["tiny", "tab30", "mnist128"])
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    print(describe())
    print(
        f"{'case':10}{'callback':18}{'alone ms':>9}{'first ms':>9}{'median':>9}{'quart.':>9}"
        f"{'quart.':>9}{'events':>8}{'us each':>10}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for case in options.cases:
            for name in NAMES if options.only is None else [options.only]:
                measure(CASES[case], name, options.runs, options.engine, folder)


if __name__ == "__main__":
    main()
