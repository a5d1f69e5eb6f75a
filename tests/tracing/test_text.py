import re
import time

import numpy as np
import pytest
from tests.tracing.networks import (
    NETWORKS,
    batch,
    expressions,
    han,
    mazur,
    model,
    step_of,
    table_step,
)

import chainrule as cr
from chainrule import layers
from chainrule.errors import SettingError
from chainrule.examples import spec_of
from chainrule.tracing.equations import number_text
from chainrule.tracing.formula import (
    Call,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
)
from chainrule.tracing.text import written

TABLE_A = [
    "0.59326999", "0.59688438", "0.75136507", "0.77292847", "0.29837111", "0.13849856",
    "-0.03809824", "0.00877135", "0.00995425", "0.35891648", "0.40866619", "0.51130127",
    "0.56137012", "0.14978072", "0.19956143", "0.24975114", "0.29950229", "0.29102777",
]  # fmt: skip
"""The numbers of worked example A as the curriculum prints them."""

TABLE_B = [
    "-0.7", "0.1", "-0.10454", "0.33181", "0.52498", "0.47389", "0.13117", "-0.00654",
    "-0.00872", "-0.26083", "-0.13803", "0.19215", "-0.30589", "0.4", "0.1", "-0.50785",
    "0.19411", "0.21805", "0.19411", "-0.40785",
]  # fmt: skip
"""Those of worked example B."""


def results(text):
    """The number after the last sign of equality of each line."""
    return [line.rpartition("= ")[2].split("  ")[0] for line in text.splitlines() if "= " in line]


def fits(text, width):
    return all(len(line) <= width for line in text.splitlines())


def test_worked_example_a():
    text = mazur().to_text()
    assert fits(text, 80)
    assert len(text.splitlines()) <= 60
    assert not set(TABLE_A) - set(results(text))
    for line in (
        "z_h1 = i1·w1 + i2·w2 + b1 = 0.05·0.15 + 0.1·0.2 + 0.35 = 0.3775",
        "h1   = sigmoid(z_h1) = sigmoid(0.3775) = 0.59326999",
        "δ_o1      = dE/do1·do1/dz_o1 = 0.74136507·0.1868156 = 0.13849856",
        "dE/dh1    = δ_o1·w5 + δ_o2·w7 = 0.13849856·0.4 - 0.03809824·0.5 = 0.03635031",
        "dE/dw5 = h1·δ_o1 = 0.59326999·0.13849856 = 0.08216704",
        "w5' = w5 - rate·dE/dw5 = 0.4 - 0.5·0.08216704 = 0.35891648",
        "b1 = 0.35, held fixed",
    ):
        assert line in text.splitlines()


