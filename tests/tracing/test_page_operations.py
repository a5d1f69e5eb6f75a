"""What the page's operations mean, against what they mean in Python."""

import base64
import json

import numpy as np
import pytest
from tests.graph.cases import CASES, every_case
from tests.tracing.engine import Scripts

from chainrule import graph
from chainrule.graph import OPERATIONS
from chainrule.tracing.page.shipping import DRAWN, packed


@pytest.fixture(scope="module")
def scripts():
    return Scripts("operations.js", "tape.js")


def test_the_page_knows_every_operation_that_draws_no_numbers(scripts):
    assert set(scripts("Object.keys(operations)")) == set(OPERATIONS) - set(DRAWN)


CALLS = [(one, sample) for one, sample in every_case() if one.name not in DRAWN]
assert {one.name for one, _ in CALLS} == set(CASES) - set(DRAWN)


@pytest.mark.parametrize("operation, sample", CALLS, ids=lambda one: getattr(one, "name", None))
def test_an_operation_of_the_page_means_what_it_means_in_python(scripts, operation, sample):
    assert_agrees(scripts, operation(*sample.operands, **sample.attributes))


HARD = {
    "sigmoid": [[-1000.0, 1000.0, -0.0, np.inf, -np.inf, np.nan]],
    "softplus": [[-1000.0, 1000.0, 0.0, np.inf, np.nan]],
    "softmax": [[1000.0, 0.0, -1000.0], [5.0, np.nan, 1.0], [-np.inf, 0.0, 1.0]],
    "log_softmax": [[1000.0, 0.0, -1000.0], [5.0, np.nan, 1.0]],
    "erf": [np.linspace(-7, 7, 57), [1e-300, np.inf, -np.inf, np.nan, 5.99999, 6.00001]],
    "relu": [[-1.0, 0.0, np.nan, np.inf]],
    "expm1": [[1e-12, -1e-12, 700.0, -800.0]],
    "log1p": [[1e-12, -1.0, np.inf]],
    "sqrt": [[0.0, -1.0, np.inf]],
    "log": [[0.0, -1.0]],
    "sign": [[np.nan, 0.0, -np.inf]],
    "tanh": [[30.0, -1e-9, np.nan]],
}
HARD_PAIRS = {
    "power": ([0.0, 0.0, -2.0, -2.0, 1.0, 1.0, -1.0, 4.0, 0.0],
              [0.0, -1.0, 3.0, 0.5, np.nan, np.inf, np.inf, -np.inf, 2.0]),
    "maximum": ([np.nan, 1.0, -np.inf], [1.0, np.nan, 3.0]),
    "minimum": ([np.nan, 1.0, -np.inf], [1.0, np.nan, 3.0]),
    "masked": ([np.nan, np.inf, 1.0], [0.0, 0.0, np.nan]),
    "greater": ([np.nan, 1.0, 2.0], [1.0, 1.0, np.nan]),
    "equal": ([np.nan, 1.0], [np.nan, 1.0]),
    "divide": ([1.0, 0.0, -1.0], [0.0, 0.0, 0.0]),
    "sigmoid_cross_entropy": ([1000.0, -1000.0, 0.0], [1.0, 1.0, 0.5]),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_it_is_right_at_the_edges_too(scripts, name):
    for numbers in HARD[name]:
        assert_agrees(scripts, OPERATIONS[name](graph.constant(np.array(numbers))))


@pytest.mark.parametrize("name", HARD_PAIRS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pairs_are_right_at_the_edges_too(scripts, name):
    x, y = map(np.array, HARD_PAIRS[name])
    assert_agrees(scripts, OPERATIONS[name](graph.constant(x), graph.constant(y)))


def test_the_base64_of_the_bare_engine_is_right(scripts):
    text = base64.b64encode(bytes(range(256))).decode("ascii")
    assert scripts("Array.from(decoded(text))", text=text) == list(range(256))


def test_a_position_beyond_a_table_is_refused(scripts):
    code = """(() => { try { return operations.gather(unpacked(table), unpacked(at)); }
                      catch (error) { return error.message; } })()"""
    found = scripts(code, table=packed(np.zeros((3, 2))), at=packed(np.array([1, 3])))
    assert found == "gather: positions must be from 0 to below 3, got 3."


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, -2.0]), np.float32([[0.1, 2.0]]), np.array([3, -4], np.int64),
        np.array([2**40], np.uint64), np.array([[1], [255]], np.uint8), np.array([True, False]),
        np.array(2.5), np.zeros((0, 3)), np.array([np.nan, np.inf]), np.ones((2, 3)),
        np.array(np.nan),
    ],
    ids=str,
)  # fmt: skip
def test_arrays_arrive_as_they_are(scripts, array):
    shape, data = scripts("(({shape, data}) => [shape, data])(unpacked(x))", x=packed(array))
    assert tuple(shape) == array.shape
    np.testing.assert_array_equal(numbers(data), array.reshape(-1).astype(float))


def assert_agrees(scripts, node):
    """The page's operation gives the node's value, to rounding."""
    operands = [packed(np.asarray(one.array)) for one in node.operands]
    attributes = json.loads(json.dumps(dict(node.attributes)))
    found = scripts(
        "(({shape, data}) => [shape, data])"
        "(operations[name](...operands.map(unpacked), attributes))",
        name=node.operation.name, operands=operands, attributes=attributes,
    )  # fmt: skip
    assert tuple(found[0]) == node.array.shape
    np.testing.assert_allclose(numbers(found[1]), node.array.reshape(-1).astype(float),
                               rtol=1e-12, atol=1e-15)  # fmt: skip


def numbers(texts):
    return np.array([float(one.replace("Infinity", "inf")) for one in texts])
