"""Rows that are mixed with a partner, as the page of a network tells them."""

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import NETWORKS, batch, model, step_of
from tests.tracing.test_loss_formulas import CASES, traced
from tests.tracing.test_page_as_text import formulas_of_page, formulas_of_text
from tests.tracing.test_page_equations import TOLD, check_equations
from tests.tracing.test_page_words import SCRIPTS, legend, panel, said

from chainrule.layers import Dense, Mixup
from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.view import View

MIXED = [name for name in NETWORKS if name.startswith("mixed rows")]


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def weighted():
    network = model(3, Mixup(0.4), Dense(2, "softmax"), loss="categorical_crossentropy")
    return network.trace(*batch(3, 3, 2, "one-hot"), sample_weight=np.array([1.0, 2.0, 0.5]))


def test_a_row_is_told_with_its_partner_forward_and_back(scripts):
    found = said(scripts, step_of("mixed rows inside"))
    assert found["Mixup (mixup)"] == [
        "mixed with row 3: mix = 0.990584",
        "h<1,1>~ = mix·h<1,1> + (1 − mix)·h<1,1>(3)"
        " = 0.990584·0.359473 + (1 − 0.990584)·(−0.813396) = 0.34843",
        "h<1,2>~ = −0.467806",
        "The share of each row was drawn by chance in this step, and stays so whatever is changed.",
    ]
    assert found["The loss L"][:3] == [
        "Targets: t = −1.265421",
        "Targets of row 3, with which it is mixed: t(3) = 0.041326",
        "ℓ = mix·(o − t)² + (1 − mix)·(o − t(3))² = 0.990584·(0.517281 − (−1.265421))²"
        " + (1 − 0.990584)·(0.517281 − 0.041326)² = 3.150237  (MeanSquaredError)",
    ]
    assert found["The delta of o"][0].startswith(
        "∂Σℓ/∂o = mix·2·(o − t) + (1 − mix)·2·(o − t(3)) = 0.990584·2·(0.517281 − (−1.265421))"
    )
    back = found["The derivative by what mixup is given"]
    assert back[1:] == [
        "mixed with row 3: mix(3) = 0.955309",
        "∂Σℓ/∂h<1,1> = mix·∂Σℓ/∂h<1,1>~ + (1 − mix(3))·∂Σℓ/∂h<1,1>~(3)"
        " = 0.990584·(−2.760128) + (1 − 0.955309)·0.741704 = −2.700991",
        "∂Σℓ/∂h<1,2> = −5.54985",
    ]


def test_a_unit_that_is_mixed_has_a_panel_of_its_own(scripts):
    found = panel(scripts, step_of("mixed rows inside"), "u/2/1")
    assert [line.split(" = ")[0] for line in found["What it gives"]] == [
        "mixed with row 3: mix", "h<1,2>~",
    ]  # fmt: skip
    back = found["Derivative by what the layer is given"]
    assert [line.split(" = ")[0] for line in back] == [
        "∂Σℓ/∂h<1,2>~", "mixed with row 3: mix(3)", "∂Σℓ/∂h<1,2>",
    ]  # fmt: skip


def test_the_delta_of_mixed_rows_is_not_taken_apart_into_factors(scripts):
    found = panel(scripts, step_of("mixed rows"), "w/3/2/0")
    head, *_ = found["Gradient, row by row"]
    assert head == "row | h<1> | ∂L/∂z<o3> | product"
    (delta,) = panel(scripts, step_of("mixed rows"), "u/3/2")["Delta of the row"]
    assert delta.startswith("δ<o3> = o<3> − (mix·t<3> + (1 − mix)·t<3>(3)) = ")


@pytest.mark.parametrize("form", ["rows", "columns", "theta"])
@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("name", MIXED)
def test_mixed_rows_are_told_as_text_tells_them(scripts, name, errors, form):
    trace = step_of(name, errors=errors, notation=form)
    for row in View(trace).shown_rows:
        text, compared = formulas_of_text(trace, row), 0
        for one, formula in formulas_of_page(scripts, trace, row):
            if text.get(one):
                compared += "mix" in formula
                assert formula in text[one], one
        assert compared > 3


@pytest.mark.filterwarnings("ignore:layer 'dense_1' ends in")
@pytest.mark.filterwarnings("ignore:y. target")
@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("name", sorted({*CASES} - {"clipped classes", "clipped shares"}))
def test_a_loss_of_mixed_rows_has_the_targets_of_both(scripts, name, errors):
    told = scripts(TOLD, shipped=shipped_step(traced(name, mixed=True, errors=errors)), row=0)
    assert check_equations(told) > 10
    lines = [line for _, lines in told for line in lines]
    assert not [line for line in lines if "through" in line]
    assert any(line.startswith("ℓ = mix·") and "(1 − mix)·" in line for line in lines)


