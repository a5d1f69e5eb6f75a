"""Folds: each row held out once, and what belongs together never on both sides."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from chainrule.data import as_table, folds_of, infer_schema, read_table
from chainrule.errors import DataError, SettingError


def made(columns, count, target="y", seed=0, before=None, **roles):
    table = as_table(columns)
    schema = infer_schema(table, target, **roles)
    return folds_of(table, schema, seed=seed, count=count, before=before)


def numbers(rows):
    return {"x": np.sin(np.arange(rows)), "y": np.cos(np.arange(rows))}


def fold_of_rows(found, rows):
    """The number of each row's fold; asserts that each row is held out once."""
    number = np.full(rows, -1)
    for fold, (learned, held) in enumerate(found.parts):
        assert (number[held] == -1).all()
        number[held] = fold
        assert sorted([*learned, *held]) == list(range(rows))
        assert (np.diff(held) > 0).all() and (np.diff(learned) > 0).all()
    assert (number >= 0).all()
    return number


def held_counts(parts, codes):
    return np.array([np.bincount(codes[held], minlength=codes.max() + 1) for _, held in parts])


@given(
    st.lists(st.integers(1, 60), min_size=2, max_size=7), st.integers(2, 9), st.integers(0, 2**53)
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_classes_are_shared_out_as_far_as_whole_rows_allow(sizes, count, seed):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    codes = np.random.default_rng(0).permutation(codes)
    rows = len(codes)
    columns = {"x": np.sin(np.arange(rows)), "y": [f"c{code}" for code in codes]}
    if count > rows:
        return
    found = made(columns, count, seed=seed)
    fold_of_rows(found, rows)
    counts = held_counts(found.parts, codes)
    assert (np.ptp(counts, axis=0) <= 1).all() and np.ptp(counts.sum(axis=1)) <= 1
    for own, size in zip(counts.T, sizes, strict=True):
        assert np.count_nonzero(own) == min(size, count)
    if max(sizes) >= count:  # scikit-learn refuses where every class is rarer
        theirs = held_counts(list(StratifiedKFold(count).split(codes, codes)), codes)
        assert np.array_equal(np.sort(counts, axis=0), np.sort(theirs, axis=0))


def test_the_classes_of_whole_numbers_are_found_by_the_schema():
    y = np.repeat([0, 1, 2], [180, 90, 30])
    found = made({"x": np.sin(np.arange(300)), "y": y}, 10)
    assert held_counts(found.parts, y).tolist() == [[18, 9, 3]] * 10
    assert found.reason == "each row held out once, drawn by chance, the classes in the same shares"
    chosen = made({"x": np.sin(np.arange(300)), "y": y}, 10, task="regression")
    assert np.ptp(held_counts(chosen.parts, y), axis=0).max() > 1
    assert chosen.reason == "each row held out once, drawn by chance"


def test_the_seed_decides():
    first, same, other = (made(numbers(50), 5, seed=seed).parts for seed in (1, 1, 2))
    for (learned, held), (again, held_again) in zip(first, same, strict=True):
        assert np.array_equal(learned, again) and np.array_equal(held, held_again)
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))
    number = fold_of_rows(made(numbers(1000), 5), 1000)
    assert abs(np.corrcoef(np.arange(1000), number)[0, 1]) < 0.1  # not in the order of the file


@pytest.mark.parametrize("seed", range(5))
def test_exact_duplicates_are_in_one_fold(seed):
    rng = np.random.default_rng(seed)
    base, pick = rng.normal(size=150), rng.integers(0, 150, 400)
    city, codes = np.array(["p", "q", None], dtype=object)[pick % 3], pick % 4 // 3
    y = np.array(["a", "b"])[codes]
    found = made({"x": base[pick], "city": city, "y": y}, 5, seed=seed)
    number = fold_of_rows(found, 400)
    for value in range(150):
        assert len(set(number[pick == value])) <= 1
    counts = held_counts(found.parts, codes)
    assert np.ptp(counts.sum(axis=1)) <= 2 and (np.ptp(counts, axis=0) <= 2).all()
    assert "rows that repeat another kept with it, the classes in the same shares" in found.reason


def test_real_duplicates_are_in_one_fold(datasets):
    table = read_table(str(sorted((datasets / "wine-quality").glob("*.parquet"))[-1]))
    schema = infer_schema(table, "quality")
    number = fold_of_rows(folds_of(table, schema, seed=3, count=5), table.rows)
    names = [*schema.inputs, "quality"]
    cells = np.column_stack([table.columns[name].codes for name in names])
    _, block = np.unique(cells, axis=0, return_inverse=True)
    assert block.max() + 1 < table.rows
    for value in np.flatnonzero(np.bincount(block) > 1):
        assert len(set(number[block == value])) == 1
    assert np.ptp(np.bincount(number)) <= 1


