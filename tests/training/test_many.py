"""Many networks at once: the same bits as alone, failures told, Ctrl-C in a real process."""

import json
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule
from chainrule import random
from chainrule.engine import thread_count
from chainrule.errors import InputTypeError, SettingError, ShapeError, TrainingError
from chainrule.layers import Dense, Stack
from chainrule.training import Callback, EarlyStopping, LambdaCallback, Trainer, fit_many

X = random.normal(1, 0, 0, 600).reshape(200, 3)
Y = np.sin(X.sum(axis=1, keepdims=True))


def model(units=5, seed=3, engine="auto"):
    layers = [chainrule.layers.Dropout(0.1), Dense(units, "tanh"), Dense(1)]
    made = chainrule.Sequential(layers, seed=seed)
    made.compile("adam", "mse", engine=engine)
    return made


def same(one, other):
    return all(map(np.array_equal, one.get_weights(), other.get_weights()))


@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.parametrize("threads", [None, 1, 3])
def test_each_comes_out_as_when_fitted_alone(engine, threads):
    sizes = (2, 5, 5, 64, 9)
    settings = {"epochs": 4, "batch_size": 16, "validation_split": 0.1}
    many = [model(units, seed, engine) for seed, units in enumerate(sizes)]
    histories = fit_many([(one, X, Y, settings) for one in many], threads)
    for seed, (units, trained, history) in enumerate(zip(sizes, many, histories, strict=True)):
        alone = model(units, seed, engine)
        expected = alone.fit(X, Y, **settings)
        assert history.history == expected.history
        assert np.array_equal(history.steps["loss"], expected.steps["loss"])
        assert same(trained, alone)


def test_trainers_and_lists_are_jobs_too():
    trainer = Trainer(Stack([Dense(1)], (3,)), "mse", "sgd", seed=2)
    [history] = fit_many([[trainer, X, Y]])
    assert len(history.history["loss"]) == 1
    assert fit_many([]) == []


def test_they_run_at_the_same_time_with_one_thread_each():
    met, counts = threading.Barrier(3, timeout=60), []

    class Meets(Callback):
        def on_train_begin(self, logs=None):
            met.wait()
            counts.append(thread_count())

    fit_many([(model(), X, Y, {"callbacks": [Meets()]}) for _ in range(3)], threads=3)
    assert counts == [1, 1, 1]


def test_one_alone_may_have_all_threads():
    counts = []
    watches = LambdaCallback(on_train_begin=lambda logs: counts.append(thread_count()))
    fit_many([(model(), X, Y, {"callbacks": watches})], threads=3)
    assert counts == [3]


def test_one_stops_early_and_the_others_go_on():
    stops = EarlyStopping(monitor="loss", min_delta=10.0)
    jobs = [
        (model(), X, Y, {"epochs": 6}),
        (model(), X, Y, {"epochs": 6, "callbacks": [stops]}),
    ]
    histories = fit_many(jobs)
    assert [len(one.history["loss"]) for one in histories] == [6, 2]


def test_a_failed_job_is_told_when_the_others_are_done():
    jobs = [
        (model(), X, Y, {"epochs": 3}),
        (model(), X, Y[:-1]),
        (model(seed=8), X, Y, {"epochs": 2}),
        (model(), X, Y * 1e30, {"epochs": 2}),
    ]
    with pytest.raises(TrainingError) as told:
        fit_many(jobs, threads=2)
    sentence = str(told.value)
    assert sentence.startswith("fit_many: 2 of 4 jobs failed, the others are done")
    assert "jobs[1]: ShapeError: X has 200 rows, y has 199" in sentence
    assert "jobs[3]: TrainingError: the loss is" in sentence
    first, short, third, infinite = told.value.results
    assert len(first.history["loss"]) == 3
    assert len(third.history["loss"]) == 2
    assert isinstance(short, ShapeError)
    assert isinstance(infinite, TrainingError)
    assert told.value.__cause__ is short
    alone = model(seed=8)
    alone.fit(X, Y, epochs=2)
    assert same(jobs[2][0], alone)


def test_many_failures_make_a_short_sentence():
    with pytest.raises(TrainingError, match=r"^fit_many: 5 of 5 jobs .*\(and 2 more\)$") as told:
        fit_many([(model(), X, Y[:-1]) for _ in range(5)])
    assert len(told.value.results) == 5


