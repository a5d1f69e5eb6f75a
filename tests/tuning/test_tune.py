"""`chainrule.tune`: from an estimator to the best settings, fitted."""

import json
import re

import numpy as np
import pytest
from tests.pages import Page

import chainrule
from chainrule import MLPClassifier, TabularClassifier, TabularRegressor
from chainrule.errors import (
    DataError,
    ExistingFileError,
    InputTypeError,
    MissingFileError,
    SettingError,
)

SPACE = {"units": [4, 8], "learning_rate": [1e-3, 1e-2]}


def data(rows=120, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, 3))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")


def quick(**settings):
    return TabularClassifier(**{"epochs": 5, "members": 2, "dropout": 0.0} | settings)


def test_the_best_settings_are_fitted_as_fit_does():
    X, y = data()
    estimator = quick()
    found = chainrule.tune(estimator, X, y, method="grid", space=SPACE)
    again = quick(**found.best_params).fit(X, y)
    assert found.best_estimator.predict_proba(X).tobytes() == again.predict_proba(X).tobytes()
    assert not hasattr(estimator, "classes_")
    assert estimator.hidden is None
    assert set(found.best_params) == {"hidden", "learning_rate"}
    assert found.best_score == min(one.score for one in found.trials)
    assert "trial" in repr(found)
    assert "flatters" in found.cannot_tell


def test_numbers_weights_groups_and_rows_to_watch_are_taken():
    X, _ = data()
    y = X @ [1.0, 2.0, 3.0]
    weights, groups = np.linspace(1, 2, len(X)), np.arange(len(X)) // 4
    found = chainrule.tune(
        TabularRegressor(epochs=3, members=1), X, y, method="random", space=SPACE, trials=3,
        metric="r2", sample_weight=weights, groups=groups,
    )  # fmt: skip
    assert found.best_score == max(one.score for one in found.trials)
    watched = chainrule.tune(
        TabularRegressor(epochs=3, members=1), X, y, method="random", space=SPACE, trials=3,
        eval_set=(X[:30], y[:30]),
    )  # fmt: skip
    best = watched.best_estimator
    assert min(row["validation_loss"] for row in best.history_) == watched.best_score


def test_the_usual_space_leaves_out_what_is_set():
    X, y = data()
    found = chainrule.tune(quick(hidden=(8,), batch_size=32), X, y, trials=2, method="random")
    assert not {"units", "layers", "hidden", "batch_size", "dropout"} & set(found.space.dimensions)
    assert {"learning_rate", "weight_decay"} <= set(found.space.dimensions)
    assert {"activation", "normalization", "optimizer", "l1", "l2"} <= set(found.space.dimensions)
    other = chainrule.tune(quick(optimizer="sgd"), X, y, trials=1, method="random")
    assert not {"optimizer", "weight_decay"} & set(other.space.dimensions)
    grid = chainrule.tune(quick(epochs=1, dropout=None), X, y, method="grid")
    assert len(grid.trials) == 27


def test_records_frames_and_pictures(tmp_path):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    X, y = data()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    found = chainrule.tune(quick(epochs=9), frame, y, method="hyperband", space=SPACE, trials=6)
    table = found.to_frame()
    assert isinstance(table, pandas.DataFrame)
    assert table["trial"].tolist() == list(range(6))
    assert table["score"].tolist() == [one.score for one in found.trials]
    assert set(table["hidden"]) <= {"4,4", "8,8"}  # as many layers as usual
    record = json.loads(json.dumps(found.to_record()))
    assert record["best"] == found.best_trial.number
    assert record["space"]["units"] == [4, 8]
    assert [one["rungs"][0][0] for one in record["trials"]] == [1] * 6
    labels = [ax.get_xlabel() for ax in found.plot()]
    assert labels == ["trial", "epochs of the trial", "units", "learning_rate"]
    other = chainrule.tune(quick(), polars.DataFrame(frame), y, method="grid", space=SPACE)
    assert isinstance(other.to_frame(), polars.DataFrame)


def test_a_folder_keeps_the_search_and_it_goes_on(tmp_path):
    X, y = data()
    settings = {"space": SPACE, "out": tmp_path / "run"}
    first = chainrule.tune(quick(), X, y, trials=3, **settings)
    more = chainrule.tune(quick(), X, y, trials=6, resume=True, **settings)
    assert more.trials[:3] == first.trials
    assert [one.scores for one in more.trials] == [
        one.scores for one in chainrule.tune(quick(), X, y, trials=6, space=SPACE).trials
    ]
    kept = json.loads((tmp_path / "run" / "search.json").read_text())
    assert kept["best"] == more.best_trial.number
    model = TabularClassifier.load(tmp_path / "run" / "model.safetensors")
    assert model.predict(X).tolist() == more.best_estimator.predict(X).tolist()
    with pytest.raises(ExistingFileError):
        chainrule.tune(quick(), X, y, **settings)
    with pytest.raises(SettingError, match="is of another table"):
        chainrule.tune(quick(), X[:90], y[:90], trials=3, resume=True, **settings)
    with pytest.raises(MissingFileError, match="no search to go on with"):
        chainrule.tune(quick(), X, y, out=tmp_path / "nowhere", resume=True)
    (tmp_path / "run" / "study.sqlite3").unlink()
    address = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    for gone in (settings, {"storage": address}, {**settings, "storage": address}):
        with pytest.raises(MissingFileError, match=r"sqlite3 is gone, which had the trials"):
            chainrule.tune(quick(), X, y, trials=6, resume=True, **gone)
    assert not list(tmp_path.rglob("*.sqlite3"))


