"""`report`, and the report that `train` leaves behind."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.tables import churn_text, houses_text
from tests.reporting.pages import Page

from chainrule.cli.reported import write_run_report
from chainrule.files import RunFolder
from chainrule.reporting import JudgedRows


def read(path):
    page = Page(Path(path).read_text("utf-8"))
    page.check()
    return page


def test_training_writes_a_report_and_names_it(run, quick):
    outcome = run("train", "churn.csv", "--target", "left", "--out", "there", *quick)
    assert outcome.code == 0, outcome.err
    assert "\nreport: there/report.html\n" in outcome.err
    page = read("there/report.html")
    kept = json.loads(Path("there/metrics.json").read_text())
    for name, value in kept["metrics"]["test"].items():
        assert name in page.text and f"{value:.4f}" in page.text
    for part in (
        "Predicting left",
        "Classification of 120 rows from churn.csv , by one network of hidden layers 8",
        "left = yes, area ",
        "Calibration",
        "Loss by epoch",
        "Loss by step",
        "left in the training rows no ",
        "months number 1 number",
        "The positive label is yes .",
        "chainrule train --config there/config.toml",
        "epochs 3 given passes over the rows at most",
        "seed 0 default",
        "dropout 0.5 by the table's size",
    ):
        assert part in page.text, part


@pytest.mark.parametrize("name", ["price_run", "left_run"])
def test_what_simple_models_answer_is_kept_and_gives_their_scores(name, request):
    folder = RunFolder.open(request.getfixturevalue(name))
    judged = JudgedRows.load(folder.judged_path)
    kept = folder.read_metrics()["metrics"]["baselines"]
    assert sorted(judged.baselines) == ["linear", "naive"] == sorted(kept)
    for simple, answers in judged.baselines.items():
        assert answers.shape == judged.answers.shape
        if judged.task == "regression":
            score = np.sqrt(np.mean((answers - judged.truth) ** 2))
            assert score == pytest.approx(kept[simple]["rmse"])
        else:
            given = answers[np.arange(len(answers)), judged.truth]
            assert -np.log(given).mean() == pytest.approx(kept[simple]["log_loss"])
    text = read(folder.report_path).text
    assert re.search(r"(network|linear model) is (better than|ahead of) the .* 95 % interval", text)


def test_networks_that_were_not_trained_are_not_counted_as_averaged(run):
    words = ("--members", "6", "--epochs", "100000", "--time-limit", "0.001", "--hidden", "4")
    outcome = run("train", "houses.csv", "--target", "price", "--out", "there", *words)
    assert outcome.code == 0, outcome.err
    lines = Path("there/history.jsonl").read_text().splitlines()
    trained = len({json.loads(line)["member"] for line in lines})
    assert trained < 6
    of = f"{trained} of 6 networks" + ", averaged, each" * (trained > 1)
    assert f"by {of} of hidden layers 4;" in read("there/report.html").text
    assert json.loads(run("runs", "there", "--json").out)["runs"][0]["networks"] == trained


def test_test_rows_that_stand_in_the_training_table_are_not_called_unseen(run, quick):
    Path("other.csv").write_text(houses_text(40, seed=9), "utf-8")
    lines = Path("houses.csv").read_text("utf-8").splitlines()
    mixed = Path("other.csv").read_text("utf-8") + "\n".join(lines[1:4]) + "\n"
    Path("mixed.csv").write_text(mixed, "utf-8")
    for name, words in {
        "other": "40 never seen in training",
        "mixed": "43 3 of them also in the training table",
        "houses": "120 all of them also in the training table",
    }.items():
        table = ("--target", "price", "--test", f"{name}.csv", "--out", name)
        assert run("train", "houses.csv", *table, *quick).code == 0
        assert f"test rows {words} " in read(f"{name}/report.html").text


@pytest.mark.parametrize(("table", "target"), [("houses.csv", "price"), ("churn.csv", "left")])
def test_the_rows_of_several_networks_are_counted_in_words(run, quick, table, target):
    words = ("--target", target, *quick, "--members", "3", "--out", "there")
    assert run("train", table, *words).code == 0
    kept = json.loads(Path("there/metrics.json").read_text())
    count = sum(kept["data"]["target_values"]["counts"])
    assert kept["parts"]["train"] < count
    text = read("there/report.html").text
    rows = f"{count} rows that at least one network learns from"
    assert f"fitted on all {rows}." in text
    assert f"{target} in the {rows} " in text
    assert f"{target} in the training rows" not in text


def test_the_report_of_a_run_that_was_not_scored_names_no_task(run, price_run):
    shutil.copytree(price_run, "there")
    for name in ("metrics.json", "judged.safetensors"):
        Path("there", name).unlink()
    assert run("report", "there").code == 0
    text = read("there/report.html").text
    assert "Predicting price Trained for 3 epochs." in text


def test_the_report_of_a_run_that_was_stopped_tells_how_to_go_on(run, price_run):
    shutil.copytree(price_run, "a b")
    assert "--resume" not in read("a b/report.html").text
    kept = json.loads(Path("a b/metrics.json").read_text())
    Path("a b/metrics.json").write_text(json.dumps({**kept, "interrupted": True}))
    assert run("report", "a b").code == 0
    text = read("a b/report.html").text
    assert "This goes on with it" in text and "chainrule train --resume --out 'a b' This" in text
    assert "trains the whole run from its start" in text
    assert "chainrule train --config 'a b/config.toml'" in text


def test_the_losses_of_steps_are_those_of_the_epochs(run):
    assert run(
        "train", "houses.csv", "--target", "price", "--out", "there", "--epochs", "2",
        "--members", "2", "--hidden", "4", "--batch-size", "16",
    ).code == 0  # fmt: skip
    kept = json.loads(Path("there/metrics.json").read_text())
    lines = [json.loads(line) for line in Path("there/history.jsonl").read_text().splitlines()]
    rows = kept["parts"]["train"]
    sizes = [16] * (rows // 16) + [rows % 16] * (rows % 16 > 0)
    for member, steps in enumerate(kept["details"]["iterations"]):
        epochs = [line["loss"] for line in lines if line["member"] == member]
        assert steps["steps"] == 2 * len(sizes) == len(steps["mean"])
        for epoch, loss in enumerate(epochs):
            part = steps["mean"][epoch * len(sizes) : (epoch + 1) * len(sizes)]
            mean = sum(a * b for a, b in zip(part, sizes, strict=True)) / rows
            assert mean == pytest.approx(loss, rel=1e-3)


def test_the_report_is_made_of_the_folder_alone(run, process, left_run, tmp_path):
    shutil.copytree(left_run, tmp_path / "moved")
    (tmp_path / "moved" / "report.html").unlink()
    outcome = process("report", "moved")
    assert (outcome.code, outcome.out, outcome.err) == (0, "moved/report.html\n", "")
    first = (left_run / "report.html").read_text("utf-8")
    moved = (tmp_path / "moved" / "report.html").read_text("utf-8")
    assert moved == first.replace(str(left_run), "moved").replace(" run\n", " moved\n").replace(
        "– run<", "– moved<"
    ).replace("· run<", "· moved<")


def test_a_new_file_can_be_named_and_an_old_one_is_kept(run, price_run):
    assert run("report", price_run, "--out", "price.html").out == "price.html\n"
    assert "Predicted and true" in read("price.html").text
    Path("price.html").write_text("mine")
    outcome = run("report", price_run, "--out", "price.html")
    assert outcome.code == 1
    assert "price.html: exists already, nothing was changed" in outcome.sentence
    assert Path("price.html").read_text() == "mine"
    assert "does not exist" in run("report", price_run, "--out", "no/price.html").sentence


def test_a_folder_without_a_finished_training_is_refused(run, price_run):
    assert "there is no such run folder" in run("report", "nowhere").sentence
    Path("half").mkdir()
    shutil.copy(price_run / "config.toml", "half")
    outcome = run("report", "half")
    assert outcome.code == 1
    assert "its training goes on, or was stopped" in outcome.sentence
    assert not Path("half/report.html").exists()


@pytest.mark.parametrize("settings", [None, 'title = "of another program"\n'])
def test_a_report_of_someone_else_beside_a_file_is_kept(run, price_run, settings):
    Path("mine").mkdir()
    shutil.copy("churn.csv", "mine")
    shutil.copy(price_run / "model.safetensors", "mine")
    Path("mine/report.html").write_text("mine")
    if settings is not None:
        Path("mine/config.toml").write_text(settings)
    for given in ("mine/churn.csv", "mine/model.safetensors", "mine"):
        outcome = run("report", given)
        assert outcome.code == 1
        assert f"{given}: not of a run folder, for neither config.toml nor" in outcome.sentence
    assert Path("mine/report.html").read_text() == "mine"


def test_a_model_file_of_any_name_in_a_run_folder_stands_for_the_run(run, price_run):
    shutil.copytree(price_run, "there")
    Path("there/model.safetensors").rename("there/best.safetensors")
    assert run("report", "there/best.safetensors").out == "there/report.html\n"
    assert "Predicting price" in read("there/report.html").text


def test_a_damaged_folder_is_refused_with_a_sentence(run, price_run):
    shutil.copytree(price_run, "damaged")
    Path("damaged/judged.safetensors").write_bytes(b"nothing of the kind")
    assert "judged.safetensors" in run("report", "damaged").sentence
    shutil.copy(price_run / "judged.safetensors", "damaged")
    Path("damaged/metrics.json").write_text('{"details": {"test": [1]}}')
    assert "do not describe a run" in run("report", "damaged").sentence


def test_a_report_that_cannot_be_written_costs_nothing_else(price_run, capsys):
    shutil.copytree(price_run, "kept")
    Path("kept/report.html").unlink()
    Path("kept/report.html").mkdir()
    write_run_report(RunFolder.open("kept"))
    assert "warning: there is no report: kept/report.html" in capsys.readouterr().err


def test_names_labels_and_paths_of_users_are_text(run, quick):
    hostile = "<script>alert(1)</script>"
    text = churn_text().replace("months,plan,left", f'months,"{hostile}",left')
    text = text.replace("gold", "<b>gold</b>").replace(",yes", ",<i>yes</i>")
    Path("<u>.csv").write_text(text)
    outcome = run("train", "<u>.csv", "--target", "left", "--out", "<em>there", *quick)
    assert outcome.code == 0, outcome.err
    page = read("<em>there/report.html")
    for name in (hostile, "<i>yes</i>", "<u>.csv", "<em>there"):
        assert name in page.text, name


def test_a_table_too_small_for_a_test_part_has_a_report(run, quick):
    Path("small.csv").write_text("x,y\n1.5,0.5\n2.5,3.5\n")
    outcome = run("train", "small.csv", "--target", "y", "--out", "there", *quick)
    assert outcome.code == 0, outcome.err
    assert json.loads(Path("there/metrics.json").read_text())["metrics"]["test"] is None
    page = read("there/report.html")
    assert "There is no test part" in page.text
    assert "No rows were watched" in page.text


@pytest.mark.parametrize("spread", [2.0, 1e12])
def test_targets_that_hardly_differ_can_be_counted(run, quick, spread):
    rows = [f"{number},{1e16 + spread * (number % 7):.1f}" for number in range(60)]
    Path("far.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    words = ("--target", "y", "--task", "regression", "--out", "there")
    outcome = run("train", "far.csv", *words, *quick)
    assert outcome.code == 0, outcome.err
    kept = json.loads(Path("there/metrics.json").read_text())
    assert sum(kept["data"]["target_values"]["counts"]) == kept["parts"]["train"]
    assert "y in the training rows" in read("there/report.html").text


def test_a_score_that_chose_the_epoch_has_its_curve_in_its_own_sign(run, quick):
    words = ("--target", "price", "--metric", "rmse", "--out", "there")
    assert run("train", "houses.csv", *words, *quick).code == 0
    lines = [json.loads(line) for line in Path("there/history.jsonl").read_text().splitlines()]
    assert lines[0]["score"] < 0
    [label] = [one for one in read("there/report.html").labels() if one.startswith("rmse by epoch")]
    assert f"rmse from {-lines[0]['score']:.3g} at first" in label


def test_the_weights_of_rows_are_spoken_of(run, quick):
    lines = churn_text().splitlines()
    weighted = [f"{line},{number % 3}" for number, line in enumerate(lines[1:])]
    Path("weighted.csv").write_text("\n".join([f"{lines[0]},w", *weighted]))
    outcome = run(
        "train", "weighted.csv", "--target", "left", "--weight", "w", "--out", "there", *quick
    )
    assert outcome.code == 0, outcome.err
    assert "Rows count by their weights" in read("there/report.html").text
