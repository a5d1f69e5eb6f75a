"""Every mistake of a user gets one sentence, and nothing that existed is lost."""

import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from tests.cli.tables import QUICK, houses_text

ONE_CLASS = "x,y\n" + "".join(f"{n},yes\n" for n in range(20))
NO_TARGET = "x,y\n" + "".join(f"{n},\n" for n in range(20))
INFINITE = "x,y\n" + "".join(f"{'inf' if n == 7 else n / 3},{n % 2}\n" for n in range(40))
INFINITE_TARGET = "x,y\n" + "".join(f"{n},{'-inf' if n == 7 else n / 3}\n" for n in range(40))
RAGGED = "x,y\n1,2\n3,4,5\n"
GOOD = "x,y\n" + "".join(f"{n},{n / 3}\n" for n in range(40))

TABLES = [
    (b"", "t.csv: the file is empty"),
    (b"x,y\n", "t.csv: there are no rows"),
    (RAGGED.encode(), "t.csv, line 3: 3 values where the header has 2 columns"),
    (b"x,y\n1,\x81\n", "t.csv: byte 0x81"),
    (b"x,y\n1,\x00\n", "zero bytes"),
    (ONE_CLASS.encode(), "column 'y': the target has one value only ('yes')"),
    (NO_TARGET.encode(), "column 'y': the target is missing in every row"),
    (INFINITE.encode(), "column 'x'"),
    (INFINITE_TARGET.encode(), "column 'y': the target is -inf in row 7"),
    (INFINITE_TARGET.replace("-inf", "1e307").encode(), "the target is 1e+307 in row 7"),
    (b"x,y\n1,2\n", "column 'y': the target has one value only ('2')"),
    (b"y\n1.5\n2.5\n3.5\n", "no column is left to learn from"),
    (b"x,y\nc,1.5\nc,2.5\nc,3.5\n", "no column is left to learn from"),
    (b"PK\x03\x04 a workbook", "Excel workbook"),
]


@pytest.mark.parametrize("content, part", TABLES)
def test_tables_that_cannot_be_learned_from(run, content, part):
    Path("t.csv").write_bytes(content)
    outcome = run("train", "t.csv", "--target", "y", *QUICK)
    assert outcome.code == 1
    assert part in outcome.sentence
    assert outcome.out == ""
    assert not Path("runs").exists()


OPTIONS = [
    (["nowhere.csv", "--target", "y"], "'nowhere.csv' does not exist"),
    (["hooses.csv", "--target", "price"], "did you mean 'houses.csv'?"),
    (["", "--target", "y"], "'' is no table"),
    (["*.parquet", "--target", "y"], "no file matches '*.parquet'"),
    (["SELECT x FROM 'houses.csv'", "--target", "y"], "query: "),
    (["DROP TABLE x", "--target", "y"], "'DROP TABLE x' does not exist"),
    (["houses.csv", "--target", "prise"], "no column 'prise'; did you mean 'price'?"),
    (["houses.csv", "--target", "price", "--ignore", "twon"], "did you mean 'town'?"),
    (["houses.csv", "--target", "price", "--weight", "town"], "column 'town'"),
    (["houses.csv", "--target", "price", "--weight", "price"], "cannot be both target and weight"),
    (["houses.csv", "--target", "price", "--time", "town"], "column 'town': time must be dates"),
    (["houses.csv", "--target", "price", "--group", "gruop"], "no column 'gruop'"),
    (["houses.csv", "--target", "town", "--task", "regression"], "column 'town'"),
    (["houses.csv", "--target", "price", "--metric", "rsme"], "did you mean 'rmse'?"),
    (["houses.csv", "--target", "price", "--metric", "accuracy"], "not a score of this regression"),
    (["churn.csv", "--target", "left", "--metric", "rmse"], "not a score of this classification"),
    (["churn.csv", "--target", "left", "--positive", "maybe"], "it has 'no', 'yes'"),
    (["houses.csv", "--target", "price", "--positive", "1"], "is a number, not a class"),
    (["houses.csv", "--target", "price", "--class-weight", "balanced"], "is a number, not a class"),
    (["houses.csv", "--target", "price", "--epochs", "0"], "epochs: must be a whole number of 1"),
    (["houses.csv", "--target", "price", "--hidden", "0"], "hidden: must be whole numbers of 1"),
    (["houses.csv", "--target", "price", "--dropout", "1"], "dropout: must be a number of 0"),
    (["houses.csv", "--target", "price", "--seed", "-1"], "seed: must be a whole number of 0"),
    (["houses.csv", "--target", "price", "--test", "nowhere.csv"], "'nowhere.csv' does not exist"),
    (["houses.csv", "--target", "price", "--test", "churn.csv"], "churn.csv"),
    (["houses.csv", "--target", "price", "--validation", "churn.csv"], "churn.csv"),
    (["--config", "nowhere.toml"], "nowhere.toml: there is no such file"),
    (["--config", "houses.csv"], "houses.csv: not valid TOML"),
]


