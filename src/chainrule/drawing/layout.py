"""Where the boxes of a graph stand: columns by the longest path, few crossings, no overlap."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LANE", "Box", "Layout", "Place", "columns_of", "layered", "separated"]

Place = tuple[float, float]
Box = Hashable
Neighbors = dict[Box, list[Box]]

SWEEPS = 24
LANE = 7.0
"""Height that an arrow takes where it passes a column."""
LIGHT = 0.02
"""How much a leaf keeps its place; a box of the paths between leaves and result has 1."""


@dataclass(frozen=True)
class Layout:
    """Boxes in columns, and arrows from left to right.

    places
        The middle of each box.
    routes
        For each arrow the places it goes through, from box to box, two for each column it passes.
    size
        Width and height of all of it; its corner is at (0, 0).
    down
        Whether it was turned, and its rows run from top to bottom.
    """

    places: dict[Box, Place]
    routes: dict[tuple[Box, Box], list[Place]]
    size: tuple[float, float]
    down: bool = False

    def turned(self) -> Layout:
        """From top to bottom in place of left to right."""
        across, along = self.size

        def turn(place: Place) -> Place:
            return place[1], across - place[0]

        routes = {arrow: [turn(place) for place in route] for arrow, route in self.routes.items()}
        places = {box: turn(place) for box, place in self.places.items()}
        return Layout(places, routes, (along, across), down=True)


def layered(
    sizes: Mapping[Box, tuple[float, float]], users: Mapping[Box, Sequence[Box]], apart: float,
    gap: float,
) -> Layout:  # fmt: skip
    """Places for the boxes of a graph without circles.

    sizes
        Width and height of each box, operands before what uses them.
    users
        For each box those that its arrows lead to.
    apart, gap
        Between boxes of a column; between columns.

    A box stands right of all its operands, a leaf beside the first box that uses it. Boxes of a
    column are ordered by the mean place of their neighbors (Sugiyama, Tagawa and Toda, 1981), and
    leaves make room, so that chains are straight.
    """
    column = columns_of(list(sizes), users)
    chains = {(box, user): _lanes(box, user, column) for box in users for user in users[box]}
    heights = {box: height for box, (_, height) in sizes.items()}
    columns: list[list[Box]] = [[] for _ in range(1 + max(column.values()))]
    for box in sizes:
        columns[column[box]].append(box)
    before: Neighbors = {}
    after: Neighbors = {}
    for chain in chains.values():
        for place, lane in enumerate(chain[1:-1]):
            columns[column[chain[0]] + 1 + place].append(lane)
            heights[lane] = LANE
        for left, right in zip(chain, chain[1:], strict=False):
            after.setdefault(left, []).append(right)
            before.setdefault(right, []).append(left)
    columns = _ordered(columns, before, after)
    up = _heights_above(columns, heights, before, after, apart)
    widths = [max((sizes[box][0] for box in one if box in sizes), default=0.0) for one in columns]
    lefts = np.concatenate([[0.0], np.cumsum(np.array(widths) + gap)])
    places = {box: (float(lefts[column[box]]) + widths[column[box]] / 2, up[box]) for box in sizes}
    routes = {}
    for (box, user), chain in chains.items():
        route = [(places[box][0] + sizes[box][0] / 2, up[box])]
        for step, lane in enumerate(chain[1:-1], column[box] + 1):
            left = float(lefts[step])
            route += [(left, up[lane]), (left + widths[step], up[lane])]
        arrival = _arrival(user, chain[-2], before[user], up, heights[user])
        routes[box, user] = [*route, (places[user][0] - sizes[user][0] / 2, arrival)]
    top = max(up[box] + heights[box] / 2 for box in up)
    return Layout(places, routes, (float(lefts[-1]) - gap, top))


def columns_of(order: Sequence[Box], users: Mapping[Box, Sequence[Box]]) -> dict[Box, int]:
    """The longest path from a leaf to each box; a leaf stands just before its first user."""
    column = dict.fromkeys(order, 0)
    for box in order:
        for user in users.get(box, ()):
            column[user] = max(column[user], column[box] + 1)
    used = {user for box in order for user in users.get(box, ())}
    for box in order:
        if box not in used and users.get(box):
            column[box] = min(column[user] for user in users[box]) - 1
    return column


def _lanes(box: Box, user: Box, column: Mapping[Box, int]) -> list[Box]:
    """From a box to one that uses it, with a lane in each column between them."""
    passed = range(column[box] + 1, column[user])
    return [box, *((box, user, one) for one in passed), user]


def _ordered(columns: list[list[Box]], before: Neighbors, after: Neighbors) -> list[list[Box]]:
    """The columns with their boxes in the order with the fewest crossings that sweeps find."""
    best, fewest = columns, _crossings(columns, after)
    current = [list(one) for one in columns]
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        walk = range(1, len(current)) if forward else range(len(current) - 2, -1, -1)
        for place in walk:
            neighbors = before if forward else after
            fixed = current[place - 1 if forward else place + 1]
            at = {box: index for index, box in enumerate(fixed)}
            own = {box: index for index, box in enumerate(current[place])}
            current[place].sort(key=lambda box: _mean(box, neighbors, at, own))
        crossings = _crossings(current, after)
        if crossings < fewest:
            best, fewest = [list(one) for one in current], crossings
    return best


def _mean(box: Box, neighbors: Neighbors, at: Mapping[Box, int], own: Mapping[Box, int]) -> float:
    places = [at[one] for one in neighbors.get(box, ())]
    return statistics.fmean(places) if places else float(own[box])


def _crossings(columns: Sequence[Sequence[Box]], after: Neighbors) -> int:
    """How many pairs of arrows between neighboring columns cross."""
    total = 0
    for left, right in zip(columns, columns[1:], strict=False):
        at = {box: index for index, box in enumerate(right)}
        arrows = [(i, at[to]) for i, box in enumerate(left) for to in after.get(box, ())]
        total += sum(
            (a - c) * (b - d) < 0 for index, (a, b) in enumerate(arrows) for c, d in arrows[:index]
        )
    return total


def _heights_above(
    columns: Sequence[Sequence[Box]], heights: Mapping[Box, float], before: Neighbors,
    after: Neighbors, apart: float,
) -> dict[Box, float]:  # fmt: skip
    """The middle of each box and lane above the bottom: near its neighbors, apart in its column."""
    up: dict[Box, float] = {}
    distances = []
    for boxes in columns:
        needed = [
            (heights[one] + heights[other]) / 2 + apart
            for one, other in zip(boxes, boxes[1:], strict=False)
        ]
        distances.append(needed)
        start = np.concatenate([[0.0], np.cumsum(needed)])
        up |= dict(zip(boxes, (start.mean() - start).tolist(), strict=True))
    for sweep in range(SWEEPS):
        for place in range(len(columns)) if sweep % 2 == 0 else reversed(range(len(columns))):
            boxes = columns[place]
            wanted = [-_middle(box, up, before, after) for box in boxes]
            weights = [1.0 if box in before else LIGHT for box in boxes]
            settled = separated(wanted, distances[place], weights)
            up |= {box: -value for box, value in zip(boxes, settled, strict=True)}
    bottom = min(up[box] - heights[box] / 2 for box in up)
    return {box: value - bottom for box, value in up.items()}


def _middle(box: Box, up: Mapping[Box, float], before: Neighbors, after: Neighbors) -> float:
    """The mean height of a box's neighbors: of those that are no leaves, where there are some."""
    neighbors = [*before.get(box, ()), *after.get(box, ())]
    inner = [one for one in neighbors if one in before]
    return statistics.fmean(up[one] for one in inner or neighbors or [box])


