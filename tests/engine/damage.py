"""Loads and runs damaged tapes; run as a program, in a process of its own, since it may crash.

`python -m tests.engine.damage FIRST LAST` damages a tape for each seed from FIRST to below LAST
and says at the end how many were refused, and how many ran.
"""

import json
import os
import random
import sys
from collections import Counter
from functools import cache

import numpy as np
from tests.engine.networks import Plan, as_graph, as_trial
from tests.engine.tapes import dropout, momentum, running

from chainrule import _native
from chainrule.engine import compile, lower  # noqa: A004
from chainrule.engine.native import described

PLANS = [
    Plan(
        columns=4, layers=((5, "relu", "embed"), (3, "tanh", "axes"), (4, "softmax", "split")),
        loss="classes", outputs=3, rate=0.25, optimizer="history",
    ),
    Plan(columns=3, layers=((4, "gauss", "members"),), loss="weighted", dtype="float64"),
    Plan(columns=2, layers=((3, "leaky", "centered"),), loss="binary", optimizer="reduced"),
]  # fmt: skip
NUMBERS = (-(2**63), -(2**40), -2, -1, 0, 1, 2, 3, 7, 64, 10**6, 2**31, 2**40, 2**62, 2**63 - 1)
OTHERS = (None, "", "sum", "float32", "int64", 0.5, (), [], {}, True, b"", ((2**40, True),))


@cache
def sound(number):
    """A tape as it is handed over, and what to run it on."""
    if number < 2 * len(PLANS):
        graph = as_graph(PLANS[number // 2])
        tape = lower(graph) if number % 2 else compile(graph, "native").tape
        trial = as_trial(PLANS[number // 2], graph, rows=9, batch_size=4)
        return tape, trial.arrays, trial.parameters, trial.slots
    tape = compile([dropout, momentum, running][number - 2 * len(PLANS)](), "native").tape
    count = tape.segments[-1].stop
    x = np.ones((9, 4), np.float32)
    slots = [np.zeros(count, np.float32)] * (len(tape.flat) - 1)
    return tape, {"x": x}, np.ones(count, np.float32), slots


def places(node, path=()):
    """The way to every part of a description."""
    yield path
    if isinstance(node, dict):
        for key in node:
            yield from places(node[key], (*path, key))
    elif isinstance(node, list | tuple):
        for position, part in enumerate(node):
            yield from places(part, (*path, position))


def at(node, path):
    for step in path:
        node = node[step]
    return node


def changed(node, path, change):
    """A copy with the part at the end of the path changed."""
    if not path:
        return change(node)
    if isinstance(node, dict):
        return {k: changed(v, path[1:], change) if k == path[0] else v for k, v in node.items()}
    parts = [changed(v, path[1:], change) if i == path[0] else v for i, v in enumerate(node)]
    return type(node)(parts)


def damage(description, draw):
    """One part of the description as it should not be."""
    everywhere = list(places(description))
    path = draw.choice(everywhere[1:])
    like = [at(description, other) for other in everywhere]

    def change(node):
        if draw.random() < 0.05:
            return draw.choice(OTHERS)
        if isinstance(node, bool):
            return not node
        if isinstance(node, int):
            return draw.choice([*NUMBERS, node + 1, node - 1, node * 2, node + draw.randrange(40)])
        if isinstance(node, bytes):
            return node[: draw.randrange(len(node) + 1)]
        if isinstance(node, list | tuple) and draw.random() < 0.5:
            parts = list(node)
            if parts and draw.random() < 0.5:
                del parts[draw.randrange(len(parts))]
            else:
                parts.insert(draw.randrange(len(parts) + 1), draw.choice(parts or [0]))
            draw.random() < 0.3 and draw.shuffle(parts)
            return type(node)(parts)
        if isinstance(node, dict) and node and draw.random() < 0.5:
            return {key: node[key] for key in draw.sample(list(node), len(node) - 1)}
        return draw.choice([other for other in like if type(other) is type(node)])

    return changed(description, path, change)


def run(loaded, tape, arrays, parameters, slots, rows, batch_size, order, gradient):
    """One call as the executor makes it, whatever is wrong with the tape."""
    visits = rows if order is None else len(order)
    batch_size = max(visits, 1) if gradient else batch_size
    batches = -(-visits // batch_size)
    lines = np.ones((batches, sum(s.kind == "line" for s in tape.sources)))
    made = np.zeros(tape.trainable, parameters.dtype) if gradient else None
    loaded.run(
        dict(arrays), parameters.copy(), order, batch_size, None,
        () if gradient else tuple(slot.copy() for slot in slots), lines, 3, 5, made, 2,
    )  # fmt: skip


def tried(seed):
    """What became of a damaged tape: refused, not run, or run."""
    draw = random.Random(seed)
    tape, arrays, parameters, slots = sound(draw.randrange(2 * len(PLANS) + 3))
    description = dict(described(tape))
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        description = damage(description, draw)
    try:
        loaded = _native.Executor(description, draw.choice(_native.instruction_sets()))
    except (ValueError, TypeError) as error:
        assert str(error), "refused without a sentence"
        return "refused"
    order = np.array([8, 0, 0, 3, 7, 1, 1], np.int64)
    ran = "ran"
    for given in (None, order, order[:0]):
        for gradient in (False, True):
            for batch_size in (1, 4, 9):
                try:
                    run(loaded, tape, arrays, parameters, slots, 9, batch_size, given, gradient)
                except (ValueError, TypeError, MemoryError):
                    ran = "not run"
    return ran


if __name__ == "__main__":
    if sys.platform == "linux" and "LD_PRELOAD" not in os.environ:  # a sanitizer needs more
        import resource

        # what a damaged size asks for is refused by the machine, not taken from it
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    seen = Counter[str]()
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        sys.stderr.write(f"{seed}\n")
        seen[tried(seed)] += 1
    sys.stdout.write(json.dumps(seen) + "\n")
