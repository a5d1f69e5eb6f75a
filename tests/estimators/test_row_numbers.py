"""Sentences call rows by their place in the table that the user gave."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from chainrule import MLPRegressor, TabularClassifier, TabularRegressor
from chainrule.errors import DataError, TrainingError

QUICK = {"epochs": 3, "members": 1}
N = 120
RANDOM = np.random.default_rng(0)
X = pd.DataFrame({"a": RANDOM.normal(size=N), "b": RANDOM.choice(list("xyz"), N)})
Y = 2 * X.a + RANDOM.normal(size=N)
CLASSES = np.where(X.a > 0, "p", "q")


@pytest.mark.parametrize("row", [0, 3, 7, 50, 119])
def test_an_infinite_number_is_named_by_its_row(row):
    bad = X.assign(a=X.a.where(X.index != row, np.inf))
    with pytest.raises(DataError, match=rf"^column 'a': inf in row {row} \(counted from 0\)"):
        TabularRegressor(**QUICK).fit(bad, Y)


@pytest.mark.filterwarnings("ignore:y is missing")
def test_rows_without_a_target_are_counted_too():
    bad = X.assign(a=X.a.where(X.index != 7, np.inf))
    with pytest.raises(DataError, match="inf in row 7 "):
        TabularRegressor(**QUICK).fit(bad, Y.where(X.index > 1))


@pytest.mark.filterwarnings("ignore:y of eval_set is missing")
def test_rows_of_an_eval_set_are_named_as_its_own():
    bad, gaps = X.assign(a=X.a.where(X.index != 8, np.inf)), Y.where(X.index > 2)
    with pytest.raises(DataError, match="^eval_set: column 'a': inf in row 8 "):
        TabularRegressor(**QUICK).fit(X, Y, eval_set=(bad, gaps))
    labels = pd.Series(CLASSES, dtype=object)
    labels[[0, 1]], labels[[5, 9]] = None, "new"
    with pytest.raises(DataError, match="^eval_set: .* holds 'new' in row 5 "):
        TabularClassifier(**QUICK).fit(X, CLASSES, eval_set=(X, labels))


def test_a_loss_that_is_not_finite_names_rows_of_the_table():
    named = set()
    for seed in range(12):
        model = TabularRegressor(
            **QUICK, batch_size=1, learning_rate=1e30, random_state=seed, model="mlp"
        )
        with pytest.raises(TrainingError) as caught:
            model.fit(X, Y)
        plan = model.plan(X, Y)
        row = int(str(caught.value).partition("(rows ")[2].partition(")")[0])
        assert row in plan.pool_rows[plan.members[0].train]
        named.add(row)
    assert max(named) >= len(plan.members[0].train)


def test_a_network_that_holds_rows_back_names_rows_as_they_were_given():
    numbers = X[["a"]].to_numpy()
    rows = []
    for seed in range(6):
        network = MLPRegressor(
            solver="sgd", learning_rate_init=1e200, batch_size=1, random_state=seed,
            early_stopping=True, validation_fraction=0.5, warm_start=True, max_iter=1,
        )  # fmt: skip
        with pytest.warns(UserWarning, match="rows") as told:
            network.fit(numbers, Y)
        rows += [int(str(one.message).partition("(rows ")[2].partition(")")[0]) for one in told
                 if "(rows " in str(one.message)]  # fmt: skip
    assert max(rows) >= 60  # there are 60 rows to learn from


LONG = """
import sys, warnings
import numpy as np, chainrule
X = np.random.default_rng(0).normal(size=(400, 5))
chainrule.TabularRegressor(epochs=1).fit(X, X[:, 0])  # all is loaded
print("begun", flush=True)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model = chainrule.TabularRegressor(epochs=10**6, patience=10**6).fit(X, X[:, 0])
print(model.model_.interrupted, [str(one.message) for one in told], flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_in_a_fit_is_told_of():
    import time

    with subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout.readline() == "begun\n"
            time.sleep(6)  # an epoch is done by then
            one.send_signal(signal.SIGINT)
            told = one.communicate(timeout=60)[0]
        finally:
            one.kill()
    assert told.startswith("True") and "Training interrupted by user" in told
