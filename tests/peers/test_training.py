"""Whole networks, trained and scored as users do: every optimizer, every way to give rows."""

import numpy as np
import pytest
from tests.peers.libraries import keras, torch
from tests.peers.stacks import Affine, our_steps, torch_steps

import chainrule
from chainrule.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
TASKS = {
    "binary": (1, "sigmoid", "binary_crossentropy", "accuracy", RNG.integers(0, 2, 50)),
    "sparse": (3, "softmax", "sparse_categorical_crossentropy", "accuracy", np.arange(50) % 3),
    "one-hot": (3, "softmax", "categorical_crossentropy", "accuracy", np.eye(3)[np.arange(50) % 3]),
    "number": (1, None, "mean_squared_error", "mae", RNG.normal(size=50)),
}
SETTINGS = {
    "plain": {},
    "split": {"validation_split": 0.3},
    "data": {"validation_data": (X[:20], np.linspace(0, 2, 20))},
    "rows": {"sample_weight": np.linspace(0, 2, 50), "validation_split": 0.3},
    "classes": {"class_weight": {0: 0.5, 1: 2.0}, "validation_split": 0.3},
}


def built(library, task, penalty, **settings):
    units, last, loss, metric, _ = TASKS[task]
    layers, strength = library.layers, library.regularizers.L2(0.01) if penalty else None
    model = library.Sequential(
        [
            library.Input((3,)),
            layers.Dense(6, activation="tanh", kernel_regularizer=strength),
            layers.Dense(units, activation=last),
        ],
        **settings,
    )
    model.compile(library.optimizers.Adam(learning_rate=0.02), loss, metrics=[metric])
    return model


@pytest.mark.parametrize("penalty", [False, True])
@pytest.mark.parametrize(
    "task, settings",
    [(task, one) for task in TASKS for one in SETTINGS if (task, one) != ("number", "classes")],
)
def test_training_and_evaluation(task, settings, penalty, compared):
    compared("Keras", f"training: {task}, {settings}{', penalty' if penalty else ''}")
    y, given = TASKS[task][-1], dict(SETTINGS[settings])
    if "validation_data" in given:
        rows, weights = given["validation_data"]
        given["validation_data"] = (rows, y[:20], weights)
    mine = built(chainrule, task, penalty, dtype="float64", seed=1)
    its = built(keras, task, penalty)
    its.set_weights(mine.get_weights())
    given |= {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    history = its.fit(X, y, **given).history
    found = mine.fit(X, y, **given).history
    assert found.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)
    for a, b in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    for weights in (None, np.linspace(0, 3, 50)):
        scores = its.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True)
        assert mine.evaluate(X, y, sample_weight=weights, return_dict=True) == pytest.approx(
            scores, rel=1e-6
        )


RULES = {
    "SGD": {"learning_rate": 0.1, "momentum": 0.9},
    "RMSprop": {"centered": True},
    "Adam": {"amsgrad": True},
}
EVERY_RULE = [(kind.__name__, RULES.get(kind.__name__, {})) for kind in OPTIMIZERS.values()]


def deep(library, **settings):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((3,)), layers.Dense(6, activation="tanh"),
            layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax"),
        ],
        **settings,
    )  # fmt: skip


def trained_alike(mine, its, label, compared):
    compared("Keras", label)
    y = TASKS["sparse"][-1]
    its.set_weights(mine.get_weights())
    given = {"batch_size": 16, "epochs": 4, "shuffle": False, "verbose": 0}
    history, found = its.fit(X, y, **given).history, mine.fit(X, y, **given).history
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-6)
    for a, b in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("name, settings", EVERY_RULE)
def test_every_optimizer_trains_a_network(name, settings, engine, compared):
    mine, its = deep(chainrule, dtype="float64", seed=1), deep(keras)
    loss = "sparse_categorical_crossentropy"
    mine.compile(getattr(chainrule.optimizers, name)(**settings), loss, engine=engine)
    its.compile(getattr(keras.optimizers, name)(**settings), loss)
    trained_alike(mine, its, f"training: {name}({settings}) {engine}", compared)


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_a_penalty_on_activity(penalty, engine, compared):
    loss = "sparse_categorical_crossentropy"
    models = []
    for library, more in ((chainrule, {"dtype": "float64", "seed": 1}), (keras, {})):
        layers = library.layers
        models.append(
            library.Sequential(
                [
                    library.Input((3,)),
                    layers.Dense(6, "tanh", activity_regularizer=penalty),
                    layers.Dense(3, "softmax"),
                ],
                **more,
            )
        )
        more = {"engine": engine} if library is chainrule else {}
        models[-1].compile(library.optimizers.SGD(0.5), loss, **more)
    trained_alike(*models, f"training: activity_regularizer={penalty} {engine}", compared)


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("which", ["kernel", "bias", "activity"])
def test_penalties_of_a_frozen_layer(which, engine, compared):
    """Those of its parameters are not counted, that of its activity is."""
    loss, penalty = "sparse_categorical_crossentropy", {f"{which}_regularizer": "l2"}
    models = []
    for library, more in ((chainrule, {"dtype": "float64", "seed": 1}), (keras, {})):
        dense = library.layers.Dense
        frozen = dense(6, activation="tanh", bias_initializer="ones", trainable=False, **penalty)
        layers = [dense(4, activation="tanh"), frozen, dense(3, activation="softmax")]
        models.append(library.Sequential([library.Input((3,)), *layers], **more))
        more = {"engine": engine} if library is chainrule else {}
        models[-1].compile(library.optimizers.SGD(0.5), loss, **more)
    trained_alike(*models, f"training: frozen, {which}_regularizer {engine}", compared)
    scores = [one.evaluate(X, np.arange(50) % 3, batch_size=50, verbose=0) for one in models]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)


