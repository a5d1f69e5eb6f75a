"""What the walk of the page of an expression says."""

import json

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import expressions
from tests.tracing.test_page_equations import check_equations

import chainrule as cr
from chainrule import examples
from chainrule.tracing.page.expression import shipped_expression

SCRIPTS = (
    "operations.js", "tape.js", "words.js", "formula.js", "network.js", "panel.js", "scene.js",
    "drawing.js", "equations.js", "layers.js", "expression.js",
)  # fmt: skip


def test_totals_are_written_with_d_and_local_derivatives_with_a_round_one():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    code = """new ExpressionSubject(shipped).moments
      .flatMap(({ phase, lines }) => (phase === "backward" ? [unmarked(lines()[0])] : []))"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace(x * y + x)))
    assert {"dv4/dx = dv4/dv3·∂v3/∂x + ∂v4/∂x", "dv4/dx = ∂v4/∂x + dv4/dv3·∂v3/∂x"} & set(found)
    assert "dv4/dv3 = ∂v4/∂v3" in found


def test_equations_have_no_zeros_at_their_end_and_tables_have_all_decimals():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    code = """(() => {
      const subject = new ExpressionSubject(shipped);
      return [subject.valueLines(subject.last), subject.tables()[0].rows.at(-1).slice(2)];
    })()"""
    lines, row = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace(x * y + x)))
    assert lines[1:] in (["= 0.91 + 0.7", "= 1.61"], ["= 0.7 + 0.91", "= 1.61"])
    assert row == ["1.610000", "1.000000"]


def subject(code, trace):
    """What an expression of JavaScript gives, in which `subject` is that of the page."""
    call = f"(() => {{ const subject = new ExpressionSubject(shipped); {code} }})()"
    return Scripts(*SCRIPTS)(call, shipped=json.loads(json.dumps(shipped_expression(trace))))


LINES = """
  const lines = (n) => subject.panel(`n/${n}`).sections
    .map(({ title, lines = [] }) => [title, lines.map(unmarked)]);
"""
EQUATIONS = """
  const all = Object.values(subject.equations.equations).flatMap((one) =>
    [one.value, one.slope, ...one.locals, ...one.parts, ...one.paths].filter(Boolean));
