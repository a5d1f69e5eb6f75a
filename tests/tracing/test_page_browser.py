"""What a reader sees and does in a page, in a headless browser."""

import json
import re

import numpy as np
import pytest
from tests.tracing import networks
from tests.tracing.browser import read

import chainrule as cr
from chainrule import examples
from chainrule.layers import BatchNormalization, Dense, Dropout, Input
from chainrule.tracing import trace_steps
from chainrule.tracing.page import network

X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def mazur():
    return examples.mazur().models["before"]


@pytest.fixture(scope="module")
def page():
    return mazur().trace(X, Y, weights="w{n}", digits=8).to_html()


def xor(rows=4):
    model = cr.Sequential([Input((2,)), Dense(3, "tanh"), Dense(1, "sigmoid")], seed=1,
                          dtype="float64")  # fmt: skip
    model.compile(cr.optimizers.SGD(0.5), "binary_crossentropy")
    return model, np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])


def shown(value, digits=8):
    return f"{value:.{digits}f}".replace("-", "−")


def bare(value):
    """As equations have it, without zeros at its end."""
    return shown(value).rstrip("0")


def test_keys_and_buttons_walk_through_the_step(page, tmp_path):
    found = read(page, """
      const seen = [];
      const look = () => seen.push([text("#where"), text("#moment"), text("#told")]);
      look(); press("ArrowRight", document.body); look(); click(one("[data-go=next]")); look();
      press("ArrowLeft", document.body); look(); press("End", document.body); look();
      press("ArrowRight", document.body); look(); click(one("[data-go=first]")); look();
      return seen;""", tmp_path)  # fmt: skip
    places = [where.split(" of ")[0] for where, _, _ in found]
    assert places == ["1", "2", "3", "2", "23", "23", "1"]
    assert found[0][1] == "The inputs"
    assert found[1][1] == "The weighted sum of h1"
    assert found[1][2].startswith("zh1 = x1·w1 + x2·w2 + b1[1]= 0.05·0.15 + 0.1·0.2 + 0.35= 0.3775")
    assert found[2][2] == "h1 = sigmoid(zh1) = sigmoid(0.3775) = 0.59326999sigmoid(z) = 1/(1 + e−z)"
    assert shown(0.29102777) in found[4][2]


@pytest.mark.parametrize(
    "text, made",
    [
        ("1/(1 + e^−z)", "1/(1 + e<sup>−z</sup>)"),
        ("e^(−z^2/2)/sqrt(2π)", "e<sup>−z<sup>2</sup>/2</sup>/sqrt(2π)"),
        ("|z|^p + x^2", "|z|<sup>p</sup> + x<sup>2</sup>"),
        (
            "e^z\x02h1\x03 / Σ e^z\x02k\x03",
            "e<sup>z<sub>h1</sub></sup> / Σ e<sup>z<sub>k</sub></sup>",
        ),
        (
            "e^(−z\x02o\x03^2) + w\x025\x03",
            "e<sup>−z<sub>o</sub><sup>2</sup></sup> + w<sub>5</sub>",
        ),
        ("β\x022\x03^step", "β<sub>2</sub><sup>step</sup>"),
        ("a ^ b", "a ^ b"),
        ("e^min(z, 0)·(1 + x)", "e<sup>min(z, 0)</sup>·(1 + x)"),
        ("e^dense[1,1] + e^(a·(b + c))", "e<sup>dense[1,1]</sup> + e<sup>a·(b + c)</sup>"),
        ("= e^[0.1494, −2]", "= e<sup>[0.1494, −2]</sup>"),
        ("e^[weight of row]~/2", "e<sup>[weight of row]~</sup>/2"),
        ("x\x021\x03^2·(a + b)", "x<sub>1</sub><sup>2</sup>·(a + b)"),
        ("e^−z(2)", "e<sup>−z(2)</sup>"),
    ],
)
def test_exponents_stand_above_the_line(page, text, made, tmp_path):
    found = read(page, f"""
      const place = document.createElement("p");
      place.append(rich({json.dumps(text)}));
      return place.innerHTML;""", tmp_path)  # fmt: skip
    assert found == made


