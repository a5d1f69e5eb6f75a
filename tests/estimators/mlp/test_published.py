"""scikit-learn's own published tests of its networks, run on ours wherever they test behavior."""

import importlib.util
import sys

import pytest
import sklearn.neural_network
from sklearn.neural_network.tests import test_mlp as published

import chainrule

PRIVATE = {
    "test_fit",
    "test_gradient",
    "test_learning_rate_warmstart",
    "test_adaptive_learning_rate",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
}
"""They read attributes that scikit-learn does not show its users."""

pytestmark = pytest.mark.filterwarnings("default")  # theirs are silenced where they expect them


def _on_ours():
    """A copy of the test module in which scikit-learn's estimators are ours."""
    spec = importlib.util.spec_from_file_location("published_tests_on_ours", published.__file__)
    module = importlib.util.module_from_spec(spec)
    originals = {name: getattr(sklearn.neural_network, name) for name in NAMES}
    for name in NAMES:
        setattr(sklearn.neural_network, name, getattr(chainrule, name))
    try:
        spec.loader.exec_module(module)
    finally:
        for name, original in originals.items():
            setattr(sklearn.neural_network, name, original)
    sys.modules[spec.name] = module
    return module


NAMES = ("MLPClassifier", "MLPRegressor")
ours = _on_ours()
names = [name for name in vars(ours) if name.startswith("test_") and name not in PRIVATE]
globals().update({name: getattr(ours, name) for name in names})


@pytest.fixture
def global_random_seed():
    return 42


def test_all_but_the_private_ones_are_run():
    assert set(vars(published)) >= PRIVATE
    assert len(names) >= 37
    assert ours.MLPClassifier is chainrule.MLPClassifier
