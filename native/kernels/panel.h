// How operands of a matrix product are copied before use, and sums stored transposed.
#pragma once

#include "simd.h"
#include "tile.h"

namespace chainrule::CHAINRULE_SET {

CHAINRULE_INLINE Index smaller(Index x, Index y) {
    return x < y ? x : y;
}
CHAINRULE_INLINE Index larger(Index x, Index y) {
    return x < y ? y : x;
}
CHAINRULE_INLINE Index round_up(Index x, Index step) {
    return (x + step - 1) / step * step;
}

// panel[k, j] = right[k, j] where right's columns are stored as rows. The panel is as wide as its
// vectors; lanes beyond columns are zero.
template <typename T>
void copy_transposed(T* panel, const T* right, Index right_column, Index depth, Index columns) {
    constexpr Index kStep = kLanes<T>;
    const Index width = round_up(columns, kStep);
    for (Index j = 0; j < columns; j += kStep) {
        for (Index k = 0; k < depth; k += kStep) {
            const int deep = static_cast<int>(smaller(depth - k, kStep));
            const T* const from = right + j * right_column + k;
            Vec<T> square[kStep];
            if (deep == kStep && columns - j >= kStep) {
                for (Index i = 0; i < kStep; ++i) {
                    square[i] = load(from + i * right_column);
                }
            } else {
                for (Index i = 0; i < kStep; ++i) {
                    square[i] =
                        i < columns - j ? load_part(from + i * right_column, deep) : zeros<T>();
                }
            }
            transpose(square);
            T* const to = panel + k * width + j;
            for (Index i = 0; i < deep; ++i) {
                store(to + i * width, square[i]);
            }
        }
    }
}

// The same for any strides.
template <typename T>
void copy_strided(T* panel, const T* right, Index right_row, Index right_column, Index depth,
                  Index columns) {
    const Index width = round_up(columns, kLanes<T>);
    for (Index k = 0; k < depth; ++k) {
        for (Index j = 0; j < width; ++j) {
            panel[k * width + j] = j < columns ? right[k * right_row + j * right_column] : T{0};
        }
    }
}

// The rows of a tile one k after the other, where the rows of left lie side by side. One vector
// beyond them may be written.
template <typename T>
void copy_tile(T* to, const T* left, Index left_column, Index rows, Index depth) {
    const int low = static_cast<int>(smaller(rows, kLanes<T>));
    const int high = static_cast<int>(rows) - low;
    for (Index k = 0; k < depth; ++k) {
        store(to, load_part(left, low));
        if (kTileRows > kLanes<T>) {
            store(to + low, load_part(left + low, high));
        }
        left += left_column;
        to += rows;
    }
}

// out[j, i] = sums[i, j], added to what out holds or not. All lanes of sums may be read.
template <typename T>
void store_transposed(T* out, Index out_row, const T* sums, Index sums_row, Index rows,
                      Index columns, bool add) {
    constexpr Index kStep = kLanes<T>;
    for (Index i = 0; i < rows; i += kStep) {
        const int count = static_cast<int>(smaller(rows - i, kStep));
        for (Index j = 0; j < columns; j += kStep) {
            Vec<T> square[kStep];
            for (Index row = 0; row < kStep; ++row) {
                square[row] = load(sums + (i + row) * sums_row + j);
            }
            transpose(square);
            const Index end = smaller(columns - j, kStep);
            for (Index column = 0; column < end; ++column) {
                T* const to = out + (j + column) * out_row + i;
                const Vec<T> sum = add ? load_part(to, count) + square[column] : square[column];
                store_part(to, sum, count);
            }
        }
    }
}

}  // namespace chainrule::CHAINRULE_SET
