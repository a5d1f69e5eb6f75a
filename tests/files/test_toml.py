"""Settings in TOML come back; mistakes have a sentence."""

from __future__ import annotations

import math

import pytest

from chainrule.errors import DataError, InputTypeError, MissingFileError, SettingError, WriteError
from chainrule.files import read_toml, write_toml


def test_settings_come_back(tmp_path):
    settings = {
        "target": 'a "quoted" \\ né\n',
        "rate": 0.1,
        "tiny": 5e-324,
        "best": math.inf,
        "hidden": [256, 128],
        "flag": False,
        "empty": [],
        "mlp": {"deep er": {"x": -(2**63)}},
        "jobs": [{"a": 1}, {"a": 2}],
    }
    write_toml(tmp_path / "c.toml", settings)
    assert read_toml(tmp_path / "c.toml") == settings


def test_none_is_left_out(tmp_path):
    write_toml(tmp_path / "c.toml", {"a": None, "b": {"c": None, "d": 1}, "e": [{"f": None}]})
    assert read_toml(tmp_path / "c.toml") == {"b": {"d": 1}, "e": [{}]}


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([1, None], DataError, r"settings\.a\[1\] is None"),
        (2**63, DataError, r"settings\.a is 9223372036854775808, beyond the 64 bits"),
        ((1, 2), InputTypeError, r"settings\.a is a builtins\.tuple"),
        (object(), InputTypeError, r"settings\.a is a builtins\.object"),
    ],
)
def test_what_toml_cannot_hold_is_refused(tmp_path, value, error, words):
    with pytest.raises(error, match=words):
        write_toml(tmp_path / "c.toml", {"a": value})
    assert not list(tmp_path.iterdir())


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbfepochs = 3\r\n")
    assert read_toml(tmp_path / "c.toml") == {"epochs": 3}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"epochs 3\n",
            r"c\.toml: not valid TOML \(.*line 1, column 8\)\)\. Correct the line 'epochs 3'\.$",
        ),
        (b"a = 1\nx = 0,05\n", r"Correct the line 'x = 0,05'; a decimal has a point: 0\.05\.$"),
        (b"x = [1, 0,05]\n", r"a decimal has a point: 0\.05\.$"),
        (b"x = [1,2\ny = 3\n", r"Correct the line '.*'\.$"),
        (b"x = " + b"a" * 100, r"Correct the line 'x = a{56}\.\.\.'\.$"),
        (b"a = 1\na = 2\n", "not valid TOML"),
        (b"a = " + b"[" * 50_000, "not valid TOML"),
        (b"a = " + b"1" * 5000, "not valid TOML"),
        ("name = 'café'".encode("latin-1"), "byte 11 is not UTF-8"),
    ],
)
def test_mistakes_have_a_sentence(tmp_path, content, words):
    (tmp_path / "c.toml").write_bytes(content)
    with pytest.raises(SettingError, match=words):
        read_toml(tmp_path / "c.toml")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(MissingFileError, match="there is no such file"):
        read_toml(tmp_path / "no.toml")
    with pytest.raises(SettingError, match="is a directory"):
        read_toml(tmp_path)
    with pytest.raises(WriteError, match="it is a folder"):
        write_toml(tmp_path, {})
