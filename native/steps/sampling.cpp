// Steps that read pictures between their pixels, spread numbers over them, and turn axes around.
#include <algorithm>

#include "../steps.h"

namespace chainrule {
namespace {

// Of a picture with its border, so that a float counts them exactly.
constexpr Index kMostPixels = Index{1} << 22;
// Points of a chunk; below, a second thread costs more than it does.
constexpr Index kLeastPoints = 2000;

// (rows, height, width) or (rows, height, width, channels), whose rows are those of the
// coordinates.
bool is_pictures(const Array& x, const Array& coordinates, std::size_t axes) {
    return x.shape.size() == axes && (axes == 3 || axes == 4) && x.shape[0] == coordinates.shape[0];
}

template <typename T>
void sampling(Binding& binding, const Bound& bound, const Array& pictures, const Array& points) {
    const bool is_spread = bound.instruction.name == "spread_bilinear";
    const Type type = bound.result.type;
    const Array x = bind_contiguous(binding, bound.operands[0], type);
    const Array coordinates = bind_contiguous(binding, bound.operands[1], type);
    const Index rows = pictures.shape[0];
    const Index channels = pictures.shape.size() == 4 ? pictures.shape[3] : 1;
    const Picture picture{pictures.shape[1], pictures.shape[2], channels,
                          points.shape[1] * points.shape[2]};
    if (picture.height >= kMostPixels || picture.width >= kMostPixels ||
        (picture.height + 2) * (picture.width + 2) >= kMostPixels) {
        bound.refuse("its pictures have more than four million pixels");
    }
    const Index framed = (picture.height + 2) * (picture.width + 2);
    binding.need_scratch(framed * channels * static_cast<Index>(sizeof(T)));
    const auto kernel =
        is_spread ? typed<T>(binding.kernels).spread : typed<T>(binding.kernels).sample;
    const Place from = x.place;
    const Place where = coordinates.place;
    const Place out = bound.result.place;
    const Index all_pixels = picture.height * picture.width * channels;
    const Index all_points = picture.points * channels;
    const Index taken = is_spread ? all_points : all_pixels;
    const Index made = is_spread ? all_pixels : all_points;
    const Index least = std::max<Index>(1, kLeastPoints / std::max<Index>(1, all_points));
    add_step(binding, [=](const Frame& frame) {
        split(frame, rows, least, [&](Index begin, Index end, int worker) {
            for (Index row = begin; row < end; ++row) {
                kernel(frame.at<T>(out) + row * made, frame.at<T>(from) + row * taken,
                       frame.at<T>(where) + row * 2 * picture.points, picture,
                       frame.scratch_of<T>(worker));
            }
        });
    });
}

}  // namespace

void bind_sampling(Binding& binding, const Bound& bound) {
    bound.need_operands(2);
    const bool is_spread = bound.instruction.name == "spread_bilinear";
    const Array& pictures = is_spread ? bound.result : bound.operands[0];
    const Array& points = is_spread ? bound.operands[0] : bound.result;
    const Array& coordinates = bound.operands[1];
    const std::size_t axes = bound.result.shape.size();
    if (coordinates.shape.size() != 4 || coordinates.shape[1] != 2 ||
        !is_pictures(pictures, coordinates, axes) || !is_pictures(points, coordinates, axes) ||
        points.shape[1] != coordinates.shape[2] || points.shape[2] != coordinates.shape[3] ||
        (axes == 4 && pictures.shape[3] != points.shape[3])) {
        bound.refuse("its pictures do not fit their coordinates");
    }
    if (bound.result.type == Type::float32) {
        sampling<float>(binding, bound, pictures, points);
    } else if (bound.result.type == Type::float64) {
        sampling<double>(binding, bound, pictures, points);
    } else {
        bound.refuse("its numbers have no fractions");
    }
}

void bind_flip(Binding& binding, const Bound& bound) {
    bound.need_operands(1);
    const Index axis = bound.whole("axis");
    Array turned = bound.operands[0];
    if (axis < 0 || axis >= static_cast<Index>(turned.shape.size()) ||
        turned.shape != bound.result.shape || turned.type != bound.result.type) {
        bound.refuse("it has no such axis");
    }
    Index& stride = turned.strides[static_cast<std::size_t>(axis)];
    const Index last = turned.shape[static_cast<std::size_t>(axis)] - 1;
    turned.place.offset += std::max<Index>(last, 0) * stride * item_size(turned.type);
    stride = -stride;
    bind_copy(binding, bound.result, turned);
}

}  // namespace chainrule
