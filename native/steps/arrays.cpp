// Arrays seen in other ways, copied and cast.
#include <cstring>
#include <utility>

#include "../steps.h"

namespace chainrule {

Index Array::count() const {
    Index product = 1;
    for (const Index size : shape) {
        product *= size;
    }
    return product;
}

bool Array::contiguous() const {
    Index expected = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (shape[axis] != 1 && strides[axis] != expected) {
            return count() == 0;
        }
        expected *= shape[axis];
    }
    return true;
}

Shape contiguous_strides(const Shape& shape) {
    Shape strides(shape.size());
    Index stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        strides[axis] = stride;
        stride *= shape[axis];
    }
    return strides;
}

Array Binding::temporary(Type type, const Shape& shape) {
    Array made{type, shape, contiguous_strides(shape), {0, arena_bytes}};
    arena_bytes += (made.count() * item_size(type) + 63) / 64 * 64;
    if (arena_bytes > kMostBytes) {
        throw Refused("a batch of " + std::to_string(rows) + " rows needs too much memory.");
    }
    return made;
}

void Binding::need_scratch(Index bytes) {
    scratch_bytes = std::max(scratch_bytes, (bytes + 63) / 64 * 64);
}

Array transposed(const Array& x, const std::vector<Index>& axes) {
    Array seen = x;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        seen.shape[axis] = x.shape[static_cast<std::size_t>(axes[axis])];
        seen.strides[axis] = x.strides[static_cast<std::size_t>(axes[axis])];
    }
    return seen;
}

Array broadcast(const Array& x, const Shape& shape) {
    if (x.shape.size() > shape.size()) {
        throw Refused("broadcast: there are fewer axes than before.");
    }
    Array seen = x;
    seen.shape = shape;
    seen.strides.assign(shape.size(), 0);
    const std::size_t extra = shape.size() - x.shape.size();
    for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
        if (x.shape[axis] == 1) {
            continue;
        }
        if (x.shape[axis] != shape[axis + extra]) {
            throw Refused("broadcast: shapes do not fit.");
        }
        seen.strides[axis + extra] = x.strides[axis];
    }
    return seen;
}

bool reshaped(const Array& x, const Shape& shape, Array& seen) {
    seen = x;
    seen.shape = shape;
    seen.strides = contiguous_strides(shape);
    if (x.contiguous()) {
        return true;
    }
    // groups of axes of old and new with the same number of elements, from the left
    std::size_t old_axis = 0;
    std::size_t new_axis = 0;
    while (old_axis < x.shape.size() && new_axis < shape.size()) {
        std::size_t old_end = old_axis + 1;
        std::size_t new_end = new_axis + 1;
        Index old_count = x.shape[old_axis];
        Index new_count = shape[new_axis];
        while (old_count != new_count) {
            if (old_count < new_count) {
                if (old_end == x.shape.size()) {
                    return false;
                }
                old_count *= x.shape[old_end++];
            } else {
                if (new_end == shape.size()) {
                    return false;
                }
                new_count *= shape[new_end++];
            }
        }
        // the old axes of the group must be one axis with one stride
        Index stride = 0;
        Index covered = 1;
        for (std::size_t axis = old_end; axis-- > old_axis;) {
            if (x.shape[axis] == 1) {
                continue;
            }
            if (covered == 1) {
                stride = x.strides[axis];
            } else if (x.strides[axis] != stride * covered) {
                return false;
            }
            covered *= x.shape[axis];
        }
        Index step = stride;
        for (std::size_t axis = new_end; axis-- > new_axis;) {
            seen.strides[axis] = step;
            step *= shape[axis];
        }
        old_axis = old_end;
        new_axis = new_end;
    }
    for (; old_axis < x.shape.size(); ++old_axis) {
        if (x.shape[old_axis] != 1) {
            return false;
        }
    }
    for (; new_axis < shape.size(); ++new_axis) {
        if (shape[new_axis] != 1) {
            return false;
        }
    }
    return true;
}

