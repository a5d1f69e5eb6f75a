"""Parts of a number's range: about as many rows each, a value of many rows counted as one."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.data.quantiles import positions, quantile_edges


@pytest.mark.parametrize("rows, bins", [(1000, 10), (1001, 7), (300, 128), (130, 128), (129, 128)])
def test_values_that_differ_fall_in_parts_of_one_size(rows, bins):
    values = np.random.default_rng(rows).normal(size=rows) ** 3
    edges = quantile_edges(values, bins)
    assert len(edges) == bins + 1
    assert (edges[0], edges[-1]) == (values.min(), values.max())
    held, _ = np.histogram(values, edges)
    assert held.max() - held.min() <= 2
    assert set(edges) <= set(values.tolist())


def test_a_value_of_most_rows_takes_one_part_and_leaves_the_others_to_the_rest():
    rare = np.arange(1.0, 101.0)
    values = np.concatenate([np.zeros(9_900), rare])
    edges = np.array(quantile_edges(values, 11))
    assert edges[0] == 0
    np.testing.assert_array_equal(edges[1:], np.arange(10.0, 101.0, 10.0))
    plain = np.unique(np.quantile(values, np.linspace(0, 1, 12)))
    assert len(plain) == 2  # quantiles of the rows see only that most are 0


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_edges_rise_are_values_and_do_not_depend_on_order(values, bins, shuffler):
    edges = quantile_edges(np.array(values), bins)
    distinct = sorted({value + 0.0 for value in values})
    if len(distinct) < 3 or bins == 1:
        assert edges == ()
    elif len(distinct) <= bins + 1:
        assert list(edges) == distinct
    else:
        assert 2 <= len(edges) <= bins + 1
        assert (edges[0], edges[-1]) == (distinct[0], distinct[-1])
        assert set(edges) <= set(distinct)
        assert (np.diff(edges) > 0).all()
    shuffler.shuffle(values)
    again = quantile_edges(np.array(values), bins)
    assert [edge.hex() for edge in again] == [edge.hex() for edge in edges]


def test_zeros_of_both_signs_are_one_value():
    for values in ([0.0, -0.0, 1.0, 2.0], [-0.0, 0.0, 1.0, 2.0]):
        assert [edge.hex() for edge in quantile_edges(np.array(values), 8)][0] == "0x0.0p+0"


def test_positions_against_the_formula_one_by_one():
    edges = np.array([-2.0, 0.0, 1.0, 5.0])
    values = np.array([-9.0, -2.0, -1.5, 0.0, 0.25, 1.0, 2.0, 5.0, 7.0])
    found = positions(values, edges)
    np.testing.assert_allclose(found, [0, 0, 0.25, 1, 1.25, 2, 2.25, 3, 3], rtol=1e-15)
    alone = [positions(values[i : i + 1], edges)[0] for i in range(len(values))]
    assert np.array(alone).tobytes() == found.tobytes()


def test_positions_stay_within_parts_narrower_than_a_slope_can_say():
    edges = np.array([0.0, 1e-310, 2e-310])
    found = positions(np.array([0.5e-310, 1e-310, 1.5e-310]), edges)
    assert ((found >= 0) & (found <= 2)).all()
