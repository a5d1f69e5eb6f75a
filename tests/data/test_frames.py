import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule.data import Column, Table, as_table, fingerprint
from chainrule.errors import ChainruleError, DataError, InputTypeError

DAY = datetime.datetime(2020, 1, 2, 3)
COLUMNS = {
    "whole": [1, 2, 3],
    "part": [0.5, None, 1.5],
    "text": ["x", None, "?"],
    "flag": [True, None, False],
    "when": [DAY, None, DAY],
}


def frames():
    return {
        "dict": COLUMNS,
        "pandas": pd.DataFrame(COLUMNS),
        "pandas arrow": pa.table(COLUMNS).to_pandas(types_mapper=pd.ArrowDtype),
        "polars": pl.DataFrame(COLUMNS),
        "polars lazy": pl.LazyFrame(COLUMNS),
        "pyarrow": pa.table(COLUMNS),
    }


@pytest.mark.parametrize("name", frames())
def test_every_frame_gives_the_same_table(name):
    table = as_table(frames()[name])
    kinds = [column.kind for column in table.columns.values()]
    assert kinds == ["number", "number", "text", "boolean", "datetime"]
    assert table.columns["part"].values[[0, 2]].tolist() == [0.5, 1.5]
    assert table.columns["text"].missing.tolist() == [False, True, True]
    assert table.columns["flag"].values[[0, 2]].tolist() == [1, 0]
    assert table.columns["when"].values[0] == np.datetime64(DAY)
    assert fingerprint(table) == fingerprint(as_table(COLUMNS))


def test_other_types_of_frames():
    frame = pl.DataFrame(
        {
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "price": pl.Series([decimal.Decimal("1.5"), None]),
            "day": [datetime.date(2020, 1, 1), None],
            "span": [datetime.timedelta(seconds=90), None],
            "zoned": pl.Series([DAY, None]).dt.replace_time_zone("Europe/Oslo"),
            "nothing": [None, None],
        }
    )
    table = as_table(frame)
    kinds = [column.kind for column in table.columns.values()]
    assert kinds == ["text", "number", "datetime", "number", "datetime", "number"]
    assert table.columns["span"].values[0] == 90
    assert table.columns["zoned"].values[0] == np.datetime64("2020-01-02T02:00")
    assert table.columns["nothing"].missing.all()


def test_pandas_columns_of_mixed_objects_and_numbered_names():
    frame = pd.DataFrame({0: [1, "x", None], 1: pd.array([1, None, 3], dtype="Int64")})
    table = as_table(frame)
    assert table.names == ("0", "1")
    assert table.columns["0"].values.tolist() == ["1", "x", ""]
    assert table.columns["1"].missing.tolist() == [False, True, False]


def test_arrays():
    table = as_table(np.array([[1.0, np.nan], [3.0, 4.0]]))
    assert table.names == ("x0", "x1")
    assert table.columns["x1"].missing.tolist() == [True, False]
    mixed = as_table(np.array([[1, "a"], [2.5, None]], dtype=object))
    assert [column.kind for column in mixed.columns.values()] == ["number", "text"]
    text = as_table(np.array([["a", "NA"]]))
    assert text.columns["x1"].missing.all()
    fields = np.array([(1, "a")], dtype=[("n", int), ("t", "U1")])
    assert as_table(fields).names == ("n", "t")
    assert as_table(table) is table


@pytest.mark.parametrize(
    "frame, words",
    [
        (np.zeros(3), "2 axes"),
        (np.zeros((2, 2), dtype=complex), "complex128"),
        ({"a": [1, 2], "b": [1]}, "'b' has 1 values"),
        ({}, "no columns"),
        ({"a": [[1], [2]]}, "holds a list"),
        ({"a": np.zeros((2, 2))}, "one value a row"),
        (pl.DataFrame({"a": [[1], [2]]}), "List"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns are named 'a'"),
    ],
)
def test_unusable_frames_are_refused_in_a_sentence(frame, words):
    with pytest.raises(DataError, match=words):
        as_table(frame)


@pytest.mark.parametrize("thing", [None, 3, "text", [[1, 2]], pl.Series([1])])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(InputTypeError, match="must be a pandas, polars or pyarrow frame"):
        as_table(thing)


def test_tables_take_drop_and_add():
    table = as_table({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert table.take(np.array([2, 0])).columns["b"].values.tolist() == ["z", "x"]
    assert table.take(np.array([True, False, True])).rows == 2
    assert table.without(["a"]).names == ("b",)
    added = table.with_column("c", table.columns["a"])
    assert added.names == ("a", "b", "c") and table.names == ("a", "b")
    with pytest.raises(DataError, match="no column 'aa'; did you mean 'a'"):
        table.without(["aa"])
    with pytest.raises(ChainruleError, match="1 values for a table of 3 rows"):
        table.with_column("c", Column("number", np.zeros(1), np.zeros(1, bool)))


def test_keys_are_spelled_as_people_spell():
    number = as_table({"a": [3.0, 0.5, 1e20]}).columns["a"]
    assert number.keys == ("0.5", "3", "1e+20")
    text = as_table({"a": ["3", "3.0", "003", "True", "true", "x"]}).columns["a"]
    assert text.keys == ("003", "3", "true", "x")
    assert text.codes.tolist() == [1, 1, 0, 2, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: {**columns, "whole": [1, 2, 4]},
        lambda columns: {**columns, "text": ["x", None, "y"]},
        lambda columns: {**columns, "flag": [True, True, False]},
        lambda columns: {**columns, "when": [DAY, DAY, DAY]},
        lambda columns: dict(reversed(columns.items())),
        lambda columns: {name: values[::-1] for name, values in columns.items()},
        lambda columns: {"other" if name == "whole" else name: columns[name] for name in columns},
    ],
)
def test_fingerprint_sees_every_change(change):
    before = as_table(COLUMNS)
    assert fingerprint(as_table(change(COLUMNS))) != fingerprint(before)
    assert fingerprint(Table(before.columns, 3, "elsewhere")) == fingerprint(before)
    joined = fingerprint(as_table({"t": ["ab", "c"]}))
    assert joined != fingerprint(as_table({"t": ["a", "bc"]}))
