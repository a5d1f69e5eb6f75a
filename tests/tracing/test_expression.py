"""A traced expression against derivatives by hand, and against slopes."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.examples import chain, one_one_one, xyz


def test_a_sum_times_a_number():
    nodes = xyz().nodes
    trace = cr.trace(nodes["f"], nodes)
    assert [step.name for step in trace.steps] == ["x", "y", "z", "q", "f"]
    assert [step.number for step in trace.steps] == [1, 2, 3, 4, 5]
    assert {s.name: float(s.value) for s in trace.steps} == {
        "x": -2, "y": 5, "z": -4, "q": 3, "f": -12,
    }  # fmt: skip
    assert {s.name: float(s.derivative) for s in trace.steps} == {
        "x": -4, "y": -4, "z": 3, "q": -4, "f": 1,
    }  # fmt: skip
    assert trace["f"].operands == ("q", "z") and trace["f"].operation == "multiply"
    assert [float(one) for one in trace["f"].local] == [-4, 3]
    assert [float(one) for one in trace["q"].local] == [1, 1]
    (use,) = trace["x"].contributions
    assert (use.user, float(use.local), float(use.upstream), float(use.product)) == ("q", 1, -4, -4)
    assert trace.result is trace["f"]


def test_the_long_product_of_the_smallest_network():
    nodes = one_one_one().nodes
    trace = cr.trace(nodes["J"], nodes)
    a1 = 1 / (1 + np.exp(-(0.8 * 1.5 - 0.5)))
    p = 1 / (1 + np.exp(-(-1.2 * a1 + 0.3)))
    parts = trace["J"].parts
    assert float(parts.p) == pytest.approx(p, rel=1e-12)
    assert float(parts.by_p) == pytest.approx((p - 1) / (p * (1 - p)), rel=1e-12)
    assert float(parts.by_logit) == pytest.approx(p * (1 - p), rel=1e-12)
    assert float(parts.product) == pytest.approx(p - 1, rel=1e-12)
    assert float(trace["z2"].derivative) == pytest.approx(p - 1, rel=1e-12)
    delta = (p - 1) * -1.2 * a1 * (1 - a1)
    assert float(trace["z1"].derivative) == pytest.approx(delta, rel=1e-12)
    assert float(trace["w1"].derivative) == pytest.approx(delta * 1.5, rel=1e-12)
    assert float(trace["b1"].derivative) == pytest.approx(delta, rel=1e-12)
    assert float(trace["w2"].derivative) == pytest.approx((p - 1) * a1, rel=1e-12)


def test_one_function_three_times():
    nodes = chain().nodes
    trace = cr.trace(nodes["z"], nodes)
    slopes = [float(trace[name].local[0]) for name in "zyx"]
    f = np.tanh
    by_hand = [1 - f(f(f(0.5))) ** 2, 1 - f(f(0.5)) ** 2, 1 - f(0.5) ** 2]
    np.testing.assert_allclose(slopes, by_hand, rtol=1e-12)
    assert float(trace["w"].derivative) == pytest.approx(np.prod(by_hand), rel=1e-12)


def test_what_comes_from_each_use_adds_up():
    x = cr.variable(0.7, "x")
    trace = cr.trace(x * cr.ops.exp(x) + cr.ops.sin(x))
    products = [float(one.product) for one in trace["x"].contributions]
    assert sorted(products) == pytest.approx(sorted([np.exp(0.7), 0.7 * np.exp(0.7), np.cos(0.7)]))
    assert float(trace["x"].derivative) == pytest.approx(sum(products), rel=1e-12)


def test_a_node_that_stands_twice_in_one_operation():
    x = cr.variable(3.0, "x")
    trace = cr.trace(x * x)
    assert [float(one.product) for one in trace["x"].contributions] == [3.0, 3.0]
    assert float(trace["x"].derivative) == 6.0


def test_local_derivatives_of_arrays_are_whole():
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    x, w = cr.variable(X, "x"), cr.variable(W, "w")
    z = x @ w + cr.variable(b, "b")
    loss = cr.ops.tanh(z).sum()
    trace = cr.trace(loss, {"z": z})
    product, total = trace["v3"], trace["z"]
    by_w = np.einsum("ri,kj->rjik", X, np.eye(4))  # dz[r, j] / dw[i, k] = X[r, i] where j = k
    np.testing.assert_allclose(product.local[1], by_w, atol=1e-15)
    assert total.local[1].shape == (2, 4, 4)
    slope = 1 - np.tanh(X @ W + b) ** 2
    np.testing.assert_allclose(trace["w"].derivative, X.T @ slope, rtol=1e-12)
    upstream = trace["w"].contributions[0].upstream
    np.testing.assert_allclose(
        np.einsum("rj,rjik->ik", upstream, product.local[1]), trace["w"].derivative, rtol=1e-12
    )


@pytest.mark.parametrize("link", ["sigmoid", "softmax"])
def test_a_stable_pair_is_taken_apart(link):
    rng = np.random.default_rng(0)
    logits, t = cr.variable(rng.normal(size=(2, 3)), "z"), np.eye(3)[:2]
    pair = {"sigmoid": cr.ops.sigmoid_cross_entropy, "softmax": cr.ops.softmax_cross_entropy}[link]
    step = next(s for s in cr.trace(pair(logits, t).sum()).steps if s.parts is not None)
    z = logits.value
    if link == "sigmoid":
        p = 1 / (1 + np.exp(-z))
        by_p, by_logit = (p - t) / (p * (1 - p)), p * (1 - p)
    else:
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        by_p = -t / p
        by_logit = np.einsum("rk,kj->rkj", p, np.eye(3)) - np.einsum("rk,rj->rkj", p, p)
    np.testing.assert_allclose(step.parts.p, p, rtol=1e-12)
    np.testing.assert_allclose(step.parts.by_p, by_p, rtol=1e-9)
    np.testing.assert_allclose(step.parts.by_logit, by_logit, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(step.parts.product, p - t, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(step.parts.delta, p - t, rtol=1e-12, atol=1e-15)


def test_a_certain_and_wrong_answer_shows_why_pairs_are_there():
    z = cr.variable([[800.0]], "z")
    step = cr.trace(cr.ops.sigmoid_cross_entropy(z, [[0.0]]).sum()).steps[2]
    assert step.parts.delta.item() == 1.0 and not np.isfinite(step.parts.product.item())


def test_constants_have_no_derivative():
    x = cr.variable(2.0, "x")
    trace = cr.trace(x * cr.ops.exp(cr.constant(1.0)))
    assert [step.name for step in trace.steps if step.derivative is not None] == ["x", "v4"]


def test_an_operation_that_hands_down_to_its_second_use_of_a_node_alone():
    @cr.operation
    def second(a, b):
        return a + 2 * b

    @second.gradient
    def _(g, y, a, b):
        return None, 2 * g

    x = cr.variable(1.0, "x")
    assert [one is None for one in cr.trace(second(x, x)).result.local] == [True, False]


def test_a_name_like_those_of_nodes_without_one_is_its_own():
    x, y = cr.variable(1.0, "v3"), cr.variable(2.0, "y")
    trace = cr.trace((x * y) * y)
    assert [step.name for step in trace.steps] == ["v3", "y", "v4", "v5"]
    assert [step.is_named for step in trace.steps] == [True, True, False, False]
    assert float(trace["v3"].derivative) == 4.0 and float(trace["v4"].derivative) == 2.0
    text = trace.to_text()
    assert "v4 = v3·y = 1·2 = 2" in text and "v5 = v4·y = 2·2 = 4" in text
    assert text.count("dv5/dv3 = dv5/dv4·∂v4/∂v3 = 2·2 = 4") == 1


def test_a_first_node_that_somebody_calls_v1_has_that_name():
    x = cr.variable(3.0, "v1")
    scaled = x * 1.0
    text = cr.trace(scaled * x, {"v3": scaled}).to_text()
    assert "v1 = 3" in text and "v3 = 1·v1" in text  # a node with a name is shown


def test_one_name_for_two_nodes_is_refused():
    x, other = cr.variable(1.0, "x"), cr.variable(2.0, "x")
    square = x * x
    for f, names in ((x + other, None), (square, {"x": square})):
        with pytest.raises(SettingError, match="2 nodes are called 'x'; give each a name of its"):
            cr.trace(f, names)
    assert cr.trace(x + other, {"w": other})["w"].value == 2.0


def test_one_table_of_names_serves_several_results():
    x = cr.variable(2.0, "x")
    nodes = {"f": x * x, "g": x + 1.0}
    for name, node in nodes.items():
        assert cr.trace(node, nodes).result.name == name


def test_a_long_chain_is_no_recursion():
    node = cr.variable(0.5, "x")
    for _ in range(3000):
        node = node + 1.0
    assert float(cr.trace(node)["x"].derivative) == 1.0


@pytest.mark.parametrize(
    "y, kind, words",
    [
        (3.0, InputTypeError, "needs a node, got float"),
        (cr.variable([1.0, 2.0]), ShapeError, "needs a scalar"),
        (cr.graph.input_node("x", (), "float64"), InputTypeError, "symbolic"),
    ],
)
def test_mistakes_are_sentences(y, kind, words):
    with pytest.raises(kind, match=words):
        cr.trace(y)


def test_a_node_that_is_not_there():
    with pytest.raises(SettingError, match="there is no node 'q'"):
        cr.trace(cr.variable(1.0, "x") * 2.0)["q"]


def test_a_central_difference_stands_beside_each_variable():
    rng = np.random.default_rng(0)
    x, w = cr.variable(rng.normal(size=(2, 3)), "x"), cr.variable(rng.normal(size=(3, 2)), "w")
    trace = cr.trace((cr.ops.tanh(x @ w) * x.sum()).mean(), check=True)
    assert trace.checks
    for name in ("x", "w"):
        for index in np.ndindex(trace[name].value.shape):
            slope = trace.central_difference(name, index)
            assert float(trace[name].derivative[index]) == pytest.approx(slope, rel=1e-7, abs=1e-9)
    with pytest.raises(SettingError, match="is computed; choose a variable"):
        trace.central_difference(trace.result.name)


def test_a_name_of_something_else_is_a_sentence():
    x = cr.variable(2.0, "x")
    with pytest.raises(InputTypeError, match="names: 'z' is int, not a node"):
        cr.trace(x * x, {"z": 3})
