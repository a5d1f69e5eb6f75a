// log and log1p: x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2).
#pragma once

#include "functions/polynomial.h"

namespace chainrule::CHAINRULE_SET {

template <typename T>
struct Scaled {
    Vec<T> k;
    Vec<T> f;
};

// The exponent k + bias of a normal x > 0.
template <typename T>
CHAINRULE_INLINE Whole<T> biased_exponent(Vec<T> x) {
    using L = Layout<T>;
    return shift_right<L::kFraction>(bits(x) + whole_of<T>(L::kOne - L::kRootOfHalf));
}

// The number exponent - offset: a small whole number in the last bits of 2^kFraction is itself.
template <typename T>
CHAINRULE_INLINE Vec<T> number_of(Whole<T> exponent, Vec<T> offset) {
    const Vec<T> large = broadcast(static_cast<T>(std::int64_t{1} << Layout<T>::kFraction));
    return from_bits(exponent | bits(large)) - (large + offset);
}

// x > 0; of 0, infinity and nan it makes something finite or nan.
template <typename T>
CHAINRULE_INLINE Scaled<T> split_by_two(Vec<T> x) {
    using L = Layout<T>;
    constexpr T scale = static_cast<T>(std::int64_t{1} << L::kFraction);
    const Mask<T> denormal = greater(broadcast(L::kSmallestNormal), x);
    const Vec<T> normal = select(denormal, x * broadcast(scale), x);
    const Vec<T> offset =
        select(denormal, broadcast(T{L::kBias + L::kFraction}), broadcast(T{L::kBias}));
    const Whole<T> exponent = biased_exponent(normal);
    const Whole<T> moved = shift_left<L::kFraction>(exponent) - whole_of<T>(L::kOne);
    const Vec<T> factor = from_bits(bits(normal) - moved);
    return {number_of(exponent, offset), factor - broadcast(T{1})};
}

// k ln(2) + log(1 + f) + lost, where lost is tiny: f - f^2/2 + f^3 p(f), relative error 2^-27.3.
CHAINRULE_INLINE F log_of(Scaled<float> x, F lost) {
    const F square = x.f * x.f;
    const F p = polynomial(x.f, 0x1.555554p-2F, -0x1.000226p-2F, 0x1.99a032p-3F, -0x1.5472b6p-3F,
                           0x1.22d756p-3F, -0x1.0d7e7ep-3F, 0x1.056894p-3F, -0x1.38f392p-4F);
    const F high = fma(x.k, broadcast(Layout<float>::kLn2Low), lost);
    const F tail = fma(square, broadcast(-0.5F), fma(square * x.f, p, high));
    return fma(x.k, broadcast(Layout<float>::kLn2High), x.f + tail);
}

// The same from s = f / (2 + f): log(1 + f) = 2s + s z p(z) with z = s^2, written as
// f - (f^2/2 - s (f^2/2 + z p(z))); relative error 2^-66.
CHAINRULE_INLINE D log_of(Scaled<double> x, D lost) {
    const D s = x.f / (x.f + broadcast(2.0));
    const D z = s * s;
    const D p = polynomial(z, 0x1.5555555555555p-1, 0x1.9999999999d13p-2, 0x1.2492492439401p-2,
                           0x1.c71c724bc3c06p-3, 0x1.745ce1a7b6990p-3, 0x1.3b202aabd22c1p-3,
                           0x1.0f66afdddf4c2p-3, 0x1.0f135c47113d8p-3);
    const D half_square = x.f * x.f * broadcast(0.5);
    const D low = fma(x.k, broadcast(Layout<double>::kLn2Low), lost);
    const D tail = half_square - fma(s, fma(z, p, half_square), low);
    return fma(x.k, broadcast(Layout<double>::kLn2High), x.f - tail);
}

// log(x); errors up to 0.86 and 0.85.
template <typename T>
CHAINRULE_INLINE Vec<T> log(Vec<T> x) {
    using L = Layout<T>;
    const Vec<T> value = log_of(split_by_two(x), zeros<T>());
    const Vec<T> finite = select(greater(broadcast(L::kInfinity), x), value, x);
    const Vec<T> positive = select(greater(zeros<T>(), x), broadcast(L::kNan), finite);
    return select(equal(x, zeros<T>()), broadcast(-L::kInfinity), positive);
}

// log(1 + x) with k of 1 + x rounded, and f = 2^-k (1 + x) - 1 = 2^-k x + (2^-k - 1) with what its
// rounding lost; errors up to 0.93 and 0.88.
template <typename T>
CHAINRULE_INLINE Vec<T> log1p(Vec<T> x) {
    using L = Layout<T>;
    const Vec<T> one = broadcast(T{1});
    const Whole<T> exponent = biased_exponent(x + one);
    const Whole<T> moved = shift_left<L::kFraction>(exponent) - whole_of<T>(L::kOne);
    const Vec<T> k = number_of(exponent, broadcast(T{L::kBias}));
    const Vec<T> scaled = select(equal(k, zeros<T>()), x, from_bits(bits(x) - moved));
    const Vec<T> power = from_bits(whole_of<T>(L::kOne) - moved);
    const Vec<T> shift = max_or_second(power, zeros<T>()) - one;
    const Vec<T> f = scaled + shift;
    const Vec<T> lost = scaled - (f - shift);
    const Vec<T> value = copy_sign(log_of(Scaled<T>{k, f}, lost), x);
    const Vec<T> finite = select(greater(broadcast(L::kInfinity), x), value, x);
    const Vec<T> defined = select(greater(negate(one), x), broadcast(L::kNan), finite);
    return select(equal(x, negate(one)), broadcast(-L::kInfinity), defined);
}

}  // namespace chainrule::CHAINRULE_SET
