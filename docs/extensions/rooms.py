"""`.. room:: chainrule.losses` lists the public names of a module with their docstrings."""

import importlib
import inspect
import re

import numpy as np
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

MARKED = re.compile(r"(`[^`\n]+`)")
MEANT = re.compile(r"([*|\\])|(?<=\w)(_)(?!\w)")


class Room(SphinxDirective):
    """Entries for the names in the body, else for those of `__all__`, less those of `without`."""

    required_arguments = 1
    has_content = True
    option_spec = {"without": directives.unchanged}

    def run(self):
        room = self.arguments[0]
        holder = found(room)
        without = self.options.get("without", "").split()
        given = " ".join(self.content).split() or [n for n in holder.__all__ if not n.isupper()]
        groups = {}
        for name in given:
            if name not in without:
                groups.setdefault(id(getattr(holder, name)), []).append(name)
        lines = [line for names in groups.values() for line in entry(room, holder, names)]
        return self.parse_text_to_nodes(StringList(lines, source=room))


def found(path):
    """What a dotted path names: a module, or an attribute of one."""
    first, *rest = path.split(".")
    thing = importlib.import_module(first)
    for name in rest:
        thing = getattr(thing, name)
    return thing


def entry(room, holder, names):
    """The directive for one object, under the name that is its own; the others are told."""
    thing = getattr(holder, names[0])
    own = getattr(thing, "__name__", names[0])
    name = own if own in names else names[0]
    also = ", ".join(f"``{other}``" for other in names if other != name)
    lines = [f".. {kind(thing)}:: {room}.{name}"]
    if inspect.isclass(thing):
        lines.append("   :members:")
        if has_hidden_base(thing):
            lines.append("   :inherited-members:")
    return [*lines, "", f"   Also: {also}." if also else "", ""]


def has_hidden_base(thing):
    """Whether methods come from a class that its room does not offer, so that no page has them."""
    base = thing.__bases__[0]
    room = ".".join(base.__module__.split(".")[:2])
    ours = room.startswith("chainrule.") and thing.__mro__[2:] == (object,)
    return ours and base.__name__ not in importlib.import_module(room).__all__


def kind(thing):
    if inspect.isclass(thing):
        return "autoexception" if issubclass(thing, Exception) else "autoclass"
    return "autofunction" if callable(thing) else "autodata"


def as_restructured_text(app, what, name, thing, options, lines):
    """Our docstrings are plain text: code in single backticks, formulas with * and |."""
    if isinstance(getattr(thing, "meaning", None), np.ufunc) and len(lines) > 2:
        del lines[:2], lines[1:]  # NumPy's own: its first sentence
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else plain(line) for line in lines]


def plain(line):
    return "".join(
        f"`{part}`" if part.startswith("`") else MEANT.sub(r"\\\1\2", part)
        for part in MARKED.split(line)
    )


def setup(app):
    app.add_directive("room", Room)
    app.connect("autodoc-process-docstring", as_restructured_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
