"""Steps in the page: those that were traced, one by one, and those that are made there."""

import json

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.test_page_tape import NETWORKS, NUMBERS, agrees, data, model_of, near

import chainrule as cr
from chainrule import examples
from chainrule.layers import Dense, Dropout, Input
from chainrule.optimizers import SGD, Adam, AdamW, Nadam, RMSprop, schedules
from chainrule.tracing.page import course
from chainrule.tracing.page.course import shipped_lines
from chainrule.tracing.page.network import shipped_step

SCRIPTS = (
    "operations.js", "tape.js", "words.js", "formula.js", "step.js", "choice.js", "network.js",
    "outputs.js", "own_operations.js", "own_loss.js", "own_layer.js", "forward.js", "narration.js",
    "rows.js", "normal.js", "spread.js", "mixing.js", "own.js", "panel.js", "scene.js", "curve.js",
    "subject.js",
)  # fmt: skip
CHOSEN = """
  const training = new Training(shipped);
  const said = training.choose(n);
  const plain = (x) => (x === undefined ? null : x.data);
"""


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def shipped_of(trace):
    return json.loads(json.dumps(shipped_step(trace), allow_nan=False))


def chosen(scripts, shipped, n):
    """What the page has of the nth step that was traced."""
    return scripts(f"""(() => {{ {CHOSEN}
      return {{
        said, loss: training.loss, after: training.lossAfter, rows: training.rowLosses,
        penalties: training.penalties,
        layers: shipped.layers.map(({{ results }}) =>
          names.map((name) => plain(training.of(results[name])))),
        gradients: shipped.segments.map((_, k) => plain(training.gradient(k))),
        moved: training.after.parameters, slots: training.after.slots,
      }}; }})()""", shipped=shipped, n=n, names=NUMBERS)  # fmt: skip


@pytest.mark.parametrize("name", [
    "activation tanh", "dropout", "noise", "batch normalization", "softmax and labels",
    "penalties", f"optimizer {AdamW()}", f"optimizer {Nadam()}",
    f"optimizer {SGD(schedules.ExponentialDecay(0.1, 2, 0.5))}",
])  # fmt: skip
def test_each_step_that_was_traced_is_shown_with_its_own_numbers(scripts, name):
    model, (X, y) = NETWORKS[name]
    trace = model.trace(X, y, steps=4)
    shipped = shipped_of(trace)
    assert shipped["steps"] == 4
    for n in (2, 0, 3, 1):
        found = chosen(scripts, shipped, n)
        assert found["said"] == ""
        agrees(found, trace.steps[n])


def test_steps_of_a_network_in_float32_begin_with_its_own_weights(scripts):
    model = model_of(Dense(8, "tanh"), Dense(1), optimizer=Adam(0.1), dtype="float32")
    trace = model.trace(*data(4, 1), steps=60)
    found = chosen(scripts, shipped_of(trace), 59)
    near([found["loss"]], [trace.steps[59].loss], rtol=1e-5)
    weights = scripts(
        f"(() => {{ {CHOSEN} return training.state.parameters; }})()",
        shipped=shipped_of(trace), n=59,
    )  # fmt: skip
    assert np.array_equal(np.float32(weights), trace.steps[59].trainer.parameters.flat)


def test_steps_between_the_first_and_the_last_are_made_again(scripts):
    model = model_of(Dense(4, "tanh"), Dense(2), optimizer=SGD(0.1, momentum=0.9))
    trace = model.trace(*data(3, 2), steps=150)
    assert [one["at"] for one in shipped_of(trace)["later"]] == [149]
    found = chosen(scripts, shipped_of(trace), 70)
    assert found["said"] == ""
    near([found["loss"], found["after"]], trace.losses[70:72])
    agrees(chosen(scripts, shipped_of(trace), 149), trace.steps[-1])


