"""What is seen of training while it goes: on terminals, in pipes, in threads, after signals."""

import io
import json
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tests.terminals import Screen, Terminal, needs_terminals, python, surroundings

import chainrule as cr
from chainrule.training import Callback, LambdaCallback, ProgressBar
from chainrule.training.progress_text import NumberRow, progress_text, spell_number, spell_rate

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
CURVE = "[▁▂▃▄▅▆▇█]"

TRAINING = """
import json, sys, time
import numpy as np
import chainrule as cr
from chainrule.callbacks import EarlyStopping, LambdaCallback

draw = np.random.default_rng(0)
X = draw.normal(size=(400, 3))
y = (X[:, 0] * X[:, 1] > 0).astype(float)

def model(seed=1, loss="binary_crossentropy"):
    made = cr.Sequential(
        [cr.layers.Input(3), cr.layers.Dense(16, "tanh"), cr.layers.Dense(1, "sigmoid")], seed=seed
    )
    made.compile(cr.optimizers.Adam(0.01), loss, ["accuracy"])
    return made

def slowly(seconds, batches=False):
    hook = "on_train_batch_end" if batches else "on_epoch_end"
    return LambdaCallback(**{hook: lambda *_: time.sleep(seconds)})

def fit(one=None, **settings):
    return (one or model()).fit(
        X, y, **{"batch_size": 40, "validation_split": 0.25, "verbose": 1, **settings}
    )
"""

LONG = TRAINING + "fit(epochs=100000, callbacks=[slowly(0.02)])"


def rounded(history, name):
    return f"{history[name][-1]:.4g}"


@needs_terminals
@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_the_view_fits_the_terminal_and_stays_at_the_end(columns, tmp_path):
    code = TRAINING + (
        "history = fit(epochs=30, callbacks=[slowly(0.02), EarlyStopping(patience=99)])\n"
        "with open(sys.argv[1], 'w') as file:\n    json.dump(history.history, file)"
    )
    terminal = Terminal(python(code, tmp_path / "history"), columns)
    assert terminal.end() == 0, terminal.screen.text
    history = json.loads((tmp_path / "history").read_text())
    screen = terminal.screen
    assert not screen.wrapped
    assert screen.cursor_shown and (screen.row, screen.column) == (3, 0)
    first, training, validation = screen.text.split("\n")
    assert re.fullmatch(r"epoch 30/30  .*100%  in [0-9.]+ m?s", first)
    for line, begin in ((training, ""), (validation, "val_")):
        assert f"loss {float(rounded(history, begin + 'loss')):#.4g}" in line
        assert f"accuracy {float(rounded(history, begin + 'accuracy')):#.4g}" in line
    curves = [re.findall(CURVE + "+$", line) for line in (training, validation)]
    if columns == 40:
        assert training.startswith("train  ") and not any(curves)
    elif columns >= 80:
        assert [len(curve) for [curve] in curves] == [30, 30]
        assert training.startswith("training    ")
        assert re.search(r"step 8/8  ━+  [0-9.]+[kM]? rows/s", first)
    running = [one for one in terminal.seen if "left" in one]
    assert running
    assert all(re.search(r"%  at most .* left$", one.split("\n")[0]) for one in running)


@needs_terminals
def test_numbers_of_validation_stay_and_say_of_which_epoch_they_are():
    code = TRAINING + "fit(epochs=3, callbacks=[slowly(0.05, batches=True)])"
    terminal = Terminal(python(code))
    first = terminal.until("step 6/8")
    assert "validation" not in first
    text = terminal.until(r"epoch 2/3  step [3-6]/8")
    assert re.search(r"^validation  loss .*accuracy .*  \(epoch 1\)$", text, re.M)
    assert re.search(r"about \d\.?\d? s left", text)
    terminal.end()
    assert "(epoch" not in terminal.screen.text


