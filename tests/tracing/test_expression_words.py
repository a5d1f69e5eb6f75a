"""What is said of an expression beside its equations: letters, names and shapes that fit."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.tracing.equations import Equation, account_of
from chainrule.tracing.formula import evaluate
from chainrule.tracing.page.expression import shipped_expression

ops = cr.ops


def of_column(matrix, vector, made):
    """(A·x)², summed."""
    A, x = cr.variable([[1.0, 2.0], [3.0, 4.0]], matrix), cr.variable([1.0, 2.0], vector)
    z = A @ x
    return cr.trace((z * z).sum(), {made: z})


def of_row(matrix, vector, made):
    """(xᵀ·A)², summed."""
    A, x = cr.variable([[1.0, 2.0], [3.0, 4.0]], matrix), cr.variable([1.0, 2.0], vector)
    z = x @ A
    return cr.trace((z * z).sum(), {made: z})


def of_matrices(left, right, made):
    """(A·B)², summed."""
    A, B = (cr.variable([[1.0, 2.0], [3.0, 4.0]], name) for name in (left, right))
    Z = A @ B
    return cr.trace((Z * Z).sum(), {made: Z})


def of_vectors(left, right, made):
    """x·y, squared."""
    x, y = (cr.variable([1.0, 2.0], name) for name in (left, right))
    z = x @ y
    return cr.trace(z * z, {made: z})


def letters(told):
    """The single letters of a sentence, also those of derivatives; not the article."""
    told = re.sub(r"\ba(?= (matrix|row|column))|\\(text|mathrm\{d\})", "", told)
    return set(
        re.findall(r"(?<![a-zA-Z])(?:d(?=[A-Za-z](?![A-Za-z])))?([A-Za-z])(?![A-Za-z])", told)
    )


@pytest.mark.parametrize("made", [of_column, of_row, of_matrices, of_vectors])
@pytest.mark.parametrize("names", ["WLz", "zLA", "AxL", "ABZ", "xyz", "abc"])
def test_the_legend_has_no_letter_that_is_a_name(made, names):
    trace = made(*names)
    start = {of_vectors: "[a-z]·[a-z] of two"}.get(made, "where ")
    text = " ".join(trace.to_text().split("Forward ─")[0].split())
    (said,) = [one for one in text.partition("local one (∂) ")[2].split("; ")
               if re.match(start, one)]  # fmt: skip
    assert letters(said) and not letters(said) & {*names}
    (shipped,) = [one for one in shipped_expression(trace)["meanings"].values()
                  if re.match(start, one)]  # fmt: skip
    assert shipped == said
    (line,) = [one for one in trace.to_latex().splitlines()
               if r"\text{where }" in one or "of two vectors" in one]  # fmt: skip
    assert letters(said) <= letters(line) and not letters(line) - {"T", "i"} & {*names}


def test_letters_that_nobody_took_are_those_of_books():
    text = " ".join(of_column("W", "v", "h").to_text().split())
    assert "where z = A·x, a matrix times a column: dL/dx = Aᵀ·dL/dz and dL/dA = dL/dz·xᵀ" in text


def test_operations_by_name_alone_are_told_of_operands_of_their_own():
    x, y = cr.variable([3.0, 1.0], "x"), cr.variable(2.0, "y")
    text = cr.trace((ops.equal(x * y, 2.0) * x).sum()).to_text(100)
    assert "equal(x, y): 1 where x = y, else 0" in text


UNSPELLED = {
    "where": (
        lambda z, a, b: ops.where(ops.greater(z, 0.0), a, b),
        ["[1 0] (greater(z, 0))", "[0 1] (equal(v5, 0))"],
    ),
    "norm": (lambda z, a, b: ops.norm(z) * a, ["v9 = 0 (equal(v5, 0))"]),
    "equal": (lambda z, a, b: ops.equal(a, 2.0) * z * b, ["= [0 1] (equal(a, 2))"]),
    "array": (lambda z, a, b: ops.greater(a, [0.5, 9.0]) * z * b, ["= [1 0] (greater(a, v4))"]),
}


@pytest.mark.parametrize("name", UNSPELLED)
def test_no_name_stands_in_the_text_without_a_line_of_its_own(name):
    f, lines = UNSPELLED[name]
    z, a, b = (
        cr.variable(value, name)
        for name, value in (("z", [3.0, -4.0]), ("a", [1.0, 2.0]), ("b", [5.0, 6.0]))
    )
    text = cr.trace(f(z, a, b).sum()).to_text(200)
    said = [" ".join(line.split()) for line in text.splitlines()]
    for line in lines:
        assert any(line in one for one in said), line
    defined = {one.partition(" = ")[0] for one in said}
    assert set(re.findall(r"(?<![\w/])v\d+", text)) <= defined


ROWS = {
    "one row": ([[1.0, -2.0, 0.5]], [[0.0, 1.0, 0.0]]),
    "two rows": ([[1.0, -2.0, 0.5], [0.0, 1.0, 2.0]], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    "a vector": ([1.0, -2.0, 0.5], [0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_derivative_of_a_cross_entropy_has_the_shape_of_its_formula(name):
    values, targets = (np.array(one) for one in ROWS[name])
    z, t = cr.variable(values, "z"), cr.constant(targets)
    p = np.exp(values) / np.exp(values).sum(-1, keepdims=True)
    account = account_of(cr.trace(ops.softmax_cross_entropy(z, t).sum()))
    found = [
        one for section in account.sections[1:2] for one in section.entries
        if isinstance(one, Equation) and one.symbol.name == "z" and one.symbol.by.name == "v3"
    ]  # fmt: skip
    assert [len(one.forms) for one in found] == [1, 1]
    for one in found:
        assert np.shape(one.value) == np.shape(evaluate(one.forms[0])) == values.shape
        np.testing.assert_allclose(one.value, p - targets, rtol=1e-12)


def test_a_formula_of_targets_that_do_not_add_up_to_1_is_not_said():
    z = cr.variable([1.0, -2.0], "z")
    text = cr.trace(ops.softmax_cross_entropy(z, cr.constant([2.0, 1.0]))).to_text()
    share = 1 / (1 + np.exp(-3.0))  # of the first class; 3 p - t
    assert f"∂v3/∂z = [{3 * share - 2:.6f} {3 * (1 - share) - 1:.6f}]" in text
    assert "p - v2" not in text


def test_what_a_number_is_made_of_gets_a_local_derivative_in_its_own_shape():
    z = cr.variable([3.0, -4.0], "z")
    for section in account_of(cr.trace(ops.norm(z))).sections:
        for one in section.entries:
            if isinstance(one, Equation) and one.forms and np.size(one.value) > 1:
                made = evaluate(one.forms[-1])
                assert np.size(made) == 1 or np.shape(made) == np.shape(one.value), one.symbol


@pytest.mark.parametrize(
    "given, written",
    [({"p_z": 0.5, "p": 2.0}, "q"), ({"z": 0.5, "p": 2.0}, "q"), ({"z": 0.5, "w": 2.0}, "p"),
     ({"p_z": 0.5, "q": 2.0}, "r")],
)  # fmt: skip
def test_probabilities_have_a_letter_that_no_name_has(given, written):
    logit, factor = (cr.variable(value, name) for name, value in given.items())
    trace = cr.trace(ops.sigmoid_cross_entropy(logit, cr.constant(1.0)) * factor)
    own, text = next(iter(given)), trace.to_text()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert f"{written} = sigmoid({own}) = sigmoid(0.5) = 0.622459" in lines
    assert "p_p" not in text and rf"{written} & = \sigma" in trace.to_latex()
    symbols = shipped_expression(trace)["symbols"]
    assert symbols[written]["at"] and f"with {written} = sigmoid(z)" in text.replace("\n  ", " ")


def test_probabilities_of_two_pairs_are_told_apart_by_their_logits():
    z, y, p = cr.variable(0.5, "z"), cr.variable(-0.5, "y"), cr.variable(2.0, "p_y")
    first, second = (ops.sigmoid_cross_entropy(one, cr.constant(1.0)) for one in (z, y))
    text = cr.trace(first * p + second).to_text()
    assert "q_z" in text and "q_y" in text and "p_z" not in text
