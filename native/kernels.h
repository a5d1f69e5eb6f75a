// What a kernel is given, and the table of one instruction set's kernels. Arrays are contiguous
// unless strides are named; sizes and strides count numbers, not bytes.
#pragma once

#include <cstdint>

namespace chainrule {

using Index = std::int64_t;

// c = a @ b. Each number of c is a sum over k in order with fused multiply-add, in blocks of 512
// from k = 0 whose sums are added in order: the same bits however the work is split.
template <typename T>
struct Product {
    const T* a;
    Index a_row, a_column;
    const T* b;
    Index b_row, b_column;
    T* c;
    Index c_row;
    Index rows, columns, depth;
};

// Who draws: a word depends on these numbers and its position alone, see philox.h.
struct Stream {
    std::uint64_t key;
    std::uint32_t stream;
    std::uint64_t step;
    std::uint32_t purpose;
};

struct MaskSource {
    Stream stream;
    std::uint64_t threshold;  // words below it are dropped
    double scale;
};

// Sizes of a picture, and how many points of it are read.
struct Picture {
    Index height, width, channels, points;
};

// out[i] of count numbers; x or y is one number where its step is 0, else its step is 1. `setting`
// is the operation's one attribute, if any (the threshold of flush). Kernels of one operand leave y
// alone.
template <typename T>
using Elementwise = void (*)(T* out, const T* x, const T* y, Index x_step, Index y_step,
                             Index count, T setting);

// A run of element-wise operations known when the set was compiled, in one pass with everything
// between its operands and its results in registers. Arrays are matrices whose rows lie `row_step`
// apart; an operand that is one row, or one number, is the same for all rows.
template <typename T>
using CompiledRun = void (*)(T* const* results, const T* const* operands, Index rows, Index columns,
                             Index row_step);

template <typename T>
struct Typed {
    // Columns and rows of c to compute; scratch holds matmul_scratch numbers, 64-byte aligned.
    void (*matmul)(const Product<T>& product, Index first_row, Index last_row, Index first_column,
                   Index last_column, T* scratch);
    Index (*matmul_scratch)(const Product<T>& product);

    Elementwise<T> (*elementwise)(const char* name);  // nullptr where the name is not known
    // nullptr where no run of the signature was compiled.
    CompiledRun<T> (*compiled_run)(const char* signature);

    // out[i] = the sum, largest or smallest of x[i, :].
    void (*sum_rows)(T* out, const T* x, Index rows, Index columns);
    void (*max_rows)(T* out, const T* x, Index rows, Index columns);
    void (*min_rows)(T* out, const T* x, Index rows, Index columns);
    // out[j] = the sum of x[:, j]; rows lie row_stride apart. The same bits as sum_rows of x
    // transposed.
    void (*sum_columns)(T* out, const T* x, Index rows, Index columns, Index row_stride);
    void (*max_columns)(T* out, const T* x, Index rows, Index columns, Index row_stride);
    void (*min_columns)(T* out, const T* x, Index rows, Index columns, Index row_stride);
    // The position of the first largest of each row; a nan is the largest.
    void (*argmax_rows)(std::int32_t* out, const T* x, Index rows, Index columns);

    // Along each row.
    void (*softmax)(T* out, const T* x, Index rows, Index columns);
    void (*log_softmax)(T* out, const T* x, Index rows, Index columns);
    void (*softmax_cross_entropy)(T* out, const T* logits, const T* targets, Index rows,
                                  Index columns);
    // slopes[i * step] for row i.
    void (*softmax_cross_entropy_slope)(T* out, const T* logits, const T* targets, const T* slopes,
                                        Index step, Index rows, Index columns);

    // Numbers first to first + count - 1 of a mask: 0 or scale.
    void (*mask)(T* out, Index first, Index count, const MaskSource& source);
    // The same of numbers from 0 to below 1, and of standard normal ones.
    void (*uniform)(T* out, Index first, Index count, const Stream& source);
    void (*normal)(T* out, Index first, Index count, const Stream& source);

    // out[point, channel] of one picture: x at the coordinates (down for all points, then across),
    // between its pixels. `spread` is the transpose: its out is the picture. `framed` holds
    // (height + 2) * (width + 2) * channels numbers, fewer than 2^22 for each channel.
    void (*sample)(T* out, const T* x, const T* coordinates, const Picture& picture, T* framed);
    void (*spread)(T* out, const T* g, const T* coordinates, const Picture& picture, T* framed);
};

struct Kernels {
    const char* name;
    Typed<float> float32;
    Typed<double> float64;

    // out[i] = i, and in its high half the word at position 2i.
    void (*shuffle_keys)(std::uint64_t* out, Index count, const Stream& source);
};

// nullptr where this machine or this build has not the set.
const Kernels* avx2_kernels();
const Kernels* plain_kernels();

}  // namespace chainrule
