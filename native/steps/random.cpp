// Steps that draw: masks, uniform and normal numbers of a stream, by their place alone.
#include <algorithm>
#include <cmath>

#include "../steps.h"

namespace chainrule {
namespace {

// Words of a chunk are a multiple of this.
constexpr Index kTogether = 32;

// draw(to, first, count, key, step) for parts of the result.
template <typename T, typename Draw>
void add_drawing(Binding& binding, const Bound& bound, Index least, const Draw& draw) {
    const Index count = bound.result.count();
    const Place out = bound.result.place;
    const Place key = bind_contiguous(binding, bound.operands[0], Type::uint64).place;
    const Place step = bind_contiguous(binding, bound.operands[1], Type::uint64).place;
    add_step(binding, [=](const Frame& frame) {
        const std::uint64_t drawn_key = *frame.at<std::uint64_t>(key);
        const std::uint64_t drawn_step = *frame.at<std::uint64_t>(step);
        split(frame, (count + kTogether - 1) / kTogether, least, [&](Index begin, Index end, int) {
            const Index first = begin * kTogether;
            const Index last = std::min(end * kTogether, count);
            draw(frame.at<T>(out) + first, first, last - first, drawn_key, drawn_step);
        });
    });
}

template <typename T>
void mask(Binding& binding, const Bound& bound) {
    const auto kernel = typed<T>(binding.kernels).mask;
    const double rate = bound.number("rate");
    if (!(rate >= 0.0 && rate < 1.0)) {
        bound.refuse("its rate is not from 0 to below 1");
    }
    MaskSource source{};
    source.stream.stream = static_cast<std::uint32_t>(bound.whole("stream"));
    source.threshold = static_cast<std::uint64_t>(std::nearbyint(rate * 4294967296.0));
    source.scale = 1.0 / (1.0 - rate);
    add_drawing<T>(binding, bound, 512,
                   [=](T* out, Index first, Index count, std::uint64_t key, std::uint64_t step) {
                       MaskSource drawn = source;
                       drawn.stream.key = key;
                       drawn.stream.step = step;
                       kernel(out, first, count, drawn);
                   });
}

template <typename T>
void numbers(Binding& binding, const Bound& bound) {
    const bool normal = bound.instruction.name == "random_normal";
    const auto kernel =
        normal ? typed<T>(binding.kernels).normal : typed<T>(binding.kernels).uniform;
    const auto stream = static_cast<std::uint32_t>(bound.whole("stream"));
    add_drawing<T>(binding, bound, normal ? 64 : 512,
                   [=](T* out, Index first, Index count, std::uint64_t key, std::uint64_t step) {
                       kernel(out, first, count, Stream{key, stream, step, 0});
                   });
}

void check_drawing(const Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    for (const Array& scalar : bound.operands) {
        if (scalar.count() != 1) {
            bound.refuse("seed and step must be one number each");
        }
    }
    if (bound.wholes("shape", binding.rows) != bound.result.shape) {
        bound.refuse("its result does not fit");
    }
    if (bound.result.type != Type::float32 && bound.result.type != Type::float64) {
        bound.refuse("its numbers are of another type");
    }
}

}  // namespace

void bind_mask(Binding& binding, const Bound& bound) {
    check_drawing(binding, bound);
    if (bound.result.type == Type::float32) {
        mask<float>(binding, bound);
    } else {
        mask<double>(binding, bound);
    }
}

void bind_random(Binding& binding, const Bound& bound) {
    check_drawing(binding, bound);
    if (bound.result.type == Type::float32) {
        numbers<float>(binding, bound);
    } else {
        numbers<double>(binding, bound);
    }
}

}  // namespace chainrule
