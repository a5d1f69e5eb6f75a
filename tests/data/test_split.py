import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.data import Split, as_table, infer_schema, read_table, split
from chainrule.errors import DataError, SettingError


def parts_of(columns, target="y", seed=0, shares=None, **roles):
    table = as_table(columns)
    schema = infer_schema(table, target, **roles)
    return split(table, schema, seed=seed, **(shares or {}))


def numbers(rows):
    return {"x": np.sin(np.arange(rows)), "y": np.cos(np.arange(rows))}


def assert_divides(parts, rows):
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(rows))


@given(st.integers(2, 300), st.integers(0, 2**53 - 1), st.integers(1, 12))
def test_every_row_falls_in_one_part(rows, seed, classes):
    labels = [f"c{i % max(classes, 2)}" for i in range(rows)]
    parts = parts_of({"x": np.sin(np.arange(rows)), "y": labels}, seed=seed)
    assert_divides(parts, rows)
    assert len(parts.train) >= 1
    record = parts.parts(rows)
    again = Split.from_parts(record, parts.reason)
    assert again.train.tolist() == parts.train.tolist()
    assert again.test.tolist() == parts.test.tolist()


@pytest.mark.parametrize(
    "rows, sizes",
    [(2, (2, 0, 0)), (3, (2, 0, 1)), (5, (4, 0, 1)), (6, (4, 1, 1)), (10, (6, 2, 2)),
     (100, (64, 16, 20)), (1000, (640, 160, 200))],
)  # fmt: skip
def test_sizes(rows, sizes):
    parts = parts_of(numbers(rows), task="regression")
    assert (len(parts.train), len(parts.validation), len(parts.test)) == sizes


def test_shares_can_be_chosen():
    given_test = parts_of(numbers(100), shares={"test": 0})
    assert (len(given_test.train), len(given_test.validation)) == (80, 20)
    both = parts_of(numbers(100), shares={"test": 0, "validation": 0})
    assert len(both.train) == 100
    for share in (1, -0.1, 2):
        with pytest.raises(SettingError, match=r"test must be a share of 0 or more and below 1"):
            parts_of(numbers(100), shares={"test": share})


def test_the_seed_decides():
    first, second = parts_of(numbers(100), seed=1), parts_of(numbers(100), seed=2)
    assert first.test.tolist() == parts_of(numbers(100), seed=1).test.tolist()
    assert first.test.tolist() != second.test.tolist()


def test_classes_keep_their_shares():
    labels = ["a"] * 600 + ["b"] * 300 + ["c"] * 95 + ["d"] * 4 + ["e"]
    parts = parts_of({"x": np.sin(np.arange(1000)), "y": labels})
    counts = {
        name: np.unique(np.array(labels)[getattr(parts, name)], return_counts=True)
        for name in ("train", "validation", "test")
    }
    assert dict(zip(*counts["test"], strict=True)) == {"a": 120, "b": 60, "c": 19, "d": 1}
    assert dict(zip(*counts["train"], strict=True))["e"] == 1
    assert sum(counts["validation"][1]) == 160


def test_exact_duplicates_stay_together():
    rng = np.random.default_rng(0)
    base = rng.normal(size=150)
    pick = rng.integers(0, 150, 400)
    city = np.array(["p", "q", None], dtype=object)[pick % 3]
    parts = parts_of({"x": base[pick], "city": city, "y": np.where(pick % 2, "a", "b")})
    assert_divides(parts, 400)
    record = parts.parts(400)
    for value in range(150):
        assert len(set(record[pick == value])) <= 1
    assert len(parts.test) == pytest.approx(80, abs=4)
    assert "rows that repeat another kept with it" in parts.reason


