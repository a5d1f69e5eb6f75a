"""The picture of a range test."""

import numpy as np
import pytest

from chainrule import Sequential, drawing, learning_rate_range_test
from chainrule.errors import InputTypeError
from chainrule.layers import Dense

X = np.linspace(-1.0, 1.0, 40)[:, None]


def result(y, **settings):
    model = Sequential([Dense(1, kernel_initializer="zeros")], seed=0)
    model.compile("sgd", "mse")
    return learning_rate_range_test(model, X, y, steps=60, **settings)


def test_losses_stand_over_rates_by_powers_of_ten():
    found = result(3 * X, lowest=1e-4)
    ax = drawing.plot_learning_rate_range(found)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert ax.get_xscale() == "log"
    assert lines["each batch"].get_ydata().tolist() == found.losses.tolist()
    assert lines["smoothed"].get_xdata().tolist() == found.rates.tolist()
    suggested = lines[f"suggested: {found.suggestion:.2g}"]
    assert set(suggested.get_xdata()) == {found.suggestion}
    least = lines[f"least, at {10 * found.suggestion:.2g}"]
    assert least.get_ydata().tolist() == [found.smoothed.min()]
    assert suggested.get_linestyle() != lines["smoothed"].get_linestyle()
    low, high = ax.get_ylim()
    assert low <= found.smoothed.min() < found.smoothed.max() <= high


def test_where_nothing_is_suggested_no_line_says_so_and_axes_may_be_given():
    from matplotlib.figure import Figure

    given = Figure().add_subplot()
    ax = drawing.plot_learning_rate_range(result(0 * X), given)
    assert ax is given
    assert [line.get_label() for line in ax.get_lines()] == ["each batch", "smoothed"]


def test_anything_else_is_refused():
    with pytest.raises(InputTypeError, match="needs what learning_rate_range_test gives, got list"):
        drawing.plot_learning_rate_range([1.0])
