"""Every optimizer: published formulas, two optima, arrays and nodes alike, bad settings."""

import math

import numpy as np
import pytest

from chainrule import engine, graph, random
from chainrule.engine import Graph, Update
from chainrule.errors import InputTypeError, ModelFileError, SettingError
from chainrule.graph import Rows
from chainrule.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Nadam,
    RMSprop,
    find_optimizer,
    optimizer_from_record,
    optimizer_record,
)

EVERY = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True),
    RMSprop(0.02),
    RMSprop(0.02, momentum=0.5),
    RMSprop(0.02, centered=True),
    RMSprop(0.02, rho=0.8, momentum=0.5, centered=True),
    Adagrad(0.5),
    Adam(0.05),
    Adam(0.05, beta_1=0.8, amsgrad=True),
    AdamW(0.05, weight_decay=0.01),
    Nadam(0.05),
    Nadam(0.05, beta_1=0.7, beta_2=0.99, epsilon=1e-3),
]
every_optimizer = pytest.mark.parametrize("optimizer", EVERY, ids=str)


def peer(rule, w, gradients):
    """The same updates from Keras's pages, number by number, in plain Python."""
    s = rule
    m = v = u = a = 0.0
    product = 1.0
    v = s.initial_accumulator_value if isinstance(s, Adagrad) else 0.0
    for t, g in enumerate(gradients, start=1):
        if isinstance(s, SGD):
            m = s.momentum * m - g * s.learning_rate
            w += s.momentum * m - g * s.learning_rate if s.nesterov else m
        elif isinstance(s, RMSprop):
            v = s.rho * v + (1 - s.rho) * g**2
            a = s.rho * a + (1 - s.rho) * g
            under = v - a**2 + s.epsilon if s.centered else v + s.epsilon
            m = s.momentum * m + s.learning_rate * g / math.sqrt(under)
            w -= m
        elif isinstance(s, Adagrad):
            v += g**2
            w -= s.learning_rate * g / math.sqrt(v + s.epsilon)
        elif isinstance(s, Nadam):
            m, v = m + (g - m) * (1 - s.beta_1), v + (g**2 - v) * (1 - s.beta_2)
            now, soon = (s.beta_1 * (1 - 0.5 * 0.96**n) for n in (t, t + 1))
            product *= now
            look = soon * m / (1 - product * soon) + (1 - now) * g / (1 - product)
            w -= s.learning_rate * look / (math.sqrt(v / (1 - s.beta_2**t)) + s.epsilon)
        else:
            if isinstance(s, AdamW):
                w -= w * s.weight_decay * s.learning_rate
            m += (g - m) * (1 - s.beta_1)
            v += (g**2 - v) * (1 - s.beta_2)
            u = max(u, v) if s.amsgrad else v
            alpha = s.learning_rate * math.sqrt(1 - s.beta_2**t) / (1 - s.beta_1**t)
            w -= m * alpha / (math.sqrt(u) + s.epsilon)
    return w


def walk(optimizer, start, slope, steps, dtype=np.float64):
    """Weights after steps down a slope, on arrays."""
    weight = np.array(start, dtype)
    slots = [np.full(weight.shape, optimizer.initial(name), dtype) for name in optimizer.slots]
    for step in range(1, steps + 1):
        weight, *slots = optimizer.update(weight, slope(weight), optimizer.line(step), *slots)
    return weight


def test_every_optimizer_is_tried():
    assert {type(one) for one in EVERY} == set(OPTIMIZERS.values())


@every_optimizer
def test_updates_are_the_published_ones(optimizer):
    gradients = random.normal(3, 0, 0, 40)
    waiting = iter(gradients)
    got = walk(optimizer, [0.7], lambda w: np.array([next(waiting)]), 40)
    assert got[0] == pytest.approx(peer(optimizer, 0.7, gradients), rel=1e-12)


def test_the_first_steps_are_those_printed():
    # by hand: g = 2, rate 0.1
    assert walk(SGD(0.1), [1.0], lambda w: 0 * w + 2, 1)[0] == pytest.approx(0.8)
    assert walk(SGD(0.1, 0.5), [1.0], lambda w: 0 * w + 2, 2)[0] == pytest.approx(1 - 0.2 - 0.3)
    nesterov = walk(SGD(0.1, 0.5, nesterov=True), [1.0], lambda w: 0 * w + 2, 1)[0]
    assert nesterov == pytest.approx(1 - 0.1 - 0.2)
    assert walk(Adam(0.1), [1.0], lambda w: 0 * w + 2, 1)[0] == pytest.approx(0.9, abs=1e-6)
    rms = walk(RMSprop(0.1), [1.0], lambda w: 0 * w + 2, 1)[0]
    assert rms == pytest.approx(1 - 0.1 * 2 / math.sqrt(0.4 + 1e-7))
    decayed = walk(AdamW(0.1, weight_decay=0.5), [1.0], lambda w: 0 * w, 1)[0]
    assert decayed == pytest.approx(0.95)


