"""What is made once and kept: the same key for the same description, and for no other."""

from dataclasses import dataclass, replace

import pytest

from chainrule import activations
from chainrule.graph import operation, ops
from chainrule.kept import Kept, description_key
from chainrule.layers import L2, Constant, Dense, Dropout, Input, LeakyReLU, PReLU, Stack
from chainrule.losses import FunctionLoss, find_loss, find_metric
from chainrule.optimizers import Adam


@dataclass(frozen=True)
class Own(Dense):
    """A layer of one's own."""


twice = operation(lambda x: 2 * x)


def made(name):
    def activation(x):
        return x

    activation.__module__ = "chainrule.layers"
    return activation


DIFFERENT = [
    None, 0, False, 0.0, -0.0, 1, True, 1.0, "1", "", (), frozenset(), (1,), (1.0,), ((1,),),
    Dense(1), Dense(2), Dense(1, "relu"), Dense(1, name="relu"), Dense(1, trainable=False),
    Dense(1, activation=ops.relu), Dense(1, activation=activations.tanh), Dense(1, "leaky_relu"),
    Dense(1, activation=activations.leaky_relu), Dense(1, activation=activations.leaky_relu(0.1)),
    Dense(1, activation=activations.leaky_relu(0.0)), Dense(1, activation=activations.elu(0.1)),
    Dense(1, activation=activations.silu), Dense(1, activation=activations.mish),
    LeakyReLU(), LeakyReLU(0.0), PReLU(), PReLU("ones"),
    Dense(1, kernel_regularizer=L2(1)), Dense(1, kernel_regularizer=L2(1.0)),
    Dense(1, kernel_initializer=Constant(1)), Dense(1, kernel_initializer=Constant(True)),
    Dropout(0), Dropout(0.0), Dropout(0.0, seed=1), Input(1), Stack([Dense(1)], (1,)),
    Stack([Dense(1)], (2,)), Adam(), Adam(0.1), find_loss("mse"), find_metric("mse"),
    find_metric("mean_squared_error"), find_loss("binary_crossentropy"),
]  # fmt: skip


def test_different_descriptions_have_different_keys():
    keys = [description_key(one) for one in DIFFERENT]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_same_description_has_the_same_key():
    for make in (lambda: Dense(3, "relu"), lambda: Stack([Dense(3)], (2,)), lambda: Adam(0.1)):
        assert description_key(make()) == description_key(make())
    changed = replace(Dense(3), units=4)
    assert description_key(changed) == description_key(Dense(4))


@pytest.mark.parametrize(
    "description",
    [
        Own(1), Dense(1, activation=lambda x: x), Dense(1, activation=twice),
        Dense(1, kernel_initializer=Constant([1.0])),
        FunctionLoss(lambda t, p: t - p),
        Stack([Dense(2), Own(1)], (1,)), [1], {"a": 1}, len, Own, made("a"),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_code_of_ones_own_and_what_can_change_have_no_key(description):
    assert description_key(description) is None
    assert description_key((1, description)) is None


def test_what_is_kept_is_made_once():
    kept, made = Kept(most=2), []

    def get(key):
        def make():
            made.append(key)
            return object()

        return kept.get(key, make)

    first = get("a")
    assert get("a") is first
    get("b")
    get("a")
    get("c")  # b was not used for longest
    assert get("a") is first
    get("b")
    assert made == ["a", "b", "c", "b"]
    assert get(None) is not get(None)
