"""Tables to arrays: reading, the schema, encoders, targets and splits."""

from __future__ import annotations

from chainrule.data.blocks import groups_of, rows_also_in
from chainrule.data.convert import as_numbers
from chainrule.data.encode import Encoded, Encoder, check_inputs
from chainrule.data.exchange import FRAMES, arrays_of_frame, frame_of, series_array
from chainrule.data.folds import Folds, folds_of
from chainrule.data.frames import as_table, column_of
from chainrule.data.plain import plain_cells
from chainrule.data.read import read_table
from chainrule.data.scaling import refuse_infinite
from chainrule.data.schema import ColumnSchema, Schema, TargetSchema, infer_schema, rows_with_target
from chainrule.data.split import Split, split
from chainrule.data.table import Column, Table, column_fingerprints, fingerprint
from chainrule.data.target import Labels, Numbers
from chainrule.data.write import parquet_bytes

__all__ = [
    "FRAMES",
    "Column",
    "ColumnSchema",
    "Encoded",
    "Encoder",
    "Folds",
    "Labels",
    "Numbers",
    "Schema",
    "Split",
    "Table",
    "TargetSchema",
    "arrays_of_frame",
    "as_numbers",
    "as_table",
    "check_inputs",
    "column_fingerprints",
    "column_of",
    "fingerprint",
    "folds_of",
    "frame_of",
    "groups_of",
    "infer_schema",
    "parquet_bytes",
    "plain_cells",
    "read_table",
    "refuse_infinite",
    "rows_also_in",
    "rows_with_target",
    "series_array",
    "split",
]
