"""Reports of run folders that were put together by hand."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from tests.reporting.pages import Page

from chainrule.errors import DataError
from chainrule.files import RunFolder
from chainrule.reporting import (
    Design,
    JudgedRows,
    judge_classification,
    judge_regression,
    naive_classification,
    naive_regression,
    write_report,
)
from chainrule.reporting.training_pictures import Course, epoch_chart, gradient_chart

HOSTILE = "<script>alert('1')</script> & \"{{ 7 * 7 }}\""


def history(epochs=30, members=2, climbing=False, lowest=18):
    """Validation losses that level off at their lowest epoch, or that rise again."""
    return [
        {
            "member": member,
            "epoch": epoch,
            "loss": 1 / epoch,
            "validation_loss": 0.5 + 1 / min(epoch, lowest) + (0.02 * epoch if climbing else 0.0),
        }
        for member in range(members)
        for epoch in range(1, epochs + 1)
    ]


def class_run(place, labels, rows=400, seed=0, target="kind", **more):
    """A run that tells classes apart, rather well."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, len(labels), rows)
    logits = draw.normal(size=(rows, len(labels)))
    logits[np.arange(rows), truth] += 2
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    test = judge_classification(truth, answers, labels, resamples=100)
    design = Design(np.zeros((rows, 1)), truth)
    naive = naive_classification(design, design, labels, resamples=100)
    judged = JudgedRows(
        "classification", target, truth, answers, np.arange(rows), "f0", labels=tuple(labels)
    )
    return written(place, test, naive, judged, target, **more)


