"""Metrics of whole epochs against scikit-learn's, however rows come: batches, calls, engines."""

import numpy as np
import pytest
from sklearn import metrics as sk

import chainrule as cr
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import ops
from chainrule.layers import Dense, NetworkInput, Parameter, Stack
from chainrule.losses import METRICS, BinaryCrossentropy, Metric, SparseCategoricalCrossentropy
from chainrule.optimizers import SGD
from chainrule.training import EarlyStopping, LambdaCallback, Trainer

ROWS, CLASSES = 103, 4
DRAWS = np.random.default_rng(5)
RATINGS = DRAWS.integers(1, 11, (ROWS, CLASSES)) / 10  # many are equal, some 0.5, none 0
LABELS = np.where(DRAWS.random(ROWS) < 0.5, RATINGS.argmax(1), DRAWS.integers(0, 3, ROWS))
LABELS[:2] = 3, 0  # class 3 is in the first rows, and then seldom
HOT = np.eye(CLASSES)[LABELS]
NUMBERS = 1e4 + DRAWS.normal(size=(ROWS, CLASSES))
NEAR = NUMBERS + 0.1 * DRAWS.normal(size=(ROWS, CLASSES))

ENGINES = ["native", "numpy"]
DTYPES = ["float32", "float64"]


def trainer(width, metrics, loss="mse", optimizer=None, **settings):
    """A network that gives what it is given; steps of 1e-30 change none of its numbers."""
    one = Trainer(Stack([Dense(width, use_bias=False)], (width,)), loss,
                  optimizer or SGD(1e-30), metrics, **settings)  # fmt: skip
    one.parameters.flat[:] = np.eye(width).ravel()
    return one


def f1(true, chosen, **settings):
    return sk.f1_score(true, chosen, zero_division=0, **settings)


YES = RATINGS > 0.5
EVERY = {"labels": range(CLASSES), "average": "macro"}

# what scikit-learn says of the ratings of four classes
OF_CLASSES = {
    "precision": sk.precision_score(HOT.ravel(), YES.ravel()),
    "recall": sk.recall_score(HOT.ravel(), YES.ravel()),
    "f1": f1(LABELS, RATINGS.argmax(1), **EVERY),
    "f1_score": f1(LABELS, RATINGS.argmax(1), **EVERY),
    "auc": np.mean([sk.roc_auc_score(HOT[:, i], RATINGS[:, i]) for i in range(CLASSES)]),
}
MADE = {
    cr.metrics.Precision(0.25, class_id=1, name="a"): sk.precision_score(
        HOT[:, 1], RATINGS[:, 1] > 0.25
    ),
    cr.metrics.Recall(0.75, class_id=3, name="b"): sk.recall_score(HOT[:, 3], RATINGS[:, 3] > 0.75),
    cr.metrics.F1Score("micro", name="c"): f1(LABELS, RATINGS.argmax(1), average="micro"),
    cr.metrics.F1Score("weighted", name="d"): f1(LABELS, RATINGS.argmax(1), average="weighted"),
    cr.metrics.F1Score("macro", 0.65, name="e"): f1(HOT, RATINGS > 0.65, average="macro"),
}


def fitted(one, x, y, batch_size, watched, epochs=2):
    """The history, with a callback that is told of each batch where it is watched."""
    told = [LambdaCallback(on_train_batch_end=lambda batch, logs: None)] if watched else []
    return one.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=told,
                   validation_data=(x[:50], y[:50]) if watched else None)  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size, watched", [(7, False), (32, True), (1, True), (1000, False)])
