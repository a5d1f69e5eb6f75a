// Steps that move numbers without changing them, and those that make them of nothing.
#include <algorithm>
#include <cstring>

#include "../steps.h"

namespace chainrule {
namespace {

// The part of an axis from start on.
Array part_of(const Array& x, Index axis, Index start, Index size) {
    Array part = x;
    part.shape[static_cast<std::size_t>(axis)] = size;
    part.place.offset += start * x.strides[static_cast<std::size_t>(axis)] * item_size(x.type);
    return part;
}

void check_axis(const Bound& bound, const Array& x, Index axis) {
    if (axis < 0 || axis >= static_cast<Index>(x.shape.size()) ||
        bound.result.shape.size() != x.shape.size() || bound.result.type != x.type) {
        bound.refuse("it has no such axis");
    }
}

void need_same_beside(const Bound& bound, const Array& x, Index axis) {
    for (std::size_t one = 0; one < x.shape.size(); ++one) {
        if (static_cast<Index>(one) != axis && x.shape[one] != bound.result.shape[one]) {
            bound.refuse("its shapes differ beside the axis");
        }
    }
}

template <typename Position>
void check_positions(const char* name, const Position* positions, Index count, Index length) {
    for (Index index = 0; index < count; ++index) {
        if (positions[index] < 0 || static_cast<Index>(positions[index]) >= length) {
            throw BadData(std::string(name) + ": positions must be from 0 to below " +
                          std::to_string(length) + ", got " + std::to_string(positions[index]) +
                          ".");
        }
    }
}

// Positions as int64, whatever whole numbers they are; a copy, so that nothing that is written
// between their check and their use can change them.
Array bind_positions(Binding& binding, const Bound& bound, const Array& positions) {
    switch (positions.type) {
        case Type::int32:
        case Type::int64:
        case Type::uint8:
        case Type::uint64:
            break;
        default:
            bound.refuse("its positions are no whole numbers");
    }
    const Array copied = binding.temporary(Type::int64, positions.shape);
    bind_copy(binding, copied, positions);
    return copied;
}

template <typename T>
void scatter(Binding& binding, const Bound& bound, const Array& g, const Array& positions,
             Index length) {
    const Index count = positions.count();
    const Index width = length == 0 ? 0 : bound.result.count() / length;
    if (g.count() != count * width) {
        bound.refuse("its numbers do not fit its positions");
    }
    const Place out = bound.result.place;
    const Place from = g.place;
    const Place where = positions.place;
    add_step(binding, [=](const Frame& frame) {
        const Index* at = frame.at<Index>(where);
        check_positions("scatter_add", at, count, length);
        const T* numbers = frame.at<T>(from);
        T* table = frame.at<T>(out);
        split(frame, width, std::max<Index>(16, 65536 / std::max<Index>(count, 1)),
              [&](Index begin, Index end, int) {
                  for (Index row = 0; row < length; ++row) {
                      std::fill(table + row * width + begin, table + row * width + end, T{0});
                  }
                  for (Index index = 0; index < count; ++index) {
                      T* entry = table + at[index] * width;
                      const T* given = numbers + index * width;
                      for (Index column = begin; column < end; ++column) {
                          entry[column] = static_cast<T>(entry[column] + given[column]);
                      }
                  }
              });
    });
}

template <typename T>
void one_hot(Binding& binding, const Bound& bound, const Array& labels, Index depth) {
    const Index count = labels.count();
    const Place out = bound.result.place;
    const Place from = labels.place;
    add_step(binding, [=](const Frame& frame) {
        const Index* label = frame.at<Index>(from);
        T* to = frame.at<T>(out);
        std::fill(to, to + count * depth, T{0});
        for (Index row = 0; row < count; ++row) {
            if (label[row] >= 0 && label[row] < depth) {
                to[row * depth + label[row]] = T{1};
            }
        }
    });
}

}  // namespace

void bind_concatenate(Binding& binding, const Bound& bound) {
    const Index axis = bound.whole("axis");
    Index start = 0;
    for (const Array& part : bound.operands) {
        check_axis(bound, part, axis);
        need_same_beside(bound, part, axis);
        const Index size = part.shape[static_cast<std::size_t>(axis)];
        if (start + size > bound.result.shape[static_cast<std::size_t>(axis)]) {
            bound.refuse("its parts are longer than its result");
        }
        bind_copy(binding, part_of(bound.result, axis, start, size), part);
        start += size;
    }
}

void bind_narrow(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Index axis = bound.whole("axis");
    const Index start = bound.whole("start");
    const Index size = bound.whole("stop") - start;
    const Array& x = bound.operands[0];
    check_axis(bound, x, axis);
    need_same_beside(bound, x, axis);
    const std::size_t at = static_cast<std::size_t>(axis);
    if (start < 0 || size < 0 || start + size > x.shape[at] || bound.result.shape[at] != size) {
        bound.refuse("start and stop are not within the axis");
    }
    bind_copy(binding, bound.result, part_of(x, axis, start, size));
}

void bind_widen(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Index axis = bound.whole("axis");
    const Index start = bound.whole("start");
    const Array& x = bound.operands[0];
    check_axis(bound, x, axis);
    need_same_beside(bound, x, axis);
    const std::size_t at = static_cast<std::size_t>(axis);
    if (start < 0 || start + x.shape[at] > bound.result.shape[at]) {
        bound.refuse("it does not fit into its result");
    }
    const Index bytes = bound.result.count() * item_size(bound.result.type);
    const Place out = bound.result.place;
    add_step(binding, [=](const Frame& frame) {
        std::memset(frame.at<std::byte>(out), 0, static_cast<std::size_t>(bytes));
    });
    bind_copy(binding, part_of(bound.result, axis, start, x.shape[at]), x);
}

void bind_gather(Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    const Array table = bind_contiguous(binding, bound.operands[0]);
    const Array positions = bind_positions(binding, bound, bound.operands[1]);
    if (table.shape.empty() || table.type != bound.result.type) {
        bound.refuse("its table has no rows");
    }
    const Index length = table.shape[0];
    Index width = 1;
    for (std::size_t axis = 1; axis < table.shape.size(); ++axis) {
        width *= table.shape[axis];
    }
    const Index count = positions.count();
    if (bound.result.count() != count * width) {
        bound.refuse("its result does not fit");
    }
    const std::size_t bytes = static_cast<std::size_t>(width * item_size(table.type));
    const Place out = bound.result.place;
    const Place from = table.place;
    const Place where = positions.place;
    add_step(binding, [=](const Frame& frame) {
        const Index* at = frame.at<Index>(where);
        check_positions("gather", at, count, length);
        std::byte* to = frame.at<std::byte>(out);
        for (Index index = 0; index < count && bytes != 0; ++index, to += bytes) {
            std::memcpy(to, frame.at<std::byte>(from) + static_cast<std::size_t>(at[index]) * bytes,
                        bytes);
        }
    });
}

void bind_scatter_add(Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    const Array g = bind_contiguous(binding, bound.operands[0]);
    const Array positions = bind_positions(binding, bound, bound.operands[1]);
    const Index length = bound.whole("length", binding.rows);
    if (g.type != bound.result.type || bound.result.shape.empty() ||
        bound.result.shape[0] != length) {
        bound.refuse("its result does not fit");
    }
    switch (g.type) {
        case Type::float32:
            return scatter<float>(binding, bound, g, positions, length);
        case Type::float64:
            return scatter<double>(binding, bound, g, positions, length);
        case Type::int32:
            return scatter<std::int32_t>(binding, bound, g, positions, length);
        case Type::int64:
            return scatter<std::int64_t>(binding, bound, g, positions, length);
        default:
            bound.refuse("its numbers are of another type");
    }
}

void bind_one_hot(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Array labels = bind_positions(binding, bound, bound.operands[0]);
    const Index depth = bound.whole("depth", binding.rows);
    if (bound.result.count() != labels.count() * depth) {
        bound.refuse("its result does not fit");
    }
    switch (bound.result.type) {
        case Type::float32:
            return one_hot<float>(binding, bound, labels, depth);
        case Type::float64:
            return one_hot<double>(binding, bound, labels, depth);
        case Type::int32:
            return one_hot<std::int32_t>(binding, bound, labels, depth);
        case Type::int64:
            return one_hot<std::int64_t>(binding, bound, labels, depth);
        default:
            bound.refuse("its numbers are of another type");
    }
}

void bind_count(Binding& binding, const Bound& bound) {
    bound.need_operands(0);
    Index product = 1;
    for (const Index size : bound.wholes("shape", binding.rows)) {
        if (__builtin_mul_overflow(product, size, &product)) {
            bound.refuse("it counts too many");
        }
    }
    if (!bound.result.shape.empty()) {
        bound.refuse("its result does not fit");
    }
    const Place out = bound.result.place;
    const auto number = static_cast<double>(product);
    switch (bound.result.type) {
        case Type::float32:
            return add_step(binding, [=](const Frame& frame) {
                *frame.at<float>(out) = static_cast<float>(product);
            });
        case Type::float64:
            return add_step(binding, [=](const Frame& frame) { *frame.at<double>(out) = number; });
        case Type::int64:
            return add_step(binding, [=](const Frame& frame) { *frame.at<Index>(out) = product; });
        default:
            bound.refuse("its number is of another type");
    }
}

}  // namespace chainrule
