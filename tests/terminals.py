"""Real pseudo-terminals, and what a screen shows of the bytes that are written to one."""

import codecs
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chainrule

CODE = re.compile("\x1b\\[(\\??)([0-9;]*)([A-Za-z])")
PATIENCE = 90
LOOKS = {"COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}


class Screen:
    """The lines of a terminal that wraps, scrolls and takes a few control codes; no others."""

    def __init__(self, columns, rows=24):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [[]], 0, 0
        self.wrapped = []
        self.cursor_shown = True
        self._rest = ""

    @property
    def text(self):
        """The lines, without blanks at their ends and empty lines at the end of all."""
        return "\n".join("".join(line).rstrip() for line in self.lines).rstrip("\n")

    def feed(self, text):
        text = self._rest + text
        self._rest, place = "", 0
        while place < len(text):
            if text[place] == "\x1b":
                code = CODE.match(text, place)
                if code is None:
                    self._rest = text[place:]
                    assert len(self._rest) < 12, f"no code: {self._rest[:12]!r}"
                    return
                self._obey(*code.groups())
                place = code.end()
            else:
                self._put(text[place])
                place += 1

    def _put(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._down()
        else:
            assert letter.isprintable(), repr(letter)
            if self.column >= self.columns:
                self.wrapped.append("".join(self.lines[self.row]) + letter)
                self._down()
                self.column = 0
            line = self.lines[self.row]
            line.extend(" " * (self.column + 1 - len(line)))
            line[self.column] = letter
            self.column += 1

    def _down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _obey(self, private, numbers, letter):
        if private:
            assert (numbers, letter) in (("25", "h"), ("25", "l")), numbers + letter
            self.cursor_shown = letter == "h"
        elif letter == "A":  # not above the top of what is seen
            top = max(0, len(self.lines) - self.rows)
            self.row = max(top, self.row - int(numbers or 1))
        elif letter == "K":
            line = self.lines[self.row]
            line[:] = {"": line[: self.column], "0": line[: self.column], "2": []}[numbers]
        elif letter == "t":  # a window of another size: lines that are there stay as they are
            size, rows, columns = map(int, numbers.split(";"))
            assert (size, rows) == (8, self.rows), numbers
            self.columns = columns
        else:
            assert letter == "m", f"{numbers}{letter}"


class Terminal:
    """A command on a terminal of its own; `seen` are the texts that its screen has shown."""

    def __init__(self, command, columns=80, environment=None, **streams):
        import fcntl
        import pty
        import termios

        self.raw, self.seen = b"", []
        self.screen = Screen(columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        size = struct.pack("HHHH", self.screen.rows, columns, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)
        settings = surroundings({"TERM": "xterm-256color", **(environment or {})})
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams}
        self.child = subprocess.Popen(command, env=settings, start_new_session=True, **streams)
        os.close(theirs)

    def until(self, pattern):
        """Read on until the screen shows something."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen.text):
            assert time.monotonic() < deadline and self._read(), self.screen.text
        return self.screen.text

    def _read(self):
        if not select.select([self._ours], [], [], 0.5)[0]:
            return True
        try:
            new = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            return False
        self.raw += new
        self.screen.feed(self._decoder.decode(new))
        self.seen.append(self.screen.text)
        return bool(new)

    def send(self, number=signal.SIGINT):
        os.kill(self.child.pid, number)

    def end(self):
        """Read to the end; the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.screen.text
        os.close(self._ours)
        return self.child.wait(timeout=30)


def surroundings(given):
    """The environment of a process: with this package, without what would change its looks."""
    place = str(Path(chainrule.__file__).parents[1])
    paths = [place, *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if name not in LOOKS}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "error", **given}


def python(code, *words):
    """The command that runs code."""
    return [sys.executable, "-c", code, *map(str, words)]


needs_terminals = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
