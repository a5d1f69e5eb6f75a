"""Fits that go on where another stopped, and settings that change in between."""

import numpy as np
import pytest
import sklearn.neural_network as original
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X = scale(X)
TWO_X, TWO_Y = (part[:200] for part in load_breast_cancer(return_X_y=True))
TWO_X = scale(TWO_X)
NAMES = np.array(["u", "v", "w"])[Y]
PAIRS = np.column_stack([NAMES, np.array(["p", "q"])[(X[:, 0] > 0).astype(int)]])


def both(**settings):
    settings = {"random_state": 0, "max_iter": 3, **settings}
    return [library.MLPClassifier(**settings) for library in (original, chainrule)]


def assert_alike(theirs, ours):
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
    for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("epochs", [1, 4])
def test_warm_starts_with_early_stopping_go_on_from_where_they_are(epochs):
    theirs, ours = both(warm_start=True, early_stopping=True, max_iter=epochs)
    for _ in range(6):
        for one in (theirs, ours):
            one.fit(X, Y)
        assert_alike(theirs, ours)
    assert len(set(ours.loss_curve_)) == len(ours.loss_curve_)


def test_settings_changed_between_partial_fits_count_as_in_scikit_learn():
    theirs, ours = both(solver="sgd", learning_rate="invscaling", learning_rate_init=0.1)
    changes = [
        {}, {"alpha": 3.0}, {"learning_rate_init": 0.5}, {"momentum": 0.1}, {"batch_size": 30},
        {"solver": "adam"}, {"learning_rate": "constant"}, {"activation": "tanh"}, {},
    ]  # fmt: skip
    for change in changes:
        for one in (theirs, ours):
            one.set_params(**change).partial_fit(X, Y, classes=[0, 1, 2])
        assert_alike(theirs, ours)


def test_partial_fit_after_lbfgs_takes_the_solver_that_is_set():
    theirs, ours = both(solver="sgd", shuffle=False, learning_rate_init=0.01)
    for one in (theirs, ours):
        one.fit(X, Y)
        one.set_params(solver="lbfgs", warm_start=True).fit(X, Y)
        one.set_params(solver="sgd", warm_start=False)
        for _ in range(3):
            one.partial_fit(X, Y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
    alone = MLPClassifier(solver="lbfgs", random_state=0, max_iter=3).fit(X, Y)
    alone.set_params(solver="adam").partial_fit(X, Y)
    assert len(alone.loss_curve_) == 1


def test_a_network_that_goes_on_keeps_its_units():
    theirs, ours = both(warm_start=True)
    for one in (theirs, ours):
        one.fit(X, Y)
        one.set_params(hidden_layer_sizes=(3,)).fit(X, Y)
    assert_alike(theirs, ours)
    assert ours.coefs_[0].shape == (4, 100)
    with pytest.raises(ValueError, match="has 1 hidden layers and 3 outputs, and cannot go on"):
        ours.set_params(hidden_layer_sizes=(3, 3)).fit(X, Y)
    network = MLPRegressor(random_state=0, max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="cannot go on with 1 and 2"):
        network.partial_fit(X, np.c_[Y, Y])


def test_early_stopping_may_be_switched_off_in_a_warm_start():
    network = MLPClassifier(random_state=0, max_iter=3, early_stopping=True, warm_start=True)
    network.fit(X, Y).set_params(early_stopping=False).fit(X, Y)
    assert network.best_loss_ == min(network.loss_curve_[3:])


def test_masks_of_dropout_differ_between_warm_starts_and_between_seeds():
    def losses(seed, fits):
        network = MLPClassifier(
            (50,), dropout=0.5, solver="sgd", learning_rate_init=1e-300, momentum=0.0,
            shuffle=False, random_state=seed, warm_start=True, max_iter=1,
        )  # fmt: skip
        return [network.fit(X, Y).loss_ for _ in range(fits)]

    found = losses(0, 4)
    assert len(set(found)) == 4 and found == losses(0, 4)
    # the same weights and rows under other masks
    state = MLPClassifier((50,), solver="sgd", learning_rate_init=1e-300, random_state=0)
    plain = state.set_params(max_iter=1, momentum=0.0, shuffle=False).fit(X, Y).loss_
    assert plain not in found


def test_class_weights_and_sample_weights_are_multiplied():
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(TWO_Y))
    settings = {"random_state": 0, "max_iter": 5}
    one = MLPClassifier(class_weight={0: 2.0, 1: 0.5}, **settings).fit(TWO_X, TWO_Y, weights)
    other = MLPClassifier(**settings).fit(TWO_X, TWO_Y, weights * np.where(TWO_Y == 0, 2.0, 0.5))
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-12)