CHANGED = {
    "an input of the partner": 'set({ source: "input/input", place: 8 }, 2.5)',
    "targets of the partner": "",
    "a weight": "set({ place: 0 }, -1.25)",
    "a step": "makeStep()",
}


@pytest.mark.parametrize("name", ["mixed rows inside", "mixed rows"])
@pytest.mark.parametrize("change", CHANGED)
def test_mixed_rows_follow_what_is_changed(scripts, name, change):
    shipped = shipped_step(step_of(name))
    (target,) = (one["source"] for one in shipped["inputs"] if one["source"].startswith("target/"))
    width = 1 if name == "mixed rows inside" else 3
    made = (
        CHANGED[change]
        or f"""set({{ source: "{target}", place: {2 * width} }}, 0.25);
        network.training.set({{ source: "{target}", place: {3 * width - 1} }}, 0.75)"""
    )
    code = TOLD.replace("network.setRow(row);", f"network.training.{made}; network.setRow(row);")
    before, after = (scripts(one, shipped=shipped, row=0) for one in (TOLD, code))
    assert check_equations(after) > 10
    mixed = [[line for _, lines in told for line in lines if "1 − mix" in line]
             for told in (before, after)]  # fmt: skip
    assert len(mixed[0]) == len(mixed[1])
    assert mixed[0] != mixed[1]
    assert not [line for _, lines in after for line in lines if "through" in line]


def test_each_step_that_was_traced_has_shares_of_its_own(scripts):
    network = model(3, Mixup(0.4), Dense(1))
    trace = network.trace(*batch(4, 3, 1), steps=3)
    code = """(() => { const training = new Training(shipped); training.choose(n);
      const { mixing } = new Network(training);
      return [0, 1, 2, 3].map((row) => mixing.share(row).value); })()"""
    shipped = shipped_step(trace)
    shares = [View(one).mixing_shares for one in trace.steps]
    assert not np.allclose(shares[0], shares[2])
    for n, own in enumerate(shares):
        assert scripts(code, shipped=shipped, n=n) == pytest.approx(own, abs=1e-12)


def test_a_row_alone_is_mixed_with_itself(scripts):
    found = said(scripts, model(3, Dense(2), Mixup(0.4), Dense(1)).trace(*batch(1, 3, 1)))
    assert found["Mixup (mixup)"][0] == "mixed with itself: mix = 0.990584"
    assert found["Mixup (mixup)"][1].startswith("h<1>~ = mix·h<1> + (1 − mix)·h<1> = ")
    assert not any("of row" in line for line in found["The loss L"])
    _, slope, _ = found["The derivative by what mixup is given"]
    assert slope.startswith("∂L/∂h<1> = mix·∂L/∂h<1>~ + (1 − mix)·∂L/∂h<1>~ = ")


def test_where_mixed_rows_have_weights_no_formula_is_told_of_their_targets(scripts):
    trace = weighted()
    found = said(scripts, trace)
    of_row, whole = found["The loss L"][2:]
    assert of_row.endswith(", through the operations of the loss  (CategoricalCrossentropy)")
    told = f"{trace.loss:.6f}, each target has the weight of its own row"
    assert whole == f"L = {told}"
    (delta,) = found["The delta of o<1>"]
    assert delta.startswith("δ<o1> = ") and delta.endswith(", through the operations of the loss")


def test_many_terms_that_are_left_out_have_numbers_of_their_own_with_each_target(scripts):
    trace = model(3, Mixup(0.4), Dense(14)).trace(*batch(2, 3, 14))
    told = scripts(TOLD, shipped=shipped_step(trace), row=0)
    assert check_equations(told) > 10
    (line,) = (line for line in dict(reversed(told))["The loss L"] if line.startswith("ℓ = "))
    _, formula, numbers, _ = line.split(" = ")
    assert formula.count("[9 more]") == 2 and "more" not in numbers


def test_the_legend_says_what_mix_is():
    said = "mix the share of the row itself, where rows are mixed; its partner has 1 − mix"
    assert f"(2) after a name: in row 2, {said}" in legend(step_of("mixed rows of many"))
    assert "mix" not in legend(step_of("thirteen rows"))
