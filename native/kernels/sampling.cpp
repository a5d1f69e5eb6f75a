// Pictures read between their pixels, and the way back. A picture is held with a border of zeros,
// so that no pixel needs to be asked whether it is there.
#include "kernels.h"
#include "simd.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// Adding it rounds a number of 0 or more to a whole one, which is then in the lowest bits.
template <typename T>
constexpr T kRounding = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);
template <typename T>
constexpr auto kWholeBits = (Index{1} << 52) - 1;
template <>
constexpr auto kWholeBits<float> = (std::int32_t{1} << 23) - 1;

template <typename T>
CHAINRULE_INLINE Vec<T> rounded_down(Vec<T> x) {
    const Vec<T> rounded = (x + broadcast(kRounding<T>)) - broadcast(kRounding<T>);
    return select(greater(rounded, x), rounded - broadcast(T{1}), rounded);
}

// The pixel before a coordinate, counted from the border on, and how far behind it the coordinate
// is.
template <typename T>
struct Near {
    Vec<T> pixel, part;
};

template <typename T>
CHAINRULE_INLINE Near<T> near(Vec<T> at, Index size) {
    const auto last = static_cast<T>(size);
    const Vec<T> inside = min_or_second(max_or_second(at, broadcast(T{-1})), broadcast(last));
    const Vec<T> pixel = min_or_second(rounded_down(inside + broadcast(T{1})), broadcast(last));
    return {pixel, inside - (pixel - broadcast(T{1}))};
}

// Where the four pixels around some points begin, and the parts down and across.
template <typename T>
struct Points {
    Whole<T> first;
    Vec<T> down, across;
};

template <typename T>
CHAINRULE_INLINE Points<T> points_of(Vec<T> down, Vec<T> across, const Picture& picture) {
    const Near<T> row = near(down, picture.height);
    const Near<T> column = near(across, picture.width);
    const auto line = static_cast<T>(picture.width + 2);
    const Vec<T> first = row.pixel * broadcast(line) + column.pixel;
    const Whole<T> number = bits(first + broadcast(kRounding<T>)) & whole(kWholeBits<T>, Vec<T>{});
    return {number, row.part, column.part};
}

// a + part * (b - a): a itself where part is 0.
template <typename N>
CHAINRULE_INLINE N between(N a, N b, N part) {
    return a + part * (b - a);
}

template <typename T>
CHAINRULE_INLINE void clear(T* numbers, Index count) {
    std::memset(numbers, 0, static_cast<std::size_t>(count) * sizeof(T));
}

template <typename T>
void enter(T* framed, const T* x, const Picture& picture) {
    const Index line = (picture.width + 2) * picture.channels;
    clear(framed, (picture.height + 2) * line);
    for (Index row = 0; row < picture.height; ++row) {
        std::memcpy(framed + (row + 1) * line + picture.channels,
                    x + row * picture.width * picture.channels,
                    static_cast<std::size_t>(picture.width * picture.channels) * sizeof(T));
    }
}

template <typename T>
void leave(T* x, const T* framed, const Picture& picture) {
    const Index line = (picture.width + 2) * picture.channels;
    for (Index row = 0; row < picture.height; ++row) {
        std::memcpy(x + row * picture.width * picture.channels,
                    framed + (row + 1) * line + picture.channels,
                    static_cast<std::size_t>(picture.width * picture.channels) * sizeof(T));
    }
}

// A place in a picture with its border.
template <typename T>
struct PlaceOf;
template <>
struct PlaceOf<float> {
    using Type = std::int32_t;
};
template <>
struct PlaceOf<double> {
    using Type = std::int64_t;
};
template <typename T>
using Places = typename PlaceOf<T>::Type[kLanes<T>];

// Calls take(point, count, places, down, across) for vectors of points, the last perhaps in part.
template <typename T, typename Take>
CHAINRULE_INLINE void each_vector(const T* coordinates, const Picture& picture, const Take& take) {
    constexpr Index lanes = kLanes<T>;
    const T* across = coordinates + picture.points;
    const auto found_at = [&](Index point, int count, Vec<T> down_at, Vec<T> across_at) {
        const Points<T> found = points_of(down_at, across_at, picture);
        Places<T> places;
        store(reinterpret_cast<T*>(places), from_bits(found.first));
        take(point, count, places, found.down, found.across);
    };
    Index point = 0;
    for (; point + lanes <= picture.points; point += lanes) {
        found_at(point, kLanes<T>, load(coordinates + point), load(across + point));
    }
    if (point < picture.points) {
        const auto count = static_cast<int>(picture.points - point);
        found_at(point, count, load_part(coordinates + point, count),
                 load_part(across + point, count));
    }
}

// Calls take(point, place, down, across) for each point.
template <typename T, typename Take>
CHAINRULE_INLINE void each_point(const T* coordinates, const Picture& picture, const Take& take) {
    each_vector(
        coordinates, picture,
        [&](Index point, int count, const Places<T>& places, Vec<T> downs, Vec<T> acrosses) {
            T down[kLanes<T>], across[kLanes<T>];
            store(down, downs);
            store(across, acrosses);
            for (int lane = 0; lane < count; ++lane) {
                take(point + lane, Index{places[lane]}, down[lane], across[lane]);
            }
        });
}

template <typename T>
void sample_gray(T* out, const T* framed, const T* coordinates, const Picture& picture) {
    const T* below = framed + picture.width + 2;
    each_vector(coordinates, picture,
                [&](Index point, int count, const Places<T>& places, Vec<T> down, Vec<T> across) {
                    Vec<T> left, right;
                    pairs(framed, places, left, right);
                    const Vec<T> upper = between(left, right, across);
                    pairs(below, places, left, right);
                    const Vec<T> lower = between(left, right, across);
                    store_part(out + point, between(upper, lower, down), count);
                });
}

template <typename T>
void sample(T* out, const T* x, const T* coordinates, const Picture& picture, T* framed) {
    enter(framed, x, picture);
    if (picture.channels == 1) {
        sample_gray(out, framed, coordinates, picture);
        return;
    }
    const Index wide = picture.channels;
    const Index line = (picture.width + 2) * wide;
    each_point(coordinates, picture, [&](Index point, Index first, T down, T across) {
        const T* top = framed + first * wide;
        for (Index channel = 0; channel < wide; ++channel, ++top) {
            out[point * wide + channel] =
                between(between(top[0], top[wide], across),
                        between(top[line], top[line + wide], across), down);
        }
    });
}

template <typename T>
void spread(T* out, const T* g, const T* coordinates, const Picture& picture, T* framed) {
    const Index wide = picture.channels;
    const Index line = (picture.width + 2) * wide;
    clear(framed, (picture.height + 2) * line);
    each_point(coordinates, picture, [&](Index point, Index first, T down, T across) {
        T* top = framed + first * wide;
        for (Index channel = 0; channel < wide; ++channel, ++top) {
            const T number = g[point * wide + channel];
            const T above = number * (T{1} - down);
            const T below = number * down;
            top[0] += above * (T{1} - across);
            top[wide] += above * across;
            top[line] += below * (T{1} - across);
            top[line + wide] += below * across;
        }
    });
    leave(out, framed, picture);
}

}  // namespace

void add_sampling(Kernels& kernels) {
    kernels.float32.sample = sample<float>;
    kernels.float32.spread = spread<float>;
    kernels.float64.sample = sample<double>;
    kernels.float64.spread = spread<double>;
}

}  // namespace chainrule::CHAINRULE_SET
