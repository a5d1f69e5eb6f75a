"""What a figure was measured on."""

import os
import platform

import numpy as np

import chainrule


def describe() -> str:
    """One line: processor, cores, versions, engine."""
    info = chainrule.engine_info()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, chainrule {chainrule.__version__} "
        f"(engine {info['engine']}, native module {'yes' if info['native'] else 'no'})"
    )
