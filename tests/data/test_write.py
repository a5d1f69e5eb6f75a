"""Columns written as Parquet, read back by another reader."""

import datetime
import io

import numpy as np
import pyarrow.parquet
import pytest

from chainrule.data import Column, parquet_bytes

GONE = np.array([False, True])
COLUMNS = {
    "share": (Column("number", np.array([1.5, np.nan]), GONE), [1.5, None]),
    "count": (Column("number", np.array([3.0, np.nan]), GONE), [3, None]),
    "large": (Column("number", np.array([1e300, np.nan]), GONE), [1e300, None]),
    "endless": (Column("number", np.array([np.inf, np.nan]), GONE), [np.inf, None]),
    "text": (Column("text", np.array(["ä \"'\n", ""], dtype=object), GONE), ["ä \"'\n", None]),
    "truth": (Column("boolean", np.array([0.0, np.nan]), GONE), [False, None]),
    "when": (
        Column("datetime", np.array(["2020-02-29T10:30", "NaT"], "datetime64[us]"), GONE),
        [datetime.datetime(2020, 2, 29, 10, 30), None],
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back(name):
    column, expected = COLUMNS[name]
    table = pyarrow.parquet.read_table(io.BytesIO(parquet_bytes({f'a "{name}"': column})))
    assert table.column_names == [f'a "{name}"']
    assert table.column(0).to_pylist() == expected


def test_rows_keep_their_order():
    numbers = Column("number", np.arange(200_000.0), np.zeros(200_000, bool))
    table = pyarrow.parquet.read_table(io.BytesIO(parquet_bytes({"x": numbers})))
    assert table.column(0).to_numpy().tolist() == list(range(200_000))