@pytest.mark.parametrize("kind", ["labels", "one-hot"])
def test_metrics_of_classes_are_scikit_learns(engine, dtype, batch_size, watched, kind):
    loss, y = ("mse", HOT)
    if kind == "labels":
        loss, y = SparseCategoricalCrossentropy(from_logits=True), LABELS
    one = trainer(CLASSES, [*OF_CLASSES, *MADE], loss, engine=engine, dtype=dtype)
    history = fitted(one, RATINGS, y, batch_size, watched).history
    scores = one.evaluate(RATINGS, y)
    names = [*OF_CLASSES, *(metric.name for metric in MADE)]
    assert list(scores) == ["loss", *names]
    for name, expected in zip(names, [*OF_CLASSES.values(), *MADE.values()], strict=True):
        assert history[name] == pytest.approx([expected] * 2, rel=1e-14), name
        assert scores[name] == pytest.approx(expected, rel=1e-14), name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_metrics_of_one_output_are_those_of_the_positive_class(engine, dtype):
    rating, member = RATINGS[:, :1], (LABELS == 1).astype(float)
    names = ["precision", "recall", "f1", "auc", "accuracy"]
    loss = BinaryCrossentropy(from_logits=True)
    one = trainer(1, names, loss, engine=engine, dtype=dtype)
    history = one.fit(rating, member, batch_size=10).history
    chosen = rating[:, 0] > 0.5
    expected = [
        sk.precision_score(member, chosen), sk.recall_score(member, chosen),
        f1(member, chosen), sk.roc_auc_score(member, rating[:, 0]),
        sk.accuracy_score(member, chosen),
    ]  # fmt: skip
    assert [history[name][0] for name in names] == pytest.approx(expected, rel=1e-14)
    assert list(one.evaluate(rating, member)) == ["loss", *names]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size, watched", [(7, False), (32, True)])
def test_metrics_of_numbers_are_scikit_learns(engine, dtype, batch_size, watched):
    """Numbers near 10,000 that vary by 1: sums of their squares in float32 have no digit left."""
    names = ["r2_score", "rmse", "root_mean_squared_error", "mse", "mae"]
    one = trainer(CLASSES, names, engine=engine, dtype=dtype)
    history = fitted(one, NEAR, NUMBERS, batch_size, watched).history
    x, y = (array.astype(dtype).astype(float) for array in (NEAR, NUMBERS))
    squares = sk.mean_squared_error(y, x)
    assert history["r2_score"] == pytest.approx([sk.r2_score(y, x)] * 2, rel=1e-12)
    digits = 1e-6 if dtype == "float32" else 1e-12
    for name in ("rmse", "root_mean_squared_error"):
        assert history[name] == pytest.approx([squares**0.5] * 2, rel=digits)
    assert history["mse"] == pytest.approx([squares] * 2, rel=digits)
    assert history["mae"] == pytest.approx([sk.mean_absolute_error(y, x)] * 2, rel=digits)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["labels", "one-hot"])
def test_top_k_is_scikit_learns(k, kind):
    ratings = RATINGS + DRAWS.random(RATINGS.shape) / 100  # none are equal
    loss, y = ("mse", HOT)
    if kind == "labels":
        loss, y = SparseCategoricalCrossentropy(from_logits=True), LABELS
    names = [cr.metrics.TopKCategoricalAccuracy(k), "top_k", "sparse_top_k_categorical_accuracy"]
    scores = trainer(CLASSES, names, loss).evaluate(ratings, y)
    expected = sk.top_k_accuracy_score(LABELS, ratings, k=k, labels=range(4)) if k < 4 else 1
    assert scores["top_k_categorical_accuracy"] == pytest.approx(expected, rel=1e-14)
    assert scores["top_k"] == scores["sparse_top_k_categorical_accuracy"] == 1


@pytest.mark.parametrize("k, expected", [(1, 2 / 3), (2, 2 / 3), (3, 1)])
def test_outputs_that_are_equal_all_count_among_the_first_k(k, expected):
    """By hand: above the label's output are no, no and two larger ones, however many are equal."""
    ratings = np.array([[0.4, 0.4, 0.2], [0.3, 0.3, 0.3], [0.5, 0.4, 0.1]])
    one = trainer(3, [cr.metrics.TopKCategoricalAccuracy(k, name="top")])
    assert one.evaluate(ratings, np.eye(3)[[1, 2, 2]])["top"] == pytest.approx(expected, rel=1e-14)


