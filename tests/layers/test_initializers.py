"""First values have the means, variances and ranges of the papers."""

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.layers import INITIALIZERS, Constant, Dense, HeNormal, Orthogonal, find_initializer

INPUTS, OUTPUTS = 300, 200
SHAPE = (INPUTS, OUTPUTS)

# variance and largest absolute value, as the papers and Keras's pages give them
PAPERS = {
    "zeros": (0.0, 0.0),
    "ones": (0.0, 1.0),
    "constant": (0.0, 0.0),
    "random_normal": (0.05**2, np.inf),
    "random_uniform": (0.1**2 / 12, 0.05),
    "truncated_normal": ((0.05 * 0.87962566103423978) ** 2, 0.1),
    "glorot_uniform": (2 / (INPUTS + OUTPUTS), np.sqrt(6 / (INPUTS + OUTPUTS))),
    "glorot_normal": (2 / (INPUTS + OUTPUTS), np.inf),
    "xavier_uniform": (2 / (INPUTS + OUTPUTS), np.sqrt(6 / (INPUTS + OUTPUTS))),
    "xavier_normal": (2 / (INPUTS + OUTPUTS), np.inf),
    "he_uniform": (2 / INPUTS, np.sqrt(6 / INPUTS)),
    "he_normal": (2 / INPUTS, np.inf),
    "lecun_uniform": (1 / INPUTS, np.sqrt(3 / INPUTS)),
    "lecun_normal": (1 / INPUTS, np.inf),
    "orthogonal": (1 / INPUTS, 1.0),
    "normal": (0.05**2, np.inf),
    "uniform": (0.1**2 / 12, 0.05),
}


def test_every_initializer_is_in_the_papers():
    assert set(PAPERS) == set(INITIALIZERS)


@pytest.mark.parametrize("name", PAPERS)
def test_variance_is_as_the_papers_say(name):
    variance, bound = PAPERS[name]
    values = find_initializer(name).values(SHAPE, seed=5, stream=1)
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert np.abs(values).max() <= bound
    if variance:
        assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)


@pytest.mark.parametrize("name", [name for name in PAPERS if name.endswith("_normal")])
def test_normal_ones_are_truncated_at_two_deviations(name):
    values = find_initializer(name).values(SHAPE, seed=5, stream=1)
    spread = np.abs(values).max() / values.std()
    if name == "random_normal":
        assert spread > 3.5
    else:
        assert spread == pytest.approx(2 / 0.87962566103423978, rel=0.02)


def test_draws_depend_on_seed_and_stream_alone():
    he = find_initializer("he_normal")
    first = he.values(SHAPE, seed=1, stream=2)
    assert (first == he.values(SHAPE, seed=1, stream=2)).all()
    assert (first != he.values(SHAPE, seed=1, stream=3)).any()
    assert (first != he.values(SHAPE, seed=2, stream=2)).any()


def test_a_seed_of_its_own_draws_the_same_everywhere():
    he = HeNormal(seed=9)
    assert (he.values(SHAPE, seed=1, stream=2) == he.values(SHAPE, seed=3, stream=4)).all()


def test_values_are_those_of_the_random_room():
    limit = np.sqrt(6 / (2 + 3))
    drawn = random.uniform(7, 4, 0, 6, random.WEIGHTS).reshape(2, 3)
    values = find_initializer("glorot_uniform").values((2, 3), seed=7, stream=4)
    np.testing.assert_allclose(values, -limit + 2 * limit * drawn, rtol=1e-15)


def test_biases_count_their_size_as_inputs_and_outputs():
    values = find_initializer("glorot_uniform").values((40_000,), seed=1, stream=0)
    assert values.var() == pytest.approx(1 / 40_000, rel=0.02)


def test_constant_takes_an_array_of_the_shape():
    assert (Constant([[1.0], [2.0]]).values((2, 1), 0, 0) == [[1.0], [2.0]]).all()
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        Constant([1.0, 2.0]).values((3,), 0, 0)


