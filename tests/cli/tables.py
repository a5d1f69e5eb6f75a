"""Small tables to train on."""

import numpy as np

QUICK = ("--epochs", "3", "--members", "1", "--hidden", "8")


def houses_text(rows=120, seed=1):
    """A table of which the price is nearly a sum, with text, missing cells and an identifier."""
    random = np.random.default_rng(seed)
    lines = ["id,area,rooms,town,price"]
    for row in range(rows):
        area, rooms = random.uniform(30, 200), random.integers(1, 7)
        town = random.choice(["Bonn", "Köln", "Ulm"])
        price = 1000 * area + 5000 * rooms + 20_000 * (town == "Ulm") + random.normal(0, 3000)
        cell = "" if row % 17 == 5 else f"{area:.1f}"
        lines.append(f"h{row:04d},{cell},{rooms},{town},{price:.0f}")
    return "\n".join(lines) + "\n"


def churn_text(rows=120, seed=2):
    """A table of two labels."""
    random = np.random.default_rng(seed)
    lines = ["months,plan,left"]
    for _ in range(rows):
        months, plan = random.integers(1, 60), random.choice(["basic", "gold"])
        chance = 1 / (1 + np.exp(0.15 * (months - 20) + (plan == "gold")))
        lines.append(f"{months},{plan},{'yes' if random.random() < chance else 'no'}")
    return "\n".join(lines) + "\n"
