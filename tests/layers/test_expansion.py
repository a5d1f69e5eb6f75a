"""Layers that expand training data: what comes out, beside SciPy and formulas written out."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import ndimage, stats

from chainrule import graph, random
from chainrule.errors import GradientError, SettingError, ShapeError
from chainrule.graph import constant, ops
from chainrule.layers import Dense, Draws, Flatten, GaussianNoise, Mixup, RandomDistortion, Stack
from chainrule.layers.expansion import _field_basis, _Placing, _turned

PICTURES = random.uniform(5, 0, 0, 6 * 28 * 28).reshape(6, 28, 28)
SMALL = np.arange(15.0).reshape(3, 5)
FULL = RandomDistortion(shift=0.1, rotation=20, scale=0.1, elastic=0.05)


def placed(picture, *, angle=0.0, scale=(1, 1), shift=(0, 0)):
    """A picture placed by what the layer draws, here given."""
    numbers = (math.cos(math.radians(angle)), math.sin(math.radians(angle)), *scale, *shift)
    height, width = picture.shape
    core = _turned(_Placing(*(constant([[float(x)]]) for x in numbers)), height, width)
    down, across = (
        np.stack([np.ones(size), np.arange(size) - (size - 1) / 2], axis=1)
        for size in (height, width)
    )
    coordinates = constant(down) @ core @ constant(across.T)
    return ops.sample_bilinear(picture[None], coordinates).value[0]


def test_nothing_happens_to_a_picture_that_stays():
    np.testing.assert_allclose(placed(PICTURES[0]), PICTURES[0], atol=1e-13)


@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_a_quarter_turn_is_counterclockwise_around_the_middle(turns):
    found = placed(PICTURES[0], angle=90 * turns)
    np.testing.assert_allclose(found, np.rot90(PICTURES[0], turns), atol=1e-11)


def test_a_shift_moves_down_and_across_and_brings_in_zeros():
    found = placed(SMALL, shift=(1 / 3, -2 / 5))
    expected = np.zeros((3, 5))
    expected[1:, :3] = SMALL[:2, 2:]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_scale_is_of_each_side_around_the_middle():
    # twice as wide: the three columns in the middle, and halfway between them
    expected = np.stack([(SMALL[:, 1] + SMALL[:, k]) / 2 for k in (1, 2)], axis=1)
    found = placed(SMALL, scale=(1, 2))
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-12)
    np.testing.assert_allclose(found[:, 2], SMALL[:, 2], atol=1e-12)
    np.testing.assert_allclose(placed(SMALL, scale=(0.5, 1))[1], SMALL[1], atol=1e-12)
    assert not placed(np.ones((3, 5)), scale=(0.5, 1))[0].all()


def test_a_picture_is_scaled_then_turned_then_shifted():
    """A pixel is followed forwards, where the layer reads backwards."""
    point, scale, angle, shift = np.array([3.0, -5.0]), np.array([1.5, 0.8]), 30.0, (0.1, -0.05)
    picture = np.zeros((41, 41))
    picture[tuple((20 + point).astype(int))] = 1
    down, across = point * scale
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    target = 20 + np.array([c * down - s * across, s * down + c * across]) + 41 * np.array(shift)
    found = placed(picture, angle=angle, scale=scale, shift=shift)
    middle = ndimage.center_of_mass(found)
    np.testing.assert_allclose(middle, target, atol=0.3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_pictures_are_read_as_scipy_reads_them(dtype, channels):
    x = random.normal(3, 0, 0, 4 * 9 * 13 * math.prod(channels)).reshape(4, 9, 13, *channels)
    draws = Draws(dtype, 3, 1)
    where = FULL.coordinates(x.shape, draws).value
    found = FULL.sample(x.astype(dtype), seed=3, step=1)
    assert found.dtype == dtype
    for row in range(4):
        for channel in np.ndindex(channels):
            picture = x[(row, ..., *channel)]
            expected = ndimage.map_coordinates(np.pad(picture, 1), where[row] + 1.0, order=1)
            np.testing.assert_allclose(
                found[(row, ..., *channel)], expected, atol=1e-12 if dtype == "float64" else 3e-5
            )


def corners(layer, rows=4000, size=(28, 20)):
    """Shift (shares), angle and scales of many rows, read off where three pixels come from."""
    where = layer.coordinates((rows, *size, 1), Draws("float64", 11, 2)).value
    middle = (np.array(size) - 1) / 2
    down = where[:, :, -1, 0] - where[:, :, 0, 0]
    across = where[:, :, 0, -1] - where[:, :, 0, 0]
    center = where[:, :, [0, -1], [0, -1]].mean(axis=2)
    # the inverse of reading: where = middle + back @ (pixel - middle - shift)
    back = np.stack([down / (size[0] - 1), across / (size[1] - 1)], axis=2)
    shift = -np.linalg.solve(back, (center - middle)[..., None])[..., 0] / size
    forward = np.linalg.inv(back)
    scales = np.linalg.norm(forward, axis=1)
    angle = np.degrees(np.arctan2(forward[:, 1, 0], forward[:, 0, 0]))
    return shift, angle, scales


def is_uniform(numbers, least, most):
    numbers = np.ravel(numbers)
    assert numbers.min() >= least - 1e-6
    assert numbers.max() <= most + 1e-6
    assert stats.kstest(numbers, stats.uniform(least, most - least).cdf).pvalue > 1e-3


def test_what_is_drawn_is_uniform_within_the_settings():
    shift, angle, scales = corners(RandomDistortion(shift=0.1, rotation=30, scale=0.2))
    is_uniform(shift[:, 0], -0.1, 0.1)
    is_uniform(shift[:, 1], -0.1, 0.1)
    is_uniform(angle, -30, 30)
    is_uniform(scales[:, 0], 0.8, 1.2)
    is_uniform(scales[:, 1], 0.8, 1.2)
    together = np.corrcoef(np.column_stack([shift, angle, scales]).T)
    assert abs(together - np.eye(5)).max() < 0.06


@pytest.mark.parametrize("setting", ["shift", "rotation", "scale"])
def test_each_setting_moves_alone(setting):
    shift, angle, scales = corners(RandomDistortion(**{setting: 0.25}), rows=50)
    moved = {
        "shift": abs(shift).max(), "rotation": abs(angle).max(), "scale": abs(scales - 1).max()
    }  # fmt: skip
    assert moved.pop(setting) > 0.2
    np.testing.assert_allclose(list(moved.values()), 0, atol=2e-6)


def bent(rows, size, elastic, smoothness):
    layer = RandomDistortion(elastic=elastic, smoothness=smoothness)
    where = layer.coordinates((rows, *size), Draws("float64", 1, 0)).value
    return where - np.indices(size)


def test_the_field_moves_pixels_by_the_share_of_each_side_that_is_said():
    moved = bent(3000, (30, 20), 0.05, 0.14)
    found = np.sqrt((moved**2).mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(found, [1.5, 1.0], rtol=0.02)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=0.2)


@pytest.mark.parametrize("size, smoothness", [(28, 0.14), (28, 4 / 28), (32, 0.1), (20, 0.3)])
def test_the_field_is_as_smooth_as_a_gaussian_filter_makes_a_number_for_each_pixel(
    size, smoothness
):
    """Covariance of the field along a line, against uniform numbers under SciPy's filter."""
    basis = _field_basis(size, smoothness)
    filtered = ndimage.gaussian_filter1d(
        np.eye(size), smoothness * size, axis=0, mode="constant", truncate=6
    )
    found, expected = basis @ basis.T, filtered @ filtered.T
    expected /= np.trace(expected) / size
    assert np.trace(found) / size == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_the_field_of_many_rows_has_that_covariance_too():
    moved = bent(20_000, (12, 12), 0.1, 0.2)[:, 0]
    across = np.einsum("rij,rik->jk", moved, moved)
    basis = _field_basis(12, 0.2)
    expected = basis @ basis.T
    np.testing.assert_allclose(across / np.trace(across) * 12, expected, atol=0.03)


