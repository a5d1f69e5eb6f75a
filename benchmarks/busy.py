"""One thread and all threads while another process keeps one of the cores busy.

Two processes train each case in turns, with CHAINRULE_NUM_THREADS set to 1 and to 2, on two cores
of which a third process spins on one. A library whose threads wait for each other by spinning is
many times slower with two threads than with one then; ours may take at most 1.3 times as long.
"""

import argparse
import os
import statistics
import subprocess
import sys

from benchmarks.cases import CASES
from benchmarks.machine import describe
from benchmarks.worker import Worker

WANTED = 1.3
SPIN = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
MODULE = "benchmarks.libraries.chainrule_fit"


def main() -> None:
    """Run the cases named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--repeats", type=int, default=7, help="rounds a case")
    parser.add_argument("--quiet", action="store_true", help="without the process that spins")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        print("This needs two cores.")
        return
    os.sched_setaffinity(0, set(cores))  # for the processes that are started from here
    print(describe())
    print(f"{'case':10} {'us, 1 thread':>12} {'2 threads':>10} {'two/one':>8} (spread)")
    command = [sys.executable, "-c", SPIN, str(cores[1])]
    workers = [Worker(MODULE, {"CHAINRULE_NUM_THREADS": str(count)}) for count in (1, 2)]
    spinning = None if options.quiet else subprocess.Popen(command)
    try:
        for case in map(CASES.get, options.cases):
            for worker in workers:
                worker.prepare("training", case)
            found: list[list[float]] = [[], []]
            for _ in range(options.repeats):
                for worker, seconds in zip(workers, found, strict=True):
                    seconds.append(statistics.median(worker.run("fit", 0.3)))
            ratios = [two / one for one, two in zip(*found, strict=True)]
            one, two = (statistics.median(each) / case.steps * 1e6 for each in found)
            middle = statistics.median(ratios)
            over = "" if middle <= WANTED else f"  above {WANTED}"
            print(
                f"{case.name:10} {one:12.1f} {two:10.1f} {middle:8.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f}){over}",
                flush=True,
            )
    finally:
        if spinning is not None:
            spinning.kill()
        for worker in workers:
            worker.close()


if __name__ == "__main__":
    main()
