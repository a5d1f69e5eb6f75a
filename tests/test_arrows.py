"""Who may import whom: data flows one way through the rooms."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "chainrule"

NETWORKS = {"graph", "layers", "losses", "optimizers"}
ALLOWED = {
    "random": {"_native"},
    "graph": set(),
    "layers": {"graph"},
    "losses": {"graph"},
    "optimizers": {"graph"},
    "engine": {"graph", "_native"},
    "data": set(),
    "files": set(),
    "training": NETWORKS | {"engine", "data", "files"},
    "tracing": NETWORKS | {"engine", "training", "files"},
    "models": NETWORKS | {"engine", "training", "files", "tracing"},
    "drawing": {"graph", "layers", "optimizers", "models", "tracing"},
    "examples": NETWORKS | {"models", "tracing", "drawing", "files"},
    "reporting": {"layers", "training", "data", "files"},
    "estimators": NETWORKS | {"models", "training", "data", "files", "reporting"},
    "judging": {"estimators", "training", "data", "files", "reporting", "drawing"},
    "explaining": {
        "graph",
        "layers",
        "engine",
        "models",
        "training",
        "tracing",
        "estimators",
        "data",
        "files",
        "reporting",
        "drawing",
    },
    "tuning": {"estimators", "models", "training", "data", "files", "reporting", "drawing"},
}
EVERY_ROOM = set(ALLOWED)
ALLOWED["cli"] = EVERY_ROOM | {"chainrule"}
EVERYONE = {"errors", "kept", "random", "settings", "text"}

LIBRARIES = {
    "argparse": {"cli"},
    "duckdb": {"data"},
    "narwhals": {"data"},
    "nanobind": set(),
    "pickle": set(),
    "jinja2": {"reporting"},
    "joblib": {"engine", "estimators"},
    "matplotlib": {"drawing"},
    "optuna": {"tuning"},
    "rich": {"cli", "training"},
    "safetensors": {"files"},
    "shap": {"explaining"},
    "sklearn": {"estimators", "examples", "explaining", "judging", "reporting", "tuning"},
    "torch": set(),
    "jax": set(),
    "keras": set(),
}


def imported(tree, package):
    """Every module that a file imports, in full, with its line; a name taken may be one too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            if module == "chainrule":
                for alias in node.names:
                    yield f"chainrule.{alias.name}", node.lineno
            else:
                yield module, node.lineno
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            first = node.args[0] if node.args else None
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield first.value, node.lineno


def complaint(module, room):
    """What is wrong with a room's import of a module, if anything."""
    library, *inside = module.split(".")
    if library in LIBRARIES and room not in LIBRARIES[library]:
        return f"{room} imports {library}"
    if library != "chainrule":
        return None
    other = inside[0] if inside else "chainrule"
    if other == room or other in EVERYONE and len(inside) == 1:
        return None
    if room == "__init__":
        return "the front imports the command line" if other == "cli" else None
    if other in EVERYONE | EVERY_ROOM and len(inside) > 1:
        return f"{room} imports {module}, from inside another room"
    if other == "__version__" or other in ALLOWED[room]:
        return None
    return f"{room} may not import {module}"


def complaints(text, path):
    """What is wrong with the imports of a file, given by its path within the package."""
    front = "cli" if path.stem == "__main__" else "__init__"
    room = path.parts[0] if len(path.parts) > 1 else front
    package = ["chainrule", *path.parts[:-1]]
    for module, line in imported(ast.parse(text), package):
        wrong = complaint(module, room)
        if wrong:
            yield f"{path}:{line}: {wrong}"


FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def test_every_room_has_its_arrows():
    rooms = {path.parts[0] for path in FILES if len(path.parts) > 1}
    assert rooms <= set(ALLOWED), "a new room needs a line here"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_follow_the_arrows(path):
    wrong = list(complaints((PACKAGE / path).read_text("utf-8"), path))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path, text, wrong",
    [
        (
            "graph/node.py",
            "from chainrule.engine import compile",
            "may not import chainrule.engine",
        ),
        ("graph/node.py", "from chainrule import engine", "may not import chainrule.engine"),
        ("graph/node.py", "import chainrule.engine", "may not import chainrule.engine"),
        ("graph/node.py", "from ..engine import compile", "may not import chainrule.engine"),
        ("graph/operations/a.py", "from ...data import Table", "may not import chainrule.data"),
        ("graph/node.py", "def f():\n    import chainrule.files", "may not import chainrule.files"),
        ("graph/node.py", "import_module('chainrule.files')", "may not import chainrule.files"),
        ("layers/dense.py", "from chainrule.graph.node import Node", "from inside another room"),
        ("layers/dense.py", "from chainrule.random.draws import words", "from inside another room"),
        ("layers/dense.py", "import chainrule", "may not import chainrule"),
        ("layers/dense.py", "from chainrule import Sequential", "may not import chainrule.Seq"),
        ("models/sequential.py", "from chainrule.cli import main", "may not import chainrule.cli"),
        ("__init__.py", "from chainrule.cli import main", "imports the command line"),
        ("graph/node.py", "import duckdb.typing", "graph imports duckdb"),
        ("files/save.py", "import pickle", "files imports pickle"),
    ],
)
def test_a_wrong_import_is_found(path, text, wrong):
    [found] = complaints(text, Path(path))
    assert wrong in found


@pytest.mark.parametrize(
    "path, text",
    [
        ("graph/node.py", "from chainrule.graph.shape import Shape"),
        ("graph/node.py", "from .shape import Shape"),
        ("graph/operations/a.py", "from ..shape import Shape"),
        ("layers/dense.py", "from chainrule import graph, random\nfrom chainrule.errors import a"),
        ("data/read.py", "def f():\n    import duckdb"),
        ("__main__.py", "from chainrule.cli import main"),
        ("cli/main.py", "import chainrule\nfrom chainrule.reporting import judge"),
        ("__init__.py", "from chainrule.models import Sequential"),
    ],
)
def test_a_right_import_is_not_found(path, text):
    assert not list(complaints(text, Path(path)))
