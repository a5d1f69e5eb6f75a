"""Paths of optimizers, and learning rates: the lines are what the rules and the training give."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.drawing.diagrams import settled

from chainrule import Sequential, drawing
from chainrule.drawing import descent
from chainrule.errors import InputTypeError, SettingError
from chainrule.graph import ops
from chainrule.layers import Dense, Input
from chainrule.optimizers import SGD, Adam


def walked(ax):
    return {line.get_label(): np.stack(line.get_data(), axis=1) for line in ax.get_lines()}


def test_saddle_and_valley_with_five_optimizers_are_one_call():
    saddle, valley = drawing.plot_optimizer_paths()
    for ax in (saddle, valley):
        assert list(walked(ax)) == ["SGD", "momentum", "Nesterov", "RMSprop", "Adam", "start"]
        styles = [(one.get_linestyle(), one.get_marker()) for one in ax.get_lines()[:5]]
        assert len(set(styles)) == 5
        assert ax.collections
    for name, path in walked(valley).items():
        if name != "start":
            assert path.shape == (61, 2)
            assert path[0].tolist() == walked(valley)["start"][0].tolist()
            assert path[-1, 0] ** 2 / 20 + path[-1, 1] ** 2 < 0.9


def test_paths_are_the_rules_written_out():
    rules = {"plain": SGD(0.1), "heavy": SGD(0.1, momentum=0.8), "adam": Adam(0.2)}
    [ax] = drawing.plot_optimizer_paths(rules, "valley", steps=30, start=(-4.0, 2.0))
    lines = walked(ax)

    def slope(w):
        return np.array([0.1 * w[0], 2 * w[1]])

    plain, heavy, adam = ([np.array([-4.0, 2.0])] for _ in range(3))
    v, m, s = np.zeros(2), np.zeros(2), np.zeros(2)
    for step in range(1, 31):
        plain.append(plain[-1] - 0.1 * slope(plain[-1]))
        v = 0.8 * v - 0.1 * slope(heavy[-1])
        heavy.append(heavy[-1] + v)
        g = slope(adam[-1])
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        rate = 0.2 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        adam.append(adam[-1] - rate * m / (np.sqrt(s) + 1e-7))
    for name, path in (("plain", plain), ("heavy", heavy), ("adam", adam)):
        np.testing.assert_allclose(lines[name], path, rtol=1e-9, atol=1e-12)


def test_a_surface_of_ones_own_and_a_list_of_names():
    def bowl(x, y):
        return x * x + y * y

    [ax] = drawing.plot_optimizer_paths(["sgd", "adam"], bowl, steps=4, start=[1.0, 2.0])
    assert ax.get_title() == "bowl"
    lines = walked(ax)
    assert list(lines) == ["SGD: hardly moves", "Adam: hardly moves", "start"]
    np.testing.assert_allclose(
        lines["SGD: hardly moves"], np.outer(0.98 ** np.arange(5), [1.0, 2.0])
    )


def test_a_picture_says_what_is_not_seen_of_a_path():
    rules = {"still": SGD(1e-4), "valley only": SGD(0.01), "fast": SGD(0.1)}
    saddle, valley = drawing.plot_optimizer_paths(rules, steps=30)
    assert list(walked(saddle)) == ["still: hardly moves", "valley only", "fast", "start"]
    assert saddle.get_title().endswith("; paths go on outside")
    assert walked(saddle)["fast"][-1, 1] > saddle.get_ylim()[1]
    assert not valley.get_title().endswith("outside")


def test_optimizers_of_one_kind_are_told_apart():
    [ax] = drawing.plot_optimizer_paths([SGD(0.1), SGD(0.2)], "valley", steps=2)
    assert len(walked(ax)) == 3


def test_a_path_ends_where_it_leaves_the_numbers():
    [ax] = drawing.plot_optimizer_paths({"far": SGD(1e3)}, "valley", steps=500)
    path = walked(ax)["far"]
    assert len(path) < 10
    assert np.isfinite(path).all()


@pytest.mark.parametrize("sign, rate, factor", [(1, 5.5, -10), (-1, 4.5, 10)])
@pytest.mark.parametrize("start", [(1.0, 0.0), (0.0, 1.0)])
def test_a_path_ends_before_a_place_beyond_a_million(start, sign, rate, factor):
    """A step takes 2 * rate times a number from it or adds it: ten times as much, to 10^6."""
    found = descent.path(SGD(rate), lambda x, y: sign * (x * x + y * y), start, 50)
    assert found.tolist() == np.outer([factor**step for step in range(7)], start).tolist()


def test_a_path_ends_before_a_place_that_is_no_number():
    """The slope of sqrt(x) at 1 is 1 / 2; at -0.5 there is none."""
    with pytest.warns(RuntimeWarning, match="sqrt"):
        found = descent.path(SGD(3.0), lambda x, y: ops.sqrt(x) + 0 * y, (1.0, 0.0), 20)
    assert found.tolist() == [[1.0, 0.0], [-0.5, 0.0]]


@pytest.mark.parametrize(
    "error, settings, sentence",
    [
        (SettingError, {"surfaces": "sadle"}, "'sadle' is not known; did you mean 'saddle'"),
        (SettingError, {"optimizers": "adm"}, "did you mean 'adam'"),
        (InputTypeError, {"optimizers": [3]}, "needs a name or an object of Optimizer"),
        (InputTypeError, {"optimizers": 3}, "needs a name or an object of Optimizer"),
        (SettingError, {"surfaces": 3}, "surface 3 is not known"),
        (SettingError, {"optimizers": []}, "optimizers is empty"),
        (SettingError, {"steps": 0}, "steps must be"),
        (SettingError, {"start": (1.0,)}, "start must be two numbers"),
        (SettingError, {"start": "ab"}, "start must be two numbers"),
        (SettingError, {"start": (1.0, float("inf"))}, "start must be a number that is finite"),
        (
            InputTypeError,
            {"surfaces": lambda x, y: 1.0},
            "must give a node of the shape .* got float",
        ),
        (SettingError, {"axes": Figure().add_subplot()}, "draws 2 pictures and needs as many"),
    ],
)
def test_wrong_settings_of_paths_get_a_sentence(error, settings, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_optimizer_paths(**settings)


def model(loss="mse", rule="sgd"):
    made = Sequential([Input((1,)), Dense(1)], seed=0, dtype="float64")
    made.compile(rule, loss)
    return made


X = np.linspace(-1.0, 1.0, 8)[:, None]
Y = 3.0 * X


def test_four_rates_are_in_one_picture():
    ax = drawing.plot_learning_rates()
    low, good, high, too_high = (line.get_ydata() for line in ax.get_lines())
    assert [len(one) for one in (low, good, high, too_high)] == [200] * 4
    assert low[0] == good[0] == high[0] == too_high[0]  # the same network
    assert good[-1] < 0.5 * low[-1]
    assert high[:20].max() > high[0]  # it jumps
    assert too_high[-50:].mean() > too_high[0]
    styles = [str(line.get_linestyle()) + line.get_color() for line in ax.get_lines()]
    assert len(set(styles)) == 4


@pytest.mark.parametrize("size", [(4.0, 3.0), (6.4, 4.4)])
@pytest.mark.parametrize("rates", [descent.RATES, {"good": 3.0, "leaves": 1e4}])
def test_the_legend_of_rates_hides_no_line(rates, size):
    ax = Figure(size, layout="constrained").add_subplot()
    drawing.plot_learning_rates(rates, epochs=40, ax=ax)
    renderer = settled(ax)
    bottom = ax.get_legend().get_window_extent(renderer).y0
    first = ax.get_lines()[0].get_ydata()[0]
    for line in ax.get_lines():
        seen = ax.transData.transform(line.get_xydata())[:, 1]
        assert seen[line.get_ydata() < descent.HIGHEST * first].max() < bottom
        assert min(seen.max(), line.get_clip_box().y1) <= bottom
    assert ax.title.get_window_extent(renderer).x1 <= ax.figure.bbox.x1


def test_the_peak_of_a_rate_that_is_too_high_is_in_the_picture():
    ax = drawing.plot_learning_rates(epochs=20)
    too_high = ax.get_lines()[3]
    highest = too_high.get_clip_box().y1
    assert ax.transData.transform(too_high.get_xydata())[:, 1].max() < highest


def test_lines_are_the_losses_of_training_and_the_model_stays_as_it_is():
    one = model()
    before = [weights.copy() for weights in one.get_weights()]
    ax = drawing.plot_learning_rates([0.1, 0.5], one, X, Y, epochs=6)
    assert [(a == b).all() for a, b in zip(before, one.get_weights(), strict=True)] == [True, True]
    for line, rate in zip(ax.get_lines(), (0.1, 0.5), strict=True):
        w, b, losses = before[0][0, 0], 0.0, []
        for _ in range(6):
            error = w * X + b - Y
            losses.append(np.mean(error**2))
            w, b = w - rate * 2 * np.mean(error * X), b - rate * 2 * np.mean(error)
        np.testing.assert_allclose(line.get_ydata(), losses, rtol=1e-10)
        assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]


def test_a_line_ends_where_the_loss_is_no_longer_finite():
    rates = {"fine": 0.1, "far too high": 1e30}
    ax = drawing.plot_learning_rates(rates, model(), X, Y, epochs=50)
    fine, far = ax.get_lines()
    assert (fine.get_label(), far.get_label()) == ("fine", "far too high")
    assert len(fine.get_ydata()) == 50
    assert len(far.get_ydata()) < 10
    assert ax.get_ylim()[1] < 1000 * fine.get_ydata()[0]
    assert far.get_ydata().max() > 1000 * fine.get_ydata()[0]


@pytest.mark.parametrize(
    "error, settings, sentence",
    [
        (SettingError, {"rates": []}, "rates must be numbers in a list"),
        (SettingError, {"rates": [0.1, -1.0]}, "rates must be a number above 0"),
        (SettingError, {"rates": 0.1}, "rates must be numbers in a list"),
        (SettingError, {"rates": ["a"]}, "rates must be a number above 0"),
        (SettingError, {"model": model()}, "model, X and y belong together"),
        (InputTypeError, {"model": 3, "X": X, "y": Y}, "model must be Sequential, got int"),
        (SettingError, {"epochs": 0}, "epochs must be"),
        (SettingError, {"batch_size": 0}, "batch_size must be"),
        (
            SettingError,
            {"model": Sequential([Input((1,)), Dense(1)]), "X": X, "y": Y},
            "not compiled",
        ),
    ],
)
def test_wrong_settings_of_rates_get_a_sentence(error, settings, sentence):
    with pytest.raises(error, match=sentence):
        drawing.plot_learning_rates(**settings)
