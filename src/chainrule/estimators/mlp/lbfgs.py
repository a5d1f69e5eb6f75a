"""L-BFGS over the flat parameters of a network: SciPy's, on the engine's gradient."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.training import Data, Trainer

__all__ = ["minimize"]

Array = np.ndarray[Any, np.dtype[Any]]


def minimize(
    trainer: Trainer, data: Data, *, max_iter: int, max_fun: int, tol: float, verbose: Any
) -> tuple[float, int]:
    """Move the parameters to where L-BFGS ends; the loss there, and the iterations made.

    Warns with scikit-learn's ConvergenceWarning where it stopped before it converged.
    """
    from scipy.optimize import minimize as search

    parameters, data = trainer.parameters, data.taken(None)[0]
    order = _places(trainer)

    def loss_and_gradient(packed: Array) -> tuple[float, Array]:
        parameters.flat[order] = packed
        loss, gradient = trainer.gradient_data(data)
        return loss, gradient[order].astype(np.float64, copy=False)

    losses: list[float] = []

    def say(intermediate_result: Any) -> None:
        losses.append(intermediate_result.fun)
        print(f"Iteration {len(losses)}, loss = {losses[-1]:.8f}")  # noqa: T201

    found = search(
        loss_and_gradient,
        parameters.flat[order].astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=say if verbose else None,
        options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
    )
    parameters.flat[order] = found.x
    iterations = min(int(found.nit), max_iter)
    if found.status != 0:
        _warn(found, iterations, max_iter)
    return float(found.fun), iterations


def _places(trainer: Trainer) -> Array:
    """Where the numbers stand in the flat array: kernels of all layers, then biases.

    It is the order in which scikit-learn packs them, so that sums over all of them are the same.
    """
    segments = trainer.parameters.segments
    kernels = [one for one in segments if one.name.endswith("/kernel")]
    biases = [one for one in segments if one.name.endswith("/bias")]
    return np.concatenate([np.arange(one.start, one.stop) for one in (*kernels, *biases)])


def _warn(found: Any, iterations: int, max_iter: int) -> None:
    from sklearn.exceptions import ConvergenceWarning

    reason = found.message.decode() if isinstance(found.message, bytes) else found.message
    message = (
        f"lbfgs failed to converge after {iterations} iteration(s) (status={found.status}): "
        f"{reason}. Increase the number of iterations (max_iter={max_iter}) or of calls (max_fun), "
        "or scale the data (sklearn.preprocessing)."
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=7)
