"""Pictures of training: losses, gradients by layer, approximations."""

import numpy as np
import pytest

from chainrule import Sequential, drawing
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, Dropout, Input

X = np.linspace(-1.0, 1.0, 40)[:, None]
Y = (X > 0.2).astype(float)


def trained(epochs=6, **settings):
    model = Sequential([Input((1,)), Dense(3, "tanh"), Dense(1, "sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, **settings)


def drawn(ax):
    return {line.get_label(): line.get_ydata() for line in ax.get_lines()}


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_a_history_is_drawn_by_iteration_and_by_epoch(metric):
    history = trained(validation_data=(X[::3], Y[::3]))
    left, right = drawing.plot_history(history, metric, window=4)
    raw, mean = drawn(left).values()
    assert raw.tolist() == history.steps[metric].tolist()
    assert len(raw) == 30
    # the mean of one before, itself and two after
    np.testing.assert_allclose(mean[10], np.mean(raw[9:13], dtype=float), rtol=1e-12)
    np.testing.assert_allclose(mean[0], np.mean(raw[:3], dtype=float), rtol=1e-12)
    np.testing.assert_allclose(mean[-1], np.mean(raw[-2:], dtype=float), rtol=1e-12)
    lines = drawn(right)
    assert list(lines["training"]) == history.history[metric]
    assert list(lines["validation"]) == history.history[f"val_{metric}"]
    assert right.get_lines()[0].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert (left.get_xlabel(), right.get_xlabel()) == ("iteration", "epoch")


def test_a_history_without_validation_has_one_line_by_epoch():
    _, right = drawing.plot_history(trained())
    assert list(drawn(right)) == ["training"]


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (InputTypeError, ([1.0, 2.0],), "needs the history that fit gives, got list"),
        (SettingError, (trained(1), "acuracy"), "no 'acuracy'; did you mean 'accuracy'"),
    ],
)
def test_what_is_no_history_gets_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_history(*arguments)


def test_wrong_windows_and_empty_histories_get_a_sentence():
    with pytest.raises(SettingError, match="window must be a whole number of 1 or more"):
        drawing.plot_history(trained(1), window=0)
    with pytest.raises(SettingError, match="the history has no 'loss'; known"):
        drawing.plot_history(trained(0))


def deep(**settings):
    layers = [Dense(4, "sigmoid", **settings), Dropout(0.1), Dense(3, "tanh", **settings), Dense(1)]
    model = Sequential([Input((1,)), *layers], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    return model


def test_norms_of_gradients_are_those_of_differences():
    model = Sequential([Input((1,)), Dense(3, "tanh"), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    weights = model.get_weights()
    slopes = []
    for place, array in enumerate(weights):
        slope = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            losses = []
            for h in (1e-5, -1e-5):
                moved = [one.copy() for one in weights]
                moved[place][at] += h
                model.set_weights(moved)
                losses.append(model.evaluate(X, Y))
            slope[at] = (losses[0] - losses[1]) / 2e-5
        slopes.append(np.linalg.norm(slope))
    model.set_weights(weights)
    kernels = drawing.gradient_norms(model, X, Y)
    biases = drawing.gradient_norms(model, X, Y, parameter="bias")
    np.testing.assert_allclose([*kernels.values()], slopes[::2], rtol=1e-6)
    np.testing.assert_allclose([*biases.values()], slopes[1::2], rtol=1e-6)
    assert list(kernels) == ["dense", "dense_1"]


def test_gradients_by_layer_are_drawn_on_powers_of_ten():
    norms = drawing.gradient_norms(deep(), X, Y)
    assert list(norms) == ["dense", "dense_1", "dense_2"]
    ax = drawing.plot_gradient_norms({"a network": norms, "numbers": [1e-8, 1.0]})
    lines = drawn(ax)
    assert list(lines["a network"]) == list(norms.values())
    assert list(lines["numbers"]) == [1e-8, 1.0]
    assert ax.get_lines()[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.get_yscale() == "log"
    markers = {line.get_marker() for line in ax.get_lines()}
    assert len(markers) == 2


def test_wrong_gradients_get_a_sentence():
    with pytest.raises(InputTypeError, match="gradient_norms: model must be Sequential, got str"):
        drawing.gradient_norms("model", X, Y)
    with pytest.raises(SettingError, match="no layer trains a 'scale'; there are: 'dense/kernel'"):
        drawing.gradient_norms(deep(), X, Y, "scale")
    for given in ([1.0, 2.0], {}, 3.0):
        with pytest.raises(InputTypeError, match="needs what gradient_norms gives, or a dict"):
            drawing.plot_gradient_norms(given)
    for wrong, kind in ((1.0, "float"), ("high", "str"), ([], "list"), (["high"], "list")):
        with pytest.raises(InputTypeError, match=f"'b': needs norms, one a layer, got {kind}"):
            drawing.plot_gradient_norms({"a": [1.0, 2.0], "b": wrong})
    with pytest.raises(InputTypeError, match="'a': needs norms, one a layer, got str"):
        drawing.plot_gradient_norms({"a": "high"})


@pytest.mark.parametrize("layers", [1, 3])
def test_the_norms_of_one_network_are_one_line(layers):
    model = Sequential([Input((1,)), *[Dense(1) for _ in range(layers)]], seed=0)
    model.compile("sgd", "mse")
    norms = drawing.gradient_norms(model, X, Y)
    ax = drawing.plot_gradient_norms(norms)
    [line] = ax.get_lines()
    assert list(line.get_ydata()) == list(norms.values())
    assert len(norms) == layers
    assert ax.get_legend() is None


@pytest.mark.parametrize("x", [X, X.ravel()])
def test_an_approximation_is_drawn_beside_its_target(x):
    models = {"first": deep(), "second": deep()}
    models["second"].fit(X, Y, epochs=2, verbose=0)
    ax = drawing.plot_approximation(models, x, Y)
    lines = drawn(ax)
    assert list(lines) == ["target", "first", "second"]
    assert lines["target"].tolist() == Y.ravel().tolist()
    for name, model in models.items():
        assert lines[name].tolist() == model.predict(X).ravel().tolist()


def test_wrong_approximations_get_a_sentence():
    with pytest.raises(InputTypeError, match="needs a dict of models"):
        drawing.plot_approximation(deep(), X, Y)
    with pytest.raises(InputTypeError, match="'a': needs a model with predict, got int"):
        drawing.plot_approximation({"a": 3}, X, Y)
    with pytest.raises(ShapeError, match="X must have one number a row and y as many"):
        drawing.plot_approximation({"a": deep()}, np.eye(3), [1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="X must have one number a row and y as many"):
        drawing.plot_approximation({"a": deep()}, X, Y[:3])
