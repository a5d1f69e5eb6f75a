"""Networks of tables as equations: numbers that are spread, and losses of several targets."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import table_step
from tests.tracing.test_equations import bare, check, equations
from tests.tracing.test_page_equations import SCRIPTS
from tests.tracing.test_positions import lines

from chainrule.estimators.network import ACTIVATIONS
from chainrule.tracing.page.network import shipped_step
from chainrule.tracing.text import symbol_text
from chainrule.tracing.view import View


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bins, rows", [(4, 1), (40, 1), (40, 5)])
@pytest.mark.parametrize("how", [{}, {"errors": True}, {"notation": "theta"}])
def test_spread_numbers_are_formulas(bins, rows, dtype, how):
    trace = table_step((False,), 2, 0.0, bins=bins, rows=rows, dtype=dtype, **how)
    assert check(trace, dtype) > 30
    assert not list(bare(trace))
    text = " ".join(trace.to_text(200).split())
    assert re.search(r"given: \[(age|size) position\]", text)
    left_out = re.search(r"spread: 38 more of 40 parts of (age|size) position are left out.", text)
    assert (left_out is not None) == (bins == 40)
    reached = [one for _, one in equations(trace) if one.symbol.head.startswith("reach")]
    assert any(0 < one.value < 1 for one in reached), "where the number itself lies"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("heads", [(True, False), (False, True), (False, False), (True, True)])
@pytest.mark.parametrize("rows", [1, 5])
def test_losses_of_several_targets_are_formulas(heads, rows, dtype):
    for errors in (False, True):
        trace = table_step(heads, 1, 0.0, numbers=1, rows=rows, dtype=dtype, errors=errors)
        assert check(trace, dtype) > 30
        assert not list(bare(trace))


DESIGNS = [
    *({"activation": name} for name in ACTIVATIONS if name != "relu"),
    {"normalization": "batch"},
    {"normalization": "batch", "fixed": True, "activation": "silu", "l2": 0.1},
    {"normalization": "layer", "activation": "tanh", "l1": 0.01},
    {"l1": 0.01, "l2": 0.1},
]


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: ", ".join(map(str, design.items())))
def test_other_settings_are_formulas(design, rows):
    for dtype, dropout in (("float64", 0.0), ("float32", 0.4)):
        trace = table_step((False,), 1, dropout, rows=rows, dtype=dtype, design=design)
        assert check(trace, dtype) > 30
        assert not list(bare(trace))
        penalties = [f"dense_{place}/kernel" for place in range(3)]
        assert list(trace.penalties) == (penalties if "l1" in design or "l2" in design else [])


def test_units_keep_their_names_through_normalization_and_activation():
    design = {"normalization": "layer", "activation": "tanh"}
    text = " ".join(table_step((False,), 0, 0.0, rows=1, design=design).to_text(200).split())
    assert "h1_1~ = γ1[1]·hat_h1_1 + β1[1] = " in text
    assert "h1_1~~ = tanh(h1_1~) = " in text
    assert "h1_1~~·W2[1,1] + " in text


def test_statistics_that_are_kept_are_told_where_batches_change_them():
    design = {"normalization": "batch"}
    text = " ".join(table_step((False,), 0, 0.0, design=design).to_text(200).split())
    name = "moving_mean_batch_normalization_0[1]"
    assert f"{name}' = 0.9·{name}" in text
    text = table_step((False,), 0, 0.0, design=design | {"fixed": True}).to_text(200)
    assert "batch_normalization_0/moving_mean: held fixed" in text


def test_spread_numbers_by_hand():
    trace = table_step((False,), 1, 0.0, numbers=1, rows=1)
    (position,) = trace.inputs["positions"][0]
    kernel, bias = (trace.layers[1].parameters[name] for name in ("kernel", "bias"))
    found = {symbol_text(one.symbol): one.symbol.value for _, one in equations(trace)}
    reach = np.minimum(np.maximum(position - np.arange(4), 0), 1)
    assert [found[f"reach{k + 1}_[age position]"] for k in range(4)] == pytest.approx(reach)
    sums = reach @ kernel.before[0] + bias.before[0, 0]
    names = [f"x{5 + k}" for k in range(8)]
    assert [found[f"z_{name}"] for name in names] == pytest.approx(sums)
    errors = np.array([found[f"δ_{name}"] for name in names])
    assert errors == pytest.approx(bias.gradient[0, 0])
    assert np.outer(reach, errors) == pytest.approx(kernel.gradient[0])


def large():
    return table_step((False,), 2, 0.0, rows=1, widths=(120, 60), numbers=8, bins=20)


def test_of_a_large_table_network_sums_have_what_is_shown_of_spread_numbers():
    trace = large()
    told, view = lines(trace), View(trace)
    parts = [view.gives(1).names[unit] for unit in view.shown_units[1]]
    sums = [told[name].partition(" = ")[0] for name in told if name.startswith("z_h1_")]
    assert len(parts) == 2 and sums and all(part in told for part in parts)
    assert all(f"{part}·W1[" in one and "more]" in one for part in parts for one in sums)


def test_units_that_are_spread_are_drawn_where_they_are_drawn_behind():
    columns = Scripts(*SCRIPTS, "drawing.js", "scene.js")(
        """(() => { const network = new Network(new Training(shipped));
          const { groups } = networkScene(network, new Set(), []);
          return network.columns.map(({ kind, names, shown }, c) => [
            kind, shown.map((unit) => names[unit]), groups[c].edges.length, names.length,
          ]); })()""",
        shipped=shipped_step(large()),
    )
    given = next(n for n, (kind, *_) in enumerate(columns) if kind == "given")
    spread = columns[given - 1]
    both = [name for name in columns[given][1] if int(name[1:]) > 11]  # what is spread comes last
    assert both and {*both} <= {*spread[1]} and len(spread[1]) == 8 and spread[3] == 16
    assert columns[given][2] == len(both)
