"""Cross-validation: scikit-learn's own as the oracle, seeds, failures told, threads."""

import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_validate as reference,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule
from chainrule import cross_validate
from chainrule.engine import thread_count
from chainrule.errors import InputTypeError, SettingError

X, Y = load_iris(return_X_y=True)
X_NUMBERS, Y_NUMBERS = load_diabetes(return_X_y=True)
X_TWO, Y_TWO = load_breast_cancer(return_X_y=True)
TIMES = {"fit_time", "score_time"}
GROUPS = np.arange(len(X)) % 7


def steps(**settings):
    settings = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 500} | settings
    return make_pipeline(StandardScaler(), MLPClassifier(random_state=0, **settings))


def ours(**settings):
    settings = {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 5} | settings
    return make_pipeline(StandardScaler(), chainrule.MLPClassifier(**settings))


class Network(ClassifierMixin, BaseEstimator):
    """A network of ours, as an estimator."""

    def __init__(self, units=4, random_state=0):
        self.units = units
        self.random_state = random_state

    def fit(self, X, y):
        layers = [chainrule.layers.Dense(self.units, "relu"), chainrule.layers.Dense(3, "softmax")]
        self.network_ = chainrule.Sequential(layers, seed=self.random_state)
        self.network_.compile("adam", "sparse_categorical_crossentropy")
        self.network_.fit(X, y, epochs=3, verbose=0)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        return self.network_.predict(X)


class Fragile(RegressorMixin, BaseEstimator):
    """Fails where the first row learned is one of these."""

    def __init__(self, first_rows=(), fails_to_score=False):
        self.first_rows = first_rows
        self.fails_to_score = fails_to_score

    def fit(self, X, y):
        if X[0, 0] in self.first_rows:
            raise OverflowError(f"row {X[0, 0]:g} is too much")
        self.first_ = X[0, 0]
        return self

    def predict(self, X):
        if self.fails_to_score and self.first_ != 0:
            raise OverflowError("no answer")
        return X[:, 0]


ROWS = np.arange(30.0).reshape(30, 1)
FAILS_ONCE = {"estimator": Fragile(first_rows=[6.0]), "X": ROWS, "y": ROWS[:, 0]}


def same(found, expected):
    assert set(found) == set(expected)
    for name in set(found) - TIMES - {"estimator", "indices"}:
        assert found[name].dtype == expected[name].dtype, name
        np.testing.assert_array_equal(found[name], expected[name], name)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("threads", [None, 1, 3])
@pytest.mark.parametrize(
    "estimator, settings",
    [
        (steps(), {}),
        (steps(), {"cv": 3, "return_train_score": True, "scoring": "neg_log_loss"}),
        (steps(), {"cv": RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=3)}),
        (steps(), {"cv": GroupKFold(4), "groups": GROUPS}),
        (steps(), {"cv": [(np.arange(100), np.arange(100, 150)), (np.arange(50, 150), [1, 2])]}),
        (steps(), {"scoring": ["accuracy", "neg_log_loss"], "return_train_score": True}),
        (steps(), {"scoring": {"f1": make_scorer(f1_score, average="macro")}}),
        (steps(), {"scoring": lambda model, x, y: model.score(x, y) / 3}),
        (steps(), {"scoring": lambda model, x, y: {"a": model.score(x, y), "rows": len(y)}}),
        (LogisticRegression(max_iter=500), {"params": {"sample_weight": Y + 1.0}}),
        (LogisticRegression(max_iter=500), {"params": {"sample_weight": list(Y + 1.0)}}),
        (Network(), {"scoring": ["neg_log_loss", "accuracy"], "cv": 4}),
        (ours(), {"scoring": ["neg_log_loss", "accuracy"], "return_train_score": True}),
        (ours(solver="lbfgs", max_iter=100), {"cv": GroupKFold(3), "groups": GROUPS}),
        (ours(early_stopping=True, dropout=0.2), {"scoring": "neg_log_loss"}),
        (SVC(kernel="precomputed"), {}),
    ],
)
def test_scores_are_those_of_scikit_learn_to_the_bit(estimator, settings, threads):
    rows = X @ X.T if getattr(estimator, "kernel", "") == "precomputed" else X
    expected = reference(estimator, rows, Y, **settings)
    same(cross_validate(estimator, rows, Y, threads=threads, **settings), expected)