def test_a_notebook_shows_the_best_trials():
    X, y = data()
    found = chainrule.tune(quick(), X, y, method="grid", space={**SPACE, "batch_size": [8, 16]})
    page = Page(found._repr_html_())
    best = found.best_trial
    assert page.rows[0] == ["trial", "validation loss", "best epoch", "settings"]
    assert page.rows[1][:3] == [str(best.number), f"{best.score:.5g}", f"{best.epoch} of 5"]
    scores = [float(score) for _, score, *_ in page.rows[1:]]
    assert scores == sorted(scores) and len(scores) == 5
    assert "8 trials (grid), the best by validation loss" in page.texts
    for shown in (repr(found), " ".join(page.texts)):
        assert "flatters" in shown and "failed" not in shown
        assert all(cell in shown for line in page.rows for cell in line)


def test_verbose_tells_each_new_best(capsys):
    X, y = data()
    found = chainrule.tune(quick(), X, y, method="grid", space=SPACE, verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert re.match(r"1 of 4 trials over, .*: best so far trial \d after 5 epochs: val", lines[0])
    assert max(map(len, lines)) <= 100
    best, told = found.best_trial, " ".join(map(str.strip, lines))
    end = f"training the best, trial {best.number} after 5 epochs: validation loss "
    assert f"searched 4 trials; {end}{best.score:.5g} (" in told
    chainrule.tune(quick(), X, y, method="grid", space=SPACE)
    assert capsys.readouterr().err == ""


def test_a_trial_that_leads_is_told_of_at_each_rung(capsys):
    X, y = data()
    estimator = quick(epochs=27, patience=27)
    found = chainrule.tune(
        estimator, X, y, method="hyperband", space=SPACE, trials=27, threads=1, verbose=1
    )
    said = " ".join(map(str.strip, capsys.readouterr().err.splitlines()))
    told = re.findall(r"best so far trial (\d+) after (\d+) epochs?: validation loss (\S+)", said)
    best = found.best_trial
    assert told[-1] == (str(best.number), str(best.epochs), f"{best.score:#.4g}")
    assert len({number for number, *_ in told}) < len(told)


def test_what_is_gone_on_from_is_told(capsys, tmp_path):
    X, y = data()
    settings = {"space": SPACE, "method": "random", "out": tmp_path / "run"}
    chainrule.tune(quick(), X, y, trials=3, **settings)
    chainrule.tune(quick(), X, y, trials=4, resume=True, verbose=1, **settings)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "3 trials found, going on"
    told = "4 of 4 trials|3 of 4 trials|searched 4 trials|  "
    assert all(re.match(told, line) for line in lines[1:])


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"method": "best"}, "method: 'best' is not known"),
        ({"metric": "rmse"}, "metric: 'rmse' is not a score of this classification"),
        ({"space": {"unit": [1, 2]}}, "space: there is no setting 'unit'"),
        ({"method": "grid", "space": {"dropout": (0.0, 0.5)}}, "a grid needs some of the numbers"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"threads": 0}, "threads must be a whole number"),
        ({"storage": "sqlite:////no/such/place.db"}, "cannot be reached"),
        ({"storage": 3}, "storage: must be an address as sqlite:///study.sqlite3, got 3"),
        ({"resume": True}, "resume needs the search to go on with; name its out or its storage"),
        ({"metric": "best"}, "metric: 'best' is not a score of classification or regression"),
    ],
)
def test_what_cannot_be_tuned_is_one_sentence(settings, said):
    X, y = data()
    with pytest.raises(SettingError) as caught:
        chainrule.tune(quick(), X, y, **settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_storage_that_cannot_be_reached_leaves_no_folder(tmp_path):
    X, y = data()
    place = tmp_path / "run"
    with pytest.raises(SettingError, match="cannot be reached"):
        chainrule.tune(quick(), X, y, out=place, storage="sqlite:////no/such/place.db")
    assert not place.exists()


def test_a_search_that_fails_before_its_first_trial_leaves_nothing(tmp_path):
    X, y = data()
    place, storage = tmp_path / "run", f"sqlite:///{tmp_path / 'study.sqlite3'}"
    two = [list(y).index("no"), list(y).index("yes")]
    for more in ({}, {"storage": storage}):
        with pytest.raises(DataError, match="too few rows to watch"):
            chainrule.tune(quick(), X[two], y[two], out=place, **more)
        with pytest.raises(SettingError, match="not a score of this classification"):
            chainrule.tune(quick(), X, y, out=place, metric="rmse", **more)
        assert not place.exists()
    found = chainrule.tune(quick(), X, y, out=place, storage=storage, trials=2, space=SPACE)
    assert len(found.trials) == 2


def test_other_estimators_are_refused():
    X, y = data()
    said = "needs a TabularClassifier or TabularRegressor, got MLPClassifier; .*GridSearchCV"
    with pytest.raises(InputTypeError, match=said):
        chainrule.tune(MLPClassifier(), X, y)


def test_several_targets_are_compared_by_the_sum_of_losses():
    X, y = data()
    both = np.column_stack([y, np.where(X[:, 2] > 0, "up", "down")])
    found = chainrule.tune(quick(), X, both, method="grid", space=SPACE)
    assert found.best_estimator.predict(X).shape == both.shape
    with pytest.raises(SettingError, match="is a score of one target"):
        chainrule.tune(quick(), X, both, method="grid", space=SPACE, metric="accuracy")


def test_without_optuna_a_sentence_says_what_to_install(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    X, y = data()
    with pytest.raises(SettingError, match=r"bayesian needs Optuna: pip install 'chainrule\[tune"):
        chainrule.tune(quick(), X, y, space=SPACE)
    assert chainrule.tune(quick(), X, y, space=SPACE, method="grid").trials
    with pytest.raises(SettingError, match=r"^keeping trials \(out or storage\) needs Optuna: pip"):
        chainrule.tune(quick(), X, y, space=SPACE, method="grid", out=tmp_path / "run")
