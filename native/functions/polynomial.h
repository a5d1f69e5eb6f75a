// What the elementary functions share: polynomials, and the layout of a number's bits.
#pragma once

#include "simd.h"

namespace chainrule::CHAINRULE_SET {

// first + x (second + x (third + ...)), each step a fused multiply-add.
template <typename T, typename... More>
CHAINRULE_INLINE Vec<T> polynomial(Vec<T> x, T first, More... more) {
    if constexpr (sizeof...(more) == 0) {
        return broadcast(first);
    } else {
        return fma(polynomial(x, more...), x, broadcast(first));
    }
}

// The same of vectors.
template <typename T, typename... More>
CHAINRULE_INLINE Vec<T> polynomial_of(Vec<T> x, Vec<T> first, More... more) {
    if constexpr (sizeof...(more) == 0) {
        return first;
    } else {
        return fma(polynomial_of(x, more...), x, first);
    }
}

// kRound + n is a number whose last bits are the whole number n, for |n| < 2^(kFraction - 1).
// kLn2High has so few bits that n kLn2High is exact.
template <typename T>
struct Layout;

template <>
struct Layout<float> {
    using Bits = std::int32_t;
    static constexpr int kFraction = 23;
    static constexpr int kBias = 127;
    static constexpr float kRound = 0x1.8p23F;
    static constexpr float kSmallestNormal = 0x1p-126F;
    static constexpr float kInfinity = __builtin_inff();
    static constexpr float kNan = __builtin_nanf("");
    static constexpr float kLog2OfE = 0x1.715476p0F;
    static constexpr float kLn2High = 0x1.62e4p-1F;
    static constexpr float kLn2Low = 0x1.7f7d1cp-20F;
    static constexpr Bits kOne = 0x3F800000;
    static constexpr Bits kRootOfHalf = 0x3F3504F3;
};

template <>
struct Layout<double> {
    using Bits = std::int64_t;
    static constexpr int kFraction = 52;
    static constexpr int kBias = 1023;
    static constexpr double kRound = 0x1.8p52;
    static constexpr double kSmallestNormal = 0x1p-1022;
    static constexpr double kInfinity = __builtin_inf();
    static constexpr double kNan = __builtin_nan("");
    static constexpr double kLog2OfE = 0x1.71547652b82fep0;
    static constexpr double kLn2High = 0x1.62e42fefap-1;
    static constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;
    static constexpr Bits kOne = 0x3FF0000000000000;
    static constexpr Bits kRootOfHalf = 0x3FE6A09E667F3BCD;
};

template <typename T>
CHAINRULE_INLINE Whole<T> whole_of(typename Layout<T>::Bits x) {
    return whole(x, Vec<T>{});
}

}  // namespace chainrule::CHAINRULE_SET