def test_formulas_of_one_row_look_like_formulas(tmp_path):
    model, x, y = xor()
    found = read(model.trace(x, y).to_html(), """
      click(keyed("w/1/0/0"));
      return all("#panel p").map((line) => [line.textContent, line.className]);""",
      tmp_path)  # fmt: skip
    kinds = {line.split(" ")[0]: kind for line, kind in found}
    assert kinds["Row"] == kinds["∂L/∂W1[1,1]"] == "formula"
    assert kinds["The"] == "line"


def test_values_appear_as_the_walk_reaches_them(page, tmp_path):
    found = read(page, """
      const words = () => keyed("u/2/0").getAttribute("aria-label");
      const seen = [words()];
      for (let n = 0; n < 22; n++) { press("ArrowRight", document.body); seen.push(words()); }
      return seen;""", tmp_path)  # fmt: skip
    assert found[0] == "Unit o1, layer 2"
    assert "z 1.1059" in found[5] and "a " not in found[5]
    assert found[-1] == "Unit o1, layer 2: z 1.1059, a 0.7514, δ 0.1385"


def test_every_moment_says_its_numbers(page, tmp_path):
    told = read(page, """
      const seen = [];
      for (let n = 0; n < 23; n++) { seen.push(text("#told")); press("ArrowRight", document.body); }
      return seen.join("\\n");""", tmp_path)  # fmt: skip
    for value in (0.59326999, 0.59688438, 0.75136507, 0.77292847, 0.29837111, 0.13849856,
                  -0.03809824, 0.00877135, 0.00995425, 0.35891648, 0.40866619, 0.51130127,
                  0.56137012, 0.14978072, 0.19956143, 0.24975114, 0.29950229):  # fmt: skip
        assert shown(value) in told, value
    assert "b1[1] is held fixed." in told


def test_a_weight_shows_its_factors_and_a_change_of_it_changes_everything(page, tmp_path):
    found = read(page, """
      press("End", document.body);
      click(keyed("w/2/0/0"));
      const before = text("#panel");
      const field = one("#panel input");
      type(field, "0.9");
      const after = [text("#panel"), text("#told"), text("#status"), field.value];
      click(all("#panel .field button")[0]);
      return [before, ...after, text("#status"), field.value];""", tmp_path)  # fmt: skip
    before, panel, told, status, value, reset, back = found
    assert "Weight w5" in before and "from h1 to o1" in before
    assert (
        "∂L/∂w5 = ∂L/∂o1·∂o1/∂zo1·∂zo1/∂w5= 0.74136507·0.1868156·0.59326999= 0.08216704" in before
    )
    assert "∂L/∂o1 = o1 − t1 = 0.75136507 − 0.01 = 0.74136507" in before
    assert "∂L/∂w5 = h1·δo1 = 0.59326999·0.13849856 = 0.08216704" in before
    assert "w5′ = w5 − rate·∂L/∂w5 = 0.4 − 0.5·0.08216704 = 0.35891648" in before
    changed = mazur()
    weights = changed.get_weights()
    weights[2][0, 0] = 0.9
    changed.set_weights(weights)
    expected = changed.trace(X, Y)
    assert status == f"L is now {shown(expected.loss)}."
    assert shown(expected.grad_kernel[1][0, 0]) in panel
    assert shown(expected.loss_after) in told
    assert (value, back) == ("0.9", "0.4")
    assert reset == f"L is now {shown(mazur().evaluate(X, Y))}."


def test_what_was_said_of_the_row_is_told_to_be_of_the_row_as_it_was(tmp_path):
    example = examples.mazur()
    trainer = example.model.trainer
    data = trainer.data(example.arrays["X"], example.arrays["y"])
    found = read(trace_steps(trainer, data, remarks=["it predicts 0.75"]).to_html(), """
      const said = [text("#notes")];
      click(keyed("u/0/0"));
      type(one("#panel input"), "0.9");
      said.push(text("#notes"));
      click(all("#panel .field button")[0]);
      click(all("button").find((button) => button.textContent === "Start again"));
      said.push(text("#notes"));
      return said;""", tmp_path)  # fmt: skip
    words = "That was said of the row as it was traced; numbers have been changed since."
    assert ["It predicts 0.75." in notes for notes in found] == [True, True, True]
    assert [words in notes for notes in found] == [False, True, False]