"""
RAISED = str.maketrans({"−": "-", "≥": ">=", "≤": "<=", "∞": "inf"}) | {
    ord(sign): f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")
}  # fmt: skip


def one_one_one(**given):
    return examples.one_one_one(**given).trace()


def by_hand(w1):
    """p, a1 and the derivative by w1, with y = 1."""
    a1 = 1 / (1 + np.exp(-(w1 * 1.5 - 0.5)))
    p = 1 / (1 + np.exp(-(-1.2 * a1 + 0.3)))
    return p, a1, (p - 1) * -1.2 * a1 * (1 - a1) * 1.5


@pytest.mark.parametrize("w1", [0.8, 2.5])
def test_the_long_product_has_five_factors_and_what_is_left_of_them(w1):
    trace = one_one_one()
    moved = f"subject.set({{ index: subject.byNumber.get(3).value, place: 0 }}, {w1});"
    found = dict(subject(f"{LINES} {moved} return lines(3);", trace))
    p, a1, slope = (f"{one:.6f}" for one in by_hand(w1))
    assert found["Paths"] == [
        "dJ/dw1 = ∂J/∂p·∂p/∂z2·∂z2/∂a1·∂a1/∂z1·∂z1/∂w1",
        "= (p − y)/(p·(1 − p))·p·(1 − p)·w2·a1·(1 − a1)·x",
        f"= ({p} − 1)/({p}·(1 − {p}))·{p}·(1 − {p})·(−1.2)·{a1}·(1 − {a1})·1.5",
        f"= {slope}",
        "dJ/dw1 = (p − y)·w2·a1·(1 − a1)·x",
        f"= ({p} − 1)·(−1.2)·{a1}·(1 − {a1})·1.5",
        f"= {slope} (simplified)",
    ]
    assert found["Derivative: a sum over its uses"][-1] == f"= {slope}"
    assert found["Local derivatives of its uses"] == ["∂v7/∂w1 = x = 1.5"]


def test_a_pair_is_shown_both_ways():
    found = dict(subject(LINES + "return lines(12);", one_one_one()))
    assert found["Value"][0] == "J = cross_entropy(z2, y)"
    assert found["Value"][-1].startswith("cross_entropy(z, t) = −t log(p) − (1 − t) log(1 − p)")
    p, _, _ = by_hand(0.8)
    by_p, by_z = (p - 1) / (p * (1 - p)), p * (1 - p)
    p, by_p, by_z, delta = f"{p:.6f}", f"{by_p:.6f}", f"{by_z:.6f}", f"{p - 1:.6f}"
    assert found["Local derivatives by what it is made of"][:5] == [
        line.replace("-", "−") for line in (
            f"∂J/∂z2 = p − y = {p} − 1 = {delta}",
            f"p = sigmoid(z2) = sigmoid(-0.501825) = {p}",
            f"∂J/∂p = (p − y)/(p·(1 − p)) = ({p} − 1)/({p}·(1 − {p})) = {by_p}",
            f"∂p/∂z2 = p·(1 − p) = {p}·(1 − {p}) = {by_z}",
            f"∂J/∂z2 = ∂J/∂p·∂p/∂z2 = {by_p}·{by_z} = {delta} (by its parts)",
        )
    ]  # fmt: skip
    z2 = dict(subject(LINES + "return lines(11);", one_one_one()))
    assert z2["Derivative: a sum over its uses"] == [
        "dJ/dz2 = ∂J/∂z2",
        f"= {delta}".replace("-", "−"),
    ]
    assert z2["Paths"] == ["Shared: the paths to x, w1, b1, w2, b2 have dJ/dz2 in them."]


def test_a_pair_that_is_not_finite_by_its_parts_says_so_by_its_numbers():
    trace = one_one_one()
    moved = "subject.set({ index: subject.byNumber.get(6).value, place: 0 }, -900);"
    found = dict(subject(f"{LINES} {moved} return [...lines(12), ...lines(6)];", trace))
    assert "∂J/∂z2 = p − y = 0 − 1 = −1" in found["Local derivatives by what it is made of"]
    assert not [one for one in found["Local derivatives by what it is made of"] if "by its" in one]
    assert found["Paths"] == ["dJ/db2 = −1", "dJ/db2 = p − y", "= 0 − 1", "= −1 (simplified)"]


def test_a_constant_with_a_name_has_it_in_the_drawing():
    code = """
      const scene = subject.scene(new Set(["v/1"]), []);
      const labels = scene.groups.flatMap(({ nodes }) => nodes.map(({ label }) => unmarked(label)));
      return [labels.filter((one) => one.startsWith("Constant")), subject.panel("n/1").title,
        subject.panel("n/1").sections[0].lines];"""
    assert subject(code, one_one_one()) == [["Constant y, 1"], "Constant y", ["y = 1"]]


def test_steps_that_only_move_numbers_are_drawn_as_what_they_move():
    x, y = cr.variable(2.0, "x"), cr.variable(3.0, "y")
    q = cr.ops.relu(x) * y
    trace = cr.trace((q.reshape((1,)) * 1.0).sum() * y, {"q": q})
    code = """return [subject.nodes.map(({ name }) => unmarked(name)), unmarked(subject.last.name),
      subject.result.value];"""
    assert subject(code, trace) == [["x", "y", "v3", "q", "v9"], "v9", 18]


SCALARS = [one for one in expressions()
           if all(step.value.size == 1 for step in cr.trace(one[1], one[2]).steps)]  # fmt: skip


@pytest.mark.parametrize("name, result, nodes", SCALARS)
def test_a_page_has_each_equation_of_the_text(name, result, nodes):
    trace = cr.trace(result, nodes)
    code = (
        EQUATIONS + "return [...all.map((one) => subject.equations.stages(one).join(' = ')),"
        "...subject.moments[0].lines()[0].split(', ')].map(unmarked);"
    )
    shown = {line.translate(RAISED) for line in subject(code, trace)}
    _, text = trace.to_text(1000).split("Forward ─", 1)
    lines = [" ".join(line.split()) for line in text.splitlines() if "(shared by" not in line]
    written = [line for line in lines if " = " in line]
    assert [line for line in written if line not in shown] == []
    assert written


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
@pytest.mark.parametrize("scale", [1.0, 1.25])
def test_each_formula_of_a_page_comes_to_its_number(name, result, nodes, scale):
    code = f"""{EQUATIONS}
      for (const [index, x] of subject.given) {{
        subject.given.set(index, make(x.shape, x.data.map((one) => one * {scale})));
      }}
      subject.refresh();
      return all.map(({{ symbol, forms, note }}) => {{
        const {{ value }} = subject.equations.symbol(symbol);
        const found = forms.length ? subject.equations.evaluated(forms.at(-1)) : undefined;
        return [value?.data, found?.data, note];
      }});"""
    compared = 0
    for value, found, note in subject(code, cr.trace(result, nodes)):
        if value is None or found is None or "inf" in str(value).lower():
            continue
        if note == "by its parts" and name == "certain":
            assert found == ["NaN"]  # infinity times 0: a sentence stands there
            continue
        value, found = (np.array([float(one) for one in some]) for some in (value, found))
        np.testing.assert_allclose(*np.broadcast_arrays(found, value), rtol=1e-9, atol=1e-12)
        compared += 1
    assert compared or name in ("variable alone", "zeros")


BACK = """(() => {
  const subject = new ExpressionSubject(shipped);
  digits = places;
  for (const [name, value] of Object.entries(changed)) {
    const node = subject.nodes.find((one) => one.title === name);
    subject.set({ index: node.value, place: 0 }, value);
  }
  return subject.moments.filter(({ phase }) => phase === "backward")
    .map(({ title, lines }) => [plain(title), lines().map(plain)]);
})()"""


def told(trace, places=6, **changed):
    """What the walk says going back, after variables have been changed."""
    shipped = shipped_expression(trace)
    return Scripts(*SCRIPTS)(BACK, shipped=shipped, changed=changed, places=places)


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_every_equation_of_the_walk_back_holds(name, result, nodes):
    found = told(cr.trace(result, nodes), places=20)
    ended = "The product of the parts is not finite: p has rounded to 0 or 1."
    assert any(line.startswith(ended) for _, lines in found for line in lines) == (
        name == "certain"
    )
    checked = check_equations([(title, [one for one in lines if "∞" not in one])
                               for title, lines in found])  # fmt: skip
    assert all(len(set(lines)) == len(lines) for _, lines in found)
    assert checked > 1 or name not in ("xyz", "one_one_one", "chain", "uses", "functions")


def test_local_derivatives_have_formulas_that_follow_a_changed_variable():
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    trace = cr.trace(cr.ops.tanh(x) * y + x * x / 4.0 + cr.ops.sin(y), {})
    for a, b in ((0.7, 1.3), (2.0, -0.5)):
        assert check_equations(told(trace, places=20, x=a, y=b)) > 4
        found = told(trace, x=a, y=b)
        lines = [line for _, lines in found for line in lines if line.startswith("∂")]
        assert any(line.endswith(f" = 2·x = 2·{a:g} = {2 * a:g}") for line in lines)
        shown = f"cos({b:g})".replace("-", "−")
        assert any(f" = cos(y) = {shown} = " in line for line in lines)
        assert any(" = 1/4 = 0.25" in line for line in lines)
        assert any("² = 1 − 0." in line and line.startswith("∂") for line in lines)


def test_products_with_vectors_follow_a_changed_number():
    A, x = cr.variable([[1.0, 2.0], [3.0, 4.0]], "A"), cr.variable([1.0, -1.0], "x")
    z = A @ x
    trace = cr.trace(z @ z / 2.0, {"z": z})
    by_x, by_A = (lines for title, lines in told(trace, x=2.0) if title[-2:] in ("dx", "dA"))
    assert by_x == [
        "dv11/dx = Aᵀ·dv11/dz", "= [[1, 2], [3, 4]]ᵀ·[0, 2]", "= [6, 8]",
        "∂z/∂x = A = [[1, 2], [3, 4]]",
    ]  # fmt: skip
    assert by_A == ["dv11/dA = dv11/dz·xᵀ", "= [0, 2]·[2, −1]ᵀ", "= [[0, 0], [4, −2]]"]
    _, value, slope = subject("return subject.tables()[0].rows.map((r) => r.slice(1))", trace)[2]
    assert (value, slope) == ("[−1.000000, −1.000000]", "[−1.000000, −1.000000]")
    code = "return subject.panel('n/2').sections.find((one) => one.table).table.rows[0].slice(1)"
    assert subject(code, trace) == ["[−1, −1]", "[[1, 2], [3, 4]]", "[−4, −6]"]


def test_what_is_used_twice_by_one_node_is_one_term():
    x = cr.variable(3.0, "x")
    ((_, first), (_, lines)) = told(cr.trace(x * x))
    assert first == ["dv2/dv2 = 1", "From here the walk goes back."]
    assert lines == ["dv2/dx = ∂v2/∂x", "= 6", "∂v2/∂x = 2·x = 2·3 = 6"]


def test_names_with_signs_stand_in_brackets_in_equations_alone():
    a, b = cr.variable(2.0, "unit price"), cr.variable(3.0, "n-items")
    product = a * b
    trace = cr.trace(product + cr.ops.tanh(a), {"pay/day": product})
    title, lines = told(trace)[-1]
    assert title == "The derivative dv5/d[unit price]"
    terms = ["dv5/d[pay/day]·∂[pay/day]/∂[unit price]", "dv5/dv4·∂v4/∂[unit price]"]
    assert sorted(lines[0].removeprefix("dv5/d[unit price] = ").split(" + ")) == terms
    assert "∂[pay/day]/∂[unit price] = [n-items] = 3" in lines
    text = trace.to_text()
    assert "∂[pay/day]/∂[n-items]" in text
    code = """(() => { const subject = new ExpressionSubject(shipped);
      const { title, fields } = subject.panel(`n/${subject.nodes[0].number}`);
      return [title, fields[0].label, subject.legend().includes("Constants")]; })()"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(trace))
    assert found == ["Node unit price", "unit price", False]