def test_a_step_with_dropout_that_is_not_in_the_page_is_not_shown(scripts):
    model = model_of(Dense(8, "relu"), Dropout(0.4), Dense(1))
    trace = model.trace(*data(4, 1), steps=150)
    said, loss = scripts(
        f"(() => {{ {CHOSEN} return [said, training.loss]; }})()", shipped=shipped_of(trace), n=70
    )
    assert said == (
        "Step 71 is not in this page, because its numbers would make it too large; trace it alone."
    )
    assert loss == pytest.approx(trace.loss)


def test_a_step_made_again_with_another_loss_is_not_shown(scripts):
    model = model_of(Dense(2, "tanh"), Dense(1))
    trace = model.trace(*data(3, 1), steps=150)
    said, made = scripts(
        f"(() => {{ {CHOSEN} return [said, training.state.made]; }})()",
        shipped=shipped_of(trace) | {"losses": [[151], 0.5]}, n=9,
    )  # fmt: skip
    own = f"{trace.losses[9]:.6f}"
    assert said == (
        f"Step 10 is not shown, because made again in this page it has the loss {own} where "
        "0.500000 was traced."
    )
    assert made == 0


def notes(scripts, trace):
    return scripts(
        """(() => { const subject = new NetworkSubject(shipped);
          return [subject.notes(), subject.choosesSteps, subject.training.traced.length]; })()""",
        shipped=shipped_of(trace),
    )


def test_a_page_without_later_steps_says_so(scripts, monkeypatch):
    monkeypatch.setattr(course, "MOST_LATER", 10)
    model = model_of(Dense(8, "relu"), Dropout(0.4), Dense(1))
    found, chooses, losses = notes(scripts, model.trace(*data(4, 1), steps=3))
    assert found[0] == (
        "3 steps were traced; this page has the numbers of the first one only, those of the others "
        "are in to_text()."
    )
    assert (chooses, losses) == (False, 4)
    found, chooses, _ = notes(scripts, model.trace(*data(4, 1)))
    assert not chooses and not any("traced;" in one for one in found)


def test_what_would_make_the_page_large_is_left_out_and_made_again(scripts, monkeypatch):
    model = model_of(Dense(8, "relu"), Dropout(0.4), Dense(1), optimizer=Adam(0.1))
    trace = model.trace(*data(4, 1), steps=3)
    masks, starts = 2 * 4 * 8, 2 * 3 * trace.trainer.parameters.count
    for most, words in (
        (masks + starts, ["at", "constants", "parameters", "slots"]),
        (masks + starts - 1, ["at", "constants"]),
        (masks, ["at", "constants"]),
    ):
        monkeypatch.setattr(course, "MOST_LATER", most)
        shipped = shipped_of(trace)
        assert [list(one) for one in shipped["later"]] == [words] * 2
        for n in (2, 1):
            agrees(chosen(scripts, shipped, n), trace.steps[n])
    monkeypatch.setattr(course, "MOST_LATER", masks - 1)
    assert shipped_of(trace)["later"] == []


def test_a_course_that_ends_has_the_steps_that_were_made(scripts):
    model = cr.Sequential([cr.Input((1,)), Dense(1)], seed=0, dtype="float64")
    model.compile(SGD(1e150), "mse")
    trace = model.trace([[1e3]], [[-1e3]], steps=9)
    shipped = shipped_of(trace)
    assert not np.isfinite(trace.losses[-1]) and shipped["steps"] == len(trace.losses)
    said, why = scripts(
        f"(() => {{ {CHOSEN} return [said, training.whyNot]; }})()",
        shipped=shipped, n=shipped["steps"] - 1,
    )  # fmt: skip
    assert said == ""
    assert why == "No step is made from a loss that is ∞."


def test_example_a_learns_in_the_page_what_it_learns_in_print(scripts):
    example = examples.mazur()
    trace = example.models["before"].trace(example.arrays["X"], example.arrays["y"])
    loss, why = scripts(
        """(() => { const training = new Training(shipped);
          for (let n = 0; n < 10000; n++) training.makeStep();
          return [training.loss, training.whyNot]; })()""", shipped=shipped_of(trace))  # fmt: skip
    assert f"{loss:.3g}" == "3.51e-05" and why == ""


