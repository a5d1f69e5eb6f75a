"""`explain`: numbers of the methods in Python, rows that training has not seen, mistakes."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.tables import QUICK, churn_text, houses_text

from chainrule import explaining
from chainrule.cli import main
from chainrule.cli.explained_run import explain_run
from chainrule.data import read_table
from chainrule.estimators import load_table_model, plan_table
from chainrule.files import RunFolder
from chainrule.reporting import JudgedRows


@pytest.fixture(scope="session")
def deep_run(tmp_path_factory, price_run):
    """A copy of a run, of which files may be taken away."""
    place = tmp_path_factory.mktemp("copy") / "run"
    shutil.copytree(price_run, place)
    return place


def pairs(record):
    return {one["column"]: one["value"] for one in record["columns"]}


def test_the_model_as_a_whole_is_explained_by_rows_it_has_not_seen(run, price_run):
    outcome = run("explain", price_run, "houses.csv", "--json")
    assert outcome.err.startswith("note: of the 24 test rows that training has not seen.\n")
    record = outcome.record
    table = read_table("houses.csv")
    rows = np.sort(JudgedRows.load(RunFolder.open(price_run).judged_path).rows)
    part = table.take(rows)
    expected = explaining.permutation_importance(price_run, part, part.columns["price"])
    assert pairs(record) == pytest.approx(dict(zip(expected.columns, expected.values, strict=True)))
    assert (record["method"], record["scale"], record["rows"]) == ("permutation", "rmse", 24)
    assert record["base"] == pytest.approx(expected.score)
    assert record["prediction"] is None
    assert record["run"] == str(price_run)
    text = run("explain", price_run, "houses.csv").out
    assert text.startswith("permutation importance: loss of rmse (now ")
    assert "\ncannot tell: What would follow from changing a column in the world" in text
    assert [line.split()[0] for line in text.splitlines()[2:5]] == list(expected.columns)


def test_another_table_is_looked_at_whole_less_rows_without_a_known_target(run, left_run):
    lines = churn_text(40, seed=5).splitlines()
    Path("new.csv").write_text("\n".join([*lines, "3,gold,maybe", "4,gold,"]) + "\n")
    outcome = run("explain", left_run, "new.csv", "--metric", "accuracy", "--json")
    assert "note: 2 rows left out, without a target or of a label not seen" in outcome.err
    assert (outcome.record["rows"], outcome.record["scale"]) == (40, "accuracy")
    few = run("explain", left_run, "new.csv", "--rows", 25, "--json")
    assert few.record["rows"] == 25
    assert "note: 25 of 40 rows, drawn by the seed (--rows)." in few.err


def test_a_row_is_explained_by_a_straight_line(run, left_run):
    outcome = run("explain", left_run, "churn.csv", "--row", 7, "--method", "lime", "--json")
    record = outcome.record
    predicted = run("predict", left_run, "churn.csv", "--proba", "--json").record[7]
    assert record["prediction"] == pytest.approx(predicted["probability_yes"], rel=1e-6)
    assert (record["row"], record["output"]) == (7, "yes")
    total = record["base"] + sum(pairs(record).values())
    assert total == pytest.approx(record["fitted"])
    cells = {one["column"]: one["cell"] for one in record["columns"]}
    months, plan, _ = churn_text().splitlines()[8].split(",")
    assert cells == {"months": int(months), "plan": plan}
    text = run("explain", left_run, "churn.csv", "--row", 7, "--method", "lime").out
    assert text.startswith("row 7: probability of yes 0.")
    assert "(base)" in text and "weighted R2" in text
    other = run(
        "explain", left_run, "churn.csv", "--row", 7, "--method", "lime", "--class", "no", "--json"
    )
    assert other.record["prediction"] == pytest.approx(1 - record["prediction"])


def test_what_each_column_adds_to_a_row_comes_to_its_prediction(run, price_run, left_run):
    outcome = run("explain", price_run, "houses.csv", "--row", 17, "--json")
    record = outcome.record
    predicted = run("predict", price_run, "houses.csv", "--json").record[17]["prediction"]
    assert record["prediction"] == pytest.approx(predicted)
    assert record["base"] + sum(pairs(record).values()) == pytest.approx(predicted)
    assert (record["method"], record["row"], record["scale"]) == ("shap", 17, "number")
    lines = run("explain", price_run, "houses.csv", "--row", 17).out.splitlines()
    assert lines[0].startswith("row 17: price ") and lines[2].split()[0] == "(base)"
    assert float(lines[5].replace(",", "").split()[3]) == pytest.approx(predicted, rel=1e-2)
    logit = run("explain", left_run, "churn.csv", "--row", 3, "--scale", "logit", "--json").record
    chance = run("predict", left_run, "churn.csv", "--proba", "--json").record[3]["probability_yes"]
    total = logit["base"] + sum(pairs(logit).values())
    assert total == pytest.approx(np.log(chance / (1 - chance)), abs=1e-3)


def test_gradients_along_the_way_from_the_mean_come_to_the_prediction(run, left_run):
    words = ("explain", left_run, "churn.csv", "--method", "gradients")
    record = run(*words, "--row", 5, "--json").record
    chance = run("predict", left_run, "churn.csv", "--proba", "--json").record[5]["probability_yes"]
    assert record["prediction"] == pytest.approx(chance, rel=1e-6)
    assert record["base"] + sum(pairs(record).values()) == pytest.approx(chance, abs=2e-3)
    assert record["method"] == "gradients"
    assert "is the answer to the baseline" in run(*words, "--row", 5).out
    assert run(*words).out.startswith("gradients: how far each column moves the probability of yes")


def test_how_far_columns_move_answers_on_average(run, left_run):
    record = run("explain", left_run, "--json").record
    values = list(pairs(record).values())
    assert record["method"] == "shap" and values == sorted(values, reverse=True)
    told = run("explain", left_run, "churn.csv", "--method", "shap", "--rows", 10)
    assert "mean over 10 rows" in told.out and "10 of 24 rows, drawn by the seed" in told.err


def test_the_answer_by_the_values_of_a_column(run, price_run):
    outcome = run("explain", price_run, "houses.csv", "--column", "town", "--json")
    (town,) = outcome.record["columns"]
    assert outcome.record["method"] == "pdp"
    table = read_table("houses.csv")
    model = load_table_model(RunFolder.open(price_run).model_path)
    rows = np.sort(JudgedRows.load(RunFolder.open(price_run).judged_path).rows)
    part = table.take(rows)
    for label, mean in zip(town["labels"], town["curves"][0]["means"], strict=True):
        place = table.columns["town"].values.tolist().index(label)
        everywhere = table.columns["town"].take(np.full(24, place))
        by_hand = model.predict(part.with_column("town", everywhere)).values.mean()
        assert mean == pytest.approx(by_hand, rel=1e-6)
    text = run("explain", price_run, "houses.csv", "--column", "area", "--method", "ice").out
    assert text.startswith("area: price by its values, mean over 24 rows\n")
    assert "8 in 10 rows" in text
    whole = run("explain", price_run, "houses.csv", "--method", "pdp").out
    assert "--column C shows one of them in full" in whole


def test_other_values_of_a_column_of_one_row(run, left_run):
    words = ("explain", left_run, "churn.csv", "--row", 3, "--column", "plan")
    record = run(*words, "--json").record
    (plan,) = record["columns"]
    assert (record["method"], record["row"], plan["ice_rows"]) == ("ice", 3, [3])
    lines = churn_text().splitlines()
    months = lines[4].split(",")[0]
    made = ["months,plan", *(f"{months},{label}" for label in plan["labels"])]
    Path("made.csv").write_text("\n".join(made) + "\n")
    chances = [
        one["probability_yes"]
        for one in run("predict", left_run, "made.csv", "--proba", "--json").record
    ]
    assert plan["curves"][0]["means"] == pytest.approx(chances, rel=1e-6)
    assert run(*words).out.startswith("plan: probability by its values, row 3\n")


def test_a_hidden_unit(run, price_run):
    outcome = run("explain", price_run, "houses.csv", "--unit", "dense_0.3")
    assert outcome.out.startswith("dense_0.3 of network 0: ")
    for part in ("what drives it", "rows that excite it most", "when the unit is held at"):
        assert part in outcome.out
    record = run("explain", price_run, "houses.csv", "--unit", "dense_0.3", "--json").record
    expected = explaining.hidden_unit(price_run, read_table("houses.csv"), "dense_0.3")
    assert record["name"] == expected.name
    assert [one["row"] for one in record["rows"]] == [one.row for one in expected.rows]


def test_without_a_table_the_rows_that_the_run_has_kept_serve(run, price_run, deep_run):
    outcome = run("explain", price_run, "--method", "pdp", "--json")
    assert "training rows that the run has kept; name DATA for others." in outcome.err
    assert set(pairs(outcome.record)) == {"area", "rooms", "town"}
    model = load_table_model(deep_run / "model.safetensors")
    model.background = None
    model.save(deep_run / "model.safetensors")
    refused = run("explain", deep_run, "--method", "pdp")
    assert "has kept no rows of training; name the table" in refused.sentence


@pytest.mark.parametrize(
    "words, wrong",
    [
        (("houses.csv", "--row", 120, "--method", "lime"), "there is no row 120; houses.csv has "
         "120 rows, counted from 0"),
        (("houses.csv", "--row", -1, "--method", "ice"), "there is no row -1"),
        (("houses.csv", "--column", "id"), "'id' cannot be explained: the model does not use it"),
        (("houses.csv", "--column", "aera"), "there is no column 'aera'; did you mean 'area'?"),
        (("houses.csv", "--unit", "dense_0.8"), "dense_0 has units 0 to 7, got 8"),
        (("houses.csv", "--unit", "dense_7.0"), "'dense_7' is no hidden layer"),
        (("houses.csv", "--method", "lime"), "explains one row; name it with --row N"),
        (("houses.csv", "--row", 1, "--method", "pdp"), "explains the model as a whole; leave out"),
        (("bare.csv",), "bare.csv: has no target 'price', which permutation needs"),
        (("houses.csv", "--class", "yes", "--column", "area"), "'price' is a number and has no"),
        (("houses.csv", "--scale", "logit", "--column", "area"), "--scale: 'logit' does not"),
        (("houses.csv", "--metric", "accuracy"), "'accuracy' is not a score of this regression"),
        (("houses.csv", "--metric", "mae", "--method", "pdp"), "--metric: goes with --method perm"),
        (("houses.csv", "--column", "area", "--method", "lime", "--row", 1), "--column: goes with"),
        (("houses.csv", "--unit", "dense_0.1", "--row", 1), "--row: a hidden unit is explained "
         "over all rows"),
        (("houses.csv", "--scale", "logit"), "--scale: permutation is not told by class or scale"),
        (("houses.csv", "--unit", "dense_0.1", "--class", "a"), "--class: hidden units are not"),
        (("houses.csv", "--rows", 1), "--rows: must be 2 or more, got 1"),
        (("houses.csv", "--rows", 5, "--row", 3), "--rows: goes with explanations of many rows"),
        (("houses.csv", "--member", 1), "--member: names the network of a hidden unit"),
        (("houses.csv", "--scale", "logit", "--row", 1), "the target is a number; leave it out."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(run, price_run, words, wrong):
    Path("bare.csv").write_text("area,rooms,town\n50,2,Ulm\n60,3,Ulm\n", "utf-8")
    outcome = run("explain", price_run, *words)
    assert outcome.code == 1
    assert wrong in outcome.sentence


def test_an_unknown_class_is_named_with_those_known(run, left_run):
    outcome = run("explain", left_run, "churn.csv", "--column", "plan", "--class", "maybe")
    assert "the model knows no class 'maybe'; known: 'no', 'yes'" in outcome.sentence


def test_training_keeps_what_the_model_goes_by_and_shows_it(run, quick, price_run):
    record = json.loads((price_run / "explained.json").read_text())
    assert set(pairs(record["importance"])) == {"area", "rooms", "town"}
    assert {one["column"] for one in record["dependence"]} == {"area", "rooms", "town"}
    page = (price_run / "report.html").read_text("utf-8")
    assert 'id="explained"' in page and "What the model goes by" in page
    Path("few.csv").write_text("\n".join(houses_text().splitlines()[:13]) + "\n", "utf-8")
    assert run("train", "few.csv", "--target", "price", "--out", "few", *quick).code == 0
    if json.loads(Path("few/metrics.json").read_text())["metrics"]["test"] is None:
        assert "There are no test rows" in Path("few/explained.json").read_text()


def test_what_cannot_be_kept_is_said_and_the_rest_is_there(price_run, tmp_path, capsys):
    model = load_table_model(price_run / "model.safetensors")
    table = read_table("houses.csv")
    plan = plan_table(table, "price", model.settings)
    explain_run(plan, model, RunFolder(tmp_path / "gone"))
    assert "warning: the report does not say what the model goes by: " in capsys.readouterr().err


def test_training_again_explains_to_the_same_bits(run, quick):
    for out in ("one", "two"):
        assert run("train", "churn.csv", "--target", "left", "--out", out, *quick).code == 0
    assert Path("one/explained.json").read_bytes() == Path("two/explained.json").read_bytes()


@pytest.fixture(scope="session")
def letters_run(tmp_path_factory):
    """A run of 24 classes."""
    place = tmp_path_factory.mktemp("letters")
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.3f},{rng.normal():.3f},c{row % 24:02}" for row in range(480)]
    (place / "data.csv").write_text("\n".join(["strong,noise,letter", *lines]) + "\n", "utf-8")
    words = ["--target", "letter", "--out", str(place / "run"), "--json", *QUICK]
    assert main(["train", str(place / "data.csv"), *words]) == 0
    return place / "run"


def test_slopes_are_told_of_all_rows_and_of_one(run, price_run):
    table = read_table("houses.csv")
    kept = np.sort(JudgedRows.load(RunFolder.open(price_run).judged_path).rows)
    words = ("explain", price_run, "houses.csv", "--method", "saliency")
    expected = explaining.saliency(price_run, table.take(kept)).importance()
    record = run(*words, "--json").record
    assert record["method"] == "saliency"
    assert pairs(record) == pytest.approx(dict(zip(expected.columns, expected.values, strict=True)))
    text = run(*words).out
    assert text.startswith("saliency: how fast the price changes with each column, mean over 24 ")
    one = run(*words, "--row", 17, "--json").record
    found = explaining.saliency(price_run, table.take(np.array([17])))
    slopes = dict(zip(found.columns, found.values[0], strict=True))
    assert pairs(one) == pytest.approx(slopes)
    sizes = [abs(value) for value in pairs(one).values()]
    assert sizes == sorted(sizes, reverse=True)
    assert one["prediction"] == pytest.approx(found.prediction[0])
    assert "with a standard deviation of a number" in run(*words, "--row", 17).out


def test_of_many_classes_the_most_probable_ones_are_told(run, letters_run):
    table = str(letters_run.parent / "data.csv")
    words = ("explain", letters_run, table)
    whole = run(*words, "--column", "strong")
    assert len(whole.out.splitlines()) < 30
    assert "\nOf 24 classes the most probable ones are shown first.\n" in whole.out
    assert "20 more classes: see --json, or name one with --class" in whole.out
    model = load_table_model(RunFolder.open(letters_run).model_path)
    judged = np.sort(JudgedRows.load(RunFolder.open(letters_run).judged_path).rows)
    answers = model.predict(read_table(table).take(judged)).probabilities.mean(axis=0)
    classes = np.array(model.labels.classes)[np.argsort(-answers)].tolist()
    assert whole.out.splitlines()[1].split() == ["value", *classes[:4]]
    for method in ("gradients", "saliency"):
        told = run(*words, "--method", method)
        named = ", ".join(map(repr, classes[:4]))
        assert f"of 24 classes the 4 most probable ones, {named}; --class names another" in told.err
        assert f" {classes[2]} and {classes[3]}" in told.out
    shap = run(*words, "--method", "shap", "--rows", 20)
    assert "the probability of 24 classes, mean over 20 rows" in shap.out
    best = model.predict(read_table(table).take(np.array([3]))).values[0]
    for method in ("shap", "gradients", "saliency", "lime"):
        told = run(*words, "--row", 3, "--method", method)
        assert f"of 24 classes the most probable one, {best!r}; --class names another." in told.err
        assert told.out.startswith(f"row 3: probability of {best} ")
        other = run(*words, "--row", 3, "--method", method, "--class", "c05")
        assert other.out.startswith("row 3: probability of c05 ")
    unit = run(*words, "--unit", "dense_0.3")
    assert "  ... and 20 more classes that it moves less, see --json" in unit.out


def test_few_rows_are_looked_at_where_slopes_take_long(run, left_run):
    Path("new.csv").write_text(churn_text(300, seed=5), "utf-8")
    words = ("explain", left_run, "new.csv", "--method", "gradients")
    outcome = run(*words)
    assert outcome.err == "note: 200 of 300 rows, drawn by the seed (--rows).\n"
    assert "mean over 200 rows" in outcome.out
    assert "mean over 300 rows" in run(*words, "--rows", 400).out
    for method in ("permutation", "shap", "pdp", "gradients", "saliency"):
        few = run("explain", left_run, "new.csv", "--method", method, "--rows", 3).out
        assert "cannot tell: What other rows would show: 3 rows are few to look at." in few, method


def test_the_runs_own_table_serves_where_it_is_still_there(run, quick):
    Path("mine.csv").write_text(houses_text(60), "utf-8")
    assert run("train", "mine.csv", "--target", "price", "--out", "mine", *quick).code == 0
    for words in (("--row", 7), ("--row", 7, "--column", "area"), ("--method", "permutation")):
        given = run("explain", "mine", "mine.csv", *words)
        own = run("explain", "mine", *words)
        assert own.code == 0
        assert own.out == given.out
        source = Path("mine.csv").absolute()
        assert own.err == f"note: of {source}, which the run was trained on.\n{given.err}"
    Path("mine.csv").write_text(houses_text(61), "utf-8")
    changed = run("explain", "mine", "--row", 7)
    assert "mine.csv: has changed since the run was trained; name it as DATA" in changed.sentence
    Path("mine.csv").unlink()
    gone = run("explain", "mine", "--row", 7)
    assert "mine.csv: the run's table is not there any more; name one as DATA." in gone.sentence
    Path("mine/config.toml").unlink()
    unknown = run("explain", "mine", "--row", 7)
    assert "does not say which table it was trained on; name one as DATA." in unknown.sentence


def test_missing_numbers_and_columns_used_for_presence_are_told(run, quick):
    rng = np.random.default_rng(4)
    lines = ["size,ticket,left"]
    for row in range(200):
        has = rng.random() < 0.5
        size = "" if row % 9 == 0 else f"{rng.normal():.2f}"
        lines.append(f"{size},{f'no {row}' if has else ''},{'yes' if has else 'no'}")
    Path("seats.csv").write_text("\n".join(lines) + "\n", "utf-8")
    assert run("train", "seats.csv", "--target", "left", "--out", "seats", *quick).code == 0
    words = ("explain", "seats", "seats.csv")
    ticket = run(*words, "--column", "ticket").out.splitlines()
    assert sorted(line.split()[0] for line in ticket[2:4]) == ["missing", "present"]
    assert not re.match(" +no ", ticket[4])
    size = run(*words, "--column", "size").out.splitlines()
    assert size[2 + 20].split()[0] == "missing"
    overview = run(*words, "--method", "pdp").out
    assert ", and missing" in overview and "2 values" in overview
    unit = run(*words, "--unit", "dense_0.3").out
    assert "ticket = present" in unit and "ticket = missing" in unit


def test_rows_of_training_in_another_order_are_said(run, price_run):
    head, *lines = Path("houses.csv").read_text("utf-8").splitlines()
    Path("turned.csv").write_text("\n".join([head, *lines[::-1]]) + "\n", "utf-8")
    outcome = run("explain", price_run, "turned.csv", "--method", "shap", "--rows", 5)
    assert "rows stand among those that the run was trained on, cell by cell." in outcome.err


def test_one_row_has_no_interval(run, price_run):
    head, first, *_ = Path("houses.csv").read_text("utf-8").splitlines()
    Path("one.csv").write_text(f"{head}\n{first}\n", "utf-8")
    outcome = run("explain", price_run, "one.csv", "--method", "pdp", "--column", "area")
    assert outcome.out.splitlines()[2].split()[-1] == "-"
