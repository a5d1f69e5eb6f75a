// What walks along rows has in common: rows as lanes, and folding numbers to one in a fixed order.
//
// A sum of n numbers has 16 lanes that begin at -0: number i is added to lane i % 16. Then lane j +
// 8 is added to lane j, and so on with 4, 2 and 1. Adding -0 changes nothing, so lanes without a
// number are left out.
#pragma once

#include "functions.h"
#include "simd.h"

namespace chainrule::CHAINRULE_SET {

constexpr int kSumLanes = 16;
// Rows of up to so many numbers are worked on as lanes, each column in one vector.
constexpr int kNarrow = 16;
constexpr int kBatch = 48;  // the most vectors at once: more than kNarrow to fill squares
// The vectors that hold the lanes of one sum.
template <typename T>
constexpr int kParts = kSumLanes / kLanes<T>;

// `start` changes no number that joins it.
template <typename T>
struct Sum {
    static constexpr T start = T{-0.0};
    static CHAINRULE_INLINE Vec<T> join(Vec<T> so_far, Vec<T> x) { return so_far + x; }
    static CHAINRULE_INLINE Vec<T> finish(Vec<T> sum) { return sum; }
};

// Adding 0 makes a result of -0 a 0, whichever zero came first.
template <typename T>
struct Largest {
    static constexpr T start = -Layout<T>::kInfinity;
    static CHAINRULE_INLINE Vec<T> join(Vec<T> so_far, Vec<T> x) { return maximum(x, so_far); }
    static CHAINRULE_INLINE Vec<T> finish(Vec<T> largest) { return largest + zeros<T>(); }
};

template <typename T>
struct Smallest {
    static constexpr T start = Layout<T>::kInfinity;
    static CHAINRULE_INLINE Vec<T> join(Vec<T> so_far, Vec<T> x) { return minimum(x, so_far); }
    static CHAINRULE_INLINE Vec<T> finish(Vec<T> smallest) { return smallest + zeros<T>(); }
};

// The largest that is not nan.
template <typename T>
struct LargestNumber {
    static constexpr T start = -Layout<T>::kInfinity;
    static CHAINRULE_INLINE Vec<T> join(Vec<T> so_far, Vec<T> x) {
        return max_or_second(x, so_far);
    }
    static CHAINRULE_INLINE Vec<T> finish(Vec<T> largest) { return largest + zeros<T>(); }
};

CHAINRULE_INLINE int fewer(Index x, int y) {
    return x < y ? static_cast<int>(x) : y;
}

// The fold of x[lane], x[lane + step], x[lane + 2 step] ... as far as there are vectors.
template <typename Way, int count, int lane, int step, typename T>
CHAINRULE_INLINE Vec<T> fold_to(const Vec<T>* x) {
    if constexpr (step == kSumLanes) {
        return x[lane];
    } else if constexpr (lane + step < count) {
        return Way::join(fold_to<Way, count, lane, 2 * step>(x),
                         fold_to<Way, count, lane + step, 2 * step>(x));
    } else {
        return fold_to<Way, count, lane, 2 * step>(x);
    }
}

// `count` vectors folded to one.
template <typename Way, int count, typename T>
CHAINRULE_INLINE Vec<T> fold(const Vec<T>* x) {
    return fold_to<Way, count, 0, 1>(x);
}

// The same of 1 to 16.
template <typename Way, int most = kSumLanes, typename T>
CHAINRULE_INLINE Vec<T> fold(const Vec<T>* x, int count) {
    if constexpr (most > 1) {
        if (count < most) {
            return fold<Way, most - 1>(x, count);
        }
    }
    return fold<Way, most>(x);
}

// The largest of 1 to 16 vectors, but for nan.
template <typename T>
CHAINRULE_INLINE Vec<T> largest_of(const Vec<T>* x, int count) {
    Vec<T> largest = x[0];
    for (int index = 1; index < count; ++index) {
        largest = LargestNumber<T>::join(largest, x[index]);
    }
    return LargestNumber<T>::finish(largest);
}

// The first count lanes, zero in the others.
template <typename T>
CHAINRULE_INLINE Vec<T> load_first(const T* from, int count) {
    return count == kLanes<T> ? load(from) : load_part(from, count);
}

template <typename T>
CHAINRULE_INLINE void store_first(T* to, Vec<T> x, int count) {
    if (count == kLanes<T>) {
        store(to, x);
    } else {
        store_part(to, x, count);
    }
}

// The first count lanes, `other` in the others.
template <typename T>
CHAINRULE_INLINE Vec<T> keep_first(Vec<T> x, int count, T other) {
    T places[kLanes<T>];
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        places[lane] = static_cast<T>(lane);
    }
    return select(greater(broadcast(static_cast<T>(count)), load(places)), x, broadcast(other));
}

