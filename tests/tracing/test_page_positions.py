"""What the page says of layers whose weights are used at each position of a row."""

import re

import numpy as np
import pytest
from tests.tracing.engine import Scripts
from tests.tracing.networks import step_of
from tests.tracing.test_page_words import SCRIPTS, said

from chainrule.tracing.page.network import shipped_step

PANEL = """(() => {
  digits = shipped.digits;
  const network = new Network(new Training(shipped));
  const shown = (text) => text.replaceAll(MARKS[0], "<").replaceAll(MARKS[1], ">");
  return new NetworkPanel(network).unit(1, 0).sections
    .map(({ title, lines, table }) => [title, (lines ?? table?.head ?? []).map(shown)]);
})()"""


@pytest.fixture(scope="module")
def scripts():
    return Scripts(*SCRIPTS)


def test_units_at_positions_have_names_of_their_own(scripts):
    found = said(scripts, step_of("rows with positions"))
    whole = "\n".join(line for lines in found.values() for line in lines)
    assert "~" not in whole and "x<x" not in whole
    assert found["Dense (dense)"][:3] == [
        "z<dense[1,1]> = x<1>·W<dense>[1,1] + x<2>·W<dense>[2,1] + b<dense>[1]",
        "= 0.12573·(−1.222042) + (−0.132105)·1.189002 + 0",
        "= −0.310721",
    ]


def test_delta_is_the_derivative_by_the_sum(scripts):
    trace = step_of("activation at positions")
    found = said(scripts, trace)
    title = next(one for one in found if one.startswith("The deltas of") and "dense" in one)
    line = next(one for one in found[title] if one.startswith("δ<dense[1,1]> = "))
    value = float(line.rpartition("= ")[2].replace("−", "-"))
    assert value == pytest.approx(trace.delta[0].reshape(2, -1)[0, 0], abs=1e-6)
    slope = next(one for one in found[title] if "/∂z<dense[1,1]> = 1 − " in one)
    number = float(slope.rpartition("= ")[2].replace("−", "-"))
    assert number == pytest.approx(1 - np.tanh(trace.z[0][0, 0, 0]) ** 2, abs=1e-6)
    assert not re.search(r"∂[ℓL]/∂x", "\n".join(sum(found.values(), [])))


def test_a_delta_of_shares_at_positions_is_a_sum_over_those_of_its_position(scripts):
    trace = step_of("shares at positions")
    found = said(scripts, trace)
    lines = [line for some in found.values() for line in some]
    (delta,) = {one for one in lines if one.startswith("δ<dense_1[1,1,1]> = ")}
    formula = delta.split(" = ")[1]
    positions = set(re.findall(r"dense_1\[(\d,\d),\d\]", formula))
    assert positions == {"1,1"}
    units = trace.layers[1].numbers.a.shape[-1]
    assert formula.count("∂L/∂" if trace.rows == 1 else "∂ℓ/∂") == units
    assert not any("It gives It gives" in one for one in lines)


def test_a_layer_at_positions_is_not_drawn_as_one_to_one(scripts):
    code = "(() => new Network(new Training(shipped)).columns.map(({ link }) => link))()"
    links = scripts(code, shipped=shipped_step(step_of("rows with positions")))
    assert links == [None, None, "same", "weights"]


def test_the_panel_tells_sum_and_delta_of_a_unit_at_its_position(scripts):
    found = dict(scripts(PANEL, shipped=shipped_step(step_of("activation at positions"))))
    assert found["What it gives"][0].startswith("z<dense[1,1]> = input1·W<dense>[1,1] + ")
    assert found["Delta of the row"][-1].startswith("δ<dense[1,1]> = ")
    assert found["Over the rows"] == ["row", "z", "a", "δ"]
