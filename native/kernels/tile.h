// The inner loops of a matrix product. A tile of a few rows by a few vectors stays in registers
// while k runs: numbers of the left operand are broadcast, rows of the right one read as vectors.
#pragma once

#include "simd.h"

namespace chainrule::CHAINRULE_SET {

template <typename T>
struct Tile {
    const T* left;
    Index left_row, left_column;
    const T* right;  // numbers of a row lie side by side
    Index right_row;
    T* copy;  // of the right vectors, where asked for
    Index depth;
    const T* start;  // the sums so far, or nullptr
    Index start_row;
    T* out;
    Index out_row;
    int columns;  // of out
    bool add;     // the finished sums to what out holds
};

template <typename T, int kRows, int kVectors, bool kPart>
CHAINRULE_INLINE void start_sums(const Tile<T>& tile, int last, Vec<T> (&sums)[kRows][kVectors]) {
    if (tile.start == nullptr) {
#pragma GCC unroll 12
        for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                sums[row][v] = zeros<T>();
            }
        }
        return;
    }
    const T* from = tile.start;
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            sums[row][v] = kPart && v == kVectors - 1 ? load_part(from + v * kLanes<T>, last)
                                                      : load(from + v * kLanes<T>);
        }
        from += tile.start_row;
    }
}

template <typename T, int kRows, int kVectors, bool kPart, bool kAdd>
CHAINRULE_INLINE void store_sums(const Tile<T>& tile, int last, Vec<T> (&sums)[kRows][kVectors]) {
    T* out = tile.out;
    const Index out_row = tile.out_row;
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            T* const to = out + v * kLanes<T>;
            if (kPart && v == kVectors - 1) {
                store_part(to, kAdd ? load_part(to, last) + sums[row][v] : sums[row][v], last);
            } else {
                store(to, kAdd ? load(to) + sums[row][v] : sums[row][v]);
            }
        }
        out += out_row;
    }
}

// Limits of the register file. The plain set is compiled small rather than fast.
#ifdef CHAINRULE_AVX2
constexpr int kTileRows = 6;    // by two vectors: 12 sums, 2 vectors and 1 number in 16 registers
constexpr int kNarrowRows = 8;  // by one vector; rows far apart share 8 lines of the first cache
constexpr int kFewRows = 4;     // by more vectors: see few_vectors
constexpr int kShallow = 5;     // k of a tile of two vectors without a loop over k
constexpr int kNarrowShallow = 12;  // of one vector
#else
constexpr int kTileRows = 2;
constexpr int kNarrowRows = 2;
constexpr int kFewRows = 2;
constexpr int kShallow = 1;
constexpr int kNarrowShallow = 1;
#endif
constexpr int kRowsAhead = 24;  // of the right operand, asked for while they are copied

// Rows dealt to the fewest tiles, whose sizes differ by one at most.
struct Tiles {
    Index count, rows, larger;  // the first `larger` tiles have one row more
    Index first_row(Index tile) const { return tile * rows + (tile < larger ? tile : larger); }
};

// Divisions of small products would take as long as their sums: by constants they take nothing.
CHAINRULE_INLINE Tiles deal(Index rows, bool narrow) {
    const Index count =
        narrow ? (rows + kNarrowRows - 1) / kNarrowRows : (rows + kTileRows - 1) / kTileRows;
    const Index each = count == 1 ? rows
                                  : static_cast<Index>(static_cast<std::uint64_t>(rows) /
                                                       static_cast<std::uint64_t>(count));
    return {count, each, rows - each * count};
}

// A panel is a copy of the right operand whose last vector is filled up with zeros.
enum class Right { direct, copy_to_panel, panel };

// kPart: the last vector of a row has fewer columns than lanes.
template <typename T, int kRows, int kVectors, bool kPart, Right kRight>
void run_tile(const Tile<T>& tile) {
    const int last = tile.columns - (kVectors - 1) * kLanes<T>;
    Vec<T> sums[kRows][kVectors];
    start_sums<T, kRows, kVectors, kPart>(tile, last, sums);
    const T* left = tile.left;
    const T* right = tile.right;
    T* copy = tile.copy;
    const Index left_row = tile.left_row;
    const Index left_column = tile.left_column;
    const Index right_row = tile.right_row;
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
        prefetch_to_write(tile.out + row * tile.out_row);
        prefetch_to_write(tile.out + row * tile.out_row + tile.columns - 1);
    }
    for (Index k = tile.depth; k > 0; --k) {
        Vec<T> vectors[kVectors];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            const T* const from = right + v * kLanes<T>;
            vectors[v] = kPart && kRight != Right::panel && v == kVectors - 1
                             ? load_part(from, last)
                             : load(from);
            if (kRight == Right::copy_to_panel) {
                prefetch(from + kRowsAhead * right_row);
                store(copy + v * kLanes<T>, vectors[v]);
            }
        }
        copy += kVectors * kLanes<T>;
#pragma GCC unroll 12
        for (int row = 0; row < kRows; ++row) {
            const Vec<T> number = broadcast(left[row * left_row]);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                sums[row][v] = fma(number, vectors[v], sums[row][v]);
            }
        }
        left += left_column;
        right += right_row;
    }
    if (tile.add) {
        store_sums<T, kRows, kVectors, kPart, true>(tile, last, sums);
    } else {
        store_sums<T, kRows, kVectors, kPart, false>(tile, last, sums);
    }
}