def test_pictures_of_any_type_may_be_looked_at():
    gray = (PICTURES * 255).astype(np.uint8)
    found = FULL.sample(gray, seed=4, step=9)
    assert (found.dtype, found.shape) == (np.float32, gray.shape)
    assert (found == FULL.sample(gray.astype(np.float32), seed=4, step=9)).all()
    assert (found != FULL.sample(gray, seed=4, step=10)).any()
    assert (found != FULL.sample(gray, seed=5, step=9)).any()
    assert (found == dataclasses.replace(FULL, seed=4).sample(gray, seed=6, step=9)).all()


def test_rows_draw_the_same_in_a_batch_of_any_size():
    for layer in (FULL, GaussianNoise(0.5)):
        assert (layer.sample(PICTURES)[:2] == layer.sample(PICTURES[:2])).all()


@pytest.mark.parametrize("layer", [RandomDistortion(), GaussianNoise(0.0)])
def test_a_layer_that_is_set_to_nothing_does_nothing(layer):
    assert (layer.sample(PICTURES) == PICTURES).all()


def test_noise_is_normal_with_the_deviation_that_is_said():
    x = np.full((2000, 5), 3.0)
    noise = (GaussianNoise(0.25).sample(x, seed=2) - 3) / 0.25
    assert stats.kstest(noise.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(noise.T) - np.eye(5)).max() < 0.1
    small = GaussianNoise(0.25).sample(x.astype(np.float32), seed=2)
    np.testing.assert_allclose(small, 3 + 0.25 * noise, atol=1e-6)


def shares(alpha, rows, dtype="float64"):
    """The share of its own that each row keeps: of ones in the first half beside zeros."""
    x = np.repeat([1.0, 0.0], rows // 2)[:, None].astype(dtype)
    mixed = Mixup(alpha).sample(x, seed=6)[:, 0]
    return np.where(x[:, 0] == 1, mixed, 1 - mixed)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.4, 1.0, 3.0, 32.0])
