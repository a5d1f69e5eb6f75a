// softmax_cross_entropy: the sum of t (log(sum of e^(x - max)) - (x - max)) along each row, which
// is -sum of t log(softmax(x)).
#include "kernels.h"
#include "rows.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// Rows as lanes.
template <typename T>
CHAINRULE_INLINE void narrow_losses(T* out, const T* logits, const T* targets, Batch batch,
                                    int columns) {
    const int count = batch.groups * columns;
    Vec<T> lower[kBatch];
    load_lanes(lower, logits, batch.lanes, count);
    for (int first = 0; first < count; first += columns) {
        const Vec<T> largest = largest_of(lower + first, columns);
        for (int column = 0; column < columns; ++column) {
            lower[first + column] = lower[first + column] - largest;
        }
    }
    Vec<T> powers[kBatch];
    for (int index = 0; index < count; ++index) {
        powers[index] = exp(lower[index]);
    }
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

}  // namespace

void add_loss(Kernels& kernels) {
    kernels.float32.softmax_cross_entropy = softmax_cross_entropy<float>;
    kernels.float64.softmax_cross_entropy = softmax_cross_entropy<double>;
}

}  // namespace chainrule::CHAINRULE_SET
