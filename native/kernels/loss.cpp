// softmax_cross_entropy: the sum of t (log(sum of e^(x - max)) - (x - max)) along each row, which
// is -sum of t log(softmax(x)); and its slope g (softmax(x) (sum of t) - t).
#include "kernels.h"
#include "rows.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// Rows as lanes: x - max, and e to the power of it.
template <typename T>
CHAINRULE_INLINE void narrow_powers(Vec<T>* lower, Vec<T>* powers, const T* logits, Batch batch,
                                    int columns) {
    const int count = batch.groups * columns;
    load_lanes(lower, logits, batch.lanes, count);
    for (int first = 0; first < count; first += columns) {
        const Vec<T> largest = largest_of(lower + first, columns);
        for (int column = 0; column < columns; ++column) {
            lower[first + column] = lower[first + column] - largest;
        }
    }
    for (int index = 0; index < count; ++index) {
        powers[index] = exp(lower[index]);
    }
}

template <typename T>
CHAINRULE_INLINE void narrow_losses(T* out, const T* logits, const T* targets, Batch batch,
                                    int columns) {
    const int count = batch.groups * columns;
    Vec<T> lower[kBatch];
    Vec<T> powers[kBatch];
    narrow_powers(lower, powers, logits, batch, columns);
    Vec<T> terms[kBatch];
    Vec<T> losses[kBatch];
    load_lanes(terms, targets, batch.lanes, count);
    for (int group = 0; group < batch.groups; ++group) {
        const int first = group * columns;
        const Vec<T> scale = log(fold<Sum<T>>(powers + first, columns));
        for (int column = 0; column < columns; ++column) {
            terms[first + column] = terms[first + column] * (scale - lower[first + column]);
        }
        losses[group] = fold<Sum<T>>(terms + first, columns);
    }
    store_lanes(out, losses, batch.lanes, batch.groups);
}

template <typename T>
CHAINRULE_INLINE void narrow_slopes(T* out, const T* logits, const T* targets, const T* slopes,
                                    Index step, Batch batch, int columns) {
    const int count = batch.groups * columns;
    Vec<T> lower[kBatch];
    Vec<T> powers[kBatch];
    narrow_powers(lower, powers, logits, batch, columns);
    Vec<T> terms[kBatch];
    Vec<T> factors[kBatch];
    load_lanes(terms, targets, batch.lanes, count);
    if (step != 0) {
        load_lanes(factors, slopes, batch.lanes, batch.groups);
    }
    for (int group = 0; group < batch.groups; ++group) {
        const int first = group * columns;
        const Vec<T> sum = fold<Sum<T>>(powers + first, columns);
        const Vec<T> total = fold<Sum<T>>(terms + first, columns);
        const Vec<T> factor = step != 0 ? factors[group] : broadcast(*slopes);
        for (int column = first; column < first + columns; ++column) {
            powers[column] = factor * (powers[column] / sum * total - terms[column]);
        }
    }
    store_lanes(out, powers, batch.lanes, count);
}

template <typename T>
struct Power {
    const T* logits;
    T largest;
    CHAINRULE_INLINE Vec<T> operator()(Index place, int many) const {
        return exp(load_first(logits + place, many) - broadcast(largest));
    }
};

template <typename T>
struct Term {
    const T* logits;
    const T* targets;
    T largest;
    T scale;
    CHAINRULE_INLINE Vec<T> operator()(Index place, int many) const {
        const Vec<T> lower = load_first(logits + place, many) - broadcast(largest);
        return load_first(targets + place, many) * (broadcast(scale) - lower);
    }
};

// Up to kLanes wide rows.
template <typename T>
Vec<T> wide_losses(const T* logits, const T* targets, int rows, Index columns) {
    T largest[kLanes<T>];
    T scales[kLanes<T>];
    store(largest, fold_rows<LargestNumber<T>>(logits, rows, columns));
    Vec<T> sums[kLanes<T>];
    for (int row = 0; row < kLanes<T>; ++row) {
        sums[row] = zeros<T>();
        if (row < rows) {
            const Power<T> power{logits + row * columns, largest[row]};
            sums[row] = fold_along<Sum<T>, T>(columns, power);
        }
    }
    store(scales, log(fold_lanes<Sum<T>>(sums)));
    for (int row = 0; row < rows; ++row) {
        const Index first = row * columns;
        const Term<T> term{logits + first, targets + first, largest[row], scales[row]};
        sums[row] = fold_along<Sum<T>, T>(columns, term);
    }
    return fold_lanes<Sum<T>>(sums);
}

