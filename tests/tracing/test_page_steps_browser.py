"""Choosing and making steps in a page, in a headless browser."""

import numpy as np
import pytest
from tests.tracing.browser import read
from tests.tracing.test_page_browser import X, Y, bare, mazur, shown, xor

import chainrule as cr

CHOOSE = """
const choose = (id, value) => {
  type(one(id), value);
  one(id).dispatchEvent(new Event("change", { bubbles: true }));
};
"""


@pytest.fixture(scope="module")
def three():
    return mazur().trace(X, Y, steps=3, digits=8)


def test_each_of_the_traced_steps_can_be_chosen(three, tmp_path):
    found = read(three.to_html(), CHOOSE + """
      press("End", document.body);
      click(keyed("w/2/0/0"));
      const seen = [];
      for (const n of ["1", "3", "2"]) {
        choose("#step", n);
        const told = ["#status", "#lead", "#told", "#panel"].map(text);
        seen.push([...told, one(".field input").value]);
      }
      const shape = [text("#steps"), one("#step").max, one("#rows").hidden];
      return [seen, shape];""", tmp_path)  # fmt: skip
    seen, shape = found
    assert shape == ["Traced step  of 3", "3", True]
    for n, (status, lead, told, panel, value) in zip((1, 3, 2), seen, strict=True):
        step = three.steps[n - 1]
        assert status == f"Step {n} of 3, as it was traced: L is {shown(step.loss)}."
        assert lead.startswith(f"Step {n} of training: one row")
        assert bare(step.loss_after) in told
        assert bare(step.grad_kernel[1][0, 0]) in panel
        assert float(value) == step.kernel_before[1][0, 0]


def test_what_is_changed_is_as_traced_again_when_a_step_is_chosen(three, tmp_path):
    found = read(three.to_html(), CHOOSE + """
      choose("#step", "2");
      click(keyed("w/1/0/0"));
      type(one(".field input"), "5");
      click(one("#make"));
      const made = text("#lead");
      click(one("#again"));
      const again = [text("#lead"), one(".field input").value];
      choose("#step", "3");
      return [made, ...again, text("#status")];""", tmp_path)  # fmt: skip
    assert found[0].startswith(
        "Step 3 of training after 1 step made in this page from traced step 2 on:"
    )
    assert found[1].startswith("Step 2 of training: ")
    assert float(found[2]) == three.steps[1].kernel_before[0][0, 0]
    assert found[3] == f"Step 3 of 3, as it was traced: L is {shown(three.losses[2])}."


def test_a_page_of_one_step_has_no_field_for_it(tmp_path):
    found = read(mazur().trace(X, Y).to_html(), """
      const tables = all("#tables summary").length;
      return [one("#steps").hidden, one("#course").childElementCount, tables];""",
      tmp_path)  # fmt: skip
    assert found == [True, 0, 2]


@pytest.mark.parametrize("field, word", [("#step", "step"), ("#row", "row")])
def test_a_number_that_there_is_not_is_refused_in_a_sentence(field, word, tmp_path):
    model, rows, targets = xor()
    found = read(model.trace(rows, targets, steps=4).to_html(), CHOOSE + f"""
      choose("{field}", "3");
      const lead = text("#lead");
      const said = ["7", "0", "1.5", ""].map((typed) => {{
        one("#status").textContent = "";
        choose("{field}", typed);
        return text("#status");
      }});
      one("{field}").blur();
      return [said, one("{field}").value, lead === text("#lead"), page.subject.row];""",
      tmp_path)  # fmt: skip
    said, left, same, row = found
    sentence = f"There is no {word} {{}}: give a number from 1 to 4."
    assert said == [*(sentence.format(typed) for typed in ("7", "0", "1.5")), ""]
    assert (left, same, row) == ("3", True, 2 if word == "row" else 0)


# a clock that stands still: no slice ends before its steps do, however slow the machine is
def test_steps_are_made_one_by_one_and_many_at_once(tmp_path):
    model, rows, targets = xor()
    found = read(model.trace(rows, targets, digits=8).to_html(), """
      performance.now = () => 0;
      const seen = [];
      const look = () => seen.push([text("#lead"), text("#status")]);
      const words = all("#training button").map((button) => button.textContent);
      click(one("#make")); look();
      click(one("[data-steps='10']")); look();
      click(one("[data-steps='100']")); look();
      const next = text("#make");
      click(one("#again")); look();
      return [words, next, seen];""", tmp_path)  # fmt: skip
    losses = [shown(one) for one in model.trace(rows, targets, steps=111).losses]
    words, following, seen = found
    assert words == ["Make this step", "10 steps", "100 steps", "1,000 steps", "Start again"]
    assert following == "Make the next step"
    assert seen[0][1] == f"1 step made: L {losses[0]} → {losses[1]}."
    assert seen[1][1] == f"10 steps made: L {losses[1]} → {losses[11]}."
    assert seen[2][1] == f"100 steps made: L {losses[11]} → {losses[111]}."
    assert seen[2][0].startswith("Step 112 of training after 111 steps made in this page:")
    assert seen[3][1] == f"L is now {losses[0]}."


