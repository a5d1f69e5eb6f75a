"""Small graphs whose tapes are read by eye."""

from chainrule import graph as g
from chainrule.engine import Graph, Update
from chainrule.graph import Rows, ops


def logistic_regression():
    """A step of gradient descent on one sigmoid unit."""
    x = g.input_node("x", (Rows(), 2), "float64")
    target = g.input_node("target", (Rows(), 1), "float64")
    w, b = g.parameter("w", (2, 1), "float64"), g.parameter("b", (1,), "float64")
    loss = ops.mean(ops.sigmoid_cross_entropy(x @ w + b, target))
    weight, gradient = (g.input_node(name, (3,), "float64") for name in ("weight", "gradient"))
    rate = g.input_node("rate", (), "float64")
    update = Update(weight, gradient, (), (rate,), weight - rate * gradient, ())
    return Graph((x, target), (w, b), {}, loss, update)


def regression():
    """What a network of 2, 3 and 1 sigmoid units predicts."""
    a = x = g.input_node("x", (Rows(), 2), "float64")
    parameters = []
    for number, (columns, units) in enumerate([(2, 3), (3, 1)]):
        w = g.parameter(f"w{number}", (columns, units), "float64")
        b = g.parameter(f"b{number}", (units,), "float64")
        parameters += [w, b]
        a = ops.sigmoid(a @ w + b)
    return Graph((x,), tuple(parameters), {"prediction": a.reshape(-1)})


def dropout():
    """Masks drawn from seed and step, and the gradient through them."""
    x = g.input_node("x", (Rows(), 4), "float32")
    seed, step = (g.input_node(name, (), "uint64") for name in ("seed", "step"))
    w = g.parameter("w", (4,), "float32")
    mask = ops.dropout_mask(seed, step, shape=x.shape, rate=0.5, stream=3, dtype="float32")
    return Graph((x, seed, step), (w,), {}, ops.tanh(x * mask * w).sum())


def running():
    """A running mean, which no gradient moves, beside an update."""
    x = g.input_node("x", (Rows(), 4), "float32")
    w, mean = g.parameter("w", (4,), "float32"), g.parameter("mean", (4,), "float32", False)
    weight, gradient = (g.input_node(name, (4,), "float32") for name in ("weight", "gradient"))
    update = Update(weight, gradient, (), (), weight - 0.1 * gradient, ())
    states = {"mean": 0.9 * mean + 0.1 * x.mean(axis=0)}
    return Graph((x,), (w, mean), {}, ops.tanh((x - mean) * w).mean(), update, states)


def momentum():
    """An update of which every part is fused, and the copy that is left out."""
    w = g.parameter("w", (5,), "float32")
    names = ("weight", "gradient", "velocity")
    weight, gradient, velocity = (g.input_node(name, (5,), "float32") for name in names)
    rate = g.input_node("rate", (), "float32")
    moved = ops.flush(0.9 * velocity + gradient)
    update = Update(weight, gradient, (velocity,), (rate,), weight - rate * moved, (moved,))
    return Graph((), (w,), {}, (w * w).sum(), update)
