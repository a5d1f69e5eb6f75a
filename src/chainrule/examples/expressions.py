"""The chain rule on expressions: a sum times a number, a tiny network, one function three times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chainrule.drawing import plot_graph
from chainrule.examples.example import Example, Quantity
from chainrule.graph import Node, constant, grad, ops, variable
from chainrule.layers import find_activation
from chainrule.settings import check_number

__all__ = ["chain", "one_one_one", "xyz"]


def xyz(x: float = -2.0, y: float = 5.0, z: float = -4.0) -> Example:
    """f = (x + y) z, forward and backward.

    x, y, z
        Where.

    >>> from chainrule import examples
    >>> print(examples.xyz())
    The chain rule on f = (x + y) z
    Forward from the inputs to f, backward from f to the inputs: each derivative is the derivative
    of the step times the one that arrives from behind it.
    <BLANKLINE>
    x       -2
    y        5
    z       -4
    q        3  x + y
    f      -12  q z
    df/dq   -4  z
    df/dz    3  q
    df/dx   -4  df/dq dq/dx, with dq/dx = 1
    df/dy   -4  df/dq dq/dy, with dq/dy = 1
    """
    leaves = [variable(value, name) for name, value in (("x", x), ("y", y), ("z", z))]
    q = leaves[0] + leaves[1]
    f = q * leaves[2]
    by_q, by_x, by_y, by_z = (node.value for node in grad(f, [q, *leaves]))
    nodes = {"q": q, "f": f} | {str(leaf.name): leaf for leaf in leaves}
    return Example(
        "The chain rule on f = (x + y) z",
        "Forward from the inputs to f, backward from f to the inputs: each derivative is the "
        "derivative of the step times the one that arrives from behind it.",
        (
            *(Quantity(str(leaf.name), leaf.value) for leaf in leaves),
            Quantity("q", q.value, "x + y"),
            Quantity("f", f.value, "q z"),
            Quantity("df/dq", by_q, "z"),
            Quantity("df/dz", by_z, "q"),
            Quantity("df/dx", by_x, "df/dq dq/dx, with dq/dx = 1"),
            Quantity("df/dy", by_y, "df/dq dq/dy, with dq/dy = 1"),
        ),
        nodes=nodes,
        expressions={"q": "x + y", "f": "q * z"},
        picture=lambda ax: plot_graph(f, ax, names=nodes),
    )


def one_one_one(
    x: float = 1.5, y: float = 1.0, w1: float = 0.8, b1: float = -0.5, w2: float = -1.2,
    b2: float = 0.3,
) -> Example:  # fmt: skip
    """A network of one input, one hidden and one output unit, both sigmoid, with cross-entropy.

    x, y
        The input, and its target from 0 to 1.
    w1, b1, w2, b2
        Weight and bias of the hidden unit and of the output.

    The table shows each derivative as the graph gives it, the factors of the long product, and
    the formula that is left when p (1 - p) has been cancelled.

    >>> from chainrule import examples
    >>> example = examples.one_one_one()
    >>> example["dJ/dw1"] - example["dJ/dw1 formula"] < 1e-12
    True
    """
    y = check_number("one_one_one", "y", y, "from 0 to 1", lambda y: 0 <= y <= 1)
    given = {"x": x, "w1": w1, "b1": b1, "w2": w2, "b2": b2}
    nodes = _two_units(given, y)
    p = nodes["p"]
    plain = -y * ops.log(p) - (1.0 - y) * ops.log(1.0 - p)
    wanted = ("w1", "b1", "w2", "b2", "z1", "z2")
    by = dict(zip(wanted, grad(nodes["J"], [nodes[one] for one in wanted]), strict=True))
    rows = [Quantity(name, node.value) for name, node in nodes.items() if name in given]
    rows += [
        Quantity("y", y),
        Quantity("z1", nodes["z1"].value, "w1 x + b1"),
        Quantity("a1", nodes["a1"].value, "sigmoid(z1)"),
        Quantity("z2", nodes["z2"].value, "w2 a1 + b2"),
        Quantity("p", nodes["p"].value, "sigmoid(z2)"),
        Quantity("J", nodes["J"].value, "-y log p - (1 - y) log(1 - p)"),
        Quantity("dJ/dp", grad(plain, p).value, "(p - y) / (p (1 - p))"),
        Quantity("delta2", by["z2"].value, "dJ/dz2 = p - y"),
        Quantity("delta1", by["z1"].value, "dJ/dz1 = delta2 w2 a1 (1 - a1)"),
    ]
    for name in wanted[:4]:
        rows += _derivative(name, by[name].value, nodes, y)
    return Example(
        "A 1-1-1 network with sigmoid units and binary cross-entropy",
        "Each derivative is a product of local ones along the path from J to the parameter; "
        "p (1 - p) cancels, and all four share the deltas of the two units.",
        tuple(rows), nodes=nodes,
        expressions={
            "z1": "w1 * x + b1", "a1": "sigmoid(z1)", "z2": "w2 * a1 + b2",
            "J": "sigmoid_cross_entropy(z2, y)",
        },
        picture=lambda ax: plot_graph(plain, ax, names=nodes | {"J": plain}),
    )  # fmt: skip


def _two_units(given: Mapping[str, float], y: float) -> dict[str, Node]:
    """The graph of two sigmoid units in a row and their cross-entropy, by name."""
    nodes = {name: variable(value, name) for name, value in given.items()}
    nodes["z1"] = nodes["w1"] * nodes["x"] + nodes["b1"]
    nodes["a1"] = ops.sigmoid(nodes["z1"])
    nodes["z2"] = nodes["w2"] * nodes["a1"] + nodes["b2"]
    nodes["p"] = ops.sigmoid(nodes["z2"])
    nodes["y"] = constant(y)
    nodes["J"] = ops.sigmoid_cross_entropy(nodes["z2"], nodes["y"])
    return nodes


def _derivative(name: str, by_graph: float, nodes: dict[str, Node], y: float) -> list[Quantity]:
    """A derivative as the graph gives it, as a product of factors, and by its short formula."""
    value = {one: float(node.value) for one, node in nodes.items()}
    p, a1, w2, x = value["p"], value["a1"], value["w2"], value["x"]
    output = {"dJ/dp": (p - y) / (p * (1 - p)), "p (1 - p)": p * (1 - p)}
    hidden = output | {"w2": w2, "a1 (1 - a1)": a1 * (1 - a1)}
    factors, formula, result = {
        "w1": (hidden | {"x": x}, "(p - y) w2 a1 (1 - a1) x", (p - y) * w2 * a1 * (1 - a1) * x),
        "b1": (hidden | {"1": 1.0}, "(p - y) w2 a1 (1 - a1)", (p - y) * w2 * a1 * (1 - a1)),
        "w2": (output | {"a1": a1}, "(p - y) a1", (p - y) * a1),
        "b2": (output | {"1": 1.0}, "p - y", p - y),
    }[name]
    return [
        Quantity(f"dJ/d{name}", by_graph, "by the graph"),
        Quantity(f"dJ/d{name} factors", tuple(factors.values()), ", ".join(factors)),
        Quantity(f"dJ/d{name} product", math.prod(factors.values()), "of the factors"),
        Quantity(f"dJ/d{name} formula", result, formula),
    ]


def chain(w: float = 0.5, f: Any = "tanh") -> Example:
    """One function used three times: x = f(w), y = f(x), z = f(y).

    w
        Where.
    f
        An activation's name, or a function on nodes.

    >>> from chainrule import examples
    >>> example = examples.chain()
    >>> abs(example["dz/dw"] - example["product"]) < 1e-15
    True
    """
    function = find_activation(f)
    nodes = {"w": variable(w, "w")}
    for before, name in zip("wxy", "xyz", strict=True):
        nodes[name] = function(nodes[before])
    slopes = []
    for name in "yxw":
        alone = variable(nodes[name].value)
        slopes.append(float(grad(function(alone), alone).value))
    return Example(
        "One function used three times: x = f(w), y = f(x), z = f(y)",
        "The derivative dz/dw is the product of three slopes of f, each taken where f was used.",
        (
            Quantity("w", nodes["w"].value),
            *(
                Quantity(name, float(nodes[name].value), f"f({before})")
                for before, name in zip("wxy", "xyz", strict=True)
            ),
            *(Quantity(f"f'({at})", slope) for at, slope in zip("yxw", slopes, strict=True)),
            Quantity("product", math.prod(slopes), "f'(y) f'(x) f'(w)"),
            Quantity("dz/dw", grad(nodes["z"], nodes["w"]).value, "by the graph"),
        ),
        nodes=nodes,
        expressions={"x": f"{f}(w)", "y": f"{f}(x)", "z": f"{f}(y)"} if isinstance(f, str) else {},
        picture=lambda ax: plot_graph(nodes["z"], ax, names=nodes),
    )
