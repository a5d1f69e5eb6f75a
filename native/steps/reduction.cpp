// Sums and extremes over axes.
#include <algorithm>
#include <cstring>

#include "../steps.h"

namespace chainrule {
namespace {

constexpr Index kWorthSplitting = 16384;

// The kept axes, then the reduced ones, each in order.
std::vector<Index> kept_first(const Array& x, const std::vector<Index>& reduced) {
    std::vector<Index> order;
    for (const bool wanted : {false, true}) {
        for (Index axis = 0; axis < static_cast<Index>(x.shape.size()); ++axis) {
            const bool goes = std::find(reduced.begin(), reduced.end(), axis) != reduced.end();
            if (goes == wanted) {
                order.push_back(axis);
            }
        }
    }
    return order;
}

struct Sides {
    Index kept = 1, reduced = 1;
};

Sides sides_of(const Array& x, const std::vector<Index>& reduced) {
    Sides sides;
    for (Index axis = 0; axis < static_cast<Index>(x.shape.size()); ++axis) {
        const bool goes = std::find(reduced.begin(), reduced.end(), axis) != reduced.end();
        (goes ? sides.reduced : sides.kept) *= x.shape[static_cast<std::size_t>(axis)];
    }
    return sides;
}

bool leads(const std::vector<Index>& reduced) {
    for (std::size_t index = 0; index < reduced.size(); ++index) {
        if (reduced[index] != static_cast<Index>(index)) {
            return false;
        }
    }
    return true;
}

template <typename T>
struct Reduction {
    void (*rows)(T* out, const T* x, Index rows, Index columns);
    void (*columns)(T* out, const T* x, Index rows, Index columns, Index row_stride);
};

template <typename T>
Reduction<T> reduction_named(const Kernels& kernels, const std::string& name) {
    const Typed<T>& known = typed<T>(kernels);
    if (name == "sum") {
        return {known.sum_rows, known.sum_columns};
    }
    if (name == "max") {
        return {known.max_rows, known.max_columns};
    }
    return {known.min_rows, known.min_columns};
}

template <typename T>
void reduce(Binding& binding, const Bound& bound, const std::vector<Index>& axes) {
    const Reduction<T> kernel = reduction_named<T>(binding.kernels, bound.instruction.name);
    Array x = bound.operands[0];
    const Sides sides = sides_of(x, axes);
    const Place out = bound.result.place;
    if (sides.kept == 0) {
        return;
    }
    if (leads(axes) && x.contiguous() && axes.size() < x.shape.size()) {
        const Place from = x.place;
        add_step(binding, [=](const Frame& frame) {
            const Index least =
                std::max<Index>(16, kWorthSplitting / std::max<Index>(sides.reduced, 1) / 16 * 16);
            split(frame, (sides.kept + 15) / 16, least / 16, [&](Index begin, Index end, int) {
                const Index first = begin * 16;
                const Index last = std::min(end * 16, sides.kept);
                kernel.columns(frame.at<T>(out) + first, frame.at<T>(from) + first, sides.reduced,
                               last - first, sides.kept);
            });
        });
        return;
    }
    x = bind_contiguous(binding, transposed(x, kept_first(x, axes)));
    const Place from = x.place;
    add_step(binding, [=](const Frame& frame) {
        split(frame, sides.kept,
              std::max<Index>(8, kWorthSplitting / std::max<Index>(sides.reduced, 1)),
              [&](Index begin, Index end, int) {
                  kernel.rows(frame.at<T>(out) + begin, frame.at<T>(from) + begin * sides.reduced,
                              end - begin, sides.reduced);
              });
    });
}

// Whole numbers: largest and smallest only, since a sum of them is cast first.
template <typename T>
void reduce_whole(Binding& binding, const Bound& bound, const std::vector<Index>& axes) {
    const bool largest = bound.instruction.name == "max";
    if (!largest && bound.instruction.name != "min") {
        bound.refuse("it sums whole numbers");
    }
    const Array x = bind_contiguous(
        binding, transposed(bound.operands[0], kept_first(bound.operands[0], axes)));
    const Sides sides = sides_of(bound.operands[0], axes);
    const Place out = bound.result.place;
    const Place from = x.place;
    add_step(binding, [=](const Frame& frame) {
        const T* numbers = frame.at<T>(from);
        for (Index index = 0; index < sides.kept; ++index, numbers += sides.reduced) {
            const T* end = numbers + sides.reduced;
            frame.at<T>(out)[index] =
                largest ? *std::max_element(numbers, end) : *std::min_element(numbers, end);
        }
    });
}

template <typename T>
void argmax(Binding& binding, const Bound& bound) {
    const Array x = bind_contiguous(binding, bound.operands[0]);
    const Index columns = x.shape.back();
    const Index rows = columns == 0 ? 0 : x.count() / columns;
    const Place out = bound.result.place;
    const Place from = x.place;
    const auto kernel = typed<T>(binding.kernels).argmax_rows;
    add_step(binding, [=](const Frame& frame) {
        kernel(frame.at<std::int32_t>(out), frame.at<T>(from), rows, columns);
    });
}

template <typename T>
void argmax_whole(Binding& binding, const Bound& bound) {
    const Array x = bind_contiguous(binding, bound.operands[0]);
    const Index columns = x.shape.back();
    const Index rows = columns == 0 ? 0 : x.count() / columns;
    const Place out = bound.result.place;
    const Place from = x.place;
    add_step(binding, [=](const Frame& frame) {
        const T* numbers = frame.at<T>(from);
        for (Index row = 0; row < rows; ++row, numbers += columns) {
            frame.at<std::int32_t>(out)[row] =
                static_cast<std::int32_t>(std::max_element(numbers, numbers + columns) - numbers);
        }
    });
}

}  // namespace

void bind_reduction(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const std::vector<Index> axes = bound.wholes("axis");
    for (const Index axis : axes) {
        if (axis < 0 || axis >= static_cast<Index>(bound.operands[0].shape.size())) {
            bound.refuse("it has no such axis");
        }
    }
    if (bound.operands[0].type != bound.result.type ||
        sides_of(bound.operands[0], axes).kept != bound.result.count()) {
        bound.refuse("its result does not fit");
    }
    if (bound.instruction.name != "sum" && bound.operands[0].count() == 0 &&
        bound.result.count() != 0) {
        bound.refuse("there is no largest or smallest of no numbers");
    }
    switch (bound.result.type) {
        case Type::float32:
            return reduce<float>(binding, bound, axes);
        case Type::float64:
            return reduce<double>(binding, bound, axes);
        case Type::int32:
            return reduce_whole<std::int32_t>(binding, bound, axes);
        case Type::int64:
            return reduce_whole<std::int64_t>(binding, bound, axes);
        case Type::uint8:
            return reduce_whole<std::uint8_t>(binding, bound, axes);
        default:
            bound.refuse("its numbers are of another type");
    }
}

void bind_argmax(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Array& x = bound.operands[0];
    if (x.shape.empty() || bound.result.type != Type::int32 ||
        (x.shape.back() == 0 && bound.result.count() != 0) ||
        bound.result.count() * x.shape.back() != x.count()) {
        bound.refuse("its result does not fit");
    }
    switch (x.type) {
        case Type::float32:
            return argmax<float>(binding, bound);
        case Type::float64:
            return argmax<double>(binding, bound);
        case Type::int32:
            return argmax_whole<std::int32_t>(binding, bound);
        case Type::int64:
            return argmax_whole<std::int64_t>(binding, bound);
        case Type::uint8:
            return argmax_whole<std::uint8_t>(binding, bound);
        default:
            bound.refuse("its numbers are of another type");
    }
}

}  // namespace chainrule
