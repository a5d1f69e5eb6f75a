"""How much of what the cores can do a training uses.

ceiling.cpp (compiled here, for AVX2) measures multiply-adds from registers and the bandwidth of
caches and memory, for reading and for an update as Adam makes it. The least time of a step is that
of its products' multiply-adds, plus that of moving parameters, slots and gradient where Adam finds
them: 4 arrays read, 3 written, from the smallest place that holds all 4. What is printed is that
least time as a share of the time that `fit` takes, and the products' share of the peak. All is
taken for the cores that the training used, one or all, seen from its threads' processor time.
"""

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.machine import core_count, describe
from benchmarks.worker import Worker

PLACES = {"L2": 512e3, "L3": 32e6, "memory": float("inf")}
FLAGS = ["-std=c++20", "-O3", "-mavx2", "-mfma", "-pthread"]
TAKES_PART = 0.1  # of the processor time of all threads
MODULE = "benchmarks.libraries.chainrule_fit"


def measured(compiler: str, cores: int) -> dict[str, float]:
    """What the cores can do, in GFLOP/s and GB/s, by "what/threads"."""
    source = Path(__file__).with_suffix(".cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder, "ceiling"))
        subprocess.run([compiler, *FLAGS, str(source), "-o", program], check=True)
        output = subprocess.run(
            [program, str(cores)], check=True, capture_output=True, text=True
        ).stdout
    return {
        name: float(value) for name, _, value in (x.rpartition(" ") for x in output.splitlines())
    }


def place_of(case: Case, cores: int) -> str:
    """Where parameters, gradient and both slots stay from step to step."""
    held = 4 * 4 * case.parameters
    for place, room in PLACES.items():
        if held <= room * (cores if place == "L2" else 1):
            return place
    return "memory"


def run(case: Case, repeats: int) -> tuple[float, int]:
    """Microseconds a step, and how many threads took part."""
    worker = Worker(MODULE)
    try:
        worker.prepare("training", case)
        before = worker.processor_seconds()
        found = [statistics.median(worker.run("fit", 0.5)) for _ in range(repeats)]
        after = worker.processor_seconds()
    finally:
        worker.close()
    used = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    threads = sum(seconds > TAKES_PART * sum(used) for seconds in used)
    return statistics.median(found) / case.steps * 1e6, max(1, threads)


def show(case: Case, ceiling: dict[str, float], repeats: int) -> None:
    """A line: the least time, the time it takes, and the shares."""
    each, threads = run(case, repeats)
    cores = core_count() if threads > 1 else 1
    place = place_of(case, cores)
    products = case.flops / ceiling[f"fma/{cores}"] / 1e3
    update = 7 * 4 * case.parameters / ceiling[f"update {place}/{cores}"] / 1e3
    print(
        f"{case.name:9} {case.flops / 1e6:8.3f} {case.parameters:8d} {place:>7} {cores:5d} "
        f"{products:9.1f} {update:8.1f} {each:9.1f} {case.flops / each / 1e3:8.1f} "
        f"{products / each:9.0%} {(products + update) / each:6.0%}",
        flush=True,
    )


def main() -> None:
    """Measure the machine, then the cases named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compiler", default="c++")
    options = parser.parse_args()
    print(describe())
    ceiling = measured(options.compiler, core_count())
    print(f"{'':14} {'1 thread':>9} {f'{core_count()} threads':>10}")
    for name in dict.fromkeys(key.partition("/")[0] for key in ceiling):
        unit = "GFLOP/s" if name == "fma" else "GB/s"
        one, every = ceiling[f"{name}/1"], ceiling[f"{name}/{core_count()}"]
        print(f"{name:14} {one:9.1f} {every:10.1f} {unit}")
    print(
        f"{'case':9} {'MFLOP':>8} {'numbers':>8} {'in':>7} {'cores':>5} {'products':>9} "
        f"{'update':>8} {'step, us':>9} {'GFLOP/s':>8} {'of peak':>9} {'least':>6}"
    )
    for name in options.cases:
        show(CASES[name], ceiling, options.repeats)


if __name__ == "__main__":
    main()