SHARED, CALLBACK = model(), EarlyStopping()


@pytest.mark.parametrize(
    "jobs, error, sentence",
    [
        (
            [(SHARED, X, Y), (model(), X, Y), (SHARED, X, Y)],
            SettingError,
            r"jobs\[0\] and jobs\[2\] have the same model \(Sequential\); give each job one of its",
        ),
        (
            [(model(), X, Y, {"callbacks": [CALLBACK]}), (model(), X, Y, {"callbacks": CALLBACK})],
            SettingError,
            r"jobs\[0\] and jobs\[1\] have the same callback \(EarlyStopping\)",
        ),
        (
            [(model(), X, Y), (model(), X, Y, {"epoch": 3})],
            SettingError,
            r"jobs\[1\]: fit has no setting 'epoch'; did you mean 'epochs'\?",
        ),
        ([(model(), X)], InputTypeError, r"jobs\[0\] must be .*, got 2 things"),
        ([model()], InputTypeError, r"jobs\[0\] must be .*, got Sequential"),
        ([(3, X, Y)], InputTypeError, r"jobs\[0\]: a model must have a fit, got int"),
        ([(model(), X, Y, 10)], InputTypeError, r"jobs\[0\]: settings must be a dict .* got int"),
        (model(), InputTypeError, "jobs must be a list of .*, got Sequential"),
        ({"a": 1}, InputTypeError, "jobs must be a list of .*, got dict"),
    ],
)
def test_wrong_jobs_are_refused_before_any_begins(jobs, error, sentence):
    with pytest.raises(error, match=f"^fit_many: {sentence}"):
        fit_many(jobs)
    if (
        isinstance(jobs, list)
        and isinstance(jobs[0], tuple)
        and isinstance(jobs[0][0], type(SHARED))
    ):
        assert not jobs[0][0].built


@pytest.mark.parametrize("threads", [0, 1.5, "all"])
def test_a_wrong_number_of_threads_is_refused(threads):
    with pytest.raises(SettingError, match="fit_many: threads must be a whole number of 1 or more"):
        fit_many([(model(), X, Y)], threads=threads)


def test_a_callback_that_ends_the_process_stops_all():
    class Exits(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise SystemExit(5)

    endless = model()
    with pytest.raises(SystemExit, match="5"):
        fit_many(
            [
                (endless, X, Y, {"epochs": 1_000_000}),
                (model(), X, Y, {"epochs": 3, "callbacks": [Exits()]}),
            ],
            threads=2,
        )
    endless.fit(X, Y)


SCRIPT = """
import json, os
import numpy as np
import chainrule
from chainrule import random
from chainrule.training import Callback

X = random.normal(1, 0, 0, 40_000).reshape(2000, 20)
Y = X[:, :1]

def make():
    model = chainrule.Sequential([chainrule.layers.Input((20,)), chainrule.layers.Dense(50, "tanh"),
                                  chainrule.layers.Dense(1)], seed=3)
    model.compile("adam", "mse")
    return model

class Says(Callback):
    ended = 0
    def on_train_begin(self, logs=None):
        os.write(1, b"begun\\n")
    def on_train_end(self, logs=None):
        Says.ended += 1

models = [make() for _ in range(4)]
try:
    chainrule.fit_many([(one, X, Y, {"batch_size": 10, "epochs": 1_000_000, "callbacks": [Says()]})
                        for one in models], threads=2)
except KeyboardInterrupt:
    interrupted = True
else:
    interrupted = False

def steps_alone(steps):
    one, epoch = make().trainer, 0
    while steps:
        rows = random.permutation(3, 0, epoch, 2000)[: 10 * min(steps, 200)]
        one.step(one.data(X, Y), rows, 10)
        steps -= min(steps, 200)
        epoch += 1
    return one

steps = [one.trainer.iterations for one in models]
same = [bool((one.trainer.parameters.flat == steps_alone(count).parameters.flat).all())
        for one, count in zip(models, steps)]
print(json.dumps([interrupted, Says.ended, steps, same]))
"""


def test_ctrl_c_stops_all_between_steps():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        threading.Event().wait(1.0)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=200)
    finally:
        process.kill()
        process.wait()
    interrupted, ended, steps, same = json.loads(out)
    assert process.returncode == 0
    assert interrupted
    assert ended == 2
    assert min(steps[:2]) > 0
    assert steps[2:] == [0, 0]
    assert all(same)
