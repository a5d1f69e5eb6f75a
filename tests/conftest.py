"""What every test may ask for."""

import contextlib
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("chainrule", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("chainrule")


os.environ.setdefault("MPLBACKEND", "agg")  # no windows


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def datasets():
    """The folder of example tables, named by CHAINRULE_DATA."""
    folder = os.environ.get("CHAINRULE_DATA")
    if not folder:
        pytest.skip("CHAINRULE_DATA does not name the folder of example tables")
    if not Path(folder).is_dir():
        pytest.fail(f"CHAINRULE_DATA={folder}: there is no such folder")
    return Path(folder)


@pytest.fixture
def without_rights():
    """A block in which permissions bind the process, root too; paths within must be relative."""

    @contextlib.contextmanager
    def without_rights():
        if os.geteuid() != 0:
            yield
            return
        Path.cwd().chmod(0o755)  # pytest's folders are closed to others
        os.seteuid(65534)  # nobody
        try:
            yield
        finally:
            os.seteuid(0)

    return without_rights