@pytest.mark.parametrize("words, part", OPTIONS)
def test_options_that_cannot_be(run, words, part):
    outcome = run("train", *words)
    assert outcome.code == 1
    assert part in outcome.sentence
    assert outcome.out == ""
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "change, part",
    [
        (lambda text: text.replace("rooms", "rume"), "other.csv: column 'rooms' not found"),
        (lambda text: text.replace(",weight", ",w"), "other.csv: no column 'weight'"),
        (lambda text: text + "h,inf,2,Ulm,5,1\n", "column 'area': inf in row 120"),
        (lambda text: text + "h,1,2,Ulm,cheap,1\n", "column 'price'"),
    ],
)
@pytest.mark.parametrize("part_of", ["--test", "--validation"])
def test_given_rows_that_cannot_be_scored_are_refused_before_training(run, part_of, change, part):
    lines = houses_text().splitlines()
    weighed = "\n".join(line + (",1" if n else ",weight") for n, line in enumerate(lines)) + "\n"
    Path("weighed.csv").write_text(weighed, "utf-8")
    Path("other.csv").write_text(change(weighed), "utf-8")
    words = ("--target", "price", "--weight", "weight", part_of, "other.csv")
    outcome = run("train", "weighed.csv", *words)
    assert outcome.code == 1
    assert part in outcome.sentence
    assert "network: " not in outcome.err
    assert not Path("runs").exists()


def test_given_rows_without_a_known_label_are_refused_before_training(run):
    Path("other.csv").write_text("months,plan,left\n3,gold,maybe\n", "utf-8")
    outcome = run("train", "churn.csv", "--target", "left", "--test", "other.csv")
    assert "other.csv: no row to watch or to judge by has a label" in outcome.sentence
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "words, part",
    [
        (["--task", "clustering"], "--task: 'clustering' is not known"),
        (["--model", "tabluar"], "did you mean 'tabular'?"),
        (["--class-weight", "equal"], "choose one of balanced."),
        (["--epochs", "many"], "--epochs: must be a whole number, got 'many'."),
        (["--time-limit", "soon"], "--time-limit: must be a number, got 'soon'."),
        (["--hidden", "64x32"], "--hidden: must be whole numbers with commas between"),
    ],
)
def test_words_that_cannot_be_options(run, words, part):
    outcome = run("train", "houses.csv", "--target", "price", *words)
    assert outcome.code == 2
    assert part in outcome.sentence


@pytest.mark.parametrize(
    "text, part",
    [
        ("daat = 'x.csv'\n", "'daat' is not known; did you mean 'data'?"),
        ("epochs = 3\n", "move epochs below a line '[settings]'"),
        ("target = 3\n", "target must be a text, got 3"),
        ("settings = 3\n", "settings must be a table"),
        ("[settings]\nepoch = 3\n", "did you mean 'epochs'?"),
        ("[settings]\nepochs = 'three'\n", "epochs: must be a whole number"),
        ("[settings]\nhidden = [8, 'x']\n", "hidden: must be whole numbers"),
        ("target = 'a\n", "not valid TOML"),
    ],
)
def test_settings_in_a_file_that_cannot_be(run, text, part):
    Path("mine.toml").write_text(text)
    outcome = run("train", "houses.csv", "--target", "price", "--config", "mine.toml")
    assert outcome.code == 1
    assert part in outcome.sentence


def test_an_existing_run_folder_is_refused_and_kept(run):
    Path("there").mkdir()
    Path("there/precious").write_text("kept")
    outcome = run("train", "houses.csv", "--target", "price", "--out", "there", *QUICK)
    assert outcome.code == 1
    assert "there: exists already, nothing was changed" in outcome.sentence
    assert [path.name for path in Path("there").iterdir()] == ["precious"]


@pytest.mark.parametrize("place", ["houses.csv/run", "/proc/run", "/dev/null/run"])
def test_a_place_that_cannot_be_written_fails_before_the_data_is_read(run, place):
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    outcome = run("train", "nowhere.csv", "--target", "price", "--out", place)
    assert outcome.code == 1
    assert "cannot be written" in outcome.sentence
    assert Path("houses.csv").read_text("utf-8") == houses_text()


