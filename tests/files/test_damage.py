"""Every kind of damage to a model file has its sentence; none gives another model."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given, settings, strategies as st
from tests.files.samples import ARRAYS, RECORD, assert_equal

from chainrule.errors import (
    ChainruleError,
    InputTypeError,
    MissingFileError,
    ModelFileError,
)
from chainrule.files import load_model_file, save_model


def refusal(folder, content, error=ModelFileError):
    """The sentence for a file of this content."""
    path = folder / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        load_model_file(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def built(header, data=b"", length=None):
    """A safetensors file of this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


class TestDamage:
    """Every kind of damage has its sentence."""

    def test_missing(self, tmp_path):
        for path in (tmp_path / "no.safetensors", tmp_path / "no" / "no.safetensors"):
            with pytest.raises(MissingFileError, match=r"no\.safetensors: there is no such file"):
                load_model_file(path)
        (tmp_path / "file").write_text("a")
        with pytest.raises(FileNotFoundError, match="there is no such file"):
            load_model_file(tmp_path / "file" / "model.safetensors")

    @pytest.mark.parametrize("path", ["", "a\0b"])
    def test_no_path(self, path):
        with pytest.raises(MissingFileError, match="is not a path"):
            load_model_file(path)

    @pytest.mark.parametrize("path", [3, None, b"model", ["model"]])
    def test_not_a_path(self, path):
        with pytest.raises(InputTypeError, match="a path must be text"):
            load_model_file(path)

    def test_name_too_long(self, tmp_path):
        with pytest.raises(ModelFileError, match="cannot be read"):
            load_model_file(tmp_path / ("a" * 300))

    def test_folder(self, tmp_path):
        with pytest.raises(ModelFileError, match=r"this is a folder.*Give the model file\."):
            load_model_file(tmp_path)
        save_model(tmp_path / "model.safetensors", {}, {})
        with pytest.raises(ModelFileError, match=r"Give .*model\.safetensors\."):
            load_model_file(tmp_path)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
    def test_a_pipe_does_not_hang(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelFileError, match="device or pipe"):
            load_model_file(tmp_path / "pipe")

    def test_no_permission(self, tmp_path, good, monkeypatch, without_rights):
        monkeypatch.chdir(tmp_path)
        path = Path("m.safetensors")
        path.write_bytes(good)
        with without_rights():
            load_model_file(path)
        path.chmod(0)
        with without_rights(), pytest.raises(ModelFileError, match="permission denied"):
            load_model_file(path)

    def test_empty(self, folder):
        assert "is empty" in refusal(folder, b"")

    def test_pickle(self, folder):
        class Payload:
            def __reduce__(self):
                return (pytest.fail, ("a pickle was run",))

        for protocol in range(2, 6):
            assert "pickle" in refusal(folder, pickle.dumps(Payload(), protocol))
        assert "text file" in refusal(folder, pickle.dumps({"a": 1}, 0))

    def test_zip_npz_and_npy(self, folder):
        content = io.BytesIO()
        np.savez(content, a=np.zeros(3))
        assert "zip archive" in refusal(folder, content.getvalue())
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")  # as PyTorch lays it out
        assert "zip archive" in refusal(folder, content.getvalue())
        content = io.BytesIO()
        np.save(content, np.zeros(3))
        assert ".npy" in refusal(folder, content.getvalue())

    @pytest.mark.parametrize(
        "text",
        ["hello", "age,income\n3,4\n" * 50, '{"a": 1}', "[1, 2, 3]\n", "caf\u00e9 \u732b " * 200],
    )
    def test_text(self, folder, text):
        assert "text file" in refusal(folder, text.encode())

    @pytest.mark.parametrize("byte", [b"\0", b"\xff", b"\x01", b"{"])
    @pytest.mark.parametrize("count", [1, 7, 8, 9, 10, 1000])
    def test_one_byte_over_and_over(self, folder, byte, count):
        refusal(folder, byte * count)

    def test_every_cut(self, folder, good):
        """Nothing but a sentence at whatever byte the file ends."""
        length = int.from_bytes(good[:8], "little")
        for cut in {*range(1, 30), *range(8 + length - 3, len(good)), len(good) // 2}:
            sentence = refusal(folder, good[:cut])
            assert "cut off" in sentence or "text file" in sentence, (cut, sentence)

    def test_bytes_added(self, folder, good):
        assert "1 bytes too many" in refusal(folder, good + b"\0")

    @pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 100_000_001])
    def test_header_length_beyond_the_file(self, folder, good, length):
        assert "cut off or damaged" in refusal(folder, struct.pack("<Q", length) + good[8:])

    def test_header_beyond_the_limit(self, tmp_path):
        path = tmp_path / "m.safetensors"
        with path.open("wb") as file:  # sparse: takes no room on the disk
            file.write(struct.pack("<Q", 150_000_000) + b"{")
            file.truncate(200_000_000)
        tracemalloc.start()
        with pytest.raises(ModelFileError, match="a header of 150,000,000 bytes"):
            load_model_file(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()

    def test_header_that_is_not_json(self, folder):
        deep = b'{"a":' * 50_000
        for header in (b'{"a":}', b"{\xff\xfe}", deep, b'{"a":1' + b"0" * 5000 + b"}"):
            assert "damaged" in refusal(folder, built(header))

    @pytest.mark.parametrize(
        "metadata", [3, [], {"chainrule": 3}, {"chainrule": {"format": 1}}, None]
    )
    def test_metadata_that_are_not_texts(self, folder, metadata):
        assert "metadata are not texts" in refusal(folder, built({"__metadata__": metadata}))

    @pytest.mark.parametrize(
        "entry",
        [
            3,
            {},
            {"dtype": "F32", "shape": [2]},
            {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "more": 1},
            {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [2], "data_offsets": [0]},
            {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]},
            {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
            {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
            {"dtype": "F32", "shape": [1] * 33 + [2], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]},
            {"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]},
            {"dtype": "F32", "shape": [10**400], "data_offsets": [0, 8]},
            {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]},
            {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]},
        ],
    )
    def test_impossible_arrays(self, folder, entry):
        sentence = refusal(folder, built({"weights": entry}, b"\0" * 8))
        assert "array 'weights'" in sentence

    def test_arrays_larger_than_the_file_are_not_allocated(self, folder):
        entry = {"dtype": "F64", "shape": [2**30, 2**10], "data_offsets": [0, 2**43]}
        tracemalloc.start()
        sentence = refusal(folder, built({"weights": entry}, b"\0" * 8))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()
        assert "its arrays need 8,796,093,022,208 bytes, 8 are there" in sentence

    def test_overlapping_arrays_and_gaps(self, folder):
        first = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        for start in (4, 9):
            second = {"dtype": "F32", "shape": [2], "data_offsets": [start, start + 8]}
            sentence = refusal(folder, built({"a": first, "b": second}, b"\0" * (start + 8)))
            assert "array 'b' overlaps another or leaves a gap" in sentence

    def test_safetensors_of_others(self, folder):
        for metadata in (None, {"format": "pt"}):
            content = safetensors.numpy.save({"a": np.zeros(3)}, metadata)
            assert "not written by chainrule" in refusal(folder, content)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "not valid JSON"),
            ("[]", "not valid JSON"),
            ("{}", "no format number"),
            ('{"format": 0}', "no format number"),
            ('{"format": -1}', "no format number"),
            ('{"format": true}', "no format number"),
            ('{"format": 1.0}', "no format number"),
            ('{"format": "1"}', "no format number"),
            ('{"format": 1}', "no record"),
            ('{"format": 1, "record": 3, "arrays": []}', "no record"),
            ('{"format": 1, "record": {}, "arrays": {}}', "no record"),
            ('{"format": 1, "record": {}, "arrays": [3]}', "no names"),
            ('{"format": 1, "record": {}, "arrays": ["b"]}', "do not belong together"),
            ('{"format": 1, "record": {}, "arrays": ["a", "a"]}', "do not belong together"),
            ('{"format": 1, "record": {}, "arrays": []}', "do not belong together"),
            ('{"format": 1, "record": {}, "arrays": ["a"]}', "differs from what was written"),
            ('{"format": 5}', "file format 5, this version reads up to 4. Upgrade chainrule"),
            ('{"format": 99, "x": 0}', "file format 99, this version reads up to 4"),
        ],
    )
    def test_our_own_metadata(self, folder, text, words):
        content = safetensors.numpy.save({"a": np.zeros(3)}, {"chainrule": text})
        assert words in refusal(folder, content)

    def test_a_changed_weight_is_noticed(self, folder, good):
        changed = bytearray(good)
        changed[-3] ^= 1
        assert "differs from what was written" in refusal(folder, bytes(changed))

    def test_a_changed_setting_is_noticed(self, folder, good):
        assert good.count(b"0.1") == 1
        changed = good.replace(b"0.1", b"0.7")
        assert "differs from what was written" in refusal(folder, changed)