template <typename T>
using RunTile = void (*)(const Tile<T>&);

template <typename T, int kRows, int kVectors, bool kPart, Right kRight>
constexpr RunTile<T> tile_of() {
    if constexpr (kRows <= (kVectors == 1 ? kNarrowRows : kTileRows)) {
        return run_tile<T, kRows, kVectors, kPart, kRight>;
    } else {
        return nullptr;
    }
}

template <typename T, int kVectors, bool kPart, Right kRight>
constexpr RunTile<T> kRunTile[8] = {
    tile_of<T, 1, kVectors, kPart, kRight>(), tile_of<T, 2, kVectors, kPart, kRight>(),
    tile_of<T, 3, kVectors, kPart, kRight>(), tile_of<T, 4, kVectors, kPart, kRight>(),
    tile_of<T, 5, kVectors, kPart, kRight>(), tile_of<T, 6, kVectors, kPart, kRight>(),
    tile_of<T, 7, kVectors, kPart, kRight>(), tile_of<T, 8, kVectors, kPart, kRight>()};

// By rows less one.
template <typename T, int kVectors>
CHAINRULE_INLINE const RunTile<T>* tile_runs(bool part, Right right) {
    if (right == Right::copy_to_panel) {
        return part ? kRunTile<T, kVectors, true, Right::copy_to_panel>
                    : kRunTile<T, kVectors, false, Right::copy_to_panel>;
    }
    if (!part) {
        return kRunTile<T, kVectors, false, Right::direct>;
    }
    return right == Right::panel ? kRunTile<T, kVectors, true, Right::panel>
                                 : kRunTile<T, kVectors, true, Right::direct>;
}

// For tiles of at most two vectors.
template <typename T>
CHAINRULE_INLINE const RunTile<T>* tile_runs(Index columns, Right right) {
    const bool part = columns % kLanes<T> != 0;
    return columns > kLanes<T> ? tile_runs<T, 2>(part, right) : tile_runs<T, 1>(part, right);
}

// Vectors of a tile of at most kFewRows rows, of which fewer would leave the processor waiting.
CHAINRULE_INLINE int few_vectors(Index rows) {
    return kFewRows < 4 || rows > 2 ? 2 : (rows == 1 ? 8 : 4);
}

template <typename T>
CHAINRULE_INLINE RunTile<T> few_run(Index rows) {
    if constexpr (kFewRows == 4) {
        if (rows <= 2) {
            return rows == 1 ? run_tile<T, 1, 8, false, Right::direct>
                             : run_tile<T, 2, 4, false, Right::direct>;
        }
    }
    return kRunTile<T, 2, false, Right::direct>[rows - 1];
}

// Few k, whose right vectors stay in registers while the rows pass.
template <typename T, int kDepth, int kVectors>
CHAINRULE_INLINE void run_shallow_columns(const Tile<T>& tile, Index rows, int last) {
    Vec<T> vectors[kDepth][kVectors];
#pragma GCC unroll 12
    for (int k = 0; k < kDepth; ++k) {
        const T* const from = tile.right + k * tile.right_row;
        if (kVectors == 2) {
            vectors[k][0] = load(from);
        }
        vectors[k][kVectors - 1] = load_part(from + (kVectors - 1) * kLanes<T>, last);
    }
    const T* left = tile.left;
    const Index left_row = tile.left_row;
    const Index left_column = tile.left_column;
    T* out = tile.out;
    const Index out_row = tile.out_row;
    for (Index row = rows; row > 0; --row) {
        Vec<T> sums[kVectors];
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
            sums[v] = zeros<T>();
        }
#pragma GCC unroll 12
        for (int k = 0; k < kDepth; ++k) {
            const Vec<T> number = broadcast(left[k * left_column]);
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = fma(number, vectors[k][v], sums[v]);
            }
        }
        if (kVectors == 2) {
            store(out, sums[0]);
        }
        store_part(out + (kVectors - 1) * kLanes<T>, sums[kVectors - 1], last);
        left += left_row;
        out += out_row;
    }
}

// All rows of a tile of at most two vectors, or of one where depth is above kShallow.
template <typename T, int kDepth>
void run_shallow(const Tile<T>& tile, Index rows) {
    if constexpr (kDepth <= kNarrowShallow) {
        if (tile.columns <= kLanes<T>) {
            run_shallow_columns<T, kDepth, 1>(tile, rows, tile.columns);
            return;
        }
    }
    if constexpr (kDepth <= kShallow) {
        run_shallow_columns<T, kDepth, 2>(tile, rows, tile.columns - kLanes<T>);
    }
}

// By depth less one.
template <typename T>
constexpr void (*kRunShallow[12])(const Tile<T>&, Index) = {
    run_shallow<T, 1>, run_shallow<T, 2>,  run_shallow<T, 3>,  run_shallow<T, 4>,
    run_shallow<T, 5>, run_shallow<T, 6>,  run_shallow<T, 7>,  run_shallow<T, 8>,
    run_shallow<T, 9>, run_shallow<T, 10>, run_shallow<T, 11>, run_shallow<T, 12>};

}  // namespace chainrule::CHAINRULE_SET
