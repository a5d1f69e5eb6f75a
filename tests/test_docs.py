"""The documentation runs as it is written, and hangs together."""

import importlib
import re
import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import chainrule

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))}
REFERENCE = {
    f"reference/{path.stem}": path.read_text("utf-8")
    for path in sorted((DOCS / "reference").glob("*.rst"))
}
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CELLS = {name: CELL.findall(text) for name, text in PAGES.items()}
FENCED = re.compile(r"^(```+|:::+).*?^\1$", re.MULTILINE | re.DOTALL)


def place(name, cell):
    """A cell as code at its own line of the page, for tracebacks."""
    before = PAGES[name].partition(cell)[0].count("\n")
    return "\n" * before + re.sub(r"^:.*$", "", cell, flags=re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, cells in CELLS.items() if cells])
def test_cells_of_a_page_run_in_order(name, tmp_path, monkeypatch):
    monkeypatch.chdir(DOCS)
    # cells start processes too, for which a relative path leads elsewhere now
    monkeypatch.setenv("PYTHONPATH", str(Path(chainrule.__file__).parents[1]))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    known = {"__name__": "__main__"}
    with matplotlib.rc_context(fname=DOCS / "matplotlibrc"), np.printoptions():
        matplotlib.use("Agg")
        from matplotlib import pyplot

        for cell in CELLS[name]:
            exec(compile(place(name, cell), DOCS / f"{name}.md", "exec"), known)
            pyplot.close("all")  # as a notebook does once a cell has shown its figures


def test_the_ground_of_a_picture_is_that_of_the_labels_on_it():
    with matplotlib.rc_context(fname=DOCS / "matplotlibrc"):
        matplotlib.use("Agg")
        ax = chainrule.drawing.plot_network(chainrule.examples.mazur().trace())
    grounds = {one.get_bbox_patch().get_facecolor() for one in ax.texts if one.get_bbox_patch()}
    assert grounds == {ax.get_figure().get_facecolor()} == {ax.get_facecolor()}


def test_cells_are_as_narrow_as_a_page():
    for name, cells in CELLS.items():
        for line in "\n".join(cells).splitlines():
            assert len(line) <= 84, f"{name}: {line}"


def test_what_builds_the_pages_installs_what_their_cells_import():
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["docs"]
    installed = {re.match(r"[\w-]+", one)[0] for one in needed} | {"chainrule"}
    code = "\n".join(chain.from_iterable(CELLS.values()))
    imported = set(re.findall(r"^ *(?:import|from) (\w+)", code, re.M)) - sys.stdlib_module_names
    assert {name.replace("sklearn", "scikit-learn") for name in imported} <= installed


def toctrees(text):
    bodies = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    bodies += re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    lines = (line.strip() for body in bodies for line in body.splitlines())
    return [line for line in lines if line and not line.startswith(":")]


def test_every_page_is_in_one_toctree():
    listed = toctrees(PAGES["index"])
    listed += [f"reference/{name}" for name in toctrees(REFERENCE["reference/index"])]
    assert sorted([*listed, "index"]) == sorted([*PAGES, *REFERENCE])


def anchors(text):
    """What the headings of a page are linked by."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    for link in re.findall(r"\]\(([^)\s:]+)\)", FENCED.sub("", PAGES[name])):
        path, _, anchor = link.partition("#")
        assert (DOCS / path).is_file() if path else True, link
        page = path.removesuffix(".md") or name
        assert not anchor or anchor in anchors(PAGES[page]), link


def named_in_the_reference(room):
    """The names that a `room` directive lists in its body."""
    found = re.findall(
        rf"^\.\. room:: {room}\n((?:   .*\n|\n)*)", "".join(REFERENCE.values()), re.M
    )
    lines = chain.from_iterable(body.splitlines() for body in found)
    return {word for line in lines for word in line.split()}


def test_the_reference_has_every_public_name():
    own = named_in_the_reference("chainrule")
    rooms = set(re.findall(r"^\.\. room:: chainrule\.(\w+)$", "".join(REFERENCE.values()), re.M))
    for name in set(chainrule.__all__) - {"__version__", "Input"}:
        assert name in own | rooms, f"docs/reference has no {name}"


@pytest.mark.parametrize(
    ("room", "table"), [("layers", "LAYERS"), ("losses", "LOSSES"), ("optimizers", "OPTIMIZERS")]
)
def test_the_reference_has_every_member_of_a_table(room, table):
    known = getattr(importlib.import_module(f"chainrule.{room}"), table).values()
    assert {member.__name__ for member in known} <= named_in_the_reference(f"chainrule.{room}")


def test_pages_name_what_exists():
    """`cr.a.b` in the text of a page, outside of cells, is there."""
    for name, text in PAGES.items():
        for path in re.findall(r"`cr\.([\w.]+)", FENCED.sub("", text)):
            thing = chainrule
            for part in path.split("."):
                thing = getattr(thing, part, None) or importlib.import_module(
                    f"{thing.__name__}.{part}"
                )
            assert thing is not None, f"{name}: cr.{path}"


def test_the_picture_of_every_example_is_made_on_the_page_of_pictures():
    for name in chainrule.examples.names():
        function = name.replace("-", "_")
        made = [one for one in CELLS["pictures"] if f"cr.examples.{function}(" in one]
        assert [one for one in made if ").plot()" in one], name
        assert f"### {name}" in PAGES["pictures"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_builds_without_a_warning_and_needs_no_network(tmp_path):
    for library in ("sphinx", "myst_nb", "furo"):
        pytest.importorskip(library)
    site = tmp_path / "site" / "html"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", DOCS, site],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for name in [*PAGES, *REFERENCE]:
        page = (site / f"{name}.html").read_text("utf-8")
        fetched = re.findall(r'<(?:script|img)[^>]* src="([^"]+)|<link[^>]* href="([^"]+)', page)
        assert not [one for one in chain.from_iterable(fetched) if "//" in one], name
    assert "<math" in (site / "graphs.html").read_text("utf-8")
