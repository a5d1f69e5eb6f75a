// exp, expm1, tanh and sigmoid: e^x = 2^n e^rest with |rest| <= ln(2) / 2.
#pragma once

#include "functions/polynomial.h"

namespace chainrule::CHAINRULE_SET {

// x = n ln(2) + rest; the last bits of `exponent` are n + bias.
template <typename T>
struct Halved {
    Vec<T> rest;
    Whole<T> exponent;
};

template <int bias, typename T>
CHAINRULE_INLINE Halved<T> split_by_ln2(Vec<T> x) {
    using L = Layout<T>;
    const Vec<T> round = broadcast(L::kRound + bias);
    const Vec<T> shifted = fma(x, broadcast(L::kLog2OfE), round);
    const Vec<T> n = shifted - round;
    const Vec<T> rest = fma(n, broadcast(-L::kLn2High), x);
    return {fma(n, broadcast(-L::kLn2Low), rest), bits(shifted)};
}

// 2^(exponent - the format's bias).
template <typename T>
CHAINRULE_INLINE Vec<T> power_of_two(Whole<T> exponent) {
    return from_bits(shift_left<Layout<T>::kFraction>(exponent));
}

// (1 + x) 2^(exponent - twice the format's bias) in two halves, rounded once more where the result
// is denormal.
template <typename T>
CHAINRULE_INLINE Vec<T> scale_one_and(Vec<T> x, Whole<T> exponent) {
    const Whole<T> half = shift_right<1>(exponent);
    const Vec<T> first = power_of_two<T>(half);
    return fma(x, first, first) * power_of_two<T>(exponent - half);
}

// e^x - 1 for |x| <= ln(2) / 2 as x + x^2 p(x), relative error 2^-31.1 and 2^-61.6.
CHAINRULE_INLINE F expm1_near_zero(F x) {
    const F square = x * x;
    const F low = polynomial(x, 0.5F, 0x1.555554p-3F);
    const F middle = polynomial(x, 0x1.5554f8p-5F, 0x1.1112dcp-7F);
    const F high = polynomial(x, 0x1.6d3a3ep-10F, 0x1.9e6948p-13F);
    return fma(square, polynomial_of(square, low, middle, high), x);
}
CHAINRULE_INLINE D expm1_near_zero(D x) {
    const D square = x * x;
    const D a = polynomial(x, 0.5, 0x1.5555555555559p-3);
    const D b = polynomial(x, 0x1.5555555555559p-5, 0x1.111111110f70ap-7);
    const D c = polynomial(x, 0x1.6c16c16c16854p-10, 0x1.a01a01af9c4fcp-13);
    const D d = polynomial(x, 0x1.a01a019e30ed1p-16, 0x1.71ddf93914788p-19);
    const D e = polynomial(x, 0x1.27e4f91a73f36p-22, 0x1.af5d05752019cp-26);
    const D f = broadcast(0x1.1f3830cbf4182p-29);
    return fma(square, polynomial_of(square, a, b, c, d, e, f), x);
}

// The same to be added to 1: error 2^-28.0 and 2^-57.4 of the sum.
CHAINRULE_INLINE F expm1_beside_one(F x) {
    const F square = x * x;
    const F low = polynomial(x, 0.5F, 0x1.5554a4p-3F);
    const F middle = polynomial(x, 0x1.55568ap-5F, 0x1.122f1ep-7F);
    const F high = broadcast(0x1.6b6bd6p-10F);
    return fma(square, polynomial_of(square, low, middle, high), x);
}
CHAINRULE_INLINE D expm1_beside_one(D x) {
    const D square = x * x;
    const D a = polynomial(x, 0.5, 0x1.5555555555501p-3);
    const D b = polynomial(x, 0x1.555555555320ap-5, 0x1.1111111128953p-7);
    const D c = polynomial(x, 0x1.6c16c17cc2496p-10, 0x1.a01a011be514ep-13);
    const D d = polynomial(x, 0x1.a019ab2fc4b91p-16, 0x1.71df55ba2b7a1p-19);
    const D e = polynomial(x, 0x1.289f888a67eccp-22, 0x1.ad1f6c558224cp-26);
    return fma(square, polynomial_of(square, a, b, c, d, e), x);
}

// Beyond these e^x is infinite or 0 after rounding.
template <typename T>
constexpr T kExpHighest = sizeof(T) == 4 ? T(89) : T(710);
template <typename T>
constexpr T kExpLowest = sizeof(T) == 4 ? T(-104) : T(-746);

// e^x for x in [kExpLowest, kExpHighest], or nan.
template <typename T>
CHAINRULE_INLINE Vec<T> exp_within(Vec<T> x) {
    const Halved<T> split = split_by_ln2<2 * Layout<T>::kBias>(x);
    return scale_one_and(expm1_beside_one(split.rest), split.exponent);
}

// e^x; errors up to 1.04 and 1.04.
template <typename T>
CHAINRULE_INLINE Vec<T> exp(Vec<T> x) {
    const Vec<T> below = min_or_second(broadcast(kExpHighest<T>), x);
    return exp_within(max_or_second(broadcast(kExpLowest<T>), below));
}

// e^x - 1 = 2^n (e^rest - 1) + (2^n - 1), all by half, so that 2^n is finite. Where 2^n - 1 is not
// exact, 2^n is added last. Errors up to 1.43 and 1.91.
template <typename T>
CHAINRULE_INLINE Vec<T> expm1(Vec<T> x) {
    constexpr int fraction = Layout<T>::kFraction;
    const Vec<T> below = min_or_second(broadcast(kExpHighest<T>), x);
    const Vec<T> within = max_or_second(broadcast(T{-1} * fraction), below);
    const Halved<T> split = split_by_ln2<Layout<T>::kBias - 1>(within);
    const Vec<T> half = broadcast(T{0.5});
    const Vec<T> size = power_of_two<T>(split.exponent);
    const Mask<T> large = greater(size, broadcast(static_cast<T>(std::int64_t{1} << fraction)));
    const Vec<T> first = select(large, negate(half), size - half);
    const Vec<T> last = select(large, size, zeros<T>());
    const Vec<T> halved = fma(size, expm1_near_zero(split.rest), first) + last;
    return copy_sign(halved + halved, x);
}

// -|x|.
template <typename T>
CHAINRULE_INLINE Vec<T> minus_size(Vec<T> x) {
    return from_bits(bits(x) | bits(broadcast(T{-0.0})));
}

// (1 - e^y) / (1 + e^y) with y = -2 |x| and e^y = 2^n + 2^n grown; errors up to 1.94 and 2.10.
template <typename T>
CHAINRULE_INLINE Vec<T> tanh(Vec<T> x) {
    const Vec<T> half = minus_size(x);
    const Vec<T> y = max_or_second(broadcast(sizeof(T) == 4 ? T{-20} : T{-40}), half + half);
    const Halved<T> split = split_by_ln2<Layout<T>::kBias>(y);
    const Vec<T> one = broadcast(T{1});
    const Vec<T> power = power_of_two<T>(split.exponent);
    const Vec<T> grown = expm1_near_zero(split.rest);
    const Vec<T> size = fma(negate(power), grown, one - power) / fma(power, grown, one + power);
    return from_bits(bits(size) | (bits(x) & bits(broadcast(T{-0.0}))));
}

// 1 / (1 + e^-x) = 1 - q for x >= 0 and e^x / (1 + e^x) = e^x - e^x q for x < 0, where
// q = e^-|x| / (1 + e^-|x|) is at most a half, and its rounding errors with it. Errors up to 1.70
// and 1.70.
template <typename T>
CHAINRULE_INLINE Vec<T> sigmoid(Vec<T> x) {
    const Vec<T> one = broadcast(T{1});
    const Vec<T> small = exp_within(max_or_second(broadcast(kExpLowest<T>), minus_size(x)));
    const Vec<T> minus_q = small / (negate(one) - small);
    const Vec<T> first = select(greater_equal(x, zeros<T>()), one, small);
    return fma(first, minus_q, first);
}

}  // namespace chainrule::CHAINRULE_SET
