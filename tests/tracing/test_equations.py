import math
from decimal import Decimal

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
from chainrule.tracing.equations import (
    LARGE,
    LEAST,
    SMALL,
    Equation,
    Values,
    account_of,
    number_text,
)
from chainrule.tracing.formula import (
    FUNCTIONS,
    Call,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    dot,
    evaluate,
    folded,
    parts_of,
)
from chainrule.tracing.text import symbol_text

TOLERANCE = {"float32": 1e-6, "float64": 1e-9}
ROUNDING = {"float32": 2.0**-23, "float64": 2.0**-52}


def computed(one, shift):
    """A formula computed again, with each symbol's value changed by a rounding."""
    match one:
        case Symbol() | Rest():
            return np.asarray(one.value, np.float64) * (1 + shift(one))
        case Number():
            return np.asarray(one.value, np.float64)
        case Sum():
            return sum(computed(term, shift) for term in one.terms)
        case Product():
            value = computed(one.factors[0], shift)
            for factor in one.factors[1:]:
                value = value * computed(factor, shift)
            return value
        case Quotient():
            return computed(one.top, shift) / computed(one.bottom, shift)
        case Power():
            return computed(one.base, shift) ** computed(one.exponent, shift)
        case Negative():
            return -computed(one.operand, shift)
        case Call():
            arguments = [computed(argument, shift) for argument in one.arguments]
            return FUNCTIONS[one.function](*arguments, **dict(one.settings))


def magnitude(one):
    """How large the numbers are that a formula adds: what its rounding is measured by."""
    if isinstance(one, Sum):
        return max(magnitude(term) for term in one.terms)
    if isinstance(one, Product):
        return math.prod(magnitude(factor) for factor in one.factors)
    value = np.abs(np.asarray(computed(one, lambda _: 0.0)))
    return float(value.max()) if value.size else 0.0