RESIZED = """
import fcntl, os, struct, termios

def resize(columns):
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(2, f"\\x1b[8;24;{columns}t".encode())

def at_epoch(epoch, logs):
    if epoch == 15:
        resize(int(sys.argv[1]))
    time.sleep(0.02)

fit(epochs=100000, callbacks=[LambdaCallback(on_epoch_end=at_epoch)])
"""


@needs_terminals
@pytest.mark.parametrize("columns", [50, 160])
def test_a_terminal_may_be_resized(columns):
    """Between two texts: the process itself does it, so that none is half written at that time."""
    terminal = Terminal(python(TRAINING + RESIZED, columns), 100)
    terminal.until(r"epoch [2-9]\d+/\d+ ")
    assert terminal.screen.columns == columns
    before = len(terminal.screen.wrapped)
    terminal.send()
    terminal.end()
    lines = terminal.screen.text.partition("Traceback")[0].rstrip("\n").split("\n")
    assert re.search("stopped after .* s$", lines[-3])
    assert max(map(len, lines[-3:])) <= columns
    assert len(lines) == 3
    assert not [one for one in terminal.screen.wrapped[:before] if "epoch" in one]


@needs_terminals
@pytest.mark.parametrize("columns", [40, 80])
def test_ctrl_c_leaves_a_clean_terminal(columns):
    terminal = Terminal(python(LONG), columns)
    terminal.until(r"epoch \d\d+/")
    terminal.send()
    assert terminal.end() == -signal.SIGINT
    screen = terminal.screen
    assert screen.cursor_shown and screen.column == 0
    first, training, validation, *rest = screen.text.split("\n")
    assert re.fullmatch(r"epoch \d+/100000  .*stopped after \d+(\.\d)? s", first)
    assert training.startswith("train") and re.match("val( [0-9]+  loss|idation  )", validation)
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "KeyboardInterrupt"
    assert screen.text.count("stopped after") == 1


@needs_terminals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_what_is_killed_leaves_a_cursor(number):
    terminal = Terminal(python(LONG))
    terminal.until(r"epoch \d\d+/")
    terminal.send(number)
    assert terminal.end() == -number
    assert terminal.screen.cursor_shown


@needs_terminals
@pytest.mark.parametrize("wrong", ["step", "callback", "end", "begin"])
def test_an_error_leaves_a_clean_terminal(wrong):
    hook = {"callback": "on_epoch_end", "end": "on_train_end", "begin": "on_train_begin"}
    cause = f"LambdaCallback({hook[wrong]}=lambda *_: 1 / 0)" if wrong in hook else "slowly(0)"
    code = TRAINING + (
        "loss = lambda y, p: (y - p) * float('nan')\n"
        f"fit(model(loss={'loss' if wrong == 'step' else repr('mse')}), epochs=3, verbose=0, "
        f"callbacks=[cr.callbacks.ProgressBar(), {cause}])"
    )
    terminal = Terminal(python(code))
    assert terminal.end() == 1
    screen = terminal.screen
    assert screen.cursor_shown
    lines = screen.text.split("\n")
    at = lines.index("Traceback (most recent call last):")
    how = "in" if wrong == "end" else "failed after"
    assert re.search(f"{how} [0-9.]+ m?s$", lines[0])
    assert at == {"begin": 1, "step": 1, "callback": 2, "end": 3}[wrong], screen.text
    assert ("ZeroDivisionError" if wrong in hook else "TrainingError") in screen.text


@needs_terminals
@pytest.mark.parametrize("piped", [True, False])
def test_what_others_print_comes_above(piped, tmp_path):
    code = TRAINING + (
        "fit(epochs=20, callbacks=[slowly(0.02), LambdaCallback("
        "on_epoch_end=lambda epoch, logs: print(f'word {epoch}', end=chr(10) * (epoch != 19)))])"
    )
    expected = [f"word {epoch}" for epoch in range(20)]
    if piped:
        with (tmp_path / "out").open("w") as file:
            terminal = Terminal(python(code), stdout=file)
            terminal.end()
        assert (tmp_path / "out").read_text().split("\n") == expected
        expected = []
    else:
        terminal = Terminal(python(code))
        terminal.end()
    lines = terminal.screen.text.split("\n")
    assert lines[:-3] == expected
    assert [line.split()[0] for line in lines[-3:]] == ["epoch", "training", "validation"]


