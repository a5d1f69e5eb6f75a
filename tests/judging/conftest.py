"""A fitted model with new rows, and what they say of it."""

import pytest
from tests.judging.tables import QUICK, people

import chainrule
from chainrule import TabularClassifier


@pytest.fixture(scope="package")
def left():
    X, y = people()
    model = TabularClassifier(**QUICK).fit(X, y)
    return model, *people(800, seed=1)


@pytest.fixture(scope="package")
def found(left):
    return chainrule.evaluate(*left, by="all")
