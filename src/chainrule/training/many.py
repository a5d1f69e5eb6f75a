"""Many independent networks trained at once, one a core."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Self

from chainrule.engine import thread_count, threads_at_most
from chainrule.errors import InputTypeError, SettingError, TrainingError, nearest
from chainrule.settings import check_count
from chainrule.training.callback import Callback
from chainrule.training.interruption import stoppable, uninterrupted

__all__ = ["Workers", "fit_many", "jobs_at_once"]

SHOWN = 3


def fit_many(jobs: Iterable[Any], threads: int | None = None) -> list[Any]:
    """Train independent networks at once, one a core; what each `fit` gave, in order.

    jobs
        Tuples (model, X, y) or (model, X, y, settings): what `model.fit(X, y, **settings)` does,
        but quiet unless a `verbose` is set.
    threads
        How many are trained at once; as many as there are cores to use when None.

    Each comes out the same, to the bit, as when it is fitted alone. A job that fails does not stop
    the others: when all are done, `TrainingError` names those that failed, and its `results` holds
    what each job gave, with the error in the place of one that failed. Ctrl-C stops them all
    between two steps.

    Raises `SettingError` before any is trained where two jobs have the same model or callback.

    >>> import numpy as np
    >>> import chainrule
    >>> X = np.linspace(-1.0, 1.0, 20).reshape(20, 1)
    >>> jobs = []
    >>> for units in (2, 8):
    ...     model = chainrule.Sequential(
    ...         [chainrule.layers.Dense(units, "tanh"), chainrule.layers.Dense(1)], seed=1)
    ...     model.compile("adam", "mse")
    ...     jobs.append((model, X, X**2, {"epochs": 3}))
    >>> histories = chainrule.fit_many(jobs)
    >>> [len(history.history["loss"]) for history in histories]
    [3, 3]
    """
    checked = _checked(jobs)
    if threads is not None:
        check_count("fit_many", "threads", threads)
    at_once = jobs_at_once(len(checked), threads)
    # a network that is trained alone may have all threads
    each = 1 if at_once > 1 else thread_count(threads)
    results = _results(checked, at_once, each)
    pairs = zip(checked, results, strict=True)
    failed = [(job, error) for job, error in pairs if isinstance(error, Exception)]
    if failed:
        raise _failure(failed, results) from failed[0][1]
    return results


def jobs_at_once(jobs: int, threads: int | None = None) -> int:
    """How many of so many jobs `fit_many` trains at the same time.

    >>> jobs_at_once(4, threads=8), jobs_at_once(4, threads=2)
    (4, 2)
    """
    return max(1, min(thread_count(threads), jobs))


@dataclass(frozen=True)
class _Job:
    """A call of a model's `fit`, and what sentences call it."""

    name: str
    model: Any
    x: Any
    y: Any
    settings: Mapping[str, Any]

    def fit(self) -> Any:
        return self.model.fit(self.x, self.y, **self.settings)


def _checked(jobs: Iterable[Any]) -> list[_Job]:
    if isinstance(jobs, str | Mapping) or not isinstance(jobs, Iterable):
        message = (
            "fit_many: jobs must be a list of (model, X, y) or (model, X, y, settings), got "
            f"{type(jobs).__name__}."
        )
        raise InputTypeError(message)
    checked = [_job(f"jobs[{index}]", given) for index, given in enumerate(jobs)]
    owners: dict[int, str] = {}
    for job in checked:
        for one in (job.model, *_callbacks(job)):
            other = owners.setdefault(id(one), job.name)
            if other != job.name:
                what = "callback" if isinstance(one, Callback) else "model"
                message = (
                    f"fit_many: {other} and {job.name} have the same {what} "
                    f"({type(one).__name__}); give each job one of its own."
                )
                raise SettingError(message)
    return checked