def disagreement(equation, form, dtype):
    """How far a formula is from the engine's number, in units of what is allowed."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        exact = np.asarray(computed(form, lambda _: 0.0))
        moved = [computed(form, lambda _: rng.choice([-4, 4]) * ROUNDING[dtype]) for _ in range(6)]
    spread = max(float(np.nanmax(np.abs(one - exact))) for one in moved)
    value = np.asarray(equation.value, np.float64)
    exact = exact.reshape(value.shape) if exact.size == value.size else exact
    allowed = TOLERANCE[dtype] * max(float(np.abs(value).max()), 1e-30) + 4 * spread
    allowed += 4 * ROUNDING[dtype] * magnitude(form)
    return float(np.abs(exact - value).max()) / allowed


def equations(trace):
    for section in account_of(trace).sections:
        for entry in section.entries:
            if isinstance(entry, Equation):
                yield section.title, entry


def check(trace, dtype):
    count = 0
    for title, one in equations(trace):
        for form in one.forms:
            count += 1
            if not np.isfinite(one.value).all():  # of a pair that is stable only together
                with np.errstate(all="ignore"):
                    np.testing.assert_array_equal(computed(form, lambda _: 0.0), one.value)
                continue
            assert disagreement(one, form, dtype) <= 1, (title, one)
    return count


def bare(trace):
    """What has no formula."""
    for title, one in equations(trace):
        if not one.forms and "loss of the same rows" not in one.note:
            yield title, one.symbol.name, one.note


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*NETWORKS])
def test_each_right_hand_side_comes_to_the_engines_number(name, dtype):
    assert check(step_of(name, dtype), dtype) > 20


@pytest.mark.parametrize(
    "name", ["mse, two outputs", "classes", "binary", "dropout", "penalties", "two norms",
             "group norm", "codes", "penalties on activities", "batch norm at positions",
             "classes at positions", "mixed rows inside"]
)  # fmt: skip
@pytest.mark.parametrize(
    "how", [{"notation": "columns"}, {"notation": "theta"}, {"errors": True}, {"steps": 3}]
)
def test_each_right_hand_side_in_other_notations(name, how):
    check(step_of(name, **how), "float64")


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_rows_with_weights(reduction):
    loss = cr.losses.MeanSquaredError(reduction=reduction)
    made = model(3, cr.layers.Dense(2, "tanh"), cr.layers.Dense(1), loss=loss)
    trace = made.trace(*batch(3, 3, 1), sample_weight=[1.0, 2.0, 0.25])
    check(trace, "float64")
    text = trace.to_text()
    assert "s(2)·L(2)" in text


def test_a_penalty_that_weighted_rows_share_is_divided_by_their_weights():
    stack, settings, given = NETWORKS["shared penalty"]
    made = model(given[1], *stack, **settings)
    trace = made.trace(*batch(*given), sample_weight=[1.0, 2.0, 0.25])
    assert check(trace, "float64") > 20
    text = " ".join(trace.to_text(200).split())
    assert "dpenalty/dW1[1,1] = 2·0.01·W1[1,1]/sum of weights = " in text
    kernel = trace.kernel_before[0]
    assert trace.penalties["dense/kernel"] == pytest.approx(0.01 * np.sum(kernel**2) / 3.25)


TABLES = [((True,), 0), ((True, False), 2), ((False,), 2)]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("heads, spread", TABLES)
def test_networks_of_tables(heads, spread, dropout):
    trace = table_step(heads, spread, dropout)
    assert check(trace, "float64") > 30
    assert all(len(line) <= 80 for line in trace.to_text().splitlines())


@pytest.mark.parametrize("example", [mazur, han])
def test_the_worked_examples(example):
    assert check(example(), "float64") > 35


@pytest.mark.parametrize("name, result, nodes", list(expressions()))
def test_each_right_hand_side_of_an_expression(name, result, nodes):
    check(cr.trace(result, nodes), "float64")


def test_a_wrong_formula_is_found():
    (title, one) = next((t, e) for t, e in equations(mazur()) if t == "Backward")
    wrong = Sum((*one.forms[-1].terms, Number(1e-6)))
    assert disagreement(one, one.forms[-1], "float64") <= 1 < disagreement(one, wrong, "float64")


@pytest.mark.parametrize(
    "name", ["squared error", "mse, two outputs", "binary", "classes", "labels", "huber", "mae",
             "dropout", "shares", "softmax with mse", "activation layer", "binary from logits",
             "large", "batch norm", "layer norm", "group norm", "two norms", "held norm",
             "norm of one row", "prelu", "codes", "penalties", "penalties by size",
             "penalties on activities", "penalty of rows", "standardized", "noise",
             "dropout around a norm", "shared penalty", "rows with positions",
             "activation at positions", "shares at positions", "many positions",
             "units of three axes", "thirteen rows", "layer norm at positions",
             "batch norm at positions", "group norm at positions", "held norm at positions",
             "norm at many positions", "mse at positions", "squared error at positions",
             "binary at positions", "binary from logits at positions",
             "binary of numbers at positions", "classes at positions",
             "shares at positions of outputs", "labels at positions",
             "labels from logits at positions", "classes by logarithms at positions",
             "classes of exponentials at positions", "softmax with mse at positions",
             "mae at positions", "huber at many positions", "labels at many positions",
             "quantile at positions", "poisson at positions", "mixed rows", "mixed rows inside",
             "mixed rows of many", "own loss"]
)  # fmt: skip
def test_networks_that_books_show_have_a_formula_for_everything(name):
    assert not list(bare(step_of(name)))


@pytest.mark.parametrize(
    "name", ["batch norm", "layer norm", "group norm", "layer norm at positions"]
)
def test_inner_derivatives_of_a_normalization_are_those_of_the_graph(name):
    trace = step_of(name)
    layer = next(one for one in trace.layers if "Normalization" in one.kind)
    divided = next(one for one in layer.nodes if one.operation == "divide" and one.value.size > 6)
    nodes = {one.number: one for one in trace.nodes}
    left, root = (nodes[number] for number in divided.operands)
    variance = nodes[nodes[root.operands[0]].operands[0]]
    found = {"hat": [], "μ": [], "σ²": []}
    for _, one in equations(trace):
        for letter, values in found.items():
            symbol = one.symbol
            if symbol.by is not None and (symbol.head or symbol.name).startswith(letter):
                values.append(float(symbol.value))
    for letter, node in (("hat", divided), ("μ", nodes[left.operands[1]]), ("σ²", variance)):
        whole = trace.rows * np.asarray(node.derivative)  # of the sum of rows, not of their mean
        assert sorted(found[letter]) == pytest.approx(sorted(whole.reshape(-1)), 1e-9, 1e-12)


@pytest.mark.parametrize("name", [*NETWORKS, (False,), (False, True)])
def test_a_formula_uses_only_numbers_that_stand_before_it(name):
    is_table = isinstance(name, tuple)
    trace = table_step(name, 1, 0.5, numbers=1, rows=2) if is_table else step_of(name)
    assert not list(untold(trace))


def untold(trace):
    """Equations that use numbers which do not stand before them."""
    told = {symbol_text(one) for one in _given(trace)}
    for section in account_of(trace).sections:
        for entry in section.entries:
            if isinstance(entry, Values):
                told |= {symbol_text(one) for one in entry.symbols}
            elif isinstance(entry, Equation):
                missing = set().union(*map(_used, entry.forms)) - told
                if missing:
                    yield section.title, symbol_text(entry.symbol), missing
                told.add(symbol_text(entry.symbol))


def _given(trace):
    """What optimizers keep of the steps before."""
    for _, one in equations(trace):
        symbols = [
            part for form in one.forms for part in parts_of(form) if isinstance(part, Symbol)
        ]
        kept = {name for layer in trace.layers for each in layer.parameters.values()
                for name in each.slots_before}  # fmt: skip
        yield from (part for part in symbols if part.head in kept)


def _used(form):
    """The names of what rows have, and of derivatives, in a formula; parameters are given."""
    symbols = [
        one
        for one in parts_of(form)
        if isinstance(one, Symbol) and one.head not in ("mask", "noise")
    ]
    tops = {id(one.by) for one in symbols}  # of derivatives, whose numbers they do not use
    of_rows = [one for one in symbols if one.by is not None or one.head or one.row is not None]
    return {symbol_text(one) for one in of_rows if id(one) not in tops}


def test_a_pair_is_shown_both_ways():
    trace = step_of("classes")
    row = int(np.argsort(-trace.row_losses)[0])
    target = trace.targets[next(iter(trace.targets))][row]
    p = trace.a[-1][row]
    own = [
        one for title, one in equations(trace)
        if title == f"Backward, row {row + 1}" and one.symbol.head == "δ"
        and one.symbol.name.startswith("o")
    ]  # fmt: skip
    whole = [one for one in own if "together" in one.note]
    parts = [one for one in own if "parts" in one.note]
    assert len(whole) == len(parts) == 3
    for k, (first, second) in enumerate(zip(whole, parts, strict=True)):
        assert first.value == pytest.approx(p[k] - target[k], rel=1e-9)
        assert second.value == pytest.approx(p[k] - target[k], rel=1e-9)
        terms = [-target[j] / p[j] * p[j] * ((j == k) - p[k]) for j in range(3) if target[j]]
        assert evaluate(second.forms[0]) == pytest.approx(sum(terms), rel=1e-9)


def test_a_pair_whose_parts_are_not_finite_says_so():
    made = model(1, cr.layers.Dense(1, "sigmoid"), loss="binary_crossentropy")
    made.set_weights([np.array([[800.0]]), np.zeros(1)])
    trace = made.trace([[1.0]], [[0.0]])
    text = trace.to_text()
    assert "The product of the parts is not finite" in text
    assert trace.delta[0][0, 0] == 1.0
    assert "by its parts" not in text


def test_checks_stand_beside_the_gradients():
    trace = mazur(check=True, digits=6)
    for title, one in equations(trace):
        if title == "Gradients":
            assert one.note == f"central difference {number_text(one.value, 6)}"


def test_many_steps_end_with_the_last():
    trace = mazur(steps=10_000)
    text = trace.to_text()
    assert "E after step 10,000 = 3.5102e-05" in text
    assert "outputs after the last step: o1 = 0.01591362, o2 = 0.98406427\n" in text
    assert "Step 10,000: Forward" in text and "\nStep 1: Forward" in text
    assert "Step 1" not in mazur().to_text()
    assert "9,991 more are left out." in text


def test_dot_shows_the_largest_terms_and_what_the_others_come_to():
    left, right = np.array([1.0, -5.0, 0.1, 4.0, 0.2]), np.array([1.0, 1.0, 2.0, 1.0, 3.0])
    terms = dot(left, right, lambda k: Symbol(f"t{k}", left[k] * right[k]), 2)
    assert [getattr(one, "name", None) for one in terms] == ["t1", "t3", None]
    assert (terms[-1].count, terms[-1].value) == (3, pytest.approx(1.0 + 0.2 + 0.6))


def test_a_sum_of_not_many_more_terms_is_shown_whole():
    terms = [Number(float(k)) for k in range(4)]
    assert evaluate(folded(terms, 3)) == 6.0
    assert not any(isinstance(one, Rest) for one in parts_of(folded(terms, 3)))
    assert any(isinstance(one, Rest) for one in parts_of(folded([*terms, Number(9.0)], 3)))


def test_paths_of_the_network_of_one_unit_a_layer():
    _, result, nodes = next(one for one in expressions() if one[0] == "one_one_one")
    found = [
        one for title, one in equations(cr.trace(result, nodes))
        if title == "Paths" and one.symbol.name == "w1"
    ]  # fmt: skip
    long, short = found
    factors = long.forms[0].factors
    assert [(one.by.name, one.head or one.name) for one in factors] == [
        ("J", "p"), ("p", "z2"), ("z2", "a1"), ("a1", "z1"), ("z1", "w1")
    ]  # fmt: skip
    x, y, w2 = 1.5, 1.0, -1.2
    a1 = 1 / (1 + np.exp(-(0.8 * x - 0.5)))
    p = 1 / (1 + np.exp(-(w2 * a1 + 0.3)))
    expected = [(p - y) / (p * (1 - p)), p * (1 - p), w2, a1 * (1 - a1), x]
    assert [float(np.squeeze(one.value)) for one in factors] == pytest.approx(expected, rel=1e-12)
    assert float(np.squeeze(short.value)) == pytest.approx((p - y) * w2 * a1 * (1 - a1) * x)
    text = cr.trace(result, nodes).to_text()
    assert "dJ/dw1 = ∂J/∂p·∂p/∂z2·∂z2/∂a1·∂a1/∂z1·∂z1/∂w1" in text
    assert "dJ/dw1 = (p - y)·w2·a1·(1 - a1)·x" in text
    assert "(shared by x, w1, b1, w2, b2)" in text


def test_one_function_used_three_times():
    _, result, nodes = next(one for one in expressions() if one[0] == "chain")
    assert "dz/dw = ∂z/∂y·∂y/∂x·∂x/∂w" in cr.trace(result, nodes).to_text()


@pytest.mark.parametrize(
    "value, digits, shown",
    [
        (0.375, 8, "0.375"), (3.51018e-05, 8, "3.5102e-05"), (0.0, 3, "0"), (-0.0, 3, "0"),
        (-2.0, 6, "-2"), (float("nan"), 6, "nan"), (float("-inf"), 6, "-inf"), (1e-7, 6, "1e-07"),
        (0.0004, 3, "4e-04"), (0.000316228, 4, "0.000316"), (-0.0087214, 3, "-0.00872"),
        (0.00021, 4, "0.00021"), (0.0005, 4, "0.0005"), (0.33181, 3, "0.332"), (0.0123, 2, "0.012"),
        (-0.10454, 3, "-0.105"), (0.33181, 2, "0.33"), (12.3456, 1, "12.3"), (0.3, 0, "0.3"),
        (0.00999999, 3, "0.01"), (0.2, 3, "0.2"), (1.0004, 3, "1"), (0.00012, 3, "0.00012"),
        (1234567.5, 1, "1234567.5"), (120.0, 0, "120"), (2.5e9, 2, "2.5e+09"),
        (-8392112345.678, 6, "-8.39211235e+09"), (123456789.123456, 2, "1.23456789e+08"),
        (np.zeros((2, 2)), 2, "[[0 0] [0 0]]"), (np.arange(9.0), 1, "[0 1 2 3 4 5 ... 3 more]"),
    ],
)  # fmt: skip
def test_numbers(value, digits, shown):
    assert number_text(value, digits) == shown


def test_few_digits_leave_what_a_reader_needs_to_check_a_line():
    text = mazur(digits=4).to_text()
    assert "dE/dw1 = i1·δ_h1 = 0.05·0.00877 = 0.000439" in text
    text = han(digits=3).to_text()
    shown = {line.rpartition("= ")[2].split("  ")[0] for line in text.splitlines()}
    assert {"0.332", "0.525", "0.474", "-0.105", "0.131", "-0.00654", "-0.00872"} <= shown
    assert {"-0.261", "-0.138", "0.192", "-0.306", "-0.508", "0.194", "0.218", "-0.408"} <= shown


@pytest.mark.parametrize("digits", range(18))
def test_a_number_is_as_near_as_its_digits_allow(digits):
    rng = np.random.default_rng(digits)
    values = np.concatenate([
        rng.normal(size=1000) * 10.0 ** rng.integers(-12, 12, 1000),
        rng.normal(size=1000), np.nextafter(np.round(rng.normal(size=1000), 4), 0),
        [0.39249999999999996, 0.1755, 0.9995, 0.0009995, 99999999.5, 1e-4, -0.5, 2.5],
    ])  # fmt: skip
    for value in values.tolist():
        shown, exact = Decimal(number_text(value, digits)), Decimal(value)
        size = exact.adjusted()
        if SMALL <= abs(value) < LARGE:
            coarsest = max(digits, min(max(digits, 1), LEAST) - 1 - size)
        else:
            coarsest = min(digits, 4) - size
        assert abs(shown - exact) <= Decimal("0.5000001") * Decimal(10) ** -coarsest, value
