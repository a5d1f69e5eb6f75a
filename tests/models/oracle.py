"""A network in plain NumPy, written from the formulas of the textbooks; it knows no chainrule.

Notation: rows are data, z = a W + b. Back-propagation in matrix form with means over rows:
delta_L from the loss, delta_l = (delta_{l+1} W_{l+1}^T) * phi'(z_l), dW_l = a_{l-1}^T delta_l / m.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


PHI = {
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.where(z > 0, z, 0.0), lambda a: np.where(a > 0, 1.0, 0.0)),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# loss name -> outputs of z, mean loss of outputs, delta of each row's own loss with respect to z
OUTPUT = {
    "squared_error": (
        lambda z: z,
        lambda o, t: (0.5 * (o - t) ** 2).sum(axis=1).mean(),
        lambda o, t: o - t,
    ),
    "mean_squared_error": (
        lambda z: z,
        lambda o, t: ((o - t) ** 2).mean(axis=1).mean(),
        lambda o, t: 2 * (o - t) / o.shape[1],
    ),
    "binary_crossentropy": (
        sigmoid,
        lambda o, t: -(t * np.log(o) + (1 - t) * np.log(1 - o)).mean(axis=1).mean(),
        lambda o, t: (o - t) / o.shape[1],
    ),
    "categorical_crossentropy": (
        softmax,
        lambda o, t: -(t * np.log(o)).sum(axis=1).mean(),
        lambda o, t: o - t,
    ),
}


def train(weights, X, T, orders, activation, loss, rule, rate, l2=0.0, batch=32):
    """Losses by epoch and the weights [W1, b1, W2, b2, ...] after them; `l2` on kernels."""
    weights = [w.copy() for w in weights]
    phi, slope = PHI[activation]
    output, mean_loss, output_delta = OUTPUT[loss]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    losses, step = [], 0
    for order in orders:
        total = 0.0
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            a, m = [X[rows]], len(rows)
            for k in range(0, len(weights), 2):
                z = a[-1] @ weights[k] + weights[k + 1]
                a.append(output(z) if k == len(weights) - 2 else phi(z))
            penalty = sum(l2 * (w**2).sum() for w in weights[::2])
            total += (mean_loss(a[-1], T[rows]) + penalty) * m
            delta, gradient = output_delta(a[-1], T[rows]), [None] * len(weights)
            for k in range(len(weights) - 2, -1, -2):
                layer = k // 2
                gradient[k] = a[layer].T @ delta / m + 2 * l2 * weights[k]
                gradient[k + 1] = delta.mean(axis=0)
                delta = (delta @ weights[k].T) * slope(a[layer]) if k else None
            step += 1
            for k, g in enumerate(gradient):
                if rule == "sgd":
                    weights[k] -= rate * g
                elif rule == "momentum":
                    first[k] = 0.9 * first[k] + rate * g
                    weights[k] -= first[k]
                elif rule == "adam":
                    first[k] = 0.9 * first[k] + 0.1 * g
                    second[k] = 0.999 * second[k] + 0.001 * g**2
                    alpha = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                    weights[k] -= alpha * first[k] / (np.sqrt(second[k]) + 1e-7)
        losses.append(total / len(order))
    return np.array(losses), weights
