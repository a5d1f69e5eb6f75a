"""How many threads a run may use."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import get_ident, local, main_thread

from chainrule.errors import SettingError
from chainrule.settings import check_count

__all__ = ["thread_count", "threads_at_most"]

VARIABLE = "CHAINRULE_NUM_THREADS"
MOST = 64
"""Threads of the native engine's pool; more that are asked for are not made."""


class _Limit(local):
    count: int | None = None


_limit = _Limit()


def thread_count(threads: int | None = None) -> int:
    """How many threads a run in this thread may use.

    threads
        What was asked for, which is what counts where it is not None.

    Else the limit of `threads_at_most`, CHAINRULE_NUM_THREADS, 1 where this is one of several
    workers of joblib or of a pool of processes, or the cores that this process may use, the first
    of these that there is; never more than 64. Environment and cores are looked at once a process.

    Raises `SettingError` for what is not a whole number of 1 or more.

    >>> thread_count(3)
    3
    >>> with threads_at_most(1):
    ...     thread_count()
    1
    """
    if threads is not None:
        return min(check_count("engine", "threads", threads), MOST)
    if _limit.count is not None:
        return _limit.count
    count, is_set, main = _of_process()
    if is_set or get_ident() == main:
        return count
    return 1 if _beside_others_of_joblib() else count


@contextmanager
def threads_at_most(count: int) -> Iterator[None]:
    """Limit the threads of runs that begin in this thread while the block runs."""
    before = _limit.count
    _limit.count = count if before is None else min(count, before)
    try:
        yield
    finally:
        _limit.count = before


@cache
def _of_process() -> tuple[int, bool, int | None]:
    """What stays so: the threads of a run, whether the environment says so, the main thread."""
    main = main_thread().ident
    text = os.environ.get(VARIABLE, "").strip()
    if text:
        if not (text.isascii() and text.isdecimal() and int(text) >= 1):
            message = f"{VARIABLE} must be a whole number of 1 or more, got {text!r}."
            raise SettingError(message)
        return min(int(text), MOST), True, main
    return 1 if _is_worker() else core_count(), False, main


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_of_process.cache_clear)


def _is_worker() -> bool:
    """Whether this process was started as one of several that share the cores."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.current_process().daemon:
        return True  # as the workers of multiprocessing.Pool are
    for loky in ("joblib.externals.loky", "loky"):
        executor = sys.modules.get(f"{loky}.process_executor")
        if getattr(executor, "_CURRENT_DEPTH", 0) > 0:
            return True
    return False


def _beside_others_of_joblib() -> bool:
    """Whether joblib runs this thread beside others."""
    active = getattr(sys.modules.get("joblib.parallel"), "get_active_backend", None)
    return active is not None and getattr(active()[0], "nesting_level", 0) > 0


def core_count(root: Path = Path("/")) -> int:
    """The cores that this process may use: those it is bound to, within the quota of its groups.

    root
        Where /proc and /sys are.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that control groups of this process may use, as far as they say."""
    mounts = root / "sys/fs/cgroup"
    for group in _lines(root / "proc/self/cgroup"):
        _, controllers, path = group.split(":", 2)
        if controllers == "":
            yield from _up(mounts, path, "cpu.max")
        elif "cpu" in controllers.split(","):
            yield from _up(mounts / "cpu", path, "cpu.cfs_quota_us", "cpu.cfs_period_us")


def _up(mount: Path, path: str, *names: str) -> Iterator[float]:
    """The quota over the period of a group and of every group around it, as far as set."""
    # a container may see its own group at the mount and not where its path says
    place = mount / path.lstrip("/")
    for folder in (place, *place.parents):
        words = [word for name in names for line in _lines(folder / name) for word in line.split()]
        if len(words) == 2 and all(map(str.isdecimal, words)) and int(words[1]) > 0:
            yield int(words[0]) / int(words[1])
        if folder == mount:
            break


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
