"""What users write by mistake around layers is answered by a sentence."""

from dataclasses import dataclass

import numpy as np
import pytest

import chainrule
from chainrule import graph
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, GaussianNoise, Initializer, Input, Mixup, Normalization

X, LABELS = np.zeros((4, 2)), np.array([0, 1, 2, 0])


@dataclass(frozen=True)
class Wrong(Initializer):
    given: object

    def values(self, shape, seed, stream):
        return self.given


def trained(metric, loss="sparse_categorical_crossentropy"):
    model = chainrule.Sequential([Input((2,)), Dense(3, "softmax")])
    model.compile("sgd", loss, metrics=[metric])
    model.fit(X, LABELS, verbose=0)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: chainrule.activations.leaky_relu(graph.variable([1.0])), InputTypeError,
         r"leaky_relu: .* leaky_relu\(\)\(x\)"),
        (lambda: chainrule.activations.gelu(graph.variable([1.0])), InputTypeError, "gelu"),
        (lambda: trained("categorical_accuracy"), ShapeError,
         "metric 'categorical_accuracy' does not fit"),
        (lambda: chainrule.Sequential([Input(2), Dense(3, kernel_initializer=Wrong(np.ones(2)))]),
         ShapeError, r"dense/kernel: Wrong must give .* \(2, 3\), gave \(2,\)"),
        (lambda: chainrule.Sequential([Input((2,)), Dense(3, kernel_initializer=Wrong("a"))]),
         ShapeError, "gave str"),
        (lambda: chainrule.initializers.constant("a"), SettingError, "constant: value .* 'a'"),
        (lambda: chainrule.initializers.constant(np.nan), SettingError, "got nan"),
        (lambda: GaussianNoise(0.1).sample([["a"]]), InputTypeError, "needs rows of numbers"),
        (lambda: Mixup(0.2).sample(3.0), InputTypeError, "got one number"),
        (lambda: Normalization(mean="a", variance="b"), SettingError, "mean must be .* 'a'"),
    ],
)  # fmt: skip
def test_a_mistake_gets_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_numbers_beyond_the_type_are_not_made_infinite():
    model = chainrule.Sequential([Input((2,)), Normalization(), Dense(1)])
    with pytest.raises(DataError, match="normalization/variance: .* too large for float32"):
        model.layers[0].adapt(np.array([[1e20, 1.0], [-1e20, 2.0]]))
    assert (model.layers[0].mean == 0).all()


@pytest.mark.parametrize("setting", [{"clipnorm": 1.0}, {"global_clipnorm": 1.0}])
def test_a_huge_gradient_is_clipped_and_not_lost(setting):
    model = chainrule.Sequential(
        [Input((1,)), Dense(1, kernel_initializer="ones", use_bias=False)], dtype="float32"
    )
    model.compile(chainrule.optimizers.SGD(0.5, **setting), "mae")
    model.train_on_batch(np.full((2, 1), 1e25, np.float32), np.zeros((2, 1)))
    np.testing.assert_allclose(model.get_weights()[0], [[0.5]], rtol=1e-5)


def test_weights_that_are_huge_keep_to_their_norm():
    limit = chainrule.constraints.max_norm(2.0)
    kept = limit(graph.variable(np.array([[3e25], [4e25]], np.float32))).value
    np.testing.assert_allclose(kept, [[1.2], [1.6]], rtol=1e-5)