def test_an_epoch_is_not_the_mean_of_its_batches():
    """By hand: one of one and one of three chosen are right, so one half of all, not 2 / 3."""
    x = np.array([[1.0], [0], [1], [1], [1], [0]])
    one = trainer(1, ["precision"])
    history = one.fit(x, [1, 1, 1, 0, 0, 0], batch_size=2, shuffle=False)
    assert history.steps["precision"].tolist() == [1.0, 0.5, 0.0]
    assert history.history["precision"] == [0.5]


def test_steps_and_logs_hold_what_totals_can_say():
    seen = []
    told = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    one = trainer(CLASSES, ["auc", "recall", "rmse", "accuracy"], engine="numpy")
    history = one.fit(RATINGS, HOT, batch_size=40, shuffle=False, callbacks=told)
    assert list(history.steps) == ["loss", "recall", "rmse", "accuracy"]
    parts = [slice(0, 40), slice(40, 80), slice(80, ROWS)]
    by_batch = [sk.recall_score(HOT[p].ravel(), YES[p].ravel()) for p in parts]
    assert history.steps["recall"] == pytest.approx(by_batch, rel=1e-14)
    assert [list(logs) for logs in seen[:2]] == [["loss", "recall", "rmse", "accuracy"]] * 2
    so_far = [sk.recall_score(HOT[: p.stop].ravel(), YES[: p.stop].ravel()) for p in parts]
    assert [logs["recall"] for logs in seen] == pytest.approx(so_far, rel=1e-14)
    errors = [np.sqrt(np.mean((RATINGS[: p.stop] - HOT[: p.stop]) ** 2)) for p in parts]
    assert [logs["rmse"] for logs in seen] == pytest.approx(errors, rel=1e-6)
    assert seen[2]["auc"] == history.history["auc"][0] == pytest.approx(OF_CLASSES["auc"])


def test_an_epoch_that_is_stopped_is_that_of_the_rows_seen():
    stops = LambdaCallback(on_train_batch_end=lambda batch, logs: batch == 1)
    one = trainer(CLASSES, ["auc", "precision", "accuracy"])
    history = one.fit(RATINGS, HOT, batch_size=40, shuffle=False, callbacks=stops)
    expected = np.mean([sk.roc_auc_score(HOT[:80, i], RATINGS[:80, i]) for i in range(CLASSES)])
    assert history.history["auc"] == [pytest.approx(expected, rel=1e-14)]
    right = sk.precision_score(HOT[:80].ravel(), YES[:80].ravel())
    assert history.history["precision"] == [pytest.approx(right, rel=1e-14)]
    assert len(history.history["loss"]) == len(history.epoch) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_epochs_together_are_epochs_one_by_one(engine):
    """While it learns, so that each epoch has other numbers."""
    seen = []
    for told in ([], [LambdaCallback(on_epoch_end=lambda epoch, logs: None)],
                 [LambdaCallback(on_train_batch_end=lambda batch, logs: None)]):  # fmt: skip
        one = trainer(CLASSES, [*OF_CLASSES, "rmse", "r2_score"], optimizer=SGD(0.3), engine=engine)
        history = one.fit(RATINGS, HOT, batch_size=10, epochs=5, callbacks=told)
        steps = {name: values.tobytes() for name, values in history.steps.items()}
        seen.append((history.history, steps))
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0][0]["auc"])) == 5