template <typename T>
void softmax_cross_entropy(T* out, const T* logits, const T* targets, Index rows, Index columns) {
    if (columns > kNarrow) {
        for (Index row = 0; row < rows; row += kLanes<T>) {
            const Index first = row * columns;
            const int many = fewer(rows - row, kLanes<T>);
            store_first(out + row, wide_losses(logits + first, targets + first, many, columns),
                        many);
        }
        return;
    }
    const int narrow = static_cast<int>(columns);
    while (rows > 0) {
        const Batch batch = batch_of<T>(rows, narrow);
        narrow_losses(out, logits, targets, batch, narrow);
        out += batch.rows();
        logits += batch.rows() * columns;
        targets += batch.rows() * columns;
        rows -= batch.rows();
    }
}

template <typename T>
struct KeptPower {
    T* out;
    Power<T> power;
    CHAINRULE_INLINE Vec<T> operator()(Index place, int many) const {
        const Vec<T> made = power(place, many);
        store_first(out + place, made, many);
        return made;
    }
};

// Up to kLanes wide rows.
template <typename T>
void wide_slopes(T* out, const T* logits, const T* targets, const T* slopes, Index step, int rows,
                 Index columns) {
    T largest[kLanes<T>];
    T sums[kLanes<T>];
    T totals[kLanes<T>];
    store(largest, fold_rows<LargestNumber<T>>(logits, rows, columns));
    store(totals, fold_rows<Sum<T>>(targets, rows, columns));
    Vec<T> folded[kLanes<T>];
    for (int row = 0; row < kLanes<T>; ++row) {
        folded[row] = zeros<T>();
        if (row < rows) {
            const Index first = row * columns;
            const KeptPower<T> power{out + first, {logits + first, largest[row]}};
            folded[row] = fold_along<Sum<T>, T>(columns, power);
        }
    }
    store(sums, fold_lanes<Sum<T>>(folded));
    for (int row = 0; row < rows; ++row) {
        const Vec<T> factor = broadcast(slopes[row * step]);
        for (Index column = 0; column < columns; column += kLanes<T>) {
            const int many = fewer(columns - column, kLanes<T>);
            const Index place = row * columns + column;
            const Vec<T> share = load_first(out + place, many) / broadcast(sums[row]);
            const Vec<T> gap = share * broadcast(totals[row]) - load_first(targets + place, many);
            store_first(out + place, factor * gap, many);
        }
    }
}

template <typename T>
void softmax_cross_entropy_slope(T* out, const T* logits, const T* targets, const T* slopes,
                                 Index step, Index rows, Index columns) {
    const int narrow = columns > kNarrow ? 0 : static_cast<int>(columns);
    while (rows > 0) {
        Index many = fewer(rows, kLanes<T>);
        if (narrow == 0) {
            wide_slopes(out, logits, targets, slopes, step, static_cast<int>(many), columns);
        } else {
            const Batch batch = batch_of<T>(rows, narrow);
            narrow_slopes(out, logits, targets, slopes, step, batch, narrow);
            many = batch.rows();
        }
        out += many * columns;
        logits += many * columns;
        targets += many * columns;
        slopes += many * step;
        rows -= many;
    }
}

template <typename T>
void add_typed(Typed<T>& typed) {
    typed.softmax_cross_entropy = softmax_cross_entropy<T>;
    typed.softmax_cross_entropy_slope = softmax_cross_entropy_slope<T>;
}

}  // namespace

void add_loss(Kernels& kernels) {
    add_typed(kernels.float32);
    add_typed(kernels.float64);
}

}  // namespace chainrule::CHAINRULE_SET