def test_a_folder_without_permission(run, folder, without_rights):
    (folder / "locked").mkdir(mode=0o555)
    with without_rights():
        outcome = run("train", "houses.csv", "--target", "price", "--out", "locked/run")
    assert "cannot be written" in outcome.sentence


def test_a_file_in_the_way_of_a_run_folder_is_named(run):
    outcome = run("train", "houses.csv", "--target", "price", "--out", "churn.csv/run")
    assert "churn.csv/run: cannot be written, churn.csv is a file." in outcome.sentence


def test_a_failed_training_leaves_no_folder_it_made(run):
    Path("mine").mkdir()
    words = ("--target", "prise", "--out", "mine/new/run")
    assert run("train", "houses.csv", *words).code == 1
    assert list(Path("mine").iterdir()) == []


def test_a_failed_training_keeps_the_runs_that_were_there(run):
    Path("runs/earlier").mkdir(parents=True)
    assert run("train", "houses.csv", "--target", "prise").code == 1
    assert [path.name for path in Path("runs").iterdir()] == ["earlier"]


@pytest.mark.parametrize(
    "text, part",
    [
        ("area,rooms\n1,2\n", "column 'town' not found"),
        ("area,rooms,twon\n1,2,Ulm\n", "did you mean 'twon'?"),
        ("town\nUlm\n", "columns 'area', 'rooms' not found"),
        ("area,rooms,town\nlarge,2,Ulm\n", "column 'area'"),
        ("area,rooms,town\ninf,2,Ulm\n", "column 'area'"),
        ("area,rooms,town\n", "there are no rows"),
    ],
)
def test_tables_that_cannot_be_predicted(run, price_run, text, part):
    Path("new.csv").write_text(text)
    outcome = run("predict", price_run, "new.csv", "--out", "out.csv")
    assert outcome.code == 1
    assert part in outcome.sentence
    assert not Path("out.csv").exists()


class Bomb:
    """What runs code where a pickle is opened."""

    def __reduce__(self):
        return (os.mkdir, ("exploded",))


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def cut_short(path):
    path.write_bytes(path.read_bytes()[:5])


def emptied(path):
    path.write_bytes(b"")


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)


def oversized_header(path):
    path.write_bytes(struct.pack("<Q", 2**40) + path.read_bytes()[8:])


def oversized_shape(path):
    header = {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def pickled(path):
    path.write_bytes(pickle.dumps(Bomb()))


def zipped(path):
    path.write_bytes(b"PK\x03\x04" + bytes(100))


def foreign(path):
    from safetensors.numpy import save_file

    path.unlink()
    save_file({"x": np.zeros(3, np.float32)}, path)


def prose(path):
    path.write_text("This is not a model.\n" * 10)


def folder_instead(path):
    path.unlink()
    path.mkdir()


DAMAGES = [
    (truncated, "the file is cut off"),
    (cut_short, "the file is cut off or damaged"),
    (emptied, "the file is empty"),
    (flipped, "the file is damaged"),
    (oversized_header, "its header needs 1,099,511,627,776 bytes"),
    (oversized_shape, "its arrays need 4,398,046,511,104 bytes"),
    (pickled, "a Python pickle, which is never opened"),
    (zipped, "a zip archive"),
    (foreign, "model.safetensors"),
    (prose, "a text file"),
    (folder_instead, "there is no model.safetensors"),
]


@pytest.mark.parametrize("damage, part", DAMAGES, ids=[one.__name__ for one, _ in DAMAGES])
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_damaged_models_are_refused_and_run_nothing(run, price_run, command, damage, part):
    shutil.copytree(price_run, "copy")
    damage(Path("copy/model.safetensors"))
    outcome = run(command, "copy", "houses.csv")
    assert outcome.code == 1
    assert part in outcome.sentence
    assert "copy" in outcome.sentence and "model.safetensors" in outcome.sentence
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    "place, part",
    [
        ("nowhere", "nowhere: there is no such run folder"),
        (".", "not a run folder, 'model.safetensors' is missing"),
        ("houses.csv", "houses.csv"),
    ],
)
def test_what_is_no_run_is_refused(run, place, part):
    outcome = run("predict", place, "houses.csv")
    assert outcome.code == 1
    assert part in outcome.sentence


def test_another_kind_of_model_is_refused(run):
    from chainrule.files import save_model

    save_model("other.safetensors", {"kind": "sequential"}, {"x": np.zeros(1, np.float32)})
    outcome = run("predict", "other.safetensors", "houses.csv")
    assert "holds no table model but 'sequential'" in outcome.sentence