@pytest.mark.parametrize("value", [10**400, [1.0, 10**400], np.inf, "wide", [[1], [2, 3]]])
def test_a_constant_that_is_no_finite_number_is_refused(value):
    with pytest.raises(SettingError, match="constant: value must be a finite number or an array"):
        Constant(value)


def test_a_constant_is_compared_by_its_numbers_and_keeps_them():
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    constant = Constant(given)
    given[0, 0] = 9.0
    assert constant == Constant([[1, 2], [3, 4]]) != Constant(given)
    assert hash(constant) == hash(Constant([[1, 2], [3, 4]]))
    assert constant.values((2, 2), 0, 0).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match="read-only"):
        constant.value[0, 0] = 5.0
    assert Constant(1) == Constant(1.0) != Constant([1.0])
    assert Dense(2, kernel_initializer=constant) != Dense(2, kernel_initializer=Constant(given))


def test_what_is_no_initializer_is_refused():
    with pytest.raises(SettingError, match="'he_norml' is not known; did you mean 'he_normal'"):
        find_initializer("he_norml")
    with pytest.raises(InputTypeError, match="known names: zeros"):
        find_initializer(3)
    with pytest.raises(SettingError, match="stddev must be a number of 0 or more, got -1"):
        INITIALIZERS["random_normal"](stddev=-1)
    with pytest.raises(SettingError, match="seed"):
        HeNormal(seed=-1)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 3), (3, 5), (64, 64), (300, 200), (4, 5, 6)])
def test_orthogonal_columns_are_orthogonal(shape):
    values = Orthogonal(gain=3.0).values(shape, seed=4, stream=7)
    assert values.shape == shape
    matrix = values.reshape(-1, shape[-1]) / 3.0
    product = matrix.T @ matrix if len(matrix) >= shape[-1] else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_spread_evenly():
    """What a rotation does not change: the mean of each entry is 0, of its square 1 / n, of its
    fourth power 3 / (n (n + 2)); and half of the determinants are -1."""
    drawn = np.array([Orthogonal().values((4, 4), seed, 0) for seed in range(4000)])
    noise = 5 / np.sqrt(len(drawn))
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=noise / 2)
    np.testing.assert_allclose((drawn**2).mean(axis=0), 1 / 4, atol=noise / 4)
    np.testing.assert_allclose((drawn**4).mean(axis=0), 3 / 24, atol=noise / 5)
    # entries that a wrong sign would tie together: the product of the diagonal has mean det / 24
    assert abs(np.linalg.det(drawn).mean()) < noise


def test_orthogonal_adds_in_one_order():
    """Its bits are those of sums that are added one number after the other."""
    drawn = random.normal(3, 1, 0, 35, random.WEIGHTS).reshape(7, 5)
    matrix = np.zeros((7, 5))
    for column in range(4, -1, -1):
        normal = drawn[column:, column].copy()
        length = np.sqrt(sum((x * x for x in normal), 0.0))
        sign = np.copysign(1.0, normal[0])
        part = matrix[column:, column:]
        part[0, 0] = -sign
        normal[0] += sign * length
        along = [sum((normal[i] * part[i, j] for i in range(len(part))), 0.0)
                 for j in range(part.shape[1])]  # fmt: skip
        for i in range(len(part)):
            for j in range(part.shape[1]):
                part[i, j] -= normal[i] / (length * abs(normal[0])) * along[j]
    assert (Orthogonal().values((7, 5), 3, 1) == matrix).all()


def test_orthogonal_needs_a_matrix():
    with pytest.raises(ShapeError, match=r"orthogonal: a parameter of shape \(3,\) is no matrix"):
        Orthogonal().values((3,), 0, 0)
    with pytest.raises(SettingError, match="orthogonal: gain must be a number"):
        Orthogonal(gain="much")