def test_arrays_of_few_numbers_are_written_in_rows():
    W, v = cr.variable([[1.0, 2.0], [3.0, -4.0]], "W"), cr.variable([0.5, -1.0], "v")
    code = "unmarked(new ExpressionSubject(shipped).moments[0].lines()[0])"
    line = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace((v @ W).sum())))
    assert "W = [[1, 2], [3, −4]]" in line
    assert "v = [0.5, −1]" in line


def test_fields_of_an_array_are_named_by_their_places_counted_from_1():
    W = cr.variable(np.arange(6.0).reshape(2, 3), "W")
    code = """(() => { const subject = new ExpressionSubject(shipped);
      const { fields } = subject.panel(`n/${subject.nodes[0].number}`);
      return fields.map(({ label, what }) => [label, subject.get(what)]); })()"""
    found = Scripts(*SCRIPTS)(code, shipped=shipped_expression(cr.trace((W * W).sum())))
    places = [f"W[{row},{column}]" for row in (1, 2) for column in (1, 2, 3)]
    assert found == [[place, n] for n, place in enumerate(places)]


DRAWN = """
  const seen = new Set(subject.moments.flatMap(({ shows }) => shows));
  const [{ nodes, edges }] = subject.scene(seen, []).groups;
  const texts = (all) => all.map(({ text }) => text);
  return [Object.fromEntries(nodes.map(({ name, lines }) => [unmarked(name), texts(lines)])),
    texts(edges), subject.legend(), nodes.map(({ label }) => unmarked(label)),
    nodes.flatMap(({ x, lines }) => lines.map(({ text, y }) => [x, y, 6.6 * text.length]))];
"""


