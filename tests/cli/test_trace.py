"""`chainrule trace` as a process of its own."""

import csv
import io
import json
import re
import subprocess
import sys
import tomllib

import pytest

from chainrule import examples


def trace(*words, cwd=None):
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "trace", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, timeout=120, encoding="utf-8",
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "name, numbers",
    [
        ("mazur", ["0.29837111", "0.13849856", "0.35891648", "0.29102777"]),
        ("han", ["0.13117", "-0.00872", "w46", "-0.26083"]),
        ("xyz", ["-12", "-4"]),
        ("one-one-one", ["0.248584", "-0.622888"]),
        ("xor", ["h1", "h2"]),
    ],
)
def test_examples_show_their_printed_numbers(name, numbers):
    code, out, err = trace("--example", name)
    assert code == 0 and err == ""
    assert [one for one in numbers if one not in out] == []
    assert max(map(len, out.splitlines())) <= 80 and "\x1b" not in out


def test_a_spec_is_printed_changed_and_traced(tmp_path):
    code, text, _ = trace("--example", "mazur", "--spec")
    assert code == 0 and tomllib.loads(text)["optimizer"]["learning_rate"] == 0.5
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("learning_rate = 0.5", "learning_rate = 1.0"), encoding="utf-8")
    code, out, err = trace("--spec", path)
    assert (code, err) == (0, "")
    assert "0.29837111" in out and "0.35891648" not in out
    assert f"{0.40 - 0.08216704:.8f}" in out


@pytest.mark.parametrize(
    "form, sign",
    [("text", "0.13849856"), ("latex", r"\begin{document}"), ("html", "<!doctype html>"),
     ("csv", "0.13849856"), ("json", "0.13849856")],
)  # fmt: skip
def test_the_forms(form, sign, tmp_path):
    code, out, _ = trace("--example", "mazur", "--format", form)
    assert code == 0 and sign.lower() in out.lower()
    ending = {"text": "txt", "latex": "tex"}.get(form, form)
    path = tmp_path / f"mazur.{ending}"
    code, nothing, err = trace("--example", "mazur", "--out", path)
    assert (code, nothing) == (0, "") and "written to" in err
    assert path.read_text(encoding="utf-8") == out
    code, _, err = trace("--example", "mazur", "--out", path)
    assert code == 1 and "exists already, nothing was changed" in err


def test_an_expression_is_checked_by_central_differences():
    code, out, _ = trace("--example", "xyz", "--check")
    assert code == 0 and out.count("central difference") == 3
    assert "(central difference -4)" in out and "(central difference 3)" in out


def test_machines_get_records():
    records = json.loads(trace("--example", "mazur", "--json")[1])
    rows = list(csv.DictReader(io.StringIO(trace("--example", "mazur", "--format", "csv")[1])))
    assert len(records) == len(rows) > 20


def flat_of(text):
    return " ".join(text.split())


def test_what_has_no_step_of_training_gives_its_numbers(tmp_path):
    code, out, err = trace("--example", "softmax-examples", "--digits", 2)
    assert code == 0 and "0.69  0.11  0.20" in out and "no step of training to trace" in err
    code, out, err = trace("--example", "softmax-examples", "--out", tmp_path / "a.csv")
    assert (code, out) == (1, "") and "leave the format out to see its numbers" in err


def test_layers_of_ones_own_are_traced():
    code, out, err = trace("--example", "fixed-basis", "--notation", "columns", "--steps", 2)
    assert (code, err) == (0, "")
    assert "polynomial (Polynomial)" in out and "z = W a + b" in out and "Step 2" in out


def test_the_help_names_every_example():
    out = flat_of(trace("--help")[1])
    assert [name for name in examples.names() if name not in out] == []


def test_a_large_table_says_how_large_it_is(tmp_path):
    layers = "[[layers]]\nunits = 400\n" * 2
    data = f"[data]\nX = [{[0.5] * 300}]\ny = [{[1.0] * 400}]\n"
    (tmp_path / "wide.toml").write_text(layers + data)
    code, out, err = trace("--spec", "wide.toml", "--format", "csv", cwd=tmp_path)
    assert code == 0
    told = re.fullmatch(r"note: writing ([\d.]+) million numbers of 280,800 parameters, .* "
                        r"about (\d+) MB of csv\.\n", err)  # fmt: skip
    assert told is not None
    assert float(told[1]) == pytest.approx(out.count("\n") / 1e6, rel=0.1)
    assert float(told[2]) == pytest.approx(len(out) / 1e6, rel=0.2)


@pytest.mark.parametrize(
    "option, said",
    [
        (("--class-weight", "balanced"), "the class weights of the run's training are left out"),
        (("--weight", "age"), "the weights of rows of the run's training are left out"),
        (("--normalization", "batch"), "takes the means and variances kept for prediction"),
    ],
)
def test_a_row_of_a_run_says_what_is_other_than_in_training(tmp_path, option, said):
    lines = ["age,city,left"]
    lines += [f"{20 + i % 40},{'abc'[i % 3]},{'yes' if i % 40 > 20 else 'no'}" for i in range(80)]
    (tmp_path / "people.csv").write_text("\n".join(lines))
    train = [sys.executable, "-m", "chainrule", "train", "people.csv", "--target", "left", *option]
    subprocess.run(
        [*train, "--epochs", "1", "--out", "run"], cwd=tmp_path, check=True, capture_output=True,
        timeout=300,
    )  # fmt: skip
    code, out, _ = trace("run", "people.csv", "--row", 3, cwd=tmp_path)
    assert code == 0
    assert said in flat_of(out)


