// One element-wise operation over a block of numbers: out[i] = operation(x[i], y[i]).
#include "kernels.h"
#include "operations.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// How an operand is read: from an array, as one number, or as the call says, which costs a little
// and is compiled once.
enum class Reads { array, number, either };

template <Reads reads, typename T>
CHAINRULE_INLINE Vec<T> read(const T* from, Vec<T> constant, Index step, Index index, int count) {
    if (reads == Reads::number || (reads == Reads::either && step == 0)) {
        return constant;
    }
    return count == kLanes<T> ? load(from + index) : load_part(from + index, count);
}

template <Reads x_reads, Reads y_reads, typename T, typename Operation>
void over_block(T* out, const T* x, const T* y, Index x_step, Index y_step, Index count,
                T setting) {
    const Vec<T> x_constant = broadcast(*x);
    const Vec<T> y_constant = broadcast(*y);
    const Vec<T> s = broadcast(setting);
    for (Index index = 0; index < count; index += kLanes<T>) {
        const Index left = count - index;
        const int lanes = left < kLanes<T> ? static_cast<int>(left) : kLanes<T>;
        const Vec<T> result = Operation{}(read<x_reads>(x, x_constant, x_step, index, lanes),
                                          read<y_reads>(y, y_constant, y_step, index, lanes), s);
        if (lanes == kLanes<T>) {
            store(out + index, result);
        } else {
            store_part(out + index, result, lanes);
        }
    }
}

template <typename T>
void fill(T* out, T number, Index count) {
    for (Index index = 0; index < count; ++index) {
        out[index] = number;
    }
}

template <typename T, typename Operation>
void binary(T* out, const T* x, const T* y, Index x_step, Index y_step, Index count, T setting) {
    if (count <= 0) {
        return;
    }
    if (x_step == 0 && y_step == 0 && count > 1) {
        T one;
        binary<T, Operation>(&one, x, y, 1, 1, 1, setting);
        fill(out, one, count);
    } else if constexpr (Operation::kCostly) {
        over_block<Reads::either, Reads::either, T, Operation>(out, x, y, x_step, y_step, count,
                                                               setting);
    } else if (x_step != 0 && y_step != 0) {
        over_block<Reads::array, Reads::array, T, Operation>(out, x, y, 1, 1, count, setting);
    } else if (x_step != 0) {
        over_block<Reads::array, Reads::number, T, Operation>(out, x, y, 1, 0, count, setting);
    } else {
        over_block<Reads::number, Reads::array, T, Operation>(out, x, y, 0, 1, count, setting);
    }
}

template <typename T, typename Operation>
void unary(T* out, const T* x, const T*, Index x_step, Index, Index count, T setting) {
    if (count <= 0) {
        return;
    }
    if (x_step == 0 && count > 1) {
        T one;
        unary<T, Operation>(&one, x, x, 1, 1, 1, setting);
        fill(out, one, count);
    } else {
        over_block<Reads::array, Reads::number, T, Operation>(out, x, x, 1, 0, count, setting);
    }
}

bool same(const char* one, const char* other) {
    while (*one != '\0' && *one == *other) {
        ++one;
        ++other;
    }
    return *one == *other;
}

template <typename T>
Elementwise<T> find(const char* name) {
#define CHAINRULE_FIND(operation, costly, formula)        \
    if (same(name, operation##_operation::kName)) {       \
        return CHAINRULE_SHAPE<T, operation##_operation>; \
    }
#define CHAINRULE_SHAPE binary
    CHAINRULE_BINARY(CHAINRULE_FIND)
#undef CHAINRULE_SHAPE
#define CHAINRULE_SHAPE unary
    CHAINRULE_UNARY(CHAINRULE_FIND)
#undef CHAINRULE_SHAPE
#undef CHAINRULE_FIND
    return nullptr;
}

}  // namespace

void add_elementwise(Kernels& kernels) {
    kernels.float32.elementwise = find<float>;
    kernels.float64.elementwise = find<double>;
}

}  // namespace chainrule::CHAINRULE_SET