def test_validation_has_whole_metrics_too():
    one = trainer(CLASSES, ["auc", "precision", "r2_score"])
    stopping = EarlyStopping("val_auc", patience=1)
    history = one.fit(RATINGS, HOT, epochs=3, validation_split=0.4, callbacks=stopping)
    last = slice(61, ROWS)
    scores = one.evaluate(RATINGS[last], HOT[last])
    for name in ("auc", "precision", "r2_score"):
        assert set(history.history[f"val_{name}"]) == {scores[name]}
    assert scores["r2_score"] == pytest.approx(sk.r2_score(HOT[last], RATINGS[last]), rel=1e-6)
    assert (stopping.best, len(history.epoch)) == (scores["auc"], 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_train_on_batch_has_every_metric_of_its_rows(engine):
    one = trainer(CLASSES, [*OF_CLASSES, "r2_score", "accuracy"], engine=engine)
    made = one.train_on_batch(RATINGS, HOT, sample_weight=np.arange(ROWS))
    assert list(made) == ["loss", *OF_CLASSES, "r2_score", "accuracy"]
    for name, expected in OF_CLASSES.items():  # weights are the loss's alone
        assert made[name] == pytest.approx(expected, rel=1e-14)


def test_classes_that_are_not_there():
    """0 where nothing is counted, as Keras; an area under the curve leaves a class out."""
    one = trainer(2, ["precision", "recall", "f1", "auc", "r2_score"])
    none = np.zeros((4, 2))
    scores = one.evaluate(none, none)
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0, 0, 0)
    assert np.isnan(scores["auc"])
    assert scores["r2_score"] == 1  # the same and right: as scikit-learn
    assert one.evaluate(none + [0.1, 0], none)["r2_score"] == 0.5
    assert np.isnan(one.evaluate(none[:1], none[:1])["r2_score"])
    rating = np.array([[0.1, 0.9], [0.4, 0.6], [0.35, 0.65], [0.8, 0.2]])
    member = np.array([[0.0, 0], [0, 0], [1, 0], [1, 0]])
    assert one.evaluate(rating, member)["auc"] == 0.75  # scikit-learn's example
    assert one.evaluate(rating, member)["f1"] == 1 / 3  # 2 / (1 + 2) and 0


def test_a_metric_of_ones_own_is_a_function_on_nodes():
    def far(y_true, y_pred):
        return ops.greater(ops.abs(y_true - y_pred), 0.15)

    def sure(y_true, y_pred):  # labels come as they are
        assert y_true.dtype.kind == "i"
        return ops.greater(ops.max(y_pred, axis=-1), 0.95)

    history = trainer(CLASSES, [far]).fit(NEAR - 1e4, NUMBERS - 1e4, batch_size=9)
    expected = (abs(NEAR - NUMBERS) > 0.15).mean()
    assert history.history["far"] == [pytest.approx(expected, rel=1e-6)]
    one = trainer(CLASSES, [sure], SparseCategoricalCrossentropy(from_logits=True))
    assert one.evaluate(RATINGS, LABELS)["sure"] == (RATINGS.max(axis=1) > 0.95).mean()


class RelativeError(Metric):
    """The sum of errors over the sum of targets."""

    def rows(self, y_true, y_pred):
        return ops.concatenate(ops.abs(y_true - y_pred), ops.abs(y_true), axis=1)

    def result(self, totals, rows):
        return totals[0] / totals[1]


