"""Writing leaves the old file or the new one, and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import MissingFileError, WriteError
from chainrule.files import load_model_file, save_model, write_bytes_atomic, write_text_atomic

FULL = """
import resource, signal, sys
import numpy as np
from chainrule.errors import WriteError
from chainrule.files import save_model

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    save_model(sys.argv[1], {"old": False}, {"a": np.zeros(10_000)})
except WriteError as error:
    print(error)
"""
"""No file may grow beyond 4,096 bytes, as on a disk that is full: a real failed write. In a process
of its own, since what the tests print may go to a file too."""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    write_text_atomic(tmp_path / "a.txt", "one\r\ntwo é\n")
    assert (tmp_path / "a.txt").read_bytes() == "one\r\ntwo é\n".encode()
    write_bytes_atomic(str(tmp_path / "a.txt"), b"\0")
    assert (tmp_path / "a.txt").read_bytes() == b"\0"
    assert names(tmp_path) == ["a.txt"]


def test_a_relative_path_is_written_where_we_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text_atomic("a.txt", "here")
    assert (tmp_path / "a.txt").read_text() == "here"


def test_a_failed_write_leaves_the_old_model_and_no_litter(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, {"old": True}, {"a": np.zeros(3)})
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert "cannot be written (file too large). Raise the limit" in done.stdout
    assert names(tmp_path) == ["m.safetensors"]
    assert load_model_file(path)[0] == {"old": True}


def test_a_full_disk_is_said(tmp_path):
    """On a file system of 64 KiB, where this process may mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    code = (
        "import sys; from chainrule.files import write_bytes_atomic as write;"
        "from chainrule.errors import WriteError; from pathlib import Path\n"
        "folder = Path(sys.argv[1]); write(folder / 'a', b'old')\n"
        "try: write(folder / 'a', bytes(200_000))\n"
        "except WriteError as error: print(error)\n"
        "print(sorted(path.name for path in folder.iterdir()), (folder / 'a').read_bytes())"
    )
    script = 'mount -t tmpfs -o size=64k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(mounted), sys.executable, code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    if done.returncode in (1, 77) and "chainrule" not in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 0, done.stderr
    sentence, found = done.stdout.splitlines()
    assert sentence.endswith("cannot be written (no space left on device). Free some space, or "
                             "write elsewhere.")  # fmt: skip
    assert found == "['a'] b'old'"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"the folder .*no does not exist\. Create it"):
        write_text_atomic(tmp_path / "no" / "deeper" / "a.txt", "a")


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("a")
    with pytest.raises(WriteError, match="file is a file"):
        write_text_atomic(tmp_path / "file" / "a.txt", "a")


def test_a_folder_or_device_is_not_replaced(tmp_path):
    with pytest.raises(WriteError, match="it is a folder"):
        write_text_atomic(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(PermissionError, match="device or pipe"):
            write_text_atomic(path, "a")
    assert Path("/dev/null").is_char_device()


def test_a_place_that_cannot_be_written(tmp_path):
    # Even root may not write there.
    with pytest.raises(WriteError, match=r"^/sys/a\.txt: cannot be written \("):
        write_text_atomic("/sys/a.txt", "a")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(WriteError, match="permission denied"):
            write_text_atomic(tmp_path / "a.txt", "a")
        tmp_path.chmod(0o700)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    write_text_atomic(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "new"
    assert names(tmp_path / "real") == ["a.txt"]


def test_permissions_are_the_usual_ones_and_are_kept(tmp_path):
    before = os.umask(0o027)
    try:
        write_text_atomic(tmp_path / "a.txt", "a")
        assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
        (tmp_path / "a.txt").chmod(0o604)
        write_text_atomic(tmp_path / "a.txt", "b")
        assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_a_long_name_can_be_written(tmp_path):
    write_text_atomic(tmp_path / ("a" * 255), "a")
    with pytest.raises(WriteError, match="name too long"):
        write_text_atomic(tmp_path / ("a" * 256), "a")


def test_readers_see_whole_files_while_others_write(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, {"value": 0}, {"a": np.zeros(5_000)})

    def write(value):
        for _ in range(10):
            save_model(path, {"value": value}, {"a": np.full(5_000, float(value))})

    writers = [threading.Thread(target=write, args=(value,)) for value in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        record, arrays = load_model_file(path)
        assert (arrays["a"] == record["value"]).all()
    for writer in writers:
        writer.join()
    assert names(tmp_path) == ["m.safetensors"]
