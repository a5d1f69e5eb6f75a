"""What the walk of a page says, in the notations of readers."""

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import batch, mazur, model, step_of

import chainrule as cr
from chainrule import examples
from chainrule.layers import BatchNormalization, Dense, Embedding, Flatten, Input
from chainrule.tracing.page.network import shipped_step

SCRIPTS = (
    "operations.js",
    "tape.js",
    "words.js",
    "formula.js",
    "step.js",
    "choice.js",
    "network.js",
    "outputs.js",
    "own_operations.js",
    "own_loss.js",
    "own_layer.js",
    "forward.js",
    "narration.js",
    "rows.js",
    "normal.js",
    "spread.js",
    "mixing.js",
    "own.js",
    "rule.js",
    "panel.js",
)

PLAIN = str.maketrans({"−": "-", "⁻": "-", **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))})


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
    assert found["The inputs"] == ["x<1> = 1, x<2> = 0, x<3> = 1"]
    assert found["The loss L"][1] == (
        "L = 1/2·(a<6> − t)² = 1/2·(0.47389 − 1)² = 0.1384  (SquaredError)"
    )
    assert found["The error of unit 6"] == [
        "−∂L/∂a<6> = t − a<6> = 1 − 0.47389 = 0.52611",
        "∂a<6>/∂z<6> = a<6>·(1 − a<6>) = 0.47389·(1 − 0.47389) = 0.24932",
        "Err<6> = −∂L/∂a<6>·∂a<6>/∂z<6> = 0.52611·0.24932 = 0.13117",
    ]
    assert [found["The error of unit 5"][n] for n in (0, 2)] == [
        "−∂L/∂a<5> = Err<6>·w<56> = 0.13117·(−0.2) = −0.02623",
        "Err<5> = −∂L/∂a<5>·∂a<5>/∂z<5> = (−0.02623)·0.24938 = −0.00654",
    ]
    assert (
        "−∂L/∂w<46> = a<4>·Err<6> = 0.33181·0.13117 = 0.04352"
        in (found["The gradient of the weights of unit 6"])
    )
    assert found["The weighted sum of unit 4"][0] == (
        "z<4> = x<1>·w<14> + x<2>·w<24> + x<3>·w<34> + b<1>[1]"
    )
    assert (
        "w<46>′ = w<46> + rate·Err<6>·a<4> = −0.3 + 0.9·0.13117·0.33181 = −0.26083"
        in (found["The new weights of unit 6"])
    )