class Total(Metric):
    """The sum of all targets."""

    def rows(self, y_true, y_pred):
        return y_true.sum(axis=1)

    def result(self, totals, rows):
        return totals


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size, watched", [(2, False), (2, True), (100, True)])
def test_totals_of_float32_rows_lose_no_digit(engine, dtype, batch_size, watched):
    """Every two rows make 2**24 + 1, the first whole number that float32 does not have."""
    x, y = np.zeros((100, 1)), np.tile([2.0**24, 1.0], 50)
    one = trainer(1, [Total], engine=engine, dtype=dtype)
    seen = []
    told = [LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["total"]))]
    history = one.fit(x, y, batch_size=batch_size, shuffle=False, callbacks=told if watched else [])
    pairs = batch_size // 2
    assert history.steps["total"].tolist() == [pairs * (2**24 + 1)] * (50 // pairs)
    assert history.history["total"] == [50 * (2**24 + 1)]
    assert one.evaluate(x, y)["total"] == one.train_on_batch(x, y)["total"] == 50 * (2**24 + 1)
    if watched:
        assert seen == [n * pairs * (2**24 + 1) for n in range(1, 50 // pairs + 1)]


class Median(Metric):
    """The median error of the rows."""

    summed = False

    def rows(self, y_true, y_pred):
        return ops.abs(y_true - y_pred).sum(axis=1)

    def result(self, totals, rows):
        assert totals.dtype == np.float64
        return np.median(totals)


class Targets(Metric):
    """The range of targets, which no operation has touched."""

    name = "range"
    summed = False

    def rows(self, y_true, y_pred):
        return y_true

    def result(self, totals, rows):
        assert totals.shape == (rows, 1)
        return np.ptp(totals)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_metric_of_ones_own_may_be_a_class(engine):
    x, y = RATINGS[:, :1], RATINGS[:, 1:2]
    one = trainer(1, [RelativeError(), Median, Targets], engine=engine)
    history = one.fit(x, y, batch_size=9, epochs=2)
    error = abs(y - x)
    assert history.history["relative_error"] == pytest.approx([error.sum() / y.sum()] * 2)
    assert history.history["median"] == pytest.approx([np.median(error)] * 2)
    assert history.history["range"] == pytest.approx([0.9, 0.9])
    assert np.isnan(one.evaluate(x * 0, y * 0)["relative_error"])  # 0 / 0, without a warning


def own(rows, result=None, summed=True):
    body = {"rows": lambda self, t, p: rows(t, p), "summed": summed}
    if result is not None:
        body["result"] = lambda self, totals, count: result
    return type("Own", (Metric,), body)()


@pytest.mark.parametrize(
    "metric, words",
    [
        (own(lambda t, p: p), r"'own': rows must give .* \(rows,\), not shape \(rows, 4\)"),
        (own(lambda t, p: p.sum()), r"'own': rows must give a number for each row"),
        (own(lambda t, p: 3.0), "'own': rows must give .*, not float"),
        (own(lambda t, p: p.reshape((*p.shape, 1)), 1.0), r"\(rows,\) or \(rows, columns\)"),
        (own(lambda t, p: p, np.ones(2)), "'own': result must give one number, gave array"),
        (own(lambda t, p: p, None, False), "'own': rows must give|one number"),
        (own(lambda t, p: p, "good"), "'own': result must give one number, gave 'good'"),
    ],
)
def test_a_metric_that_gives_no_number_is_told(metric, words):
    with pytest.raises(ShapeError, match=words):
        trainer(CLASSES, [metric]).evaluate(RATINGS, HOT)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: cr.metrics.TopKCategoricalAccuracy(0), SettingError, "k must be .* got 0"),
        (lambda: cr.metrics.Precision([0.1, 0.5]), SettingError, "Precision: thresholds must be"),
        (lambda: cr.metrics.Recall(class_id=-1), SettingError, "Recall: class_id must be"),
        (lambda: cr.metrics.F1Score(None), SettingError, "F1Score: average must be 'macro'"),
        (lambda: cr.metrics.F1Score(threshold="a"), SettingError, "F1Score: threshold"),
        (lambda: cr.metrics.BinaryAccuracy("a"), SettingError, "BinaryAccuracy: threshold"),
        (lambda: cr.metrics.get("percision"), SettingError, "did you mean 'precision'"),
        (lambda: trainer(4, [cr.metrics.Precision(class_id=4)]).evaluate(RATINGS, HOT),
         SettingError, "precision: class_id 4 is not among 4 outputs"),
        (lambda: cr.metrics.get(3), InputTypeError, "needs a name"),
    ],
)  # fmt: skip
def test_bad_settings_get_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


class Heads:
    """Two outputs: a number, and three classes."""

    inputs = (NetworkInput("numbers", (3,)),)
    output_names = ("value", "class")

    def parameters(self):
        return (Parameter("value/kernel", (3, 1)), Parameter("class/kernel", (3, 3)))

    def outputs(self, inputs, parameters, draws):
        value, scores = (inputs["numbers"] @ kernel for kernel in parameters)
        return value, ops.softmax(scores)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_output_has_its_own_metrics(engine):
    metrics = {"value": ["rmse", "r2_score"], "class": ["f1", "accuracy", "auc"]}
    one = Trainer(Heads(), ["mse", "sparse_categorical_crossentropy"], SGD(1e-30), metrics,
                  engine=engine, dtype="float64")  # fmt: skip
    x, y, labels = RATINGS[:, :3], RATINGS[:, 3], np.where(LABELS == 3, 0, LABELS)
    history = one.fit(x, {"value": y, "class": labels}, batch_size=9).history
    assert list(history) == [
        "loss", "value_loss", "class_loss", "value_rmse", "value_r2_score", "class_f1",
        "class_accuracy", "class_auc",
    ]  # fmt: skip
    found = one.predict(x)
    assert history["value_r2_score"] == [pytest.approx(sk.r2_score(y, found["value"][:, 0]))]
    expected = f1(labels, found["class"].argmax(1), average="macro")
    assert history["class_f1"] == [pytest.approx(expected)]
    area = sk.roc_auc_score(labels, found["class"], multi_class="ovr", average="macro")
    assert history["class_auc"] == [pytest.approx(area)]


