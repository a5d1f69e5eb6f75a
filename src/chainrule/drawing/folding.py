"""A long graph from top to bottom, folded into bands that stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.drawing.layout import LANE, Box, Layout, Place, columns_of, layered

__all__ = ["folded"]

BETWEEN = 26.0
"""Between two bands; an arrow goes up in the middle."""
OVER = 9.0
"""How far above a band the arrow goes that leads into it."""


def folded(
    sizes: Mapping[Box, tuple[float, float]], users: Mapping[Box, Sequence[Box]], apart: float,
    gap: float, bands: int,
) -> Layout | None:  # fmt: skip
    """Places for the boxes of a graph, rows from top to bottom, in bands from left to right.

    sizes, users
        As `layered` takes them.
    apart, gap
        Between boxes of a row; between rows.
    bands
        How many. A graph is cut only after a box that alone leads to all that follows; None where
        there are too few of them.
    """
    cuts = _cuts(list(sizes), users, bands)
    if len(cuts) < bands - 1:
        return None
    turned = {box: (height, width) for box, (width, height) in sizes.items()}
    layouts: list[Layout] = []
    done: set[Box] = set()
    for cut in [*cuts, None]:
        before = set(sizes) if cut is None else _made_of(cut, users)
        band = {box: turned[box] for box in sizes if box in before - done}
        leads = {box: [user for user in users.get(box, ()) if user in band] for box in band}
        if layouts:  # the box before the cut, in the room that its arrow takes
            last = cuts[len(layouts) - 1]
            band = {None: (1.0, LANE), **band}
            leads[None] = list(users[last])
        layouts.append(layered(band, leads, apart, gap).turned())
        done |= before
    return _side_by_side(layouts, cuts, sizes)


def _made_of(box: Box, users: Mapping[Box, Sequence[Box]]) -> set[Box]:
    """A box and all that it is made of."""
    found, size = {box}, 0
    while len(found) > size:
        size = len(found)
        found |= {one for one in users if not found.isdisjoint(users[one])}
    return found


def _cuts(order: Sequence[Box], users: Mapping[Box, Sequence[Box]], bands: int) -> list[Box]:
    """The boxes after which bands end, so that they are about as long."""
    row = columns_of(order, users)
    found = []
    for box in order:
        before = _made_of(box, users)
        others = before - {box}
        alone = all(before.issuperset(users.get(one, ())) for one in others)
        if others and users.get(box) and alone:
            found.append(box)
    rows = 1 + max(row.values())
    chosen: list[Box] = []
    for band in range(1, bands):
        later = [box for box in found if not chosen or chosen[-1] in _made_of(box, users) - {box}]
        if later:
            chosen.append(min(later, key=lambda box: abs(row[box] + 1 - rows * band / bands)))
    return chosen


def _side_by_side(
    layouts: Sequence[Layout], cuts: Sequence[Box], sizes: Mapping[Box, tuple[float, float]]
) -> Layout:
    """Bands with their tops at one height, and the arrows from band to band."""
    height = max(one.size[1] + (OVER if index else 0.0) for index, one in enumerate(layouts))
    places: dict[Box, Place] = {}
    routes, left = {}, 0.0
    for index, layout in enumerate(layouts):
        up = height - layout.size[1] - (OVER if index else 0.0)
        places |= {
            box: (x + left, y + up) for box, (x, y) in layout.places.items() if box is not None
        }
        for (box, user), route in layout.routes.items():
            moved = [(x + left, y + up) for x, y in route]
            if box is None:
                x, y = places[cuts[index - 1]]
                between, over = left - BETWEEN / 2, moved[0][0]
                start = x + sizes[cuts[index - 1]][0] / 2
                moved = [(start, y), (between, y), (between, height), (over, height), *moved]
            routes[cuts[index - 1] if box is None else box, user] = moved
        left += layout.size[0] + BETWEEN
    return Layout(places, routes, (left - BETWEEN, height), down=True)
