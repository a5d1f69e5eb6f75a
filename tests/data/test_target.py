import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.data import Labels, Numbers, as_table, read_table
from chainrule.errors import DataError

KINDS = [
    (["no", "yes", "no"], ("no", "yes")),
    ([3, 1, 3], (1, 3)),
    ([0.5, 1.0, 0.5], (0.5, 1.0)),
    ([True, False, True], (False, True)),
    (np.array([2, 1], dtype=np.int32), (1, 2)),
    (np.array([2.0, 1.0], dtype=np.float32), (1.0, 2.0)),
    (np.array(["b", "a"]), ("a", "b")),
    (np.array(["b", 1], dtype=object), ("1", "b")),
    (["007", "7"], ("007", "7")),
    (["1.0", "1"], ("1", "1.0")),
    ([10**16, 1], (1, 10**16)),
]


@pytest.mark.parametrize("values, classes", KINDS)
def test_labels_keep_their_type_and_come_back(values, classes):
    labels = Labels.fit(values)
    assert labels.classes == classes
    assert [type(label) for label in labels.classes] == [type(label) for label in classes]
    codes = labels.encode(values)
    assert codes.dtype == np.int32
    again = Labels.from_record(json.loads(json.dumps(labels.to_record())))
    assert again == labels
    decoded = again.decode(codes)
    assert decoded.tolist() == [str(value) if "b" in classes else value for value in list(values)]
    if isinstance(values, np.ndarray):
        assert decoded.dtype == values.dtype


def test_labels_of_a_file_are_spelled_as_in_the_file(tmp_path):
    (tmp_path / "t.csv").write_text("n,t,b\n3,x,True\n5,y,False\n")
    table = read_table(str(tmp_path / "t.csv"))
    assert Labels.fit(table.columns["n"]).classes == (3, 5)
    assert Labels.fit(table.columns["b"]).classes == ("False", "True")
    assert Labels.fit(table.columns["b"]).encode([True, False]).tolist() == [1, 0]


def test_labels_are_known_however_they_are_spelled():
    labels = Labels.fit([3, 5])
    for spelled in (["5", "3"], [5.0, 3.0], ["5.0", "3"]):
        assert labels.encode(spelled).tolist() == [1, 0]


def test_unknown_and_missing_labels_are_named():
    labels = Labels.fit(["a", "b"], name="kind")
    with pytest.raises(DataError, match=r"column 'kind': 2 labels .*row 1, .*'c'.*known: 'a', 'b'"):
        labels.encode(["a", "c", "d"])
    with pytest.raises(DataError, match="1 targets are missing"):
        labels.encode(["a", None])
    with pytest.raises(DataError, match="missing in every row"):
        Labels.fit([None, None])
    with pytest.raises(DataError, match="dates cannot be classes"):
        Labels.fit(np.arange(3).astype("datetime64[D]"))


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=30))
def test_numbers_come_back(values):
    numbers = Numbers.fit(values)
    encoded = numbers.encode(values)
    assert numbers.decode(encoded) == pytest.approx(values, rel=1e-9, abs=1e-3)
    assert Numbers.from_record(json.loads(json.dumps(numbers.to_record()))) == numbers


def test_numbers_against_numpy():
    values = np.random.default_rng(0).normal(50, 3, 1000)
    encoded = Numbers.fit(values).encode(values)
    np.testing.assert_allclose(encoded, (values - values.mean()) / values.std(), rtol=1e-9)
    assert Numbers.fit(values) == Numbers.fit(values[::-1])
    assert Numbers.fit([7.0, 7.0]).encode([7.0]).tolist() == [0]


def test_numbers_refuse_what_is_none():
    with pytest.raises(DataError, match="column 'price': inf in row 1"):
        Numbers.fit([1.0, np.inf], name="price")
    with pytest.raises(DataError, match="1 of 2 values are not numbers"):
        Numbers.fit(["1", "x"])
    with pytest.raises(DataError, match="1 targets are missing"):
        Numbers.fit([1.0, None]).encode([1.0, None])
    column = as_table({"y": ["1,5", "2"]}).columns["y"]
    assert Numbers.fit(column).mean == 1.75