def test_many_steps_are_made_in_slices_and_can_be_stopped(tmp_path):
    model, rows, targets = xor()
    found = read(model.trace(rows, targets).to_html(), """
      let now = 0;
      performance.now = () => (now += 60);
      window.setTimeout = (next) => { window.following = next; };
      const words = () => all("#training [data-steps]").map((button) => button.textContent);
      const said = (place) => text(place).split(":")[0];
      const look = () => [words(), said("#losses"), page.making.left];
      click(one("[data-steps='100']"));
      const seen = [look()];
      window.following();
      seen.push(look());
      click(one("[data-steps='10']"));
      click(one("[data-steps='100']"));
      window.following();
      seen.push([words(), said("#status"), page.making.left], text("#lead"));
      return seen;""", tmp_path)  # fmt: skip
    (words, said, left), (_, more, fewer), end, lead = found
    made = 100 - left
    assert words == ["10 steps", "Stop", "1,000 steps"]
    assert 0 < made < 50 and said == f"{made} step{'s' if made > 1 else ''} made"
    assert more == f"{2 * made} steps made" and fewer == 100 - 2 * made
    assert end == [["10 steps", "100 steps", "1,000 steps"], f"{2 * made} steps made", 0]
    assert lead.startswith(f"Step {2 * made + 1} of training after {2 * made} steps")


def test_the_curve_and_the_table_have_the_losses(tmp_path):
    model, rows, targets = xor()
    found = read(model.trace(rows, targets, digits=8).to_html(), """
      performance.now = () => 0;
      click(one("[data-steps='10']"));
      const details = all("#tables details").find((box) => box.dataset.title === "Losses");
      const course = one("#course svg");
      return [course.getAttribute("role"), course.getAttribute("aria-label"), text("figcaption"),
        [...details.querySelectorAll("tbody tr")].map((row) => row.lastChild.textContent),
        course.querySelectorAll(".here").length];""", tmp_path)  # fmt: skip
    role, label, caption, column, dots = found
    losses = [shown(one) for one in model.trace(rows, targets, steps=10).losses]
    assert (role, dots) == ("img", 1)
    assert label == f"Curve of the loss L: {losses[0]} before step 1, {losses[-1]} after step 10."
    assert caption == "The loss L before each step; the dot is the step that is shown."
    assert column == losses


def test_where_no_step_can_be_made_the_page_says_why(tmp_path):
    model = cr.Sequential([cr.Input((2,)), cr.layers.Dense(1)], seed=0, dtype="float64")
    model.compile(cr.optimizers.SGD(lambda step: 0.1 / (step + 1)), "mse")
    found = read(model.trace(np.ones((1, 2)), [[1.0]]).to_html(), """
      performance.now = () => 0;
      click(one("[data-steps='1000']"));
      const seen = [text("#status"), text("#losses"), one("#make").getAttribute("aria-disabled")];
      click(one("#make"));
      return [...seen, text("#status")];""", tmp_path)  # fmt: skip
    why = "This page knows the learning rates of 100 steps, and no more steps can be made."
    assert found[0].startswith("99 steps made: L ") and found[0].endswith(why)
    assert found[1:] == [why, "true", why]


def test_new_controls_have_names_and_are_reached_by_the_keyboard(three, tmp_path):
    found = read(three.to_html(), """
      const stops = all("button, input, summary, [tabindex='0']")
        .filter((one) => one.getClientRects().length && !one.disabled)
        .map((one) => one.dataset.go ?? one.dataset.key ?? (one.id || one.textContent));
      const label = one("#step").labels[0].textContent;
      return [stops, label, one("#status").getAttribute("role")];""", tmp_path)  # fmt: skip
    stops, label, role = found
    assert stops[4] == "step" and label.startswith("Traced step") and role == "status"
    after = stops[stops.index("L") + 1 :]
    assert after[:5] == ["make", "10 steps", "100 steps", "1,000 steps", "again"]