def test_worked_example_b():
    text = han().to_text()
    assert fits(text, 80)
    assert not set(TABLE_B) - set(results(text))
    for line in (
        "Err_6     = -dL/da_6·da_6/dz_6 = 0.52611·0.24932 = 0.13117",
        "-dL/da_4  = Err_6·w46 = 0.13117·(-0.3) = -0.03935",
        "w46' = w46 + rate·Err_6·a_4 = -0.3 + 0.9·0.13117·0.33181 = -0.26083",
        "b6'  = b6 + rate·Err_6 = 0.1 + 0.9·0.13117 = 0.21805",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_line_is_wider_than_asked(name, width):
    assert fits(step_of(name).to_text(width), width)


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_no_line_of_an_expression_is_wider_than_asked(name, result, nodes):
    for width in (40, 80):
        assert fits(cr.trace(result, nodes).to_text(width), width)


def test_names_that_are_longer_than_a_line():
    made = model(1, layers.Dense(1, "tanh"), layers.Dense(1))
    long = "a_very_long_name_of_a_unit_" * 5
    text = made.trace([[1.0]], [[0.0]], units=[["x"], [long], ["o"]], loss=long[1:]).to_text(60)
    assert fits(text, 60)
    assert long in text.replace("\n", "").replace(" ", "")


def test_a_title_stands_above_and_steps_between_are_said_to_be_left_out():
    made = spec_of({"title": "My net", "layers": [{"units": 1}],
                    "data": {"X": [[1.0]], "y": [[0.5]]}})  # fmt: skip
    trace = made.trace(steps=5)
    lines = trace.to_text().splitlines()
    assert lines[:2] == ["My net", "One training step of a 1-1 network"]
    assert "Steps 2 to 4 are left out here; to_csv() has their numbers." in lines
    assert r"\section*{My net}" in trace.to_latex() and "<h1>My net</h1>" in trace.to_html()
    said = made.trace(steps=3).to_text()
    assert "Step 2 is left out here; to_csv() has its numbers." in said
    assert "left out" not in made.trace(steps=2).to_text()
    assert "Steps 2 to 149 are left out here." in made.trace(steps=150).to_text()
    formula = spec_of({"title": "A square", "values": {"x": 2.0}, "expressions": {"f": "x*x"}})
    assert formula.trace().to_text().startswith("A square\n")
    assert "<h1>A square</h1>" in formula.trace().to_html()


def test_a_width_that_is_too_small_is_refused():
    with pytest.raises(SettingError, match=r"to_text: width must be .*40"):
        mazur().to_text(10)


def test_a_large_network_is_folded_and_says_what_is_left_out():
    stack = [layers.Dense(300, "relu"), layers.Dense(100, "relu"), layers.Dense(10, "softmax")]
    made = model(
        784, *stack, loss="sparse_categorical_crossentropy", optimizer="adam", dtype="float32"
    )
    for rows in (1, 32):
        X, y = batch(rows, 784, 10, "labels")
        trace = made.trace(X, y)
        start = time.perf_counter()
        text = trace.to_text()
        assert time.perf_counter() - start < 1
        assert len(text.splitlines()) <= 150
        assert fits(text, 80)
        assert "dense: 298 more of 300 are left out." in text
        assert "[782 more]" in text
        assert "dense/kernel: 235,19" in text
        assert ("31 are left out" in text) == (rows == 32)


def test_a_sum_says_what_its_terms_left_out_come_to():
    trace = step_of("large")
    text = trace.to_text(width=2000)
    line = next(one for one in text.splitlines() if one.startswith("z_h1_"))
    unit = int(re.match(r"z_h1_(\d+)", line)[1]) - 1
    row = int(re.search(r"Forward, row (\d+)", text)[1]) - 1
    shown = [int(one) - 1 for one in re.findall(r"x(\d+)\(\d+\)·W1", line)]
    terms = trace.layers[0].numbers.x[row] * trace.kernel_before[0][:, unit]
    others = np.delete(terms, shown).sum()
    assert float(re.search(r"\+ \[(-?[\d.]+)\]", line)[1]) == pytest.approx(others, abs=1e-6)
    assert "[38 more]" in line


def test_colors_only_where_asked():
    plain, colored = mazur().to_text(), mazur().to_text(color=True)
    assert "\x1b" not in plain
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain
    assert "\x1b[36mz_h1\x1b[0m" in colored
    assert "= \x1b[32m0.59326999\x1b[0m" in colored


def test_what_python_shows_is_the_text():
    assert repr(mazur()) == mazur().to_text()
    x = cr.variable(2.0, "x")
    assert repr(cr.trace(x * x)) == cr.trace(x * x).to_text()


def test_a_long_expression_is_folded():
    total = x = cr.variable(0.1, "x")
    for _ in range(2000):
        total = cr.ops.tanh(total + x)
    start = time.perf_counter()
    text = repr(cr.trace(total))
    assert time.perf_counter() - start < 20
    assert "more steps are left out." in text
    assert len(text.splitlines()) < 400


@pytest.mark.parametrize(
    "notation, formula, weight",
    [
        ("rows", "z_h1 = x1·W1[1,1] + x2·W1[2,1] + b1[1]", "z = a W + b"),
        ("columns", "z_h1 = W1[1,1]·x1 + W1[1,2]·x2 + b1[1]", "z = W a + b"),
        ("theta", "z_h1 = Θ0[1,0]·1 + Θ0[1,1]·x1 + Θ0[1,2]·x2", "z = Θ a"),
    ],
)
def test_notations(notation, formula, weight):
    text = step_of("squared error", notation=notation).to_text(200)
    assert formula in text
    assert weight in text


def test_layers_counted_from_one():
    text = step_of("squared error", first_layer=1).to_text(200)
    assert "z_h1 = x1·W2[1,1]" in text
    assert "z_o1 = h1·W3[1,1]" in text


def test_rows_of_a_batch_are_named():
    text = step_of("binary").to_text(200)
    assert "dL/dW2[1,1] = 1/3·(h1(1)·δ_o(1) + h1(2)·δ_o(2) + h1(3)·δ_o(3))" in text
    assert "= 1/3·(L(1) + L(2) + L(3))" in text


def test_dropout_shows_its_mask_forward_and_backward():
    text = step_of("dropout").to_text(200)
    assert re.search(r"h1~\(1\) += mask_h1\(1\)·h1\(1\) = [02]·", text)
    assert re.search(r"dL\(1\)/dh1\(1\) += dL\(1\)/dh1~\(1\)·dh1~\(1\)/dh1\(1\)", text)
    assert re.search(r"o\(1\) += z_o\(1\)", text)


def test_a_penalty_has_its_own_term():
    text = step_of("penalties").to_text(400)
    assert "+ dpenalty/dW1[1,1] =" in text
    assert "+ L(3)) + penalty = " in text
    assert "penalty = penalty of dense/kernel + penalty of dense_1/bias" in " ".join(text.split())
    assert re.search(r"dpenalty/dW1\[1,1\] = 2·0.01·W1\[1,1\] = ", text)
    assert re.search(r"penalty of dense/kernel\s+= 0.01·\(W1\[1,1\]\^2 \+ ", text)
    assert re.search(r"dL/dz_h1\(2\) += 1/3·δ_h1\(2\) \+ dpenalty/dz_h1\(2\) = ", text)


def test_a_normalization_reads_as_in_its_paper():
    text = " ".join(step_of("batch norm").to_text(200).split())
    for line in (
        "μ_h1 = 1/4·(h1(1) + h1(2) + h1(3) + h1(4)) = ",
        "σ²_h1 = 1/4·((h1(1) - μ_h1)^2 + (h1(2) - μ_h1)^2 + ",
        "hat_h1(1) = (h1(1) - μ_h1)/sqrt(σ²_h1 + 0.001) = ",
        "h1~(1) = γ[1]·hat_h1(1) + β[1] = ",
        "dL(1)/dhat_h1(1) = dL(1)/dh1~(1)·γ[1] = ",
        "dΣL/dσ²_h1 = -1/(2·(σ²_h1 + 0.001))·(dL(1)/dhat_h1(1)·hat_h1(1) + ",
        "dΣL/dμ_h1 = -1/sqrt(σ²_h1 + 0.001)·(dL(1)/dhat_h1(1) + dL(2)/dhat_h1(2) + ",
        "dΣL/dh1(1) = 1/sqrt(σ²_h1 + 0.001)·dL(1)/dhat_h1(1) "
        "+ 2/4·(h1(1) - μ_h1)·dΣL/dσ²_h1 + 1/4·dΣL/dμ_h1 = ",
        "dL/dγ[1] = 1/4·(hat_h1(1)·dL(1)/dh1~(1) + hat_h1(2)·dL(2)/dh1~(2) + ",
        "dL/dβ[1] = 1/4·(dL(1)/dh1~(1) + dL(2)/dh1~(2) + ",
    ):
        assert line in text, line
    assert "operations" not in text


def test_several_normalizations_are_told_apart():
    text = step_of("two norms").to_text(200)
    assert (
        "γ1, β1: of batch_normalization; γ2, β2: of layer_normalization; γ3, β3: of "
        "batch_normalization_1" in text
    )
    assert "hat_h1_1(1) + β2[1] = " in text


def test_a_row_of_an_embedding_has_the_sum_over_the_rows_that_use_it():
    text = step_of("codes").to_text(200)
    assert "dL/dembeddings_embedding[1,1] = 1/3·(dL(1)/dx5(1) + dL(3)/dx1(3)) = " in text
    assert "x5(1)   = embeddings_embedding[1,1] = 0.048541" in text


def test_penalties_on_activities_have_formulas():
    text = " ".join(step_of("penalties").to_text(200).split())
    assert "penalty of dense/activities = 1/3·0.01·(|h1(1)| + |h2(1)| + " in text
    assert "dpenalty/dh1(1) = 1/3·0.01·sign(h1(1)) = " in text
    assert "dpenalty/dz_h1(1) = dpenalty/dh1(1)·dh1(1)/dz_h1(1) = " in text
    text = " ".join(step_of("penalties by size").to_text(200).split())
    assert "= 0.1·size of dense/kernel = " in text
    assert re.search(r"dpenalty/dW2\[1,1\] = 0.2·\(W2\[1,1\]/size of dense_1/kernel\) = ", text)
    assert "0.1·sign(W1[1,1])·(|W1[1,1]|/size of dense/kernel)^2" in text


def test_many_numbers_of_a_rule_with_a_state_are_told_in_brief():
    made = model(2, layers.Dense(4, "relu"), layers.Dense(1), optimizer="adam")
    X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]
    trace = made.trace(X, y)
    text = " ".join(trace.to_text(60).split())
    assert text.count("momentum_") == 4  # the name, twice in its rule, and in that of the weight
    assert not any(line.endswith(" =") for line in trace.to_text(60).splitlines())
    told = re.findall(r"W1\[(\d),(\d)\]' = (-?[\d.]+)", text)
    assert len(told) > 4
    for source, unit, value in told:
        expected = trace.kernel_after[0][int(source) - 1, int(unit) - 1]
        assert float(value) == pytest.approx(expected, abs=1e-6)
    few = model(2, layers.Dense(1), optimizer="adam").trace(X, y).to_text()
    assert few.count("momentum_W1[1,1]'") == 2
    assert few.count("momentum_W1[2,1]'") == 2


