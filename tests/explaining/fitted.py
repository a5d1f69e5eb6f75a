"""Small models with a known answer, trained once."""

from functools import cache

import numpy as np

from chainrule import TabularClassifier, TabularRegressor


def columns(rows=300, seed=0):
    """Columns of every kind, of which `strong` decides, `slope` helps and `noise` does nothing."""
    rng = np.random.default_rng(seed)
    strong, slope, noise = rng.normal(size=(3, rows))
    town = rng.choice(["Bergen", "Oslo", "Tromso"], rows).astype(object)
    street = np.array([f"street {number}" for number in rng.integers(0, 20, rows)], dtype=object)
    gaps = rng.normal(size=rows)
    gaps[::7] = np.nan
    day = np.datetime64("2024-01-01") + rng.integers(0, 700, rows).astype("timedelta64[D]")
    return {
        "strong": strong, "slope": slope, "noise": noise, "town": town, "street": street,
        "gaps": gaps, "day": day, "level": rng.integers(0, 5, rows).astype(float),
        "sold": rng.random(rows) < 0.5, "same": np.ones(rows),
    }  # fmt: skip


def label(given):
    """What is to be learned: "yes" where 3 strong + slope + town is above 0."""
    shift = np.where(given["town"] == "Oslo", 1.0, -0.5)
    return np.where(3 * given["strong"] + given["slope"] + shift > 0, "yes", "no")


def price(given):
    """A number that grows with `strong` and with `slope`."""
    return 50 + 9 * given["strong"] + 3 * given["slope"]


@cache
def classifier():
    """A classifier of two networks."""
    given = columns()
    return TabularClassifier(epochs=25, members=2, hidden=(24, 12)).fit(given, label(given))


@cache
def three_classes():
    """A classifier of three classes."""
    given = columns(seed=5)
    return TabularClassifier(epochs=15, members=1, hidden=(24,)).fit(
        given, np.digitize(price(given), [44.0, 56.0])
    )


@cache
def regressor():
    """A regressor of two networks."""
    given = columns()
    return TabularRegressor(epochs=25, members=2, hidden=(24, 12)).fit(given, price(given))


def tickets(rows=200, seed=0):
    """A number, and tickets that are all different: some rows have none."""
    rng = np.random.default_rng(seed)
    ticket = np.array([f"no {number}" for number in range(rows)], dtype=object)
    ticket[rng.random(rows) < 0.6] = None
    return {"size": rng.normal(size=rows), "ticket": ticket}


def has_ticket(given):
    """What is to be learned of them."""
    return np.where(np.equal(given["ticket"], None), "no", "yes")


@cache
def of_tickets():
    """A classifier that uses of the tickets only whether there is one."""
    given = tickets()
    model = TabularClassifier(epochs=40, members=1, hidden=(12,), learning_rate=0.02)
    return model.fit(given, has_ticket(given))


@cache
def many_classes():
    """A classifier of 20 classes, of which the last ones are most frequent."""
    rng = np.random.default_rng(3)
    given = {"strong": rng.normal(size=600), "noise": rng.normal(size=600)}
    y = np.clip(np.floor(16 + 4 * given["strong"]), 0, 19).astype(int)
    names = np.array([f"k{number:02}" for number in range(20)])
    return TabularClassifier(epochs=15, members=1, hidden=(24,)).fit(given, names[y]), given
