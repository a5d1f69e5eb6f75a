"""A lock on a folder, which dies with its holder."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import pytest

from chainrule.errors import BusyError, MissingFileError
from chainrule.files import FolderLock, is_locked

HOLD = """
import sys
from chainrule.files import FolderLock
lock = FolderLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a folder."""
    words = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_another_process_is_named_with_its_number(tmp_path, holder):
    assert is_locked(tmp_path)
    with pytest.raises(BusyError, match=f"process {holder.pid} trains here now"):
        FolderLock(tmp_path)
    assert is_locked(tmp_path)


def test_what_a_killed_process_held_is_free(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".lock").exists()
    (tmp_path / ".chainrule-0123456789abcdef.part").write_bytes(b"half")
    assert not is_locked(tmp_path)
    with FolderLock(tmp_path):
        assert is_locked(tmp_path)
    assert not list(tmp_path.iterdir())


FULL = """
import resource, signal, sys
from chainrule.files import FolderLock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
with FolderLock(sys.argv[1]):
    print("held")
"""


@pytest.mark.skipif(os.name != "posix", reason="this system limits no sizes of files")
def test_a_full_disk_is_not_taken_for_another_process(tmp_path):
    said = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True)
    assert said.stdout == b"held\n", said.stderr.decode()


def test_one_part_of_a_process_holds_it_at_a_time(tmp_path):
    (tmp_path / "other").mkdir()
    with FolderLock(tmp_path), FolderLock(tmp_path / "other"):
        with pytest.raises(BusyError, match="this process"):
            FolderLock(tmp_path / "other" / "..")
        # asking does not let go of it
        assert is_locked(tmp_path)
        code = f"from chainrule.files import is_locked; print(is_locked({str(tmp_path)!r}))"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert said.stdout == b"True\n"
    with FolderLock(tmp_path):
        pass


def test_what_is_forked_off_does_not_hold_it(tmp_path):
    child = os.fork()
    if child == 0:
        lock = FolderLock(tmp_path)
        (tmp_path / "locked").touch()
        if os.fork() == 0:  # goes on living when its parent is gone
            lock.release()  # which it has nothing to do with
            multiprocessing.Event().wait(10)
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "locked").exists()
    with FolderLock(tmp_path):
        assert is_locked(tmp_path)


def test_threads_do_not_get_it_twice(tmp_path):
    held, refused = [], []
    start = threading.Barrier(8)

    def take():
        start.wait()
        try:
            held.append(FolderLock(tmp_path))
        except BusyError:
            refused.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(held), len(refused)) == (1, 7)
    held[0].release()
    held[0].release()
    assert not is_locked(tmp_path)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    assert not is_locked(tmp_path / "none")
    with pytest.raises(MissingFileError, match="does not exist"):
        FolderLock(tmp_path / "none")


def test_a_lock_that_was_removed_by_hand_does_not_free_that_of_another(tmp_path):
    lock = FolderLock(tmp_path)
    (tmp_path / ".lock").unlink()
    words = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        lock.release()
        with pytest.raises(BusyError, match=f"process {child.pid}"):
            FolderLock(tmp_path)
        child.kill()
