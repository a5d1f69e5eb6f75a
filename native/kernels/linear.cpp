// Matrix products: c[i, j] = sum over k of a[i, k] * b[k, j].
//
// Each number is summed over k in order with fused multiply-add, in blocks of kBlock whose sums are
// added in order, so its bits depend on neither tiling nor layout. Where that is cheaper the
// transposed product b' @ a' is computed, and stored transposed. The right operand is copied to
// panels as wide as a tile where it is strided or used often, the left one where its rows lie far
// apart; tiles run through both group by group, so that what they share stays in the caches.
#include "kernels.h"
#include "panel.h"
#include "simd.h"
#include "tile.h"

namespace chainrule::CHAINRULE_SET {
namespace {

constexpr Index kBlock = 512;  // part of the definition of a product

// Rows whose tiles share a panel before the next one: the left operand's part of them stays in the
// second cache. Fewer where blocks are deeper than kDeep.
constexpr Index kGroupRows = 96;
constexpr Index kDeepGroupRows = 48;
constexpr Index kDeep = 256;

constexpr Index kMostLanes = 8;
constexpr Index kFewDepth = 16;    // rows of the right operand that few rows run through at once
constexpr Index kCopiedDepth = 8;  // lines that the first cache holds however far apart they are
template <typename T>
constexpr Index kWidth = 2 * kLanes<T>;  // of a panel
template <typename T>
constexpr Index kPanelNumbers = (Index{1} << 20) / static_cast<Index>(sizeof(T));
template <typename T>
constexpr Index kSums = kGroupRows * kWidth<T>;

// When the right operand is copied to panels.
enum class Copy { none, on_first_use, before_use };

// What one call computes, with the operands in the order that the tiles use.
template <typename T>
struct Job {
    const T* left;
    Index left_row, left_column;
    const T* right;
    Index right_row, right_column;
    T* out;
    Index out_row;
    Index rows, columns, depth;
    bool transposed;  // out holds the product's columns as rows
    T* sums;          // kSums numbers
    T* panels;
    T* group;  // the left operand of a group
    Tiles tiles;
    Index group_tiles;
    Copy copy;
    bool copy_left, shallow;
};

struct Part {
    Index first_k, depth;
    Index first_column, columns;
};

// Columns of the right operand that are copied at once.
template <typename T>
CHAINRULE_INLINE Index part_columns(Index depth) {
    const auto deep = static_cast<std::uint32_t>(smaller(depth, kBlock));
    return static_cast<Index>(static_cast<std::uint32_t>(kPanelNumbers<T>) / deep) / kWidth<T> *
           kWidth<T>;
}

template <typename T>
struct Panel {
    const T* right;
    T* copy;
    Index columns;
};

template <typename T>
CHAINRULE_INLINE Panel<T> panel_at(const Job<T>& job, const Part& part, Index j) {
    return {job.right + part.first_k * job.right_row + (part.first_column + j) * job.right_column,
            job.panels + j * part.depth, smaller(part.columns - j, kWidth<T>)};
}

template <typename T>
void copy_panel(const Job<T>& job, const Panel<T>& panel, Index depth) {
    if (job.right_row == 1) {
        copy_transposed(panel.copy, panel.right, job.right_column, depth, panel.columns);
    } else {
        copy_strided(panel.copy, panel.right, job.right_row, job.right_column, depth,
                     panel.columns);
    }
}

// A tile's rows of the left operand, k by k; its place is followed by room for one vector.
template <typename T>
CHAINRULE_INLINE T* group_place(const Job<T>& job, Index tile, Index first, Index depth) {
    return job.group + (job.tiles.first_row(tile) - job.tiles.first_row(first)) * depth +
           (tile - first) * kMostLanes;
}

template <typename T>
void copy_group(const Job<T>& job, const T* left, Index first, Index last, Index depth) {
    for (Index some = 0; some < depth; some += kCopiedDepth) {
        const Index count = smaller(kCopiedDepth, depth - some);
        for (Index tile = first; tile < last; ++tile) {
            const Index row = job.tiles.first_row(tile);
            const Index rows = job.tiles.first_row(tile + 1) - row;
            copy_tile(group_place(job, tile, first, depth) + some * rows,
                      left + row + some * job.left_column, job.left_column, rows, count);
        }
    }
}

template <typename T>
void run_panel(const Job<T>& job, const Part& part, Index first, Index last, Tile<T>& tile) {
    const T* const right = tile.right;
    const Index right_row = tile.right_row;
    const bool copy = job.copy == Copy::on_first_use && first == 0;
    const RunTile<T>* const runs =
        tile_runs<T>(tile.columns, job.copy == Copy::none ? Right::direct : Right::panel);
    if (job.copy != Copy::none) {
        tile.right = tile.copy;
        tile.right_row = round_up(tile.columns, kLanes<T>);
    }
    const T* const left = tile.left;
    T* const out = tile.out;
    const Index start = job.tiles.first_row(first);
    for (Index t = first; t < last; ++t) {
        const Index row = job.tiles.first_row(t);
        const Index rows = job.tiles.first_row(t + 1) - row;
        if (job.copy_left) {
            tile.left = group_place(job, t, first, part.depth);
            tile.left_row = 1;
            tile.left_column = rows;
        } else {
            tile.left = left + (row - start) * job.left_row;
        }
        tile.out = out + (row - start) * tile.out_row;
        if (copy && t == 0) {
            Tile<T> original = tile;
            original.right = right;
            original.right_row = right_row;
            tile_runs<T>(tile.columns, Right::copy_to_panel)[rows - 1](original);
        } else {
            runs[rows - 1](tile);
        }
    }
}

template <typename T>
void run_group(const Job<T>& job, const Part& part, Index first, Index last) {
    const Index start = job.tiles.first_row(first);
    const Index rows = job.tiles.first_row(last) - start;
    const T* const left = job.left + part.first_k * job.left_column;
    if (job.copy_left) {
        copy_group(job, left, first, last, part.depth);
    }
    for (Index j = 0; j < part.columns; j += kWidth<T>) {
        const Panel<T> panel = panel_at(job, part, j);
        if (job.copy == Copy::before_use && first == 0) {
            copy_panel(job, panel, part.depth);
        }
        Tile<T> tile = {};
        tile.left = left + start * job.left_row;
        tile.left_row = job.left_row;
        tile.left_column = job.left_column;
        tile.right = panel.right;
        tile.right_row = job.right_row;
        tile.copy = panel.copy;
        tile.depth = part.depth;
        tile.columns = static_cast<int>(panel.columns);
        tile.add = part.first_k > 0 && !job.transposed;
        tile.out =
            job.transposed ? job.sums : job.out + start * job.out_row + part.first_column + j;
        tile.out_row = job.transposed ? kWidth<T> : job.out_row;
        if (job.shallow) {
            if (job.copy != Copy::none) {
                tile.right = panel.copy;
                tile.right_row = round_up(panel.columns, kLanes<T>);
            }
            kRunShallow<T>[part.depth - 1](tile, rows);
        } else {
            run_panel(job, part, first, last, tile);
        }
        if (job.transposed) {
            store_transposed(job.out + (part.first_column + j) * job.out_row + start, job.out_row,
                             job.sums, kWidth<T>, rows, panel.columns, part.first_k > 0);
        }
    }
}

// Bytes from the first to the last row that a block of k reads: above some size, lines and pages
// are too many for the caches, or share too few places in them.
template <typename T>
CHAINRULE_INLINE Index spread(Index depth, Index stride) {
    return smaller(depth, kBlock) * stride * static_cast<Index>(sizeof(T));
}

// The limits are measured ones.
template <typename T>
CHAINRULE_INLINE Copy choose_copy(const Job<T>& job) {
    if (job.right_column != 1) {
        return Copy::before_use;
    }
    const Index bytes = spread<T>(job.depth, job.right_row);
    const Index size = job.depth * job.columns * static_cast<Index>(sizeof(T));
    const bool often = job.tiles.count > 3 ? bytes * job.tiles.count > 1048576
                                           : job.tiles.count > 1 && size > 4194304;
    return often && bytes > 32768 && !job.shallow ? Copy::on_first_use : Copy::none;
}

template <typename T>
CHAINRULE_INLINE bool choose_copy_left(const Job<T>& job) {
    if (job.shallow || job.left_row != 1 || job.left_column == 1) {
        return false;
    }
    const Index bytes = spread<T>(job.depth, job.left_column);
    return (job.columns > 4 * kWidth<T> && bytes > 524288) ||
           (job.columns > 12 * kWidth<T> && bytes > 65536);
}

template <typename T>
CHAINRULE_INLINE Part part_at(const Job<T>& job, Index k, Index j, Index width) {
    return {k, smaller(kBlock, job.depth - k), j, smaller(width, job.columns - j)};
}

template <typename T>
void run(Job<T>& job) {
    const bool narrow = job.columns <= kLanes<T>;
    job.tiles = deal(job.rows, narrow);
    const Index count = job.tiles.count;
    const Index group_rows = job.depth > kDeep ? kDeepGroupRows : kGroupRows;
    job.group_tiles = narrow ? group_rows / kNarrowRows : group_rows / kTileRows;
    job.shallow = job.depth <= (narrow ? kNarrowShallow : kShallow);
    job.copy = choose_copy(job);
    job.copy_left = choose_copy_left(job);
    const bool at_once =
        round_up(job.columns, kWidth<T>) * smaller(job.depth, kBlock) <= kPanelNumbers<T>;
    const Index width = at_once ? job.columns : part_columns<T>(job.depth);
    for (Index k = 0; k < job.depth; k += kBlock) {
        for (Index j = 0; j < job.columns; j += width) {
            const Part part = part_at(job, k, j, width);
            for (Index first = 0; first < count; first += job.group_tiles) {
                run_group<T>(job, part, first, smaller(first + job.group_tiles, count));
            }
        }
    }
}

// One block of few rows, a run of columns at a time: depth rows of the right operand by some k. The
// tile moves along: to copy what was just written would wait for it.
template <typename T>
CHAINRULE_INLINE void run_few_columns(const Job<T>& job, Tile<T>& tile, Index columns) {
    const Index wide = few_vectors(job.rows) * kLanes<T>;
    const RunTile<T> run_wide = few_run<T>(job.rows);
    Index step;
    for (Index j = 0; j < columns; j += step) {
        step = columns - j >= wide ? wide : smaller(columns - j, kWidth<T>);
        tile.columns = static_cast<int>(step);
        (step == wide ? run_wide : tile_runs<T>(step, Right::direct)[job.rows - 1])(tile);
        tile.right += step;
        tile.out += step;
        tile.start += tile.start == nullptr ? 0 : step;
    }
}

// The right operand is read once, along its rows: sums that are not finished are kept in out or,
// where that holds the blocks before, in job.sums.
template <typename T>
void run_few(const Job<T>& job) {
    const Index width = kSums<T> / job.rows;
    const Index step = job.columns <= few_vectors(job.rows) * kLanes<T> ? kBlock : kFewDepth;
    for (Index j = 0; j < job.columns; j += width) {
        T* const out = job.out + j;
        for (Index k = 0; k < job.depth; k += step) {
            const Index last = smaller(k / kBlock * kBlock + kBlock, job.depth);
            const bool kept = k >= kBlock;
            Tile<T> tile = {};
            tile.left = job.left + k * job.left_column;
            tile.left_row = job.left_row;
            tile.left_column = job.left_column;
            tile.right = job.right + k * job.right_row + j;
            tile.right_row = job.right_row;
            tile.depth = smaller(step, last - k);
            tile.start = k % kBlock == 0 ? nullptr : (kept ? job.sums : out);
            tile.start_row = kept ? width : job.out_row;
            tile.add = kept && k + step >= last;
            tile.out = kept && !tile.add ? job.sums : out;
            tile.out_row = kept && !tile.add ? width : job.out_row;
            run_few_columns(job, tile, smaller(width, job.columns - j));
        }
    }
}

// Half cycles: each sum of a vector takes one for each k, each number copied or stored transposed
// about one.
template <typename T>
CHAINRULE_INLINE Index cost(Index rows, Index columns, Index depth, bool copied) {
    const Index vectors = (columns + kLanes<T> - 1) / kLanes<T>;
    return depth * (rows * vectors + (copied ? columns : 0));
}

template <typename T>
CHAINRULE_INLINE bool transposed_is_cheaper(const Product<T>& product, Index rows, Index columns) {
    const Index depth = product.depth;
    const bool large = rows * columns * static_cast<Index>(sizeof(T)) > 1048576;
    const Index stores = rows * columns * ((depth + kBlock - 1) / kBlock) * (large ? 3 : 1) + 64;
    return cost<T>(columns, rows, depth, product.a_row != 1) + stores <
           cost<T>(rows, columns, depth, product.b_column != 1);
}

CHAINRULE_INLINE Index group_numbers(Index depth) {
    const Index rows = depth > kDeep ? kDeepGroupRows : kGroupRows;
    return rows * smaller(depth, kBlock) + rows * kMostLanes;
}

template <typename T>
Index panel_numbers(const Product<T>& product) {
    const Index columns = round_up(larger(product.rows, product.columns), kWidth<T>);
    return smaller(columns, part_columns<T>(product.depth)) * smaller(product.depth, kBlock);
}

template <typename T>
Index matmul_scratch(const Product<T>& product) {
    if (product.depth == 0) {
        return kSums<T>;
    }
    return kSums<T> + group_numbers(product.depth) + panel_numbers(product);
}

template <typename T>
void matmul(const Product<T>& product, Index first_row, Index last_row, Index first_column,
            Index last_column, T* scratch) {
    const Index rows = last_row - first_row;
    const Index columns = last_column - first_column;
    if (rows <= 0 || columns <= 0) {
        return;
    }
    const T* const a = product.a + first_row * product.a_row;
    const T* const b = product.b + first_column * product.b_column;
    T* const c = product.c + first_row * product.c_row + first_column;
    if (product.depth == 0) {
        for (Index i = 0; i < rows; ++i) {
            for (Index j = 0; j < columns; ++j) {
                c[i * product.c_row + j] = T{0};
            }
        }
        return;
    }
    Job<T> job;
    job.out = c;
    job.out_row = product.c_row;
    job.depth = product.depth;
    job.sums = scratch;
    job.group = scratch + kSums<T>;
    job.panels = job.group + group_numbers(product.depth);
    job.transposed = transposed_is_cheaper(product, rows, columns);
    if (job.transposed) {
        job.left = b;
        job.left_row = product.b_column;
        job.left_column = product.b_row;
        job.right = a;
        job.right_row = product.a_column;
        job.right_column = product.a_row;
        job.rows = columns;
        job.columns = rows;
    } else {
        job.left = a;
        job.left_row = product.a_row;
        job.left_column = product.a_column;
        job.right = b;
        job.right_row = product.b_row;
        job.right_column = product.b_column;
        job.rows = rows;
        job.columns = columns;
        if (rows <= kFewRows && job.right_column == 1) {
            run_few(job);
            return;
        }
    }
    run(job);
}

}  // namespace

void add_linear(Kernels& kernels) {
    kernels.float32.matmul = matmul<float>;
    kernels.float32.matmul_scratch = matmul_scratch<float>;
    kernels.float64.matmul = matmul<double>;
    kernels.float64.matmul_scratch = matmul_scratch<double>;
}

}  // namespace chainrule::CHAINRULE_SET
