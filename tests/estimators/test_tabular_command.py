"""`chainrule train` and the estimators are one way to do a thing: the same rows, the same bits."""

import json
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file
from tests.cli.tables import churn_text, houses_text

from chainrule import TabularClassifier, TabularRegressor
from chainrule.cli import main
from chainrule.errors import SettingError

WORDS = ("--epochs", "4", "--hidden", "8", "--members", "2", "--seed", "3")
SETTINGS = {"epochs": 4, "hidden": (8,), "members": 2, "random_state": 3}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tables to learn from and tables of the same kind to judge by, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("houses", houses_text), ("churn", churn_text)):
        Path(f"{name}.csv").write_text(text(), "utf-8")
        Path(f"{name}-test.csv").write_text(text(40, seed=9), "utf-8")


def frames(name, target):
    source = pd.read_csv(f"{name}.csv")
    return source.drop(columns=target), source[target]


@pytest.mark.parametrize(
    "name, target, kind, words, settings",
    [
        ("houses", "price", TabularRegressor, (), {}),
        ("houses", "price", TabularRegressor, ("--metric", "mae"), {"metric": "mae"}),
        ("churn", "left", TabularClassifier, (), {}),
        (
            "churn", "left", TabularClassifier,
            ("--class-weight", "balanced", "--metric", "f1", "--positive", "no"),
            {"class_weight": "balanced", "metric": "f1", "positive": "no"},
        ),
    ],
)  # fmt: skip
def test_the_command_and_the_estimator_train_the_same_bits(name, target, kind, words, settings):
    data = (f"{name}.csv", "--target", target, "--test", f"{name}-test.csv", "--out", "run")
    assert main(["train", *data, *WORDS, *words]) == 0
    model = kind(**SETTINGS, **settings).fit(*frames(name, target))
    model.save("python.safetensors")
    ours, theirs = load_file("run/model.safetensors"), load_file("python.safetensors")
    assert list(ours) == list(theirs)
    assert all(ours[part].tobytes() == theirs[part].tobytes() for part in ours)
    history = [json.loads(line) for line in Path("run/history.jsonl").read_text().splitlines()]
    assert history == model.history_
    X, _ = frames(f"{name}-test", target)
    opened = kind.load("run/model.safetensors")
    assert opened.predict(X).tolist() == model.predict(X).tolist()
    assert {n: opened.get_params()[n] for n in (*SETTINGS, *settings)} == SETTINGS | settings


def test_a_weight_column_is_sample_weight_and_a_group_column_groups():
    X, y = frames("houses", "price")
    extra = X.assign(price=y, w=[1.0, 2.0, 3.0] * 40, g=[index % 15 for index in range(120)])
    extra.to_csv("extra.csv", index=False)
    words = ("extra.csv", "--target", "price", "--weight", "w", "--group", "g", "--out", "run")
    assert main(["train", *words, "--test", "extra.csv", *WORDS]) == 0
    model = TabularRegressor(**SETTINGS).fit(X, y, sample_weight=extra["w"], groups=extra["g"])
    ours = load_file("run/model.safetensors")
    members = model.model_.members
    assert all(
        ours[f"{number}/{name}"].tobytes() == member.parameters[name].tobytes()
        for number, member in enumerate(members)
        for name in member.parameters.names
    )


def test_commands_open_what_the_estimator_saves(capsys):
    X, y = frames("churn", "left")
    model = TabularClassifier(**SETTINGS).fit(X, y)
    model.save("mine.safetensors")
    capsys.readouterr()
    assert main(["predict", "mine.safetensors", "churn.csv"]) == 0
    assert capsys.readouterr().out.split() == ["prediction", *model.predict(X)]
    assert main(["evaluate", "mine.safetensors", "churn.csv", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["metrics"]["accuracy"] == pytest.approx(model.score(X, y), rel=1e-12)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_commands_are_for_one_target_and_say_so(command, capsys):
    X, y = frames("churn", "left")
    both = pd.DataFrame({"left": y, "more": y[::-1].to_numpy()})
    TabularClassifier(**SETTINGS).fit(X, both).save("two.safetensors")
    both.join(X).to_csv("both.csv", index=False)
    assert main([command, "two.safetensors", "both.csv"]) == 1
    said = capsys.readouterr().err
    assert "error: the targets are 'left', 'more', and this is for one target" in said


def test_a_plan_can_be_looked_at_before_it_is_trained():
    X, y = frames("houses", "price")
    model = TabularRegressor(**SETTINGS)
    plan = model.plan(X, y)
    assert plan.rows == {"train": 96, "validation": 24, "test": 0}
    told = []
    model.fit_plan(plan, watch=told.append)
    assert len(told) == 8
    assert model.predict(X).tobytes() == TabularRegressor(**SETTINGS).fit(X, y).predict(X).tobytes()
    with pytest.raises(SettingError, match="did you mean 'rmse'"):
        TabularRegressor(**SETTINGS, metric="rmsee").fit(X, y)
