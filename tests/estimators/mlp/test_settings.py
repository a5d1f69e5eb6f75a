"""What scikit-learn's networks have not: each setting against what it must do."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_pinball_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.callbacks import Callback, EarlyStopping
from chainrule.errors import DataError, SettingError, TrainingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


@pytest.fixture
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def loss_of(network, X, y):
    return log_loss(y, network.predict_proba(X))


def test_settings_that_are_new_change_nothing_by_default(cancer):
    X, y = cancer
    plain = MLPClassifier(random_state=0, max_iter=5).fit(X, y)
    told = MLPClassifier(
        random_state=0, max_iter=5, dropout=0, batch_norm=False, class_weight=None,
        loss="log_loss", schedule=None, metric=None, callbacks=None,
    ).fit(X, y)  # fmt: skip
    assert plain.loss_curve_ == told.loss_curve_
    weighted = MLPClassifier(random_state=0, max_iter=5).fit(X, y, np.ones(len(X)))
    np.testing.assert_allclose(weighted.loss_curve_, plain.loss_curve_, rtol=1e-12)


def test_dropout_leaves_units_out_in_training_alone(cancer):
    X, y = cancer
    networks = [
        MLPClassifier((50, 50), random_state=0, max_iter=40, dropout=rate).fit(X, y)
        for rate in (0.0, 0.5, [0.0, 0.5], (0.5, 0.5))
    ]
    # the loss of training is that of a thinned network, the loss afterwards that of the whole
    assert networks[1].loss_ > loss_of(networks[1], X, y)
    assert networks[0].loss_ < networks[2].loss_ < networks[1].loss_
    assert networks[3].loss_curve_ == networks[1].loss_curve_
    np.testing.assert_array_equal(networks[1].predict_proba(X), networks[1].predict_proba(X))
    again = clone(networks[1]).fit(X, y)
    assert again.loss_curve_ == networks[1].loss_curve_


def test_batch_norm_predicts_with_running_statistics_and_learns_unscaled_data():
    X, y = load_breast_cancer(return_X_y=True)
    settings = {"random_state": 0, "max_iter": 60, "solver": "sgd", "learning_rate_init": 0.05}
    network = MLPClassifier(batch_norm=True, **settings).fit(X / X.max(0) + 5.0, y)
    plain = MLPClassifier(**settings).fit(X / X.max(0) + 5.0, y)
    assert network.score(X / X.max(0) + 5.0, y) > plain.score(X / X.max(0) + 5.0, y) + 0.1
    rows = (X / X.max(0) + 5.0)[:3]
    np.testing.assert_allclose(
        network.predict_proba(rows),
        np.concatenate([network.predict_proba(row[None]) for row in rows]),
    )


def test_class_weights_are_sample_weights_by_class(cancer):
    X, y = cancer
    settings = {"random_state": 0, "max_iter": 10}
    factors = {0: 3.0, 1: 0.5}
    by_class = MLPClassifier(class_weight=factors, **settings).fit(X, y)
    by_row = MLPClassifier(**settings).fit(X, y, np.where(y == 0, 3.0, 0.5))
    np.testing.assert_allclose(by_class.loss_curve_, by_row.loss_curve_, rtol=1e-12)
    balanced = MLPClassifier(class_weight="balanced", **settings).fit(X, y)
    shares = len(y) / (2 * np.bincount(y))
    both = MLPClassifier(**settings).fit(X, y, shares[y])
    np.testing.assert_allclose(balanced.loss_curve_, both.loss_curve_, rtol=1e-12)
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


def test_rows_of_an_eval_set_are_watched_and_not_learned(cancer):
    X, y = cancer
    network = MLPClassifier(random_state=0, max_iter=12)
    network.fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    alone = MLPClassifier(random_state=0, max_iter=12).fit(X[:300], y[:300])
    assert network.loss_curve_ == alone.loss_curve_
    assert network.validation_scores_[-1] == network.score(X[300:], y[300:])
    assert network.validation_loss_curve_[-1] == pytest.approx(
        loss_of(network, X[300:], y[300:]), rel=1e-9
    )
    assert len(network.validation_loss_curve_) == 12


def test_weights_of_an_eval_set_count(diabetes):
    X, y = diabetes
    weights = np.random.default_rng(0).uniform(0, 4, len(y) - 300)
    network = MLPRegressor(random_state=0, max_iter=5)
    network.fit(X[:300], y[:300], eval_set=(X[300:], y[300:], weights))
    errors = (network.predict(X[300:]) - y[300:]) ** 2 / 2
    assert network.validation_loss_curve_[-1] == pytest.approx(
        np.average(errors, weights=weights), rel=1e-9
    )
    assert network.validation_scores_[-1] == network.score(X[300:], y[300:], weights)


def test_an_eval_set_in_a_pipeline_is_given_as_the_network_takes_it(cancer):
    X, y = load_breast_cancer(return_X_y=True)
    scaler = StandardScaler().fit(X[:400])
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(random_state=0, max_iter=20))
    held = scaler.transform(X[400:]), y[400:]
    pipeline.fit(X[:400], y[:400], mlpclassifier__eval_set=held)
    assert pipeline[-1].validation_scores_[-1] == pipeline.score(X[400:], y[400:])


@pytest.mark.parametrize(
    "metric, score",
    [
        ("roc_auc", lambda n, X, y: roc_auc_score(y, n.predict_proba(X)[:, 1])),
        ("neg_log_loss", lambda n, X, y: -loss_of(n, X, y)),
        ("loss", lambda n, X, y: -loss_of(n, X, y)),
        (lambda n, X, y: float(n.coefs_[0][0, 0]), lambda n, X, y: n.coefs_[0][0, 0]),
    ],
)
def test_early_stopping_goes_by_any_metric_and_keeps_its_best_weights(cancer, metric, score):
    X, y = cancer
    network = MLPClassifier(
        random_state=0, early_stopping=True, metric=metric, n_iter_no_change=3, tol=1e-4,
        learning_rate_init=0.01,
    )  # fmt: skip
    network.fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    assert network.stopped_ and network.n_iter_ < 200
    assert network.best_validation_score_ == max(network.validation_scores_)
    assert score(network, X[300:], y[300:]) == pytest.approx(network.best_validation_score_)
    assert len(network.validation_loss_curve_) == network.n_iter_


def test_an_unknown_metric_is_refused(cancer):
    with pytest.raises(SettingError, match="metric: 'speed' is not known"):
        MLPClassifier(metric="speed", early_stopping=True).fit(*cancer)


@pytest.mark.parametrize("solver", ["adamw", "rmsprop", "adagrad", "nadam"])
def test_other_solvers_move_weights_by_their_own_rule(diabetes, solver):
    X, y = diabetes
    network = MLPRegressor(
        random_state=0, max_iter=1, solver=solver, batch_size=len(y), alpha=0.0, shuffle=False,
        learning_rate_init=0.01, hidden_layer_sizes=(), activation="identity",
    ).fit(X, y)  # fmt: skip
    # the first step of a linear network, written out
    state = np.random.RandomState(0)
    bound = np.sqrt(6 / (X.shape[1] + 1))
    kernel, bias = state.uniform(-bound, bound, (X.shape[1], 1)), state.uniform(-bound, bound, 1)
    errors = X @ kernel + bias - y[:, None]
    slope = X.T @ errors / len(y)
    steps = {
        "adamw": slope / (np.abs(slope) + 1e-7 / np.sqrt(1 - 0.999)) + 0.004 * kernel,
        "rmsprop": slope / np.sqrt(0.1 * slope**2 + 1e-7),
        "adagrad": slope / np.sqrt(0.1 + slope**2 + 1e-7),
    }
    if solver in steps:
        np.testing.assert_allclose(network.coefs_[0], kernel - 0.01 * steps[solver], rtol=1e-6)
    assert not np.array_equal(network.coefs_[0], kernel)


def test_a_solver_may_be_an_object(diabetes):
    X, y = diabetes
    by_name = MLPRegressor(
        random_state=0, max_iter=5, solver="sgd", momentum=0.3, learning_rate_init=0.02
    ).fit(X, y)
    rule = chainrule.optimizers.SGD(0.02, momentum=0.3, nesterov=True)
    by_object = MLPRegressor(random_state=0, max_iter=5, solver=rule).fit(X, y)
    assert by_object.loss_curve_ == by_name.loss_curve_


def test_a_schedule_sets_the_rate_of_each_step(diabetes):
    X, y = diabetes
    steps = []

    def rate(step):
        steps.append(step)
        return 0.01 if step < 4 else 1e-300

    network = MLPRegressor(
        random_state=0, max_iter=4, solver="sgd", momentum=0.0, schedule=rate, alpha=0.0
    ).fit(X, y)  # 3 steps an epoch
    assert set(steps) >= set(range(12))
    assert (
        network.loss_curve_[1]
        > network.loss_curve_[2]
        == pytest.approx(network.loss_curve_[3], rel=1e-9)
    )


def test_each_layer_may_have_its_own_activation(cancer):
    X, y = cancer
    network = MLPClassifier(
        (8, 6), ["tanh", "gelu"], random_state=0, max_iter=30, learning_rate_init=0.01
    ).fit(X, y)
    from scipy.special import erf, expit

    first = np.tanh(X @ network.coefs_[0] + network.intercepts_[0])
    z = first @ network.coefs_[1] + network.intercepts_[1]
    second = z * 0.5 * (1 + erf(z / np.sqrt(2)))
    last = expit(second @ network.coefs_[2] + network.intercepts_[2])
    np.testing.assert_allclose(network.predict_proba(X)[:, 1:], last, rtol=1e-9)
    same = [MLPClassifier((8, 6), given, random_state=0, max_iter=3).fit(X, y)
            for given in ("logistic", ["logistic", "logistic"], "sigmoid")]  # fmt: skip
    assert same[0].loss_curve_ == same[1].loss_curve_ == same[2].loss_curve_
    with pytest.raises(SettingError, match="activation: 1 values are given for 2 hidden layers"):
        MLPClassifier((8, 6), ["tanh"]).fit(X, y)


def test_losses_of_one_s_own_descend(diabetes, cancer):
    X, y = diabetes
    network = MLPRegressor(
        chainrule.losses.Quantile(0.9), random_state=0, max_iter=300, learning_rate_init=0.01
    ).fit(X, y)
    assert network.loss_ == pytest.approx(
        mean_pinball_loss(y, network.predict(X), alpha=0.9), rel=0.1
    )
    assert 0.85 < np.mean(y <= network.predict(X)) < 0.95

    def focal(y_true, y_pred):
        shown = y_true * y_pred + (1 - y_true) * (1 - y_pred)
        return -((1 - shown) ** 2) * chainrule.ops.log(shown + 1e-7)

    X, y = cancer
    network = MLPClassifier(loss=focal, random_state=0, max_iter=50).fit(X, y)
    assert network.score(X, y) > 0.95
    shown = network.predict_proba(X)[np.arange(len(y)), y]
    wanted = np.mean(-((1 - shown) ** 2) * np.log(shown + 1e-7))
    assert network.loss_ == pytest.approx(wanted, rel=0.1)


def test_several_targets_of_classes_are_learned_at_once():
    X, y = load_iris(return_X_y=True)
    kinds = np.array(["setosa", "versicolor", "virginica"])[y]
    sizes = np.array(["small", "middle", "tall"])[(X[:, 0] > 5.4).astype(int) + (X[:, 0] > 6.2)]
    both = np.column_stack([kinds, sizes])
    network = MLPClassifier(random_state=0, max_iter=400, learning_rate_init=0.01)
    network.fit(scale(X), both)
    assert [classes.tolist() for classes in network.classes_] == [
        sorted(set(kinds)), sorted(set(sizes))
    ]  # fmt: skip
    found = network.predict(scale(X))
    assert found.shape == both.shape and (found == both).mean() > 0.95
    parts = network.predict_proba(scale(X))
    for column, (classes, part) in enumerate(zip(network.classes_, parts, strict=True)):
        np.testing.assert_allclose(part.sum(axis=1), 1.0)
        np.testing.assert_array_equal(classes[part.argmax(axis=1)], found[:, column])
    wanted = sum(log_loss(both[:, i], part) for i, part in enumerate(parts))
    assert network.loss_ == pytest.approx(wanted, rel=0.05)
    with pytest.raises(ValueError, match="huge.*in column 1, which has"):
        network.partial_fit(scale(X)[:1], [["setosa", "huge"]])


def test_partial_fit_stops_early_with_an_eval_set_and_gives_the_best_weights_back(cancer):
    X, y = cancer
    network = MLPClassifier(
        random_state=0, early_stopping=True, n_iter_no_change=2, metric="loss", tol=1e-3,
        learning_rate_init=0.02,
    )  # fmt: skip
    for _ in range(200):
        network.partial_fit(X[:300], y[:300], classes=[0, 1], eval_set=(X[300:], y[300:]))
        if network.stopped_:
            break
    assert 4 < len(network.validation_scores_) < 200
    assert -loss_of(network, X[300:], y[300:]) == pytest.approx(max(network.validation_scores_))
    assert max(network.validation_scores_) > network.validation_scores_[-1]


def test_callbacks_are_told_and_may_stop(cancer):
    X, y = cancer
    seen = []

    class Seen(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(dict(logs))
            return len(seen) == 4

    network = MLPClassifier(random_state=0, callbacks=[Seen()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    assert [one["loss"] for one in seen] == network.loss_curve_
    assert [one["val_loss"] for one in seen] == network.validation_loss_curve_
    stopping = EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    network = MLPClassifier(random_state=0, max_iter=500, callbacks=stopping)
    network.fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    assert loss_of(network, X[300:], y[300:]) == pytest.approx(min(network.validation_loss_curve_))


def test_training_stops_at_the_first_loss_that_is_not_finite_with_the_reason(diabetes):
    X, y = diabetes
    network = MLPRegressor(solver="sgd", learning_rate_init=10.0, random_state=0)
    with pytest.raises(ValueError, match=r"non-finite.*The loss is \w+ in epoch \d+, step \d+"):
        network.fit(X * 1e3, y)
    with pytest.raises(TrainingError, match="learning_rate well below 10"):
        network.fit(X * 1e3, y)
    network.set_params(early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="best weights so far are kept: the loss is"):
        network.fit(X * 1e3, y)
    assert network.n_iter_ < 200 and network.stopped_
    assert np.isfinite(network.predict(X)).all()


@pytest.mark.parametrize(
    "settings, what",
    [({"dropout": 0.2}, "dropout"), ({"batch_norm": True}, "batch_norm"),
     ({"callbacks": [EarlyStopping("loss")]}, "callbacks"),
     ({"schedule": lambda step: 0.1}, "schedule")],
)  # fmt: skip
def test_lbfgs_refuses_what_it_cannot_do(diabetes, settings, what):
    with pytest.raises(SettingError, match=f"{what}: solver='lbfgs' goes without it"):
        MLPRegressor(solver="lbfgs", **settings).fit(*diabetes)


def test_sparse_labels_are_predicted_as_sparse_labels():
    from scipy.sparse import csr_array
    from sklearn.neural_network import MLPClassifier as Original

    X = scale(load_iris().data)
    y = np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0].astype(int)
    theirs, ours = (
        kind(random_state=0, max_iter=20).fit(X, csr_array(y)).predict(X)
        for kind in (Original, MLPClassifier)
    )
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())


def test_units_that_are_no_whole_number_are_refused(diabetes):
    with pytest.raises(TypeError, match="float"):
        MLPRegressor(hidden_layer_sizes=(5.5,)).fit(*diabetes)


def test_counts_below_zero_are_refused_with_their_row(diabetes):
    X, y = diabetes
    row = int(np.argmax(y < 0))
    with pytest.raises(DataError, match=rf"y is {y[row]} in row {row}; loss='poisson'"):
        MLPRegressor("poisson").fit(X, y)


@pytest.mark.parametrize("given", [5, (1,), (1, 2, 3, 4), "Xy"])
def test_an_eval_set_of_another_form_is_refused(diabetes, given):
    X, y = diabetes
    with pytest.raises(SettingError, match=r"eval_set must be \(X, y\)"):
        MLPRegressor(max_iter=2).fit(X, y, eval_set=given)


def test_weights_that_a_user_sets_are_used_in_predictions_and_training(diabetes):
    X, y = diabetes
    network = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=3).fit(X, y)
    network.coefs_[1] = np.zeros((4, 1))
    network.intercepts_[1][:] = 7.0
    np.testing.assert_array_equal(network.predict(X), np.full(len(y), 7.0))
    network.partial_fit(X, y)
    assert np.abs(network.predict(X) - 7.0).max() < 0.1


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_pickle_goes_on_to_the_same_bits(cancer, solver, tmp_path):
    X, y = cancer
    network = MLPClassifier(random_state=0, max_iter=5, solver=solver, dropout=0.2).fit(X, y)
    joblib.dump(network, tmp_path / "network.joblib")
    copies = [
        pickle.loads(pickle.dumps(network)),
        joblib.load(tmp_path / "network.joblib", mmap_mode="r"),
    ]
    for one in (network, *copies):
        one.partial_fit(X, y)
    for copy in copies:
        np.testing.assert_array_equal(copy.predict_proba(X), network.predict_proba(X))


@pytest.mark.parametrize("jobs", [1, 2])
def test_grid_searches_find_the_same_with_any_number_of_jobs(jobs):
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((16,), random_state=0, max_iter=15)
    ).set_output(transform="pandas")
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 10.0]}, cv=2, n_jobs=jobs)
    search.fit(X[:400], y[:400])
    alone = [clone(pipeline).set_params(mlpclassifier__alpha=alpha) for alpha in (1e-4, 10.0)]
    from sklearn.model_selection import cross_val_score

    wanted = [cross_val_score(one, X[:400], y[:400], cv=2).mean() for one in alone]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], wanted)


def test_results_are_the_same_bits_for_any_number_of_threads(cancer, monkeypatch):
    X, y = cancer
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", threads)
        network = MLPClassifier((300, 300), random_state=0, max_iter=2, dropout=0.1).fit(X, y)
        found.append(network.coefs_[0].copy())
    np.testing.assert_array_equal(*found)


def test_wide_sparse_rows_are_learned_in_bounded_memory(monkeypatch):
    from scipy.sparse import random as sparse_random

    from chainrule.training import intake

    X = sparse_random(600, 2000, 0.01, "csr", random_state=0)
    y = np.asarray(X[:, :500].sum(axis=1)).ravel() > np.asarray(X[:, 500:1000].sum(axis=1)).ravel()
    settings = {"random_state": 0, "max_iter": 6, "early_stopping": True}
    whole = MLPClassifier(**settings).fit(X, y)
    monkeypatch.setattr(intake, "MOST_DENSE", 1 << 20)  # 65 rows at once
    parts = MLPClassifier(**settings).fit(X, y)
    assert whole.loss_curve_ == parts.loss_curve_
    np.testing.assert_array_equal(whole.predict_proba(X), parts.predict_proba(X))
