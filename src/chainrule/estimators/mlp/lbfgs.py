"""L-BFGS over the flat parameters of a network: SciPy's, on the engine's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.training import Data, Trainer

__all__ = ["minimize"]

Array = np.ndarray[Any, np.dtype[Any]]


def minimize(
    trainer: Trainer, data: Data, unpenalized: Trainer, *, max_iter: int, max_fun: int, tol: float,
    verbose: Any,
) -> tuple[float, int]:  # fmt: skip
    """Move the parameters to where L-BFGS ends; the loss there, and the iterations made.

    unpenalized
        The same parameters without the penalty, for all but the first block of a sparse matrix.

    Warns with scikit-learn's ConvergenceWarning where it stopped before it converged.
    """
    from scipy.optimize import minimize as search
    from sklearn.utils.optimize import _check_optimize_result

    flat, order = trainer.parameters.flat, _places(trainer)

    def loss_and_gradient(packed: Array) -> tuple[float, Array]:
        flat[order] = packed
        loss, gradient = _whole(trainer, unpenalized, data)
        return loss, gradient[order].astype(np.float64, copy=False)

    losses: list[float] = []

    def say(intermediate_result: Any) -> None:
        losses.append(intermediate_result.fun)
        print(f"Iteration {len(losses)}, loss = {losses[-1]:.8f}")  # noqa: T201

    found = search(
        loss_and_gradient,
        flat[order].astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=say if verbose else None,
        options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
    )
    flat[order] = found.x
    return float(found.fun), int(_check_optimize_result("lbfgs", found, max_iter))


def _whole(trainer: Trainer, unpenalized: Trainer, data: Data) -> tuple[float, Array]:
    """Loss and gradient of all rows; those of a sparse matrix are the means of its blocks."""
    parts: list[tuple[float, float, Array]] = []
    for block in data.blocks():
        weights = block.arrays.get("weight")
        share = block.rows if weights is None else float(weights.sum(dtype=np.float64))
        parts.append((share, *(unpenalized if parts else trainer).gradient_data(block)))
    if len(parts) == 1:
        return parts[0][1:]
    total = sum(share for share, _, _ in parts)
    loss = sum(share * loss for share, loss, _ in parts) / total
    return loss, np.asarray(sum(share * gradient for share, _, gradient in parts) / total)


def _places(trainer: Trainer) -> Array:
    """Where the numbers stand in the flat array: kernels of all layers, then biases.

    It is the order in which scikit-learn packs them, so that sums over all of them are the same.
    """
    segments = trainer.parameters.segments
    kernels = [one for one in segments if one.name.endswith("/kernel")]
    biases = [one for one in segments if one.name.endswith("/bias")]
    return np.concatenate([np.arange(one.start, one.stop) for one in (*kernels, *biases)])
