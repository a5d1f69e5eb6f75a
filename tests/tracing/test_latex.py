import re
import unicodedata

import numpy as np
import pytest
from tests.tracing.networks import (
    NETWORKS,
    expressions,
    han,
    mazur,
    model,
    step_of,
)
from tests.tracing.test_text import TABLE_A, TABLE_B

import chainrule as cr
from chainrule import examples, layers
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
from chainrule.tracing.latex import tokens_of
from chainrule.tracing.latex_names import escaped, name_latex, number_latex, symbol_latex


def latex(formula, digits=None):
    return "".join(token.latex for token in tokens_of(formula, digits))


def test_worked_example_a_has_formula_numbers_and_result():
    text = mazur().to_latex()
    assert not [number for number in TABLE_A if f"= {number}" not in text]
    for line in (
        r"z_{h_{1}} & = i_{1}\cdot w_{1} + i_{2}\cdot w_{2} + b_{1} = 0.05\cdot 0.15 + "
        r"0.1\cdot 0.2 + 0.35 = 0.3775",
        r"\frac{\partial E}{\partial w_{5}} & = h_{1}\cdot \delta_{o_{1}} = "
        r"0.59326999\cdot 0.13849856 = 0.08216704",
        r"w_{5}^{\prime} & = w_{5} - \eta\cdot \frac{\partial E}{\partial w_{5}} = "
        r"0.4 - 0.5\cdot 0.08216704 = 0.35891648",
    ):
        assert line in text


def test_letters_of_books_are_told():
    text = mazur().to_latex()
    assert r"\(\sigma(z) = \frac{1}{1 + e^{-z}}\)" in text
    assert r"\(\eta\text{: the learning rate}\)" in text
    assert r"\(z = a W + b\text{, a row of units times a matrix}\)" in text
    adam = step_of("adam").to_latex()
    assert r"\alpha & = \frac{\eta\cdot \sqrt{1 - {\beta_{2}}^{1}}}{1 - {\beta_{1}}^{1}}" in adam


def test_a_column_called_rate_is_no_learning_rate():
    made = model(1, layers.Dense(1))
    text = made.trace([[2.0]], [[1.0]], units=[["rate"], ["o"]]).to_latex()
    assert r"z_{o} & = \mathrm{rate}\cdot W" in text


def test_worked_example_b():
    text = han().to_latex()
    assert not [number for number in TABLE_B if f"= {number}" not in text]
    assert r"w_{46}^{\prime} & = w_{46} + \eta\cdot \mathrm{Err}_{6}\cdot a_{4}" in text


@pytest.mark.parametrize("name", [*NETWORKS])
def test_braces_and_environments_are_closed(name):
    text = step_of(name).to_latex()
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert text.isascii() and "[U+" not in text


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_expressions_are_documents_of_their_own(name, result, nodes):
    text = cr.trace(result, nodes).to_latex()
    assert text.startswith(r"\documentclass")
    assert text.endswith("\\end{document}\n")
    assert r"times the local one (\(\partial\))" in text and "[U+" not in text


@pytest.mark.parametrize("name", examples.names())
def test_no_letter_of_an_example_is_lost(name):
    example = examples.find(name)()
    if example.is_traceable:
        text = example.trace().to_latex()
        assert "[U+" not in text and text.isascii()


def test_names_in_remarks_are_set_as_names():
    text = examples.one_one_one().trace().to_latex()
    assert r"= 0.747466\quad\text{(shared by \(x\), \(w_{1}\), \(b_{1}\))}" in text
    inputs = [cr.variable(1.0 + k, f"x{k}") for k in range(18)]
    q = sum(inputs[1:], inputs[0])
    long = cr.trace(q * q, {"q": q}).to_latex()
    shared = long[long.index("(shared by") :].split(r"\end{align*}")[0]
    assert re.findall(r"\\\(x_\{(\d+)\}\\\)", shared) == [str(k) for k in range(18)]
    assert all(line.count("x_{") < 18 for line in shared.splitlines())


def test_a_note_on_a_line_of_its_own_keeps_both_brackets():
    text = examples.one_one_one().trace().to_latex()
    assert r"\quad\text{(simplified)}" in text
    assert not re.findall(r"\\text\{[^(){}]+\)\}", text)


def test_common_signs_in_names_are_not_lost():
    written = escaped("temp °C → K ± 2 €, 3 × 4 ≤ 5 ≠ 6 – “x” ½ …")
    assert "[U+" not in written and written.isascii()
    assert r"\(\rightarrow\)" in written and r"\texteuro{}" in written


def test_matrices_and_thetas():
    assert r"W^{[1]}_{2,1}" in step_of("squared error").to_latex()
    assert r"\Theta^{[0]}_{1,0}" in step_of("squared error", notation="theta").to_latex()


