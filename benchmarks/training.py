"""A training through `fit` beside the same training in JAX, PyTorch and scikit-learn.

Each library runs in a process of its own (JAX in one for each number of threads) and sleeps while
another one is measured. A library that offers several good ways (threads, when rows are gathered)
is tried in each of them first, and goes on in the fastest. Then all take turns: chainrule, JAX,
PyTorch, scikit-learn, chainrule, ... A ratio is the median over the rounds of the ratios within a
round, beside the lowest and the highest of them. Compiling is done before; shuffling is timed.
Two further lines have no figure wanted: "JAX, 1 call" trains all epochs of a call of fit in one
compiled function, where nobody can look in between; "PyTorch, stacked" writes many networks as one
of stacked matrices.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from importlib.util import find_spec

from benchmarks.cases import CASES, MANY, NETWORKS, TARGETS, Case
from benchmarks.machine import describe, thread_counts
from benchmarks.worker import Worker

OURS = "chainrule"
JAX_THREADS = [{"NPROC": str(count)} for count in thread_counts()]
# Package to look for, module here, environments of its processes, functions for one network and
# for many.
LIBRARIES: dict[str, tuple[str, str, list[dict[str, str]], str, str]] = {
    OURS: ("chainrule", "chainrule_fit", [{}], "training", "many"),
    "JAX": ("jax", "jax_scan", JAX_THREADS, "training", "many"),
    "JAX, 1 call": ("jax", "jax_scan", JAX_THREADS, "training_in_one_call", ""),
    "PyTorch": ("torch", "torch_eager", [{}], "training", "many"),
    "PyTorch, stacked": ("torch", "torch_eager", [{}], "", "many_stacked"),
    "scikit-learn": ("sklearn", "sklearn_mlp", [{}], "training", "many"),
}
PEERS = [name for name in LIBRARIES if name != OURS]
WANTED = ["JAX", "PyTorch", "scikit-learn"]
TRIES = 3
HOPELESS = 2.0  # times slower than the best: not tried again


@dataclass(frozen=True)
class Way:
    """One of the calls of a worker."""

    worker: Worker
    name: str
    label: str

    def seconds(self, enough: float) -> float:
        """Of a call: the median where there is time for several."""
        return statistics.median(self.worker.run(self.name, enough))


class Library:
    """The processes of a library for one case, and the fastest way that it has to run it."""

    def __init__(self, name: str, function: str, arguments: tuple[object, ...]) -> None:
        _, module, environments, *_ = LIBRARIES[name]
        self.name = name
        self.tried: dict[Way, float] = {}
        self.workers = [Worker(f"benchmarks.libraries.{module}", one) for one in environments]
        ways = []
        for worker, environment in zip(self.workers, environments, strict=True):
            note = "".join(f", threads {value}" for value in environment.values())
            ways += [
                Way(worker, call, call + note) for call in worker.prepare(function, *arguments)
            ]
        self.way = ways[0]
        if len(ways) > 1:
            self._choose(ways)

    def _choose(self, ways: list[Way]) -> None:
        for _ in range(TRIES):
            best = min(self.tried.values(), default=float("inf"))
            for way in ways:
                before = self.tried.get(way, best)
                if before <= HOPELESS * best:
                    self.tried[way] = min(before, way.seconds(0.1))
        self.way = min(self.tried, key=lambda way: self.tried[way])
        for worker in self.workers:
            worker.keep([self.way.name] if worker is self.way.worker else [])

    def processor_seconds(self) -> float:
        return sum(sum(worker.processor_seconds().values()) for worker in self.workers)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


def take_turns(
    libraries: list[Library], repeats: int, enough: float
) -> tuple[dict[str, list[float]], float]:
    """Seconds a call of each library in each round, and the most that the sleeping ones used."""
    found: dict[str, list[float]] = {one.name: [] for one in libraries}
    idle = 0.0
    for _ in range(repeats):
        for turn in libraries:
            others = [one for one in libraries if one is not turn]
            used, began = sum(one.processor_seconds() for one in others), time.perf_counter()
            found[turn.name].append(turn.way.seconds(enough))
            used = sum(one.processor_seconds() for one in others) - used
            idle = max(idle, used / (time.perf_counter() - began))
    return found, idle


def show(case: Case, libraries: list[Library], found: dict[str, list[float]], every: bool) -> None:
    """A line a library: microseconds a step, ratio, spread, the ratio wanted, the way taken."""
    wanted = dict(zip(WANTED, TARGETS[case.name], strict=True))
    for one in libraries:
        each = statistics.median(found[one.name]) / case.steps * 1e6
        start = f"{case.name if one.name == OURS else '':9} {one.name:16} {each:9.1f}"
        ratios = [theirs / ours for theirs, ours in zip(found[one.name], found[OURS], strict=True)]
        middle = f"{statistics.median(ratios):7.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        if one.name == OURS:
            print(f"{start} {'':34}  {one.way.label}", flush=True)
        else:
            print(f"{start} {middle:27} {wanted.get(one.name, ''):>6}  {one.way.label}", flush=True)
        for way, seconds in one.tried.items() if every else ():
            print(f"{'':27} {seconds / case.steps * 1e6:8.1f} {'':34}  {way.label} (tried)")


def measure(case: Case, names: list[str], options: argparse.Namespace) -> float:
    """Run a case in the libraries named, print it, and give what sleeping processes used."""
    arguments = (case, NETWORKS) if case is MANY else (case,)
    libraries: list[Library] = []
    try:
        for name in names:
            *_, one, many = LIBRARIES[name]
            function = many if case is MANY else one
            if function and (function != "training_in_one_call" or case.epochs > 1):
                libraries.append(Library(name, function, arguments))
        found, idle = take_turns(libraries, options.repeats, options.seconds)
    finally:
        for one in libraries:
            one.close()
    show(case, libraries, found, options.every)
    return idle


def main() -> None:
    """Run the cases named, or all, in the libraries that are installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    cases = {**CASES, MANY.name: MANY}
    parser.add_argument("cases", nargs="*", default=list(cases), help=", ".join(cases))
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--repeats", type=int, default=7, help="rounds a case")
    parser.add_argument("--seconds", type=float, default=0.3, help="the least a turn takes")
    parser.add_argument("--every", action="store_true", help="print every way that was tried")
    options = parser.parse_args()
    missing = [name for name in options.peers if find_spec(LIBRARIES[name][0]) is None]
    names = [OURS, *(name for name in options.peers if name not in missing)]
    packages = {"jax": "jax", "torch": "torch", "sklearn": "scikit-learn"}
    print(describe(*dict.fromkeys(packages[LIBRARIES[name][0]] for name in names[1:])))
    for package in dict.fromkeys(LIBRARIES[name][0] for name in missing):
        print(f"{package} is not installed, so its lines are left out.")
    chosen = [cases[name] for name in options.cases]
    print(f"{'case':9} {'':16} {'us a step':>9} {'ratio (spread)':>20} {'wanted':>13}  way")
    idle = max((measure(case, names, options) for case in chosen), default=0.0)
    print(f"Processes that slept used {idle:.1%} of a core at most.")


if __name__ == "__main__":
    main()