@needs_terminals
def test_it_is_drawn_no_more_than_ten_times_a_second():
    code = TRAINING + (
        "began = time.perf_counter()\nfit(epochs=3000, verbose='auto')\n"
        "print('took', time.perf_counter() - began)"
    )
    terminal = Terminal(python(code))
    assert terminal.end() == 0
    took = float(terminal.screen.text.split("took ")[1])
    drawn = terminal.raw.count(b"rows/s")
    assert 2 <= drawn <= 10 * took + 2


@needs_terminals
def test_letters_that_the_terminal_lacks_are_not_used():
    code = TRAINING + "fit(epochs=20, callbacks=[slowly(0.02)])"
    terminal = Terminal(python(code), environment={"PYTHONIOENCODING": "ascii"})
    assert terminal.end() == 0
    assert terminal.raw.isascii()
    assert b"\\u" not in terminal.raw
    first, training, _ = terminal.screen.text.split("\n")
    assert re.search(r"\[=+\]", first)
    assert re.search(r"accuracy [0-9.]+$", training)


@needs_terminals
def test_colors_can_be_switched_off():
    code = TRAINING + "fit(epochs=9, callbacks=[slowly(0.02)])"
    shown = {}
    for setting in ("", "1"):
        terminal = Terminal(python(code), environment={"NO_COLOR": setting} if setting else {})
        assert terminal.end() == 0
        shown[setting] = re.findall(rb"\x1b\[[0-9;]*m", terminal.raw)
    assert set(shown[""]) == {b"\x1b[32m", b"\x1b[0m"}
    assert not shown["1"]


@needs_terminals
@pytest.mark.parametrize("verbose", ["'auto'", "1", "2"])
def test_a_dumb_terminal_gets_lines(verbose):
    code = TRAINING + f"fit(epochs=3, verbose={verbose})"
    terminal = Terminal(python(code), environment={"TERM": "dumb"}, columns=200)
    assert terminal.end() == 0
    lines = terminal.screen.text.split("\n")
    assert not CONTROL.search(terminal.raw.decode().replace("\r\n", "\n"))
    assert [line[:20] for line in lines] == [f"epoch {n}/3  step 8/8 " for n in (1, 2, 3)]