@pytest.mark.parametrize(
    "name, shown",
    [
        ("w46", "w_{46}"), ("h1", "h_{1}"), ("W1[2,1]", "W^{[1]}_{2,1}"), ("b[3]", "b_{3}"),
        ("h1_2", "h_{1,2}"), ("δ", r"\delta"), ("Θ0[1,0]", r"\Theta^{[0]}_{1,0}"), ("7", "7"),
        ("rate", r"\mathrm{rate}"), ("beta_1", r"\beta_{1}"),
        ("μ1_2", r"\mu_{1,2}"), ("σ²1", r"\sigma^{2}_{1}"), ("ΣL", r"\Sigma L"),
        ("γ2[3]", r"\gamma^{[2]}_{3}"), ("σ²_2", r"\sigma^{2}_{2}"), ("μ_1", r"\mu_{1}"),
        ("σ²[1,2]", r"\sigma^{2}_{1,2}"), ("σ²1[2]", r"\sigma^{2\,[1]}_{2}"),
        ("x_1", "x_{1}"), ("x_1_2", "x_{1,2}"), ("theta4", r"\theta_{4}"), ("phi", r"\varphi"),
        ("w_ij", r"w_{\mathrm{ij}}"), ("z_h1", "z_{h_{1}}"), ("θ_rain", r"\theta_{\mathrm{rain}}"),
        ("W_dense[1,2]", r"W^{[\mathrm{dense}]}_{1,2}"), ("age2", r"\mathrm{age2}"),
        ("is_member", r"\text{is\_\allowbreak{}member}"),
        ("x_is_in", r"x_{\text{is\_\allowbreak{}in}}"),
        ("ŷ", r"\hat{y}"), ("ȳ", r"\bar{y}"), ("ẑ", r"\hat{z}"), ("x\u0302", r"\hat{x}"),
        ("x\u0304", r"\bar{x}"), ("ỹ", r"\tilde{y}"), ("ẋ", r"\dot{x}"), ("ŷ_2", r"\hat{y}_{2}"),
        ("θ\u0302", r"\hat{\theta}"), ("theta\u03021", r"\hat{\theta}_{1}"),
        ("x\u20d7", r"\vec{x}"),
        ("x\u0307\u0304", r"\bar{\dot{x}}"), ("z_ŷ", r"z_{\hat{y}}"), ("ℓ", r"\ell"),
        ("ℓ_1", r"\ell_{1}"),
        ("x₁", "x_{1}"), ("h₁₂", "h_{12}"), ("x³", "x^{3}"), ("x₁²", "x^{2}_{1}"),
        ("x¹⁰", "x^{10}"),
        ("Err₁", r"\text{Err\({}_{1}\)}"), ("ş", r"\text{\c{s}}"), ("x٣", r"\text{x[U+0663]}"),
        ("a b", r"\text{a b}"), ("50%", r"\text{50\%}"), ("中", r"\text{[U+4E2D]}"),
    ],
)  # fmt: skip
def test_names(name, shown):
    assert name_latex(name) == shown


@pytest.mark.parametrize(
    "symbol, shown",
    [
        (Symbol("h1", 0, head="z"), "z_{h_{1}}"),
        (Symbol("h1", 0, row=2), "h_{1}^{(2)}"),
        (Symbol("h1", 0, head="hat", row=2), r"\hat{h}_{1}^{(2)}"),
        (Symbol("beta_1", 0, letter="β1"), r"\beta_{1}"),
        (Symbol("h1", 0, head="μ", mark="~"), r"\mu_{\tilde{h}_{1}}"),
        (Symbol("city = x", 0, head="hat"), r"\widehat{\text{city = x}}"),
        (Symbol("h1", 0, head="σ²"), r"\sigma^{2}_{h_{1}}"),
        (Symbol("ŷ", 0, head="hat"), r"\hat{\hat{y}}"),
        (Symbol("x̄_1", 0, head="hat"), r"\hat{\bar{x}}_{1}"),
        (Symbol("x_rain", 0, head="hat"), r"\hat{x}_{\mathrm{rain}}"),
        (Symbol("z_h1", 0, head="z", row=1), "z_{z_{h_{1}}}^{(1)}"),
        (Symbol("x²_1", 0, mark="'"), r"{x^{2}_{1}}^{\prime}"),
        (Symbol("W1[2,1]", 0, mark="'"), r"{W^{[1]}_{2,1}}^{\prime}"),
        (Symbol("h1", 0, mark="~~"), r"\tilde{\tilde{h}}_{1}"),
        (Symbol("w5", 0, by=Symbol("E", 0)), r"\frac{\partial E}{\partial w_{5}}"),
        (Symbol("x", 0, by=Symbol("q", 0), sign="∂"), r"\frac{\partial q}{\partial x}"),
        (Symbol("x", 0, by=Symbol("q", 0), sign="d"), r"\frac{\mathrm{d}q}{\mathrm{d}x}"),
        (Symbol("w5", 0, by=Symbol("E", 0), opposite=True), r"-\frac{\partial E}{\partial w_{5}}"),
    ],
)
def test_symbols(symbol, shown):
    assert symbol_latex(symbol) == shown


