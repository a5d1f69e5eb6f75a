"""The most memory that `fit` takes above what the process holds before, beside a bound.

A figure is the peak of the resident memory during one `fit` of two epochs, in a process of its own,
less the resident memory right before it; whatever the first fit imports counts. The second column
counts parameters and optimizer state too, which the model holds before: it is above the memory of
the process with the data but without the model, and what is held against the bound. The bound: 5
times the parameters (6 where the best weights are kept), 2.5 times the activations of a batch,
16 MB, and a copy of the data where it is not contiguous float32. Needs Linux.
"""

import argparse
import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import numpy as np

import chainrule
from benchmarks.cases import CASES, Case
from benchmarks.libraries.chainrule_fit import model
from benchmarks.machine import describe

KINDS = ("float32", "float64", "best kept")
MEGABYTE = 1e6


def status(name: str) -> float:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024.0
    message = f"/proc/self/status has no {name}"
    raise OSError(message)


def resident() -> float:
    """Bytes that the process holds, without what it has freed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status("VmRSS")


def peaks(case: Case, kind: str) -> tuple[float, float]:
    """Bytes at the peak of a fit above those before it, and above those before the model."""
    X, y = case.data()
    if kind == "float64":
        X = X.astype(np.float64)
    model((1, 1))  # what building a model imports is the library, not the model
    without_model = resident()
    network = model(case.sizes)
    settings = {}
    if kind == "best kept":
        settings["callbacks"] = [
            chainrule.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
        ]
        settings["validation_data"] = (X[: case.batch], y[: case.batch])
    before = resident()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    network.fit(X, y, batch_size=case.batch, epochs=2, verbose=0, **settings)
    peak = status("VmHWM")
    return peak - before, peak - without_model


def bound(case: Case, kind: str) -> float:
    """Bytes that a fit may take."""
    copies = 6 if kind == "best kept" else 5
    data = case.rows * case.sizes[0] if kind == "float64" else 0
    return 4 * (data + copies * case.parameters + 2.5 * case.activations) + 16 * MEGABYTE


def main() -> None:
    """Measure the cases named, or all, for every kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--inside", choices=KINDS, help="only this, here, and print bytes")
    options = parser.parse_args()
    if options.inside:
        print(*peaks(CASES[options.cases[0]], options.inside))
        return
    print(describe())
    print(f"{'case':10} {'data':10} {'fit, MB':>8} {'and model':>9} {'bound':>8}")
    for case in map(CASES.get, options.cases):
        for kind in KINDS:
            command = [sys.executable, "-m", "benchmarks.memory", case.name, "--inside", kind]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            fit, whole = (float(part) / MEGABYTE for part in output.split())
            allowed = bound(case, kind) / MEGABYTE
            over = "" if whole <= allowed else "  above"
            print(f"{case.name:10} {kind:10} {fit:8.1f} {whole:9.1f} {allowed:8.1f}{over}")


if __name__ == "__main__":
    main()
