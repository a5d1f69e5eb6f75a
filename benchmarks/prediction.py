"""`model.predict` beside PyTorch: a million rows through 100-256-128-64-10, and one row.

NumPy rows to NumPy probabilities on both sides. PyTorch runs in inference mode, in batches of the
size and with the number of threads that are fastest; each library has a process of its own, and
they take turns. A ratio is the median over the rounds.
"""

import argparse
import statistics
from importlib.util import find_spec

from benchmarks.cases import CASES
from benchmarks.machine import describe
from benchmarks.training import Library, take_turns


def measure(title: str, rows: int, names: list[str], repeats: int, wanted: float | None) -> None:
    """Print a line a library."""
    libraries: list[Library] = []
    try:
        for name in names:
            libraries.append(Library(name, "prediction", (CASES["tab100"].sizes, rows)))
        found, _ = take_turns(libraries, repeats, 0.2)
    finally:
        for one in libraries:
            one.close()
    for one in libraries:
        seconds = statistics.median(found[one.name])
        line = f"{title if one is libraries[0] else '':12} {one.name:10} {seconds * 1e6:12.1f} us"
        if one is not libraries[0]:
            pairs = zip(found[one.name], found[names[0]], strict=True)
            ratios = [theirs / ours for theirs, ours in pairs]
            line += f"  {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            line += f", wanted {wanted}" if wanted else ""
        print(f"{line}  {one.way.label}", flush=True)


def main() -> None:
    """Measure many rows and one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    options = parser.parse_args()
    names = ["chainrule"]
    if find_spec("torch") is None:
        print("PyTorch is not installed, so its lines are left out.")
    else:
        names.append("PyTorch")
    print(describe(*(["torch"] if len(names) > 1 else [])))
    measure(f"{options.rows} rows", options.rows, names, options.repeats, 1.2)
    measure("1 row", 1, names, options.repeats, None)


if __name__ == "__main__":
    main()