@pytest.mark.parametrize(
    "notation, lines",
    [
        ("rows", ["z<o> = h<1>·W<2>[1,1] + h<2>·W<2>[2,1] + b<2>[1]",
                  "= 0.332·(−0.3) + 0.525·(−0.2) + 0.1", "As matrices: z = a W<2> + b<2>"]),
        ("columns", ["z<o> = W<2>[1,1]·h<1> + W<2>[1,2]·h<2> + b<2>[1]",
                     "= (−0.3)·0.332 + (−0.2)·0.525 + 0.1", "As matrices: z = W<2> a + b<2>"]),
        ("theta", ["z<o> = Θ<1>[1,0]·1 + Θ<1>[1,1]·h<1> + Θ<1>[1,2]·h<2>",
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
    found = said(scripts, softmax())["The delta of o<1>"]
    a = softmax().layers[-1].numbers.a[0, 0]
    delta, by_p, slope = (f"{one:.6f}".replace("-", "−") for one in (a - 1, -1 / a, a * (1 - a)))
    assert found[:5] == [
        f"δ<o1> = o<1> − t<1> = {a:.6f} − 1 = {delta}, as training computes both together",
        "By its factors:",
        f"∂L/∂o<1> = −t<1>/o<1> = −1/{a:.6f} = {by_p}",
        f"∂o<1>/∂z<o1> = o<1>·(1 − o<1>) = {a:.6f}·(1 − {a:.6f}) = {slope}",
        f"δ<o1> = ∂L/∂o<1>·∂o<1>/∂z<o1> = ({by_p})·{slope} = {delta}",
    ]


def softmax():
    model = cr.Sequential([Input((2,)), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "categorical_crossentropy")
    return model.trace(np.array([[0.3, -0.8]]), np.array([[1.0, 0.0, 0.0]]))


@pytest.mark.parametrize(
    "name, shown, aloud",
    [
        ("w5", "w<5>", "w5"), ("h1_2", "h<1,2>", "h1,2"), ("w_ij", "w<ij>", "w ij"),
        ("theta4", "θ<4>", "θ4"), ("θ_rain", "θ<rain>", "θ rain"),
        ("zeta", "ζ", "ζ"), ("Gamma_1", "Γ<1>", "Γ1"),
        ("W1[2,1]", "W<1>[2,1]", "W1[2,1]"),
        ("x1~", "x<1>~", "x1~"), ("4", "4", "4"), ("is_member", "is_member", "is_member"),
        ("age2", "age2", "age2"), ("city = a", "city = a", "city = a"),
    ],
)  # fmt: skip
def test_names_have_what_follows_the_letter_below_the_line(scripts, name, shown, aloud):
    code = """[styled(name), plain(styled(name))].map((text) =>
      text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">"))"""
    assert scripts(code, name=name) == [shown, aloud]


@pytest.mark.parametrize(
    "value, words, brief",
    [
        (0.0, "0", "0"), (1.0, "1.000000", "1"), (-0.25, "−0.250000", "−0.25"),
        (1e-9, "1·10⁻⁹", "10⁻⁹"), (-2.5e-7, "−2.5·10⁻⁷", "−2.5·10⁻⁷"), (1e9, "1·10⁹", "10⁹"),
        (1234.5678, "1234.567800", "1234.6"), (0.00123456, "0.001235", "0.001235"),
        (6.4223e-6, "6.4223·10⁻⁶", "6.4·10⁻⁶"), (0.00011111, "0.000111", "0.000111"),
        (0.39249999999999996, "0.392500", "0.3925"), (0.0199999999, "0.020000", "0.02"),
        ("NaN", "not a number", "not a number"), ("-Infinity", "−∞", "−∞"),
    ],
)  # fmt: skip
def test_numbers_are_written_so_that_they_are_read(scripts, value, words, brief):
    found = scripts("(digits = 6, [number(Number(value)), short(Number(value))])", value=value)
    assert found == [words, brief]


def test_a_number_is_rounded_at_its_last_digit_and_keeps_three_that_count(scripts):
    rng = np.random.default_rng(0)
    values = rng.normal(size=3000) * 10.0 ** rng.integers(-12, 8, size=3000)
    ties = np.round(rng.normal(size=1500), 3) + 0.0005  # just beside what rounds either way
    beside = np.concatenate([np.nextafter(ties, -9), ties, np.nextafter(ties, 9)])
    values = [one for one in (*values.tolist(), *beside.tolist()) if 0 < abs(one) < 1e8]
    counts = range(1, 18)
    code = "counts.map((one) => values.map((value) => (digits = one, number(value))))"
    for digits, texts in zip(counts, scripts(code, counts=[*counts], values=values), strict=True):
        for value, text in zip(values, texts, strict=True):
            exact, found = Decimal(value), Decimal(text.replace("·10", "e").translate(PLAIN))
            first = exact.adjusted()
            assert abs(found - exact) <= Decimal(5).scaleb(-digits - 1), (value, digits, text)
            kept = Decimal(5).scaleb(first - min(digits, 3))
            assert abs(found - exact) <= kept, (value, digits, text)
            if "·" not in text and float(found) != value:
                assert len(found.as_tuple().digits) >= min(digits, 3), (value, digits, text)


def test_of_many_rows_and_numbers_all_are_counted_that_are_left_out(scripts):
    model = cr.Sequential([Input((1,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    trace = model.trace(np.ones((398, 1)), np.zeros((398, 1)))
    (line,) = [line for line in said(scripts, trace)["The loss L"] if "398 rows" in line]
    assert ", and 392 more" in line
    x = {"shape": [100], "data": [1.0] * 100}
    assert scripts("numbersOf(x, bare)", x=x) == "[1, 1, 1, 1, 1, 1, and 94 more]"


def normalized(**how):
    model = cr.Sequential([Input((2,)), Dense(2), BatchNormalization(**how), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model.trace(np.array([[0.3, -0.8], [1.0, 0.5]]), np.array([[1.0], [0.0]]))


def legend(trace):
    scripts = Scripts(*SCRIPTS, "subject.js")
    return scripts("new NetworkSubject(shipped).legend()", shipped=shipped_step(trace))


def test_units_behind_a_layer_without_weights_have_a_mark(scripts):
    found = said(scripts, normalized())
    assert found["The weighted sum of o"][0] == "z<o> = h<1>~·W<2>[1,1] + h<2>~·W<2>[2,1] + b<2>[1]"
    heads = [line.split(" = ")[0] for line in found["BatchNormalization (batch_normalization)"]]
    assert heads == ["μ<h1>", "σ²<h1>", "hat<h1>", "h<1>~", "h<2>~"]
    given = found["The derivative by what batch_normalization is given"]
    assert [line.split(" = ")[0] for line in given] == [
        "∂Σℓ/∂h<1>~", "∂Σℓ/∂hat<h1>", "∂Σℓ/∂σ²<h1>", "∂Σℓ/∂μ<h1>", "∂Σℓ/∂h<1>", "∂Σℓ/∂h<2>",
    ]  # fmt: skip
    assert found["The delta of h<1>"][0].startswith("δ<h1> = ∂Σℓ/∂h<1> = ")
    assert "h~ what h is after a layer that has no names of its own (dropout, " in legend(
        normalized()
    )


def test_outputs_that_are_classes_from_0_are_told():
    assert ", o0 the 1st output unit, of class 0" in legend(step_of("labels"))
    assert "o0" not in legend(mazur())


def test_where_rows_mix_a_delta_is_of_the_losses_of_all_rows():
    assert (
        "derivative of the sum Σℓ of all rows' losses (for a layer mixes the rows) by z"
        in legend(normalized())
    )
    assert "derivative of the row's own loss by z" in legend(softmax())
    assert "derivative of the row's own loss ℓ by z" in legend(step_of("mse, two outputs"))


def test_the_legend_names_the_signs_that_the_walk_has():
    of_normal = "μ mean, σ² variance, hat what is given less μ, divided by the deviation"
    scaled = "γ[j] what a normalization multiplies unit j by"
    moved = "β[j] what a normalization adds to unit j"
    told = legend(normalized())
    assert f"t target, (2) after a name: in row 2, {of_normal}, {scaled}, {moved}. Lines" in told
    moved_only = legend(normalized(scale=False))
    assert moved in moved_only and scaled not in moved_only
    assert "t target. Lines" in legend(step_of("thirteen rows"))
    model = cr.Sequential([Input((2,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    weighted = model.trace(np.eye(2), np.ones((2, 1)), sample_weight=[1.0, 3.0])
    counts = "weight how much a row counts, by its own weight and that of its class"
    share = "s a row's share in the loss"
    assert f"(2) after a name: in row 2, {counts}, {share}. Lines" in legend(weighted)
    assert counts not in legend(normalized()) and share not in legend(normalized())


def test_the_page_says_that_rows_have_weights():
    scripts = Scripts(*SCRIPTS, "subject.js")
    X, y = np.eye(2), np.ones((2, 1))
    for rows, told in ((2, "a batch of 2 rows with weights,"), (1, "one row with a weight,")):
        made = cr.Sequential([Input((2,)), Dense(1)], seed=0)
        made.compile("sgd", "mse")
        for how, is_told in (({"sample_weight": [2.0, 1.0][:rows]}, True), ({}, False)):
            shipped = shipped_step(made.trace(X[:rows], y[:rows], **how))
            lead = scripts("new NetworkSubject(shipped).lead()", shipped=shipped)
            assert (told in lead, "weight" in lead) == (is_told, is_told)


def test_formulas_in_remarks_have_minus_signs():
    remark = "it is given (age - 39.2)/13.5, -1 where it is missing; in far-off.csv"
    shipped = shipped_step(replace(mazur(), remarks=(remark,)))
    scripts = Scripts(*SCRIPTS, "subject.js")
    found = scripts("new NetworkSubject(shipped).notes()", shipped=shipped)
    assert "It is given (age − 39.2)/13.5, −1 where it is missing; in far-off.csv." in found


def panel(scripts, trace, key):
    """Lines of a panel by the titles of its sections, and rows of its tables."""
    code = """(() => {
      digits = shipped.digits;
      const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
      const { sections } = networkPanel(new Network(new Training(shipped)), key);
      return sections.map(({ title, lines = [], table }) => [shown(title),
        [...(table ? [table.head, ...table.rows].map((row) => shown(row.join(" | "))) : []),
          ...lines.map(shown)]]);
    })()"""
    return dict(scripts(code, shipped=shipped_step(trace), key=key))


def test_a_hidden_weight_is_the_product_of_all_its_factors_the_first_a_sum_over_paths(scripts):
    found = panel(scripts, mazur(), "w/1/0/0")
    assert found["Gradient: all factors"] == [
        "∂E/∂w<1> = ∂E/∂h<1>·∂h<1>/∂z<h1>·∂z<h1>/∂w<1>",
        "= 0.03635031·0.24130071·0.05", "= 0.00043857", "where",
        "∂E/∂h<1> = δ<o1>·w<5> + δ<o2>·w<7> = 0.13849856·0.4 + (−0.03809824)·0.5 = 0.03635031",
        "∂h<1>/∂z<h1> = h<1>·(1 − h<1>) = 0.59326999·(1 − 0.59326999) = 0.24130071",
        "∂z<h1>/∂w<1> = i<1> = 0.05",
    ]  # fmt: skip
    assert found["Shorter, with δ"] == ["∂E/∂w<1> = i<1>·δ<h1> = 0.05·0.00877135 = 0.00043857"]


def test_a_weight_of_a_batch_has_a_row_of_factors_for_each_row_and_their_sum(scripts):
    trace = step_of("mse, two outputs", errors=True)
    found = panel(scripts, trace, "w/2/0/0")["Gradient, row by row: all factors"]
    assert found[0] == "row | −∂ℓ/∂o<1> | ∂o<1>/∂z<o1> | ∂z<o1>/∂W<2>[1,1] = h<1> | product"
    cells = [row.replace("−", "-").split(" | ") for row in found[1:4]]
    assert all(re.fullmatch(r"-?\d\.\d{6}", cell) for row in cells for cell in row[1:])
    factors = np.array(cells, float)
    products = factors[:, 1:4].prod(axis=1)
    assert factors[:, 4] == pytest.approx(products, abs=2e-6)
    assert found[4].startswith("Row 1: −∂L/∂z<o1> = 1/3·Err<o1> = 1/3·")
    assert found[5].startswith("The sum of the products over 3 rows is ")
    assert found[6].endswith(f"= {-trace.grad_kernel[1][0, 0]:.6f}".replace("-", "−"))
    assert found[6].startswith("−∂L/∂W<2>[1,1] = 1/3·")


@pytest.mark.parametrize(
    "name, head",
    [
        ("binary", "row | ∂ℓ/∂o | ∂o/∂z<o> | ∂z<o>/∂W<2>[1,1] = h<1> | product"),
        ("labels", "row | ∂ℓ/∂o<t> | ∂o<t>/∂z<o0> | ∂z<o0>/∂W<2>[1,1] = h<1> | product"),
        ("three binary", "row | ∂ℓ/∂o<1> | ∂o<1>/∂z<o1> | ∂z<o1>/∂W<2>[1,1] = h<1> | product"),
    ],
)
def test_a_weight_before_a_stable_pair_has_all_its_factors_too(scripts, name, head):
    trace = step_of(name)
    found = panel(scripts, trace, "w/2/0/0")["Gradient, row by row: all factors"]
    assert found[0] == head
    rows = np.array(
        [row.replace("−", "-").split(" | ") for row in found[1 : trace.rows + 1]], float
    )
    assert rows[:, 4] == pytest.approx(rows[:, 1:4].prod(axis=1), abs=5e-6)
    assert rows[:, 4].mean() == pytest.approx(trace.grad_kernel[1][0, 0], abs=2e-6)


def test_a_weight_before_a_softmax_is_the_product_of_all_factors_of_the_class(scripts):
    found = panel(scripts, softmax(), "w/1/1/0")["Gradient: all factors"]
    assert found[0] == "∂L/∂W<1>[1,2] = ∂L/∂o<1>·∂o<1>/∂z<o2>·∂z<o2>/∂W<1>[1,2]"
    assert found[4].startswith("∂L/∂o<1> = −t<1>/o<1> = ")
    assert found[5].startswith("∂o<1>/∂z<o2> = −o<1>·o<2> = ")
    assert found[6] == "∂z<o2>/∂W<1>[1,2] = x<1> = 0.3"


def test_a_prelu_is_told_with_its_slope(scripts):
    found = panel(scripts, step_of("prelu"), "u/2/0")
    assert found["What it gives"][0] == (
        "h<1>~ = max(h<1>, 0) + α<p_re_lu>[1]·min(h<1>, 0)"
        " = max(0.45036, 0) + 0·min(0.45036, 0) = 0.45036"
    )


def test_the_rule_of_an_optimizer_is_told_in_its_own_words(scripts):
    found = panel(scripts, step_of("adam"), "w/2/0/0")["The update by Adam"]
    w, g = "W<2>[1,1]", "∂L/∂W<2>[1,1]"
    assert found[:2] == [
        f"momentum<W2[1,1]>′ = momentum<W2[1,1]> + 0.1·({g} − momentum<W2[1,1]>)"
        " = 0 + 0.1·(0.043389 − 0) = 0.004339",
        f"velocity<W2[1,1]>′ = velocity<W2[1,1]> + 0.001·(({g})² − velocity<W2[1,1]>)"
        " = 0 + 0.001·(0.043389² − 0) = 1.8826·10⁻⁶",
    ]
    assert found[3].startswith(
        f"{w}′ = {w} − alpha·momentum<W2[1,1]>′/(sqrt(largest<W2[1,1]>′) + 1·10⁻⁷) = "
    )
    assert found[4] == (
        "alpha = rate·sqrt(1 − β<2>^step)/(1 − β<1>^step)"
        " = 0.01·sqrt(1 − 0.999^1)/(1 − 0.9^1) = 0.003162"
    )


def test_clipping_and_constraints_are_told_where_they_change_a_number(scripts):
    found = panel(scripts, step_of("clipped"), "w/2/0/0")["The update by SGD"]
    assert found[:2] == [
        "length = 0.406851, of the gradient of dense_1/kernel",
        "g<W2[1,1]> = ∂L/∂W<2>[1,1]·(0.01/length) = −0.378067·(0.01/0.406851) = −0.009293,"
        " the gradient after clipping by clipnorm=0.01",
    ]
    trace = step_of("constraint")
    moved = trace.layers[0].parameters["kernel"]
    unit = int(np.argmax(moved.before[0] != moved.after[0]))
    assert moved.after[0, unit] == 0
    told = panel(scripts, trace, f"w/1/{unit}/0")["The update by SGD"]
    assert told[0].startswith(f"W<1>[1,{unit + 1}]* = ") and told[0].endswith(", by the rule")
    assert told[1] == f"W<1>[1,{unit + 1}]′ = 0, after the constraint"


def test_a_loss_that_is_clipped_or_kinked_has_a_number_and_no_formula(scripts):
    model = cr.Sequential([Input((1,)), Dense(1, "hard_sigmoid")], seed=0, dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([np.array([[9.0]]), np.array([0.0])])
    trace = model.trace([[1.0]], [[0.5]])
    line = said(scripts, trace)["The loss L"][1]
    assert trace.a[-1][0, 0] == 1
    assert line.startswith(f"L = {trace.loss:.6f}, through the operations of the loss")


def test_a_derivative_that_there_is_not_is_not_listed(scripts):
    model = cr.Sequential([Input((2,)), Embedding(5, 2), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    found = said(scripts, model.trace([[0, 3]], [[1.0]]))
    none, by_first = found["The derivative by what embedding is given"]
    assert none == "There is no derivative of the row's loss by what the layer is given."
    assert by_first.startswith("∂L/∂x<1> = δ<o>·W<1>[1,1] = ")


def test_a_label_has_the_name_of_its_unit(scripts):
    model = cr.Sequential([Input((2,)), Dense(3, "softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    trace = model.trace([[0.3, -0.8]], [1], units=[["x1", "x2"], ["no", "yes", "maybe"]])
    found = said(scripts, trace)
    assert found["The loss L"][0] == "Targets: class t = 1 (yes)"
    a = trace.a[-1][0, 1]
    assert found["The loss L"][1].startswith(f"L = −log(yes) = −log({a:.6f}) = {-np.log(a):.6f}")


def test_a_loss_from_logits_is_told_in_what_it_makes_of_them(scripts):
    model = cr.Sequential([Input((2,)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", cr.losses.BinaryCrossentropy(from_logits=True))
    trace = model.trace([[0.3, -0.8]], [[1.0]])
    line = said(scripts, trace)["The loss L"][1]
    p = 1 / (1 + np.exp(-trace.a[-1][0, 0]))
    assert line == f"L = −log(p) = −log({p:.6f}) = {trace.loss:.6f}  (BinaryCrossentropy)"


@pytest.mark.parametrize("name, said", [
    ("mixed rows inside", "∂Σℓ/∂"), ("mixed rows", "∂Σℓ/∂"), ("batch norm", "∂Σℓ/∂"),
    ("norm of one row", "∂L/∂"),
])  # fmt: skip
def test_a_derivative_behind_which_rows_mix_is_that_of_all_rows(scripts, name, said):
    code = "(() => new Network(new Training(shipped)).slopeName('x'))()"
    assert scripts(code, shipped=shipped_step(step_of(name))) == f"{said}x"


def test_for_a_reader_of_errors_weights_of_a_batch_move_by_plus_minus_the_gradient(scripts):
    plain = said(scripts, step_of("mse, two outputs", errors=True))
    (line,) = [one for one in plain["The new weights of o<1>"] if one.startswith("W<2>[1,1]′")]
    lines = plain["The gradient of the weights of o<1>"]
    (slope,) = [one for one in lines if one.startswith("−∂L/∂W<2>[1,1] = ")]
    assert line.startswith("W<2>[1,1]′ = W<2>[1,1] + rate·(−∂L/∂W<2>[1,1]) = ")
    assert f"·{slope.rpartition(' = ')[2]} = " in line
    trace = model(2, Dense(1), optimizer="adam").trace(*batch(2, 2, 1), errors=True)
    lines = said(scripts, trace)["The new weights of o"]
    assert "The rule takes the gradients themselves, without the minus shown before them." in lines
