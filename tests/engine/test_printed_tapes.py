"""Printed tapes: a change of the compiler shows as a change here."""

import pytest
from tests.engine import tapes

from chainrule.engine import compile, lower  # noqa: A004

LOGISTIC_REGRESSION = """
%0 = rows x   (rows, 2) float64
%1 = rows target   (rows, 1) float64
%2 = parameter w   (2, 1) float64
%3 = parameter b   (1,) float64
%10 = constant 1   () float64
%21 = weight weight   (3,) float64
%22 = gradient gradient   (3,) float64
%23 = line rate   () float64
%5, %6 = fused(%0, %2, %3, %1)   (rows, 1) float64  slot 0; (rows, 1) float64  slot 1
    %4 = matmul(%0, %2)   (rows, 1) float64
    %5 = add(%4, %3)   (rows, 1) float64  slot 0
    %6 = sigmoid_cross_entropy(%5, %1)   (rows, 1) float64  slot 1
%7 = sum(%6, axis=(0, 1), keepdims=False)   () float64  slot 2
%8 = count(shape=(rows, 1), dtype=float64)   () float64  slot 3
%9 = divide(%7, %8)   () float64  slot 4
%11 = divide(%10, %8)   () float64  slot 2
%12 = reshape(%11, shape=(1, 1))   (1, 1) float64
%13 = broadcast_to(%12, shape=(rows, 1))   (rows, 1) float64
%16 = fused(%5, %1, %13)   (rows, 1) float64  slot 1
    %14 = sigmoid(%5)   (rows, 1) float64
    %15 = subtract(%14, %1)   (rows, 1) float64
    %16 = multiply(%13, %15)   (rows, 1) float64  slot 1
%17 = sum(%16, axis=(0,), keepdims=True)   (1, 1) float64  slot 2
%18 = reshape(%17, shape=(1,))   (1,) float64
%19 = transpose(%0, axes=(1, 0))   (2, rows) float64
%20 = matmul(%19, %16)   (2, 1) float64
-- seam --
%25 = fused(%23, %22, %21)   (3,) float64
    %24 = multiply(%23, %22)   (3,) float64
    %25 = subtract(%21, %24)   (3,) float64
loss = %9
gradient of w = %20
gradient of b = %18
new weight = %25
"""

REGRESSION = """
%0 = rows x   (rows, 2) float64
%1 = parameter w0   (2, 3) float64
%2 = parameter b0   (3,) float64
%3 = parameter w1   (3, 1) float64
%4 = parameter b1   (1,) float64
%7 = fused(%0, %1, %2)   (rows, 3) float64  slot 0
    %5 = matmul(%0, %1)   (rows, 3) float64
    %6 = add(%5, %2)   (rows, 3) float64
    %7 = sigmoid(%6)   (rows, 3) float64  slot 0
%10 = fused(%7, %3, %4)   (rows, 1) float64  slot 1
    %8 = matmul(%7, %3)   (rows, 1) float64
    %9 = add(%8, %4)   (rows, 1) float64
    %10 = sigmoid(%9)   (rows, 1) float64  slot 1
%11 = reshape(%10, shape=(rows,))   (rows,) float64
prediction = %11
"""

DROPOUT = """
%0 = rows x   (rows, 4) float32
%1 = scalar seed   () uint64
%2 = scalar step   () uint64
%3 = parameter w   (4,) float32
%9 = constant 1   (1, 1) float32
%12 = constant 1   () float32
%4 = dropout_mask(%1, %2, shape=(rows, 4), rate=0.5, stream=3, dtype=float32)   (rows, 4) float32  slot 0
%5, %7 = fused(%0, %4, %3)   (rows, 4) float32  slot 1; (rows, 4) float32  slot 2
    %5 = multiply(%0, %4)   (rows, 4) float32  slot 1
    %6 = multiply(%5, %3)   (rows, 4) float32
    %7 = tanh(%6)   (rows, 4) float32  slot 2
%8 = sum(%7, axis=(0, 1), keepdims=False)   () float32  slot 3
%10 = broadcast_to(%9, shape=(rows, 4))   (rows, 4) float32
%15 = fused(%7, %12, %10, %5)   (rows, 4) float32  slot 0
    %11 = multiply(%7, %7)   (rows, 4) float32
    %13 = subtract(%12, %11)   (rows, 4) float32
    %14 = multiply(%10, %13)   (rows, 4) float32
    %15 = multiply(%14, %5)   (rows, 4) float32  slot 0
%16 = sum(%15, axis=(0,), keepdims=True)   (1, 4) float32  slot 4
%17 = reshape(%16, shape=(4,))   (4,) float32
loss = %8
gradient of w = %17
"""  # noqa: E501

DROPOUT_AS_LOWERED = """
%0 = rows x   (rows, 4) float32
%1 = scalar seed   () uint64
%2 = scalar step   () uint64
%3 = parameter w   (4,) float32
%9 = constant 1   (1, 1) float32
%12 = constant 1   () float32
%4 = dropout_mask(%1, %2, shape=(rows, 4), rate=0.5, stream=3, dtype=float32)   (rows, 4) float32
%5 = multiply(%0, %4)   (rows, 4) float32
%6 = multiply(%5, %3)   (rows, 4) float32
%7 = tanh(%6)   (rows, 4) float32
%8 = sum(%7, axis=(0, 1), keepdims=False)   () float32
%10 = broadcast_to(%9, shape=(rows, 4))   (rows, 4) float32
%11 = multiply(%7, %7)   (rows, 4) float32
%13 = subtract(%12, %11)   (rows, 4) float32
%14 = multiply(%10, %13)   (rows, 4) float32
%15 = multiply(%14, %5)   (rows, 4) float32
%16 = sum(%15, axis=(0,), keepdims=True)   (1, 4) float32
%17 = reshape(%16, shape=(4,))   (4,) float32
loss = %8
gradient of w = %17
"""

MOMENTUM = """
%0 = parameter w   (5,) float32
%7 = weight weight   (5,) float32
%8 = gradient gradient   (5,) float32
%9 = slot velocity   (5,) float32
%10 = line rate   () float32
%11 = constant 0.9   () float32
%1 = multiply(%0, %0)   (5,) float32  slot 0
%2 = sum(%1, axis=(0,), keepdims=False)   () float32  slot 1
%6 = add(%0, %0)   (5,) float32
-- seam --
%14, %16 = fused(%11, %9, %8, %10, %7)   (5,) float32; (5,) float32
    %12 = multiply(%11, %9)   (5,) float32
    %13 = add(%12, %8)   (5,) float32
    %14 = flush(%13, threshold=1e-30)   (5,) float32
    %15 = multiply(%10, %14)   (5,) float32
    %16 = subtract(%7, %15)   (5,) float32
loss = %2
gradient of w = %6
new weight = %16
new slot 0 = %14
"""


@pytest.mark.parametrize(
    ("build", "passes", "expected"),
    [
        (tapes.logistic_regression, None, LOGISTIC_REGRESSION),
        (tapes.regression, None, REGRESSION),
        (tapes.dropout, None, DROPOUT),
        (tapes.dropout, (), DROPOUT_AS_LOWERED),
        (tapes.momentum, None, MOMENTUM),
    ],
)
def test_tape_reads_as_expected(build, passes, expected):
    assert str(compile(build(), "numpy", passes).tape) == expected.strip("\n")


def test_lower_is_the_tape_without_passes():
    graph = tapes.regression()
    assert str(lower(graph)) == str(compile(graph, "numpy", ()).tape)