def test_a_number_without_a_gradient_takes_no_lines_of_its_rule():
    made = model(2, layers.Dense(1), optimizer="adam")
    text = made.trace([[0.0, 1.0], [0.0, 2.0]], [1.0, 2.0]).to_text(200)
    assert re.search(r"W1\[1,1\] = -?[\d.]+: gradient 0, not moved", text)
    assert "momentum_W1[1,1]" not in text
    assert "momentum_W1[2,1]" in text


def test_sums_over_rows_have_the_rows_that_are_shown():
    text = step_of("large").to_text(200)
    row = re.search(r"Forward, row (\d+)", text)[1]
    for line in text.splitlines():
        if line.startswith("dL/dW"):
            assert set(re.findall(r"\((\d+)\)", line)) == {row}
            assert "[19 more]" in line


def test_one_path_of_a_large_network_can_be_followed():
    lines = step_of("large").to_text(2000).splitlines()

    def names(start, pattern):
        """What each line that starts so has of a pattern."""
        found = [set(re.findall(pattern, one)) for one in lines if one.startswith(start)]
        assert found
        return found

    shown = {layer: set.union(*names(f"h{layer}_", rf"^h{layer}_\d+")) for layer in (1, 2)}
    for layer, sums, derivatives in ((1, "z_h2_", "dL(19)/dh1_"), (2, "z_o", "dL(19)/dh2_")):
        assert len(shown[layer]) == 2
        assert all(shown[layer] <= one for one in names(sums, rf"h{layer}_\d+"))
        behind = shown[2] if layer == 1 else {"o4", "o5"}
        assert all(behind <= one for one in names(derivatives, r"(?<=δ_)\w+"))
        assert all(one <= shown[layer] for one in names(f"dL/dW{layer + 1}", r"h\d_\d+(?=.\d+.·)"))
        assert all(one <= behind for one in names(f"dL/dW{layer + 1}", r"(?<=δ_)\w+"))
    (given,) = names("given", r"x\d+")
    assert all(one <= given for one in names("dL/dW1", r"x\d+"))