def valley(w):
    """The slope of (x - 1)^2 + 10 (y + 2)^2, whose least is at (1, -2)."""
    return np.array([2 * (w[0] - 1), 20 * (w[1] + 2)])


def narrow(w):
    """The slope of log(cosh(x - 0.5)) + log(cosh(y + 0.25)): flat far away."""
    return np.tanh(w - np.array([0.5, -0.25]))


@every_optimizer
def test_two_optima_are_reached(optimizer):
    # a fixed rate circles the optimum at the size of its step; decay pulls toward 0
    near = 0.05
    rule = type(optimizer)(**{**vars(optimizer), "learning_rate": optimizer.learning_rate * 0.5})
    if isinstance(rule, SGD):
        rule = type(rule)(0.02, rule.momentum, rule.nesterov)
    np.testing.assert_allclose(walk(rule, [3.0, 1.0], valley, 1500), [1, -2], atol=near)
    np.testing.assert_allclose(walk(rule, [2.0, -2.0], narrow, 1500), [0.5, -0.25], atol=near)


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_step_is_the_same_rule(optimizer, dtype):
    """Descend mean((x w - t)^2) with the engine, and with the rule on arrays."""
    x, t = (random.normal(5, i, 0, 12).reshape(4, 3).astype(dtype) for i in (0, 1))
    data, target = (graph.input_node(name, (Rows(), 3), dtype) for name in "xt")
    weight = graph.parameter("w", (3,), dtype)
    loss = graph.ops.squared_error(data * weight, target).mean()
    flat, slope = (graph.input_node(name, (3,), dtype) for name in ("weight", "gradient"))
    slots = tuple(graph.input_node(name, (3,), dtype) for name in optimizer.slots)
    scalars = tuple(graph.input_node(name, (), dtype) for name in optimizer.scalars)
    new, *new_slots = optimizer.update(flat, slope, scalars, *slots)
    update = Update(flat, slope, slots, scalars, new, tuple(new_slots))
    program = engine.compile(Graph((data, target), (weight,), {}, loss, update), "numpy")
    w = np.array([0.5, -1.0, 2.0], dtype)
    held = [np.full(3, optimizer.initial(name), dtype) for name in optimizer.slots]
    for step in range(1, 11):
        lines = np.array([optimizer.line(step)])
        program.run({"x": x, "t": t}, w, slots=held, lines=lines)
    want = walk(
        optimizer, [0.5, -1.0, 2.0], lambda w: (2 * (x * w - t) * x).sum(axis=0) / x.size, 10, dtype
    )
    np.testing.assert_allclose(w, want, rtol=1e-12 if dtype == "float64" else 2e-5)


@every_optimizer
def test_state_that_fades_becomes_zero(optimizer):
    slots = [np.array([1e-31, 1e-3]) for _ in optimizer.slots]
    _, *after = optimizer.update(np.ones(2), np.zeros(2), optimizer.line(1), *slots)
    for name, slot in zip(optimizer.slots, after, strict=True):
        assert slot[0] == 0 or name == "largest"  # the largest of what has been flushed
        assert slot[1] != 0


@every_optimizer
def test_operands_are_not_changed(optimizer):
    arrays = [np.array([0.5, 0.25]) for _ in range(2 + len(optimizer.slots))]
    weight, gradient, *slots = arrays
    optimizer.update(weight, gradient, optimizer.line(1), *slots)
    assert all((array == [0.5, 0.25]).all() for array in arrays)


@every_optimizer
def test_a_record_gives_the_same_optimizer(optimizer):
    assert optimizer_from_record(optimizer_record(optimizer)) == optimizer


def test_names_and_defaults_are_those_of_keras():
    assert find_optimizer("SGD") == SGD(0.01, 0.0, False)
    assert find_optimizer("RMSprop") == RMSprop(0.001, rho=0.9, momentum=0.0, epsilon=1e-7)
    assert find_optimizer("adam") == Adam(0.001, 0.9, 0.999, 1e-7, False)
    assert find_optimizer(AdamW) == AdamW(0.001, 0.004, 0.9, 0.999, 1e-7, False)
    assert find_optimizer("adagrad") == Adagrad(0.001, 0.1, 1e-7)
    assert find_optimizer("nadam") == Nadam(0.001, 0.9, 0.999, 1e-7)
    assert (SGD().clipnorm, SGD().clipvalue, SGD().global_clipnorm) == (None, None, None)