def test_tables_of_few_different_rows_are_drawn_row_by_row():
    rows = np.arange(400)
    parts = parts_of({"p": rows % 2, "q": rows // 2 % 2, "y": (rows % 2) ^ (rows // 2 % 2)})
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (256, 64, 80)
    assert "too few rows differ" in parts.reason


@pytest.mark.parametrize("name, target", [("wine-quality", "quality"), ("letter", "class")])
def test_real_duplicates_stay_together(datasets, name, target):
    files = sorted((datasets / name).glob("*.parquet"))
    table = read_table(str(files[-1]))
    schema = infer_schema(table, target)
    record = split(table, schema, seed=3).parts(table.rows)
    arrays = [table.columns[column].codes for column in schema.inputs]
    rows = np.column_stack([*arrays, table.columns[target].codes])
    _, block = np.unique(rows, axis=0, return_inverse=True)
    lowest = np.full(block.max() + 1, 9)
    highest = np.zeros(block.max() + 1, dtype=int)
    np.minimum.at(lowest, block, record)
    np.maximum.at(highest, block, record)
    assert (lowest == highest).all()
    assert (record == 3).mean() == pytest.approx(0.2, abs=0.01)


def test_groups_stay_together_and_classes_nearly_keep_their_shares():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 50, 1000)
    labels = np.where(rng.random(1000) < 0.3, "a", "b")
    columns = {"x": rng.normal(size=1000), "g": [f"g{i}" for i in group], "y": labels}
    parts = parts_of(columns, group="g")
    assert_divides(parts, 1000)
    record = parts.parts(1000)
    assert all(len(set(record[group == value])) == 1 for value in range(50))
    assert len(parts.test) == pytest.approx(200, abs=25)
    assert (labels[parts.test] == "a").mean() == pytest.approx((labels == "a").mean(), abs=0.06)
    assert "groups of 'g' kept together" in parts.reason


def test_two_groups_make_a_test_and_then_no_validation_is_possible():
    columns = {**numbers(100), "g": ["p"] * 50 + ["q"] * 50}
    with pytest.raises(DataError, match="column 'g': one group holds 50 of 100 rows"):
        parts_of(columns, group="g")
    parts = parts_of(columns, group="g", shares={"validation": 0, "test": 0.4})
    assert {len(parts.train), len(parts.test)} == {50}


def test_one_giant_group_is_refused():
    columns = {**numbers(100), "g": ["p"] * 100}
    with pytest.raises(DataError, match="column 'g': one group holds 100 of 100 rows"):
        parts_of(columns, group="g")


def test_rows_without_a_group_are_alone():
    columns = {**numbers(100), "g": [None] * 100}
    assert len(parts_of(columns, group="g").test) == 20


@pytest.mark.parametrize("dates", [False, True])
def test_the_last_rows_by_time_are_the_test(dates):
    order = np.random.default_rng(0).permutation(100)
    time = np.datetime64("2020-01-01") + order.astype("timedelta64[D]") if dates else order
    parts = parts_of({**numbers(100), "t": time}, time="t")
    assert order[parts.test].min() > order[parts.validation].max()
    assert order[parts.validation].min() > order[parts.train].max()
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (64, 16, 20)


def test_rows_of_one_time_stay_together():
    time = np.repeat(np.arange(10), 10)
    parts = parts_of({**numbers(100), "t": time}, time="t")
    record = parts.parts(100)
    assert all(len(set(record[time == value])) == 1 for value in range(10))
    assert set(time[parts.test]) == {8, 9}
    with pytest.raises(DataError, match="every row has one time"):
        parts_of({**numbers(100), "t": np.zeros(100)}, time="t")
    with pytest.raises(DataError, match="the time is missing in 1 rows"):
        parts_of({**numbers(100), "t": [None, *range(99)]}, time="t")


def test_groups_with_time_stay_together():
    group = [f"g{i % 20}" for i in range(100)]
    parts = parts_of({**numbers(100), "t": np.arange(100), "g": group}, time="t", group="g")
    record = parts.parts(100)
    assert all(len(set(record[i::20])) == 1 for i in range(20))
    assert len(parts.test) == 20


def test_rows_without_a_target_are_in_no_part():
    target = np.cos(np.arange(100))
    target[::10] = np.nan
    parts = parts_of({"x": np.sin(np.arange(100)), "y": target})
    assert (parts.parts(100)[::10] == 0).all()
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 90
    assert "10 rows without a target left out" in parts.reason


def test_classes_of_one_row_are_fine():
    parts = parts_of({"x": np.sin(np.arange(5)), "y": ["a", "b", "c", "d", "e"]})
    assert_divides(parts, 5)
    assert len(parts.train) == 5
