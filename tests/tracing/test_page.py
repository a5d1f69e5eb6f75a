"""A page as a text: whole, self-contained, safe, small and soon made."""

import json
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest

import chainrule as cr
from chainrule import examples
from chainrule.layers import Dense, Input
from chainrule.tracing.page import network

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Checked(HTMLParser):
    """Tags that open and close as they should; attributes and texts by tag."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.texts = [], [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


def mazur(**how):
    example = examples.mazur()
    return example.models["before"].trace(example.arrays["X"], example.arrays["y"], **how)


def expression():
    return cr.trace(examples.xyz().nodes["f"])


def wide(rows=1, dtype="float32"):
    layers = [Dense(300, "relu"), Dense(100, "relu"), Dense(10, "softmax")]
    model = cr.Sequential([Input((784,)), *layers], seed=0, dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy")
    X = np.random.default_rng(0).random((rows, 784))
    return model, X, np.arange(rows) % 10


def shipped(page):
    return json.loads(re.search(r'id="numbers">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize("trace", [mazur, expression], ids=["a step", "an expression"])
def test_a_page_is_whole_and_needs_nothing_else(trace):
    page = trace().to_html()
    checked = Checked(page)
    tags = [tag for tag, _ in checked.found]
    assert [tags.count(tag) for tag in ("html", "head", "body", "main", "h1", "title")] == [1] * 6
    assert not {"link", "img", "iframe", "object", "embed"} & set(tags)
    assert not any({"src", "href"} & set(attributes) for _, attributes in checked.found)
    [policy] = [one["content"] for _, one in checked.found if "http-equiv" in one]
    assert policy.startswith("default-src 'none';")
    urls = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"']*", page))
    assert urls == {"http://www.w3.org/2000/svg"}  # the name of SVG, which nothing fetches
    assert "@import" not in page and "url(" not in page and "fetch(" not in page


def test_a_page_has_the_tape_and_the_numbers():
    found = shipped(mazur(loss="E").to_html())
    assert found["title"] == "A training step of a network 2‑2‑2"
    assert found["loss"]["name"] == "E"
    names = {one[0] for one in found["tape"]["instructions"]}
    assert {"matmul", "sigmoid", "squared_error", "subtract"} <= names
    assert found["segments"][0] == ["dense/kernel", 0, 4, [2, 2], True]


def test_names_cannot_end_the_script():
    bad = "</script ><script>alert(1)</script><!--\u2028&"
    page = mazur(units=[[bad, "x2"], ["h1", "h2"], ["o1", "o2"]], loss=f"E{bad}").to_html()
    scripts = [tag for tag, _ in Checked(page).found if tag == "script"]
    assert len(scripts) == 2
    assert shipped(page)["names"]["units"][0][0] == bad
    x = cr.variable(1.0, bad)
    page = cr.trace(x * x, {bad + "y": x}).to_html()
    assert len([tag for tag, _ in Checked(page).found if tag == "script"]) == 2


def test_a_title_of_ones_own_leaves_the_size_of_the_network_to_the_line_below():
    plain, own = shipped(mazur().to_html()), shipped(examples.mazur().trace().to_html())
    assert (plain["title"], plain["about"]) == ("A training step of a network 2‑2‑2", "")
    assert own["title"].startswith("Worked example A")
    assert own["about"] == "A training step of a network 2‑2‑2. " and own["remarks"] == []


def test_titles_are_escaped():
    x = cr.variable(2.0, "x")
    y = x * x
    assert "<h1>The chain rule on &lt;b&gt;</h1>" in cr.trace(y, {"<b>": y}).to_html()


def test_names_with_braces_and_backslashes_stay_as_they_are():
    page = mazur(units=[["{{style}}", r"\1"], ["h1", "h2"], ["o1", "o2"]]).to_html()
    assert shipped(page)["names"]["units"][0] == ["{{style}}", r"\1"]


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing():
    page = mazur()._repr_html_()
    [(tag, attributes)] = Checked(page).found
    assert tag == "iframe"
    assert attributes["srcdoc"] == mazur().to_html()
    assert attributes["sandbox"] == "allow-scripts"


def test_a_page_of_784_300_100_10_is_small_and_soon_made():
    model, X, y = wide()
    start = time.perf_counter()
    page = model.trace(X, y).to_html()
    assert time.perf_counter() - start < 2
    assert len(page.encode()) < 2_000_000


def test_weights_of_a_large_network_in_float64_are_rounded():
    model, X, y = wide(dtype="float64")
    page = model.trace(X, y).to_html()
    assert len(page.encode()) < 2_000_000
    assert shipped(page)["rounded"] and not shipped(mazur().to_html())["rounded"]


def test_a_state_that_would_double_the_page_is_left_out():
    model, X, y = wide()
    model.fit(X, y, epochs=1, verbose=0)
    page = model.trace(X, y).to_html()
    assert len(page.encode()) < 2_000_000
    assert shipped(page)["slots"] is None


def test_a_network_too_large_for_a_page_shows_what_each_layer_has(monkeypatch):
    monkeypatch.setattr(network, "MOST_PARAMETERS", 10)
    page = mazur().to_html()
    found = shipped(page)
    assert "tape" not in found
    assert found["large"] == (
        "The network has 12 parameters, more than 10: instead of the drawing, this is what each "
        "layer has."
    )
    assert [one["layer"] for one in found["summary"]] == ["dense", "dense_1"]
    assert found["summary"][0]["parameters"] == 6


def test_a_step_that_is_not_finite_has_a_page_too():
    model = cr.Sequential([Input((1,)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    page = model.trace([[1e200]], [[-1e200]]).to_html()
    assert shipped(page)["loss"]["value"][1] == "float64"
