"""The picture of an activation: values and slopes are those of the graph."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import chainrule as cr
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.layers import ACTIVATIONS


def curves(ax):
    value, slope = ax.get_lines()[:2]
    assert (value.get_label(), slope.get_label()) == ("f(x)", "f'(x)")
    return value.get_xdata(), value.get_ydata(), slope.get_ydata()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "linear": (lambda x: x, lambda x: np.ones_like(x)),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "softmax": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),  # of (x, 0)
    "log_softmax": (lambda x: -np.log1p(np.exp(-x)), lambda x: sigmoid(-x)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_curves_are_the_formulas(name):
    x, value, slope = curves(cr.plot_activation(name))
    assert (x[0], x[-1]) == (-5.0, 5.0)
    np.testing.assert_allclose(value, FORMULAS[name][0](x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope, FORMULAS[name][1](x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_that_has_a_name_can_be_drawn(name):
    ax = cr.plot_activation(name)
    x, value, slope = curves(ax)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    # slopes and values belong together: the curve rises by what lies below the slope
    jumps = abs(np.diff(value)) > 0.5 * abs(x[1] - x[0]) * 200
    risen = np.diff(value)[~jumps].sum()
    below = (0.5 * (slope[1:] + slope[:-1]) * np.diff(x))[~jumps].sum()
    assert risen == pytest.approx(below, abs=0.02)
    assert ax.get_title().startswith(name)
    low, high = ax.get_ylim()
    assert -7 < low < high < 7


def test_a_function_of_ones_own_is_drawn_by_its_name():
    def cubed(x):
        return 0.01 * x * x * x

    ax = cr.plot_activation(cubed, -2.0, 3.0)
    x, value, slope = curves(ax)
    assert (x[0], x[-1]) == ax.get_xlim() == (-2.0, 3.0)
    np.testing.assert_allclose(value, 0.01 * x**3, atol=1e-15)
    np.testing.assert_allclose(slope, 0.03 * x**2, atol=1e-15)
    assert ax.get_title() == "cubed"


def test_an_operation_and_none_are_drawn_too():
    assert cr.plot_activation(cr.ops.tanh).get_title() == "tanh"
    assert cr.plot_activation(None).get_title() == "linear"


def test_one_that_mixes_units_says_so():
    title = cr.plot_activation("softmax").get_title()
    assert title == "softmax, first of two units (x, 0)"
    assert cr.plot_activation("sigmoid").get_title() == "sigmoid"


def test_it_draws_on_axes_that_are_given():
    ax = Figure().add_subplot()
    assert cr.plot_activation("tanh", ax=ax) is ax
    assert ax.get_xlabel() == "x"
    assert ax.get_ylabel()
    assert ax.get_legend() is not None


@pytest.mark.parametrize(
    "error, arguments, sentence",
    [
        (SettingError, ("tahn",), "'tahn' is not known; did you mean 'tanh'"),
        (InputTypeError, (3,), "needs a name or a function, got int"),
        (SettingError, ("tanh", 1.0, 1.0), "high must be a number above low"),
        (SettingError, ("tanh", float("nan")), "low must be a number"),
        (InputTypeError, (lambda x: 3,), "must give a node, got int"),
        (ShapeError, (lambda x: x.sum(),), "must give the shape it is given"),
    ],
)
def test_wrong_arguments_get_a_sentence(error, arguments, sentence):
    with pytest.raises(error, match=sentence):
        cr.plot_activation(*arguments)


def test_axes_that_are_none_get_a_sentence():
    with pytest.raises(InputTypeError, match="plot_activation: needs axes of matplotlib, got str"):
        cr.plot_activation("tanh", ax="here")
    with pytest.raises(InputTypeError, match="got Figure; leave it out"):
        cr.plot_activation("tanh", ax=Figure())
