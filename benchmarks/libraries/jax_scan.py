"""JAX: epochs compiled as a whole with lax.scan over batches, state donated, Adam written plainly.

The shuffle is drawn by NumPy, which is faster on a processor than jax.random.permutation (it
sorts). Rows are gathered once an epoch or in every step.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case

Calls = dict[str, Callable[[], None]]


def loss(parameters: Any, x: Any, y: Any) -> Any:
    for kernel, bias in parameters[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = parameters[-1]
    logs = jax.nn.log_softmax(x @ kernel + bias)
    return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()


def step(state: Any, batch: Any) -> tuple[Any, Any]:
    """One update of Adam with a rate of 1e-3."""
    parameters, first, second, time = state
    value, gradient = jax.value_and_grad(loss)(parameters, *batch)
    time = time + 1
    rate = 1e-3 * jnp.sqrt(1 - 0.999**time) / (1 - 0.9**time)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), parameters, first, second
    )
    return (parameters, first, second, time), value


def fresh(case: Case, seed: int = 0) -> Any:
    parameters = jax.tree.map(jnp.asarray, case.weights(seed))
    zeros = partial(jax.tree.map, jnp.zeros_like, parameters)
    return parameters, zeros(), zeros(), jnp.zeros((), jnp.float32)


def epochs(case: Case, gather: str) -> Callable[..., Any]:
    """A function of state, orders (epochs, rows) and data: the state after, and losses."""
    full = case.rows // case.batch * case.batch

    def epoch(state: Any, order: Any, X: Any, y: Any) -> tuple[Any, Any]:
        if gather == "once":
            X, y = X[order], y[order]
            batches = X[:full].reshape(-1, case.batch, X.shape[1]), y[:full].reshape(-1, case.batch)
            state, losses = jax.lax.scan(step, state, batches)
            rest = X[full:], y[full:]
        else:
            batches = order[:full].reshape(-1, case.batch)
            state, losses = jax.lax.scan(
                lambda s, rows: step(s, (X[rows], y[rows])), state, batches
            )
            rest = X[order[full:]], y[order[full:]]
        if full < case.rows:
            state, _ = step(state, rest)
        return state, losses.mean()

    return lambda state, orders, X, y: jax.lax.scan(
        lambda state, order: epoch(state, order, X, y), state, orders
    )


def shuffles(generator: np.random.Generator, count: int, rows: int) -> np.ndarray:
    return np.stack([generator.permutation(rows).astype(np.int32) for _ in range(count)])


def training(case: Case, at_once: int = 1) -> Calls:
    """A call of the compiled function for so many epochs."""
    X, y = (jnp.asarray(part) for part in case.data())
    generator = np.random.default_rng(0)

    def call(gather: str) -> Callable[[], None]:
        compiled = jax.jit(epochs(case, gather), donate_argnums=0)
        state = fresh(case)

        def train() -> None:
            nonlocal state
            for _ in range(case.epochs // at_once):
                state, losses = compiled(state, shuffles(generator, at_once, case.rows), X, y)
            jax.block_until_ready((state, losses))

        return train

    return {f"gather {gather}": call(gather) for gather in ("once", "each step")}


def training_in_one_call(case: Case) -> Calls:
    """All epochs in one call of the compiled function: nobody looks at a loss in between."""
    return training(case, case.epochs)


def many(case: Case, networks: int) -> Calls:
    """All networks in one vmap, or one after the other from one and from two Python threads."""
    X, y = (jnp.asarray(part) for part in case.data())
    generators = [np.random.default_rng(seed) for seed in range(networks)]

    def together() -> Callable[[], None]:
        one = epochs(case, "once")
        compiled = jax.jit(jax.vmap(one, in_axes=(0, 0, None, None)), donate_argnums=0)
        state = jax.tree.map(
            lambda *parts: jnp.stack(parts), *(fresh(case, seed) for seed in range(networks))
        )

        def train() -> None:
            nonlocal state
            orders = np.stack([shuffles(one, case.epochs, case.rows) for one in generators])
            state, losses = compiled(state, orders, X, y)
            jax.block_until_ready((state, losses))

        return train

    def apart(threads: int) -> Callable[[], None]:
        compiled = jax.jit(epochs(case, "once"), donate_argnums=0)
        states = [fresh(case, seed) for seed in range(networks)]
        pool = ThreadPoolExecutor(threads)

        def one(index: int) -> None:
            orders = shuffles(generators[index], case.epochs, case.rows)
            states[index], _ = jax.block_until_ready(compiled(states[index], orders, X, y))

        return lambda: list(pool.map(one, range(networks))) and None

    return {"vmap": together(), "a loop": apart(1), "a loop in 2 Python threads": apart(2)}
