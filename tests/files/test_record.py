"""Records come back equal, to the bit, or are refused with a sentence."""

from __future__ import annotations

import enum
import json
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.errors import DataError, InputTypeError
from chainrule.files import decode_record, encode_record, strict_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**1023), 2**1023)
    | st.floats()
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def same(one, other):
    """Equal values of equal types, floats to the bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        if math.isnan(one):
            return math.isnan(other)
        return one.hex() == other.hex()
    return one == other


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_a_record_comes_back(record):
    text = encode_record(record)
    assert text.isascii()
    assert "\n" not in text
    assert same(decode_record(text), record)


def test_the_text_is_strict_json():
    text = encode_record({"a": math.nan, "b": [math.inf, -math.inf], "c": "\ud800é"})
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": {"$float": "nan"},
        "b": [{"$float": "inf"}, {"$float": "-inf"}],
        "c": "\ud800é",
    }


def test_subclasses_come_back_plain():
    class Color(enum.IntEnum):
        RED = 3

    class Word(enum.StrEnum):
        RELU = "relu"

    record = {
        np.str_("a"): np.float64(0.1),
        "b": np.str_("text"),
        "c": Color.RED,
        "d": Word.RELU,
        "e": np.float64("nan"),
    }
    back = decode_record(encode_record(record))
    expected = {"a": 0.1, "b": "text", "c": 3, "d": "relu", "e": math.nan}
    assert same(back, expected)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ((1, 2), "tuple"),
        ({1, 2}, "set"),
        (b"abc", "bytes"),
        (np.float32(1), "numpy.float32"),
        (np.int64(1), "numpy.int64"),
        (np.bool_(True), "numpy.bool"),
        (np.zeros(2), "numpy.ndarray"),
        (1j, "complex"),
        (object(), "object"),
        (print, "builtin_function_or_method"),
    ],
)
def test_what_is_not_plain_is_refused_by_its_place(value, named):
    with pytest.raises(InputTypeError, match=rf"record\.layers\[1\]\.units is a .*{named}"):
        encode_record({"layers": [0, {"units": value}]})


def test_keys_must_be_text():
    with pytest.raises(InputTypeError, match=r"record\.a: the key 1 is a int"):
        encode_record({"a": {1: "b"}})


def test_a_record_nested_too_deep_or_in_itself_is_refused():
    deep: dict = {}
    for _ in range(101):
        deep = {"a": deep}
    endless: list = []
    endless.append(endless)
    for record in (deep, {"a": endless}):
        with pytest.raises(DataError, match="nested more than 100 deep"):
            encode_record(record)


def test_what_looks_like_a_number_that_is_not_finite_comes_back():
    for key in ("$float", "$$float", "float", "$", "$floats", "a$float"):
        for record in ({key: "nan"}, {"a": [{key: {key: math.inf}}]}, {key: 1, "b": 2}):
            assert decode_record(encode_record(record)) == record


def test_enormous_integers_are_refused():
    with pytest.raises(DataError, match=r"record\.seed is an integer of 1025 bits"):
        encode_record({"seed": 2**1024})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{", '{"a": NaN}', '{"a": {"$float": "big"}}', "[" * 100_000, "1" * 5000],
)
def test_other_text_is_not_a_record(text):
    with pytest.raises(DataError):
        decode_record(text)


def test_json_for_others_has_null_for_what_is_not_finite_and_can_be_written():
    text = strict_json({"a": [math.nan, math.inf, 1.5], "label": "é\ud800"})
    assert json.loads(text) == {"a": [None, None, 1.5], "label": "é\ud800"}
    text.encode("utf-8")
