"""The picture of a computational graph: values forward, derivatives backward."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import BLACK, GREY, axes_or_new, color_on, titled
from chainrule.drawing.drawn_nodes import DrawnGraph, DrawnNode, drawn_graph
from chainrule.drawing.folding import folded
from chainrule.drawing.layout import Layout, layered
from chainrule.graph import Node
from chainrule.settings import check_count
from chainrule.tracing import StepTrace, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.drawing.diagram import Taken

__all__ = ["plot_graph"]

MOST = (40, 28, 20, 14, 10, 7, 5)
"""How many nodes are drawn: so many as can be read, of these numbers."""
FEW = 6
"""Numbers of an array that are shown one by one."""
IN_A_LINE = 3
SIZE = 9.0
"""Of the type in a box, in points."""
LABEL = 7.5
"""Of the type on an arrow."""
LEAST = 5.5
"""Smaller type is not read: fewer boxes are drawn then."""
APART = ((14.0, 32.0), (8.0, 18.0))
"""Between boxes beside each other, and from one to its user; nearer where type is too small."""
BANDS = 4
"""A graph from top to bottom is folded into at most so many."""
LARGEST = (7.5, 7.5)
"""Inches of a new figure."""
DERIVATIVE = "#0b4f8a"
REST = "rest"
"""The box that stands for nodes that are not drawn."""
DARK = "#444444"
HEAD = 6.0
"""How long the head of an arrow is."""
MARGIN = 12.0
"""Around a drawing and for its title, in points."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn: for each box its lines, and for each arrow what stands on it."""

    lines: dict[Hashable, tuple[str, str, str]]
    users: dict[Hashable, list[Hashable]]
    labels: dict[tuple[Hashable, Hashable], str]
    kinds: dict[Hashable, str]

    @property
    def sizes(self) -> dict[Hashable, tuple[float, float]]:
        """Width and height of each box."""
        return {box: _size(lines) for box, lines in self.lines.items()}


def plot_graph(
    y: Node | Trace | StepTrace, ax: Axes | None = None, *,
    names: Mapping[str, Node] | None = None, digits: int = 4,
) -> Axes:  # fmt: skip
    """The computational graph of a scalar: what it is made of, values and derivatives.

    y
        A node of shape () made of nodes with values (`chainrule.variable`), or what
        `chainrule.trace` gives of one. The graph of a network is drawn of what `model.trace(X, y)`
        gives: from inputs and parameters to the loss, each operation with its layer's name.
    ax
        matplotlib axes to draw on; those of a new figure when None. The graph runs from left to
        right, or from top to bottom in one band or several side by side, as it is larger.
    names
        Nodes by what the picture calls them, besides the names they have.
    digits
        Significant digits of a number.

    A box has a node's name and operation, its value, and after ∂ the derivative of y with respect
    to it, by `chainrule.grad`; constants and a network's inputs (dashed) have none. The local
    derivative stands on an arrow between scalars. Arrays of more than six numbers show their shape
    and norm. Of a graph that is too large to be read the nodes nearest to y are drawn, and the
    title says so.

    Raises `InputTypeError` for what is no node with a value, `ShapeError` where it is no scalar.

    >>> import chainrule as cr
    >>> x, y, z = (cr.variable(value, name) for value, name in ((-2, "x"), (5, "y"), (-4, "z")))
    >>> ax = cr.drawing.plot_graph((x + y) * z)
    >>> ax.get_title()
    'Values, and derivatives ∂ of the result'
    >>> step = cr.examples.mazur().model.trace([0.05, 0.10], [0.01, 0.99])
    >>> cr.drawing.plot_graph(step).get_title()
    'Values, and derivatives ∂ of the loss'
    """
    from chainrule.drawing import diagram

    graph = drawn_graph(y, names)
    digits = check_count("plot_graph", "digits", digits)
    room = None if ax is None else diagram.room_of(axes_or_new(ax, "plot_graph"))
    drawing, layout = _readable(graph, digits, room)
    titles = _titles(graph, drawing)
    width, height = (_scale(layout, room) * one + 2 * MARGIN for one in layout.size)
    width = max(width, diagram.text_width(titles[0], 13.0))
    ax = axes_or_new(ax, "plot_graph", (width / 72, height / 72 + 0.6))
    diagram.prepare(ax, layout.size)
    taken = diagram.Taken()
    for box, place in layout.places.items():
        taken.add(place, drawing.sizes[box])
        _box(ax, place, drawing.sizes[box], drawing.lines[box], drawing.kinds[box])
    for arrow, route in layout.routes.items():
        path = _arrow(ax, np.asarray(route), layout.down, arrow[0] == REST)
        _label(ax, path, drawing.labels.get(arrow, ""), taken)
    titled(ax, *titles)
    return ax


