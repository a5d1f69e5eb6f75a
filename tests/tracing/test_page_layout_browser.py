"""Where things stand in a page: what can be seen, and that nothing is cut or covered."""

import html

import numpy as np
import pytest
from tests.tracing import networks
from tests.tracing.browser import READER, read, told_by
from tests.tracing.test_page_browser import PAGES

import chainrule as cr
from chainrule import examples
from chainrule.layers import BatchNormalization, Dense, Dropout, Input

WIDE = (1280, 900)

TEXTS = """
  const named = [], over = [];
  const apart = (one, two) => one.x + one.width <= two.x || two.x + two.width <= one.x
    || one.y + one.height <= two.y || two.y + two.height <= one.y;
  for (const moment of page.subject.moments) {
    named.push(all("svg .edge[data-key] text").map((one) => one.textContent));
    const texts = all("svg text").map((one) => [one.textContent, one.getBBox()]);
    texts.forEach(([text, box], n) => {
      for (const [other, its] of texts.slice(0, n)) {
        if (!apart(box, its)) over.push([moment.title, text, other]);
      }
    });
    press("ArrowRight", document.body);
  }
  return [named, over, text("#drawing .low")];"""


@pytest.mark.parametrize("name, first, last", [
    ("mazur", "w1 0.15", "w8 → 0.5614"), ("han", "w14 0.2", "w56 → −0.138"),
    ("xor", "w1 1", "w6 −2"),
])  # fmt: skip
def test_weights_have_names_in_the_drawing_and_no_text_covers_another(name, first, last, tmp_path):
    example = getattr(examples, name)()
    how = {"han": networks.HAN, "mazur": networks.MAZUR}.get(name, {"weights": "w{n}"})
    trace = example.model.trace(example.arrays["X"], example.arrays["y"], **how)
    named, over, low = read(trace.to_html(), TEXTS, tmp_path)
    assert over == []
    assert named[0][0] == first and last in named[-1]
    assert low == named[0][0].split()[0][1:]


SIDEWAYS = """
window.addEventListener("load", () => {
  const beyond = all("iframe").map((frame) => {
    const inside = frame.contentDocument;
    const { documentElement: whole } = inside;
    const found = [];
    const look = () => found.push(whole.scrollWidth - whole.clientWidth);
    look();
    inside.querySelector("[data-go=last]").click();
    look();
    const drawn = inside.querySelector("#drawing [data-key]");
    if (drawn) click(drawn);
    for (const details of inside.querySelectorAll("details")) details.open = true;
    look();
    return [frame.clientWidth, found];
  });
  const made = document.createElement("pre");
  made.id = "told-to-the-test";
  made.textContent = JSON.stringify({ found: beyond, faults: [] });
  document.body.append(made);
});
"""


@pytest.mark.parametrize("name", PAGES)
def test_the_page_never_scrolls_sideways(name, tmp_path):
    page = html.escape(PAGES[name].to_html())
    frames = [
        f'<iframe style="width: {width}px; height: 800px; border: 0" srcdoc="{page}"></iframe>'
        for width in (320, 390, 1280)
    ]
    body = f"{''.join(frames)}<script>{READER}{SIDEWAYS}</script>"
    found = told_by(f"<!doctype html><body>{body}</body>", tmp_path)
    assert found == [[320, [0, 0, 0]], [390, [0, 0, 0]], [1280, [0, 0, 0]]]