@pytest.mark.parametrize("typed, kept", [("", "0.4"), ("1e400", "1e+40")])
def test_a_field_with_no_number_says_so_and_shows_what_it_stays_at(page, tmp_path, typed, kept):
    found = read(page, f"""
      click(keyed("w/2/0/0"));
      const field = one("#panel input");
      if ({typed!r} !== "") type(field, "1e40");
      type(field, {typed!r});
      field.dispatchEvent(new Event("change", {{ bubbles: true }}));
      return [field.value, text("#panel .said")];""", tmp_path)  # fmt: skip
    assert found == [kept, f"That is no number: it stays {kept}."]


def test_inputs_targets_and_rows_of_a_batch_can_be_changed(tmp_path):
    model, rows, targets = xor()
    found = read(model.trace(rows, targets, digits=8).to_html(), """
      type(one("#row"), "3");
      click(keyed("u/0/1"));
      const given = one("#panel input").value;
      type(one("#panel input"), "0.25");
      click(keyed("t/0"));
      type(one("#panel input"), "0.5");
      press("End", document.body);
      return [given, text("#told"), text("#status")];""", tmp_path)  # fmt: skip
    rows[2, 1], targets[2, 0] = 0.25, 0.5
    expected = model.trace(rows, targets)
    assert found[0] == "0"
    assert bare(expected.loss_after) in found[1]
    assert found[2] == f"L is now {shown(expected.loss)}."


def test_the_slope_is_measured_in_the_page(page, tmp_path):
    found = read(page, """
      click(keyed("w/1/0/0"));
      click(all("#panel button").find((one) => one.textContent.startsWith("Check")));
      return all("#panel [role=status]").map((one) => one.textContent);""", tmp_path)  # fmt: skip
    slope = shown(0.000438567720)
    assert found == [f"Central difference {slope}, gradient {slope}: they agree."]


def test_a_reader_who_writes_errors_finds_minus_the_gradient_everywhere(tmp_path):
    trace = networks.han()
    found = read(trace.to_html(), """
      for (let n = 0; n < 11; n++) press("ArrowRight", document.body);
      click(keyed("w/2/0/0"));
      click(all("#panel button").find((one) => one.textContent.startsWith("Check")));
      return [text("#panel [role=status]"), all("#tables th").map((one) => one.textContent),
        keyed("w/2/0/0").getAttribute("aria-label"), text("#legend")];""", tmp_path)  # fmt: skip
    slope = shown(-trace.grad_kernel[1][0, 0], 5)
    assert found[0] == f"Central difference {slope}, minus the gradient {slope}: they agree."
    assert "−∂L/∂w" in found[1] and "∂L/∂w" not in found[1]
    assert found[2] == "Weight w46 from 4 to 6: −0.3, minus the gradient 0.0435"
    assert "−∂ on them is minus the gradient" in found[3]


def test_the_keyboard_reaches_everything_in_reading_order(page, tmp_path):
    found = read(page, """
      const stops = all("button, input, summary, [tabindex='0']")
        .filter((one) => one.getClientRects().length && !one.disabled)
        .map((one) => one.dataset.go ?? one.dataset.key ?? one.textContent.trim());
      const edge = keyed("w/1/1/0");
      edge.focus();
      const focused = document.activeElement === edge;
      press("Enter");
      const title = [text("#panel h2"), document.activeElement.id];
      press("Escape");
      const returned = document.activeElement.dataset.key;
      press("ArrowRight");
      const kept = document.activeElement.dataset.key;
      return [stops, focused, title, returned, kept, text("#where")];""",
      tmp_path)  # fmt: skip
    stops, focused, title, returned, kept, where = found
    assert stops[:4] == ["first", "previous", "next", "last"]
    drawn = [stop for stop in stops if re.fullmatch(r"[uwbt]/.*|L", stop)]
    assert len(drawn) == 2 + 4 + 2 + 2 + 4 + 2 + 2 + 2 + 1
    columns = [int(stop.split("/")[1]) for stop in drawn if stop[0] in "uwb"]
    assert columns == sorted(columns) and drawn[-1] == "L"
    assert focused and title == ["Weight w3", "chosen"]
    assert returned == kept == "w/1/1/0"
    assert where.startswith("2 of 23")


