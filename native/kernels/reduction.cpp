// Sums, largest and smallest numbers along rows or columns, and where the largest of a row is.
#include "kernels.h"
#include "rows.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// out[i] = x[i, 0] + x[i, 1] + ..., or the largest or smallest of them.
template <template <typename> typename Way, typename T>
void reduce_rows(T* out, const T* x, Index rows, Index columns) {
    if (columns == 0 || columns > kNarrow) {
        for (Index row = 0; row < rows; row += kLanes<T>) {
            const int many = fewer(rows - row, kLanes<T>);
            const Vec<T> folded =
                columns == 0 ? zeros<T>() : fold_rows<Way<T>>(x + row * columns, many, columns);
            store_first(out + row, folded, many);
        }
        return;
    }
    const int narrow = static_cast<int>(columns);
    while (rows > 0) {
        const Batch batch = batch_of<T>(rows, narrow);
        Vec<T> numbers[kBatch];
        load_lanes(numbers, x, batch.lanes, batch.groups * narrow);
        for (int group = 0; group < batch.groups; ++group) {
            numbers[group] = Way<T>::finish(fold<Way<T>>(numbers + group * narrow, narrow));
        }
        store_lanes(out, numbers, batch.lanes, batch.groups);
        out += batch.rows();
        x += batch.rows() * columns;
        rows -= batch.rows();
    }
}

// Row i joins lane i % 16.
template <typename Way, typename T>
CHAINRULE_INLINE Vec<T> reduce_vector(const T* x, Index rows, Index row_stride, int many) {
    Vec<T> lanes[kSumLanes];
    for (Vec<T>& lane : lanes) {
        lane = broadcast(Way::start);
    }
    for (; rows >= kSumLanes; rows -= kSumLanes) {
        for (Vec<T>& lane : lanes) {
            lane = Way::join(lane, load_first(x, many));
            x += row_stride;
        }
    }
    for (int lane = 0; lane < kSumLanes; ++lane) {
        if (lane < rows) {
            lanes[lane] = Way::join(lanes[lane], load_first(x, many));
            x += row_stride;
        }
    }
    return Way::finish(fold<Way, kSumLanes>(lanes));
}

// `width` vectors of columns of a tall matrix, so that the cache lines of a row are read at once;
// in passes over the rows of 16 / width lanes, since so many sums have room in registers.
template <typename Way, int width, typename T>
CHAINRULE_INLINE void reduce_strip(T* out, const T* x, Index rows, Index row_stride) {
    constexpr int at_once = kSumLanes / width;
    Vec<T> lanes[width][kSumLanes];
    for (int first = 0; first < kSumLanes; first += at_once) {
        Vec<T> sums[at_once][width];
        for (int lane = 0; lane < at_once; ++lane) {
            for (int vector = 0; vector < width; ++vector) {
                sums[lane][vector] = broadcast(Way::start);
            }
        }
        const T* from = x + first * row_stride;
        for (Index row = first; row < rows; row += kSumLanes) {
            for (int lane = 0; lane < at_once; ++lane) {
                if (row + lane < rows) {
                    for (int vector = 0; vector < width; ++vector) {
                        sums[lane][vector] =
                            Way::join(sums[lane][vector], load(from + vector * kLanes<T>));
                    }
                }
                from += row_stride;
            }
            from += (kSumLanes - at_once) * row_stride;
        }
        for (int lane = 0; lane < at_once; ++lane) {
            for (int vector = 0; vector < width; ++vector) {
                lanes[vector][first + lane] = sums[lane][vector];
            }
        }
    }
    for (int vector = 0; vector < width; ++vector) {
        store(out + vector * kLanes<T>, Way::finish(fold<Way, kSumLanes>(lanes[vector])));
    }
}

// Few columns without gaps: 16 rows are one stretch of numbers, which the next 16 join.
template <typename Way, typename T>
CHAINRULE_INLINE void reduce_stretches(T* out, const T* x, Index rows, int columns) {
    alignas(64) T lanes[kSumLanes * kNarrow + kLanes<T>];
    const int stretch = kSumLanes * columns;
    for (int place = 0; place < stretch; place += kLanes<T>) {
        store(lanes + place, broadcast(Way::start));
    }
    Index rest = rows * columns;
    for (; rest >= stretch; rest -= stretch) {
        for (int place = 0; place < stretch; place += kLanes<T>) {
            store(lanes + place, Way::join(load(lanes + place), load(x + place)));
        }
        x += stretch;
    }
    for (int place = 0; place < rest; place += kLanes<T>) {
        const int many = fewer(rest - place, kLanes<T>);
        const Vec<T> joined = Way::join(load(lanes + place), load_first(x + place, many));
        store_first(lanes + place, joined, many);
    }
    for (int half = stretch / 2; half >= columns; half /= 2) {
        for (int place = 0; place < half; place += kLanes<T>) {
            store(lanes + place, Way::join(load(lanes + place), load(lanes + half + place)));
        }
    }
    for (int place = 0; place < columns; place += kLanes<T>) {
        store_first(out + place, Way::finish(load(lanes + place)),
                    fewer(columns - place, kLanes<T>));
    }
}

