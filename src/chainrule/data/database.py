"""DuckDB as this library uses it: in memory, no downloads, a place of its own for what spills."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Workspace", "quoted_name", "quoted_text", "reason", "workspace"]

MEMORY_LIMIT = "4GB"


class Workspace:
    """A database and a folder that vanish together."""

    def __init__(self, connection: DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder


@contextmanager
def workspace(*, threads: int | None = None) -> Iterator[Workspace]:
    """A database with nothing in it, and an empty folder; both are gone afterwards."""
    import duckdb

    if threads is None:
        threads = min(_cores(), 8)
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": MEMORY_LIMIT,
                "preserve_insertion_order": "true",
                "temp_directory": str(Path(folder) / "spill"),
                "threads": str(threads),
            },
        )
        try:
            connection.execute("SET python_enable_replacements = false")
            _without_progress_bar(connection)
            connection.execute("SET TimeZone = 'UTC'")
            yield Workspace(connection, Path(folder))
        except RuntimeError as error:
            if "interrupted" in str(error).casefold():  # how DuckDB hands on Ctrl-C
                raise KeyboardInterrupt from error
            raise
        finally:
            connection.close()


def _without_progress_bar(connection: DuckDBPyConnection) -> None:
    """Draw no bar; where a notebook lacks what draws it, none is on, and setting it is refused."""
    (found,) = connection.sql("SELECT current_setting('enable_progress_bar')").fetchall()
    if found[0]:
        connection.execute("SET enable_progress_bar = false")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reason(error: Exception) -> str:
    r"""What DuckDB says is wrong, in one line.

    >>> reason(ValueError("Binder Error: no column x!\n\nLINE 1: select x"))
    'no column x!'
    """
    text = re.split(r"\n\nLINE|\nPossible fixes|\nPlease try", str(error))[0]
    text = re.sub(r"^([A-Z][A-Za-z]*( [A-Z][A-Za-z]*)* Error: )+", "", text)
    return " ".join(text.split())[:300]


def quoted_name(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