def _readable(graph: DrawnGraph, digits: int, room: Any) -> tuple[Drawing, Layout]:
    """As many nodes as can be read in the room, those nearest to the result."""
    order = graph.nearest_first()
    for most in MOST:
        drawing = _described(graph, order[:most], len(order), digits)
        layout = _larger(drawing, room)
        if SIZE * _scale(layout, room) >= LEAST or len(order) <= MOST[-1]:
            break
    return drawing, layout


def _described(graph: DrawnGraph, chosen: Sequence[DrawnNode], count: int, digits: int) -> Drawing:
    """Boxes and arrows of the nodes that are drawn, and a box for the others."""
    from chainrule.drawing.diagram import shown

    drawn = {node.number for node in chosen}
    drawing = Drawing({}, {}, {}, {})
    if count > len(chosen):
        drawing.lines[REST] = (f"{count - len(chosen):,} more", "", "")
        drawing.users[REST] = [
            node.number for node in chosen if not drawn.issuperset(graph.operands(node))
        ]
        drawing.kinds[REST] = "constant"
    for node in sorted(chosen, key=lambda node: node.number):
        drawing.lines[node.number] = (
            node.heading, "not kept" if node.value is None else _numbers(node.value, digits),
            "" if node.derivative is None else _numbers(node.derivative, digits, "∂ "),
        )  # fmt: skip
        drawing.users[node.number] = []
        drawing.kinds[node.number] = "result" if node.number == graph.result else node.kind
        local = graph.local(node)
        for operand in graph.operands(node):
            if operand in drawn:
                drawing.users[operand].append(node.number)
                label = shown(local[operand], digits) if operand in local else ""
                drawing.labels[operand, node.number] = label
    return drawing


def _numbers(array: Any, digits: int, before: str = "") -> str:
    """Few numbers one by one, rows of a matrix on lines of their own; of many shape and norm."""
    from chainrule.drawing.diagram import shown

    array = np.asarray(array)
    if array.size > FEW:
        norm = shown(float(np.linalg.norm(array.astype(float))), digits)
        return f"{before}{array.shape}\nnorm {norm}"
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 and array.size else [array.ravel()]
    lines = [
        "  ".join(shown(float(one), digits) for one in row[start : start + IN_A_LINE])
        for row in rows
        for start in range(0, len(row), IN_A_LINE)
    ]
    return before + "\n".join(lines)


def _size(lines: tuple[str, str, str]) -> tuple[float, float]:
    """Width and height of a box with so much type, in points."""
    from chainrule.drawing.diagram import text_width

    weights = ("bold", "normal", "normal")
    width = max(
        text_width(line, SIZE, weight) for line, weight in zip(lines, weights, strict=True) if line
    )
    rows = sum(line.count("\n") + 1 for line in lines if line)
    return max(30.0, width + 10.0), 1.35 * SIZE * rows + 8.0


def _larger(drawing: Drawing, room: Any) -> Layout:
    """The layout that is drawn the largest; with boxes nearer together where it is too small."""
    for apart, gap in APART:
        layout = max(_layouts(drawing, apart, gap), key=lambda one: _scale(one, room))
        if SIZE * _scale(layout, room) >= LEAST:
            break
    return layout


def _layouts(drawing: Drawing, apart: float, gap: float) -> Iterator[Layout]:
    """From left to right, from top to bottom, and folded."""
    from chainrule.drawing.diagram import text_width

    widest = max((text_width(one, LABEL) for one in drawing.labels.values() if one), default=0)
    sizes, beside = drawing.sizes, max(apart, widest - 16.0)
    yield layered(sizes, drawing.users, apart, max(gap, widest + 22.0))
    for bands in range(1, BANDS + 1):
        layout = folded(sizes, drawing.users, beside, gap, bands)
        if layout is not None:
            yield layout


