"""scikit-learn: MLPClassifier without penalty and without a stop before the last epoch."""

import warnings
from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.cases import Case
from benchmarks.machine import thread_counts

Calls = dict[str, Callable[[], None]]


def fit(case: Case, X: np.ndarray, y: np.ndarray, seed: int = 0) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPClassifier(
            case.sizes[1:-1],
            batch_size=case.batch,
            max_iter=case.epochs,
            alpha=0.0,
            early_stopping=False,
            n_iter_no_change=10**6,
            random_state=seed,
        ).fit(X, y)


def training(case: Case) -> Calls:
    X, y = case.data()

    def call(threads: int) -> Callable[[], None]:
        def train() -> None:
            with threadpool_limits(threads):
                fit(case, X, y)

        return train

    return {f"threads {threads}": call(threads) for threads in thread_counts()}


def many(case: Case, networks: int) -> Calls:
    X, y = case.data()

    def call(jobs: int) -> Callable[[], None]:
        pool = Parallel(n_jobs=jobs)
        return lambda: pool(delayed(fit)(case, X, y, seed) for seed in range(networks)) and None

    return {f"joblib, n_jobs={jobs}": call(jobs) for jobs in thread_counts()}
