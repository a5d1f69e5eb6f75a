"""The rows that a run was judged on."""

import numpy as np
import pytest

from chainrule.errors import ModelFileError
from chainrule.files import save_model
from chainrule.reporting import JudgedRows


def test_judged_rows_come_back_to_the_bit(tmp_path):
    draw = np.random.default_rng(0)
    answers = draw.dirichlet([1.0, 1.0, 1.0], 20)
    judged = JudgedRows(
        "classification", "kind", draw.integers(-1, 3, 20), answers, np.arange(20), "f0",
        draw.random(20), ("a", "b", "c"), 0, {"linear": answers[::-1], "naive": answers / 2},
        draw.integers(0, 4, 20),
    )  # fmt: skip
    judged.save(tmp_path / "judged.safetensors")
    again = JudgedRows.load(tmp_path / "judged.safetensors")
    for name in ("truth", "answers", "rows", "weights", "groups"):
        np.testing.assert_array_equal(getattr(again, name), getattr(judged, name))
    assert list(again.baselines) == ["linear", "naive"]
    for name, kept in judged.baselines.items():
        np.testing.assert_array_equal(again.baselines[name], kept)
    assert (again.labels, again.positive, again.fingerprint) == (("a", "b", "c"), 0, "f0")


def test_a_file_without_baselines_as_older_runs_have_it_is_read(tmp_path):
    record = {
        "kind": "judged rows", "task": "regression", "target": "y", "positive": 1,
        "fingerprint": "f0", "labels": [],
    }  # fmt: skip
    arrays = {"truth": np.ones(2), "answers": np.zeros(2)}
    save_model(tmp_path / "judged.safetensors", record, arrays)
    found = JudgedRows.load(tmp_path / "judged.safetensors")
    assert found.baselines == {} and found.groups is None


def test_what_holds_no_judged_rows_is_refused_with_a_sentence(tmp_path):
    save_model(tmp_path / "model.safetensors", {"kind": "table"}, {})
    with pytest.raises(ModelFileError, match="holds no judged rows but 'table'"):
        JudgedRows.load(tmp_path / "model.safetensors")
    save_model(tmp_path / "half.safetensors", {"kind": "judged rows"}, {"truth": np.ones(2)})
    with pytest.raises(ModelFileError, match="does not describe judged rows"):
        JudgedRows.load(tmp_path / "half.safetensors")
