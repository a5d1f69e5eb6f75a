"""The worked examples of the course, to the digits printed there."""

import numpy as np
import pytest

import chainrule
from chainrule.layers import Dense, Input
from chainrule.optimizers import SGD


def network(weights, rate, bias_trainable, outputs):
    model = chainrule.Sequential(
        [
            Input((len(weights[0]),)),
            Dense(2, "sigmoid", bias_trainable=bias_trainable),
            Dense(outputs, "sigmoid", bias_trainable=bias_trainable),
        ],
        seed=0,
        dtype="float64",
    )
    model.compile(SGD(rate), "squared_error")
    model.set_weights(weights)
    return model


def example_a():
    weights = [
        np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([0.35, 0.35]),
        np.array([[0.40, 0.50], [0.45, 0.55]]), np.array([0.60, 0.60]),
    ]  # fmt: skip
    return network(weights, 0.5, False, 2), np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def test_example_a_forward_loss_and_step():
    model, x, t = example_a()
    np.testing.assert_allclose(model.predict(x), [[0.75136507, 0.77292847]], atol=5e-9)
    assert model.evaluate(x, t) == pytest.approx(0.29837111, abs=5e-9)
    model.fit(x, t)
    w1, b1, w2, b2 = model.get_weights()
    np.testing.assert_allclose(
        w1.T.ravel(), [0.14978072, 0.19956143, 0.24975114, 0.29950229], atol=5e-9
    )
    np.testing.assert_allclose(
        w2.T.ravel(), [0.35891648, 0.40866619, 0.51130127, 0.56137012], atol=5e-9
    )
    assert b1.tolist() == [0.35, 0.35]
    assert b2.tolist() == [0.60, 0.60]
    assert model.evaluate(x, t) == pytest.approx(0.29102777, abs=5e-9)


def test_example_a_deltas_are_in_the_gradient():
    model, x, t = example_a()
    parameters = model.trainer.parameters
    _, flat = model.trainer.gradient(x, t)
    hidden = np.array([0.59326999, 0.59688438])
    delta = np.array([0.13849856, -0.03809824])
    np.testing.assert_allclose(
        parameters.view(flat, "dense_1/kernel"), np.outer(hidden, delta), atol=5e-9
    )
    np.testing.assert_allclose(
        parameters.view(flat, "dense/kernel"), np.outer(x[0], [0.00877135, 0.00995425]), atol=5e-9
    )


def test_example_a_after_ten_thousand_steps():
    model, x, t = example_a()
    model.fit(np.repeat(x, 10_000, 0), np.repeat(t, 10_000, 0), batch_size=1)
    assert model.evaluate(x, t) == pytest.approx(3.5102e-05, rel=2e-5)
    np.testing.assert_allclose(model.predict(x), [[0.01591362, 0.98406427]], atol=5e-9)


def test_example_b():
    weights = [
        np.array([[0.2, -0.3], [0.4, 0.1], [-0.5, 0.2]]), np.array([-0.4, 0.2]),
        np.array([[-0.3], [-0.2]]), np.array([0.1]),
    ]  # fmt: skip
    model = network(weights, 0.9, True, 1)
    x, t = np.array([[1.0, 0.0, 1.0]]), np.array([[1.0]])
    assert model.predict(x)[0, 0] == pytest.approx(0.47389, abs=5e-6)
    model.fit(x, t)
    w1, b1, w2, b2 = model.get_weights()
    np.testing.assert_allclose(w2.ravel(), [-0.26083, -0.13803], atol=6e-6)
    np.testing.assert_allclose(
        w1, [[0.19215, -0.30589], [0.4, 0.1], [-0.50785, 0.19411]], atol=6e-6
    )
    np.testing.assert_allclose([b2[0], b1[1], b1[0]], [0.21805, 0.19411, -0.40785], atol=6e-6)


def test_logistic_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.logistic(size=200) > 0.3).astype(int)
    model = chainrule.Sequential(
        [Input(3), Dense(1, "sigmoid", kernel_regularizer=chainrule.regularizers.l2(0.5 / 200))],
        seed=1,
        dtype="float64",
    )
    model.compile(SGD(1.0), "binary_crossentropy")
    model.fit(X, y, batch_size=200, epochs=1000)
    theirs = LogisticRegression(C=1.0, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(model.layers[0].kernel[:, 0], theirs.coef_[0], atol=1e-3)
    np.testing.assert_allclose(model.layers[0].bias, theirs.intercept_, atol=1e-3)
