"""Layers of a reader's own as equations: their operations, derivatives and gradients."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import bare, check, untold
from tests.tracing.test_positions import lines

import chainrule as cr
from chainrule import layers
from chainrule.layers import Layer, Parameter
from chainrule.tracing.formula import Number

ops = cr.ops
MATRIX = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0]])


@dataclass(frozen=True)
class Own(Layer):
    """A function of rows and parameters, with the parameters' names and shapes."""

    function: Callable
    shapes: tuple = ()
    penalty: object = None

    def parameters(self, shape):
        start = cr.initializers.RandomNormal(stddev=0.7)
        for name, one in self.shapes:
            yield Parameter(name, one, start, regularizer=self.penalty)

    def apply(self, x, *parameters):
        return self.function(x, *parameters)


def quad(**how):
    return Own(lambda x, a, b: x @ a + (x @ b) ** 2, (("a", (2, 3)), ("b", (2, 3))), **how)


def shares(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def log_shares(z):
    return np.log(shares(z))


LAYERS = {
    "quad": (quad(), lambda x, a, b: x @ a + (x @ b) ** 2),
    "scaled": (
        Own(lambda x, s, c: ops.sin(x * s) / (2.0 + c), (("s", (2,)), ("c", ()))),
        lambda x, s, c: np.sin(x * s) / (2 + c),
    ),
    "of parameters alone": (
        Own(lambda x, s: x * ops.softplus(s) / ops.exp(s).sum(), (("s", (2,)),)),
        lambda x, s: x * np.log1p(np.exp(s)) / np.exp(s).sum(),
    ),
    "product of parameters": (
        Own(lambda x, u, v: x @ (u @ v), (("u", (2, 1)), ("v", (1, 3)))),
        lambda x, u, v: x @ (u @ v),
    ),
    "there and back": (
        Own(lambda x, w: ops.tanh(x @ w) @ ops.transpose(w), (("w", (2, 3)),)),
        lambda x, w: np.tanh(x @ w) @ w.T,
    ),
    "by length": (
        Own(
            lambda x, g: g * x / ops.sqrt((x * x).sum(axis=1, keepdims=True) + 0.1),
            (("g", (2,)),),
        ),
        lambda x, g: g * x / np.sqrt((x * x).sum(axis=1, keepdims=True) + 0.1),
    ),
    "sigmoid at the end": (
        Own(lambda x, g: ops.sigmoid(x * g), (("g", (2,)),)),
        lambda x, g: 1 / (1 + np.exp(-x * g)),
    ),
    "shares": (
        Own(lambda x, w: ops.softmax(x @ w) * x, (("w", (2, 2)),)),
        lambda x, w: shares(x @ w) * x,
    ),
    "logarithms of shares": (
        Own(lambda x, w: ops.log_softmax(x @ w), (("w", (2, 3)),)),
        lambda x, w: log_shares(x @ w),
    ),
    "side by side": (
        Own(
            lambda x, w: ops.concatenate(
                x, ops.narrow(ops.flip(x @ w, axis=1), axis=1, start=1, stop=3), axis=1
            ),
            (("w", (2, 3)),),
        ),
        lambda x, w: np.concatenate([x, (x @ w)[:, ::-1][:, 1:]], axis=1),
    ),
    "a kernel and its input beside": (
        Own(lambda x, w: ops.tanh(x @ w) + x, (("kernel", (2, 2)),)),
        lambda x, w: np.tanh(x @ w) + x,
    ),
    "constants": (Own(lambda x: (x @ MATRIX) ** 3 - 1.0), lambda x: (x @ MATRIX) ** 3 - 1),
}
"""A layer of two numbers, and what it is by NumPy."""


def losses_by_numpy(name, middle, targets):
    """Each row's own loss by what the layer is given and all parameters that come after."""
    function, count = LAYERS[name][1], len(LAYERS[name][0].shapes)

    def losses(x, *after):
        a = function(x, *after[:count])
        o = a @ after[count] + after[count + 1] if middle else a
        return ((o - targets) ** 2).mean(axis=1)

    return losses


def slope(function, values, index):
    """A central difference."""
    moved = []
    for step in (1e-6, -1e-6):
        one = np.array(values, np.float64)
        one[index] += step
        moved.append(function(one))
    return (moved[0] - moved[1]) / 2e-6


def width_of(name):
    layer, function = LAYERS[name]
    return function(np.ones((1, 2)), *(np.ones(shape) for _, shape in layer.shapes)).shape[1]


def traced(name, rows, middle, **how):
    width = 2 if middle else width_of(name)
    stack = [layers.Dense(2, "tanh"), LAYERS[name][0], *([layers.Dense(2)] if middle else [])]
    made = model(2, *stack)
    return made, made.trace(*batch(rows, 2, width), digits=9, **how)


@pytest.mark.parametrize("middle", [True, False])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_operations_derivatives_and_gradients_are_those_of_numpy(name, rows, middle):
    made, trace = traced(name, rows, middle)
    assert check(trace, "float64") > 20 and not list(bare(trace)) and not list(untold(trace))
    told, (targets,) = lines(trace), trace.targets.values()
    (h, after), own = (trace.a[0], made.get_weights()[2:]), LAYERS[name][0]
    after = [np.asarray(one, np.float64) for one in after]
    losses = losses_by_numpy(name, middle, np.asarray(targets, np.float64))

    def shown(of):
        return float(told[of].rpartition("= ")[2])

    for row in range(rows):
        at = f"({row + 1})" * (rows > 1)
        assert shown(f"L{at}") == pytest.approx(losses(h, *after)[row], abs=1e-8)
        for k in range(2):
            wanted = slope(lambda x, row=row: losses(x, *after)[row], h, (row, k))
            unit = f"{'h' if middle else 'o'}{k + 1}{at}"
            assert shown(f"dL{at}/d{unit}") == pytest.approx(wanted, abs=1e-7)
    for place, (parameter, shape) in enumerate(own.shapes):
        for index in np.ndindex(shape):

            def moved(values, place=place):
                return losses(h, *after[:place], values, *after[place + 1 :]).mean()

            which = f"[{','.join(str(one + 1) for one in index)}]" if index else ""
            found = shown(f"dL/d{parameter}_own{which}")
            assert found == pytest.approx(slope(moved, after[place], index), abs=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_errors_and_another_notation_of_layers_of_ones_own(name):
    for how in ({"errors": True}, {"notation": "columns"}, {"notation": "theta"}):
        _, trace = traced(name, 2, middle=True, **how)
        assert check(trace, "float64") > 40 and not list(bare(trace))
        assert "--" not in trace.to_text()


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_ones_own_in_float32(name):
    made = model(2, layers.Dense(2, "tanh"), LAYERS[name][0], layers.Dense(2), dtype="float32")
    trace = made.trace(*batch(2, 2, 2))
    assert check(trace, "float32") > 40 and not list(bare(trace))


def test_operations_of_a_layer_are_told_in_their_order():
    _, trace = traced("quad", 2, middle=True)
    text = re.sub(" +", " ", trace.to_text(300))
    assert "u1, u2 ...: what operations of own give, in their order" in text
    for line in (
        "u1_2(1) = h1(1)·a_own[1,2] + h2(1)·a_own[2,2] = ", "u3_1(2) = u2_1(2)^2 = ",
        "v2_3(1) = u1_3(1) + u3_3(1) = ", "dL(1)/du2_1(1) = dL(1)/du3_1(1)·2·u2_1(1) = ",
        "dL/db_own[2,1] = 1/2·(h2(1)·dL(1)/du2_1(1) + h2(2)·dL(2)/du2_1(2)) = ",
        "b_own[2,1]' = b_own[2,1] - rate·dL/db_own[2,1] = ",
    ):  # fmt: skip
        assert f"\n{line}" in text, line
    latex = trace.to_latex()
    assert r"u_{1,2}^{(1)}" in latex and r"\frac{\partial L^{(1)}}{\partial u_{2,1}^{(1)}}" in latex
    assert latex.count("text{through") == 0


def test_what_is_made_of_parameters_alone_is_told_once():
    _, trace = traced("of parameters alone", 2, middle=True)
    told = lines(trace)
    assert told["v1_1"].startswith("softplus(s_own[1]) = ")
    assert told["v3_2"].startswith("e^s_own[2] = ")
    assert told["v4"].startswith("v3_1 + v3_2 = ")
    assert told["dL/dv3_1"].startswith("dL/dv4 = ")
    assert len(re.findall(r"\nv4 +=", trace.to_text())) == 1  # the same for all rows


def test_several_own_layers_and_an_own_loss_have_letters_of_their_own():
    square = Own(lambda x, s: (x * s + 1.0) ** 2 * x, (("s", (3,)),))
    stack = [quad(), square, layers.Dense(2), LAYERS["scaled"][0]]
    trace = model(2, *stack, loss=lambda t, o: ops.abs(t - o) ** 3).trace(*batch(2, 2, 2))
    assert check(trace, "float64") > 100 and not list(bare(trace)) and not list(untold(trace))
    text = " ".join(trace.to_text().split())
    for letter, whose in (
        ("q", "the loss"), ("v", "own"), ("u", "own_1"), ("k", "own_2")
    ):  # fmt: skip
        assert f"{letter}1, {letter}2 ...: what operations of {whose} give" in text


def test_a_letter_that_units_have_is_not_taken():
    made = model(2, layers.Dense(2), quad(), layers.Dense(1))
    told = lines(made.trace(*batch(1, 2, 1), units=[["a", "b"], ["v1", "v2"], ["o"]]))
    assert "u1_1" in told and told["u1_1"].startswith("v1·a_own[1,1] + v2·a_own[2,1] = ")


@pytest.mark.parametrize("errors", [False, True])
def test_penalties_on_parameters_of_own_layers_are_added(errors):
    made = model(2, layers.Dense(2, "tanh"), quad(penalty=cr.regularizers.L2(0.1)), layers.Dense(1))
    trace = made.trace(*batch(3, 2, 1), errors=errors)
    assert check(trace, "float64") > 60 and not list(bare(trace))
    sign, told = "-" if errors else "", lines(trace)
    start = told[f"{sign}dL/da_own[1,1]"].partition(" = ")[0]
    assert start.endswith(f") {'-' if errors else '+'} dpenalty/da_own[1,1]")


def test_rows_with_weights_have_their_shares_in_gradients_of_own_layers():
    made = model(2, layers.Dense(2, "tanh"), quad(), layers.Dense(1))
    trace = made.trace(*batch(3, 2, 1), sample_weight=[1.0, 2.0, 0.25])
    assert check(trace, "float64") > 60 and not list(bare(trace))
    assert lines(trace)["dL/da_own[1,1]"].startswith("s(1)·h1(1)·dL(1)/du1_1(1) + s(2)·h1(2)·")


def test_an_own_layer_before_rows_mix_has_derivatives_of_the_sum():
    made = model(2, quad(), layers.BatchNormalization(), layers.Dense(1))
    trace = made.trace(*batch(3, 2, 1))
    assert check(trace, "float64") > 60 and not list(bare(trace))
    assert "dΣL/dv2_1(1)" in lines(trace)


def test_an_own_layer_at_positions():
    made = model((3, 2), quad(), layers.Flatten(), layers.Dense(1))
    trace = made.trace(*batch(2, (3, 2), 1))
    assert check(trace, "float64") > 60 and not list(bare(trace)) and not list(untold(trace))
    told = lines(trace)
    assert told["u1_4(1)"].startswith("x3(1)·a_own[1,1] + x4(1)·a_own[2,1] = ")
    assert told["dL/da_own[1,1]"].count("(1)/du1_") == 3


@pytest.mark.parametrize("last", [True, False])
def test_of_large_own_layers_what_leads_to_shown_units_is_told(last):
    large = Own(
        lambda x, a, b, s: ops.tanh(x @ a + b) * s, (("a", (40, 30)), ("b", (30,)), ("s", ()))
    )
    stack = [layers.Dense(40, "relu"), large, *([] if last else [layers.Dense(2)])]
    trace = model(20, *stack).trace(*batch(14, 20, 30 if last else 2))
    assert check(trace, "float64") > 30 and not list(bare(trace)) and not list(untold(trace))
    told = lines(trace)
    assert any("more]" in told[name] for name in told if name[1:].startswith("1_"))
    assert "[" in told["dL/ds_own"] and len(trace.to_text().splitlines()) < 200


def test_penalties_on_what_own_layers_give_leave_derivatives_as_results():
    made_of = Own(lambda x, a: ops.sin(x @ a), (("a", (2, 3)),))
    held = replace(made_of, activity_regularizer=cr.regularizers.L2(0.1))
    trace = model(2, layers.Dense(2), held, layers.Dense(1)).trace(*batch(2, 2, 1))
    assert check(trace, "float64") > 40
    told = lines(trace)
    assert told["dL/da_own[1,1]"].endswith("(through the operations of the layer)")
    assert told["u1_1(1)"].startswith("h1(1)·a_own[1,1] + ")


def test_a_layer_that_mixes_rows_lists_its_operations_by_names_of_their_own():
    own = Own(lambda x, a: (x - x.mean(axis=0, keepdims=True)) @ a, (("a", (2, 3)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(3, 2, 1))
    assert check(trace, "float64") > 40
    text = trace.to_text(300)
    listed = re.findall(r"\n(own/q\d+), all rows: (\w+) = ", text)
    count = len([node for node in trace.nodes if node.layer == "own" and node.value is not None])
    assert [one for one, _ in listed] == [f"own/q{n + 1}" for n in range(count)]
    assert "(through the operations of the layer)" in text
    derivative = next(line for line in text.splitlines() if line.startswith("dΣL/dh2(1) "))
    assert re.search(r"\(through \d+ operations, where rows mix\)$", derivative)


NOT_SPELLED = {
    "max": (lambda x, a: (x @ a).max(axis=1, keepdims=True) * x @ a, "max", "u1_1(2)", "u2(2)"),
    "erf": (lambda x, a: x @ ops.erf(a), "erf", "a_own[1,1]", "u1_2"),
    "noise": (lambda x, a: x @ a + ops.erf(x @ a), "erf", "u2_1(2)", "u3_1(2)"),
}


@pytest.mark.parametrize("name", NOT_SPELLED)
def test_an_operation_without_a_formula_is_told_by_its_numbers(name):
    function, operation, by, given = NOT_SPELLED[name]
    stack = [layers.Dense(2), Own(function, (("a", (2, 3)),)), layers.Dense(1)]
    trace = model(2, *stack).trace(*batch(3, 2, 1), notation="rows")
    assert check(trace, "float64") > 40
    told = lines(trace)
    assert told[given].endswith(f"  (by {operation})")
    slopes = [name for name in told if name.endswith(f"/d{by}")]
    assert slopes and all("through the operations of the layer" in told[one] for one in slopes)
    assert "rows mix" not in trace.to_text() and "/q1" not in trace.to_text()
    assert told["dL(2)/dh1(2)"].count(" = ") == 2


def test_operations_whose_numbers_are_not_those_of_rows_are_said_to_be_left_out():
    own = Own(lambda x, w: ops.transpose(w @ ops.transpose(x)), (("w", (3, 2)),))
    text = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1)).to_text()
    assert (
        "own/q1, all rows: transpose = " in text and "own: 2 more operations are left out." in text
    )


def test_an_own_layer_with_a_mask_that_is_drawn_lists_its_operations_and_no_rows_mix():
    @dataclass(frozen=True)
    class Dropped(Layer):
        def parameters(self, shape):
            yield Parameter("s", shape, "ones")

        def apply(self, x, s):
            return x * s

        def apply_training(self, x, s, draws):
            return x * s * draws.uniform(x.shape)

    trace = model(2, layers.Dense(2), Dropped(), layers.Dense(1)).trace(*batch(2, 2, 1))
    text = trace.to_text(200)
    assert "dropped/q1, all rows: " in text and "rows mix" not in text
    assert re.search(r"\(through \d+ operations\)", text)


LAST = {
    "sigmoid": ("binary_crossentropy", "binary", 1, lambda x, a: ops.sigmoid(x @ a)),
    "shares": ("categorical_crossentropy", "one-hot", 2, lambda x, a: ops.softmax(x @ a)),
    "logits": (
        cr.losses.CategoricalCrossentropy(from_logits=True), "one-hot", 2,
        lambda x, a: x @ a * 2.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST)
def test_no_wrong_equation_stands_where_the_loss_takes_what_is_before_the_last_operation(name):
    loss, kind, width, function = LAST[name]
    stack = [layers.Dense(2), Own(function, (("a", (2, width)),))]
    trace = model(2, *stack, loss=loss).trace(*batch(2, 2, width, kind))
    assert check(trace, "float64") > 25
    for row in range(2):
        slopes = np.asarray(trace.layers[-1].numbers.delta)[row]
        shown = lines(trace)[f"dL({row + 1})/do1({row + 1})"]
        value = float(re.search(r"= (\S+)", "= " + shown.partition("  (")[0].split(" = ")[-1])[1])
        assert value == pytest.approx(slopes[0], abs=1e-6)


GIVES = {"sigmoid": ("own_1", "v1", "sigmoid(v1) = "), "shares": (
    "o1~", "v1_1", "e^v1_1/(e^v1_1 + e^v1_2) = ")}  # fmt: skip


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("name", GIVES)
def test_an_activation_that_the_loss_takes_with_itself_is_told_with_its_derivative(name, errors):
    loss, kind, width, function = LAST[name]
    stack = [layers.Dense(2), Own(function, (("a", (2, width)),))]
    trace = model(2, *stack, loss=loss).trace(*batch(1, 2, width, kind), errors=errors)
    assert check(trace, "float64") > 20 and not list(bare(trace))
    told, (given, by, formula) = lines(trace), GIVES[name]
    target = "t1" if width > 1 else "t"
    slope_told = told[f"{'-' if errors else ''}dL/d{by}"]
    assert told[given].startswith(formula)
    assert slope_told.startswith(f"{target} - {given} = " if errors else f"{given} - {target} = ")
    assert slope_told.endswith("(as training computes both together)")


def test_a_sum_with_more_than_an_activation_after_it_is_told_by_its_operations():
    def scaled(x, kernel, bias, s):
        return ops.sigmoid((x @ kernel + bias) * s)

    own = Own(scaled, (("kernel", (2, 2)), ("bias", (2,)), ("s", (2,))))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(2, 2, 1))
    assert check(trace, "float64") > 60 and not list(bare(trace))
    assert lines(trace)["h1~(1)"].startswith("sigmoid(v3_1(1)) = ")


def test_an_own_layer_of_codes_lists_its_operations():
    class Coded(Own):
        input_dtype = "int32"

    own = Coded(lambda x, rows: ops.gather(rows, x).reshape((-1, 4)), (("rows", (4, 2)),))
    trace = model(2, own, layers.Dense(1)).trace(np.array([[1, 2], [0, 3]]), [[1.0], [0.0]])
    assert check(trace, "float64") > 20
    assert "coded/q1, all rows: gather = " in trace.to_text()


def test_a_wrong_local_derivative_is_not_printed_as_an_equation(monkeypatch):
    from chainrule.tracing import own_operations

    own = own_operations.slope_formula

    def planted(operation, *others):
        return Number(3.0) if operation == "add" else own(operation, *others)

    monkeypatch.setattr(own_operations, "slope_formula", planted)
    _, trace = traced("quad", 2, middle=True)
    check(trace, "float64")
    assert {"u1_1", "u3_2"} <= {name for _, name, _ in bare(trace)}
