"""MNIST with 784-300-100-10, ReLU, dropout 0.2 on input and hidden layers, Adam, batch 128."""

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np

import chainrule as keras
from benchmarks.machine import describe


def main() -> None:
    """Print test accuracy after the epochs, for each seed and their median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--engine", default="numpy")
    options = parser.parse_args()
    print(describe())
    with np.load(Path(os.environ["CHAINRULE_DATA"]) / "mnist" / "mnist.npz") as arrays:
        x_train, y_train, x_test, y_test = (
            arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")
        )
    x_train, x_test = (x.astype(np.float32) / 255 for x in (x_train, x_test))
    found = []
    for seed in options.seeds:
        model = keras.Sequential(
            [
                keras.layers.InputLayer(shape=[28, 28]),
                keras.layers.Flatten(),
                keras.layers.Dropout(rate=0.2),
                keras.layers.Dense(300, activation="relu"),
                keras.layers.Dropout(rate=0.2),
                keras.layers.Dense(100, activation="relu"),
                keras.layers.Dropout(rate=0.2),
                keras.layers.Dense(10, activation="softmax"),
            ],
            seed=seed,
        )
        model.compile(
            optimizer="adam",
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            engine=options.engine,
        )
        start = time.perf_counter()
        model.fit(x_train, y_train, batch_size=128, epochs=options.epochs, verbose=0)
        seconds = time.perf_counter() - start
        accuracy = model.evaluate(x_test, y_test, return_dict=True, verbose=0)["accuracy"]
        found.append(accuracy)
        print(f"seed {seed}: test accuracy {accuracy:.4f}, {seconds:.0f} s", flush=True)
    print(f"median {statistics.median(found):.4f} ({min(found):.4f} to {max(found):.4f})")


if __name__ == "__main__":
    main()
