// softmax: e^(x - max) / sum of e^(x - max) along each row; log_softmax: its logarithm,
// (x - max) - log(sum of e^(x - max)).
//
// The largest leaves out nan: a nan makes the sum nan, and so the whole row.
#include "kernels.h"
#include "rows.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// Rows as lanes.
template <bool in_logs, typename T>
CHAINRULE_INLINE void normalize_batch(T* out, const T* x, Batch batch, int columns) {
    const int count = batch.groups * columns;
    Vec<T> numbers[kBatch];
    load_lanes(numbers, x, batch.lanes, count);
    for (int first = 0; first < count; first += columns) {
        const Vec<T> largest = largest_of(numbers + first, columns);
        for (int column = 0; column < columns; ++column) {
            numbers[first + column] = numbers[first + column] - largest;
        }
    }
    Vec<T> powers[kBatch];
    for (int index = 0; index < count; ++index) {
        powers[index] = exp(numbers[index]);
    }
    for (int first = 0; first < count; first += columns) {
        const Vec<T> sum = fold<Sum<T>>(powers + first, columns);
        const Vec<T> lower = in_logs ? log(sum) : sum;
        for (int column = 0; column < columns; ++column) {
            Vec<T>& number = numbers[first + column];
            number = in_logs ? number - lower : powers[first + column] / lower;
        }
    }
    store_lanes(out, numbers, batch.lanes, count);
}

// e^(x - largest), which is kept where it is wanted again.
template <bool kept, typename T>
struct Power {
    T* out;
    const T* x;
    T largest;
    CHAINRULE_INLINE Vec<T> operator()(Index place, int many) const {
        const Vec<T> power = exp(load_first(x + place, many) - broadcast(largest));
        if constexpr (kept) {
            store_first(out + place, power, many);
        }
        return power;
    }
};

template <bool in_logs, typename T>
CHAINRULE_INLINE Vec<T> finished(Vec<T> x, Vec<T> largest, Vec<T> lower) {
    return in_logs ? (x - largest) - lower : x / lower;
}

// One row from its largest and its sum or the sum's logarithm; `from` is x or the powers.
template <bool in_logs, typename T>
CHAINRULE_INLINE void finish_row(T* out, const T* from, Index columns, T largest, T lower) {
    const Vec<T> high = broadcast(largest);
    const Vec<T> low = broadcast(lower);
    Index place = 0;
    for (; place + kLanes<T> <= columns; place += kLanes<T>) {
        store(out + place, finished<in_logs>(load(from + place), high, low));
    }
    if (place < columns) {
        const int many = static_cast<int>(columns - place);
        const Vec<T> numbers = load_part(from + place, many);
        store_part(out + place, finished<in_logs>(numbers, high, low), many);
    }
}

// Up to kLanes wide rows.
template <bool in_logs, typename T>
void normalize_wide(T* out, const T* x, int rows, Index columns) {
    T largest[kLanes<T>];
    T lower[kLanes<T>];
    store(largest, fold_rows<LargestNumber<T>>(x, rows, columns));
    Vec<T> sums[kLanes<T>];
    for (int row = 0; row < kLanes<T>; ++row) {
        const Index first = row * columns;
        sums[row] = zeros<T>();
        if (row < rows) {
            const Power<!in_logs, T> power{out + first, x + first, largest[row]};
            sums[row] = fold_along<Sum<T>, T>(columns, power);
        }
    }
    const Vec<T> sum = fold_lanes<Sum<T>>(sums);
    store(lower, in_logs ? log(sum) : sum);
    for (int row = 0; row < rows; ++row) {
        const Index first = row * columns;
        finish_row<in_logs>(out + first, (in_logs ? x : out) + first, columns, largest[row],
                            lower[row]);
    }
}

template <bool in_logs, typename T>
void normalize(T* out, const T* x, Index rows, Index columns) {
    if (columns > kNarrow) {
        for (Index row = 0; row < rows; row += kLanes<T>) {
            const Index first = row * columns;
            const int many = fewer(rows - row, kLanes<T>);
            normalize_wide<in_logs>(out + first, x + first, many, columns);
        }
        return;
    }
    const int narrow = static_cast<int>(columns);
    while (rows > 0) {
        const Batch batch = batch_of<T>(rows, narrow);
        normalize_batch<in_logs>(out, x, batch, narrow);
        out += batch.rows() * columns;
        x += batch.rows() * columns;
        rows -= batch.rows();
    }
}

template <typename T>
void add_typed(Typed<T>& typed) {
    typed.softmax = normalize<false, T>;
    typed.log_softmax = normalize<true, T>;
}

}  // namespace

void add_activation(Kernels& kernels) {
    add_typed(kernels.float32);
    add_typed(kernels.float64);
}

}  // namespace chainrule::CHAINRULE_SET