def test_class_weights_count_in_rows_to_watch():
    factors = {0: 9.0, 1: 1.0}
    network = MLPClassifier(class_weight=factors, random_state=0, max_iter=3)
    network.fit(TWO_X[:150], TWO_Y[:150], eval_set=(TWO_X[150:], TWO_Y[150:]))
    weights = np.where(TWO_Y[150:] == 0, 9.0, 1.0)
    wanted = log_loss(TWO_Y[150:], network.predict_proba(TWO_X[150:]), sample_weight=weights)
    assert network.validation_loss_curve_[-1] == pytest.approx(wanted, rel=1e-9)
    assert network.validation_scores_[-1] == network.score(TWO_X[150:], TWO_Y[150:], weights)


def test_a_batch_of_partial_fit_need_not_have_every_weighted_class():
    network = MLPClassifier(class_weight={1: 5.0}, random_state=0)
    network.partial_fit(TWO_X, TWO_Y, classes=[0, 1])
    network.partial_fit(TWO_X[TWO_Y == 0], TWO_Y[TWO_Y == 0])
    assert len(network.loss_curve_) == 2


def test_several_targets_are_scored_by_rows_that_are_wholly_right():
    network = MLPClassifier(random_state=0, max_iter=60, learning_rate_init=0.01).fit(X, PAIRS)
    right = (network.predict(X) == PAIRS).all(axis=1)
    weights = np.arange(1.0, len(X) + 1)
    assert network.score(X, PAIRS) == right.mean() > 0.8
    assert network.score(X, PAIRS, weights) == np.average(right, weights=weights)
    network.fit(X, PAIRS, eval_set=(X, PAIRS))
    assert network.validation_scores_[-1] == network.score(X, PAIRS)


def test_classes_of_several_targets_are_known_from_the_first_batch():
    classes = [["u", "v", "w"], ["p", "q"]]
    network = MLPClassifier(random_state=0)
    network.partial_fit(X[:5], PAIRS[:5], classes=classes).partial_fit(X, PAIRS, classes=classes)
    assert [labels.tolist() for labels in network.classes_] == classes
    with pytest.raises(ValueError, match="are not those of the last call"):
        network.partial_fit(X, PAIRS, classes=[["u"], ["p", "q"]])
    numbers = np.c_[Y, Y > 0]
    network = MLPClassifier(random_state=0).partial_fit(
        X[:4], [[0, 1], [1, 0], [1, 1], [0, 0]], classes=[[0, 1, 2], [0, 1]]
    )
    network.partial_fit(X, numbers)
    assert network.predict(X).shape == numbers.shape


def test_losses_that_do_not_go_with_the_targets_are_refused():
    with pytest.raises(SettingError, match="several targets of classes go with 'log_loss'"):
        MLPClassifier(loss="mse").fit(X, PAIRS)
    with pytest.raises(SettingError, match="is of three classes or more"):
        MLPClassifier(loss="sparse_categorical_crossentropy").fit(TWO_X, TWO_Y)
    with pytest.raises(SettingError, match="is a loss of classes; use it with MLPClassifier"):
        MLPRegressor("sparse_categorical_crossentropy").fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_metrics_are_checked_where_there_are_no_rows_to_watch(solver):
    with pytest.raises(SettingError, match="metric: 'foo' is not known"):
        MLPClassifier(metric="foo", solver=solver).fit(X, Y)


def test_metrics_take_weights_where_they_can_and_names_of_frames():
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abcd"))
    weights = np.arange(1.0, len(X) + 1)
    seen = []

    def share(estimator, X, y):
        seen.append(X)
        return float((estimator.predict(X) == y).mean())

    for metric in (share, "accuracy", "neg_log_loss"):
        network = MLPClassifier(early_stopping=True, metric=metric, max_iter=2, random_state=0)
        network.fit(frame, Y, weights)
    assert list(seen[0].columns) == list("abcd") and len(seen[0]) == 15
    held = frame[:50], Y[:50], weights[:50]
    network = MLPClassifier(metric="accuracy", max_iter=2, random_state=0)
    network.fit(frame, Y, eval_set=held)
    assert network.validation_scores_[-1] == network.score(*held)