def test_numbers_sparse_rows_lists_and_frames_are_taken_as_scikit_learn_takes_them():
    import pandas
    from scipy.sparse import coo_array

    for rows in (X_NUMBERS, coo_array(X_NUMBERS), X_NUMBERS.tolist(), pandas.DataFrame(X_NUMBERS)):
        expected = reference(Ridge(), rows, Y_NUMBERS, cv=KFold(3))
        same(cross_validate(Ridge(), rows, Y_NUMBERS, cv=KFold(3)), expected)


def test_without_a_target_the_estimator_is_given_none():
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(2, random_state=0)
    same(cross_validate(model, X, threads=2), reference(model, X))


def test_times_are_seconds_of_each_fold():
    found = cross_validate(Network(), X, Y, cv=3)
    for name in TIMES:
        assert found[name].shape == (3,) and (found[name] > 0).all()


def test_estimators_are_those_that_were_scored_and_the_given_one_stays_unfitted():
    given = Network()
    found = cross_validate(given, X, Y, cv=3, return_estimator=True, return_indices=True)
    for estimator, rows, score in zip(
        found["estimator"], found["indices"]["test"], found["test_score"], strict=True
    ):
        assert estimator.score(X[rows], Y[rows]) == score
    assert not hasattr(given, "network_")
    expected = reference(given, X, Y, cv=3, return_indices=True)["indices"]
    for part in ("train", "test"):
        for one, other in zip(found["indices"][part], expected[part], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("model", [Network(), steps(max_iter=7, solver="adam"), ours()])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_each_seed_gives_what_an_estimator_of_that_seed_gives(model):
    seeds, folds = [4, 0, 9], 3
    found = cross_validate(model, X, Y, cv=folds, seeds=seeds, return_train_score=True)
    assert found["fold"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert found["seed"].tolist() == seeds * folds
    [name] = [name for name in model.get_params() if name.endswith("random_state")]
    for seed in seeds:
        alone = sklearn.clone(model).set_params(**{name: seed})
        expected = reference(alone, X, Y, cv=folds, return_train_score=True)
        for part in ("test_score", "train_score"):
            np.testing.assert_array_equal(found[part][found["seed"] == seed], expected[part])
    spread = found["test_score"].reshape(folds, len(seeds)).std(axis=1)
    assert (spread > 0).any()


def test_with_seeds_estimators_and_indices_have_an_entry_a_fit():
    found = cross_validate(
        Network(), X, Y, cv=2, seeds=(1, 2), return_estimator=True, return_indices=True
    )
    assert [one.random_state for one in found["estimator"]] == [1, 2, 1, 2]
    tests = found["indices"]["test"]
    assert len(tests) == 4 and np.array_equal(tests[0], tests[1])


@pytest.mark.parametrize("error_score", [np.nan, -1.0])
@pytest.mark.parametrize("scoring", [None, ["r2", "neg_mean_squared_error"]])
def test_a_fold_that_fails_has_the_error_score(error_score, scoring):
    settings = {"cv": [(np.arange(5), [20, 21]), (np.arange(6, 15), [3, 4])], "scoring": scoring}
    settings |= {"error_score": error_score, "return_train_score": True}
    with pytest.warns(FitFailedWarning):
        expected = reference(**FAILS_ONCE, **settings)
    with pytest.warns(FitFailedWarning, match="1 of 2 fits failed, .*OverflowError: row 6") as told:
        found = cross_validate(**FAILS_ONCE, **settings)
    same(found, expected)
    assert [one.filename for one in told] == [__file__] and "\n" not in str(told[0].message)


def test_names_of_a_scorers_dict_are_kept_where_the_first_fold_fails():
    settings = {"cv": [(np.arange(6, 15), [3, 4]), (np.arange(5), [20, 21])]}
    settings["scoring"] = lambda model, x, y: {"rows": len(y)}
    with pytest.warns(FitFailedWarning):
        expected = reference(**FAILS_ONCE, **settings)
    with pytest.warns(FitFailedWarning):
        same(cross_validate(**FAILS_ONCE, **settings), expected)


@pytest.mark.parametrize("scoring", [None, ["r2", "neg_mean_squared_error"]])
def test_a_score_that_fails_is_the_error_score(scoring):
    given = (Fragile(fails_to_score=True), ROWS, ROWS[:, 0])
    with pytest.warns(UserWarning, match="Scoring failed"):
        expected = reference(*given, cv=3, scoring=scoring)
    with pytest.warns(UserWarning, match="scoring failed, the score is nan; .*no answer") as told:
        found = cross_validate(*given, cv=3, scoring=scoring)
    same(found, expected)
    assert {one.filename for one in told} == {__file__}


@pytest.mark.parametrize("broken", [Fragile([0.0]), Fragile(fails_to_score=True)])
def test_raise_lets_the_error_out_as_it_is(broken):
    for function in (reference, cross_validate):
        with pytest.raises(OverflowError, match="too much|no answer"):
            function(broken, ROWS, ROWS[:, 0], cv=3, error_score="raise")


def test_after_an_error_that_is_raised_no_other_fit_begins():
    begun = []

    class Counts(Fragile):
        def fit(self, X, y):
            begun.append(1)
            return super().fit(X, y)

    with pytest.raises(OverflowError):
        cross_validate(
            Counts([2.0]), ROWS, ROWS[:, 0], cv=KFold(15), error_score="raise", threads=1
        )
    assert len(begun) == 1


def test_where_all_fits_fail_it_says_so_with_the_first_reason():
    with pytest.raises(ValueError, match="All the 3 fits failed"):
        reference(Fragile(ROWS), ROWS, ROWS[:, 0], cv=3)
    with pytest.raises(SettingError, match="all 3 fits failed; .*OverflowError: row 10 is") as one:
        cross_validate(Fragile(ROWS), ROWS, ROWS[:, 0], cv=3)
    assert isinstance(one.value.__cause__, OverflowError)


def test_folds_are_trained_at_the_same_time_with_one_thread_each():
    met, counts = threading.Barrier(3, timeout=60), []

    class Meets(Fragile):
        def fit(self, X, y):
            met.wait()
            counts.append(thread_count())
            return super().fit(X, y)

    cross_validate(Meets(), ROWS, ROWS[:, 0], cv=3, threads=3)
    assert counts == [1, 1, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_blas_has_one_thread_meanwhile_and_its_own_again_after(threads):
    def blas():
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    seen = []

    class Looks(Fragile):
        def fit(self, X, y):
            seen.append(blas())
            with threadpool_limits(1, user_api="blas"):
                return super().fit(X, y)

    with threadpool_limits(2, user_api="blas"):
        before = blas()
        cross_validate(Looks(), ROWS, ROWS[:, 0], cv=3, threads=threads)
        assert blas() == before
    assert seen == [{1}] * 3


def test_rows_are_routed_and_settings_of_scikit_learn_hold_in_every_thread():
    weights = Y + 1.0
    with sklearn.config_context(enable_metadata_routing=True, transform_output="pandas"):
        model = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        scorer = sklearn.metrics.get_scorer("accuracy").set_score_request(sample_weight=True)
        settings = {
            "scoring": scorer, "params": {"sample_weight": weights, "groups": GROUPS},
            "cv": GroupKFold(3), "return_estimator": True, "return_train_score": True,
        }  # fmt: skip
        expected = reference(model, X, Y, **settings)
        found = cross_validate(model, X, Y, threads=3, **settings)
        with pytest.raises(SettingError, match="groups cannot be given where metadata routing"):
            cross_validate(model, X, Y, groups=GROUPS)
        with pytest.raises(TypeError, match="unexpected argument"):
            cross_validate(model, X, Y, params={"sample_wait": weights})
    same(found, expected)
    assert list(found["estimator"][0][-1].feature_names_in_) == ["x0", "x1", "x2", "x3"]


def test_a_line_is_written_as_each_is_done(capsys):
    found = cross_validate(Ridge(), X_NUMBERS, Y_NUMBERS, cv=2, verbose=1, threads=1)
    lines = capsys.readouterr().out.splitlines()
    for fold, (line, score) in enumerate(zip(lines, found["test_score"], strict=True)):
        assert line.startswith(f"fold {fold}: score {score:.4g} (")
    cross_validate(Network(), X, Y, cv=2, seeds=[3], verbose=1, scoring=["accuracy"], threads=1)
    assert capsys.readouterr().out.startswith("fold 0, seed 3: accuracy 0.")
    cross_validate(Ridge(), X_NUMBERS, Y_NUMBERS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "settings, kind, sentence",
    [
        ({"estimator": Ridge}, InputTypeError, "got the class Ridge"),
        ({"estimator": 3}, InputTypeError, "with fit and get_params, .*got int"),
        (
            {"error_score": "nan"},
            SettingError,
            "error_score must be 'raise' or a number, got 'nan'",
        ),
        ({"threads": 0}, SettingError, "cross_validate: threads must be a whole number of 1"),
        ({"seeds": []}, SettingError, "cross_validate: seeds must be one whole number or more"),
        ({"seeds": [-1]}, SettingError, "seeds must be a whole number of 0 or more, got -1"),
        ({"seeds": [2**32]}, SettingError, r"seeds: must be below 2\*\*32, got \[4294967296\]"),
        ({"estimator": SVC(), "seeds": [1]}, None, None),
        ({"estimator": Fragile(), "seeds": [1]}, SettingError, "Fragile has no random_state"),
        ({"cv": []}, SettingError, "cv must give at least one split, got none"),
        ({"cv": 1}, ValueError, "k-fold cross-validation requires at least one"),
        ({"scoring": "accurcy"}, SettingError, "'accurcy' is not known; did you mean 'accuracy'"),
        (
            {"scoring": ["r2", "R2_"]},
            SettingError,
            "scoring: 'R2_' is not known; did you mean 'r2'",
        ),
        ({"scoring": {"a": "R2_"}}, SettingError, "'R2_' is not known; did you mean 'r2'"),
        ({"scoring": lambda *rows: "good"}, SettingError, "scoring must give a number, .*'good'"),
        ({"y": Y[:5]}, ValueError, "inconsistent numbers of samples"),
    ],
)
def test_mistakes_are_told_in_a_sentence(settings, kind, sentence):
    given = {"estimator": Ridge(), "X": X, "y": Y} | settings
    if kind is None:
        assert len(cross_validate(**given)["seed"]) == 5
        return
    with pytest.raises(kind, match=sentence) as raised:
        cross_validate(**given)
    assert "\n" not in str(raised.value)


def test_warnings_of_estimators_come_through():
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        cross_validate(steps(max_iter=2), X_TWO, Y_TWO, cv=StratifiedKFold(2), threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cross_validate(steps(max_iter=2), X_TWO, Y_TWO, cv=2)


LONG = """
import numpy as np, sys
import chainrule
from sklearn.base import BaseEstimator
class Long(BaseEstimator):
    def fit(self, X, y):
        model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=0)
        model.compile("adam", "mse")
        sys.stdout.write("begun\\n")  # in one piece: two folds write at once
        sys.stdout.flush()
        model.fit(X, y, epochs=10**7, verbose=0)
try:
    chainrule.cross_validate(Long(), np.ones((40, 2)), np.ones(40), scoring="r2", threads=2)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_stops_all_folds():
    command = [sys.executable, "-c", LONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            assert "stopped" in process.communicate(timeout=60)[0]
        finally:
            process.kill()
