"""scikit-learn's searches and Optuna's own API find settings of our estimators."""

import numpy as np
import optuna
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_score,
)

from chainrule import MLPClassifier, TabularClassifier
from chainrule.callbacks import Callback

optuna.logging.set_verbosity(optuna.logging.ERROR)


def data(rows=150, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, 3))
    return X, np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")


ESTIMATORS = {
    "tabular": (TabularClassifier(epochs=4, members=1, hidden=(8,)), "hidden", "epochs"),
    "mlp": (
        MLPClassifier(max_iter=4, hidden_layer_sizes=(8,), early_stopping=False),
        "hidden_layer_sizes",
        "max_iter",
    ),
}


@pytest.fixture(params=ESTIMATORS)
def case(request):
    return ESTIMATORS[request.param]


@pytest.mark.filterwarnings("ignore:.*(iterations|converge).*")
def test_grid_and_random_search(case):
    estimator, hidden, _ = case
    X, y = data()
    places = {hidden: [(4,), (8, 4)], "batch_size": [16, 64]}
    grid = GridSearchCV(estimator, places, cv=2).fit(X, y)
    assert len(grid.cv_results_["params"]) == 4
    assert grid.best_score_ == max(grid.cv_results_["mean_test_score"])
    assert grid.best_estimator_.predict(X).shape == y.shape
    drawn = RandomizedSearchCV(estimator, places, n_iter=3, cv=2, random_state=0).fit(X, y)
    assert drawn.best_params_[hidden] in places[hidden]


@pytest.mark.filterwarnings("ignore:.*(iterations|converge).*")
def test_halving_search_with_epochs_as_the_resource(case):
    estimator, hidden, epochs = case
    X, y = data()
    search = HalvingRandomSearchCV(
        estimator, {hidden: [(4,), (8,), (8, 4)]}, resource=epochs, max_resources=9,
        min_resources=1, n_candidates=6, cv=2, random_state=0,
    )  # fmt: skip
    search.fit(X, y)
    assert sorted(set(search.cv_results_[f"param_{epochs}"].tolist())) == [1, 3]
    assert search.best_estimator_.get_params()[epochs] in (1, 3, 9)


@pytest.mark.filterwarnings("ignore:.*(iterations|converge).*")
def test_an_objective_of_optuna(case):
    estimator, hidden, _ = case
    X, y = data()

    def objective(trial):
        units = trial.suggest_int("units", 4, 16)
        estimator.set_params(**{hidden: (units,)})
        return cross_val_score(estimator, X, y, cv=2).mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=4)
    assert study.best_value > 0.4


class Pruned(Callback):
    """Tells Optuna of each epoch, and ends the training that it would prune."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        self.trial.report(logs["val_loss"], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


@pytest.mark.filterwarnings("ignore:.*(iterations|converge).*")
def test_optuna_prunes_through_a_callback():
    X, y = data()

    def objective(trial):
        rate = trial.suggest_categorical("rate", [0.05, 1e-6])
        model = MLPClassifier(
            (8,), learning_rate_init=rate, max_iter=60, random_state=0, callbacks=Pruned(trial),
        )  # fmt: skip
        model.fit(X[:100], y[:100], eval_set=(X[100:], y[100:]))
        return model.score(X[100:], y[100:])

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.GridSampler({"rate": [0.05, 1e-6]}, seed=0),
        pruner=optuna.pruners.ThresholdPruner(upper=0.6, n_warmup_steps=8),
    )  # fmt: skip
    study.optimize(objective)
    states = {one.params["rate"]: one.state.name for one in study.trials}
    assert states == {0.05: "COMPLETE", 1e-6: "PRUNED"}
    assert study.best_params == {"rate": 0.05}