@pytest.mark.parametrize("step", [1024, 1025, 3000, 5000, 12_000, 300_000])
def test_nadams_factors_are_right_after_many_steps(step):
    """Written out: after so many steps nearly all of the warm-up is over."""
    u, soon = (0.9 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
    product = math.prod(0.9 * (1 - 0.5 * 0.96**t) for t in range(1, 1025))  # at 0 long before
    expected = soon / (1 - product * u), (1 - u) / (1 - product), 1 - 0.999**step
    assert Nadam(1.0).line(step) == pytest.approx(expected, rel=1e-14, abs=0)


BAD = [
    (SGD, "learning_rate", 0),
    (SGD, "learning_rate", -0.1),
    (SGD, "learning_rate", "fast"),
    (SGD, "learning_rate", float("nan")),
    (SGD, "momentum", 1.5),
    (RMSprop, "rho", 1.0),
    (RMSprop, "epsilon", 0),
    (Adam, "beta_1", 1.0),
    (Adam, "beta_2", -0.1),
    (AdamW, "weight_decay", -1),
    (Adagrad, "initial_accumulator_value", -1),
    (Nadam, "beta_1", 1.0),
    (Nadam, "beta_2", 1.0),
    (Nadam, "epsilon", 0),
    (SGD, "clipnorm", 0),
    (Adam, "clipvalue", -1.0),
    (Nadam, "global_clipnorm", "small"),
]


@pytest.mark.parametrize("kind, setting, value", BAD)
def test_bad_settings_get_a_sentence(kind, setting, value):
    with pytest.raises(SettingError, match=f"{kind.__name__}: {setting} must be a number .* got"):
        kind(**{setting: value})


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(SettingError, match="'adan' is not known; did you mean 'adam"):
        find_optimizer("adan")
    with pytest.raises(InputTypeError, match="known names: sgd, rmsprop"):
        find_optimizer(0.1)
    with pytest.raises(InputTypeError, match="nesterov must be True or False, got 1"):
        SGD(nesterov=1)
    with pytest.raises(ModelFileError, match="this version does not know"):
        optimizer_from_record({"class": "quux", "settings": {}})

    class Own(SGD):
        pass

    with pytest.raises(InputTypeError, match="optimizer Own: a model file cannot keep"):
        optimizer_record(Own())


@every_optimizer
@pytest.mark.parametrize(
    "first, count",
    [
        (1, 1),
        (1, 300),
        (250, 7),
        (255, 2),
        (257, 513),
        (9, 0),
        (900, 300),
        (30_000, 300),
        (50_000, 9),
        (1_000_000, 40),
    ],  # fmt: skip
)
def test_lines_are_those_of_each_step(optimizer, first, count):
    lines = optimizer.lines(first, count)
    assert lines.dtype == np.float64
    assert lines.shape == (count, len(optimizer.scalars))
    assert lines.tolist() == [list(optimizer.line(step)) for step in range(first, first + count)]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_line_of_ones_own_is_asked_for_each_step(kind):
    class Warm:
        def line(self, step):
            rate, *rest = super().line(step)
            return (rate * min(1.0, step / 10), *rest)

    class Warmed(Warm, kind):
        pass

    class Again(Warmed):
        pass

    for rule in (Warmed(0.1), Again(0.1)):
        assert rule.lines(3, 20).tolist() == [list(rule.line(step)) for step in range(3, 23)]
        assert rule.lines(3, 1)[0, 0] == pytest.approx(0.3 * kind(0.1).line(3)[0])


@pytest.mark.parametrize("beta_1", [0.0, 0.5, 0.9, 0.9999])
def test_nadams_products_are_running_ones(beta_1):
    rule, product, step = Nadam(1.0, beta_1=beta_1), 1.0, 0
    for step in range(1, 2001):
        now, soon = (beta_1 * (1 - 0.5 * 0.96**n) for n in (step, step + 1))
        product *= now
        want = (soon / (1 - product * soon), (1 - now) / (1 - product), 1 - 0.999**step)
        if step in (1, 2, 255, 256, 257, 1023, 1024, 1025, 1026, 2000):
            np.testing.assert_allclose(rule.line(step), want, rtol=1e-12)


def test_nadams_first_step_is_that_computed_by_hand():
    # u = 0.468, 0.48528, so m = 0.2 counts 0.48528 / (1 - 0.22711104) and g = 2 counts 1
    got = walk(Nadam(0.1), [1.0], lambda w: 0 * w + 2, 1)[0]
    assert got == pytest.approx(1 - 0.1 * (0.48528 * 0.2 / 0.77288896 + 2) / 2, abs=1e-7)


def test_only_one_way_of_clipping_may_be_given():
    with pytest.raises(SettingError, match="only one of .* got clipnorm and global_clipnorm"):
        Adam(clipnorm=1, global_clipnorm=2)
    assert Adam(clipnorm=2).clipnorm == 2.0
    assert type(Adam(clipnorm=2).clipnorm) is float
