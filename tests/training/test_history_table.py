"""What a notebook shows of a history."""

import subprocess
import sys

import numpy as np
import pytest
from tests.pages import Page

from chainrule import Sequential
from chainrule.layers import Dense, Input
from chainrule.training import History
from chainrule.training.history_table import history_html


def test_a_history_is_a_table_of_first_last_and_best():
    page = Page(
        history_html(
            {"loss": [0.9, 0.25, 0.5], "accuracy": [0.5, 0.75, 0.625], "val_loss": [1.0, 2.0, 3.0]},
            [0, 1, 2],
        )
    )
    assert page.rows == [
        ["metric", "first", "last", "best"],
        ["loss", "0.9", "0.5", "0.25 (epoch 2)"],
        ["accuracy", "0.5", "0.625", "0.75 (epoch 2)"],
        ["val_loss", "1", "3", "1 (epoch 1)"],
    ]
    assert "History of 3 epochs" in page.texts
    scopes = [one["scope"] for one in page.attributes("th")]
    assert scopes == ["col"] * 4 + ["row"] * 3


def test_the_curve_is_the_loss_and_says_so_to_those_who_do_not_see_it():
    page = Page(history_html({"loss": [4.0, 2.0, 0.0], "val_loss": [4.0, 4.0, 4.0]}, [0, 1, 2]))
    [svg] = page.attributes("svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Loss by epoch, from 0 to 4, that of validation dashed"
    training, validation = page.attributes("polyline")
    places = np.array([place.split(",") for place in training["points"].split()], float)
    np.testing.assert_allclose(places, [[4.0, 4.0], [150.0, 45.0], [296.0, 86.0]])
    assert "stroke-dasharray" in validation
    assert "stroke-dasharray" not in training


def test_names_of_metrics_are_no_markup():
    page = Page(history_html({"<script>&": [1.0, 0.5]}, [0, 1]))
    assert page.rows[1][0] == "<script>&"
    assert not page.attributes("script")


@pytest.mark.parametrize(
    "history, epochs",
    [
        ({}, []),
        ({"loss": []}, []),
        ({"loss": [0.5]}, [0]),
        ({"loss": [float("nan"), float("inf")]}, [0, 1]),
        ({"loss": [0.5, None], "learned": ["yes", "no"]}, [0, 1]),
        ({"loss": [0.5, 0.5], "late": [1.0]}, [0, 1]),
    ],
)
def test_what_is_missing_or_no_number_is_shown_too(history, epochs):
    page = Page(history_html(history, epochs))
    assert len(page.rows) == 1 + sum(bool(values) for values in history.values())
    assert "nan" not in "".join(one["points"] for one in page.attributes("polyline"))


def test_long_courses_stay_small():
    losses = list(np.linspace(1.0, 0.0, 100_000))
    text = history_html({"loss": losses}, range(100_000))
    assert len(text) < 5000
    [line] = Page(text).attributes("polyline")
    assert line["points"].startswith("4.0,4.0 ")
    assert line["points"].endswith(" 296.0,86.0")


def test_fit_gives_one_that_a_notebook_shows():
    model = Sequential([Input((1,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 1)), np.ones(4), epochs=3, verbose=0)
    page = Page(history._repr_html_())
    assert page.rows[1][:2] == ["loss", f"{history.history['loss'][0]:.4g}"]
    assert Page(History()._repr_html_()).rows == [["metric", "first", "last", "best"]]


def test_it_needs_no_library_of_pictures():
    code = (
        "import sys; from chainrule.training import History; History()._repr_html_();"
        "print('matplotlib' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