def test_clipping_and_constraints_are_told():
    assert "(the gradient after clipping by clipnorm=0.01)" in step_of("clipped").to_text(200)
    text = step_of("constraint").to_text(200)
    assert "(by the rule)" in text
    assert "(after the constraint)" in text


def test_parameters_that_do_not_move_say_so():
    text = step_of("no bias, held").to_text(200)
    assert "dense_1/kernel: held fixed at " in text
    text = " ".join(step_of("batch norm").to_text(200).split())
    for name, found in (("mean", "μ_h2"), ("variance", "σ²_h2")):
        moving = f"moving_{name}_batch_normalization[2]"
        assert f"{moving}' = 0.99·{moving} + 0.01·{found} = " in text


def test_a_central_difference_at_a_kink_says_why_it_is_not_the_gradient():
    made = model(1, layers.Dense(1, "relu"), layers.Dense(1), loss="squared_error")
    made.set_weights([np.zeros((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1)])
    text = made.trace([[2.0]], [[1.0]], check=True, digits=2).to_text(200)
    assert (
        "(central difference -1: at a kink of the loss, whose slope is 0 below this value and -2 "
        "above)" in text
    )
    smooth = model(1, layers.Dense(1, "tanh"), layers.Dense(1)).trace([[2.0]], [[1.0]], check=True)
    assert "central difference" in smooth.to_text()
    assert "kink" not in smooth.to_text()


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 1e-5])
def test_a_kink_beside_a_value_does_not_spoil_its_central_difference(distance):
    made = model(1, layers.Dense(1, "relu"), layers.Dense(1), loss="squared_error", dtype="float64")
    made.set_weights([np.full((1, 1), 0.5), np.array([distance - 0.5]), np.ones((1, 1)), [0.0]])
    step = made.trace([[1.0]], [[1.0]], check=True, digits=4)
    assert step.central_difference("dense/bias", (0,)) == pytest.approx(distance - 1, rel=1e-6)
    assert "kink" not in step.to_text()