// out[j] = x[0, j] + x[1, j] + ..., or the largest or smallest of them.
template <template <typename> typename Way, typename T>
void reduce_columns(T* out, const T* x, Index rows, Index columns, Index row_stride) {
    constexpr Index tall = 64;
    constexpr Index wide = 8 * kLanes<T>;
    Index column = 0;
    if (rows == 0) {
        for (; column < columns; ++column) {
            out[column] = T{0};
        }
    } else if (columns == 1 && row_stride == 1) {
        return reduce_rows<Way>(out, x, 1, rows);
    } else if (columns <= kNarrow && columns % kLanes<T> != 0 && row_stride == columns) {
        return reduce_stretches<Way<T>>(out, x, rows, static_cast<int>(columns));
    }
    if (rows >= tall) {
        for (; column + wide <= columns; column += wide) {
            reduce_strip<Way<T>, 8>(out + column, x + column, rows, row_stride);
        }
        for (; column + wide / 2 <= columns; column += wide / 2) {
            reduce_strip<Way<T>, 4>(out + column, x + column, rows, row_stride);
        }
    }
    for (; column + kLanes<T> <= columns; column += kLanes<T>) {
        store(out + column, reduce_vector<Way<T>>(x + column, rows, row_stride, kLanes<T>));
    }
    if (column < columns) {
        const int many = static_cast<int>(columns - column);
        store_part(out + column, reduce_vector<Way<T>>(x + column, rows, row_stride, many), many);
    }
}

// Rows as lanes: a number takes the place of the largest so far unless that is nan or not below it.
template <typename T>
CHAINRULE_INLINE Vec<T> places_of_largest(const Vec<T>* numbers, int count) {
    Vec<T> largest = numbers[0];
    Vec<T> place = zeros<T>();
    for (int column = 1; column < count; ++column) {
        const Vec<T> here = broadcast(static_cast<T>(column));
        const Mask<T> stays = greater_equal(largest, numbers[column]);
        const Mask<T> is_last = is_nan(largest);
        place = select(stays, place, select(is_last, place, here));
        largest = select(stays, largest, select(is_last, largest, numbers[column]));
    }
    return place;
}

template <typename T>
std::int32_t place_of(T largest, const T* x, Index count) {
    const Vec<T> sought = broadcast(largest);
    Index place = 0;
    if (largest == largest) {
        while (place + kLanes<T> <= count && !any(equal(load(x + place), sought))) {
            place += kLanes<T>;
        }
        while (x[place] != largest) {
            ++place;
        }
    } else {
        while (x[place] == x[place]) {
            ++place;
        }
    }
    return static_cast<std::int32_t>(place);
}

// out[i] = the first j where x[i, j] is largest, a nan being the largest.
template <typename T>
void argmax_rows(std::int32_t* out, const T* x, Index rows, Index columns) {
    if (columns > kNarrow) {
        for (Index row = 0; row < rows; row += kLanes<T>) {
            const int many = fewer(rows - row, kLanes<T>);
            const T* from = x + row * columns;
            T largest[kLanes<T>];
            store(largest, fold_rows<Largest<T>>(from, many, columns));
            for (int lane = 0; lane < many; ++lane) {
                out[row + lane] = place_of(largest[lane], from + lane * columns, columns);
            }
        }
        return;
    }
    const int narrow = static_cast<int>(columns);
    while (rows > 0) {
        const Batch batch = batch_of<T>(rows, narrow);
        Vec<T> numbers[kBatch];
        T places[kBatch * kLanes<T>];
        load_lanes(numbers, x, batch.lanes, batch.groups * narrow);
        for (int group = 0; group < batch.groups; ++group) {
            numbers[group] = places_of_largest(numbers + group * narrow, narrow);
        }
        store_lanes(places, numbers, batch.lanes, batch.groups);
        for (int row = 0; row < batch.rows(); ++row) {
            out[row] = static_cast<std::int32_t>(places[row]);
        }
        out += batch.rows();
        x += batch.rows() * columns;
        rows -= batch.rows();
    }
}

template <typename T>
void add_typed(Typed<T>& typed) {
    typed.sum_rows = reduce_rows<Sum, T>;
    typed.max_rows = reduce_rows<Largest, T>;
    typed.min_rows = reduce_rows<Smallest, T>;
    typed.sum_columns = reduce_columns<Sum, T>;
    typed.max_columns = reduce_columns<Largest, T>;
    typed.min_columns = reduce_columns<Smallest, T>;
    typed.argmax_rows = argmax_rows<T>;
}

}  // namespace

void add_reduction(Kernels& kernels) {
    add_typed(kernels.float32);
    add_typed(kernels.float64);
}

}  // namespace chainrule::CHAINRULE_SET