def _job(name: str, given: Any) -> _Job:
    if not isinstance(given, tuple | list) or len(given) not in (3, 4):
        what = type(given).__name__
        if isinstance(given, tuple | list):
            what = f"{len(given)} things"
        message = f"fit_many: {name} must be (model, X, y) or (model, X, y, settings), got {what}."
        raise InputTypeError(message)
    model, x, y, *rest = given
    settings = rest[0] if rest else {}
    if not callable(getattr(model, "fit", None)):
        message = f"fit_many: {name}: a model must have a fit, got {type(model).__name__}."
        raise InputTypeError(message)
    if not isinstance(settings, Mapping):
        message = (
            f'fit_many: {name}: settings must be a dict such as {{"epochs": 10}}, got '
            f"{type(settings).__name__}."
        )
        raise InputTypeError(message)
    return _Job(name, model, x, y, _settings(name, model, settings))


def _settings(name: str, model: Any, given: Mapping[Any, Any]) -> dict[str, Any]:
    """The settings of a job, quiet where it says nothing of that."""
    taken = inspect.signature(model.fit).parameters
    known = [one for one in taken if one not in ("X", "x", "y")]
    anything = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    for setting in given:
        if setting not in known and not anything:
            message = (
                f"fit_many: {name}: fit has no setting {setting!r}; {nearest(str(setting), known)}"
            )
            raise SettingError(message)
    return ({"verbose": 0} if "verbose" in known else {}) | dict(given)


def _callbacks(job: _Job) -> Sequence[Any]:
    """The callbacks of a job, each once."""
    given = job.settings.get("callbacks")
    listed = given if isinstance(given, list | tuple) else [given]
    return [one for one in listed if isinstance(one, Callback)]


def _results(jobs: Sequence[_Job], at_once: int, threads: int) -> list[Any]:
    """What each job gave, or the error that it ended with."""
    with Workers(at_once, threads) as workers:
        with uninterrupted():
            futures = [workers.start(job.fit) for job in jobs]
        pending = set(futures)
        while pending:
            pending = workers.wait(pending)
    return [future.result() for future in futures]


class Workers:
    """Threads that train independent networks, one each at a time, as jobs come.

    at_once
        How many networks are trained at the same time.
    threads
        How many threads each of them may have.

    Ctrl-C in the thread that waits for them, and an error that leaves the block, stop them all
    between two steps; what a worker ended with other than an `Exception` is raised at the end.
    """

    def __init__(self, at_once: int, threads: int = 1) -> None:
        self._threads = threads
        self._stop = threading.Event()
        self._causes: list[BaseException] = []
        self._pool = ThreadPoolExecutor(at_once, "fit_many")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.set()
        self._pool.shutdown()
        if kind is None and self._causes:
            raise self._causes[0]

    def start(self, job: Callable[[], Any]) -> Future[Any]:
        """Let the next free thread do a job; its result is what it gave, or the error."""
        return self._pool.submit(self._run, job)

    def wait(self, pending: Iterable[Future[Any]]) -> set[Future[Any]]:
        """Wait a moment for one of some jobs, with an ear for Ctrl-C; those not done yet."""
        with uninterrupted():
            return wait(pending, timeout=0.1, return_when=FIRST_COMPLETED).not_done

    def _run(self, job: Callable[[], Any]) -> Any:
        try:
            if self._stop.is_set():
                raise KeyboardInterrupt
            with stoppable(self._stop), threads_at_most(self._threads):
                return job()
        except BaseException as error:  # noqa: BLE001  (all are told at the end)
            if not isinstance(error, Exception):
                self._causes.append(error)
                self._stop.set()
            return error


def _failure(failed: Sequence[tuple[_Job, Exception]], results: Sequence[Any]) -> TrainingError:
    count = len(failed)
    told = "; ".join(f"{job.name}: {_said(error)}" for job, error in failed[:SHOWN])
    more = f" (and {count - SHOWN} more)" if count > SHOWN else ""
    message = (
        f"fit_many: {count} of {len(results)} jobs failed, the others are done; `results` of this "
        f"error has what each gave. {told}{more}"
    )
    error = TrainingError(message)
    error.results = list(results)
    return error


def _said(error: Exception) -> str:
    """Kind and text of an error, and the notes below it."""
    notes = " ".join(getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}" + (f" ({notes})" if notes else "")
