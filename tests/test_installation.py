"""Wheels built and installed as users do it, with a compiler and without one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    ".gitignore", "CMakeLists.txt", "LICENSE", "README.md", "native", "pyproject.toml", "src"
)  # fmt: skip
PARTS = (".css", ".html", ".js")
COMPILERS = ("c++", "g++", "clang++", "cl")
REPORT = """
import json
from importlib.resources import files
from chainrule import random
page = files("chainrule.reporting") / "page"
trace = files("chainrule.tracing") / "page"
print(json.dumps({
    "page": sorted(path.name for path in page.iterdir()),
    "trace": sorted(path.name for path in trace.iterdir() if path.suffix not in (".py", "")),
    "native": random.has_native(), "status": random.native_status(),
    "words": random.words(0, 0, 0, 4).tolist(), "module": random.__file__,
}))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path):
    """A copy of the project, as it is cloned."""
    place = tmp_path / "project"
    place.mkdir()
    built = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=built)
        else:
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.fixture
def hidden(tmp_path):
    """An environment in which no compiler can be found."""
    empty = tmp_path / "nothing"
    empty.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    kept.pop("CHAINRULE_REQUIRE_NATIVE", None)
    kept["PATH"] = str(empty)
    return kept


def pip(*arguments, environment, check=True):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert not check or run.returncode == 0, run.stdout + run.stderr
    return run


def build(project, environment, **options):
    """The wheel's path and the build's log."""
    wheels = project.parent / "wheels"
    run = pip(
        *("wheel", "-v", "--no-build-isolation", "--no-deps", "-w", wheels, project),
        environment=environment,
        **options,
    )
    return next(wheels.glob("*.whl"), None), run.stdout + run.stderr


def installed(wheel, environment, tmp_path):
    """What the installed package says of itself in a process of its own."""
    place = tmp_path / "installed"
    pip("install", "--no-deps", "--no-index", "--target", place, wheel, environment=environment)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", REPORT],
        env=environment | {"PYTHONPATH": str(place)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert Path(report["module"]).is_relative_to(place)
    assert report["page"] == ["parts.html.jinja", "report.css", "report.html.jinja"]
    own = ROOT / "src" / "chainrule" / "tracing" / "page"
    assert report["trace"] == sorted(one.name for one in own.iterdir() if one.suffix in PARTS)
    assert len(report["trace"]) >= 10
    assert report["words"] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    return report


@pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="this machine has no C++ compiler"
)
def test_a_wheel_built_with_a_compiler_works_where_there_is_none(project, hidden, tmp_path):
    wheel, log = build(project, os.environ | {"CHAINRULE_REQUIRE_NATIVE": "1"})
    assert not wheel.name.endswith("-none-any.whl"), log
    report = installed(wheel, hidden, tmp_path)
    assert report["native"]
    assert report["status"] == "The native module is installed."


def test_without_a_compiler_installation_succeeds_and_says_so(project, hidden, tmp_path):
    left_over = project / "src" / "chainrule" / "_native.cpython-300-plan9.so"
    left_over.write_bytes(b"built by hand, for another Python")
    wheel, log = build(project, hidden)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "installed without its native module" in log
    report = installed(wheel, hidden, tmp_path)
    assert not report["native"]
    assert "for want of a C++20 compiler" in report["status"]
    assert not list((tmp_path / "installed").rglob("*.so"))


def test_who_requires_the_native_module_is_told_that_it_cannot_be_built(project, hidden):
    required = hidden | {"CHAINRULE_REQUIRE_NATIVE": "1"}
    wheel, log = build(project, required, check=False)
    assert wheel is None
    assert "CMAKE_CXX_COMPILER" in log