def number_run(place, rows=400, seed=0, target="price", own=False, **more):
    """A run that predicts a number, rather well."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(100, 20, rows)
    answers = truth + draw.normal(1.0, 5.0, rows)
    test = judge_regression(truth, answers, resamples=100)
    design = Design(np.zeros((rows, 1)), truth)
    naive = naive_regression(design, design, resamples=100)
    places = None if own else np.arange(rows) + 1000
    judged = JudgedRows("regression", target, truth, answers, places, "f0")
    return written(place, test, naive, judged, target, **more)


def written(place, test, naive, judged, target, epochs=None, settings=None, **more):
    folder = RunFolder.create(place)
    record = test.to_record()
    folder.write_metrics(
        {
            "task": test.task,
            "target": target,
            "rows": 1000,
            "seconds": 1.5,
            "metrics": {"validation": dict(test.metrics)},
            "parts": {"train": 500, "validation": 100, "test": test.rows},
            "details": {"test": record, "baselines": {"naive": naive.to_record()}},
            "interrupted": False,
            **more,
        }
    )
    settings = {"seed": 3, "epochs": 200, "patience": 10, "hidden": [8], **(settings or {})}
    folder.write_config({"chainrule": "0.1.0", "data": "/x.csv", "settings": settings})
    folder.write_history(history() if epochs is None else epochs)
    judged.save(folder.judged_path)
    return folder


def read(folder):
    page = Page(write_report(folder).read_text("utf-8"))
    page.check()
    return page


def test_a_report_of_numbers_holds_scores_pictures_and_misses(tmp_path):
    folder = number_run(tmp_path / "run")
    test = folder.read_metrics()["details"]["test"]
    page = read(folder)
    low, high = test["intervals"]["rmse"]
    assert f"{test['metrics']['rmse']:.4f} {low:.4f} to {high:.4f}" in page.text
    assert "rmse" in page.text and "root of the mean squared error" in page.text
    assert "drawn again with replacement, 100 times" in page.text
    titles = ("Predicted and true", "Residuals", "How far off", "Loss by epoch", "Furthest off")
    assert all(title in page.text for title in titles)
    largest = test["residuals"]["largest"][0]
    assert f"{largest['row'] + 1000:,} {largest['truth']:.2f}" in page.text
    assert "Rows of the table, counted from 0." in page.text
    assert "On average predictions are" in page.text and "too high." in page.text
    assert page.text.count("mean squared error of the target scaled to deviation 1.") == 1
    assert page.tags.count("figure") == 4
    assert len(page.labels()) == 4 and all(page.labels())


def test_scores_by_which_a_simple_model_is_better_are_not_kept_quiet(tmp_path):
    folder = class_run(tmp_path / "run", ["no", "yes"])
    metrics = folder.read_metrics()
    naive = metrics["details"]["baselines"]["naive"]
    ours = metrics["details"]["test"]["metrics"]
    naive["metrics"].update(accuracy=1.0, recall=1.0, log_loss=ours["log_loss"] / 2)
    naive["metrics"].update(average_precision=ours["average_precision"])  # a tie is no other way
    folder.write_metrics(metrics)
    text = read(folder).text
    assert "lie apart. By accuracy and log_loss it is the other way round." in text
    linear = {**naive, "name": "linear", "metrics": {**naive["metrics"]}}
    metrics["details"]["baselines"] = {"linear": linear}
    folder.write_metrics(metrics)
    text = read(folder).text
    assert "By accuracy, log_loss and recall it is the other way round." in text
    linear["metrics"]["roc_auc"] = ours["roc_auc"]
    folder.write_metrics(metrics)
    assert "the other way round" not in read(folder).text, "no way where both are equal"
    metrics["details"]["baselines"] = {"naive": naive}
    naive["metrics"]["roc_auc"], naive["intervals"]["roc_auc"] = 1.0, [0.999, 1.0]
    folder.write_metrics(metrics)
    assert "The naive model is better (roc_auc" in read(folder).text
    naive["intervals"]["roc_auc"] = [0.5, 1.0]
    folder.write_metrics(metrics)
    assert "The network is not ahead of the naive model on these rows" in read(folder).text
    naive["metrics"]["roc_auc"] = 0.51
    folder.write_metrics(metrics)
    assert "intervals overlap: other rows might turn it round" in read(folder).text


def rare_run(place, truth, *, paired, settings=None, weights=None):
    """A run whose network tells the classes apart, and whose naive model tells them wrongly."""
    draw = np.random.default_rng(0)
    truth, labels = np.array(truth), ("no", "yes", "maybe")[: max(truth) + 1]
    answers = np.eye(len(labels))[truth] * 0.6 + draw.dirichlet(np.ones(len(labels)), len(truth))
    answers /= answers.sum(axis=1, keepdims=True)
    other = answers[:, ::-1].copy()
    found = [judge_classification(truth, one, labels, weights) for one in (answers, other)]
    design = Design(np.zeros((len(truth), 1)), truth)
    naive = replace(naive_classification(design, design, labels), judgment=found[1])
    judged = JudgedRows(
        "classification", "y", truth, answers, None, "f0", weights, labels,
        baselines={"naive": other} if paired else {},
    )  # fmt: skip
    return written(place, found[0], naive, judged, "y", settings=settings)


FEW = "too few to judge by"
VERDICTS = (
    "is better than the naive model",
    "95 % intervals lie apart",
    "choice of test rows explains",
)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("truth", "settings", "remark"),
    [
        ([0] * 200 + [1] * 9, {}, f"9 rows of 'yes' are {FEW}: other rows may give quite"),
        ([0] * 200 + [1], {}, f"1 row of 'yes' is {FEW}"),
        ([0] * 40 + [2] * 40 + [1] * 3, {}, f"3 rows of 'yes' are {FEW}"),
        ([0, 1], {"metric": "accuracy"}, "2 rows are few to judge by"),
    ],
)
def test_few_rows_of_a_class_carry_no_verdict(tmp_path, truth, settings, remark, paired):
    text = read(rare_run(tmp_path / "run", truth, paired=paired, settings=settings)).text
    assert remark in text
    assert not any(word in text for word in VERDICTS)
    assert ("too few rows to say how sure that is" in text) is paired
    assert ("how sure is not known" in text) is not paired


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("rare", "settings"), [(10, {}), (3, {"metric": "accuracy"})], ids=["ten rows", "by all rows"]
)
def test_enough_rows_carry_one(tmp_path, rare, settings, paired):
    truth = [0] * 200 + [1] * rare
    text = read(rare_run(tmp_path / "run", truth, paired=paired, settings=settings)).text
    assert any(word in text for word in VERDICTS)
    assert (FEW in text) is (rare < 10)


def test_rows_of_unequal_weight_count_for_fewer(tmp_path):
    truth, weights = [0] * 200 + [1] * 40, np.array([1.0] * 200 + [1000.0] * 5 + [0.01] * 35)
    text = read(rare_run(tmp_path / "run", truth, paired=True, weights=weights)).text
    assert "too few rows to say how sure that is" in text


@pytest.mark.parametrize(
    ("factor", "noise", "words"),
    [
        (1.1, 0.0, "The network is better than the naive model by {by} rmse (95 % interval "),
        (0.9, 0.0, "The naive model is better than the network by {by} rmse (95 % interval "),
        (1.0, 5.0, "The network is ahead of the naive model by {by} rmse (95 % interval -"),
        (1.0, 0.0, "The network is no better and no worse than the naive model by rmse"),
    ],
)
def test_a_network_is_held_against_a_simple_model_row_by_row(tmp_path, factor, noise, words):
    folder = number_run(tmp_path / "run", rows=300)
    judged = JudgedRows.load(folder.judged_path)
    error = judged.answers - judged.truth
    draw = np.random.default_rng(2)
    other = draw.permutation(error) * 1.02 if noise else error * factor
    place = replace(judged, baselines={"naive": judged.truth + other})
    place.save(folder.judged_path)
    metrics = folder.read_metrics()
    naive = judge_regression(judged.truth, judged.truth + other, resamples=100).to_record()
    metrics["details"]["baselines"]["naive"].update(naive)
    folder.write_metrics(metrics)
    text = read(folder).text
    by = abs(np.sqrt(np.mean(other**2)) - np.sqrt(np.mean(error**2)))
    assert words.format(by=f"{by:.4f}") in text
    assert ("beyond what the choice of test rows explains" in text) is (factor != 1)
    assert ("within noise, other test rows might turn it round" in text) is (noise > 0)
    assert "their 95 % intervals" not in text
    assert "judged on the same drawn rows for both" in text


def test_scores_on_rows_learned_from_tell_of_overfitting(tmp_path):
    learned = {"rows": 500, "scores": {"roc_auc": 1.0}}
    page = read(class_run(tmp_path / "heart", ["no", "yes"], learned=learned))
    assert "The model overfits" not in page.text and "neither over- nor underfits" in page.text
    learned = {"rows": 500, "scores": {"r2": 0.05}}
    page = read(number_run(tmp_path / "lazy", learned=learned))
    assert "The model underfits: r2 0.05 on rows learned from" in page.text
    assert "on the test rows, little better than a constant answer" in page.text
    assert "underfits" not in read(number_run(tmp_path / "old")).text


def test_rows_of_a_test_table_are_called_so(tmp_path):
    page = read(number_run(tmp_path / "run", own=True))
    assert "Rows of the test table, counted from 0." in page.text


def test_rows_furthest_off_are_found_where_rows_of_no_weight_are_left_out(tmp_path):
    truth, answers = np.zeros(6), np.array([0.0, 9.0, 1.0, 8.0, 2.0, 3.0])
    weights = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    test = judge_regression(truth, answers, weights, resamples=10)
    naive = naive_regression(Design(np.zeros((6, 1)), truth), Design(np.zeros((6, 1)), truth))
    rows = np.arange(6) + 50
    judged = JudgedRows("regression", "y", truth, answers, rows, "f0", weights)
    page = read(written(tmp_path / "run", test, naive, judged, "y"))
    assert "Furthest off row truth prediction truth less prediction 53 0.0000 8.0000" in page.text


def test_a_report_of_two_classes_holds_curves_calibration_and_confusion(tmp_path):
    folder = class_run(tmp_path / "run", ["no", "yes"])
    test = folder.read_metrics()["details"]["test"]
    page = read(folder)
    assert f"kind = yes, area {test['metrics']['roc_auc']:.3f}" in page.text
    assert "Precision and recall" in page.text and "Calibration" in page.text
    [[right, wrong], _] = test["confusion"]
    share = right / (right + wrong)
    assert f"no {right} {share:.0%} {wrong} {1 - share:.0%}" in page.text
    assert "On average the network gives kind = yes a probability of" in page.text
    assert "The network is better than the naive model (roc_auc" in page.text
    assert "intervals lie apart" in page.text
    assert "squared error" not in page.text


def test_a_matrix_has_counts_up_to_30_classes_and_pairs_beyond(tmp_path):
    few = read(class_run(tmp_path / "few", [f"c{k}" for k in range(30)]))
    assert few.text.count("true ↓ predicted →") == 1
    assert "Most frequent mistakes" not in few.text
    folder = class_run(tmp_path / "many", [f"c{k}" for k in range(31)], rows=900)
    many = read(folder)
    assert "true ↓ predicted →" not in many.text
    counts = np.array(folder.read_metrics()["details"]["test"]["confusion"])
    np.fill_diagonal(counts, 0)
    true, guess = np.unravel_index(counts.argmax(), counts.shape)
    assert f"of this class c{true} c{guess} {counts.max()} " in many.text, (
        "the most frequent mistake stands first"
    )
    assert "The 6 classes with most mistakes, each against the others." in many.text


def test_names_and_labels_of_users_are_text_not_markup(tmp_path):
    labels = [HOSTILE, "</style><img src=x onerror=alert(2)>"]
    column = {
        "name": HOSTILE, "kind": "number", "use": HOSTILE, "missing": 3, "distinct": 4,
        "why": HOSTILE,
    }  # fmt: skip
    data = {
        "source": HOSTILE, "rows": 4, "columns": [column], "notes": [HOSTILE],
        "suspects": [HOSTILE], "task_reason": HOSTILE, "positive": HOSTILE, "split": HOSTILE,
        "target_values": {"labels": labels, "counts": [3, 1]},
    }  # fmt: skip
    finding = {
        "severity": HOSTILE, "kind": "x", "network": 0, "layer": HOSTILE, "step": 1,
        "sentence": HOSTILE, "remedy": HOSTILE,
    }  # fmt: skip
    doctor = {
        "findings": [finding],
        "gradients": {"layers": [HOSTILE, "b"], "steps": [0], "norms": [[1.0, 2.0]]},
    }
    folder = class_run(
        tmp_path / "<b>run", labels, target=HOSTILE, data=data, doctor=doctor,
        network={"sentence": HOSTILE, "parameters": 9},
    )  # fmt: skip
    page = read(folder)
    assert page.text.count(HOSTILE) > 12
    assert f"Predicting {HOSTILE}" in page.text
    assert "alert(2)" in page.text


def test_the_doctors_findings_stand_severe_first_with_gradients_by_layer(tmp_path):
    findings = [
        {
            "severity": severity, "kind": "k", "network": 1, "layer": "hidden", "step": 7,
            "sentence": f"It is {severity}.", "remedy": "Do less.",
        }
        for severity in ("note", "severe", "warning")
    ]  # fmt: skip
    gradients = {
        "layers": ["first", "second", "third"],
        "steps": [0, 5],
        "norms": [[1e-6, 0.0, 1.0], [1e-5, 1e-2, 1.0]],
    }
    doctor = {"findings": findings, "gradients": gradients}
    page = read(number_run(tmp_path / "run", doctor=doctor))
    places = [page.text.index(f"It is {name}. Do less.") for name in ("severe", "warning", "note")]
    assert places == sorted(places)
    assert "network 2, layer hidden, step 7" in page.text
    assert "The Doctor has 3 findings" in page.text
    assert "first second third" in page.text
    assert any("from 1e-06 to 1" in label for label in page.labels())


def test_what_the_doctor_finds_in_several_networks_is_told_once(tmp_path):
    findings = [
        {
            "severity": "note", "kind": "overfitting", "network": network, "layer": None,
            "step": 10, "sentence": f"since epoch {network} it is worse.", "remedy": "Stop.",
        }
        for network in (0, 1)
    ]  # fmt: skip
    page = read(number_run(tmp_path / "run", doctor={"findings": findings}))
    assert "Since epoch 0 it is worse. Stop. network 1, step 10; likewise in network 2" in page.text
    assert "epoch 1 it is worse" not in page.text
    assert page.text.count("Overfitting begins in both networks") == 2
    healthy = read(number_run(tmp_path / "fit", epochs=history(climbing=True), doctor={}))
    assert "Overfitting" not in healthy.text, "the Doctor has the last word"
    assert "Validation loss rises after its best epoch in both networks (by " in healthy.text
    assert "levels off" not in healthy.text


@pytest.mark.parametrize("norms", [[], [[None, None]], [[0.0, 0.0]]])
def test_gradients_that_no_chart_can_show_are_left_out(tmp_path, norms):
    layers = ["a", "b"] if norms else []
    gradients = {"layers": layers, "steps": list(range(len(norms))), "norms": norms}
    page = read(number_run(tmp_path / "run", doctor={"findings": [], "gradients": gradients}))
    assert "Nothing found" in page.text
    assert "Gradient by layer" not in page.text


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-9, 1e9, 1e300])
def test_targets_of_any_size_can_be_drawn(tmp_path, size):
    draw = np.random.default_rng(1)
    truth = size * draw.normal(size=50)
    answers = truth + size * draw.normal(size=50)
    design = Design(np.zeros((50, 1)), truth)
    naive = naive_regression(design, design, resamples=20)
    test = judge_regression(truth, answers, resamples=20)
    judged = JudgedRows("regression", "y", truth, answers, None, "f0")
    counts, edges = np.histogram(truth, 40)
    data = {
        "source": "s", "rows": 50, "columns": [], "notes": [], "suspects": [], "positive": None,
        "task_reason": "r", "split": "s",
        "target_values": {"edges": edges.tolist(), "counts": counts.tolist()},
    }  # fmt: skip
    page = read(written(tmp_path / "run", test, naive, judged, "y", data=data))
    assert "y in the training rows" in page.text
    drawn = [value for _, name, value in page.attributes if name == "d"]
    assert not any("nan" in path or "inf" in path for path in drawn)


def test_a_doctor_who_finds_nothing_says_so_and_none_says_nothing(tmp_path):
    page = read(number_run(tmp_path / "healthy", doctor={"findings": []}))
    assert "Nothing found" in page.text
    page = read(number_run(tmp_path / "alone"))
    assert "Doctor" not in page.text


def rising(share, members=2):
    """Losses of which validation loss ends `share` above its best after ten epochs."""
    return [
        {
            "member": member,
            "epoch": epoch,
            "loss": 1 / epoch,
            "validation_loss": 1 + (0.5 / epoch if epoch <= 10 else share * (epoch - 10) / 30),
        }
        for member in range(members)
        for epoch in range(1, 41)
    ]


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        (history(), "Validation loss levels off"),
        (history(climbing=True), "Overfitting begins in both networks"),
        (rising(0.01), "Validation loss levels off"),
        (rising(0.08), "Validation loss rises a little after its best epoch in both networks (by "),
        (rising(0.2), "Overfitting begins in both networks"),
        (
            history(200, lowest=200),
            "Both networks were still improving when training ended after 200 epochs",
        ),
        (history(members=1, climbing=True), "Overfitting begins in the network"),
        ([{"epoch": 1, "loss": 1.0}], "No rows were watched"),
        (history(3), "Too few epochs (3) to say anything"),
    ],
)
def test_how_training_ended_is_said(tmp_path, epochs, words):
    page = read(number_run(tmp_path / "run", epochs=epochs))
    assert page.text.count(words) == 2, "in short, and beside the curves"


def ended(*lowest, epochs=30):
    """Networks of which validation loss has its lowest value at these epochs."""
    networks = [history(epochs, members=1, lowest=place) for place in lowest]
    return [{**row, "member": k} for k, rows in enumerate(networks) for row in rows]


@pytest.mark.parametrize(
    ("epochs", "settings", "stopped", "words"),
    [
        (
            ended(30, 30), {"time_limit": 0.6}, False,
            "Both networks were still improving when their time was over: a longer --time-limit "
            "may help.",
        ),
        (
            ended(18, 30, 10), {"time_limit": 9.0}, False,
            "1 of 3 networks was still improving when its time was over: a longer --time-limit",
        ),
        (
            ended(30), {"time_limit": 9.0}, True,
            "The network was still improving when it was stopped: --resume goes on.",
        ),
        (
            ended(200, 200, epochs=200), {}, True,
            "Both networks were still improving when training ended after 200 epochs: more",
        ),
        (ended(30, 18), {}, False, "1 of 2 networks was still improving when training ended."),
        (ended(18, 10), {"time_limit": 0.6}, False, "Validation loss levels off"),
        (ended(185, epochs=200), {}, False, "Validation loss levels off"),
    ],
)  # fmt: skip
def test_networks_that_were_still_improving_are_told_with_what_ended_them(
    tmp_path, epochs, settings, stopped, words
):
    folder = number_run(tmp_path / "run", epochs=epochs, settings=settings, interrupted=stopped)
    text = read(folder).text
    assert text.count(words) == 2
    assert ("still improving" in text) is ("still improving" in words)
    assert ("levels off" in text) is ("levels off" in words)


def test_a_last_epoch_that_is_a_little_worse_ends_no_fall(tmp_path):
    rows = history(30, members=1, lowest=30)
    rows[-1]["validation_loss"] += 0.01
    text = read(number_run(tmp_path / "run", epochs=rows, settings={"time_limit": 1.0})).text
    assert "The network was still improving when its time was over" in text


def test_validation_loss_that_falls_while_a_score_chose_the_epoch_does_not_level_off(tmp_path):
    rows = [{**row, "score": min(row["epoch"], 15)} for row in history(30, lowest=30)]
    text = read(number_run(tmp_path / "run", epochs=rows, settings={"metric": "r2"})).text
    assert "levels off" not in text and "still improving" not in text


def losses(training, validation):
    """Epochs of one network that level off at these losses."""
    row = {"member": 0, "loss": training, "validation_loss": validation}
    return [{**row, "epoch": epoch} for epoch in range(1, 31)]


CAVEAT = "training loss is measured while units are left out and weights still change"


@pytest.mark.parametrize(
    ("training", "validation", "dropout", "words"),
    [
        (1.0, 1.05, 0.0, "1.05: hardly worse on rows that the network has not learned from"),
        (1.0, 1.3, 0.0, "1.3: somewhat worse on rows"),
        (1.0, 1.05, 0.3, f"validation loss 1.05; {CAVEAT}."),
        (1.0, 1.3, 0.3, f"validation loss 1.3; {CAVEAT}."),
        (1.0, 2.0, 0.3, f"2.0 times as much: part of what was learned holds for the training "
                        f"rows only; {CAVEAT}. More rows"),
        (1.0, 2.0, 0.0, "2.0 times as much: part of what was learned holds for the training "
                        "rows only. More rows"),
        (1.0, 0.5, 0.3, f"validation loss 0.5: {CAVEAT}, so it may well be the higher one."),
        (1.0, 0.5, 0.0, "validation loss 0.5, no sign of rows learned by heart: training loss is "
                        "measured while weights still change, so"),
    ],
)  # fmt: skip
def test_two_losses_are_held_against_each_other_as_far_as_they_are_alike(
    tmp_path, training, validation, dropout, words
):
    epochs, settings = losses(training, validation), {"dropout": dropout}
    assert words in read(number_run(tmp_path / "run", epochs=epochs, settings=settings)).text


@pytest.mark.parametrize("share", [0.2, 0.05])
def test_rising_losses_are_not_followed_by_an_all_clear(tmp_path, share):
    rows = [{**row, "loss": row["loss"] + 2} for row in rising(share)]
    text = read(number_run(tmp_path / "run", epochs=rows)).text
    assert "so the model does not suffer from what came after it." in text
    assert "so it may well be the higher one" in text and "by heart" not in text


def test_the_loss_by_step_is_drawn_where_it_was_kept(tmp_path):
    iterations = [
        {"steps": 4, "mean": [4.0, 2.0], "least": [3.0, 1.0], "largest": [5.0, 2.5]},
        {"steps": 6, "mean": [5.0, 2.0, 1.0], "least": [4, 1, 1], "largest": [6, 3, 1]},
    ]
    folder = number_run(tmp_path / "run")
    assert "has not kept its loss by step" in read(folder).text
    metrics = folder.read_metrics()
    metrics["details"]["iterations"] = iterations
    folder.write_metrics(metrics)
    page = read(folder)
    assert "the first network's batches: mean and range of each 2 in a row" in page.text
    assert "has not kept" not in page.text


def test_what_a_run_folder_lacks_is_said_and_the_rest_is_shown(tmp_path):
    folder = class_run(tmp_path / "run", ["a", "b"])
    folder.judged_path.unlink()
    page = read(folder)
    assert "no judged.safetensors" in page.text and "Confusion" in page.text
    assert "ROC" not in page.text
    folder.history_path.unlink()
    page = read(folder)
    assert "Loss by epoch" not in page.text and "Scores" in page.text
    assert "kept no description of its table" in page.text
    folder.metrics_path.unlink()
    page = read(folder)
    assert "no metrics.json" in page.text and "seed" in page.text


def test_a_run_without_a_test_part_shows_the_watched_rows_scores(tmp_path):
    folder = number_run(tmp_path / "run")
    metrics = folder.read_metrics()
    metrics["details"] = {"test": None, "baselines": {}}
    folder.write_metrics(metrics)
    folder.judged_path.unlink()
    page = read(folder)
    assert "There is no test part" in page.text
    assert "scores of the rows that the networks were watched on" in page.text
    assert "Loss by epoch" in page.text


def test_scores_that_are_not_defined_and_few_rows_are_no_trouble(tmp_path):
    truth, answers = np.array([1, 1]), np.array([[0.25, 0.75], [0.5, 0.5]])
    test = judge_classification(truth, answers, ["no", "yes"])
    assert test.metrics["roc_auc"] is None
    naive = naive_classification(*[Design(np.zeros((2, 1)), truth)] * 2, ["no", "yes"])
    judged = JudgedRows(
        "classification", "y", np.array([1, 1, -1]), np.vstack([answers, answers[:1]]), None, "f0",
        labels=("no", "yes"),
    )  # fmt: skip
    page = read(written(tmp_path / "run", test, naive, judged, "y"))
    assert "2 rows are few to judge by" in page.text
    assert "Calibration" in page.text and "ROC" not in page.text


def test_numbers_that_are_no_numbers_leave_a_gap(tmp_path):
    rows = history(5, members=1)
    rows[2]["loss"] = math.nan
    page = read(number_run(tmp_path / "run", epochs=rows))
    assert "nan" not in "".join(value or "" for _, name, value in page.attributes if name == "d")


def test_a_damaged_record_is_refused_with_a_sentence_and_leaves_the_old_report(tmp_path):
    folder = number_run(tmp_path / "run")
    before = write_report(folder).read_bytes()
    metrics = folder.read_metrics()
    metrics["details"]["test"]["metrics"] = 5
    folder.write_metrics(metrics)
    with pytest.raises(DataError, match="its files do not describe a run .*; train it again"):
        write_report(folder)
    assert folder.report_path.read_bytes() == before


def test_a_report_is_small_and_the_same_again(tmp_path):
    folder = number_run(tmp_path / "run", rows=20_000)
    first = write_report(folder).read_bytes()
    assert len(first) < 200_000
    assert write_report(folder, tmp_path / "copy.html").read_bytes() == first


@pytest.mark.parametrize("layers, shown, on_telephone", [(3, 3, 3), (10, 10, 4), (30, 10, 4)])
def test_names_of_layers_do_not_meet_below_a_chart(layers, shown, on_telephone):
    names = [f"dense_{number}" for number in range(layers)]
    chart = gradient_chart({"layers": names, "steps": [0], "norms": [[1.0] * layers]})
    ticks = chart.x_ticks
    assert (len(ticks), sum(not one.is_spare for one in ticks)) == (shown, on_telephone)
    for room, some in ((860, ticks), (290, [one for one in ticks if not one.is_spare])):
        for one, other in itertools.pairwise(some):
            apart = (other.place - one.place) / 100 * room  # pixels, of letters of 7
            assert apart >= 7 * max(len(one.text), len(other.text))


def test_a_caption_tells_of_thick_lines_where_they_differ():
    rows = [{"loss": 1 / n, "validation_loss": 2 / n} for n in range(1, 41)]
    for some, said in ((rows, "Thin: as it was. Thick: smoothed."), (rows[:10], "")):
        assert epoch_chart([Course(some)], "classification").caption == said
    both = epoch_chart([Course(rows), Course(rows)], "classification")
    assert both.caption.startswith("Thin: each network.")
