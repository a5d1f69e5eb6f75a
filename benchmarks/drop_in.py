"""MLPClassifier and MLPRegressor beside scikit-learn's own: what changing the import gives.

    python -m benchmarks.drop_in [SET ...] [--epochs N] [--repeats N]

Both get the same arguments (their defaults but for the number of epochs, which is fixed: no early
stop, no stop for want of progress), the same float64 array of the training rows (numbers
standardized, medians where they are missing, categories one-hot) and the same `random_state`. Each
side and number of threads is a process of its own that sleeps while another one is measured; they
take turns: chainrule with one thread, scikit-learn with one thread, both with the threads that
they take by themselves, again. A ratio is the median over the rounds of the ratios within a round,
beside the lowest and the highest of them. "apart" is how far the last losses of the two lie from
each other, relative: a sign that both did the same work.
"""

import argparse
import statistics

from benchmarks.libraries.estimators import SETS, epochs_of
from benchmarks.machine import describe
from benchmarks.worker import Worker

OURS, THEIRS = "chainrule", "sklearn.neural_network"
ONE_THREAD = dict.fromkeys(
    ("CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
THREADS = {"one thread": ONE_THREAD, "default threads": {}}
FEW_COLUMNS = 20
WANTED_OF_FEW, WANTED_OF_MANY = 5.0, 2.5


class Side:
    """A process with the estimators of one module, and the training that it repeats."""

    def __init__(self, module: str, environment: dict[str, str], name: str, epochs: int) -> None:
        self.worker = Worker("benchmarks.libraries.estimators", environment)
        [self.call] = self.worker.prepare("training", module, name, epochs)
        rows, columns, loss = self.call.split()
        self.rows, self.columns, self.loss = int(rows), int(columns), float(loss)
        self.found: list[float] = []

    def measure(self, enough: float) -> None:
        self.found.append(statistics.median(self.worker.run(self.call, enough)))


def compared(name: str, epochs: int, options: argparse.Namespace) -> dict[str, list[Side]]:
    """Both sides for each number of threads, measured in turns."""
    sides: dict[str, list[Side]] = {}
    try:
        for threads, environment in THREADS.items():
            sides[threads] = []
            for module in (options.ours, THEIRS):
                sides[threads].append(Side(module, environment, name, epochs))
        for _ in range(options.repeats):
            for pair in sides.values():
                for side in pair:
                    side.measure(options.seconds)
    finally:
        for pair in sides.values():
            for side in pair:
                side.worker.close()
    return sides


def show(name: str, epochs: int, sides: dict[str, list[Side]]) -> None:
    """A line for each number of threads."""
    for threads, (ours, theirs) in sides.items():
        ratios = [slow / quick for slow, quick in zip(theirs.found, ours.found, strict=True)]
        spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
        wanted = WANTED_OF_FEW if ours.columns <= FEW_COLUMNS else WANTED_OF_MANY
        apart = abs(ours.loss - theirs.loss) / abs(theirs.loss)
        print(
            f"{name:15} {ours.rows:6} {ours.columns:7} {epochs:6}  {threads:15} "
            f"{statistics.median(ours.found):9.4f} {statistics.median(theirs.found):12.4f} "
            f"{statistics.median(ratios):6.2f} {spread:17} {wanted:6} {apart:8.1e}",
            flush=True,
        )


def main() -> None:
    """Run the sets named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--epochs", type=int, help="20 below 10,000 rows, else 10")
    parser.add_argument("--repeats", type=int, default=7, help="rounds a set")
    parser.add_argument("--seconds", type=float, default=0.3, help="the least a turn takes")
    parser.add_argument("--ours", default=OURS, help="the module with our estimators")
    options = parser.parse_args()
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"no set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    print(describe("scikit-learn"))
    print(
        f"{'set':15} {'rows':>6} {'columns':>7} {'epochs':>6}  {'':15} {'ours (s)':>9} "
        f"{'scikit-learn':>12} {'ratio':>6} {'(spread)':17} {'wanted':>6} {'apart':>8}"
    )
    for name in options.sets or SETS:
        epochs = options.epochs or epochs_of(name)
        show(name, epochs, compared(name, epochs, options))


if __name__ == "__main__":
    main()
