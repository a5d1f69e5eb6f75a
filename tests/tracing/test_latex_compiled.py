"""The documents compile with a real TeX engine; collected only where there is one."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from tests.tracing.conftest import ENGINES
from tests.tracing.networks import MAZUR, expressions, han, mazur, model, step_of, table_step
from tests.tracing.test_own_layers import traced

import chainrule as cr
from chainrule import examples, layers

ENGINE = next(filter(None, map(shutil.which, ENGINES)))


def log_of(latex, folder):
    """What the engine says of a document."""
    (folder / "trace.tex").write_text(latex, "utf-8")
    how = [] if ENGINE.endswith("tectonic") else ["-interaction=nonstopmode", "-halt-on-error"]
    ran = subprocess.run(
        [ENGINE, *how, "trace.tex"], cwd=folder, capture_output=True, timeout=120, check=False
    )
    said = ran.stdout.decode("utf-8", "replace") + ran.stderr.decode("utf-8", "replace")
    assert ran.returncode == 0, said[-3000:]
    assert (folder / "trace.pdf").read_bytes().startswith(b"%PDF")
    return said


def check(trace, folder):
    said = log_of(trace.to_latex(), folder)
    assert not re.findall(r"Overfull \\hbox.*", said)
    assert "Missing character" not in said


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_expressions(name, result, nodes, tmp_path):
    check(cr.trace(result, nodes), tmp_path)


@pytest.mark.parametrize("example", [mazur, han])
def test_worked_examples(example, tmp_path):
    check(example(), tmp_path)


def test_given_weights_of_xor(tmp_path):
    given = examples.xor(seeds=[1])
    check(given.model.trace([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 1.0, 0.0]), tmp_path)


@pytest.mark.parametrize(
    "name", ["three binary", "classes", "shares", "activation layer", "dropout", "batch norm",
             "penalties", "constraint", "adam", "rmsprop", "large", "two norms", "group norm",
             "penalties by size", "layer norm at positions", "batch norm at positions",
             "group norm at positions", "labels from logits at positions",
             "shares at positions of outputs", "huber at many positions", "mixed rows inside",
             "own loss"]
)  # fmt: skip
def test_networks(name, tmp_path):
    check(step_of(name, notation="theta", steps=2), tmp_path)


@pytest.mark.parametrize("name", ["quad", "of parameters alone", "shares"])
def test_layers_of_ones_own(name, tmp_path):
    check(traced(name, 2, middle=True)[1], tmp_path)


def test_names_of_any_letters(tmp_path):
    made = model(2, layers.Dense(2, "gelu", name="a_b"), layers.Dense(1))
    trace = made.trace(
        [[1.0, 2.0]], [3.0], digits=8, loss="50%~#&",
        units=[["a_b & c%", "$x^2$"], ["{q}", "ä中~\\#"], ["<o>"]],
    )  # fmt: skip
    check(trace, tmp_path)


NAMES = [["x_1", "x₂"], ["theta4", "z_h1"], ["ŷ", "x\u0304_rain"]]


def test_names_of_books(tmp_path):
    made = mazur(units=NAMES, loss="ℓ", weights="ω_{n}")
    trace = replace(made, title="ŷ³ of ẋ₁ and ℓ, Dvořák")
    assert "[U+" not in trace.to_latex()
    check(trace, tmp_path)


def test_names_of_books_with_normalization(tmp_path):
    made = model(2, layers.Dense(2, "elu"), layers.BatchNormalization(), layers.Dense(2))
    rows, targets = [[1.0, 2.0], [3.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]]
    trace = made.trace(rows, targets, units=[NAMES[0], NAMES[2], NAMES[1]])
    check(trace, tmp_path)


LATIN = [["ışık şiddeti", "țară"], ["gęstość", "wysokość łąki"], ["Þykkt við", "điện bộ ệ"]]


def test_names_of_latin_letters(tmp_path):
    made = mazur(units=LATIN, loss="ł")
    trace = replace(made, title="ĄąĘęŁłŃńŚśŹźŻż ĞğİıŞş ŐőŰű ČčĎďĚěŇňŘřŠšŤťŮůŽž ĢģĶķĻļŅņ ŒœĐđŊŋ ḻ")
    assert "[U+" not in trace.to_latex()
    check(trace, tmp_path)


def test_long_sums_with_many_digits(tmp_path):
    made = model(12, layers.Dense(12, "sigmoid"), layers.Dense(12, "softmax"),
                 loss="categorical_crossentropy")  # fmt: skip
    one = [[0.12345678901234567] * 12]
    hot = [[1.0] + [0.0] * 11]
    check(made.trace(one, hot, digits=12), tmp_path)
    assert MAZUR["digits"] == 8


@pytest.mark.parametrize("bins", [4, 40])
def test_networks_of_tables(bins, tmp_path):
    check(table_step((False,), 2, 0.5, bins=bins, rows=3, notation="theta"), tmp_path)


def test_common_signs_compile_in_names_and_sentences(tmp_path):
    names = [["→←↔↑↓⇒⇔×÷±∓ °C", "≤≥≠≈≡∞∂∇∈∑√−¬ 5 €"], ["½ £§©–—…‘’“”•¼¾∆⋅′·"]]
    text = model(2, layers.Dense(1)).trace([[1.0, 2.0]], [[1.0]], units=names).to_latex()
    assert "[U+" not in text
    assert "Missing character" not in log_of(text, tmp_path)