@pytest.mark.parametrize("verbose", ["'auto'", "0", "1", "2"])
def test_a_pipe_gets_lines_where_they_are_asked_for(verbose):
    code = TRAINING + f"fit(epochs=3, verbose={verbose}); print('rich' in sys.modules)"
    done = subprocess.run(
        python(code), capture_output=True, text=True, timeout=90, env=surroundings({})
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    if verbose in ("'auto'", "0"):
        assert done.stderr == ""
        return
    assert not CONTROL.search(done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines, 1):
        assert re.fullmatch(
            rf"epoch {epoch}/3  step 8/8  [0-9.e-]+ s  [0-9.]+[kM]? rows/s  loss \S+  "
            r"accuracy \S+  val_loss \S+  val_accuracy \S+", line
        )  # fmt: skip


def test_a_reader_that_is_gone_does_not_end_a_training():
    code = TRAINING + "fit(epochs=200, verbose=2); print('done')"
    pipe = subprocess.PIPE
    child = subprocess.Popen(python(code), stdout=pipe, stderr=pipe, env=surroundings({}))
    child.stderr.readline()
    child.stderr.close()
    assert child.communicate(timeout=90)[0].strip() == b"done"


@needs_terminals
def test_networks_trained_at_once_share_the_terminal():
    code = TRAINING + (
        "settings = {'epochs': 15, 'batch_size': 40, 'verbose': 1}\n"
        "jobs = [(model(n), X, y, {**settings, 'callbacks': slowly(0.03)}) for n in range(5)]\n"
        "cr.fit_many(jobs, threads=3)\n"
        "assert type(sys.stderr).__name__ == 'TextIOWrapper'"
    )
    terminal = Terminal(python(code))
    assert terminal.end() == 0, terminal.screen.text
    assert not terminal.screen.wrapped and terminal.screen.cursor_shown
    lines = terminal.screen.text.split("\n")
    assert [line.split()[0] for line in lines] == ["epoch", "training"] * 5
    assert all(re.search(r"^epoch 15/15  .*100%  in .* s$", line) for line in lines[::2])
    assert all(re.search(f"{CURVE}{{15}}$", line) for line in lines[1::2])
    assert [one for one in terminal.seen if "left" in one]


@needs_terminals
def test_another_live_display_keeps_the_terminal():
    code = TRAINING + (
        "from rich.console import Console\nfrom rich.live import Live\n"
        "with Live('theirs', console=Console(stderr=True), auto_refresh=False):\n"
        "    fit(epochs=9, callbacks=[slowly(0.02)])"
    )
    terminal = Terminal(python(code))
    assert terminal.end() == 0, terminal.screen.text
    lines = terminal.screen.text.split("\n")
    assert [line.split()[0] for line in lines] == ["epoch", "training", "validation", "theirs"]


def network(units=1):
    made = cr.Sequential([cr.layers.Input(3), cr.layers.Dense(units)], seed=1)
    made.compile("sgd", "mse")
    return made


X = np.random.default_rng(1).normal(size=(1000, 3))
Y = X @ [1.0, -2.0, 0.5]


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


def fake_terminal(monkeypatch):
    shown = FakeTerminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return shown


def plain(shown):
    return re.sub("\x1b[^a-zA-Z]*[a-zA-Z]", "", shown.getvalue())


def screens(shown):
    """The first line of each view, in order."""
    return re.findall(r"epoch \d+/\d+  step \d+/\d+ [^\r\n]*", plain(shown))


class Always(ProgressBar):
    """Is drawn at every pause."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self._live.is_due = lambda: True


def test_the_view_is_full_at_the_end_and_not_before(monkeypatch):
    terminal = fake_terminal(monkeypatch)
    every = LambdaCallback(on_train_batch_end=lambda *_: None)
    network().fit(X, Y, batch_size=250, epochs=5, initial_epoch=3, verbose=0,
                  callbacks=[Always(), every])  # fmt: skip
    told = [re.search(r"epoch (\S+)  step (\S+) .* (\d+)%", one).groups()
            for one in screens(terminal)]  # fmt: skip
    assert list(dict.fromkeys(told)) == [
        (f"{epoch}/5", f"{step}/4", str(int(100 * ((epoch - 4) * 4 + step) / 8)))
        for epoch, step in [(4, 0), (4, 1), (4, 2), (4, 3), (4, 4), (5, 1), (5, 2), (5, 3), (5, 4)]
    ]


class Keeps(Callback):
    """Remembers the fit at a place and stops it; another fit goes on from there."""

    def __init__(self, *place):
        self.place, self.kept = place, None

    def on_train_begin(self, logs=None):
        if self.kept is not None:
            self.course.go_on_from(self.kept)

    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_train_pause(self):
        if self.kept is None and (self.course.epoch, self.course.done) == self.place:
            self.kept = self.course.state()
            self.model.stop_training = True


GOING_ON = {"batch_size": 250, "epochs": 5, "validation_split": 0.2, "verbose": 0}


def test_a_training_that_goes_on_shows_its_place(monkeypatch):
    class Rate(Always):
        def on_train_end(self, logs=None):
            self.rows = self._pace.whole_rate() * self.course.seconds
            super().on_train_end(logs)

    keeps = Keeps(2, 1)
    network().fit(X, Y, callbacks=[ProgressBar(lines=True), keeps], **GOING_ON)
    terminal = fake_terminal(monkeypatch)
    other, bar = network(), Rate()
    other.fit(X, Y, callbacks=[bar, keeps], **GOING_ON)
    shown = screens(terminal)
    places = [re.match(r"epoch (\S+)  step (\S+)", line).groups() for line in shown]
    after = [place for place in places if place != ("1/5", "0/4")]
    assert after[0] == ("3/5", "2/4")
    assert after[-1] == ("5/5", "4/4")
    [line] = {line for line in shown if "3/5  step 2/4" in line}
    assert re.search(r" 50%  about .* left", line)
    assert bar.rows == pytest.approx(11 * 200)  # of 20 steps 9 were made before
    whole = network()
    whole.fit(X, Y, **GOING_ON)
    assert all(map(np.array_equal, other.get_weights(), whole.get_weights()))


@pytest.mark.parametrize("place", [(2, 0), (2, 1)])
def test_lines_of_a_training_that_goes_on_are_those_of_its_epochs(place, capsys):
    keeps, said = Keeps(*place), []
    for _ in range(2):
        network().fit(X, Y, callbacks=[ProgressBar(lines=True), keeps], **GOING_ON)
        err = capsys.readouterr().err
        said.append(re.findall(r"^epoch (\d)/5  step 4/4  .* val_loss", err, re.M))
    assert said == [["1", "2"], ["3", "4", "5"]]


def test_short_epochs_still_run_several_in_one_call(monkeypatch):
    terminal = fake_terminal(monkeypatch)
    pauses = []
    count = LambdaCallback(on_train_pause=lambda: pauses.append(1))
    for bar in (ProgressBar(), ProgressBar(lines=True)):
        pauses.clear()
        history = network().fit(X[:32], Y[:32], epochs=4000, verbose=0, callbacks=[bar, count])
        assert len(history.epoch) == 4000
        assert len(pauses) < 1000
    lines = [line for line in plain(terminal).splitlines() if re.match("epoch .* loss", line)]
    assert [int(re.match(r"epoch (\d+)/4000", line)[1]) for line in lines] == list(range(1, 4001))


def test_the_time_left_counts_what_comes_between_steps():
    """Half an epoch's sleep each: what a sleep takes at least is known."""
    told = []

    class Looks(ProgressBar):
        def on_train_pause(self):
            self._pace.look()
            pace = self._pace
            told.append((pace.left(), pace.whole_rate(), self.course.seconds, pace.passed))

    sleep = LambdaCallback(on_epoch_end=lambda *_: time.sleep(0.05))
    network().fit(X, Y, batch_size=1000, epochs=10, verbose=0, callbacks=[Looks(), sleep])
    assert len(told) == 10
    for epoch, (left, rate, seconds, passed) in enumerate(told, 1):
        assert left >= 0.05 * (10 - epoch)
        assert rate == pytest.approx(1000 * epoch / seconds)
        assert passed >= seconds + 0.05 * epoch
    assert told[-1][0] == 0


def test_validation_to_come_counts_a_third_of_its_rows_until_it_is_known():
    seen = []

    class Looks(ProgressBar):
        def on_train_pause(self):
            self._pace.look()
            seen.append((self._pace, self._pace.left(), self._pace.rate()))

    every = LambdaCallback(on_train_batch_end=lambda *_: None)
    network().fit(X[:600], Y[:600], batch_size=100, epochs=2, verbose=0,
                  validation_data=(X[600:], Y[600:]), callbacks=[Looks(), every])  # fmt: skip
    _, left, rate = seen[0]
    # 5 steps and an epoch of 100 rows each, and twice 400 rows forward alone
    assert left == pytest.approx((1100 + 2 * 400 / 3) / rate)


def test_two_views_in_threads_neither_fail_nor_mix(monkeypatch):
    terminal = fake_terminal(monkeypatch)
    threads = [
        threading.Thread(target=network().fit, args=(X, Y), kwargs={"epochs": 300, "verbose": 1})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    screen = Screen(100)
    screen.feed(terminal.getvalue().replace("\n", "\r\n"))
    lines = screen.text.split("\n")
    assert [line.split()[0] for line in lines] == ["epoch", "training"] * 4
    assert sys.stderr is terminal


def test_every_callback_is_told_of_the_end():
    told = []

    class Fails(Callback):
        def on_train_end(self, logs=None):
            told.append("first")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        network().fit(X, Y, verbose=0, callbacks=[
            Fails(), LambdaCallback(on_train_end=lambda logs: told.append("second"))
        ])  # fmt: skip
    assert told == ["first", "second"]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("others", [[ProgressBar(), ProgressBar(lines=True)], [cr.Doctor()]])
def test_what_stops_at_the_beginning_is_passed_on(others, place):
    stopped = LambdaCallback(on_train_begin=lambda logs: signal.raise_signal(signal.SIGINT))
    X = np.eye(8)
    made = cr.Sequential([cr.layers.Dense(1)])
    made.compile("sgd", "mse")
    callbacks = [*others[:place], stopped, *others[place:]]
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, X[:, 0], callbacks=callbacks)


def test_text_among_the_numbers_is_shown_as_it_is(capsys):
    note = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(note="warm"))
    made = cr.Sequential([cr.layers.Dense(1)])
    made.compile("sgd", "mse")
    made.fit(np.eye(8), np.ones(8), verbose=2, callbacks=[note])
    assert capsys.readouterr().err.endswith("  note warm\n")