namespace {

struct Axis {
    Index size, to, from;
};

// Axes of a copy, those merged that lie one after the other on both sides.
std::vector<Axis> merged(const Array& out, const Array& x) {
    std::vector<Axis> axes;
    for (std::size_t axis = 0; axis < out.shape.size(); ++axis) {
        const Axis next{out.shape[axis], out.strides[axis], x.strides[axis]};
        if (next.size == 1) {
            continue;
        }
        if (!axes.empty() && axes.back().to == next.to * next.size &&
            axes.back().from == next.from * next.size) {
            axes.back() = {axes.back().size * next.size, next.to, next.from};
        } else {
            axes.push_back(next);
        }
    }
    return axes;
}

template <typename To, typename From>
class CopyStep : public Step {
public:
    CopyStep(const Array& out, const Array& x)
        : axes_(merged(out, x)), count_(out.count()), to_(out.place), from_(x.place) {}

    void run(const Frame& frame) const override {
        if (count_ != 0) {
            over(frame.at<To>(to_), frame.at<From>(from_), 0);
        }
    }

private:
    void over(To* to, const From* from, std::size_t axis) const {
        if (axis == axes_.size()) {
            *to = static_cast<To>(*from);
            return;
        }
        const Axis& here = axes_[axis];
        if (axis + 1 < axes_.size()) {
            for (Index index = 0; index < here.size; ++index) {
                over(to + index * here.to, from + index * here.from, axis + 1);
            }
        } else if (std::is_same_v<To, From> && here.to == 1 && here.from == 1) {
            std::memcpy(to, from, static_cast<std::size_t>(here.size) * sizeof(To));
        } else {
            for (Index index = 0; index < here.size; ++index) {
                to[index * here.to] = static_cast<To>(from[index * here.from]);
            }
        }
    }

    std::vector<Axis> axes_;
    Index count_;
    Place to_, from_;
};

template <typename To>
std::unique_ptr<Step> copy_to(const Array& out, const Array& x) {
    switch (x.type) {
        case Type::float32:
            return std::make_unique<CopyStep<To, float>>(out, x);
        case Type::float64:
            return std::make_unique<CopyStep<To, double>>(out, x);
        case Type::int32:
            return std::make_unique<CopyStep<To, std::int32_t>>(out, x);
        case Type::int64:
            return std::make_unique<CopyStep<To, std::int64_t>>(out, x);
        case Type::uint8:
            return std::make_unique<CopyStep<To, std::uint8_t>>(out, x);
        case Type::uint64:
            return std::make_unique<CopyStep<To, std::uint64_t>>(out, x);
        case Type::boolean:
            return std::make_unique<CopyStep<To, bool>>(out, x);
    }
    throw Refused("copy: a type is not known.");
}

}  // namespace

void bind_copy(Binding& binding, const Array& out, const Array& x) {
    if (out.shape != x.shape) {
        throw Refused("copy: shapes differ.");
    }
    switch (out.type) {
        case Type::float32:
            return binding.add(copy_to<float>(out, x));
        case Type::float64:
            return binding.add(copy_to<double>(out, x));
        case Type::int32:
            return binding.add(copy_to<std::int32_t>(out, x));
        case Type::int64:
            return binding.add(copy_to<std::int64_t>(out, x));
        case Type::uint8:
            return binding.add(copy_to<std::uint8_t>(out, x));
        case Type::uint64:
            return binding.add(copy_to<std::uint64_t>(out, x));
        case Type::boolean:
            return binding.add(copy_to<bool>(out, x));
    }
}

Array bind_contiguous(Binding& binding, const Array& x, Type type) {
    if (x.type == type && x.contiguous()) {
        Array seen = x;
        seen.strides = contiguous_strides(x.shape);
        return seen;
    }
    Array made = binding.temporary(type, x.shape);
    bind_copy(binding, made, x);
    return made;
}

Array bind_contiguous(Binding& binding, const Array& x) {
    return bind_contiguous(binding, x, x.type);
}

void bind_cast(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    bind_copy(binding, bound.result, bound.operands[0]);
}

}  // namespace chainrule
