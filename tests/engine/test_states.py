"""Parameters that no gradient moves: new values take effect with the update, after the seam."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from chainrule import graph as g
from chainrule.engine import Graph, Update, compile, engine_info, lower, verify  # noqa: A004
from chainrule.engine.passes import PASSES
from chainrule.errors import EngineError
from chainrule.graph import Rows, ops

SUBSETS = [s for n in (0, 1, len(PASSES)) for s in itertools.combinations(PASSES, n)]
ENGINES = ("numpy", "native") if engine_info()["native"] else ("numpy",)


def swapping(dtype="float64", states=None):
    """w learns; `first` and `second` change places each step, `seen` adds up the means of x."""
    x = g.input_node("x", (Rows(), 3), dtype)
    w = g.parameter("w", (3,), dtype)
    first, second, seen = (g.parameter(n, (3,), dtype, False) for n in ("first", "second", "seen"))
    loss = (ops.squared_error(x * w, 1.0)).mean() + (first * second).sum()
    weight, gradient = (g.input_node(n, (3,), dtype) for n in ("weight", "gradient"))
    update = Update(weight, gradient, (), (), weight - 0.1 * gradient, ())
    new = {"first": second, "second": first, "seen": seen + x.mean(axis=0)}
    return Graph(
        (x,), (w, first, second, seen), {"loss": loss}, loss, update,
        new if states is None else states,
    )  # fmt: skip


@pytest.mark.parametrize("subset", SUBSETS, ids=lambda s: "-".join(s) or "none")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
def test_new_values_take_effect_after_each_step(engine, dtype, subset):
    program = compile(swapping(dtype), engine, subset)
    verify(program.tape)
    x = np.random.default_rng(1).normal(size=(10, 3)).astype(dtype)
    flat = np.arange(12).astype(dtype)
    w, seen, losses = flat[:3].astype(float), flat[9:].astype(float), []
    first, second = flat[3:6].copy(), flat[6:9].copy()
    for start in (0, 4, 8):
        batch = x[start : start + 4].astype(float)
        losses.append(((batch * w - 1) ** 2).mean() + (first * second).sum())
        w = w - 0.1 * (2 * (batch * w - 1) * batch).sum(0) / batch.size
        seen = seen + batch.mean(0)
        first, second = second, first
    ran = program.run({"x": x}, flat, batch_size=4)
    rtol = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(ran.results["loss"], losses, rtol=rtol)
    np.testing.assert_allclose(flat[:3], w, rtol=rtol)
    assert (flat[3:6] == first).all() and (flat[6:9] == second).all()
    np.testing.assert_allclose(flat[9:], seen, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_finite_stops_before_them(engine):
    program = compile(swapping(), engine)
    flat = np.arange(12.0)
    x = np.ones((6, 3))
    x[3] = np.inf
    ran = program.run({"x": x}, flat, batch_size=2)
    assert ran.stopped == 1
    assert (flat[3:6] == [6, 7, 8]).all()
    assert (flat[9:] == [10, 11, 12]).all()


def test_a_tape_prints_them():
    assert "new seen = %" in str(lower(swapping()))


@pytest.mark.parametrize(
    "states, words",
    [
        ({"w": g.constant(np.zeros(3))}, "'w' is no parameter that training leaves alone"),
        ({"other": g.constant(np.zeros(3))}, "'other' is no parameter"),
        ({"first": g.constant(np.zeros(2))}, r"'first' has shape \(2,\)"),
        ({"first": g.constant(np.zeros(3, np.float32))}, "type float32"),
    ],
)
def test_what_does_not_fit_is_refused(states, words):
    with pytest.raises(EngineError, match=words):
        lower(swapping(states=states))


@pytest.mark.parametrize(
    "state, words",
    [
        (lambda tape: (0, tape.states[0][1]), "new value of what is no state"),
        (lambda tape: (4, tape.states[0][1]), "new value of what is no state"),
        (lambda tape: (-1, tape.states[0][1]), "new value of what is no state"),
        (lambda tape: (1, tape.loss), "another shape than 'first'"),
    ],
)
def test_tapes_whose_states_are_not_sound_are_refused(state, words):
    tape = lower(swapping())
    with pytest.raises(EngineError, match=words):
        verify(replace(tape, states=(state(tape),)))


def test_they_need_an_update():
    whole = swapping()
    with pytest.raises(EngineError, match="take effect with an update"):
        lower(Graph(whole.inputs, whole.parameters, whole.results, whole.loss, None, whole.states))


def test_programs_that_differ_in_them_alone_are_not_the_same():
    def program(*names):
        whole = swapping(states={})
        nodes = {node.name: node for node in whole.parameters}
        moved = nodes["first"] + nodes["second"]
        states = dict.fromkeys(names, moved)
        graph = Graph(
            whole.inputs, whole.parameters, whole.results | {"row": whole.inputs[0]}, whole.loss,
            whole.update, states,
        )  # fmt: skip
        return compile(graph)

    one, other = program("first"), program("second")
    assert one is program("first")
    for compiled, place in ((one, 3), (other, 6)):
        flat = np.arange(12.0)
        compiled.run({"x": np.ones((2, 3))}, flat)
        assert (flat[place : place + 3] == [9, 11, 13]).all()
