import gzip
import io
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pytest

from chainrule.data import fingerprint, read_table
from chainrule.errors import ChainruleError, DataError, MissingFileError


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a file into an empty current folder and gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(name, content, encoding="utf-8"):
        data = content if isinstance(content, bytes) else content.encode(encoding)
        Path(name).write_bytes(data)
        return name

    return write


def cells(table):
    return {
        name: [
            None if absent else value
            for value, absent in zip(column.values, column.missing, strict=True)
        ]
        for name, column in table.columns.items()
    }


@pytest.mark.parametrize(
    "content, expected",
    [
        ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a;b\n1,5;x\n2,25;y\n", {"a": [1.5, 2.25], "b": ["x", "y"]}),
        ("a\tb\n1,5\tx\n", {"a": [1.5], "b": ["x"]}),
        ("a|b\n1|x\n", {"a": [1], "b": ["x"]}),
        ("a b\n1 x\n2 y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("name\nJohn Smith\nAnn Lee\n", {"name": ["John Smith", "Ann Lee"]}),
        ("sep=;\na;b\n1;2\n", {"a": [1], "b": [2]}),
        ("# made today\n\na,b\n1,2\n", {"a": [1], "b": [2]}),
        ("\n\na,b\n1,2\n\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
        ("a,b\r1,x\r2,y\r", {"a": [1, 2], "b": ["x", "y"]}),
        ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
        ('a,b\n"x, ""y""",1\n"p\nq",2\n', {"a": ['x, "y"', "p\nq"], "b": [1, 2]}),
        ('a,b\n"x \\" y",1\n', {"a": ['x " y'], "b": [1]}),
        ("a,b\n'x, y','z'\n'u','v, w'\n", {"a": ["x, y", "u"], "b": ["z", "v, w"]}),
        ("a,b\n 1 , x \n", {"a": [1], "b": ["x"]}),
        ("zip,v\n007,1\n012,2\n", {"zip": ["007", "012"], "v": [1, 2]}),
        ('v,w\n"1,234",1\n"12,345.5",2\n', {"v": [1234, 12345.5], "w": [1, 2]}),
        ("v;w\n1.234,5;1\n12.345;2\n", {"v": [1234.5, 12345], "w": [1, 2]}),
        ('v,w\n"1,5",1\n"2,25",2\n', {"v": [1.5, 2.25], "w": [1, 2]}),
        ("a,b\n-1,+2\n-.5,1.\n1e5,2E-1\n", {"a": [-1, -0.5, 1e5], "b": [2, 1, 0.2]}),
        ("a,b\ninf,1\n-Infinity,2\n", {"a": [np.inf, -np.inf], "b": [1, 2]}),
        ("1,2,x\n3,4,y\n", {"column0": [1, 3], "column1": [2, 4], "column2": ["x", "y"]}),
        ("name,2019,2020\nx,1,2\n", {"name": ["x"], "2019": [1], "2020": [2]}),
        ("a,b,\n1,2,\n", {"a": [1], "b": [2], "column2": [None]}),
        ("a,A\n1,2\n", {"a": [1], "A": [2]}),
        ("a,b\n1,2 kg\n", {"a": [1], "b": ["2 kg"]}),
        ("d,e\ntrue,yes\nFalse,no\n", {"d": ["true", "False"], "e": ["yes", "no"]}),
    ],
)
def test_csv_is_cut_and_typed(written, content, expected):
    assert cells(read_table(written("t.csv", content))) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_are_told(written, encoding):
    table = read_table(written("t.csv", "namn;värde\nÅsa;1,5\nÖlä;2,0\n", encoding))
    assert cells(table) == {"namn": ["Åsa", "Ölä"], "värde": [1.5, 2.0]}


def test_missing_values_are_spelled_in_many_ways_and_noted(written):
    content = "a,b,c\n?,x,NA\n1,n/a,2\n,y,3\n-,None,null\n2,none,4\n"
    table = read_table(written("t.csv", content))
    assert cells(table) == {
        "a": [None, 1, None, None, 2],
        "b": ["x", None, "y", None, "none"],
        "c": [None, 2, 3, None, 4],
    }
    assert "'?' read as missing in 1 column" in table.notes
    assert "'NA' read as missing in 1 column" in table.notes


@pytest.mark.parametrize(
    "spelled, expected",
    [
        (["2020-01-02", "2020-12-31"], ["2020-01-02", "2020-12-31"]),
        (["2020-01-02 10:30", "2020-01-02T11:00:01"], ["2020-01-02T10:30", "2020-01-02T11:00:01"]),
        (["2020-01-01T10:00:00Z", "2020-01-01T11:00:00+02:00"], ["2020-01-01T10", "2020-01-01T09"]),
        (["31/12/2020", "01/02/2020"], ["2020-12-31", "2020-02-01"]),
        (["12/31/2020", "01/02/2020"], ["2020-12-31", "2020-01-02"]),
        (["31.12.2020 08:15", "1.2.2020 9:00"], ["2020-12-31T08:15", "2020-02-01T09"]),
        (["3 Mar 2020", "14 Nov 2021"], ["2020-03-03", "2021-11-14"]),
    ],
)
def test_dates_in_common_forms(written, spelled, expected):
    lines = "\n".join(f"{value},{i}" for i, value in enumerate(spelled))
    column = read_table(written("t.csv", f"when,n\n{lines}\n")).columns["when"]
    assert column.kind == "datetime"
    assert (column.values == np.array(expected, dtype="datetime64[us]")).all()


@pytest.mark.parametrize("spelled", ["2020-13-01", "2020-02-30", "32.1.2020", "5/6"])
def test_impossible_dates_stay_text(written, spelled):
    assert read_table(written("t.csv", f"d,n\n{spelled},1\n")).columns["d"].kind == "text"


MISTAKES = [
    ("", "the file is empty"),
    ("  \n\n", "the file is empty"),
    ("a,b,c\n", "there are no rows"),
    ("a,b,c\n1,2,3\n4,5\n", "line 3: 2 values where the header has 3 columns"),
    ("a,b\n1,2\n3,4,5\n", "line 3: 3 values where the header has 2 columns"),
    ("# x\na,b\n1,2\n3\n", "line 4: 1 value where the header has 2 columns"),
    ("a,b\n" + "1,2\n" * 30_000 + "1,2,3\n", "line 30002: 3 values"),
    ('a,b\n"x,2\n3,4\n', "line 2: a quote is opened and never closed"),
    ("a,b,a\n1,2,3\n", "2 columns are named 'a' (columns 1, 3)"),
    (bytes(range(256)), "it holds zero bytes"),
    (b"PK\x03\x04...", "Excel workbook"),
    (b"a,b\n\x81,2\n", "byte 0x81 cannot be read"),
    (b"\x1f\x8b\x08 cut", "gzip file is damaged"),
]


@pytest.mark.parametrize("content, words", MISTAKES)
def test_what_is_no_table_is_refused_in_a_sentence(written, content, words):
    with pytest.raises(DataError) as caught:
        read_table(written("t.csv", content))
    assert words in str(caught.value)
    assert str(caught.value).startswith("t.csv")
    assert "\n" not in str(caught.value)


def test_missing_file_names_the_nearest(written):
    written("houses.csv", "a,b\n1,2\n")
    with pytest.raises(MissingFileError, match="did you mean 'houses.csv'"):
        read_table("huoses.csv")
    with pytest.raises(FileNotFoundError, match="there is no folder 'nowhere'"):
        read_table("nowhere/houses.csv")
    with pytest.raises(MissingFileError, match=r"no file matches '\*.parquet'"):
        read_table("*.parquet")
    with pytest.raises(DataError, match="is a folder"):
        read_table(".")


def test_globs_read_files_in_the_order_of_their_names(written):
    written("p2.csv", "b,a\ny,2\n")
    written("p1.csv", "a,b\n1,x\n")
    written("q1.csv", "a,c\n1,x\n")
    assert cells(read_table("p*.csv")) == {"a": [1, 2], "b": ["x", "y"]}
    assert cells(read_table(str(Path("p?.csv").absolute()))) == {"a": [1, 2], "b": ["x", "y"]}
    with pytest.raises(DataError, match=r"'q1.csv'.*lacks 'b' and has also 'c'"):
        read_table("*.csv")


def test_a_name_with_brackets_is_a_file(written):
    assert read_table(written("[1].csv", "a,b\n1,2\n")).rows == 1


def test_gzip_and_standard_input_read_as_files_do(written):
    content = "a;b\n1,5;x\n?;ö\n".encode("cp1252")
    plain = read_table(written("t.csv", content))
    packed = read_table(written("t.csv.gz", gzip.compress(content)))
    stream = read_table("-", stdin=io.BytesIO(content))
    assert fingerprint(plain) == fingerprint(packed) == fingerprint(stream)
    assert stream.source == "standard input"
    with pytest.raises(DataError, match="standard input: the file is empty"):
        read_table("-", stdin=io.BytesIO(b""))


def test_parquet_keeps_its_types(written):
    duckdb.sql(
        "COPY (SELECT 1::DECIMAL(5,2) AS price, DATE '2020-01-01' AS day, 'q'::ENUM('q', 'r') AS e,"
        " true AS flag, TIMESTAMPTZ '2020-01-01 12:00:00+02' AS moment, '12' AS code, NULL AS n)"
        " TO 't.parquet'"
    )
    table = read_table("t.parquet")
    kinds = {name: column.kind for name, column in table.columns.items()}
    assert kinds == {
        "price": "number", "day": "datetime", "e": "text", "flag": "boolean",
        "moment": "datetime", "code": "text", "n": "number",
    }  # fmt: skip
    assert table.columns["moment"].values[0] == np.datetime64("2020-01-01T10:00")
    data = Path("t.parquet").read_bytes()
    for damaged in (data[:100], data[: len(data) // 2], data[:-20] + data[-10:], b""):
        with pytest.raises(DataError, match=r"^bad.parquet"):
            read_table(written("bad.parquet", damaged))


def test_json_lines(written):
    lines = '{"a": 1, "b": "x"}\n{"a": null, "b": "?"}\n{"a": 2.5, "c": true}\n'
    table = read_table(written("t.jsonl", lines))
    assert cells(table) == {"a": [1, None, 2.5], "b": ["x", None, None], "c": [None, None, 1]}
    for nested in ('{"a": {"b": 1}}\n', '{"a": [1, 2]}\n'):
        with pytest.raises(DataError, match="column 'a' holds values of type"):
            read_table(written("n.jsonl", nested))
    with pytest.raises(DataError, match="b.jsonl: cannot be read as JSON"):
        read_table(written("b.jsonl", '{"a": 1}\n{"a":\n'))


def test_queries_read_files_and_nothing_else(written):
    written("t.csv", "a,b\n1,x\n2,y\n")
    table = read_table("SELECT a * 2 AS twice, b FROM 't.csv' ORDER BY a DESC")
    assert cells(table) == {"twice": [4, 2], "b": ["y", "x"]}
    assert read_table("WITH q AS (FROM 't.csv') SELECT * FROM q;").rows == 2
    assert read_table("FROM 't.csv'").rows == 2
    frame = {"secret": [1]}
    mistakes = {
        "SELECT nope FROM 't.csv'": '"nope" not found',
        "SELECT * FROM frame": "does not exist",
        "SELECT 1 AS": "syntax error",
        "SELECT 1; DROP TABLE x": "only one SELECT",
        "WITH q AS (SELECT 1) INSERT INTO t SELECT * FROM q": "only one SELECT",
        "SELECT * FROM 'no.csv'": "No files found",
        "SELECT * FROM 's3://bucket/x.parquet'": "httpfs",
        "SELECT [1, 2] AS a": "column 'a' holds values",
        "SELECT 1 AS a WHERE false": "there are no rows",
    }
    for query, words in mistakes.items():
        with pytest.raises(DataError) as caught:
            read_table(query)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    assert frame


def test_rows_keep_the_order_of_a_file_that_is_read_in_parallel(written):
    count = 300_000
    rows = np.arange(count)
    text = "i,t\n" + "".join(f"{i},row {i}\n" for i in rows)
    table = read_table(written("t.csv", text))
    assert (table.columns["i"].values == rows).all()
    assert table.columns["t"].values[123_456] == "row 123456"


def test_one_odd_value_far_down_makes_a_column_text(written):
    table = read_table(written("t.csv", "a,b\n" + "1,2\n" * 50_000 + "x,3\n"))
    assert table.columns["a"].kind == "text"
    assert table.columns["b"].kind == "number"


def test_whole_numbers_that_would_be_rounded_are_said(written):
    wide = "".join(f"{2**60 + 3 * n},{n}\n" for n in range(9))
    notes = read_table(written("wide.csv", "id,y\n" + wide)).notes
    assert len(notes) == 1 and "column 'id' has whole numbers beyond 9,007," in notes[0]
    assert read_table("SELECT * FROM 'wide.csv'").notes == notes
    exact = "".join(f"{2**53 - n},{n}e300,{n}\n" for n in range(9))
    assert read_table(written("exact.csv", "id,large,y\n" + exact)).notes == ()


def test_nothing_is_left_behind(written, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    read_table(written("t.csv", "a;ö\n1;2\n".encode("cp1252")))
    with pytest.raises(ChainruleError):
        read_table(written("bad.csv", "a,b\n1\n"))
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in Path().iterdir()) == ["bad.csv", "t.csv"]


def test_real_tables_read_whole(datasets):
    titanic = read_table(str(datasets / "titanic" / "data.csv"))
    missing = {name: int(column.missing.sum()) for name, column in titanic.columns.items()}
    assert titanic.rows == 891
    assert missing["Age"] == 177 and missing["Cabin"] == 687 and missing["Embarked"] == 2
    assert titanic.columns["Survived"].values.sum() == 342
    housing = read_table(str(datasets / "california-housing" / "*.csv"))
    assert housing.rows == 20640
    assert (housing.columns["median_house_value"].values == 500001).sum() == 965


def test_csv_and_parquet_of_the_same_table_are_the_same(datasets, tmp_path):
    source = datasets / "adult" / "test.parquet"
    duckdb.sql(f"COPY (FROM '{source}') TO '{tmp_path / 'adult.csv'}'")
    duckdb.sql(f"COPY (FROM '{source}') TO '{tmp_path / 'adult.jsonl'}' (FORMAT json)")
    prints = {
        fingerprint(read_table(str(path)))
        for path in (source, tmp_path / "adult.csv", tmp_path / "adult.jsonl")
    }
    assert len(prints) == 1