def _scale(layout: Layout, room: Any) -> float:
    """How large a layout is drawn, 1 at most; room is None for a new figure."""
    if room is None:
        room = 72 * np.array(LARGEST)
    return float(min(1.0, *((room - 2 * MARGIN) / np.array(layout.size))))


def _titles(graph: DrawnGraph, drawing: Drawing) -> list[str]:
    """What the picture shows, and what it leaves out; and the same in fewer words."""
    what = f"Values, and derivatives \N{PARTIAL DIFFERENTIAL} of {graph.name}"
    short = f"Values, and \N{PARTIAL DIFFERENTIAL} of {graph.name}"
    if REST not in drawing.lines:
        return [what, short]
    drawn, count = len(drawing.lines) - 1, len(graph.nearest_first())
    return [
        f"{what}\n(the {drawn} nodes of {count:,} nearest to it)",
        f"{short}\n({drawn} of {count:,} nodes)",
    ]


def _box(
    ax: Axes, place: tuple[float, float], size: tuple[float, float], lines: Sequence[str], kind: str
) -> None:
    from matplotlib.patches import FancyBboxPatch

    from chainrule.drawing.diagram import fill_as_paper, write

    (x, y), (width, height) = place, size
    look: dict[str, Any] = {"linewidth": 1.0}
    look["edgecolor"] = color_on(ax, BLACK if kind != "constant" else "#6a6a6a")
    if kind in ("operation", "result"):
        look["facecolor"] = color_on(ax, "#ececec")
    if kind == "result":
        look["linewidth"] = 2.2
    elif kind == "constant":
        look["linestyle"] = (0, (4, 2))
    corner = (x - width / 2 + 3, y - height / 2 + 3)
    style = "round,pad=3,rounding_size=4"
    box = FancyBboxPatch(corner, width - 6, height - 6, boxstyle=style, zorder=3, **look)
    ax.add_patch(box)
    if "facecolor" not in look:
        fill_as_paper(ax, box)
    rows = [
        (row, colour, weight)
        for line, colour, weight in zip(
            lines, (BLACK, BLACK, DERIVATIVE), ("bold", "normal", "normal"), strict=True
        )
        for row in line.split("\n")
        if row
    ]
    step = 1.35 * SIZE
    for index, (row, color, weight) in enumerate(rows):
        up = y + (len(rows) - 1) / 2 * step - index * step
        write(ax, x, up, row, SIZE, color=color, fontweight=weight)


def _arrow(ax: Axes, route: Any, down: bool, light: bool) -> Any:
    """A smooth line through the places of a route, with a head at its end; gives its path."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    along = np.array([0.0, -1.0] if down else [1.0, 0.0])
    end = route[-1] - HEAD * along
    through = np.concatenate([route[:-1], [end]])
    places, codes = [through[0]], [Path.MOVETO]
    for start, stop in zip(through, through[1:], strict=False):
        half = (stop - start) / 2 * abs(along)
        places += [start + half, stop - half, stop]
        codes += [Path.CURVE4] * 3
    path = Path(places, codes)
    color, dots = (GREY, (0, (1, 1.5))) if light else (color_on(ax, DARK), "-")
    ax.add_patch(
        PathPatch(path, fill=False, edgecolor=color, linestyle=dots, linewidth=1.0, zorder=1)
    )
    side = 2.6 * along[::-1]
    ax.add_patch(Polygon([route[-1], end + side, end - side], color=color, linewidth=0, zorder=2))
    return path


def _label(ax: Axes, path: Any, label: str, taken: Taken) -> None:
    """A local derivative on its arrow, near the end, where nothing else stands."""
    from chainrule.drawing.diagram import text_width, write

    if not label:
        return
    shares = np.array([0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2])[:, None]
    back, curves = 1 - shares, []
    for end in range(len(path.vertices) - 1, 0, -3):  # the piece before the user first
        start, first, second, stop = path.vertices[end - 3 : end + 1]
        curves.append(
            back**3 * start + 3 * back**2 * shares * first + 3 * back * shares**2 * second
            + shares**3 * stop
        )  # fmt: skip
    place = taken.place(np.concatenate(curves), (text_width(label, LABEL) + 2, LABEL))
    write(ax, *place, label, LABEL, pad=0.6, fontstyle="italic", zorder=4)