def test_an_unseen_curve_costs_no_room_and_infinite_losses_are_marked():
    losses = [8.0, 4.0, float("nan"), 2.0, float("inf"), 1.0]
    row = NumberRow("training", "train", {"loss": 1.0}, losses)
    assert progress_text(["epoch 1/2"], ["50%"], 0.5, [row], 80, True).endswith("  █▆!▃!▁")
    assert progress_text(["epoch 1/2"], ["50%"], 0.5, [row], 80, False).endswith("loss 1.000")
    flat = NumberRow("training", "train", {"loss": 1.0}, [1.0] * 100)
    assert progress_text([""], [""], 0.5, [flat], 80, True).endswith("  " + "▅" * 32)


def test_two_curves_have_one_scale_and_end_with_the_newest_value():
    rows = [
        NumberRow("training", "train", {"loss": 1.0}, [-4.0 + k / 25 for k in range(100)] + [0.5]),
        NumberRow("validation", "valid", {"loss": 1.0}, [4.0] * 100, "(epoch 9)"),
    ]
    _, training, validation = progress_text([], [], 0.5, rows, 80, True).split("\n")
    assert re.search(r"1\.000  ▁+▂+▃+▄+▅$", training)
    assert re.search(r"1\.000  █{32}  \(epoch 9\)$", validation)


