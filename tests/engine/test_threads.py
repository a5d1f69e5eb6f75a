"""How many threads a run may use: cores, quotas, workers, the environment, limits."""

import os
import subprocess
import sys
import threading
from multiprocessing import get_context

import joblib
import pytest

from chainrule.engine import thread_count, threads_at_most
from chainrule.engine.threads import core_count
from chainrule.errors import SettingError

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux says it in files")


def told(command="", **environment):
    """What a process of its own prints, with the environment given."""
    kept = {name: value for name, value in os.environ.items() if name != "CHAINRULE_NUM_THREADS"}
    code = f"from chainrule.engine import thread_count\n{command or 'print(thread_count())'}"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() or run.stderr.strip().splitlines()[-1]


def test_an_argument_is_what_counts():
    assert thread_count(5) == 5
    with threads_at_most(1):
        assert thread_count(5) == 5


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_a_wrong_argument_is_refused(threads):
    with pytest.raises(SettingError, match="threads must be a whole number of 1 or more"):
        thread_count(threads)


def test_the_default_is_the_cores_that_may_be_used():
    assert told() == str(core_count())


@needs_linux
def test_a_process_bound_to_one_core_has_one_thread():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    assert told(code + "print(thread_count())") == "1"


@pytest.mark.parametrize("text, count", [("1", 1), (" 7 ", 7), ("", core_count())])
def test_the_environment_says_how_many(text, count):
    assert told(CHAINRULE_NUM_THREADS=text) == str(count)


@pytest.mark.parametrize("text", ["0", "-2", "1.5", "many", "²"])
def test_a_wrong_environment_is_refused(text):
    sentence = f"CHAINRULE_NUM_THREADS must be a whole number of 1 or more, got {text!r}."
    assert told(CHAINRULE_NUM_THREADS=text) == f"chainrule.errors.SettingError: {sentence}"


def test_a_limit_holds_in_its_thread_and_block_alone():
    before = thread_count()
    elsewhere = []
    with threads_at_most(1):
        assert thread_count() == 1
        with threads_at_most(8):
            assert thread_count() == 1
        other = threading.Thread(target=lambda: elsewhere.append(thread_count()))
        other.start()
        other.join()
    assert elsewhere == [before]
    assert thread_count() == before


@pytest.fixture
def many_cores(monkeypatch):
    """Thirty-two cores and an empty tree for /proc and /sys."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(32)), raising=False)


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


V1 = "sys/fs/cgroup/cpu"


@pytest.mark.parametrize(
    "files, cores",
    [
        ({}, 32),
        ({"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 32),
        ({"sys/fs/cgroup/a/b/cpu.max": "250000 100000\n"}, 3),
        ({"sys/fs/cgroup/a/b/cpu.max": "1000 100000\n"}, 1),
        ({"sys/fs/cgroup/a/cpu.max": "400000 100000\n"}, 4),
        ({"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4),
        (
            {
                "sys/fs/cgroup/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "200000 100000\n",
            },
            2,
        ),
        ({"sys/fs/cgroup/c/cpu.max": "100000 100000\n"}, 32),
        ({"sys/fs/cgroup/a/b/cpu.max": "nonsense"}, 32),
    ],
)
def test_a_quota_of_the_group_or_of_one_around_it_counts(many_cores, tmp_path, files, cores):
    write(tmp_path, {"proc/self/cgroup": "0::/a/b\n"} | files)
    assert core_count(tmp_path) == cores


@pytest.mark.parametrize(
    "quota, period, cores", [("-1", "100000", 32), ("150000", "100000", 2), ("150000", "0", 32)]
)
@pytest.mark.parametrize("place", [f"{V1}/docker/x", V1])
def test_a_quota_of_the_first_version_counts(many_cores, tmp_path, place, quota, period, cores):
    write(
        tmp_path,
        {
            "proc/self/cgroup": "9:cpuset:/\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n0::/\n",
            f"{place}/cpu.cfs_quota_us": quota + "\n",
            f"{place}/cpu.cfs_period_us": period + "\n",
        },
    )
    assert core_count(tmp_path) == cores


def test_without_these_files_all_cores_count(many_cores, tmp_path):
    assert core_count(tmp_path) == 32


@pytest.fixture
def four_threads(monkeypatch):
    """Four cores for this process; workers look for themselves."""
    monkeypatch.setattr("chainrule.engine.threads.core_count", lambda: 4)
    monkeypatch.delenv("CHAINRULE_NUM_THREADS", raising=False)
    from chainrule.engine import threads

    threads._of_process.cache_clear()
    yield
    threads._of_process.cache_clear()


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_a_worker_of_joblib_has_one_thread(four_threads, backend):
    with joblib.parallel_config(backend, n_jobs=2):
        assert joblib.Parallel()(joblib.delayed(thread_count)() for _ in range(3)) == [1, 1, 1]
    assert thread_count() == 4


def test_joblib_without_workers_changes_nothing(four_threads):
    assert joblib.Parallel(n_jobs=1)(joblib.delayed(thread_count)() for _ in range(2)) == [4, 4]


def test_a_thread_of_ones_own_has_them_all(four_threads):
    found = []
    thread = threading.Thread(target=lambda: found.append(thread_count()))
    thread.start()
    thread.join()
    assert found == [4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker_of_a_pool_has_one_thread(four_threads):
    assert thread_count() == 4
    with get_context("fork").Pool(2) as pool:
        assert pool.apply(thread_count) == 1


def test_the_environment_counts_in_workers_too():
    code = (
        "import joblib\n"
        "print(joblib.Parallel(n_jobs=2)(joblib.delayed(thread_count)() for _ in range(2)))"
    )
    assert told(code, CHAINRULE_NUM_THREADS="3") == "[3, 3]"
