"""Tables to arrays: reading, the schema, encoders, targets and splits."""

from __future__ import annotations

from chainrule.data.blocks import rows_also_in
from chainrule.data.encode import Encoded, Encoder
from chainrule.data.frames import as_table
from chainrule.data.read import read_table
from chainrule.data.schema import ColumnSchema, Schema, infer_schema, rows_with_target
from chainrule.data.split import Split, split
from chainrule.data.table import Column, Table, fingerprint
from chainrule.data.target import Labels, Numbers
from chainrule.data.write import parquet_bytes

__all__ = [
    "Column",
    "ColumnSchema",
    "Encoded",
    "Encoder",
    "Labels",
    "Numbers",
    "Schema",
    "Split",
    "Table",
    "as_table",
    "fingerprint",
    "infer_schema",
    "parquet_bytes",
    "read_table",
    "rows_also_in",
    "rows_with_target",
    "split",
]