def test_shares_are_the_larger_of_two_of_a_beta_distribution(alpha):
    found = shares(alpha, 40_000)
    beta = stats.beta(alpha, alpha)
    assert found.min() >= 0.5
    assert found.max() <= 1.0
    at = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(np.quantile(found, at), beta.ppf((1 + at) / 2), atol=0.01)
    # either way round they are Beta(alpha, alpha)
    both = np.concatenate([found, 1 - found])
    assert both.mean() == pytest.approx(0.5)
    assert both.var() == pytest.approx(beta.var(), rel=0.02)


def test_a_table_of_quantiles_is_near_the_distribution_between_its_knots():
    at = np.linspace(0, 1, 20_001)
    for alpha in (0.1, 0.2, 1.0, 8.0, 100.0):
        table = Mixup(alpha).quantiles()
        found = np.interp(at, np.linspace(0, 1, len(table)), table)
        expected = stats.beta(alpha, alpha).ppf((1 + at) / 2)
        inner = at < 0.99
        np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)
        np.testing.assert_allclose(found[~inner][:-1], expected[~inner][:-1], atol=0.05)


def test_rows_are_mixed_with_those_as_far_from_the_end():
    x = np.eye(5)
    mixed = Mixup(1.0).sample(x)
    own = np.diag(mixed)
    for row in range(5):
        expected = own[row] * x[row] + (1 - own[row]) * x[4 - row] if row != 2 else x[2]
        np.testing.assert_allclose(mixed[row], expected, atol=1e-15)
    assert len(set(own)) == 5


def test_two_that_mix_are_refused():
    stack = Stack([Mixup(), Dense(2), Mixup(), Dense(1)], (3,))
    nodes = [constant(np.ones(one.shape)) for one in stack.parameters()]
    x = graph.input_node("input", (graph.Rows(), 3), "float64")
    with pytest.raises(SettingError, match=r"^Mixup: the network has two, .*; take one out\.$"):
        stack.outputs({"input": x}, nodes, Draws("float64"))


@pytest.mark.parametrize("shape", [(784,), (), (2, 3, 4, 5)])
def test_rows_that_are_no_pictures_are_refused_with_their_shape(shape):
    sentence = (
        r"^layer 'random_distortion' given rows of shape .*: RandomDistortion: needs rows of shape "
        r"\(height, width\) or .*; put it before Flatten"
    )
    with pytest.raises(ShapeError, match=sentence):
        Stack([RandomDistortion(shift=0.1), Flatten(), Dense(1)], shape)
    with pytest.raises(ShapeError, match="RandomDistortion: needs rows of shape"):
        RandomDistortion(shift=0.1).sample(np.ones((2, *shape)))


WRONG = {
    "shift": [-0.1, 1.1, "much", math.nan],
    "rotation": [-1, 181, None],
    "scale": [-0.1, 1.0, True],
    "elastic": [-0.01, 0.51, 1.5],
    "smoothness": [0, -0.1, 1.01],
    "seed": [-1, 2**64, 1.5],
}


@pytest.mark.parametrize("setting, value", [(k, v) for k, many in WRONG.items() for v in many])
def test_wrong_settings_are_a_sentence(setting, value):
    with pytest.raises(SettingError, match=rf"^RandomDistortion: {setting} must be .*\.$"):
        RandomDistortion(**{setting: value})


@pytest.mark.parametrize("value", [-0.1, math.inf, "x"])
def test_wrong_noise_and_wrong_alpha_are_a_sentence(value):
    with pytest.raises(SettingError, match=r"^GaussianNoise: stddev must be a number of 0 or more"):
        GaussianNoise(value)
    for alpha in (value, 0):
        with pytest.raises(SettingError, match=r"^Mixup: alpha must be a number above 0"):
            Mixup(alpha)


def test_coordinates_have_no_derivative_and_say_so():
    where = graph.variable(np.zeros((1, 2, 2, 2)))
    for y in (
        ops.sample_bilinear(np.ones((1, 2, 2)), where),
        ops.spread_bilinear(np.ones((1, 2, 2)), where, height=2, width=2),
    ):
        with pytest.raises(GradientError, match="it has no derivative by its coordinates"):
            graph.grad(y.sum(), where)


def test_each_draw_of_a_network_is_a_stream_of_its_own():
    draws = Draws("float64", 1, 1)
    drawn = [draws.uniform((500,)).value for _ in range(3)]
    drawn += [draws.normal((500,)).value, draws.mask((500,), 0.5).value]
    assert abs(np.corrcoef(drawn) - np.eye(5)).max() < 0.15
    noise = [GaussianNoise(1.0).apply_training(constant(np.zeros((500, 1))), draws=draws)
             for _ in range(2)]  # fmt: skip
    assert abs(np.corrcoef(*(one.value[:, 0] for one in noise))[0, 1]) < 0.15


@pytest.mark.parametrize("layer", [GaussianNoise(0.5), Mixup(0.4), FULL], ids=str)
def test_a_seed_of_its_own_takes_the_place_of_the_networks(layer):
    rows = np.random.default_rng(1).random((6, 7, 9))
    own = dataclasses.replace(layer, seed=4)
    assert (own.sample(rows, seed=6) == layer.sample(rows, seed=4)).all()
    assert (own.sample(rows, seed=6) != layer.sample(rows, seed=6)).any()