def test_special_characters():
    assert escaped(r"\{}$&#%^~<>|") == (
        r"\textbackslash{}\{\}\$\&\#\%\textasciicircum{}\textasciitilde{}\textless{}"
        r"\textgreater{}\textbar{}"
    )


def test_accents_and_lowered_letters_in_sentences():
    assert escaped("ŷ, x\u0304 and θ\u0302") == (
        r"\(\hat{\mathrm{y}}\), \(\bar{\mathrm{x}}\) and \(\hat{\theta}\)"
    )
    assert escaped("ℓ of x₁ at 10³") == r"\(\ell\) of x\({}_{1}\) at 10\({}^{3}\)"
    assert escaped("a\u0308 ä ş_\u0302 \u0302") == (r"ä ä \c{s}\_\allowbreak{}[U+0302] [U+0302]")


@pytest.mark.parametrize("letters, written", [
    ("ç ß ø æ", "ç ß ø æ"),
    ("ş Ţ ķ", r"\c{s} \c{T} \c{k}"),
    ("ș", r"\textcommabelow{s}"),
    ("ą Ę", r"\latin{\k{a}} \latin{\k{E}}"),
    ("ł Ł œ ı", r"\l{} \L{} \oe{} \i{}"),
    ("đ Ð þ ŋ", r"\latin{\dj{}} \latin{\DH{}} \latin{\th{}} \latin{\ng{}}"),
    ("ő ạ ḻ", r"\H{o} \d{a} \b{l}"),
    ("č ů ż", r"\(\check{\mathrm{c}}\) \(\mathring{\mathrm{u}}\) \(\dot{\mathrm{z}}\)"),
    ("ī", r"\(\bar{\text{\i{}}}\)"),
    ("ệ ǿ", r"\(\hat{\text{\d{e}}}\) \(\acute{\text{ø}}\)"),
])  # fmt: skip
def test_latin_letters_have_the_accents_of_tex(letters, written):
    assert escaped(letters) == written
    assert escaped(unicodedata.normalize("NFD", letters)) == written


@pytest.mark.parametrize(
    "value, shown",
    [
        (3.51018e-05, r"3.5102\cdot 10^{-5}"), (1e-7, r"1\cdot 10^{-7}"),
        (2.5e9, r"2.5\cdot 10^{9}"),
        (np.nan, r"\mathrm{nan}"), (-np.inf, r"-\infty"), (0.25, "0.25"),
    ],
)  # fmt: skip
def test_numbers(value, shown):
    assert number_latex(value, 6) == shown


X, Y, S = Symbol("x", 2.0), Symbol("y", -3.0), Symbol("s", 2e-5)


@pytest.mark.parametrize(
    "formula, names, numbers",
    [
        (Sum((X, Negative(Product((Y, X))))), r"x-y\cdot x", r"2-(-3)\cdot 2"),
        (Sum((X, Negative(Sum((X, Y))))), "x-(x + y)", "2-(2-3)"),
        (Product((Y, Y)), r"y\cdot y", r"-3\cdot (-3)"),
        (Product((Sum((X, Y)), X)), r"(x + y)\cdot x", r"(2-3)\cdot 2"),
        (Quotient(X, Sum((X, Y))), r"\frac{x}{x + y}", r"\frac{2}{2-3}"),
        (Power(Y, Number(2)), "{y}^{2}", "(-3)^{2}"),
        (Power(S, Number(2)), "{s}^{2}", r"(2\cdot 10^{-5})^{2}"),
        (Call("exp", (Y,)), "e^{y}", "e^{-3}"),
        (
            Product((Y, Sum((X.slope(Symbol("E", 0), 0.5), Y)))),
            r"y\cdot \Bigl(\frac{\partial E}{\partial x} + y\Bigr)",
            r"-3\cdot (0.5-3)",
        ),
        (Call("sqrt", (X,)), r"\sqrt{x}", r"\sqrt{2}"),
        (Call("abs", (Y,)), "|y|", "|-3|"),
        (Call("sigmoid", (X,)), r"\sigma(x)", r"\sigma(2)"),
        (Power(Symbol("x", 2.0, row=3), Number(2)), "(x^{(3)})^{2}", "2^{2}"),
        (
            Power(X.slope(Symbol("E", 0), 0.5), Number(2)),
            r"\Bigl(\frac{\partial E}{\partial x}\Bigr)^{2}",
            "0.5^{2}",
        ),
        (Sum((X, Rest(3, 0.5))), r"x + [\text{3 more}]", "2 + [0.5]"),
    ],
)
def test_formulas(formula, names, numbers):
    assert latex(formula).replace(" - ", "-") == names
    assert latex(formula, 6).replace(" - ", "-") == numbers


