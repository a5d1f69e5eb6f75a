"""Names and defaults of networks are Keras's, as promised: written here once more, by hand."""

import inspect

import pytest

import chainrule as keras
from chainrule import graph
from chainrule.layers import ACTIVATIONS, INITIALIZERS, REGULARIZERS
from chainrule.losses import LOSSES, find_metric
from chainrule.optimizers import OPTIMIZERS

DEFAULTS = {
    "layers.Dense": {
        "activation": None, "use_bias": True, "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros", "kernel_regularizer": None, "bias_regularizer": None,
        "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
        "name": None, "trainable": True, "bias_trainable": True,
    },
    "layers.LeakyReLU": {"negative_slope": 0.3},
    "layers.PReLU": {"alpha_initializer": "zeros"},
    "layers.Dropout": {"seed": None},
    "layers.BatchNormalization": {"momentum": 0.99, "epsilon": 1e-3},
    "layers.LayerNormalization": {"epsilon": 1e-3},
    "layers.GroupNormalization": {"groups": 32, "epsilon": 1e-3},
    "losses.Huber": {"delta": 1.0},
    "losses.Quantile": {"q": 0.5},
    "losses.BinaryCrossentropy": {"from_logits": False, "reduction": "sum_over_batch_size"},
    "optimizers.SGD": {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    "optimizers.RMSprop": {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7},
    "optimizers.Adam": {
        "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False,
        "clipnorm": None, "clipvalue": None, "global_clipnorm": None,
    },
    "optimizers.AdamW": {"learning_rate": 0.001, "weight_decay": 0.004},
    "optimizers.Adagrad": {"learning_rate": 0.001, "initial_accumulator_value": 0.1},
    "optimizers.Nadam": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "activations.smht": {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0},
    "activations.leaky_relu": {"negative_slope": 0.2},
    "activations.gelu": {"approximate": False},
    "initializers.random_normal": {"stddev": 0.05},
    "initializers.random_uniform": {"minval": -0.05, "maxval": 0.05},
    "callbacks.EarlyStopping": {
        "monitor": "val_loss", "min_delta": 0, "patience": 0, "mode": "auto", "baseline": None,
        "restore_best_weights": False, "start_from_epoch": 0,
    },
    "callbacks.ReduceLROnPlateau": {
        "monitor": "val_loss", "factor": 0.1, "patience": 10, "mode": "auto", "min_delta": 1e-4,
        "cooldown": 0, "min_lr": 0,
    },
    "callbacks.ModelCheckpoint": {
        "monitor": "val_loss", "verbose": 0, "save_best_only": False, "save_weights_only": False,
        "mode": "auto", "save_freq": "epoch", "initial_value_threshold": None,
    },
    "callbacks.StopWhen": {"weight_change": None, "error_share": None, "seconds": None},
    "Sequential.fit": {
        "batch_size": None, "epochs": 1, "verbose": "auto", "callbacks": None,
        "validation_split": 0.0, "validation_data": None, "shuffle": True, "class_weight": None,
        "sample_weight": None, "initial_epoch": 0,
    },
    "MLPClassifier": {
        "dropout": 0.0, "batch_norm": False, "class_weight": None, "callbacks": None,
        "schedule": None, "metric": None, "learning_rate": "constant",
    },
    "MLPRegressor": {
        "dropout": 0.0, "batch_norm": False, "callbacks": None, "schedule": None, "metric": None,
    },
    "MLPClassifier.fit": {"sample_weight": None, "eval_set": None},
    "Sequential.compile": {"engine": "auto"},
    "Sequential": {"seed": None, "dtype": "float32"},
}  # fmt: skip

NAMES = {
    "activation": (ACTIVATIONS, "linear binary_step sigmoid hard_sigmoid tanh smht softsign relu "
                   "relu6 leaky_relu elu selu gelu silu swish mish softplus exponential softmax "
                   "log_softmax"),
    "initializer": (INITIALIZERS, "zeros ones constant random_normal random_uniform "
                    "truncated_normal glorot_uniform xavier_uniform glorot_normal xavier_normal "
                    "he_uniform he_normal lecun_uniform lecun_normal orthogonal"),
    "loss": (LOSSES, "mean_squared_error mse mean_absolute_error mae huber quantile "
             "binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy "
             "poisson squared_error"),
    "optimizer": (OPTIMIZERS, "sgd rmsprop adam adamw adagrad nadam"),
    "regularizer": (REGULARIZERS, "l1 l2 l1_l2 lp"),
}  # fmt: skip
METRICS = (
    "accuracy binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k precision "
    "recall f1 auc mse mae rmse r2_score"
)
SCHEDULES = (
    "ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay CosineDecay OneCycle "
    "LinearDecay"
)
CALLBACKS = (
    "EarlyStopping ReduceLROnPlateau LearningRateScheduler StopWhen TerminateOnNaN CSVLogger "
    "LambdaCallback ProgressBar"
)


TABLES = {"epochs": 200, "patience": 20, "members": None, "time_limit": None, "random_state": 0}


def found(path):
    thing = keras
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


@pytest.mark.parametrize("path", DEFAULTS)
def test_defaults_are_those_promised(path):
    parameters = inspect.signature(found(path)).parameters
    assert {name: parameters[name].default for name in DEFAULTS[path]} == DEFAULTS[path]


@pytest.mark.parametrize("name", ["TabularClassifier", "TabularRegressor"])
def test_estimators_of_tables_are_those_promised(name):
    fit = inspect.signature(found(name).fit).parameters
    assert list(fit) == ["self", "X", "y", "sample_weight", "eval_set", "groups"]
    assert {fit[one].default for one in list(fit)[3:]} == {None}
    parameters = inspect.signature(found(name)).parameters
    assert {one: parameters[one].default for one in TABLES} == TABLES


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_is_known(kind):
    table, names = NAMES[kind]
    assert set(names.split()) <= set(table)


def test_metrics_schedules_callbacks_and_constraints_are_known():
    assert [find_metric(name).name for name in METRICS.split()] == METRICS.split()
    for name in SCHEDULES.split():
        assert hasattr(keras.optimizers.schedules, name)
    for name in CALLBACKS.split():
        assert hasattr(keras.callbacks, name)
    assert keras.constraints.max_norm(2.0)


@pytest.mark.parametrize(
    "activation, x, wanted",
    [
        (keras.layers.LeakyReLU().apply, -1.0, -0.3),
        (keras.activations.leaky_relu(), -1.0, -0.2),
        (keras.activations.binary_step, 0.0, 1.0),
        (keras.activations.relu, 0.0, 0.0),
    ],
)
def test_what_a_default_gives(activation, x, wanted):
    assert activation(graph.variable([x])).value.tolist() == [wanted]


def test_settings_that_keras_has_in_another_place_are_given_by_name():
    """The eighth of Keras's Dense is `activity_regularizer`: none may take it for a constraint."""
    names = list(inspect.signature(keras.layers.Dense).parameters.values())
    by_place = [name.name for name in names if name.kind is name.POSITIONAL_OR_KEYWORD]
    assert by_place == [
        "units", "activation", "use_bias", "kernel_initializer", "bias_initializer",
        "kernel_regularizer", "bias_regularizer",
    ]  # fmt: skip


def test_short_names_of_losses_are_functions_too():
    assert keras.losses.mse is keras.losses.mean_squared_error
    assert keras.losses.mae is keras.metrics.mae is keras.losses.mean_absolute_error
