"""A model file to read, and to damage."""

from __future__ import annotations

import pytest
from tests.files.samples import ARRAYS, RECORD

from chainrule.files import save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def good(folder):
    save_model(folder / "good.safetensors", RECORD, ARRAYS)
    return (folder / "good.safetensors").read_bytes()
