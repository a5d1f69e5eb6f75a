"""The tests of the native engine in C++, under AddressSanitizer and UndefinedBehaviorSanitizer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1] / "native" / "tests"
COMPILERS = ("c++", "g++", "clang++")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def run(*command):
    """Run a command, tools of this environment first; its output where it fails."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    environment.pop("CHAINRULE_NUM_THREADS", None)
    ran = subprocess.run(
        [str(word) for word in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="these sanitizers are those of GCC and Clang")
def test_the_native_engine_passes_its_tests_under_sanitizers(tmp_path):
    compiler = os.environ.get("CXX", "").split() or COMPILERS
    if not any(map(shutil.which, compiler)):
        pytest.skip("there is no C++ compiler")
    run("cmake", "-G", "Ninja", "-S", TESTS, "-B", tmp_path, "-DCHAINRULE_SANITIZE=ON")
    run("cmake", "--build", tmp_path)
    told = run(tmp_path / "native_tests").splitlines()
    assert "workers_help" in told
    assert told[-1].endswith(" 0 failures")