def test_tables_of_few_different_rows_are_drawn_row_by_row():
    rows = np.arange(400)
    columns = {"p": rows % 2, "q": rows // 2 % 2, "y": (rows % 2) ^ (rows // 2 % 2)}
    found = made(columns, 5)
    number = fold_of_rows(found, 400)
    assert np.bincount(number).tolist() == [80] * 5
    assert "too few rows differ" in found.reason
    one_row_over_and_over = {"x": [1.0] * 70 + [*range(2, 32)], "y": [1.0] * 70 + [*range(2, 32)]}
    number = fold_of_rows(made(one_row_over_and_over, 5), 100)
    assert np.bincount(number).tolist() == [20] * 5


def grouped(seed, groups, rows=1000):
    """Groups of unlike sizes, of unlike shares of two classes."""
    rng = np.random.default_rng(seed)
    group = np.floor(groups * rng.random(rows) ** 1.5).astype(int)
    codes = (rng.random(rows) < 0.6 * rng.random(groups)[group]).astype(int)
    names = [f"g{one}" for one in group]
    y = np.array(["a", "b"])[codes]
    return group, codes, {"x": rng.normal(size=rows), "g": names, "y": y}


@pytest.mark.parametrize("groups", [8, 40, 200])
def test_groups_are_in_one_fold_and_classes_as_even_as_scikit_learns(groups):
    ours, theirs = [], []
    for seed in range(5):
        group, codes, columns = grouped(seed, groups)
        found = made(columns, 5, seed=seed, group="g")
        number = fold_of_rows(found, 1000)
        assert all(len(set(number[group == one])) == 1 for one in set(group))
        assert set(number) == set(range(5))
        other = list(StratifiedGroupKFold(5).split(group, codes, group))
        for unevenness, parts in ((ours, found.parts), (theirs, other)):
            counts = held_counts(parts, codes)
            unevenness.append((counts / counts.sum(axis=0)).std(axis=0).mean())
    assert np.mean(ours) <= 1.1 * np.mean(theirs)
    assert "groups of 'g' kept together" in found.reason and "classes nearly so" in found.reason


def test_duplicates_across_groups_yield_where_they_would_leave_too_few_folds():
    columns = numbers(40)
    columns["x"][[5, 15]], columns["y"][[5, 15]] = 0.5, 0.5
    columns["g"] = np.repeat(["p", "q", "r", "s"], 10)
    three = fold_of_rows(made(columns, 3, group="g"), 40)
    assert three[5] == three[15]
    four = fold_of_rows(made(columns, 4, group="g"), 40)
    assert np.bincount(four).tolist() == [10] * 4


def test_rows_without_a_target_are_in_no_fold():
    columns = numbers(100)
    columns["y"][::10] = np.nan
    found = made(columns, 3)
    together = np.concatenate([held for _, held in found.parts])
    assert sorted(together) == [row for row in range(100) if row % 10]
    assert not any((learned % 10 == 0).any() for learned, _ in found.parts)


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("count", [2, 5])
def test_folds_in_time_go_forward(dates, count):
    order = np.random.default_rng(0).permutation(120)
    time = np.datetime64("2020-01-01") + order.astype("timedelta64[D]") if dates else order
    found = made({**numbers(120), "t": time}, count, time="t")
    assert len(found.parts) == count
    size = 120 // (count + 1)
    for fold, (learned, held) in enumerate(found.parts, start=1):
        assert order[learned].tolist() == list(range(fold * size))  # in the order of time
        assert sorted(order[held]) == list(range(fold * size, (fold + 1) * size))
    assert f"the first {size} rows are only learned from" in found.reason
    later = made({**numbers(120), "t": time}, count, time="t", before=0.5)
    assert [len(learned) for learned, _ in later.parts] == [
        60 + fold * 60 // count for fold in range(count)
    ]


@given(st.lists(st.integers(1, 30), min_size=4, max_size=20), st.integers(2, 8), st.integers(0, 99))
def test_rows_of_one_time_are_on_one_side_and_all_folds_are_there(sizes, count, seed):
    time = np.repeat(np.arange(len(sizes)), sizes)
    time = np.random.default_rng(seed).permutation(time)
    columns = {**numbers(len(time)), "t": time}
    if len(sizes) <= count:
        with pytest.raises(SettingError, match=f"folds: {count} folds of {len(sizes)} different"):
            made(columns, count, time="t", task="regression")
        return
    found = made(columns, count, time="t", task="regression")
    assert len(found.parts) == count
    end = None
    for learned, held in found.parts:
        assert len(learned) and len(held)
        assert time[learned].max() < time[held].min()
        assert end is None or end == time[held].min() - 1
        assert (np.diff(time[learned]) >= 0).all()
        assert sorted(time[learned]) == sorted(time[time < time[held].min()])
        end = time[held].max()
    assert end == len(sizes) - 1


def test_groups_in_time_are_kept_together_by_their_last_row():
    group = np.arange(100) % 20
    columns = {**numbers(100), "t": np.arange(100), "g": [f"g{one}" for one in group]}
    found = made(columns, 4, time="t", group="g")
    last = 80 + group
    for learned, held in found.parts:
        assert last[learned].max() < last[held].min()
        assert len(held) == 20
    assert "groups of 'g' kept together by their last row" in found.reason


@pytest.mark.parametrize(
    "count, more, roles, said",
    [
        (1, {}, {}, "folds: their number must be a whole number of 2 or more, got 1."),
        (2.5, {}, {}, "folds: their number must be a whole number of 2 or more, got 2.5."),
        (25, {}, {}, "folds: 25 folds of 24 rows cannot be; ask for 24 or fewer."),
        (
            20,
            {"g": [f"g{row % 8}" for row in range(24)]},
            {"group": "g"},
            "folds: 20 folds of 8 groups of 'g' cannot be; ask for 8 or fewer.",
        ),
        (
            2,
            {"g": ["a"] * 24},
            {"group": "g"},
            "folds: 2 folds of 1 group of 'g' cannot be; leave them out.",
        ),
        (
            6,
            {"t": [row // 4 for row in range(24)]},
            {"time": "t"},
            "folds: 6 folds of 6 different times by 't', the first of which is learned from, "
            "cannot be; ask for 5 or fewer.",
        ),
    ],
)
def test_more_folds_than_there_can_be_are_refused(count, more, roles, said):
    with pytest.raises(SettingError) as caught:
        made({**numbers(24), **more}, count, **roles)
    assert str(caught.value) == said


def test_a_missing_time_is_refused():
    with pytest.raises(DataError, match="the time is missing in 1 rows"):
        made({**numbers(24), "t": [None, *range(23)]}, 3, time="t")