def test_what_is_drawn_has_a_name_that_is_read_aloud(page, tmp_path):
    found = read(page, """
      press("End", document.body);
      const label = (one) => one.getAttribute("aria-label");
      const drawn = all("#drawing [data-key]");
      const unnamed = all("input, button")
        .filter((one) => !one.textContent && !one.labels?.length && !label(one));
      return [drawn.map((one) => [one.getAttribute("role"), label(one), one.tabIndex]),
        one("#told").getAttribute("aria-live"), all("h1").length, all("main").length,
        document.documentElement.lang, unnamed.length];""",
      tmp_path)  # fmt: skip
    drawn, live, titles, mains, language, unnamed = found
    assert all(role == "button" and label for role, label, _ in drawn)
    assert [label for _, label, _ in drawn if label.startswith("Weight w5")] == [
        "Weight w5 from h1 to o1: 0.4, new 0.3589"
    ]
    assert (live, titles, mains, language, unnamed) == ("polite", 1, 1, "en", 0)


def pages():
    yield "mazur", mazur().trace(X, Y)
    model, rows, targets = xor()
    yield "xor", model.trace(rows, targets)
    yield "expression", cr.trace(examples.one_one_one().nodes["J"])
    deep = [Dense(4), BatchNormalization(), Dropout(0.5), Dense(40, "relu"), Dense(3, "softmax")]
    wide = cr.Sequential([Input((30,)), *deep], seed=0)
    wide.compile("adam", "sparse_categorical_crossentropy")
    yield "wide", wide.trace(np.random.default_rng(0).normal(size=(3, 30)), [0, 1, 2])
    many = cr.Sequential([Input((2,)), *(Dense(2, "tanh") for _ in range(20)), Dense(1)], seed=0)
    many.compile("sgd", "mse")
    yield "many layers", many.trace([[1.0, 2.0]], [[0.5]])


PAGES = dict(pages())


@pytest.mark.parametrize("name", PAGES)
def test_every_moment_and_every_panel_can_be_shown(name, tmp_path):
    found = read(PAGES[name].to_html(), """
      const texts = [];
      for (const _ of page.subject.moments) {
        texts.push(document.body.innerText);
        for (const drawn of all("#drawing [data-key]").slice(0, 12)) {
          click(keyed(drawn.dataset.key));
          texts.push(text("#panel"));
        }
        press("ArrowRight", document.body);
      }
      const wrong = texts.filter((one) => /undefined|NaN|\\[object|null/.test(one));
      return [texts.length, wrong.slice(0, 2)];""", tmp_path)  # fmt: skip
    assert found[0] > 3 and found[1] == []


def test_a_wide_layer_is_folded_and_a_unit_is_brought_in(tmp_path):
    found = read(PAGES["wide"].to_html(), """
      const before = [all("#folds p").map((one) => one.textContent), !!keyed("u/5/11")];
      const form = all("#folds form")[1];
      const bring = (words) => {
        all("#folds form")[1].querySelector("input").value = words;
        all("#folds form")[1].querySelector("button").click();
      };
      const drawn = () => all("#drawing [data-key^='u/4/']").length;
      const counts = [drawn()];
      const { names } = page.subject.network.columns[4];
      const left = names.findIndex((_, unit) => !keyed(`u/4/${unit}`));
      bring(names[left]);
      counts.push(drawn(), !!keyed(`u/4/${left}`));
      bring("41");
      return [before[0], counts, all("#folds .said")[1].textContent];""", tmp_path)  # fmt: skip
    captions, counts, said = found
    assert captions[0] == (
        "8 of 30 units of inputs are shown, those with the largest Σ |x·w·δ| for this row."
    )
    assert "8 of 40 units of layer 2 are shown" in captions[1]
    assert counts == [8, 9, True]
    assert said == "There is no unit 41: give a name, or a number from 1 to 40."