def test_a_row_of_a_run(tmp_path):
    lines = ["age,city,left"]
    lines += [f"{20 + i % 40},{'abc'[i % 3]},{'yes' if i % 40 > 20 else 'no'}" for i in range(120)]
    (tmp_path / "people.csv").write_text("\n".join([*lines, "30,a,"]))
    train = [sys.executable, "-m", "chainrule", "train", "people.csv", "--target", "left"]
    subprocess.run(
        [*train, "--epochs", "2", "--out", "run"], cwd=tmp_path, check=True, capture_output=True,
        timeout=300,
    )  # fmt: skip
    code, out, err = trace("run", "people.csv", "--row", 3, cwd=tmp_path)
    assert code == 0 and "note: network 0 of" in err
    assert "no" in out and "age" in out and "mask" not in out
    flat = flat_of(out)
    assert "row 3 of people.csv: age = 23, city = a, left = no" in flat
    assert "(bends at age = " in flat and "cut to lie between -10 and 10: (age - " in flat
    assert "this network predicts left = " in flat and "optimizer begins anew" in flat
    predict = [sys.executable, "-m", "chainrule", "predict", "run", "people.csv", "--proba"]
    predicted = subprocess.run(predict, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    line = list(csv.DictReader(io.StringIO(predicted.stdout)))[3]
    sure = max(float(value) for name, value in line.items() if name != "prediction")
    whole = f"the average of its networks, predicts left = {line['prediction']} with probability "
    assert f"{whole}{sure:.3g}" in flat
    (tmp_path / "new.csv").write_text("age,city\n30,a\n")
    for new, row in (("people.csv", 120), ("new.csv", 0)):
        code, out, err = trace("run", new, "--row", row, cwd=tmp_path)
        assert code == 0 and "the row has no 'left': what this network predicts" in flat_of(out)
        assert "was not met" not in out
    (tmp_path / "far.csv").write_text("age,city\n30,far\n")
    code, out, err = trace("run", "far.csv", "--row", 0, cwd=tmp_path)
    assert "city = far, which was not met in training: all columns of city are 0" in flat_of(out)
    for words, sentence in (
        (("run", "people.csv", "--row", 121), "there is no row 121; people.csv has 121 rows"),
        (("run", "people.csv", "--row", -1), "there is no row -1"),
        (("run", "people.csv", "--row", 1, "--member", 99), "there is no network 99"),
        (("nothing", "people.csv", "--row", 1), "nothing"),
    ):
        code, out, err = trace(*words, cwd=tmp_path)
        assert (code, out) == (1, "") and sentence in err and "Traceback" not in err


@pytest.mark.parametrize(
    "words, code, sentence",
    [
        ((), 2, "name one thing to trace"),
        (("--example", "xyz", "--spec", "a.toml"), 2, "name one thing"),
        (("--spec",), 2, "--spec needs FILE.toml"),
        (("run",), 2, "DATA is missing"),
        (("run", "data.csv"), 2, "--row N is missing"),
        (("--example", "mazur", "--format", "pdf"), 2, "pdf"),
        (("--example", "mazzur"), 1, "is not known"),
        (("--example", "vanishing", "--format", "html"), 1, "no step of training to trace"),
        (("--example", "xyz", "--steps", "2"), 1, "steps: an expression has no layers"),
        (("--example", "mazur", "--row", "3"), 2, "--row goes with RUN DATA"),
        (("--example", "mazur", "--member", "3"), 2, "--member goes with RUN DATA"),
        (("--example", "mazur", "--spec", "--format", "csv"), 2, "--format: a spec is TOML"),
        (("--example", "mazur", "--steps", "0"), 1, "steps"),
        (("--example", "mazur", "--steps", "1" + "0" * 30), 1, "steps must be at most 10,000,000"),
        (("--example", "mazur", "--digits", "-1"), 1, "digits"),
        (("--example", "mazur", "--notation", "up"), 1, "must be 'rows', 'columns', 'theta'"),
        (("--spec", "none.toml"), 1, "there is no such file"),
    ],
)
def test_mistakes_are_one_line(words, code, sentence, tmp_path):
    found, out, err = trace(*words, cwd=tmp_path)
    assert (found, out) == (code, "")
    assert sentence in err and "Traceback" not in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "spec, sentence",
    [
        ('[expressions]\nf = "mean()"', "it is written mean(x)."),
        ('[values]\nx = 1.0\n[expressions]\nf = "x*(0/0)"', "'0/0' divides by 0"),
        ('[values]\n"x y" = 1.0\n[expressions]\nf = "x"', "'x y' cannot stand in a formula"),
        ('layers = [{kind = "Dropout"}]\n[data]\nX = [[1.0]]\ny = [[1.0]]', "write rate = 0.5."),
    ],
)
def test_mistakes_of_a_spec_are_one_line(spec, sentence, tmp_path):
    (tmp_path / "mine.toml").write_text(spec, encoding="utf-8")
    found, out, err = trace("--spec", "mine.toml", cwd=tmp_path)
    assert (found, out) == (1, "")
    assert sentence in err and "Traceback" not in err and err.count("\n") == 1
