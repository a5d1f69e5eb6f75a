"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import chainrule
from chainrule import graph

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = ["chainrule"] + sorted(
    module.name
    for module in pkgutil.walk_packages(chainrule.__path__, "chainrule.")
    if module.name not in ("chainrule.__main__", "chainrule._native")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert not failed, "see the captured output for the example"


# An operation that is a ufunc of NumPy has NumPy's docstring.
WRITTEN_HERE = sorted(
    name
    for name, operation in graph.OPERATIONS.items()
    if not isinstance(operation.meaning, np.ufunc)
)


@pytest.mark.parametrize("name", WRITTEN_HERE)
def test_examples_of_an_operation_run(name):
    operation = graph.OPERATIONS[name]
    known = dict(vars(importlib.import_module(operation.meaning.__module__)))
    examples = doctest.DocTestParser().get_doctest(operation.__doc__ or "", known, name, None, None)
    failed, _ = doctest.DocTestRunner(optionflags=OPTIONS).run(examples)
    assert not failed, "see the captured output for the example"
