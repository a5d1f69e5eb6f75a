"""What the walk of a page says, in the notations of readers."""

import numpy as np
import pytest
from tests.tracing.engine import Scripts

import chainrule as cr
from chainrule import examples
from chainrule.layers import BatchNormalization, Dense, Input
from chainrule.tracing.page.network import shipped_step

SCRIPTS = (
    "operations.js",
    "tape.js",
    "words.js",
    "step.js",
    "network.js",
    "forward.js",
    "narration.js",
    "panel.js",
)


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def said(scripts, trace):
    """Every moment of the walk: title and lines, lowered letters in brackets."""
    code = """(() => {
      digits = shipped.digits;
      const network = new Network(new Training(shipped));
      const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
      return momentsOf(network).map(({ title, lines }) => [shown(title), ...lines().map(shown)]);
    })()"""
    return {title: lines for title, *lines in scripts(code, shipped=shipped_step(trace))}


def han(**how):
    example = examples.han()
    return example.models["before"].trace(example.arrays["X"], example.arrays["y"], **how)


def test_errors_stand_for_deltas_and_weights_have_the_readers_names(scripts):
    units = [["1", "2", "3"], ["4", "5"], ["6"]]
    found = said(scripts, han(errors=True, digits=5, units=units, weights="w{from}{to}"))
    assert found["The error of unit 6"] == [
        "Err<6> = −∂ℓ/∂a<6> · ∂a<6>/∂z<6>", "= −(−0.52611) · 0.24932", "= 0.13117",
    ]  # fmt: skip
    assert found["The error of unit 5"] == [
        "Err<5> = (Err<6>·w56) · ∂a<5>/∂z<5>", "= (0.13117·(−0.2)) · 0.24938",
        "= (−0.02623) · 0.24938", "= −0.00654",
    ]  # fmt: skip
    assert (
        "∂L/∂w46 = −a<4>·Err<6> = 0.33181·(−0.13117) = −0.04352"
        in (found["The gradient of the weights of unit 6"])
    )
    assert found["The weighted sum of unit 4"][0] == "z<4> = x<1>·w14 + x<2>·w24 + x<3>·w34 + b1[1]"
    assert "w46: −0.3 − 0.9·(−0.04352) = −0.26083" in found["The new weights of unit 6"]


@pytest.mark.parametrize(
    "notation, lines",
    [
        ("rows", ["z<o> = h1·W2[1,1] + h2·W2[2,1] + b2[1]",
                  "= 0.332·(−0.3) + 0.525·(−0.2) + 0.1", "As matrices: z = a W<2> + b<2>"]),
        ("columns", ["z<o> = W2[1,1]·h1 + W2[1,2]·h2 + b2[1]",
                     "= (−0.3)·0.332 + (−0.2)·0.525 + 0.1", "As matrices: z = W<2> a + b<2>"]),
        ("theta", ["z<o> = Θ1[1,0]·1 + Θ1[1,1]·h1 + Θ1[1,2]·h2",
                   "= 0.1·1 + (−0.3)·0.332 + (−0.2)·0.525",
                   "As matrices: z = Θ<1> a, with a 1 put before a"]),
    ],
)  # fmt: skip
def test_sums_are_written_as_the_notation_says(scripts, notation, lines):
    formula, numbers, result, matrices = said(scripts, han(notation=notation, digits=3))[
        "The weighted sum of o"
    ]
    assert [formula, numbers, matrices] == lines
    assert result == "= −0.105"


def test_the_stable_pair_is_shown_both_ways(scripts):
    found = said(scripts, softmax())["The delta of o1"]
    assert found[0].startswith("Factor by factor: Σ<k> ∂ℓ/∂a<k> · ∂a<k>/∂z<o1> = ")
    a = softmax().layers[-1].numbers.a[0, 0]
    assert found[0].endswith(f" = {a - 1:.6f}".replace("-", "−"))
    assert found[1] == f"Together: δ<o1> = a<o1> − t<o1> = {a:.6f} − 1 = {a - 1:.6f}".replace(
        "-", "−"
    )


def softmax():
    model = cr.Sequential([Input((2,)), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "categorical_crossentropy")
    return model.trace(np.array([[0.3, -0.8]]), np.array([[1.0, 0.0, 0.0]]))


@pytest.mark.parametrize(
    "value, words, brief",
    [
        (0.0, "0", "0"), (1.0, "1.000000", "1"), (-0.25, "−0.250000", "−0.25"),
        (1e-9, "1·10⁻⁹", "10⁻⁹"), (-2.5e-7, "−2.5·10⁻⁷", "−2.5·10⁻⁷"), (1e9, "1·10⁹", "10⁹"),
        (1234.5678, "1234.567800", "1234.6"), (0.00123456, "0.001235", "0.001235"),
        ("NaN", "not a number", "not a number"), ("-Infinity", "−∞", "−∞"),
    ],
)  # fmt: skip
def test_numbers_are_written_so_that_they_are_read(scripts, value, words, brief):
    found = scripts("(digits = 6, [number(Number(value)), short(Number(value))])", value=value)
    assert found == [words, brief]


def normalized():
    model = cr.Sequential([Input((2,)), Dense(2), BatchNormalization(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model.trace(np.array([[0.3, -0.8], [1.0, 0.5]]), np.array([[1.0], [0.0]]))


def legend(trace):
    scripts = Scripts(*SCRIPTS, "subject.js")
    return scripts("new NetworkSubject(shipped).legend()", shipped=shipped_step(trace))


def test_units_behind_a_layer_without_weights_have_a_mark(scripts):
    found = said(scripts, normalized())
    assert found["The weighted sum of o"][0] == "z<o> = h1~·W2[1,1] + h2~·W2[2,1] + b2[1]"
    assert found["BatchNormalization (batch_normalization)"][0].startswith("It gives h1~ = ")
    given = found["The derivative by what batch_normalization is given"]
    assert given[0].startswith("∂Σℓ/∂h1 = ") and given[0].endswith("through all units and rows of "
                                                                   "the layer")  # fmt: skip
    assert found["The delta of h1"][0] == "δ<h1> = ∂Σℓ/∂a<h1> · ∂a<h1>/∂z<h1>"
    assert "~ after a name: after a layer without weights" in legend(normalized())


def test_where_rows_mix_a_delta_is_of_the_losses_of_all_rows():
    assert "derivative of the sum of all rows' losses (for a layer mixes the rows) by z" in legend(
        normalized()
    )
    assert "derivative of the row's own loss by z" in legend(softmax())


def test_a_label_has_the_name_of_its_unit(scripts):
    model = cr.Sequential([Input((2,)), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    trace = model.trace([[0.3, -0.8]], [1], units=[["x1", "x2"], ["no", "yes", "maybe"]])
    found = said(scripts, trace)
    assert found["The loss L"][0] == "Targets: class t = 1 (yes)"
    a = trace.a[-1][0, 1]
    assert found["The loss L"][1].startswith(f"ℓ = −log aₜ = {-np.log(a):.6f}")


def test_a_formula_of_a_loss_that_it_does_not_give_is_not_told(scripts):
    model = cr.Sequential([Input((2,)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", cr.losses.BinaryCrossentropy(from_logits=True))
    trace = model.trace([[0.3, -0.8]], [[1.0]])
    line = said(scripts, trace)["The loss L"][1]
    assert line == f"ℓ = {trace.loss:.6f}  (BinaryCrossentropy)"