def classes(*layers, seed=0):
    """A page of four rows of a network that tells two classes apart."""
    model = cr.Sequential([Input((4,)), *layers, Dense(2, "softmax")], seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model.trace(np.random.default_rng(seed).normal(size=(4, 4)), [0, 1, 0, 1]).to_html()


@pytest.mark.parametrize("keyboard", ["false", "true"])
def test_what_is_chosen_comes_to_the_top_of_its_column_and_the_page_stays(keyboard, tmp_path):
    found = read(classes(Dense(6, "relu"), Dense(5, "tanh")), f"""
      const column = one(".right");
      const top = (element) => element.getBoundingClientRect().top;
      const high = () => top(one("#panel")) - top(column);
      for (let n = 0; n < 40; n++) press("ArrowRight", document.body);
      const seen = [];
      for (const key of ["w/2/0/0", "t/0"]) {{
        press("ArrowLeft", document.body);
        const before = high();
        page.choose(key, {keyboard});
        seen.push([before > 250, Math.round(high()), window.scrollY]);
      }}
      press("ArrowLeft", document.body);
      return [...seen, column.scrollTop];""", tmp_path, WIDE)  # fmt: skip
    assert found == [[True, 0, 0], [True, 0, 0], 0]


def test_below_the_drawing_the_title_of_what_is_chosen_comes_into_view(tmp_path):
    found = read(classes(Dense(6, "relu"), Dense(5, "tanh")), """
      const below = () => one("#chosen").getBoundingClientRect().bottom > window.innerHeight;
      click(keyed("w/2/0/0"));
      const seen = [below(), window.scrollY > 0];
      window.scrollTo(0, 0);
      type(one("#row"), "2");
      return [...seen, window.scrollY];""", tmp_path, (600, 700))  # fmt: skip
    assert found == [False, True, 0]


def test_the_factors_of_all_rows_fit_beside_the_drawing(tmp_path):
    found = read(classes(Dense(5, "relu")), """
      return ["w/1/0/0", "w/2/1/4", "b/2/1"].map((key) => {
        click(keyed(key));
        const { scrollWidth, clientWidth } = one("#panel .box");
        return [all("#panel .box th[scope=col]").length, scrollWidth - clientWidth];
      });""", tmp_path, WIDE)  # fmt: skip
    assert found == [[5, 0]] * 3


def test_layers_without_weights_have_room_for_their_heads_and_names(tmp_path):
    layers = [Dense(3, "relu"), BatchNormalization(), Dropout(0.3)]
    found = read(classes(*layers), """
      press("End", document.body);
      const wide = (one) => one.getBBox().width;
      const heads = all("svg .title:not(.soft)").map((one) => one.getBBox());
      const gaps = heads.slice(1).map((box, n) => box.x - heads[n].x - heads[n].width);
      const names = all(".node").map((node) =>
        wide(node.querySelector(".name")) / wide(node.querySelector("circle")));
      const { scrollWidth, clientWidth } = one("#drawing");
      const beyond = scrollWidth - clientWidth;
      return [Math.min(...gaps), Math.max(...names), beyond, names.length];""",
      tmp_path, WIDE)  # fmt: skip
    gap, name, beyond, nodes = found
    assert gap > 8 and name < 0.95
    assert (beyond, nodes) == (0, 4 + 3 * 3 + 2 + 1)


def test_a_folded_network_of_several_layers_fits_beside_the_panel(tmp_path):
    found = read(classes(*(Dense(12, "relu") for _ in range(4))), """
      const { scrollWidth, clientWidth } = one("#drawing");
      return [scrollWidth - clientWidth, all("svg .title").length];""", tmp_path, WIDE)  # fmt: skip
    assert found == [0, 16]


@pytest.mark.parametrize("number", [0.14935777574847958, -1.2345678901234567e-10])
def test_a_field_is_as_wide_as_its_number(number, tmp_path):
    model = cr.Sequential([Input((1,)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([np.full((1, 1), number), np.zeros(1)])
    found = read(model.trace([[1.0]], [[0.0]]).to_html(), """
      click(keyed("w/1/0/0"));
      const field = one("#panel input");
      const { fontSize, fontFamily, paddingLeft, paddingRight } = getComputedStyle(field);
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = `${fontSize} ${fontFamily}`;
      const room = field.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      return [field.value, room - pen.measureText(field.value).width];""",
      tmp_path, WIDE)  # fmt: skip
    assert float(found[0]) == number
    assert 0 <= found[1] < 60


@pytest.mark.parametrize("hidden, told", [(2, False), (8, True)])
def test_numbers_that_find_no_place_on_their_lines_are_said_to_be_in_the_table(
    hidden, told, tmp_path
):
    found = read(classes(Dense(hidden, "relu")), """
      return [all("svg .edge[data-key]").length, all("svg .edge[data-key] text").length,
        text("#legend"), text("#tables")];""", tmp_path, WIDE)  # fmt: skip
    lines, numbers, legend, tables = found
    said = "Numbers that find no place on their lines are in the table of weights below."
    assert (numbers < lines, said in legend) == (told, told)
    assert "Table: weights" in tables


def test_the_name_of_a_class_is_not_cut_where_it_is_long(tmp_path):
    model = cr.Sequential([Input((2,)), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    units = [["x1", "x2"], ["a class of flowers with long leaves", "versicolor"]]
    found = read(model.trace([[0.3, -0.8]], [0], units=units).to_html(), """
      const box = keyed("t/0").getBBox();
      return one("#drawing svg").viewBox.baseVal.width - box.x - box.width;""",
      tmp_path)  # fmt: skip
    assert found > 0


def test_no_paper_under_values_covers_the_number_of_a_weight(tmp_path):
    layers = [Dense(3, "relu"), BatchNormalization(), Dropout(0.3)]
    found = read(classes(*layers), """
      const apart = (one, two) => one.x + one.width <= two.x || two.x + two.width <= one.x
        || one.y + one.height <= two.y || two.y + two.height <= one.y;
      const boxes = (selector) => all(selector).map((one) => one.getBBox());
      return page.subject.moments.map(() => {
        press("ArrowRight", document.body);
        const [papers, texts] = [boxes(".node .under, .chip .under"), boxes(".edge .on")];
        const covered = texts.filter((text) => papers.some((box) => !apart(box, text)));
        return [texts.length, covered.length];
      });""", tmp_path, WIDE)  # fmt: skip
    assert min(count for count, _ in found) > 10
    assert {covered for _, covered in found} == {0}
