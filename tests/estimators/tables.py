"""Small tables with a known answer."""

import numpy as np

from chainrule.data import as_table


def columns(rows=240, seed=0):
    """Two signs whose product is the class, a number, a wide category, and noise."""
    rng = np.random.default_rng(seed)
    left, right = rng.choice([-1.0, 1.0], size=(2, rows))
    city = rng.integers(0, 20, rows)
    size = rng.normal(size=rows)
    return {
        "left": left + 0.1 * rng.normal(size=rows),
        "right": right + 0.1 * rng.normal(size=rows),
        "size": size,
        "city": [f"city {number}" for number in city],
        "same": np.where(left * right > 0, "yes", "no").tolist(),
        "price": 100 + 10 * size + 3 * city + 0.1 * rng.normal(size=rows),
        "group": rng.integers(0, 12, rows),
        "day": np.arange(rows),
        "weight": rng.integers(1, 4, rows).astype(float),
    }


def table(rows=240, seed=0, only=None):
    """The table, or some of its columns."""
    found = columns(rows, seed)
    return as_table({name: found[name] for name in only} if only else found)


XOR = ("left", "right", "same")
PRICE = ("size", "city", "price")
