"""What a page of a trained network says of its update, and of where its row comes from."""

import re

import numpy as np

import chainrule as cr
from chainrule.tracing import trace_steps


def test_remarks_are_in_the_page_as_they_are():
    model, X, y = _softmax()
    trainer = model.trainer
    step = trace_steps(trainer, trainer.data(X, y), remarks=["row 3 of <b>.csv: a = 1"])
    page = step.to_html()
    assert re.search(r"row 3 of (\\u003c|&lt;)b", page) and "of <b>.csv" not in page
    assert "row 3 of <b>.csv: a = 1" in " ".join(step.to_text().split())


def _softmax():
    model = cr.Sequential([cr.Input((3,)), cr.layers.Dense(4, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, np.ones((1, 3)), [2]
