"""What a notebook shows of evaluations, comparisons and learning curves."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.judging.tables import three
from tests.pages import Page

import chainrule
from chainrule.judging import LearningCurve


def lines_of(table, header):
    """The rows below a header, up to the next header."""
    start = table.index(header) + 1
    lines = []
    for line in table[start:]:
        if len(line) != len(header):
            break
        lines.append(line)
    return lines


def test_an_evaluation_is_its_tables(left):
    found = chainrule.evaluate(*left, by="town", worst=2, metric="f1")
    page = Page(found._repr_html_())
    scores = lines_of(page.rows, ["score", "value", "95 % interval"])
    assert {name for name, *_ in scores} == set(found.scores)
    assert scores[0][:2] == ["f1", f"{found.scores['f1']:.4f}"]
    headers = [row[0] for row in page.rows]
    assert {"score", "threshold", "column", "row"} < set(headers)
    assert any("cannot be told" in text for text in page.texts)
    text = repr(found)
    assert all(cell in text for line in scores for cell in line)


def test_names_cannot_be_markup():
    X, y = three()
    names = np.array(["<b>no", "<i>yes"])[(y > 0).astype(int)]
    found = chainrule.evaluate(LogisticRegression().fit(X, names), X, names, worst=1)
    shown = found._repr_html_()
    assert "<b>no" not in shown and "<i>" not in shown and "&lt;i&gt;yes" in shown


def test_a_comparison_is_both_scores_and_what_they_say():
    X, y = three()
    models = [LogisticRegression(C=C).fit(X, y) for C in (1.0, 1e-3)]
    found = chainrule.compare(*models, X, y, metric="log_loss")
    page = Page(found._repr_html_())
    assert page.rows[0] == ["model", "log_loss", "95 % interval"]
    assert page.rows[1][:2] == ["first", f"{found.first:.4f}"]
    assert float(page.rows[3][1]) == pytest.approx(found.by, abs=1e-4)
    for shown in (repr(found), str(found), " ".join(page.texts)):
        assert found.sentence in shown and "McNemar's test, exact" in shown


def test_a_learning_curve_is_a_row_a_size():
    scores = np.array([[0.9, 0.92], [0.95, 0.97]])
    found = LearningCurve(np.array([100, 2000]), scores, scores - 0.1, "r2")
    page = Page(found._repr_html_())
    assert page.rows == [
        ["rows", "rows learned from", "held out"],
        ["100", "0.9100", "0.8100"],
        ["2,000", "0.9600", "0.8600"],
    ]
    assert found.words in page.texts and found.words in repr(found)
