// What goes along one axis: softmax and its companions.
#include <algorithm>

#include "../steps.h"

namespace chainrule {
namespace {

constexpr Index kWorthSplitting = 1024;

// Of rows of so many numbers, what is worth a chunk of its own.
Index least_rows(Index columns) {
    return std::max<Index>(8, kWorthSplitting / std::max<Index>(columns, 1));
}

template <typename T>
void along(Binding& binding, const Bound& bound, Index axis) {
    const Typed<T>& known = typed<T>(binding.kernels);
    const auto kernel = bound.instruction.name == "softmax" ? known.softmax : known.log_softmax;
    const Array& given = bound.operands[0];
    const Index axes = static_cast<Index>(given.shape.size());
    std::vector<Index> order;
    for (Index one = 0; one < axes; ++one) {
        if (one != axis) {
            order.push_back(one);
        }
    }
    order.push_back(axis);
    const Array x = bind_contiguous(binding, transposed(given, order));
    const bool moved = axis != axes - 1;
    const Array out = moved ? binding.temporary(x.type, x.shape) : bound.result;
    const Index columns = x.shape.back();
    const Index rows = columns == 0 ? 0 : x.count() / columns;
    const Place to = out.place;
    const Place from = x.place;
    add_step(binding, [=](const Frame& frame) {
        split(frame, rows, least_rows(columns), [&](Index begin, Index end, int) {
            kernel(frame.at<T>(to) + begin * columns, frame.at<T>(from) + begin * columns,
                   end - begin, columns);
        });
    });
    if (moved) {
        bind_copy(binding, transposed(bound.result, order), out);
    }
}

template <typename T>
void cross_entropy(Binding& binding, const Bound& bound) {
    const auto kernel = typed<T>(binding.kernels).softmax_cross_entropy;
    const Array logits = bind_contiguous(binding, bound.operands[0], bound.result.type);
    const Array targets = bind_contiguous(binding, bound.operands[1], bound.result.type);
    const Index columns = logits.shape.back();
    const Index rows = columns == 0 ? 0 : logits.count() / columns;
    const Place out = bound.result.place;
    const Place left = logits.place;
    const Place right = targets.place;
    add_step(binding, [=](const Frame& frame) {
        split(frame, rows, least_rows(columns), [&](Index begin, Index end, int) {
            kernel(frame.at<T>(out) + begin, frame.at<T>(left) + begin * columns,
                   frame.at<T>(right) + begin * columns, end - begin, columns);
        });
    });
}

template <typename T>
void cross_entropy_slope(Binding& binding, const Bound& bound) {
    const auto kernel = typed<T>(binding.kernels).softmax_cross_entropy_slope;
    const Type type = bound.result.type;
    const Place left = bind_contiguous(binding, bound.operands[0], type).place;
    const Place right = bind_contiguous(binding, bound.operands[1], type).place;
    // most often one number, seen as one a row
    const Shape& strides = bound.operands[2].strides;
    const bool one = bound.operands[2].type == type &&
                     std::all_of(strides.begin(), strides.end(), [](Index x) { return x == 0; });
    const Place slope =
        one ? bound.operands[2].place : bind_contiguous(binding, bound.operands[2], type).place;
    const Index step = one ? 0 : 1;
    const Place out = bound.result.place;
    const Index columns = bound.result.shape.back();
    const Index rows = columns == 0 ? 0 : bound.result.count() / columns;
    add_step(binding, [=](const Frame& frame) {
        split(frame, rows, least_rows(columns), [&](Index begin, Index end, int) {
            const Index first = begin * columns;
            kernel(frame.at<T>(out) + first, frame.at<T>(left) + first, frame.at<T>(right) + first,
                   frame.at<T>(slope) + begin * step, step, end - begin, columns);
        });
    });
}

}  // namespace

void bind_along(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Index axis = bound.whole("axis");
    const Array& x = bound.operands[0];
    if (axis < 0 || axis >= static_cast<Index>(x.shape.size()) || x.type != bound.result.type ||
        x.shape != bound.result.shape) {
        bound.refuse("its result does not fit");
    }
    if (x.type == Type::float32) {
        along<float>(binding, bound, axis);
    } else if (x.type == Type::float64) {
        along<double>(binding, bound, axis);
    } else {
        bound.refuse("its numbers are of another type");
    }
}

void bind_cross_entropy(Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    const Array& logits = bound.operands[0];
    if (logits.shape.empty() || logits.shape != bound.operands[1].shape ||
        (logits.shape.back() == 0 && bound.result.count() != 0) ||
        bound.result.count() * logits.shape.back() != logits.count()) {
        bound.refuse("its operands do not fit together");
    }
    if (bound.result.type == Type::float32) {
        cross_entropy<float>(binding, bound);
    } else if (bound.result.type == Type::float64) {
        cross_entropy<double>(binding, bound);
    } else {
        bound.refuse("its numbers are of another type");
    }
}

void bind_cross_entropy_slope(Binding& binding, const Bound& bound) {
    bound.need_operands(3);
    const Array& logits = bound.operands[0];
    const Shape& shape = logits.shape;
    if (shape.empty() || shape != bound.operands[1].shape || shape != bound.result.shape ||
        Shape(shape.begin(), shape.end() - 1) != bound.operands[2].shape) {
        bound.refuse("its operands do not fit together");
    }
    if (bound.result.type == Type::float32) {
        cross_entropy_slope<float>(binding, bound);
    } else if (bound.result.type == Type::float64) {
        cross_entropy_slope<double>(binding, bound);
    } else {
        bound.refuse("its numbers are of another type");
    }
}

}  // namespace chainrule