def drawn_numbers(lines, before=""):
    """The numbers of lines below a node."""
    said = " ".join(lines).replace("−", "-").removeprefix(before)
    return json.loads(said)


def test_vectors_have_their_numbers_in_the_drawing():
    rng = np.random.default_rng(5)
    A, x, t = (rng.integers(-8, 9, shape) / 4 for shape in ((2, 2), 2, 2))
    given = [cr.variable(value, name) for value, name in ((A, "A"), (x, "x"), (t, "t"))]
    z = given[0] @ given[1]
    e = z * z - given[2]
    found, arrows, legend, labels, boxes = subject(DRAWN, cr.trace(e @ e, {"z": z, "e": e}))
    made = A @ x
    by_e = 2 * (made**2 - t)
    by_z = by_e * 2 * made
    for name, value, slope in (
        ("A", A, np.outer(by_z, x)), ("x", x, A.T @ by_z), ("t", t, -by_e), ("z", made, by_z),
        ("e", by_e / 2, by_e),
    ):  # fmt: skip
        lines = found[name]
        half = len(lines) // 2
        np.testing.assert_allclose(drawn_numbers(lines[:half]), value, atol=5e-5)
        np.testing.assert_allclose(drawn_numbers(lines[half:], "d "), slope, atol=5e-5)
        assert half == (2 if name == "A" else 1)
    assert {"2×4", "2×2", "[−1, −1]", "[1, 1]"} <= set(arrows)
    assert (
        "on the arrows the local derivatives ∂ (2×3: of each of 2 numbers by each of 3)" in legend
    )
    for place, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[:place]:
            assert abs(y - other_y) >= 14 or abs(x - other_x) >= (width + other_width) / 2
    assert any(one.startswith("Variable x, [") and "], d [" in one for one in labels)


def test_large_arrays_have_how_many_numbers_they_are_in_the_drawing():
    u, W = cr.variable(np.ones(5), "u"), cr.variable(np.ones((5, 6)), "W")
    found, arrows, *_ = subject(DRAWN, cr.trace(cr.ops.tanh(u @ W).sum()))
    assert found["W"] == ["5×6 numbers", "d 5×6 numbers"]
    assert found["u"] == ["5 numbers", "d 5 numbers"]
    assert {"6×30", "6×5", "6 numbers"} == set(arrows)


