"""Training of a small network written out in NumPy: gradients, clipping, rules, constraints."""

import math

import numpy as np


def gradients(weights, x, t, reduction="mean"):
    """Of mean or sum over rows of the mean over outputs of (tanh(x w + b) v + c - t)^2."""
    w, b, v, c = weights
    hidden = np.tanh(x @ w + b)
    slope = 2 * (hidden @ v + c - t) / t.shape[1]
    if reduction == "mean":
        slope = slope / len(x)
    delta = (slope @ v.T) * (1 - hidden**2)
    return [x.T @ delta, delta.sum(axis=0), hidden.T @ slope, slope.sum(axis=0)]


def clipped(slopes, kind, most):
    if kind == "clipvalue":
        return [np.clip(g, -most, most) for g in slopes]
    if kind == "clipnorm":
        return [g * min(1.0, most / math.sqrt((g**2).sum())) for g in slopes]
    if kind == "global_clipnorm":
        norm = math.sqrt(sum((g**2).sum() for g in slopes))
        return [g * min(1.0, most / norm) for g in slopes]
    return slopes


class Rule:
    """One step of a named optimizer with Keras's defaults; t counts from 1."""

    def __init__(self, name, weights):
        self.name = name
        start = 0.1 if name == "Adagrad" else 0.0
        self.m = [np.zeros_like(w) for w in weights]
        self.v = [np.full_like(w, start) for w in weights]
        self.product = 1.0

    def step(self, weights, slopes, rate, t):
        u, soon = (0.9 * (1 - 0.5 * 0.96**n) for n in (t, t + 1))
        self.product *= u
        for i, g in enumerate(slopes):
            w, m, v = weights[i], self.m[i], self.v[i]
            if self.name == "SGD":
                m[...] = 0.9 * m - rate * g
                w += m
                continue
            if self.name == "RMSprop":
                v[...] = 0.9 * v + 0.1 * g**2
                w -= rate * g / np.sqrt(v + 1e-7)
                continue
            if self.name == "Adagrad":
                v += g**2
                w -= rate * g / np.sqrt(v + 1e-7)
                continue
            if self.name == "AdamW":
                w -= rate * 0.004 * w
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            root = np.sqrt(v / (1 - 0.999**t))
            if self.name == "Nadam":
                look = soon * m / (1 - self.product * soon) + (1 - u) * g / (1 - self.product)
                w -= rate * look / (root + 1e-7)
            else:
                corrected = math.sqrt(1 - 0.999**t)
                w -= rate * m / (1 - 0.9**t) * corrected / (np.sqrt(v) + 1e-7)


def trained(name, weights, x, t, batch, steps, rate, clip=(None, 0), constrain=None):
    """Weights after steps over rows as they come; rate is a function of the step from 0."""
    weights = [w.astype(np.float64).copy() for w in weights]
    rule = Rule(name, weights)
    starts = range(0, len(x), batch)
    for step in range(steps):
        at = starts[step % len(starts)]
        slopes = gradients(weights, x[at : at + batch], t[at : at + batch])
        rule.step(weights, clipped(slopes, *clip), rate(step), step + 1)
        if constrain is not None:
            constrain(weights)
    return weights