def separated(
    wanted: Sequence[float], distances: Sequence[float], weights: Sequence[float] | None = None
) -> list[float]:
    """The places nearest to those wanted, by least squares, that keep order and distances.

    weights
        How much each keeps to what is wanted; the same when None.

    >>> separated([0.0, 0.0, 9.0], [2.0, 2.0])
    [-1.0, 1.0, 9.0]
    >>> separated([0.0, 0.0, 9.0], [2.0, 2.0], [3.0, 1.0, 1.0])
    [-0.5, 1.5, 9.0]
    """
    offsets = [0.0, *itertools.accumulate(distances)]
    shares = [1.0] * len(wanted) if weights is None else weights
    blocks: list[tuple[float, float, int]] = []  # level, weight, how many
    for value, offset, weight in zip(wanted, offsets, shares, strict=True):
        level, count = value - offset, 1
        while blocks and blocks[-1][0] > level:
            other, heavy, more = blocks.pop()
            level = (other * heavy + level * weight) / (heavy + weight)
            weight, count = heavy + weight, count + more
        blocks.append((level, weight, count))
    levels = [level for level, _, count in blocks for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _arrival(
    user: Box, last: Box, arriving: Sequence[Box], up: Mapping[Box, float], height: float
) -> float:
    """Where an arrow meets its box: those that come from above meet it further up."""
    order = sorted(set(arriving), key=lambda box: up[box])
    share = (order.index(last) + 1) / (len(order) + 1)
    return up[user] + (share - 0.5) * 0.8 * height
