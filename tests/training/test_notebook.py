"""What a notebook keeps of a training, run by a real kernel."""

import re

import pytest
from tests.terminals import surroundings

nbclient = pytest.importorskip("nbclient", reason="there is no notebook client")
nbformat = pytest.importorskip("nbformat", reason="there are no notebooks")

MODEL = """
import time
import numpy as np
import chainrule as cr

X = np.random.default_rng(0).normal(size=(400, 3))
y = (X[:, 0] > 0).astype(float)

def model(seed=1):
    made = cr.Sequential([cr.layers.Input(3), cr.layers.Dense(1, "sigmoid")], seed=seed)
    made.compile("adam", "binary_crossentropy", ["accuracy"])
    return made

def fails(*_):
    raise ZeroDivisionError

slow = cr.callbacks.LambdaCallback(on_epoch_end=lambda *_: time.sleep(0.03))
"""
CELLS = [
    MODEL,
    "history = model().fit(X, y, epochs=30, validation_split=0.2, callbacks=[slow])",
    "quiet = model().fit(X, y, epochs=3, verbose=0)",
    "lines = model().fit(X, y, epochs=3, verbose=2)",
    "jobs = cr.fit_many([(model(n), X, y, {'epochs': 9, 'verbose': 1}) for n in range(3)])",
    "one = model()\nfor _ in range(2):\n    one.fit(X, y, epochs=2)\n    print('between')",
    "model().fit(X, y, callbacks=[cr.callbacks.LambdaCallback(on_epoch_end=fails)])",
]
VIEW = re.compile(r"epoch (\d+)/\1  step \d+/\d+  ━+  \S+ rows/s  100%  in .* m?s\ntraining .*")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell, as they are saved."""
    pytest.importorskip("ipykernel", reason="there is no kernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    place = str(tmp_path_factory.mktemp("notebook"))
    client = nbclient.NotebookClient(
        notebook, timeout=90, allow_errors=True, kernel_name="python3",
        resources={"metadata": {"path": place}},
    )  # fmt: skip
    client.execute(env=surroundings({"PYTHONWARNINGS": "default"}), cleanup_kc=True)
    return [cell.outputs for cell in notebook.cells]


def texts(cell):
    assert all(one.output_type == "display_data" for one in cell), cell
    assert all(list(one.data) == ["text/plain"] for one in cell)
    return [one.data["text/plain"] for one in cell]


def test_a_fit_leaves_one_output_with_its_end(outputs):
    [text] = texts(outputs[1])
    assert VIEW.match(text)
    assert text.split("\n")[2].startswith("validation  loss ")
    assert max(map(len, text.split("\n"))) <= 80
    assert not outputs[0] and not outputs[2]


def test_lines_are_no_alarm(outputs):
    assert {(one.output_type, one.name) for one in outputs[3]} == {("stream", "stdout")}
    lines = "".join(one.text for one in outputs[3]).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_each_fit_has_an_output_of_its_own(outputs):
    assert all(VIEW.match(text) for text in texts(outputs[4]))
    assert len(outputs[4]) == 3
    first, word, second, _ = outputs[5]
    assert all(VIEW.match(text) for text in texts([first, second]))
    assert word.text == "between\n"


def test_a_fit_that_fails_says_so(outputs):
    view, error = outputs[6]
    assert "failed after" in view.data["text/plain"]
    assert error.ename == "ZeroDivisionError"