def test_a_loss_that_is_not_finite_moves_nothing():
    made = model(1, layers.Dense(1))
    made.set_weights([np.array([[1e200]]), np.zeros(1)])
    text = made.trace([[1e200]], [[0.0]]).to_text()
    assert "The loss is not finite, so no weight is moved." in text


X, Y, M = Symbol("x", 2.0), Symbol("y", -3.0), Symbol("m", 1e-9)


@pytest.mark.parametrize(
    "formula, names, numbers",
    [
        (Sum((X, Y)), "x + y", "2 - 3"),
        (Sum((X, Negative(Y))), "x - y", "2 - (-3)"),
        (Sum((X, Negative(Product((Y, X))))), "x - y·x", "2 - (-3)·2"),
        (Product((Y, X, Y)), "y·x·y", "-3·2·(-3)"),
        (Product((Sum((X, Y)), X)), "(x + y)·x", "(2 - 3)·2"),
        (Product((X, Quotient(X, Y))), "x·(x/y)", "2·(2/(-3))"),
        (Quotient(Product((X, Y)), Sum((X, Y))), "x·y/(x + y)", "2·(-3)/(2 - 3)"),
        (Power(Y, Number(2)), "y^2", "(-3)^2"),
        (Power(Sum((X, Y)), Number(2)), "(x + y)^2", "(2 - 3)^2"),
        (Call("exp", (Y,)), "e^y", "e^(-3)"),
        (Negative(Quotient(X, Y)), "-x/y", "-2/(-3)"),
        (Negative(Negative(X)), "-(-x)", "-(-2)"),
        (Sum((X, Rest(3, -0.5))), "x + [3 more]", "2 + [-0.5]"),
        (Call("holds", (Y,)), "[y > 0]", "[-3 > 0]"),
        (Product((X, M)), "x·m", "2·1e-09"),
    ],
)
def test_formulas(formula, names, numbers):
    assert written(formula) == names
    assert written(formula, 6) == numbers