RULES = [
    SGD(0.1), SGD(0.1, momentum=0.9), RMSprop(), Adam(), Adam(0.01, 0.8, 0.99), AdamW(), Nadam(),
    Adam(schedules.ExponentialDecay(0.1, 20, 0.5)), SGD(lambda step: 1 / (step + 1)),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("first", [1, 5001])
def test_the_page_knows_the_numbers_of_each_step(scripts, rule, first):
    shipped = json.loads(json.dumps(shipped_lines(rule, first, 1)))
    most = shipped["known"] or 40_000
    places = [0, 1, 2, 10, most // 3, most - 1]
    found = scripts(
        "places.map((place) => new Lines(shipped, first).at(place))",
        shipped=shipped, first=first, places=places,
    )  # fmt: skip
    expected = [rule.line(first + place) for place in places]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if shipped["known"] is None:
        assert len(json.dumps(shipped)) < 200


class Longer(Adam):
    def line(self, step):
        return (0.1 * step,)


def test_numbers_of_one_s_own_are_asked_for_step_by_step(scripts):
    assert shipped_lines(Longer(), 1, 1)["known"] == course.KNOWN_STEPS
    rates = np.linspace(0.1, 0.01, 100)
    shipped = shipped_lines(SGD(lambda step: rates[step]), 1, 1)
    found = scripts("new Lines(shipped, 1).at(99)", shipped=shipped)
    assert found == [rates[99]] and shipped["known"] == 100


def test_where_the_rates_end_the_page_says_so(scripts):
    model = model_of(Dense(1), optimizer=SGD(lambda step: 0.1 / (step + 1)))
    made, why = scripts(
        """(() => { const training = new Training(shipped);
          while (training.canStep) training.makeStep();
          return [training.made, training.whyNot]; })()""",
        shipped=shipped_of(model.trace(*data(2, 1))),
    )
    assert made == 99
    assert why == (
        "This page knows the learning rates of 100 steps, and no more steps can be made."
    )


def curve(scripts, losses, first=1):
    return scripts("curveOf(losses, first)", losses=losses, first=first)


def test_a_curve_is_linear_up_to_two_decades_and_then_logarithmic(scripts):
    found = curve(scripts, [0.3, 0.29, 0.28, 0.26])
    assert not found["log"]
    assert [one["text"] for one in found["losses"]] == ["0.26", "0.27", "0.28", "0.29", "0.3"]
    assert [one["text"] for one in found["steps"]] == ["1", "2", "3", "4"]
    heights = [one["y"] for one in found["points"]]
    assert heights == sorted(heights) and heights[0] == 12 and heights[-1] == 148
    found = curve(scripts, [1.0, 0.1, 0.01, 0.001])
    assert found["log"]
    assert [one["text"] for one in found["losses"]] == ["0.001", "0.01", "0.1", "1"]
    heights = np.array([one["y"] for one in found["points"]])
    np.testing.assert_allclose(np.diff(heights), 136 / 3)
    assert not curve(scripts, [1.0, 0.0])["log"]


def test_a_curve_leaves_out_what_is_not_finite_and_needs_two_points(scripts):
    assert curve(scripts, [1.0]) is None
    assert curve(scripts, [0.5, 0.5])["losses"] == [{"y": 80, "text": "0.5"}]
    found = scripts("curveOf([2, 1, NaN, Infinity], 1).points.length")
    assert found == 2


def test_a_long_curve_keeps_its_peaks_and_its_ends(scripts):
    losses = (1 / np.arange(1, 10_001)).tolist()
    losses[7003] = 3.0
    found = curve(scripts, losses)
    assert len(found["points"]) <= 402
    assert sum(one["y"] == 12 for one in found["points"]) == 1
    assert found["points"][0]["x"] == 64 and found["points"][-1]["x"] == 394
    assert [one["text"] for one in found["steps"]] == [f"{n},000" for n in (2, 4, 6, 8, 10)]
    assert len(found["losses"]) <= 6


def test_the_table_of_many_losses_is_short_and_has_the_last(scripts):
    found = scripts("tableOfLosses(losses, 1, 'L')", losses=np.linspace(1, 0, 1001).tolist())
    assert found["title"] == "Losses, every 50 steps"
    assert len(found["rows"]) == 21
    assert found["rows"][0] == ["1", "1.000000"] and found["rows"][-1] == ["1,001", "0"]
    found = scripts("tableOfLosses([1, 0.5], 1, 'L')")
    assert found["title"] == "Losses" and len(found["rows"]) == 2


DROPPED = """(() => {
  const subject = new NetworkSubject(shipped), { training } = subject;
  const found = [subject.notes().find((note) => note.includes("chance"))];
  const told = () => found.push([
    subject.moments.find(({ title }) => title.startsWith("Dropout")).lines().at(-1),
    subject.moments.at(-1).lines().slice(2), training.loss, training.lossAfter]);
  told();
  training.makeStep();
  told();
  training.makeStep();
  told();
  return found;
})()"""
LEFT_OUT = "Which units are left out was drawn by chance in"


def dropped(steps):
    model = cr.Sequential([Input((2,)), Dense(3, "relu"), Dropout(0.5), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    return model.trace([[0.5, -1.0], [0.2, 0.3]], [[1.0], [0.0]], steps=steps)


def test_a_step_made_in_the_page_keeps_the_masks_of_the_last_that_was_traced(scripts):
    note, own, made, _ = scripts(DROPPED, shipped=shipped_of(dropped(1)))
    assert note == "What was drawn by chance (dropout, noise, mixing) stays as it was in this step."
    assert own[0] == f"{LEFT_OUT} this step, and stays so whatever is changed."
    assert made[0] == f"{LEFT_OUT} step 1, and stays so in the steps that this page makes."
    assert own[1] == made[1] == []
    assert made[2] == own[3]


def test_losses_on_both_sides_of_new_masks_are_told_where_they_meet(scripts):
    trace = dropped(2)
    note, first, second, third = scripts(DROPPED, shipped=shipped_of(trace))
    assert note == (
        "Each step that was traced has what was drawn by chance for it (dropout, noise, mixing); "
        "steps made after them keep that of step 2."
    )
    (said,) = first[1]
    assert said == (
        "Both are with what was drawn by chance for this step. The next step that was traced draws "
        f"anew, and so it begins with L = {trace.losses[1]:.5f} and not with {first[3]:.6f}."
    )  # the loss is 0.866110
    assert second[2] == pytest.approx(trace.losses[1], rel=1e-5)
    assert second[2] != pytest.approx(first[3], rel=0.1)
    assert second[0] == f"{LEFT_OUT} this step, and stays so whatever is changed."
    assert third[0] == f"{LEFT_OUT} step 2, and stays so in the steps that this page makes."
    assert second[1] == third[1] == []
    assert third[2] == second[3]


def test_a_page_with_two_of_many_steps_says_whose_masks_it_has(scripts):
    note, first, *_ = scripts(DROPPED, shipped=shipped_of(dropped(120)))
    assert note == (
        "Steps 1 and 120 have, each of its own, what was drawn by chance (dropout, noise, mixing); "
        "steps made after one of them keep that."
    )
    assert "The next step that was traced draws anew" in first[1][0]


def test_text_says_why_losses_around_a_step_differ_where_steps_draw_anew():
    said = (
        "Each step draws anew by chance (dropout, noise, mixing): L before step 2 is not "
        "L' after step 1, which is with what was drawn for step 1."
    )
    assert said in " ".join(dropped(2).to_text().split())
    assert said not in " ".join(dropped(1).to_text().split())
    model, (X, y) = NETWORKS["activation tanh"]
    assert "draws anew" not in model.trace(X, y, steps=2).to_text()
