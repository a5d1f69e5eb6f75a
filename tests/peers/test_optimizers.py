"""Twelve steps of every optimizer, and every schedule, beside Keras's and PyTorch's own."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.peers.compare import Lacks
from tests.peers.libraries import keras, torch

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
STEPS = 12
START, GRADIENTS = RNG.normal(size=5), RNG.normal(size=(STEPS, 5))
GRADIENTS[3] = 0.0
TINY = 1e-30
AFTER = "epsilon stands after the root in PyTorch, under it in Keras and here"
RESCALED = "epsilon joins the root after Adam's correction in PyTorch, before it in Keras and here"


@dataclass(frozen=True)
class Rule:
    """An optimizer with settings, and PyTorch's of the same meaning.

    differs
        Why PyTorch's is not the same where epsilon counts.
    """

    name: str
    settings: dict[str, Any]
    torch: Any
    differs: str = ""

    @property
    def label(self):
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.settings.items())})"


def defaults():
    for name in OPTIMIZERS:
        yield Rule(OPTIMIZERS[name].__name__, {}, Lacks("defaults are Keras's"))


def plain():
    for momentum, nesterov in itertools.product((0.0, 0.9), (False, True)):
        given = {"momentum": momentum, "nesterov": nesterov}
        works = momentum > 0 or not nesterov
        lacks = Lacks("refuses nesterov without momentum")
        torchs = ("SGD", {"lr": 0.05, **given}) if works else lacks
        yield Rule("SGD", {"learning_rate": 0.05, **given}, torchs)


def squares():
    for rho, momentum, epsilon, centered in itertools.product(
        (0.9, 0.5), (0.0, 0.8), (TINY, 1e-2), (False, True)
    ):
        given = {"momentum": momentum, "centered": centered}
        torchs = ("RMSprop", {"lr": 0.02, "alpha": rho, "eps": epsilon, **given})
        ours = {"learning_rate": 0.02, "rho": rho, "epsilon": epsilon, **given}
        yield Rule("RMSprop", ours, torchs, AFTER if epsilon == 1e-2 else "")
    for epsilon, start in itertools.product((TINY, 0.1), (0.1, 1.0)):
        given = {"initial_accumulator_value": start}
        yield Rule(
            "Adagrad", {"learning_rate": 0.02, "epsilon": epsilon, **given},
            ("Adagrad", {"lr": 0.02, "eps": epsilon, **given}), AFTER if epsilon == 0.1 else "",
        )  # fmt: skip


def moments():
    for beta_1, beta_2, epsilon, amsgrad in itertools.product(
        (0.9, 0.5), (0.999, 0.7), (TINY, 1e-2), (False, True)
    ):
        ours = {"learning_rate": 0.02, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
        torchs = {"lr": 0.02, "betas": (beta_1, beta_2), "eps": epsilon}
        why = RESCALED if epsilon == 1e-2 else ""
        with_largest = {"amsgrad": amsgrad}
        yield Rule("Adam", ours | with_largest, ("Adam", torchs | with_largest), why)
        decay = {"weight_decay": 0.01}
        yield Rule(
            "AdamW", ours | with_largest | decay, ("AdamW", torchs | with_largest | decay), why
        )
        if not amsgrad:
            yield Rule("Nadam", ours, ("NAdam", torchs | {"momentum_decay": 1.0}))


RULES = [*defaults(), *plain(), *squares(), *moments()]


def our_steps(rule):
    mine = getattr(cr.optimizers, rule.name)(**rule.settings)
    weight, slots = START.copy(), [np.full(5, mine.initial(slot)) for slot in mine.slots]
    found = []
    for step, gradient in enumerate(GRADIENTS, 1):
        weight, *slots = mine.update(weight, gradient, mine.line(step), *slots)
        found.append(weight)
    return np.array(found)


def keras_steps(rule):
    variable = keras.Variable(START, dtype="float64")
    its = getattr(keras.optimizers, rule.name)(**rule.settings)
    its.build([variable])
    found = []
    for gradient in GRADIENTS:
        its.apply([torch.tensor(gradient)])
        found.append(variable.numpy().copy())
    return np.array(found)


def torch_steps(rule):
    name, settings = rule.torch
    weight = torch.tensor(START, requires_grad=True)
    its = getattr(torch.optim, name)([weight], **settings)
    found = []
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient)
        its.step()
        found.append(weight.detach().numpy().copy())
    return np.array(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_steps_beside_keras(rule, compared):
    compared("Keras", rule.label)
    np.testing.assert_allclose(our_steps(rule), keras_steps(rule), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_steps_beside_pytorch(rule, compared):
    if isinstance(rule.torch, Lacks):
        compared("PyTorch", rule.label, "lacks", rule.torch.reason)
        return
    found, theirs = our_steps(rule), torch_steps(rule)
    if rule.differs:
        compared("PyTorch", rule.label, "differs", rule.differs)
        assert not np.allclose(found, theirs, rtol=1e-6, atol=1e-9)
    else:
        compared("PyTorch", rule.label)
        np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=1e-9)


def test_nadams_momentum_grows_faster_than_pytorchs(compared):
    compared(
        "PyTorch", "Nadam by default", "differs",
        "0.96^(0.004 t) in PyTorch, 0.96^t in Keras and here: momentum_decay=1 there is ours",
    )  # fmt: skip
    rule = Rule("Nadam", {"learning_rate": 0.02, "epsilon": TINY}, None)
    theirs = torch_steps(Rule("Nadam", {}, ("NAdam", {"lr": 0.02, "eps": TINY})))
    assert not np.allclose(our_steps(rule), theirs, rtol=1e-3)


def test_every_optimizer_has_a_row():
    assert {rule.name for rule in RULES} == {one.__name__ for one in OPTIMIZERS.values()}