def test_targets_that_are_classes_are_counted_as_these_from_0():
    found = [layers.Input((2,)), layers.Dense(3, "softmax")]
    model = cr.Sequential(found, seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    text = model.trace([0.5, -1.0], 2).to_text()
    assert "t0 = 0, t1 = 0, t2 = 1" in text and re.search(r"δ_o2 *= o2 - t2", text)
    model.compile("sgd", "categorical_crossentropy")
    text = model.trace([0.5, -1.0], [0.0, 0.0, 1.0]).to_text()
    assert "t1 = 0, t2 = 0, t3 = 1" in text and re.search(r"δ_o3 *= o3 - t3", text)


def test_names_with_spaces_stand_in_brackets_and_lines_end_only_where_lines_do():
    made = model(1, layers.Dense(1))
    step = made.trace([[1.0]], [[0.0]], units=[["a\nb\t c"], ["o"]])
    assert "given: [a b c] = 1" in step.to_text()
    x = cr.variable(2.0, "a b")
    text = cr.trace(x * x * x).to_text()
    assert "[a b]" in text and " a b" not in text


def test_a_line_with_its_whole_formula_has_no_remark_about_operations():
    text = step_of("dropout").to_text(200)
    assert "= mask_" in text and "operation" not in text


def test_a_minus_behind_another_factor_stands_in_brackets():
    made = cr.Sequential([layers.Input((2,)), layers.Embedding(3, 2),
                          layers.Flatten(), layers.Dense(1)], seed=0, dtype="float64")  # fmt: skip
    made.compile("sgd", "mse")
    step = made.trace([[0, 1], [1, 2]], [[1.0], [0.0]], [1.0, 2.0], errors=True)
    for written_out in (step.to_text(400), step.to_latex()):
        assert re.search(r"(·|\\cdot) *-", written_out) is None
    assert "s(1)·(-dL(1)/d" in step.to_text(400)


def signed_step(optimizer, **how):
    made = model(2, layers.Dense(1, **how), optimizer=optimizer)
    return made.trace([[0.5, -1.0], [1.5, 0.2]], [[0.0], [2.0]], errors=True, loss="J", digits=4)


@pytest.mark.parametrize(
    "how", [{}, {"kernel_regularizer": "l2"}, {"kernel_constraint": "max_norm"}], ids=str
)
def test_for_a_reader_of_errors_weights_of_a_batch_move_by_plus_minus_the_gradient(how):
    step = signed_step("sgd", **how)
    text, slope = step.to_text(200), r"\(-dJ/dW1\[1,1\]\)"
    shown = number_text(-step.grad_kernel[0][0, 0], 4)
    assert re.search(rf"W1\[1,1\]['*] += W1\[1,1\] \+ rate·{slope} = .* \+ 0.01·{shown} = ", text)
    assert r"+ \eta\cdot \Bigl(-\frac{\partial J}{\partial W^{[1]}_{1,1}}\Bigr)" in step.to_latex()
    assert "without the minus" not in text


@pytest.mark.parametrize(
    "optimizer", ["adam", cr.optimizers.SGD(0.1, momentum=0.9), cr.optimizers.SGD(clipvalue=0.1)],
    ids=["adam", "momentum", "clipped"],
)  # fmt: skip
def test_other_rules_say_that_they_take_gradients_where_errors_are_shown(optimizer):
    text = signed_step(optimizer).to_text(200)
    assert "The rule takes the gradients themselves, without the minus shown before them." in text
    assert "rate·(-dJ" not in text


def legend_of(step):
    return " ".join(step.to_text(100).partition("Forward")[0].split())


def test_what_a_reader_may_not_know_is_told():
    stack = layers.Dense(2, "tanh"), layers.Dropout(0.5), layers.Dense(3, "softmax")
    made = model(2, *stack, loss="sparse_categorical_crossentropy", optimizer="adam")
    told = made.trace([[0.5, -1.0]], [2], digits=3)
    assert "o0 is the 1st output unit, of class 0, with the target t0" in legend_of(told)
    assert "mask: 0 where a unit is left out, else 1/(1 - rate of the dropout)" in legend_of(told)
    assert "h~: h after a layer that has no names of its own (dropout, " in legend_of(told)
    assert "beta_1 0.9, beta_2 0.999; step 1" in legend_of(told)
    assert "δ_h: the derivative of the row's own loss by z_h" in legend_of(told)
    assert "(the loss of the same rows, with the same random numbers)\n" in told.to_text(80) + "\n"
    latex = told.to_latex()
    assert r"\(W^{[l]}\text{, }b^{[l]}\text{: weights and biases that lead to layer }l\)" in latex
    assert r"\(o_0\text{ is the 1st output unit, of class 0, with the target }t_0\)" in latex
    plain = mazur()
    assert "o0" not in legend_of(plain) and r"^{[l]}" not in plain.to_latex()
    assert "Err_h: minus the derivative of the row's own loss by z_h" in legend_of(han())
    assert r"\mathrm{Err}_h\text{: minus the derivative" in han().to_latex()
    theta = step_of("squared error", notation="theta").to_latex()
    assert r"\Theta^{[l]}\text{: the weights that lead from layer }l" in theta


def test_what_indices_of_spread_numbers_mean_is_told():
    assert "kernel_spread[n,p,j], bias_spread[n,1,j]: of the n-th number that is spread, " in (
        legend_of(table_step((True,), 2, 0.0))
    )