@pytest.mark.parametrize(
    "given, words",
    [
        ((X[:, :2], Y), "eval_set: X has 2 features"),
        ((X, Y + 1), "eval_set: `y` has classes not in"),
        ((np.where(X > 0, np.nan, X), Y), "eval_set: Input X contains NaN"),
        ((X, Y[:3]), "eval_set: Found input variables with inconsistent numbers of samples"),
    ],
)
def test_what_is_wrong_with_an_eval_set_is_said_of_it(given, words):
    with pytest.raises(SettingError, match=words):
        MLPClassifier(max_iter=2).fit(X, Y, eval_set=given)


def test_targets_of_another_form_than_the_network_s_are_refused():
    network = MLPRegressor(max_iter=2, random_state=0)
    with pytest.raises(
        ValueError, match=r"y has shape \(150, 2\), but the network was fitted on 1"
    ):
        network.fit(X, Y, eval_set=(X, np.c_[Y, Y]))


def test_batch_norm_stands_before_the_activation():
    network = MLPClassifier((6,), batch_norm=True, random_state=0, max_iter=30).fit(X, Y)
    kept = {
        name.rpartition("/")[2]: network._trainer.parameters[name]
        for name in network._trainer.parameters.names if name.startswith("batch")
    }  # fmt: skip
    z = X @ network.coefs_[0] + network.intercepts_[0]
    scaled = (z - kept["moving_mean"]) / np.sqrt(kept["moving_variance"] + 1e-3)
    hidden = np.maximum(scaled * kept["gamma"] + kept["beta"], 0)
    logits = hidden @ network.coefs_[1] + network.intercepts_[1]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    wanted = shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network.predict_proba(X), wanted, rtol=1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_batch_of_rows_that_weigh_nothing_is_told_of(early_stopping):
    weights = np.r_[np.ones(8), np.zeros(len(X) - 8)]
    network = MLPClassifier(batch_size=5, random_state=0, early_stopping=early_stopping)
    with pytest.raises(ValueError, match="of which all rows weigh 0 has no loss"):
        network.fit(X, Y, weights)


def test_an_array_gives_a_value_for_each_layer():
    listed = MLPClassifier((5, 4), ["tanh", "relu"], dropout=[0.1, 0.2], random_state=0, max_iter=2)
    array = MLPClassifier(
        (5, 4), np.array(["tanh", "relu"]), dropout=np.array([0.1, 0.2]), random_state=0, max_iter=2
    )
    assert listed.fit(X, Y).loss_curve_ == array.fit(X, Y).loss_curve_


def test_partial_fit_with_lbfgs_is_what_scikit_learn_has():
    assert hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    theirs, ours = (
        library.MLPRegressor(solver="lbfgs", random_state=0, max_iter=5).partial_fit(X, Y)
        for library in (original, chainrule)
    )
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_sparse_rows_are_written_out_some_at_a_time(monkeypatch, solver, weighted):
    from scipy.sparse import csr_array

    from chainrule.training import intake

    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(X)) if weighted else None
    rows = csr_array(np.where(X > 0.5, X, 0.0))
    settings = {"solver": solver, "random_state": 0, "max_iter": 5, "alpha": 0.5}
    held = {} if solver == "lbfgs" else {"eval_set": (rows, Y, weights)}
    whole = MLPClassifier(**settings).fit(rows, Y, weights, **held)
    written = []
    dense = intake._dense
    monkeypatch.setattr(intake, "_dense", lambda array: written.append(array.shape) or dense(array))
    monkeypatch.setattr(intake, "MOST_DENSE", 40 * 8 * 6)
    parts = MLPClassifier(**{**settings, "batch_size": 40}).fit(rows, Y, weights, **held)
    assert max(shape[0] for shape in written) < 60
    if solver == "lbfgs":
        assert parts.loss_ == pytest.approx(whole.loss_, rel=1e-9)
    else:
        outputs = parts.predict_proba(rows)
        wanted = log_loss(Y, outputs, sample_weight=weights)
        assert parts.validation_loss_curve_[-1] == pytest.approx(wanted, rel=1e-9)
