"""What stands in a diagram, read from its artists; and whether anything is laid over another."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch
from matplotlib.transforms import Bbox


def settled(ax):
    """The renderer of a figure that has been drawn."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    return canvas.get_renderer()


def boxes(ax):
    """For each box its extent in pixels and the lines of text within, from the top."""
    renderer = settled(ax)
    found = []
    for patch in ax.patches:
        if isinstance(patch, FancyBboxPatch):
            extent = patch.get_window_extent(renderer)
            inside = [one for one in ax.texts if within(middle(one, renderer), extent)]
            inside.sort(key=lambda one: -one.get_position()[1])
            found.append((extent, [one.get_text() for one in inside]))
    return found


def lines(ax):
    """The lines of each box by its first."""
    return {text[0]: text[1:] for _, text in boxes(ax)}


def middle(text, renderer):
    extent = text.get_window_extent(renderer)
    return (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2


def within(place, extent):
    return extent.x0 <= place[0] <= extent.x1 and extent.y0 <= place[1] <= extent.y1


def check_nothing_collides(ax, shapes=()):
    """No two boxes (or shapes) and no two texts overlap, and all is inside the figure."""
    renderer = settled(ax)
    texts = [
        Bbox(np.array(Bbox.get_points(one.get_window_extent(renderer))))
        for one in [*ax.texts, ax.title]
        if one.get_text()
    ]
    solid = [
        one.get_window_extent(renderer)
        for one in ax.patches
        if isinstance(one, FancyBboxPatch) or one in shapes
    ]
    for group in (texts, solid):
        for index, box in enumerate(group):
            assert box.x0 >= -0.5
            assert box.y0 >= -0.5
            assert box.x1 <= ax.figure.bbox.x1 + 0.5
            assert box.y1 <= ax.figure.bbox.y1 + 0.5
            for other in group[:index]:
                assert not box.padded(-0.8).overlaps(other.padded(-0.8)), (box, other)
    for extent, _ in boxes(ax):
        for one in ax.texts:
            if within(middle(one, renderer), extent):
                text = one.get_window_extent(renderer)
                assert extent.x0 < text.x0
                assert text.x1 < extent.x1
