import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from chainrule.data import Encoder, as_table, infer_schema, read_table
from chainrule.errors import DataError, SettingError

ROWS = 80


def columns(rows=ROWS):
    numbers = np.arange(rows)
    return {
        "size": np.where(numbers % 9 == 0, np.nan, (numbers * 37 % 101) / 7),
        "rooms": numbers % 4 + 1,
        "flag": numbers % 3 == 0,
        "city": [["Oslo", "Rome", None, "Lima"][i % 4] for i in range(rows)],
        "code": [f"c{i % 20}" for i in range(rows)],
        "when": np.datetime64("2020-01-15", "us") + numbers * np.timedelta64(40, "D"),
        "label": [["yes", "no"][i % 2] for i in range(rows)],
    }


@pytest.fixture
def table():
    return as_table(columns())


@pytest.fixture
def encoder(table):
    return Encoder.fit(table, infer_schema(table, "label"))


def test_robust_numbers_against_the_formula(table, encoder):
    values = table.columns["size"].values
    low, middle, high = np.nanpercentile(values, [25, 50, 75])
    z = (values - middle) / (high - low)
    expected = np.where(np.isnan(z), 0, z / np.sqrt(1 + (z / 3) ** 2))
    encoded = encoder.encode(table).numbers
    place = encoder.number_names.index("size")
    np.testing.assert_allclose(encoded[:, place], expected, rtol=1e-6)
    missing = encoder.number_names.index("size missing")
    assert (encoded[:, missing] == np.isnan(values)).all()


def test_standard_numbers_against_the_formula(table):
    encoder = Encoder.fit(table, infer_schema(table, "label"), scaling="standard")
    values = table.columns["size"].values
    encoded = encoder.encode(table).numbers[:, encoder.number_names.index("size")]
    expected = np.nan_to_num((values - np.nanmean(values)) / np.nanstd(values))
    np.testing.assert_allclose(encoded, expected, rtol=1e-5, atol=1e-7)
    far = as_table({**columns(), "size": np.full(ROWS, 1e30)})
    assert encoder.encode(far).numbers[0, 0] == 10
    with pytest.raises(SettingError, match="'robust', 'standard'"):
        Encoder.fit(table, infer_schema(table, "label"), scaling="quantile")