def read_or_refused(folder, content):
    """The model is the one saved, or a sentence says why not."""
    path = folder / "flipped.safetensors"
    path.write_bytes(content)
    try:
        record, arrays = load_model_file(path)
    except ChainruleError as error:
        assert str(error).startswith(str(path))
        return
    assert record == RECORD
    assert_equal(arrays, ARRAYS)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_never_give_another_model(folder, good, data):
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    read_or_refused(folder, bytes(content))


@given(st.integers(0, 10_000))
@example(0)
@settings(max_examples=150, deadline=None)
def test_a_cut_at_any_byte_never_gives_another_model(folder, good, cut):
    read_or_refused(folder, good[: cut % (len(good) + 1)])


@given(st.binary(max_size=200), st.integers(0, 250))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_never_crash(folder, content, length):
    path = folder / "random.safetensors"
    for whole in (content, struct.pack("<Q", length) + b"{" + content):
        path.write_bytes(whole)
        with pytest.raises(ChainruleError):
            load_model_file(path)


def test_every_single_byte_of_the_header_may_flip(folder, good):
    length = int.from_bytes(good[:8], "little")
    for position in range(0, 8 + length):
        for flip in (0x01, 0x80):
            content = bytearray(good)
            content[position] ^= flip
            read_or_refused(folder, bytes(content))


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "table"},
        {"kind": "table", "encoder": [1]},
        {"kind": "table", "encoder": {"columns": [{"name": "x"}]}},
        {"kind": "table", "encoder": {"columns": [3]}},
    ],
)
def test_a_record_that_its_older_format_did_not_hold(folder, record):
    text = json.dumps({"format": 1, "sha256": "", "arrays": [], "record": record})
    text = text.replace('"sha256": ""', '"sha256":""')
    digest = hashlib.sha256(text.encode()).hexdigest()
    text = text.replace('"sha256":""', f'"sha256":"{digest}"')
    content = safetensors.numpy.save({}, {"chainrule": text})
    assert "its record is not what format 1 holds" in refusal(folder, content)