def test_fields_for_units_of_many_layers_wait_behind_a_heading(tmp_path):
    def opened(layers):
        wide = [Dense(12, "tanh") for _ in range(layers)]
        model = cr.Sequential([Input((2,)), *wide, Dense(1)], seed=0)
        model.compile("sgd", "mse")
        return read(model.trace([[1.0, 2.0]], [[0.5]]).to_html(), """
          click(one("[data-go=next]"));
          const { hidden, open } = one("#folded");
          return [hidden, open, all("#folds form").length];""", tmp_path)  # fmt: skip

    assert opened(0) == [True, False, 0]
    assert opened(3) == [False, True, 3]
    assert opened(4) == [False, False, 4]


def test_a_network_too_large_for_a_page_shows_its_layers_and_its_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(network, "MOST_PARAMETERS", 10)
    found = read(mazur().trace(X, Y).to_html(), """
      return [one("#stage").getClientRects().length, text("#lead"), one("tbody").innerText];""",
      tmp_path)  # fmt: skip
    assert found[0] == 0
    assert found[1].endswith("The loss L is 0.298371, after the step 0.291028.")
    assert found[2].startswith("dense\tDense\t2\t6\t")


def test_an_expression_follows_a_changed_variable(tmp_path):
    x, w = cr.variable(1.5, "x"), cr.variable(-0.5, "w")
    found = read(cr.trace(cr.ops.sigmoid(x * w) + w, digits=8).to_html(), """
      press("End", document.body);
      click(keyed("n/2"));
      type(one("#panel input"), "0.75");
      return [text("#status"), text("#panel")];""", tmp_path)  # fmt: skip
    w = cr.variable(0.75, "w")
    y = cr.ops.sigmoid(x * w) + w
    slope = cr.grad(y, w).value
    assert found[0] == f"v5 is now {shown(y.value)}."
    assert f"= {shown(slope)}" in found[1]


def test_the_factors_of_a_path_follow_a_changed_weight(tmp_path):
    found = read(examples.one_one_one().trace().to_html(), """
      click(keyed("n/3"));
      const before = text("#panel");
      type(one("#panel input"), "2.5");
      const label = all("#drawing [data-key]").find((at) => at.dataset.key === "n/1");
      return [before, text("#panel"), label.getAttribute("aria-label")];""", tmp_path)  # fmt: skip
    for panel, a1, slope in ((found[0], "0.668188", "0.248584"), (found[1], "0.962673", "0.0453")):
        assert "dJ/dw1 = ∂J/∂p·∂p/∂z2·∂z2/∂a1·∂a1/∂z1·∂z1/∂w1" in panel
        assert f"·(−1.2)·{a1}·(1 − {a1})·1.5= {slope}" in panel
    assert found[2] == "Constant y, 1"


def test_names_of_readers_are_text_and_nothing_else(tmp_path):
    bad = "</script ><img src=x onerror=alert(1)>&amp;<b>"
    trace = mazur().trace(X, Y, units=[[bad, "x2"], ["h1", '"'], ["o1", "o2"]], loss="<i>L")
    found = read(trace.to_html(), """
      click(keyed("u/0/0"));
      const label = keyed("L").getAttribute("aria-label");
      return [all("img, b, i").length, text("#panel h2"), label];""",
      tmp_path)  # fmt: skip
    assert found == [0, f"Input {bad}", "Loss [<i>L] "]


def test_a_long_name_stands_in_two_lines_in_its_circle(tmp_path):
    units = [["Pclass = 1", "x2"], ["Embarkedness", "h2"], ["o1", "o2"]]
    found = read(mazur().trace(X, Y, units=units).to_html(), """
      const lines = (key) => [...keyed(key).querySelectorAll(".name")].map((at) => at.textContent);
      return [lines("u/0/0"), lines("u/0/1"), lines("u/1/0")];""", tmp_path)  # fmt: skip
    assert found == [["Pclass", "= 1"], ["x2"], ["Embark…"]]


def test_a_code_that_there_is_not_is_refused(tmp_path):
    from chainrule.layers import Embedding, Flatten

    model = cr.Sequential([Input((2,)), Embedding(5, 3), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    found = read(model.trace([[0, 3]], [[1.0]]).to_html(), """
      click(keyed("u/0/1"));
      type(one("#panel input"), "7");
      return [text("#panel .said"), text("#status")];""", tmp_path)  # fmt: skip
    assert found[0] == "gather: positions must be from 0 to below 5, got 7."