@pytest.mark.parametrize("kind", [0, 1])
def test_axes_between_rows_and_classes_are_counted_together(kind):
    """Two places of four classes each; an area under the curve has no such axis."""
    place = [RATINGS[:100].reshape(50, 2, 4), LABELS[:100].reshape(50, 2)]
    loss = [SparseCategoricalCrossentropy(from_logits=True), "mse"][kind]
    y = [place[1], np.eye(4)[place[1]]][kind]
    names = ["f1", "precision", "r2_score"][: 2 + kind]
    one = Trainer(Stack([Dense(4, use_bias=False)], (2, 4)), loss, "sgd", names, seed=1)
    one.parameters.flat[:] = np.eye(4).ravel()
    scores = one.evaluate(place[0], y)
    assert scores["f1"] == pytest.approx(f1(LABELS[:100], RATINGS[:100].argmax(1), **EVERY))
    expected = sk.precision_score(HOT[:100].ravel(), YES[:100].ravel())
    assert scores["precision"] == pytest.approx(expected)
    if kind:
        x, flat = (array.reshape(50, 8) for array in (place[0], y))
        assert scores["r2_score"] == pytest.approx(sk.r2_score(flat, x), rel=1e-6)
    one.compile(loss, "sgd", ["auc"])
    with pytest.raises(ShapeError, match=r"auc: predictions of shape .* Flatten"):
        one.evaluate(place[0], y)


def test_metrics_come_back_from_files(tmp_path):
    given = [name for name in METRICS if name != "sparse_categorical_accuracy"]
    given += [*MADE, cr.metrics.TopKCategoricalAccuracy(2, name="top_2"),
              cr.metrics.BinaryAccuracy(0.7, name="over"), cr.losses.Huber(2.0), "mae"]  # fmt: skip
    model = cr.Sequential([cr.layers.Input(4), Dense(4, "softmax")], seed=1)
    model.compile("sgd", "categorical_crossentropy", given)
    model.fit(RATINGS, HOT, verbose=0)
    model.save(tmp_path / "m")
    other = cr.load_model(tmp_path / "m")
    assert other.compile_settings["metrics"] == model.compile_settings["metrics"]
    assert other.evaluate(RATINGS, HOT, return_dict=True) == model.evaluate(
        RATINGS, HOT, return_dict=True
    )
    assert other.fit(RATINGS, HOT).history == model.fit(RATINGS, HOT).history
    model.compile("sgd", "mse", [RelativeError])
    with pytest.raises(InputTypeError, match="metric 'relative_error': a model file"):
        model.save(tmp_path / "m")


def test_names_are_those_of_keras():
    for name in ("Precision", "Recall", "AUC", "F1Score", "R2Score", "RootMeanSquaredError",
                 "TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"):  # fmt: skip
        kind = getattr(cr.metrics, name)
        assert cr.metrics.get(name) == kind() == cr.metrics.get(kind().name)
        assert type(cr.metrics.get(kind)) is kind
    assert cr.metrics.get(cr.metrics.binary_accuracy) == cr.metrics.BinaryAccuracy()
    assert cr.metrics.get(cr.metrics.mse).name == "mean_squared_error"
    assert cr.metrics.get("f1").name == "f1"
    assert EarlyStopping("val_f1_score")._sign == 1