def test_the_drawing_of_numbers_alone_is_as_wide_as_it_was():
    x, y = cr.variable(0.7, "x"), cr.variable(-1.25, "y")
    code = "return [subject.places.width, subject.places.height, subject.legend()]"
    width, height, legend = subject(code, cr.trace(x * y + x))
    assert (width, height) == (48 + 2 * 112 + 48, 58 + 2 * 92) and "2×3" not in legend


def test_a_page_has_the_signs_and_constants_of_the_text():
    x, y = cr.variable([1.0, 2.0], "x"), cr.variable([3.0, 4.0], "y")
    trace = cr.trace((2.0 * x * y * [0.5, 1.0]).sum())
    code = """
      const walk = subject.moments.flatMap(({ title, lines }) => [title, ...lines()]);
      const { nodes } = subject.scene(new Set(["v/6"]), []).groups[0];
      return [[...walk, ...subject.panel("n/7").sections[0].lines].map(unmarked),
        nodes.map(({ name, lines }) => [unmarked(name), lines.map(({ text }) => text)])];"""
    told, drawn = subject(code, trace)
    assert told[:2] == ["The variables and constants", "x = [1, 2], y = [3, 4], v6 = [0.5, 1]"]
    assert "v5 = v4⊙y" in told and "= [2, 4]⊙[3, 4]" in told and "v4 = 2·x" in told
    assert "⊙: number by number" in told
    assert ["v6", ["[0.5, 1]"]] in drawn and ["2", []] in drawn


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_derivative_of_a_softmax_follows_a_changed_number(name):
    def trace(first):
        p = getattr(cr.ops, name)(cr.variable([first, 0.0, 1.0], "z"))
        return cr.trace((p * p).sum(), {"p": p})

    told_of = dict(told(trace(0.0), z=0.5))
    result = f"d{trace(0.5).result.name}"
    lines = told_of[f"The derivative {result}/dz"]
    moved = trace(0.5)

    def numbers(text):
        return json.loads(text.replace("−", "-").replace("[[", "[").replace("]]", "]"))

    put = lines[1].removeprefix("= ")
    left, matrix = put.split("·", 1)
    np.testing.assert_allclose(numbers(left), moved["p"].derivative, atol=1e-6)
    np.testing.assert_allclose(json.loads(matrix.replace("−", "-")), moved["p"].local[0], atol=1e-6)
    np.testing.assert_allclose(numbers(lines[2][2:]), moved["z"].derivative, atol=1e-6)
    written = {"softmax": "p i·([i=j] − p j)", "log_softmax": "[i=j] − e^p j"}[name]
    assert f"∂p/∂z = {written} = {matrix}" in lines
    panel = subject(LINES + "return lines(2);", moved)
    told_where = "stands in row i and column j; [i=j] is 1 where i = j, else 0"
    assert any(told_where in one for _, held in panel for one in held)


USES = """return subject.panel(`n/${subject.nodes.find(({ title }) => title === name).number}`)
  .sections.find(({ table }) => table).table.rows[0].slice(1);"""


def test_a_sum_has_its_local_derivative_in_the_lines_and_in_the_table():
    x = cr.variable([0.5, 2.0], "x")
    y = 2.0 * x
    J = y.sum()
    trace = cr.trace(J * 3.0, {"y": y, "J": J})
    result = trace.result.name
    lines = dict(told(trace))[f"The derivative d{result}/dy"]
    assert lines == [
        f"d{result}/dy = d{result}/dJ·∂J/∂y", "= 3·[1, 1]", "= [3, 3]", "∂J/∂y = [1, 1]",
    ]  # fmt: skip
    assert subject("const name = 'y';" + USES, trace) == ["3", "[1, 1]", "[3, 3]"]
    assert subject("const name = 'x';" + USES, trace) == ["[3, 3]", "[2, 2]", "[6, 6]"]


def test_the_table_of_uses_has_the_matrix_of_a_softmax():
    z = cr.variable([0.0, 0.0], "z")
    p = cr.ops.softmax(z)
    trace = cr.trace((p * [1.0, 0.0]).sum(), {"p": p})
    matrix = "[[0.25, −0.25], [−0.25, 0.25]]"  # p = 1/2, 1/2
    assert subject("const name = 'z';" + USES, trace) == ["[1, 0]", matrix, "[0.25, −0.25]"]