@pytest.mark.parametrize("columns", range(1, 130))
def test_no_line_is_longer_than_the_room_for_it(columns):
    numbers = {"loss": 0.123456, "accuracy": 0.5, "mean_absolute_error": 1e-9, "auc": -1e22}
    rows = [
        NumberRow("training", "train", numbers, list(np.geomspace(1, 9, 50))),
        NumberRow("validation", "valid", numbers, list(np.geomspace(1, 9, 50)), "(epoch 1499)"),
    ]
    before, after = ["epoch 1500/2000", "step 37/157"], ["48.2k rows/s", " 75%", "at most 7 s left"]
    lines = progress_text(before, after, 0.75, rows, columns, True).split("\n")
    if columns > 33:
        assert max(map(len, lines)) <= columns
    if columns >= 80:
        assert all("▁" in line for line in lines[1:])
    assert "loss 0.1235" in lines[1] and "loss 0.1235" in lines[2]
    assert lines[0].startswith("epoch 1500/2000") and lines[0].endswith("at most 7 s left")


def test_numbers_and_rates_are_as_wide_as_their_neighbors():
    assert spell_number(0.00012) == "0.0001200"
    assert [spell_rate(one, "steps") for one in (9.994, 999.4, 999.6, 2e9)] == [
        "9.99 steps/s", "999 steps/s", "1.00k steps/s", "2.00G steps/s"
    ]  # fmt: skip
