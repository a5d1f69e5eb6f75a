"""What a figure was measured on."""

import os
import platform
from importlib import metadata

import numpy as np

import chainrule


def describe(*others: str) -> str:
    """One line: processor, cores, versions, engine, and versions of other libraries."""
    info = chainrule.engine_info()
    versions = "".join(f", {name} {metadata.version(name)}" for name in others)
    engine = info["engine"]
    if info["native"]:
        engine += f", {info['instruction_set']}, {info['threads']} threads"
    return (
        f"{processor()}, {core_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, chainrule {chainrule.__version__} ({engine}){versions}"
    )


def processor() -> str:
    """The processor's name, or only its architecture where the system does not say."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_counts() -> list[int]:
    """The numbers of threads that are tried for a library: one, and all cores."""
    return sorted({1, core_count()})