def test_vectors_and_matrices_are_set_as_such():
    A, x = cr.variable([[1.0, 2.0], [3.0, -4.0]], "A"), cr.variable([1.0, -1.0], "x")
    v, B = cr.variable([0.5, -1e-5], "v"), cr.variable(np.arange(10.0).reshape(2, 5) - 2.5, "B")
    z, h = A @ x, v @ A
    shown = cr.trace((z * x).sum() + h.sum() + B.sum(), {"z": z, "h": h}).to_latex()
    matrix = r"\begin{bmatrix} 1 & 2 \\ 3 & -4 \end{bmatrix}"
    column = r"\begin{bmatrix} %s \\ %s \end{bmatrix}"
    small = column % (0.5, r"-1\cdot 10^{-5}")
    for line in (
        f"A & = {matrix} ",
        f"x & = {column % (1, -1)} ",
        rf"z & = A\cdot x = {matrix}\cdot {column % (1, -1)} = {column % (-1, 7)} ",
        rf"{{h}}^{{\top}} & = {{v}}^{{\top}}\cdot A = {{{small}}}^{{\top}}"
        rf"\cdot {matrix} = {{{column % ('0.49997', '1.00004')}}}^{{\top}} ",
        rf"= z\odot x = {column % (-1, 7)}\odot {column % (1, -1)} = {column % (-1, -7)} ",
        r"B & = [-2.5\ -1.5\ -0.5\ 0.5\ 1.5\ 2.5\ \text{...}\ 4\ \text{more]}",
    ):
        assert line in shown, line
    assert r"{-}" not in shown.split("{Forward}")[1]


MATRIX = r"\{?\\begin\{bmatrix\} ([^{}]*) \\end\{bmatrix\}(\}\^\{\\top\})?"


def shape_of(numbers, turned):
    """The shape of what stands in brackets, turned over where that is said."""
    shape = (numbers.count(r" \\ ") + 1, numbers.split(r" \\ ")[0].count("&") + 1)
    return shape[::-1] if turned else shape


def of_vectors(side):
    """A softmax of a vector, perhaps multiplied with a matrix."""
    x, b = cr.variable([0.5, -1.0, 2.0], "x"), cr.variable([1.0, -2.0, 0.5], "b")
    A, B = (cr.variable(np.ones(shape), name) for shape, name in (((4, 3), "A"), ((3, 4), "B")))
    p = cr.ops.softmax(x * b)
    made = {"column": lambda: A @ p, "row": lambda: p @ B, "none": lambda: p * b}[side]()
    return cr.trace((made * made).sum() + p.sum(), {"p": p}).to_latex()


@pytest.mark.parametrize("side", ["column", "row", "none"])
def test_a_vector_is_written_one_way_in_a_document(side):
    shown = of_vectors(side)
    found = {shape_of(numbers, "") for numbers, _ in re.findall(MATRIX, shown)}
    vectors = {"column": {(3, 1), (4, 1)}, "row": {(3, 1), (4, 1)}, "none": {(1, 3)}}[side]
    assert {shape for shape in found if 1 in shape} == vectors
    products = re.findall(rf"{MATRIX}\\cdot {MATRIX}(?:\s|&|\\\\\n)*= {MATRIX}", shown)
    assert len(products) == {"column": 3, "row": 3, "none": 1}[side]
    for one in products:
        first, second, made = (shape_of(*one[k : k + 2]) for k in (0, 2, 4))
        assert first[1] == second[0] and made == (first[0], second[1]), one


def test_brackets_of_many_axes_and_numbers_that_are_not_finite():
    shown = latex(Symbol("T", np.reshape([1.0, -np.inf, np.nan, -2e-7], (1, 2, 2))), 4)
    assert shown == r"[[[1\ -\infty]\ [\mathrm{nan}\ -2\cdot 10^{-7}]]]"


def test_a_remark_below_a_line_has_both_brackets():
    z = cr.variable([1.0, 2.0, -0.5], "z")
    both = cr.ops.softmax(z) + cr.ops.log_softmax(z)
    shown = cr.trace((both * [1.0, 0.0, 2.0]).sum(), check=True).to_latex()
    (remark,) = re.findall(r"\\text\{(\(?central differences .*)\}", shown)
    assert remark.startswith("(") and remark.endswith(")")
    assert r"\begin{bmatrix} 0.189344 & -0.174981 & -0.014363 \\ -0.174981 & " in shown
    assert r"{v_{2}}_i\cdot ([i=j] - {v_{2}}_j) = " in shown
    assert r"= [i=j] - e^{{v_{3}}_j} = " in shown