TINY = 1e-30
OPTIM, CUT = torch.optim, torch.nn.utils
BESIDE_PYTORCH = [
    ("SGD", {"learning_rate": 0.1}, lambda p: OPTIM.SGD(p, 0.1)),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}, lambda p: OPTIM.SGD(p, 0.1, 0.9)),
    ("RMSprop", {"epsilon": TINY}, lambda p: OPTIM.RMSprop(p, 0.001, alpha=0.9, eps=TINY)),
    (
        "Adagrad", {"epsilon": TINY},
        lambda p: OPTIM.Adagrad(p, 0.001, initial_accumulator_value=0.1, eps=TINY),
    ),
    ("Adam", {"epsilon": TINY}, lambda p: OPTIM.Adam(p, eps=TINY)),
    ("AdamW", {"epsilon": TINY}, lambda p: OPTIM.AdamW(p, weight_decay=0.004, eps=TINY)),
    ("Nadam", {"epsilon": TINY}, lambda p: OPTIM.NAdam(p, 0.001, eps=TINY, momentum_decay=1.0)),
    ("SGD", {"clipnorm": 0.05}, lambda p: Clipped(p, lambda p: one_by_one(p, 0.05))),
    (
        "SGD", {"clipvalue": 0.02}, lambda p: Clipped(p, lambda p: CUT.clip_grad_value_(p, 0.02))
    ),
    (
        "SGD", {"global_clipnorm": 0.05},
        lambda p: Clipped(p, lambda p: CUT.clip_grad_norm_(p, 0.05)),
    ),
]  # fmt: skip


def one_by_one(parameters, largest):
    for one in parameters:
        CUT.clip_grad_norm_([one], largest)


class Clipped(torch.optim.SGD):
    """Gradient descent at 0.01 that clips before each step."""

    def __init__(self, parameters, clip):
        super().__init__(parameters, 0.01)
        self.kept, self.clip = parameters, clip

    def step(self):
        self.clip(self.kept)
        super().step()


@pytest.mark.parametrize("name, settings, optimizer", BESIDE_PYTORCH)
def test_every_optimizer_trains_a_network_beside_pytorch(name, settings, optimizer, compared):
    compared("PyTorch", f"training: {name}({settings})")
    rng, layers = np.random.default_rng(8), chainrule.layers
    sizes = [3, 6, 5, 3]
    weights = [
        rng.normal(size=shape)
        for inputs, units in zip(sizes, sizes[1:], strict=False)
        for shape in ((inputs, units), (units,))
    ]
    stack = [
        layers.Input((3,)), layers.Dense(6, "tanh"), layers.Dense(5, "relu"),
        layers.Dense(3, "softmax"),
    ]  # fmt: skip
    y = TASKS["sparse"][-1]
    rule = getattr(chainrule.optimizers, name)(**settings)
    loss = "sparse_categorical_crossentropy"
    mine = our_steps(stack, weights, rule, loss, X, y, 10)
    modules = [Affine(torch.tanh), Affine(torch.relu), Affine()]
    theirs = torch_steps(modules, weights, optimizer, torch.nn.functional.cross_entropy, X, y, 10)
    np.testing.assert_allclose(mine.losses, theirs.losses, rtol=1e-6)
    for found, wanted in zip(mine.weights, theirs.weights, strict=True):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_every_optimizer_is_trained_with():
    names = {kind.__name__ for kind in OPTIMIZERS.values()}
    assert names == {name for name, *_ in EVERY_RULE} == {name for name, *_ in BESIDE_PYTORCH}


def test_losses_and_metrics_of_single_batches(compared):
    compared("Keras", "train_on_batch and metrics, batch by batch")
    mine, its = deep(chainrule, dtype="float64", seed=1), deep(keras)
    its.set_weights(mine.get_weights())
    y, weights = TASKS["sparse"][-1], np.linspace(0, 2, 50)
    for model in (mine, its):
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for rows in (slice(0, 20), slice(20, 50), slice(0, 50), slice(3, 4)):
        for given in ({}, {"sample_weight": weights[rows]}, {"class_weight": {0: 3.0, 2: 0.0}}):
            found = mine.train_on_batch(X[rows], y[rows], **given, return_dict=True)
            wanted = its.train_on_batch(X[rows], y[rows], **given, return_dict=True)
            wanted = {name: float(value) for name, value in wanted.items()}
            assert found == pytest.approx(wanted, rel=1e-6)
