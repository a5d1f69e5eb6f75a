"""Columns to a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.data.database import quoted_name, quoted_text, workspace
from chainrule.data.table import Column

__all__ = ["parquet_bytes"]

WHOLE_BELOW = 2**53


def parquet_bytes(columns: Mapping[str, Column]) -> bytes:
    """The content of a Parquet file (zstd) with these columns, missing cells as nulls.

    Numbers are BIGINT where all are whole, else DOUBLE; text, booleans and timestamps their own.

    >>> column = Column("number", np.array([1.0, np.nan]), np.array([False, True]))
    >>> parquet_bytes({"x": column})[:4]
    b'PAR1'
    """
    arrays = {}
    cells = []
    for index, (name, column) in enumerate(columns.items()):
        arrays[f"v{index}"] = column.values
        arrays[f"m{index}"] = column.missing
        kind = _type_of(column)
        cells.append(
            f"CASE WHEN m{index} THEN NULL ELSE CAST(v{index} AS {kind}) END AS {quoted_name(name)}"
        )
    with workspace() as place:
        path = place.folder / "rows.parquet"
        place.connection.register("cells", arrays)
        place.connection.execute(
            f"COPY (SELECT {', '.join(cells)} FROM cells) TO {quoted_text(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        return path.read_bytes()


def _type_of(column: Column) -> str:
    if column.kind == "number":
        known = column.values[~column.missing]
        whole = (known == np.floor(known)) & (np.abs(known) <= WHOLE_BELOW)
        return "BIGINT" if whole.all() else "DOUBLE"
    return {"text": "VARCHAR", "boolean": "BOOLEAN", "datetime": "TIMESTAMP"}[column.kind]