// How narrow rows are worked on at once: `lanes` stretches of `groups` rows, one a lane. Column j
// of the rows at place g in their stretches is vector g * columns + j.
struct Batch {
    int lanes, groups;
    CHAINRULE_INLINE int rows() const { return lanes * groups; }
};

// For the first of some rows. columns <= kNarrow.
template <typename T>
CHAINRULE_INLINE Batch batch_of(Index rows, int columns) {
    const int most = kBatch / columns;
    const int groups = fewer((rows + kLanes<T> - 1) / kLanes<T>, most);
    return {fewer(rows / groups, kLanes<T>), groups};
}

// vectors[i] = x[i], x[count + i], x[2 count + i] ... for up to `lanes` lanes; the others are zero.
// count <= kBatch.
template <typename T>
CHAINRULE_INLINE void load_lanes(Vec<T>* vectors, const T* x, int lanes, int count) {
    constexpr int size = kLanes<T>;
    int first = 0;
    do {
        const int many = fewer(count - first, size);
        const T* from = x + first;
        Vec<T> square[size];
        for (int lane = 0; lane < size; ++lane) {
            square[lane] = lane < lanes ? load_first(from, many) : zeros<T>();
            from += count;
        }
        transpose(square);
        for (int vector = 0; vector < size; ++vector) {
            vectors[first + vector] = square[vector];
        }
        first += size;
    } while (first < count);
}

// The opposite. What is stored may reach into the next lane's numbers, which are stored after it.
template <typename T>
CHAINRULE_INLINE void store_lanes(T* out, const Vec<T>* vectors, int lanes, int count) {
    constexpr int size = kLanes<T>;
    const int numbers = lanes * count;
    if (count == 1) {
        return store_first(out, vectors[0], lanes);
    }
    Vec<T> squares[kBatch / size][size];
    for (int first = 0; first < count; first += size) {
        for (int vector = 0; vector < size; ++vector) {
            squares[first / size][vector] = vectors[first + vector];
        }
        transpose(squares[first / size]);
    }
    for (int lane = 0; lane < lanes; ++lane) {
        for (int first = 0; first < count; first += size) {
            const int place = lane * count + first;
            if (place + size <= numbers) {
                store(out + place, squares[first / size][lane]);
            } else {
                store_part(out + place, squares[first / size][lane], fewer(count - first, size));
            }
        }
    }
}

// The lanes of value(0, ...) to value(count - 1, ...) folded to those of one vector, where
// value(place, many) is the vector of `many` values from `place` on.
template <typename Way, typename T, typename Value>
CHAINRULE_INLINE Vec<T> fold_along(Index count, Value value) {
    Vec<T> parts[kParts<T>];
    for (Vec<T>& part : parts) {
        part = broadcast(Way::start);
    }
    Index place = 0;
    for (; place + kSumLanes <= count; place += kSumLanes) {
        for (int part = 0; part < kParts<T>; ++part) {
            parts[part] = Way::join(parts[part], value(place + part * kLanes<T>, kLanes<T>));
        }
    }
    for (Vec<T>& part : parts) {
        if (place < count) {
            const int many = fewer(count - place, kLanes<T>);
            part = Way::join(part, keep_first(value(place, many), many, Way::start));
            place += kLanes<T>;
        }
    }
    return fold<Way, kParts<T>>(parts);
}

// Lane i of the result is the fold of the lanes of x[i].
template <typename Way, typename T>
CHAINRULE_INLINE Vec<T> fold_lanes(Vec<T> (&x)[kLanes<T>]) {
    transpose(x);
    return Way::finish(fold<Way, kLanes<T>>(x));
}

// Numbers of an array as they are.
template <typename T>
struct Read {
    const T* x;
    CHAINRULE_INLINE Vec<T> operator()(Index place, int many) const {
        return load_first(x + place, many);
    }
};

// The folds of up to kLanes rows.
template <typename Way, typename T>
CHAINRULE_INLINE Vec<T> fold_rows(const T* x, int rows, Index columns) {
    Vec<T> folded[kLanes<T>];
    for (int row = 0; row < kLanes<T>; ++row) {
        folded[row] =
            row < rows ? fold_along<Way, T>(columns, Read<T>{x + row * columns}) : zeros<T>();
    }
    return fold_lanes<Way>(folded);
}

}  // namespace chainrule::CHAINRULE_SET
