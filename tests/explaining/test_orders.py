"""Orders of columns that SHAP values are sampled by."""

from itertools import combinations

import numpy as np

from chainrule.explaining.orders import balanced_orders


def middles(orders):
    """How often each column of each three stands between the others: (triples, 3)."""
    places = np.argsort(orders, axis=1)
    found = []
    for three in combinations(range(orders.shape[1]), 3):
        middle = np.argsort(places[:, three], axis=1)[:, 1]
        found.append(np.bincount(middle, minlength=3))
    return np.array(found)


def test_every_order_has_each_column_once_and_rows_have_orders_of_their_own():
    orders = balanced_orders(9, 30, 4, seed=3)
    assert orders.shape == (30, 4, 9)
    assert (np.sort(orders, axis=2) == np.arange(9)).all()
    assert len({row.tobytes() for row in orders}) == 30
    np.testing.assert_array_equal(orders, balanced_orders(9, 30, 4, seed=3))
    assert (orders != balanced_orders(9, 30, 4, seed=4)).any()


def test_every_column_stands_everywhere_about_equally_often():
    orders = balanced_orders(7, 2000, 2, seed=0)
    for place in range(7):
        counts = np.bincount(orders[:, :, place].ravel(), minlength=7)
        assert np.abs(counts / 4000 - 1 / 7).max() < 0.03


def test_threes_are_balanced_better_than_by_chance():
    draw = np.random.default_rng(0)
    chance = [draw.permuted(np.tile(np.arange(10), (6, 1)), axis=1) for _ in range(30)]
    spread = np.mean([middles(orders).std(axis=1).mean() for orders in chance])
    for row in balanced_orders(10, 5, 6, seed=1):
        assert middles(row).std(axis=1).mean() < 0.85 * spread


def test_few_columns_have_orders_too():
    for columns in (1, 2, 3):
        assert balanced_orders(columns, 4, 3, seed=0).shape == (4, 3, columns)
    assert balanced_orders(150, 2, 3, seed=0).shape == (2, 3, 150)