def test_positions_lie_among_the_quantiles_of_training_rows(table):
    encoder = Encoder.fit(table, infer_schema(table, "label"), bins=10)
    assert [number.name for number in encoder.spread] == ["size", "rooms"]
    values, edges = table.columns["size"].values, np.array(encoder.spread[0].edges)
    assert len(edges) == 11
    part = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 9)
    expected = part + (values - edges[part]) / (edges[part + 1] - edges[part])
    positions = encoder.encode(table).positions
    np.testing.assert_allclose(positions[:, 0], np.nan_to_num(expected), rtol=1e-6)
    assert np.isnan(values).any()  # at 0, where an indicator tells them from the smallest
    assert positions[:, 1].tolist() == (np.arange(ROWS) % 4).tolist()
    far = as_table({**columns(), "size": [-1e30, 1e30] * (ROWS // 2)})
    assert encoder.encode(far).positions[:2, 0].tolist() == [0, 10]
    assert encoder.encode(table).numbers.tobytes() == (
        Encoder.fit(table, infer_schema(table, "label")).encode(table).numbers.tobytes()
    )


def test_a_number_that_only_prediction_misses_is_where_its_mean_is():
    values = np.random.default_rng(0).exponential(size=200)
    table = as_table({"x": values, "y": ["a", "b"] * 100})
    encoder = Encoder.fit(table, infer_schema(table, "y"), scaling="standard", bins=16)
    asked = encoder.encode(as_table({"x": [None, values.mean()]}))
    assert asked.numbers[0, 0] == 0
    assert asked.positions[0, 0] == asked.positions[1, 0]
    assert 8 < asked.positions[0, 0] < 13


@pytest.mark.parametrize("count, bins", [(3, 90), (40, 90), (50, 81), (512, 8), (513, 0)])
def test_many_numbers_share_the_parts(count, bins):
    values = np.random.default_rng(0).normal(size=(100, count))
    numbers = {f"x{place}": column for place, column in enumerate(values.T)}
    table = as_table({**numbers, "y": ["a", "b"] * 50})
    encoder = Encoder.fit(table, infer_schema(table, "y"), bins=90)
    assert encoder.bins == bins
    assert encoder.encode(table).positions.shape == (100, count if bins else 0)


def test_names_say_what_each_column_is(encoder):
    assert encoder.number_names == (
        "size", "size missing",
        "rooms", "rooms = 1", "rooms = 2", "rooms = 3", "rooms = 4",
        "flag",
        "city = Lima", "city = Oslo", "city = Rome", "city missing",
        "when days", "when year", "when month sine", "when month cosine", "when day",
        "when weekday",
    )  # fmt: skip
    assert encoder.category_names == ("code",)
    assert encoder.cardinalities == (21,)
    assert len(encoder.sources) == encoder.width == len(encoder.number_names)
    assert encoder.sources[1] == "size"
    assert encoder.columns == ("size", "rooms", "flag", "city", "code", "when")


def test_categories_few_and_many(table, encoder):
    encoded = encoder.encode(table)
    first = encoder.number_names.index("city = Lima")
    assert encoded.numbers[:4, first : first + 4].tolist() == [
        [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0],
    ]  # fmt: skip
    ordered = sorted({f"c{i}" for i in range(20)})
    codes = [ordered.index(value) + 1 for value in table.columns["code"].values]
    assert encoded.categories[:, 0].tolist() == codes


def test_what_training_rows_never_showed_is_normal(encoder):
    changed = columns()
    changed["city"] = ["Atlantis"] * ROWS
    changed["code"] = [None] * ROWS
    changed["rooms"] = np.full(ROWS, 9)
    changed["flag"] = [None] * ROWS
    changed["when"] = [None] * ROWS
    encoded = encoder.encode(as_table(changed))
    for name in ("city = Lima", "city = Oslo", "city missing", "rooms = 4", "flag", "when days"):
        assert (encoded.numbers[:, encoder.number_names.index(name)] == 0).all()
    assert (encoded.categories == 0).all()


def test_values_met_once_are_put_together():
    city = ["Oslo", "Rome"] * 30 + ["Lima", "Bonn"]
    table = as_table({"city": city, "y": np.linspace(0, 1, 62)})
    encoder = Encoder.fit(table, infer_schema(table, "y"))
    assert encoder.number_names == ("city = Oslo", "city = Rome", "city = other")
    asked = as_table({"city": ["Bonn", "Atlantis", "Oslo", None]})
    assert encoder.encode(asked).numbers.tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_missing_has_a_code_of_its_own_where_it_was_met():
    code = [f"c{i % 20}" for i in range(60)] + [None] * 3
    table = as_table({"code": code, "y": np.linspace(0, 1, 63)})
    encoder = Encoder.fit(table, infer_schema(table, "y"))
    assert encoder.cardinalities == (22,)
    asked = as_table({"code": [None, "unseen", "c0"]})
    assert encoder.encode(asked).categories[:, 0].tolist() == [21, 0, 1]


def test_a_number_is_one_category_however_it_is_spelled():
    table = as_table({"zip": [3, 5] * 40, "y": np.linspace(0, 1, 80)})
    encoder = Encoder.fit(table, infer_schema(table, "y", kinds={"zip": "category"}))
    for spelled in ([3, 5], [3.0, 5.0], ["3", "5"], ["3.0", "5"], np.array([3, 5], np.float32)):
        assert encoder.encode(as_table({"zip": spelled})).numbers.tolist() == [[1, 0], [0, 1]]
    assert encoder.encode(as_table({"zip": ["003"]})).numbers.tolist() == [[0, 0]]


def test_presence_of_a_column_left_out():
    half = [f"person {i}" if i % 2 else None for i in range(60)]
    table = as_table({"half": half, "y": np.linspace(0, 1, 60)})
    encoder = Encoder.fit(table, infer_schema(table, "y"))
    assert encoder.number_names == ("half present",)
    assert encoder.encode(as_table({"half": ["new", None]})).numbers.tolist() == [[1], [-1]]


def test_parts_of_dates_against_pandas(table, encoder):
    when = pd.Series(table.columns["when"].values).dt
    encoded = encoder.encode(table).numbers
    for part, expected in {
        "year": when.year,
        "month sine": np.sin((when.month - 1) * np.pi / 6),
        "month cosine": np.cos((when.month - 1) * np.pi / 6),
        "day": when.day,
        "weekday": when.day_of_week,
    }.items():
        found = encoded[:, encoder.number_names.index(f"when {part}")]
        values = np.asarray(expected, dtype=float).round(9)
        assert (np.argsort(found, kind="stable") == np.argsort(values, kind="stable")).all()


def test_days_and_months_keep_their_order_at_prediction(tmp_path):
    lines = [f"{day:02}/{1 + day % 12:02}/2020,{day}.5" for day in range(1, 29)]
    (tmp_path / "train.csv").write_text("when,y\n" + "\n".join(lines) + "\n")
    table = read_table(str(tmp_path / "train.csv"))
    encoder = Encoder.fit(table, infer_schema(table, "y"))
    whole = encoder.encode(table).numbers
    for row in (1, 4, 20):
        (tmp_path / "one.csv").write_text(f"when\n{lines[row].split(',')[0]}\n")
        one = encoder.encode(read_table(str(tmp_path / "one.csv"))).numbers
        assert one.tolist() == whole[row : row + 1].tolist()


@given(st.permutations(range(ROWS)), st.integers(1, ROWS))
def test_a_row_is_encoded_the_same_alone_and_in_any_table(order, count):
    table = as_table(columns())
    encoder = Encoder.fit(table, infer_schema(table, "label"), bins=16)
    whole = encoder.encode(table)
    rows = np.array(order[:count])
    part = encoder.encode(table.take(rows))
    assert part.numbers.tobytes() == whole.numbers[rows].tobytes()
    assert part.categories.tobytes() == whole.categories[rows].tobytes()
    assert part.positions.tobytes() == whole.positions[rows].tobytes()


@given(st.permutations(range(ROWS)))
def test_the_encoder_does_not_depend_on_the_order_of_rows(order):
    table = as_table(columns())
    schema = infer_schema(table, "label")
    for scaling in ("robust", "standard"):
        encoder = Encoder.fit(table, schema, scaling=scaling, bins=16)
        turned = Encoder.fit(table.take(np.array(order)), schema, scaling=scaling, bins=16)
        assert turned == encoder


def test_only_the_rows_given_decide(table):
    schema = infer_schema(table, "label")
    rows = np.arange(40)
    changed = columns()
    changed["size"][40:] = 1e9
    changed["code"][40:] = ["new"] * 40
    assert Encoder.fit(as_table(changed), schema, rows) == Encoder.fit(table, schema, rows)


def test_order_of_columns_and_further_columns_do_not_matter(table, encoder):
    shuffled = dict(reversed(columns().items()))
    other = as_table({"extra": ["z"] * ROWS, **shuffled})
    assert encoder.encode(other).numbers.tobytes() == encoder.encode(table).numbers.tobytes()


def test_records_are_plain_and_whole(table):
    encoder = Encoder.fit(table, infer_schema(table, "label"), bins=16)
    again = Encoder.from_record(json.loads(json.dumps(encoder.to_record())))
    assert again == encoder
    assert again.encode(table).numbers.tobytes() == encoder.encode(table).numbers.tobytes()
    assert again.encode(table).positions.tobytes() == encoder.encode(table).positions.tobytes()


def test_mistakes_at_prediction_are_one_sentence(table, encoder):
    mistakes = [
        ({"cty": columns()["city"], "city": None}, "column 'city' not found; did you mean 'cty'"),
        ({"size": None, "flag": None}, "columns 'size', 'flag' not found"),
        ({"size": [1.0] * 79 + [np.inf]}, "column 'size': inf in row 79"),
        ({"size": ["1"] * 79 + ["wide"]}, "1 of 80 values are not numbers (first: row 79"),
        ({"flag": ["maybe"] * ROWS}, "column 'flag': 80 of 80 values are not true or false"),
        ({"flag": np.arange(ROWS)}, "not true, false, 0 or 1 (first: row 2"),
        ({"when": ["soon"] * ROWS}, "column 'when': 80 of 80 values are not dates"),
        ({"when": np.arange(ROWS)}, "column 'when': 80 of 80 values are not dates"),
        ({"size": np.arange(ROWS).astype("datetime64[D]")}, "'size': dates where numbers"),
    ]
    for change, words in mistakes:
        changed = {**columns(), **change}
        changed = {name: values for name, values in changed.items() if values is not None}
        with pytest.raises(DataError) as caught:
            encoder.encode(as_table(changed))
        assert words in str(caught.value)


def test_numbers_and_booleans_spelled_as_text_are_read(table, encoder):
    spelled = columns()
    spelled["rooms"] = [str(value) for value in spelled["rooms"]]
    spelled["flag"] = ["TRUE" if value else "False" for value in spelled["flag"]]
    assert encoder.encode(as_table(spelled)).numbers.tobytes() == (
        encoder.encode(table).numbers.tobytes()
    )


def test_infinite_numbers_are_refused_in_training():
    table = as_table({"x": [1.0, -np.inf, 2.0, 4.0], "y": ["a", "b", "a", "b"]})
    with pytest.raises(DataError, match=r"column 'x': -inf in row 1 \(counted from 0\)"):
        Encoder.fit(table, infer_schema(table, "y"))


def test_nothing_to_learn_from_is_said():
    table = as_table({"x": ["k"] * 4, "y": ["a", "b", "a", "b"]})
    with pytest.raises(DataError, match="no column is left to learn from .*its only value is 'k'"):
        Encoder.fit(table, infer_schema(table, "y"))


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308, 0.0, 1.0],
        [5e-324, 0.0, 0.0, 0.0],
        [5e-324, 0.0, 1e-323, 0.0],
        [0, 0, 0, 1],
    ],
)
def test_extreme_numbers_stay_finite(values):
    table = as_table({"x": values, "y": ["a", "b", "a", "b"]})
    for scaling in ("robust", "standard"):
        encoder = Encoder.fit(table, infer_schema(table, "y"), scaling=scaling, bins=8)
        far = as_table({"x": [1.7e308, -1.7e308, 0.0, 3e-324]})
        for asked in (table, far):
            encoded = encoder.encode(asked)
            assert np.isfinite(encoded.numbers).all()
            assert ((encoded.positions >= 0) & (encoded.positions <= 8)).all()


def test_a_large_table_is_encoded_in_seconds(datasets):
    table = read_table(str(datasets / "kddcup99-10pct" / "t*.parquet"))
    schema = infer_schema(table, "label")
    encoded = Encoder.fit(table, schema).encode(table)
    assert encoded.numbers.shape[0] == 494_021
    assert np.isfinite(encoded.numbers).all()
