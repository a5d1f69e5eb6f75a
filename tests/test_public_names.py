"""What each room offers exists, and importing it loads little."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import chainrule
from chainrule.errors import MissingNameError

ROOMS = sorted(
    f"chainrule.{module.name}"
    for module in pkgutil.iter_modules(chainrule.__path__)
    if module.ispkg
)
HEAVY = {"scipy", "sklearn", "matplotlib", "duckdb", "rich", "pandas", "polars", "pyarrow"}
BUILT_ON_SCIKIT_LEARN = {"chainrule.cli", "chainrule.estimators"}


@pytest.mark.parametrize("name", ["chainrule", *ROOMS])
def test_every_name_offered_exists_once(name):
    room = importlib.import_module(name)
    assert len(set(room.__all__)) == len(room.__all__)
    missing = [offered for offered in room.__all__ if not hasattr(room, offered)]
    assert not missing


@pytest.mark.parametrize("name", ROOMS)
def test_rooms_offer_no_private_names(name):
    assert not [offered for offered in importlib.import_module(name).__all__ if offered[0] == "_"]


def test_an_unknown_name_is_refused_as_by_any_module():
    with pytest.raises(AttributeError, match="chainrule.*'quux'"):
        chainrule.quux
    with pytest.raises(
        AttributeError, match="chainrule: 'sequential' .* did you mean 'Sequential'"
    ):
        chainrule.sequential


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("layers", "dense", "did you mean 'Dense'"),
        ("layers", "Conv2D", "known: .*'Dense'"),
        ("callbacks", "TensorBoard", "known: .*'EarlyStopping'"),
        ("optimizers", "adam", "did you mean 'Adam'"),
        ("losses", "mean_squared_eror", "did you mean 'mean_squared_error'"),
        ("metrics", "acuracy", "did you mean 'Accuracy'"),
        ("activations", "Relu", "did you mean 'relu'"),
        ("initializers", "he_norml", "did you mean 'he_normal'"),
        ("regularizers", "L3", "known: .*'L2'"),
        ("constraints", "maxnorm", "did you mean 'MaxNorm'"),
    ],
)
def test_a_name_that_a_module_lacks_gets_the_nearest(module, name, words):
    room = getattr(chainrule, module)
    with pytest.raises(MissingNameError, match=f"^{module}: '{name}' is not known; {words}"):
        getattr(room, name)
    assert not hasattr(room, "__wrapped__")


@pytest.mark.parametrize(
    "name", ["chainrule", *(room for room in ROOMS if room not in BUILT_ON_SCIKIT_LEARN)]
)
def test_importing_loads_numpy_and_little_else(name):
    code = f"import sys, {name}; print(*{{module.partition('.')[0] for module in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not HEAVY & set(run.stdout.split())
