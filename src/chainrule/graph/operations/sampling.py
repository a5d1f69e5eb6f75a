"""Operations that read pictures between their pixels, and one that turns an axis around."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import GradientError, SettingError, ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin
from chainrule.graph.shape import Shape, normal_axes

__all__ = ["flip", "sample_bilinear", "spread_bilinear"]


def _points(name: str, pictures: Shape, coordinates: Shape) -> Shape:
    """The rows, height and width of coordinates, checked beside pictures."""
    if len(pictures) not in (3, 4):
        message = (
            f"{name}: needs pictures (rows, height, width) or (rows, height, width, channels), "
            f"got shape {pictures}."
        )
        raise ShapeError(message)
    if len(coordinates) != 4 or coordinates[1] != 2 or coordinates[0] != pictures[0]:
        message = (
            f"{name}: needs coordinates ({pictures[0]}, 2, height, width), down and across, "
            f"got shape {coordinates}."
        )
        raise ShapeError(message)
    return (coordinates[0], *coordinates[2:])


def _sampled(x: Shape, coordinates: Shape) -> Shape:
    return (*_points("sample_bilinear", x, coordinates), *x[3:])


def _spread_shape(g: Shape, coordinates: Shape, *, height: int, width: int) -> Shape:
    points = _points("spread_bilinear", g, coordinates)
    if points != g[:3]:
        message = (
            f"spread_bilinear: numbers of shape {g} do not fit coordinates of shape "
            f"{coordinates}; give a number for each."
        )
        raise ShapeError(message)
    return (g[0], height, width, *g[3:])


def _near(at: Array, size: int) -> tuple[Array, Array]:
    """The pixel before each coordinate, counted from a border of zeros on, and the rest.

    What lies beyond the border is as far as the border; what is no number too.
    """
    inside = np.minimum(np.fmax(at, -1), size)
    pixel = np.minimum(np.floor(inside + 1), size)
    return pixel.astype(np.int64), inside - (pixel - 1)


def _corners(coordinates: Array, height: int, width: int) -> tuple[Array, Array, Array]:
    """Positions (rows, points) of upper left pixels in framed pictures; the parts below, right."""
    row, down = _near(coordinates[:, 0], height)
    column, across = _near(coordinates[:, 1], width)
    count = len(coordinates), coordinates.shape[2] * coordinates.shape[3]
    first = np.arange(count[0])[:, None] * ((height + 2) * (width + 2))
    corner = first + (row * (width + 2) + column).reshape(count)
    return corner, down.reshape((*count, 1)), across.reshape((*count, 1))


@builtin("sample_bilinear", shape=_sampled)
def sample_bilinear(x: Array, coordinates: Array) -> Array:
    """Pictures between their pixels: at each coordinate the four around it, by nearness.

    x is (rows, height, width) or (rows, height, width, channels); coordinates are (rows, 2, ...):
    how far down and how far across each point lies, in pixels from the middle of the first. With
    a, b the pixels above, c, d those below, and the parts v, w of the way down and across:
    (1 - v) ((1 - w) a + w b) + v ((1 - w) c + w d). Outside the picture everything is 0. There is
    no derivative by the coordinates.
    """
    height, width = x.shape[1:3]
    dtype = np.result_type(x, coordinates)
    corner, down, across = _corners(coordinates.astype(dtype), height, width)
    wide = math.prod(x.shape[3:])
    framed = np.zeros((len(x), height + 2, width + 2, wide), dtype)
    framed[:, 1:-1, 1:-1] = x.reshape((*x.shape[:3], wide))
    pixels = framed.reshape((len(x) * (height + 2) * (width + 2), wide))

    def along(start: Array) -> Array:
        left = np.take(pixels, start, axis=0)
        moved: Array = left + across * (np.take(pixels, start + 1, axis=0) - left)
        return moved

    above = along(corner)
    found: Array = above + down * (along(corner + width + 2) - above)
    return found.reshape((len(x), *coordinates.shape[2:], *x.shape[3:]))


@builtin("spread_bilinear", shape=_spread_shape)
def spread_bilinear(g: Array, coordinates: Array, *, height: int, width: int) -> Array:
    """Numbers added to the four pixels around their coordinates: what sample_bilinear transposes.

    g has a number (or one for each channel) for each coordinate; the result is pictures of height
    and width. There is no derivative by the coordinates.
    """
    dtype = np.result_type(g, coordinates)
    corner, down, across = _corners(coordinates.astype(dtype), height, width)
    numbers = g.astype(dtype).reshape((*corner.shape, math.prod(g.shape[3:])))
    above, below = numbers * (1 - down), numbers * down
    parts = [above * (1 - across), above * across, below * (1 - across), below * across]
    around = corner[..., None] + np.array([0, 1, width + 2, width + 3])
    framed = np.zeros((len(g) * (height + 2) * (width + 2), numbers.shape[-1]), dtype)
    np.add.at(framed, around, np.stack(parts, axis=2))
    framed = framed.reshape((len(g), height + 2, width + 2, *g.shape[3:]))
    return np.ascontiguousarray(framed[:, 1:-1, 1:-1])


@spread_bilinear.canonical
def _spread_canonical(g: Shape, coordinates: Shape, *, height: int, width: int) -> dict[str, int]:
    if height < 0 or width < 0:
        message = f"spread_bilinear: sizes must be 0 or more, got {height} and {width}."
        raise SettingError(message)
    return {"height": int(height), "width": int(width)}


def _no_slope(name: str) -> Any:
    def refuse() -> Node:
        message = (
            f"{name}: it has no derivative by its coordinates; let them not depend on what is "
            "differentiated by, or write it of other operations."
        )
        raise GradientError(message)

    return refuse


@sample_bilinear.gradient
def _sample_bilinear(g: Node, y: Node, x: Node, coordinates: Node) -> Any:
    height, width = x.shape[1:3]
    return (
        lambda: spread_bilinear(g, coordinates, height=height, width=width),
        _no_slope("sample_bilinear"),
    )


@spread_bilinear.gradient
def _spread_bilinear(g: Node, y: Node, x: Node, coordinates: Node, **_: Any) -> Any:
    return lambda: sample_bilinear(g, coordinates), _no_slope("spread_bilinear")


@builtin("flip", shape=lambda shape, *, axis: shape, keeps_type=True)
def flip(x: Array, *, axis: int) -> Array:
    """An axis the other way round; it may be that of the rows."""
    return np.flip(x, axis)


@flip.canonical
def _flip_canonical(shape: Shape, *, axis: int) -> dict[str, int]:
    return {"axis": normal_axes("flip", axis, len(shape))[0]}


@flip.gradient
def _flip(g: Node, y: Node, x: Node, *, axis: int) -> Any:
    return flip(g, axis=axis)
