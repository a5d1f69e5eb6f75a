"""The drop-ins compute what scikit-learn computes: first values to the bit, curves to rounding."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.neural_network as original
from scipy.sparse import csc_matrix, csr_array
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

import chainrule

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Got `batch_size`"
)
EPOCHS = 50


def _iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), np.array(["setosa", "versicolor", "virginica"])[y]


def _cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X)[:300], y[:300]


def _labels():
    X, y = load_diabetes(return_X_y=True)
    return scale(X)[:200], np.c_[y > 100, y > 150, X[:, 1] > 0][:200].astype(int)


def _numbers():
    X, y = load_diabetes(return_X_y=True)
    return scale(X)[:250], scale(y)[:250]


def _pairs():
    X, y = _numbers()
    return X, np.c_[y, y**2 - y]


def _counts():
    X, y = load_diabetes(return_X_y=True)
    return scale(X)[:250], np.floor(y / 40)[:250]


DATA = {
    "classes": ("MLPClassifier", _iris, {}),
    "two classes": ("MLPClassifier", _cancer, {}),
    "labels": ("MLPClassifier", _labels, {}),
    "numbers": ("MLPRegressor", _numbers, {}),
    "pairs": ("MLPRegressor", _pairs, {}),
    "counts": ("MLPRegressor", _counts, {"loss": "poisson"}),
}
SOLVERS = {
    "adam": {"solver": "adam"},
    "adam, other settings": {
        "solver": "adam", "learning_rate_init": 0.01, "beta_1": 0.8, "beta_2": 0.99,
        "epsilon": 1e-4, "alpha": 0.5,
    },
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "sgd, heavy": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    "sgd, plain": {"solver": "sgd", "momentum": 0.0, "alpha": 2.0},
    "sgd, invscaling": {
        "solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.02,
    },
    "sgd, adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2,
        "learning_rate_init": 0.02,
    },
}  # fmt: skip


def both(kind, X, y, weights=None, **settings):
    """scikit-learn's estimator and ours after the same fit."""
    settings = {"max_iter": EPOCHS, "random_state": 3, "n_iter_no_change": np.inf, **settings}
    return [
        getattr(library, kind)(**settings).fit(X, y, sample_weight=weights)
        for library in (original, chainrule)
    ]


def assert_same(theirs, ours):
    """All numbers that a fit leaves behind."""
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8, atol=1e-8)
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other, abs=1e-8)
    assert (ours.validation_scores_ is None) == (theirs.validation_scores_ is None)
    if theirs.validation_scores_ is not None:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-8)
    for name in ("n_outputs_", "n_layers_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    for one, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", DATA)
def test_curves_agree_for_every_solver_and_loss(data, solver):
    kind, make, settings = DATA[data]
    assert_same(*both(kind, *make(), **settings, **SOLVERS[solver]))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("data", DATA)
def test_curves_agree_for_every_activation(data, activation):
    kind, make, settings = DATA[data]
    layers = {"hidden_layer_sizes": (12, 7), "activation": activation, "batch_size": 32}
    assert_same(*both(kind, *make(), **settings, **layers, learning_rate_init=0.005))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_curves_agree_with_sample_weights(data, solver):
    kind, make, settings = DATA[data]
    X, y = make()
    weights = np.random.default_rng(0).uniform(0.1, 3.0, len(X))
    assert_same(*both(kind, X, y, weights, solver=solver, batch_size=64, alpha=0.3, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 1000},
        {"batch_size": 7},
        {"shuffle": False, "batch_size": 50},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 5},
        {"tol": 0.005, "n_iter_no_change": 3},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"early_stopping": True, "tol": 0.01, "n_iter_no_change": 2, "max_iter": 300},
        {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive", "tol": 0.02,
         "n_iter_no_change": 1},
    ],
)  # fmt: skip
@pytest.mark.parametrize("data", ["classes", "two classes", "labels", "pairs"])
def test_curves_agree_whatever_the_batches_and_the_stopping(data, settings):
    kind, make, _ = DATA[data]
    assert_same(*both(kind, *make(), **settings))


@pytest.mark.parametrize("data", ["two classes", "numbers"])
def test_scores_of_weighted_rows_held_back_agree(data):
    kind, make, _ = DATA[data]
    X, y = make()
    weights = np.random.default_rng(1).uniform(0.1, 3.0, len(X))
    assert_same(*both(kind, X, y, weights, early_stopping=True))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("data", DATA)
