"""Model files: what is saved comes back, in this and in older formats."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of
from tests.files.samples import ARRAYS, RECORD, assert_equal

from chainrule.errors import (
    DataError,
    InputTypeError,
)
from chainrule.files import FORMAT, load_model_file, save_model
from chainrule.files.save import UPGRADES, upgrade

HERE = Path(__file__).parent


def test_record_and_arrays_come_back_in_order(folder, good):
    record, arrays = load_model_file(folder / "good.safetensors")
    assert record == RECORD
    assert_equal(arrays, ARRAYS)
    for array in arrays.values():
        assert array.flags.writeable
        assert array.flags.c_contiguous


def test_the_same_model_gives_the_same_bytes(folder, good):
    save_model(str(folder / "again.safetensors"), RECORD, ARRAYS)
    assert (folder / "again.safetensors").read_bytes() == good


def test_safetensors_itself_reads_the_file(folder, good):
    found = safetensors.numpy.load_file(folder / "good.safetensors")
    assert_equal({name: found[name] for name in ARRAYS}, ARRAYS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint8])
def test_strides_and_byte_orders_do_not_matter(folder, dtype):
    base = np.arange(24).reshape(4, 6).astype(dtype)
    given_arrays = {
        "transposed": base.T,
        "stepped": base[::2, ::-1],
        "big": base.astype(base.dtype.newbyteorder(">")),
        "fortran": np.asfortranarray(base),
        "broadcast": np.broadcast_to(base[0], (3, 6)),
        "big scalar": np.array(5, dtype=base.dtype.newbyteorder(">")),
    }
    before = {name: array.copy() for name, array in given_arrays.items()}
    save_model(folder / "m.safetensors", {}, given_arrays)
    assert_equal(load_model_file(folder / "m.safetensors")[1], given_arrays)
    for name, array in before.items():
        assert np.array_equal(given_arrays[name], array)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
        st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<i4", "<i8", "u1"]).flatmap(
            lambda dtype: arrays_of.arrays(
                dtype, arrays_of.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
            )
        ),
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_arrays_come_back(folder, arrays):
    save_model(folder / "any.safetensors", {"names": list(arrays)}, arrays)
    record, found = load_model_file(folder / "any.safetensors")
    assert record == {"names": list(arrays)}
    assert_equal(found, arrays)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros(2, dtype=np.float16)}, "array 'a' is of type float16"),
        ({"a": np.zeros(2, dtype=bool)}, "array 'a' is of type bool"),
        ({"a": np.array(["x"])}, "array 'a' is of type <U1"),
        ({"a": np.array([object()])}, "array 'a' is of type object"),
        ({"a": [1.0, 2.0]}, "array 'a' is of type list"),
        ({"": np.zeros(2)}, "an array's name must be text"),
        ({"__metadata__": np.zeros(2)}, "an array's name must be text"),
        ({3: np.zeros(2)}, "an array's name must be text"),
        ({"\ud800": np.zeros(2)}, "cannot be written as UTF-8"),
    ],
)
def test_arrays_that_cannot_be_kept_are_refused(folder, arrays, words):
    with pytest.raises(InputTypeError, match=words):
        save_model(folder / "refused.safetensors", {}, arrays)
    assert not (folder / "refused.safetensors").exists()


def test_a_record_that_is_not_plain_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, {"old": 1}, {})
    with pytest.raises(InputTypeError, match=r"record\.a is a builtins\.tuple"):
        save_model(path, {"a": (1,)}, {})
    assert load_model_file(path) == ({"old": 1}, {})


def test_a_record_beyond_the_limit_of_the_format_is_refused(tmp_path):
    with pytest.raises(DataError, match="at most 50 million"):
        save_model(tmp_path / "m.safetensors", {"text": "a" * 51_000_000}, {})
    assert not list(tmp_path.iterdir())


class TestFirstFormat:
    """The first file ever written opens for ever."""

    def test_it_opens(self):
        record, arrays = load_model_file(HERE / "first_format.safetensors")
        numbers = record.pop("numbers")
        layers = [
            {"type": "Dense", "units": 3, "activation": "relu"},
            {"type": "Dropout", "rate": 0.2},
        ]
        assert record == {
            "task": "classification",
            "labels": ["no", "yes", "caf\u00e9", "\u732b"],
            "seed": 2**53 - 1,
            "network": {"layers": layers},
            "empty": {},
            "nothing": None,
            "flag": True,
        }
        assert [number.hex() for number in numbers[:4]] == [
            "0x1.999999999999ap-4",
            "-0x0.0p+0",
            "0x0.00000000007e8p-1022",
            "0x1.fffffffffffffp+1023",
        ]
        assert numbers[4:6] == [math.inf, -math.inf]
        assert math.isnan(numbers[6])
        assert_equal(
            arrays,
            {
                "parameters": np.linspace(-1, 1, 7, dtype=np.float32),
                "moments": np.arange(6, dtype=np.float64).reshape(2, 3) / 7,
                "codes": np.array([-(2**31), 0, 2**31 - 1], dtype=np.int32),
                "step": np.array(2**62, dtype=np.int64),
                "image": np.arange(256, dtype=np.uint8).reshape(16, 16),
                "none": np.zeros((0, 4), dtype=np.float32),
            },
        )

    def test_it_is_of_format_1(self):
        content = (HERE / "first_format.safetensors").read_bytes()
        length = int.from_bytes(content[:8], "little")
        text = json.loads(content[8 : 8 + length])["__metadata__"]["chainrule"]
        assert json.loads(text)["format"] == 1


def test_there_is_a_step_from_every_older_format():
    assert sorted(UPGRADES) == list(range(1, FORMAT))


def test_upgrade_steps_run_in_order_from_the_file_format():
    steps = {
        1: lambda record: {**record, "steps": [*record.get("steps", []), 1]},
        2: lambda record: {**record, "steps": [*record.get("steps", []), 2]},
    }
    assert upgrade({"a": 0}, 1, steps, 3) == {"a": 0, "steps": [1, 2]}
    assert upgrade({"a": 0}, 2, steps, 3) == {"a": 0, "steps": [2]}
    assert upgrade({"a": 0}, 3, steps, 3) == {"a": 0}
