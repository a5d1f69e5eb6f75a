"""The rate of every step of every schedule, as the optimizer takes it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.peers.compare import Lacks
from tests.peers.libraries import keras, torch

import chainrule as cr

STEPS = 60
PLAIN = torch.optim.lr_scheduler


@dataclass(frozen=True)
class Plan:
    """A schedule with settings; Keras's has the same ones unless it is said."""

    name: str
    settings: dict[str, Any]
    torch: Any
    keras: Any = None
    steps: int = STEPS

    @property
    def label(self):
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.settings.items())})"


NO_CYCLE = Lacks("no cycle of this schedule")
NO_INVERSE = Lacks("no schedule of this formula", ("torch.optim.lr_scheduler.InverseTimeLR",))
BY_FUNCTION = Lacks("only as a LambdaLR, which is the formula itself")
NO_ONE_CYCLE = Lacks("no one-cycle schedule", ("keras.optimizers.schedules.OneCycle",))
PLANS = [
    Plan(
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.9},
        lambda opt: PLAIN.ExponentialLR(opt, 0.9),
    ),
    Plan(
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
        lambda opt: PLAIN.StepLR(opt, 7, 0.5),
    ),
    Plan(
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}, NO_INVERSE,
    ),
    Plan(
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
        NO_INVERSE,
    ),
    Plan(
        "PiecewiseConstantDecay", {"boundaries": [10, 25], "values": [0.1, 0.05, 0.025]},
        # Keras's new value begins after the boundary, PyTorch's at its milestone
        lambda opt: PLAIN.MultiStepLR(opt, [11, 26], 0.5),
    ),
    Plan(
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 40, "end_learning_rate": 0.0, "power": 2.0},
        lambda opt: PLAIN.PolynomialLR(opt, 40, 2.0),
    ),
    Plan(
        "PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 40},
        lambda opt: PLAIN.LinearLR(opt, 1.0, 0.001, 40),
    ),
    Plan(
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 25, "power": 0.5, "cycle": True}, NO_CYCLE,
    ),
    Plan(
        "CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 40},
        lambda opt: PLAIN.CosineAnnealingLR(opt, 40), steps=41,  # PyTorch's rises again
    ),
    Plan(
        "CosineDecay",
        {"initial_learning_rate": 0.0, "decay_steps": 30, "alpha": 0.1, "warmup_target": 0.1,
         "warmup_steps": 10}, BY_FUNCTION,
    ),
    Plan(
        "CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "alpha": 0.1},
        lambda opt: PLAIN.CosineAnnealingLR(opt, 30, 0.01), steps=31,
    ),
    Plan(
        "CosineDecay",
        {"initial_learning_rate": 0.01, "decay_steps": 30, "warmup_target": 0.2}, BY_FUNCTION,
    ),
    Plan(
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 30, "end_learning_rate": 0.01, "power": 2.5},
        Lacks("its polynomial ends at 0"),
    ),
    Plan(
        "LinearDecay", {"initial_learning_rate": 0.1, "decay_steps": 40},
        lambda opt: PLAIN.LinearLR(opt, 1.0, 0.0, 40),
        lambda: keras.optimizers.schedules.PolynomialDecay(0.1, 40, end_learning_rate=0.0),
    ),
    Plan(
        "OneCycle", {"max_learning_rate": 0.1, "total_steps": 50},
        # PyTorch's turns stand one step before its shares of the steps
        lambda opt: PLAIN.OneCycleLR(opt, 0.1, total_steps=51, pct_start=16 / 51),
        NO_ONE_CYCLE, steps=51,
    ),
]  # fmt: skip


def ours(plan):
    schedule = getattr(cr.optimizers.schedules, plan.name)(**plan.settings)
    rule = cr.optimizers.SGD(schedule)
    return [rule.line(step)[0] for step in range(1, plan.steps + 1)]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.label)
def test_rates_beside_keras(plan, compared):
    if isinstance(plan.keras, Lacks):
        compared("Keras", plan.label, "lacks", plan.keras.reason)
        plan.keras.check()
        return
    compared("Keras", plan.label)
    make = plan.keras or (lambda: getattr(keras.optimizers.schedules, plan.name)(**plan.settings))
    its = [float(make()(step)) for step in range(plan.steps)]
    np.testing.assert_allclose(ours(plan), its, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.label)
def test_rates_beside_pytorch(plan, compared):
    if isinstance(plan.torch, Lacks):
        compared("PyTorch", plan.label, "lacks", plan.torch.reason)
        plan.torch.check()
        return
    compared("PyTorch", plan.label)
    its = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, rates = plan.torch(its), []
    for _ in range(plan.steps):
        rates.append(its.param_groups[0]["lr"])
        its.step()
        schedule.step()
    np.testing.assert_allclose(ours(plan), rates, rtol=1e-6, atol=1e-9)


def test_the_cosine_of_pytorch_rises_again(compared):
    compared(
        "PyTorch", "CosineDecay after its steps", "differs",
        "PyTorch's cosine goes on and rises again, Keras's and ours stays at its end",
    )  # fmt: skip
    its = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = PLAIN.CosineAnnealingLR(its, 40)
    for _ in range(60):
        its.step()
        schedule.step()
    assert its.param_groups[0]["lr"] == pytest.approx(0.05 * (1 + math.cos(1.5 * math.pi)))
    assert cr.optimizers.schedules.CosineDecay(0.1, 40)(60) == 0.0


def test_every_schedule_has_a_row():
    assert {plan.name for plan in PLANS} == set(cr.optimizers.schedules.SCHEDULES)