def test_lbfgs_ends_where_scikit_learn_ends(data, activation, weighted):
    kind, make, settings = DATA[data]
    X, y = make()
    weights = np.random.default_rng(2).uniform(0.1, 3.0, len(X)) if weighted else None
    theirs, ours = both(
        kind, X, y, weights, solver="lbfgs", activation=activation, alpha=0.1,
        hidden_layer_sizes=(6,), **settings,
    )  # fmt: skip
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)
    assert not hasattr(ours, "loss_curve_")


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("activation", ["logistic", "relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_values_are_equal_to_the_bit(data, seed, activation, dtype):
    kind, make, settings = DATA[data]
    X, y = make()
    # a rate so small that no bit of a weight moves
    theirs, ours = both(
        kind, X.astype(dtype), y, max_iter=1, solver="sgd", learning_rate_init=1e-300,
        momentum=0.0, alpha=0.0, hidden_layer_sizes=(9, 4), activation=activation,
        **{**settings, "random_state": seed},
    )  # fmt: skip
    for one, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, other)


def test_a_random_state_object_is_used_up_alike():
    X, y = _iris()
    states = np.random.RandomState(5), np.random.RandomState(5)
    theirs, ours = (
        library.MLPClassifier(random_state=state, max_iter=8, early_stopping=True).fit(X, y)
        for library, state in zip((original, chainrule), states, strict=True)
    )
    assert_same(theirs, ours)
    assert states[0].randint(1 << 30) == states[1].randint(1 << 30)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_starts_go_on_alike(data, solver):
    kind, make, settings = DATA[data]
    X, y = make()
    theirs, ours = both(kind, X, y, warm_start=True, solver=solver, max_iter=7, **settings)
    for one in (theirs, ours):
        one.set_params(max_iter=9, alpha=0.2).fit(X, y)
    assert len(ours.loss_curve_) == 16
    assert_same(theirs, ours)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_agree(data, solver):
    kind, make, settings = DATA[data]
    X, y = make()
    first = {"classes": np.unique(y)} if data in ("classes", "two classes") else {}
    if data == "labels":
        first = {"classes": [0, 1, 2]}
    theirs, ours = (
        getattr(library, kind)(random_state=1, solver=solver, learning_rate="invscaling",
                               batch_size=40, **settings)
        for library in (original, chainrule)
    )  # fmt: skip
    for one in (theirs, ours):
        one.partial_fit(X[:120], y[:120], **first)
        for start in (30, 60, 0):
            one.partial_fit(X[start : start + 100], y[start : start + 100])
    assert_same(theirs, ours)


@pytest.mark.parametrize("form", [csr_array, csc_matrix])
@pytest.mark.parametrize("data", ["classes", "pairs"])
def test_sparse_rows_agree(data, form):
    kind, make, _ = DATA[data]
    X, y = make()
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    theirs, ours = both(kind, form(X), y, early_stopping=True)
    assert_same(theirs, ours)
    np.testing.assert_array_equal(ours.predict(form(X)), ours.predict(X))


def test_losses_beyond_the_smallest_probability_are_reported_as_scikit_learn_does():
    X, y = _iris()
    theirs, ours = both("MLPClassifier", X * 1e3, y, max_iter=5)
    assert_same(theirs, ours)
    # of two classes scikit-learn takes 1 - p, which rounds; where all are far off, it is exact
    X = np.array([[-1e5], [1e5], [2e5], [-3e5]])
    for y in ([0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 0, 1]):
        theirs, ours = both("MLPClassifier", X, y, max_iter=5)
        assert theirs.loss_curve_[0] > 8
        assert_same(theirs, ours)


@pytest.mark.parametrize("data", DATA)
def test_predictions_agree(data):
    kind, make, settings = DATA[data]
    X, y = make()
    theirs, ours = both(kind, X, y, max_iter=5, **settings)
    found, wanted = ours.predict(X), theirs.predict(X)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    if kind == "MLPRegressor":
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
        return
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-9)
    assert ours.score(X, y) == theirs.score(X, y)


@pytest.mark.parametrize("data", DATA)
def test_parameters_defaults_and_what_a_fit_leaves_are_scikit_learn_s(data):
    kind, make, settings = DATA[data]
    theirs, ours = both(kind, *make(), max_iter=2, **settings)
    for method in ("__init__", "fit", "partial_fit", "predict", "score"):
        wanted, found = (
            [
                (one.name, one.kind, one.default)
                for one in inspect.signature(
                    getattr(getattr(library, kind), method)
                ).parameters.values()
            ]
            for library in (original, chainrule)
        )
        assert found[: len(wanted)] == wanted
        assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in found[len(wanted) :])
    defaults = getattr(original, kind)().get_params()
    assert {name: getattr(chainrule, kind)().get_params()[name] for name in defaults} == defaults
    fitted = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert fitted <= set(vars(ours))


def test_a_stop_at_the_last_epoch_is_warned_of_in_the_same_words():
    X, y = _iris()
    told = []
    for library in (original, chainrule):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            library.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
        told.append([(one.category, str(one.message)) for one in caught])
    assert told[0] == told[1] and told[0][0][0] is ConvergenceWarning


def test_what_is_printed_is_what_scikit_learn_prints(capsys):
    X, y = _iris()
    settings = [
        {"tol": 0.05, "n_iter_no_change": 2},
        {"early_stopping": True, "n_iter_no_change": 3},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1},
    ]
    for one in settings:
        printed = []
        for library in (original, chainrule):
            library.MLPClassifier(verbose=True, random_state=0, max_iter=40, **one).fit(X, y)
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1]


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (3, -1)}, {"hidden_layer_sizes": 0}, {"solver": "hadoken"},
        {"alpha": -1}, {"learning_rate": "fast"}, {"max_iter": 0}, {"momentum": 2},
        {"validation_fraction": 1.0}, {"beta_1": 1}, {"epsilon": -0.1}, {"n_iter_no_change": -1},
        {"batch_size": "many"}, {"shuffle": "yes"}, {"tol": -1.0}, {"power_t": -1},
    ],
)  # fmt: skip
def test_settings_are_refused_where_scikit_learn_refuses_them(kind, settings):
    X, y = _numbers()
    y = (y > 0).astype(int)
    refused = []
    for library in (original, chainrule):
        with pytest.raises(ValueError) as caught:
            getattr(library, kind)(**settings).fit(X, y)
        refused.append(str(caught.value))
    if "solver" not in settings:
        assert refused[0].split("Got")[0][:60] == refused[1].split("Got")[0][:60]
