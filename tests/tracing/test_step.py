"""A traced step against training itself, to the bit, and against formulas of a book."""

import numpy as np
import pytest
from tests.tracing.stacks import CASES, network, rows

import chainrule as cr
from chainrule import layers
from chainrule.errors import (
    DataError,
    InputTypeError,
    MissingNameError,
    MissingPlaceError,
    SettingError,
    ShapeError,
)
from chainrule.examples import han, mazur, xor

ENGINES = ("native", "numpy")


def same(one, other):
    return len(one) == len(other) and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True)
    )


def state(model):
    trainer = model.trainer
    slots = [slot.copy() for slot in trainer.optimizer.slots]
    return [*model.get_weights(), *slots, np.array(trainer.iterations)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_trace_is_the_step_that_training_makes(case, dtype, engine):
    model = network(*case, dtype=dtype, engine=engine)
    X, y = rows(case[1], dtype=dtype)
    weights = np.array([0.5, 2.0, 1.0, 0.0]) if case[2] == "adam" else None
    for _ in range(2):  # from the start, and with state of the optimizer and a later step
        before = state(model)
        step = model.trace(X, y, weights)
        assert same(state(model), before), "a trace must not change the model"
        loss, gradient = model.trainer.gradient(X, y, weights)
        held = model.trainer.parameters
        found = model.train_on_batch(X, y, weights, return_dict=True)
        assert step.loss == loss == pytest.approx(found["loss"], rel=1e-6)
        for layer in step.layers:
            for name, one in layer.parameters.items():
                whole = f"{layer.name}/{name}"
                assert same([one.after], [held[whole]])
                if one.gradient is not None:
                    assert same([one.gradient], [held.view(gradient, whole)])
        slots = {
            f"{slot}/{layer.name}/{name}": array
            for layer in step.layers
            for name, one in layer.parameters.items()
            for slot, array in one.slots_after.items()
        }
        now = model.trainer.optimizer.arrays(held)
        assert slots.keys() == now.keys()
        assert all(same([slots[name]], [now[name]]) for name in now)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_layers_fit_together_by_the_formulas_of_a_book(case):
    model = network(*case)
    X, y = rows(case[1])
    step = model.trace(X, y)
    for place, layer in enumerate(step.layers):
        one = layer.numbers
        if layer.place is None:
            continue
        kernel = layer.kernel.before
        bias = 0.0 if layer.bias is None else layer.bias.before
        np.testing.assert_allclose(one.z, one.x @ kernel + bias, rtol=1e-12)
        if one.slope is not None and place < len(step.layers) - 1:
            np.testing.assert_allclose(one.delta, one.upstream * one.slope, rtol=1e-12)
        if layer.kernel.gradient is not None:
            own = 0.0 if layer.kernel.penalty is None else layer.kernel.penalty
            by_rows = one.x.T @ one.reported + own
            np.testing.assert_allclose(layer.kernel.gradient, by_rows, rtol=1e-10, atol=1e-14)
        if step.row_shares is not None and not step.penalties:
            shared = one.delta * step.row_shares[:, None]
            np.testing.assert_allclose(one.reported, shared, rtol=1e-10, atol=1e-15)
    for before, after in zip(step.layers, step.layers[1:], strict=False):
        if after.place is not None and after.numbers.x is not None:
            back = after.numbers.delta @ after.kernel.before.T
            np.testing.assert_allclose(before.numbers.upstream, back, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("stack", ["plain", "dropout", "mixed", "penalties"])
def test_the_loss_after_is_that_of_the_same_rows_and_random_numbers(stack):
    model = network(stack, "mse", "adam")
    X, y = rows("mse")
    model.train_on_batch(X, y)
    step = model.trace(X, y)
    model.train_on_batch(X, y)
    model.trainer.optimizer.iterations -= 1
    assert step.loss_after == model.trainer.gradient(X, y)[0] != step.loss


def test_rows_that_are_mixed_have_the_losses_of_both():
    model = network("mixed", "mse", "sgd")
    X, y = rows("mse")
    step = model.trace(X, y)
    x = step.layers[0].numbers.a
    share = ((x - X[::-1]) / (X - X[::-1]))[:, 0]
    np.testing.assert_allclose(x, share[:, None] * X + (1 - share[:, None]) * X[::-1], rtol=1e-9)
    own, other = (((step.a[-1] - t) ** 2).mean(axis=1) for t in (y, y[::-1]))
    np.testing.assert_allclose(step.row_losses, share * own + (1 - share) * other, rtol=1e-9)
    assert step.loss == pytest.approx(step.row_losses.mean(), rel=1e-12)


@pytest.mark.parametrize("ending", ["bce", "cce", "sparse"])
def test_a_stable_pair_is_there_both_ways(ending):
    model = network("plain", ending, "sgd")
    X, y = rows(ending)
    step = model.trace(X, y)
    parts, o = step.parts(step.layers[-1]), step.a[-1]
    target = np.eye(3)[y] if ending == "sparse" else y
    outputs = 3 if ending == "bce" else 1  # binary cross-entropy is a mean over outputs
    np.testing.assert_allclose(parts.delta, o - target, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(step.delta[-1] * outputs, o - target, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(parts.product, o - target, rtol=1e-9, atol=1e-12)
    assert step.parts(step.layers[0]) is None


def test_worked_example_a():
    example = mazur()
    X, y = example.arrays["X"], example.arrays["y"]
    step = example.model.trace(X, y, weights="w{n}", biases="b{layer}")
    assert step.loss == pytest.approx(0.29837111, abs=5e-9)
    assert step.loss_after == pytest.approx(0.29102777, abs=5e-9)
    np.testing.assert_allclose(step.a[0], [[0.59326999, 0.59688438]], atol=5e-9)
    np.testing.assert_allclose(step.delta[1], [[0.13849856, -0.03809824]], atol=5e-9)
    np.testing.assert_allclose(step.delta["dense"], [[0.00877135, 0.00995425]], atol=5e-9)
    w1, w2, w3, w4 = step.kernel_after[0].T.ravel()
    np.testing.assert_allclose(
        [w1, w2, w3, w4], [0.14978072, 0.19956143, 0.24975114, 0.29950229], atol=5e-9
    )
    assert step.grad_bias[0] is None, "the biases are held fixed"
    names = [step.names.weight(1, i, j) for j in range(2) for i in range(2)]
    assert names == ["w5", "w6", "w7", "w8"] and step.names.bias(1, 0) == "b2"
    later = example.model.trace(X, y, steps=10_000)
    assert len(later.losses) == 10_001 and len(later.steps) == 2
    assert later.losses[-1] == pytest.approx(3.5102e-05, abs=5e-10)
    assert later.losses[1] == step.loss_after
    after = later.steps[-1]
    assert after.iteration == 10_000 and after.loss_after == later.losses[-1]


def test_worked_example_b_in_its_names():
    example = han()
    step = example.model.trace(
        example.arrays["X"], example.arrays["y"], weights="w{from}{to}",
        units=[["1", "2", "3"], ["4", "5"], ["6"]],
    )  # fmt: skip
    assert step.names.weight(0, 2, 1) == "w35" and step.names.weight(1, 0, 0) == "w46"
    np.testing.assert_allclose(-step.delta[1], [[0.13117]], atol=5e-6)
    np.testing.assert_allclose(step.kernel_after[1].ravel(), [-0.26083, -0.13803], atol=5e-6)
    np.testing.assert_allclose(step.bias_after[0], [-0.40785, 0.19411], atol=5e-6)


def test_weights_stand_as_the_notation_says():
    model = network("plain", "mse", "sgd")
    X, y = rows("mse")
    plain = model.trace(X, y)
    kernel, bias = model.get_weights()[:2]
    columns = model.trace(X, y, notation="columns")
    theta = model.trace(X, y, notation="theta")
    assert plain.kernel_before[0].shape == (3, 4)
    assert np.array_equal(columns.kernel_before[0], kernel.T)
    assert np.array_equal(columns.grad_kernel[0], plain.grad_kernel[0].T)
    assert np.array_equal(theta.kernel_before[0], np.column_stack([bias, kernel.T]))
    assert np.array_equal(theta.grad_kernel[0][:, 0], plain.grad_bias[0])
    assert all(np.array_equal(one.delta[0], plain.delta[0]) for one in (columns, theta))
    assert plain.names.weight(0, 2, 1) == "W1[3,2]"
    assert columns.names.weight(0, 2, 1) == "W1[2,3]"
    assert theta.names.weight(0, 2, 1) == "Θ0[2,3]" and theta.names.bias(0, 1) == "Θ0[2,0]"
    ones = model.trace(X, y, notation="theta", first_layer=1)
    assert ones.names.weight(0, 2, 1) == "Θ1[2,3]"
    assert model.trace(X, y, first_layer=1).names.weight(0, 2, 1) == "W2[3,2]"


@pytest.mark.parametrize("steps", [3, 150])
def test_steps_are_those_of_training(steps):
    model = network("dropout", "mse", "adam")
    X, y = rows("mse")
    traced = model.trace(X, y, steps=steps)
    history = model.fit(X, y, batch_size=len(X), epochs=steps, shuffle=False, verbose=0)
    np.testing.assert_array_equal(traced.losses[:-1], history.steps["loss"])
    last = traced.steps[-1]
    assert last.iteration == steps
    held = model.trainer.parameters
    for layer in last.layers:
        for name, one in layer.parameters.items():
            assert same([one.after], [held[f"{layer.name}/{name}"]])


@pytest.mark.parametrize("case", [("plain", "bce", "sgd"), ("dropout", "mse", "adam"),
                                  ("penalties", "cce", "sgd")], ids="-".join)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_central_difference_stands_beside_any_gradient(case, dtype):
    model = network(*case, dtype=dtype)
    X, y = rows(case[1])
    step = model.trace(X, y)
    for layer in step.layers:
        for name, one in layer.parameters.items():
            index = tuple(size - 1 for size in one.before.shape)
            slope = step.central_difference(f"{layer.name}/{name}", index)
            rel = 1e-4 if dtype == "float32" else 1e-7
            assert one.gradient[index] == pytest.approx(slope, rel=rel, abs=1e-6)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop",
                                  "adagrad", "nadam", "clipped"])  # fmt: skip
def test_the_rule_on_one_weight_gives_what_the_engine_gives(rule):
    model = network("dropout", "bce", rule)
    X, y = rows("bce")
    model.train_on_batch(X, y)
    step = model.trace(X, y)
    for layer in step.layers:
        for name, one in layer.parameters.items():
            index = (0,) * one.before.ndim
            update = step.update(f"{layer.name}/{name}", index)
            assert update.weight.value == pytest.approx(float(one.after[index]), rel=1e-12)
            for slot, node in update.slots.items():
                expected = float(one.slots_after[slot][index])
                assert node.value == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_one_row_needs_no_axis_of_rows():
    model = network("plain", "sparse", "sgd")
    X, y = rows("sparse")
    alone, batch = model.trace(X[0], y[0]), model.trace(X[:1], y[:1])
    assert alone.loss == batch.loss and alone.z[0].shape == (1, 4)


def test_xor_by_hand():
    example = xor(seeds=[0])
    step = example.model.trace(example.arrays["X"], example.arrays["y"])
    np.testing.assert_array_equal(step.a[0], [[0, 0], [1, 0], [1, 0], [2, 1]])
    np.testing.assert_array_equal(step.a[1].ravel(), [0, 1, 1, 0])
    assert step.loss == 0 and not step.grad_kernel[0].any()


def test_a_loss_that_is_not_finite_ends_the_steps():
    model = cr.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0, dtype="float32")
    model.compile(cr.optimizers.SGD(1e30), "mse")
    step = model.trace([[1e10]], [[0.0]], steps=5)
    assert not np.isfinite(step.steps[-1].loss) and np.isnan(step.steps[-1].loss_after)
    assert len(step.losses) == len(step.steps) < 5
    last = step.steps[-1].layers[0].parameters["kernel"]
    assert same([last.before], [last.after]), "the step is not made"


UNITS = [[f"{letter}{n}" for n in range(1, size + 1)]
         for letter, size in zip("xhgo", (3, 4, 3, 3), strict=True)]  # fmt: skip


@pytest.mark.parametrize(
    "how, kind, words",
    [
        ({"X": np.full((1, 3), np.nan)}, DataError, "nan in row 0, column 0"),
        ({"X": np.ones((1, 2))}, ShapeError, "3"),
        ({"X": np.ones((0, 3)), "y": np.ones((0, 3))}, DataError, "X is empty"),
        ({"notation": "upside down"}, SettingError, "notation must be 'rows', 'columns', 'theta'"),
        ({"errors": "no"}, InputTypeError, "errors must be True or False, got 'no'"),
        ({"check": "no"}, InputTypeError, "check must be True or False, got 'no'"),
        ({"loss": 3}, SettingError, "loss must be a name such as 'E', got 3"),
        ({"first_layer": 2}, SettingError, "must be 0 or 1, got 2"),
        ({"digits": -1}, SettingError, "digits"),
        ({"steps": 0}, SettingError, "steps"),
        ({"weight": "w{n}"}, SettingError, "did you mean 'weights'"),
        ({"foo": 3}, SettingError, "known: 'notation', 'first_layer'"),
        ({"stesp": 3}, SettingError, "did you mean 'steps'"),
        ({"form": "columns"}, SettingError, "called notation; write notation='columns'."),
        ({"weights": "w{number}"}, SettingError, "{number}"),
        ({"weights": "w{"}, SettingError, "pattern"),
        ({"units": [["a"], ["b"]]}, ShapeError, "[3, 4, 3, 3]"),
        ({"loss": " "}, SettingError, "loss must be a name such as 'E', got ' '"),
        ({"units": UNITS, "loss": "h2"}, SettingError, "a unit and the loss are called 'h2'"),
        ({"units": UNITS, "weights": "h{n}"}, SettingError, "a unit and a weight are called 'h1'"),
        (
            {"units": [*UNITS[:3], ["x1", "o2", "o3"]]},
            SettingError,
            "units of two layers are called 'x1'; give each a name of its own",
        ),
        ({"loss": "x1"}, SettingError, "a unit and the loss are called 'x1'"),
        ({"loss": "t"}, SettingError, "a target and the loss are called 't'"),
        ({"loss": "W1[1,1]"}, SettingError, "a weight and the loss are called 'W1[1,1]'"),
        ({"weights": "x{n}"}, SettingError, "a unit and a weight are called 'x1'"),
        ({"weights": "w{n}", "biases": "w{n}"}, SettingError, "a weight and a bias"),
        ({"biases": "{to}"}, SettingError, "a unit and a bias are called"),
        ({"units": [["x1", " ", "x3"], *UNITS[1:]]}, SettingError, "one is empty"),
        ({"units": [["x1", "t", "x3"], *UNITS[1:]]}, SettingError, "a unit and a target"),
        ({"biases": "b{layer}"}, SettingError, "calls biases that differ 'b1'; tell them apart"),
    ],
)
def test_mistakes_are_sentences(how, kind, words):
    model = network("plain", "mse", "sgd")
    X, y = rows("mse", 1)
    with pytest.raises(kind) as caught:
        model.trace(**({"X": X, "y": y} | how))
    assert words in str(caught.value)


def test_a_layer_that_is_not_there():
    model = network("plain", "mse", "sgd")
    step = model.trace(*rows("mse"))
    with pytest.raises(MissingNameError, match="there is no layer 'dense_7'"):
        step.z["dense_7"]
    with pytest.raises(MissingPlaceError, match="there is no layer 9; there are 3, counted from 0"):
        step.z[9]
    with pytest.raises(SettingError, match="no update reaches"):
        network("frozen", "mse", "sgd").trace(*rows("mse")).update("dense/kernel", (0, 0))


def test_classes_have_the_weights_that_training_gives_them():
    made = cr.Sequential([layers.Input((2,)), layers.Dense(3, "softmax")], seed=0, dtype="float64")
    made.compile("sgd", "sparse_categorical_crossentropy")
    X, weights = np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]]), {0: 1.0, 1: 2.0, 2: 5.0}
    step = made.trace(X, [2, 1, 0], class_weight=weights)
    assert step.row_weights.tolist() == [5.0, 2.0, 1.0]
    made.fit(X, [2, 1, 0], class_weight=weights, batch_size=3, shuffle=False, verbose=0)
    assert np.array_equal(made.get_weights()[0], step.kernel_after[0])
