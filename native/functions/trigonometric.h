// sin and cos: x = n pi/2 + rest with |rest| <= pi/4, right for the largest numbers too.
#pragma once

#include "functions/polynomial.h"

namespace chainrule::CHAINRULE_SET {

// The quadrant is n modulo 4, in the last two bits; the angle left is rest + lost.
struct Angle {
    Whole<double> quadrant;
    D rest;
    D lost;
};

// The same of one number: 0 <= n < 4.
struct OneAngle {
    double n;
    double rest;
    double lost;
};

// From here on n pi/2 is no longer exact enough in three parts.
constexpr double kLargeAngle = 0x1p30;
constexpr double kHalfPi[3] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                               -0x1.f1976b7ed8fbcp-110};

// The bits of 2/pi after 64 zeros.
inline constexpr std::uint64_t kTwoOverPi[21] = {0,
                                                 0xA2F9836E4E441529,
                                                 0xFC2757D1F534DDC0,
                                                 0xDB6295993C439041,
                                                 0xFE5163ABDEBBC561,
                                                 0xB7246E3A424DD2E0,
                                                 0x06492EEA09D1921C,
                                                 0xFE1DEB1CB129A73E,
                                                 0xE88235F52EBB4484,
                                                 0xE99C7026B45F7E41,
                                                 0x3991D639835339F4,
                                                 0x9C845F8BBDF9283B,
                                                 0x1FF897FFDE05980F,
                                                 0xEF2F118B5A0A6D1F,
                                                 0x6D367ECF27CB09B7,
                                                 0x4F463F669E5FEA2D,
                                                 0x7527BAC7EBE5F17B,
                                                 0x3D0739F78A5292EA,
                                                 0x6BFB5FB11F8D5D08,
                                                 0x56033046FC7B6BAB,
                                                 0xF0CFBC209AF4361D};

// 32 bits of them.
inline std::uint64_t two_over_pi(int position) {
    const int shift = position % 64;
    const std::uint64_t* from = kTwoOverPi + position / 64;
    return (from[0] << shift | (shift > 32 ? from[1] >> (64 - shift) : 0)) >> 32;
}

// The product of a whole number of 53 bits and the 192 bits of 2/pi from a position on, modulo
// 2^192; its last 32 bits come first.
inline void multiply_two_over_pi(std::uint64_t number, int position, std::uint32_t product[6]) {
    for (int part = 0; part < 6; ++part) {
        product[part] = 0;
    }
    for (int half = 0; half < 2; ++half) {
        const std::uint64_t factor = half == 0 ? number & 0xFFFFFFFF : number >> 32;
        std::uint64_t carry = 0;
        for (int part = 0; part + half < 6; ++part) {
            const std::uint64_t bits = two_over_pi(position + 32 * (5 - part));
            const std::uint64_t sum = factor * bits + product[part + half] + carry;
            product[part + half] = static_cast<std::uint32_t>(sum);
            carry = sum >> 32;
        }
    }
}

// x >= 2^30 (Payne and Hanek, 1983): of 2/pi only those bits are multiplied whose products with x
// are below 4, as far as 137 bits after the point.
inline OneAngle reduce_large(double x) {
    std::uint64_t layout;
    std::memcpy(&layout, &x, sizeof layout);
    const int exponent = static_cast<int>(layout >> 52);
    if (exponent == 0x7FF) {
        return {0.0, Layout<double>::kNan, 0.0};
    }
    std::uint32_t product[6];
    multiply_two_over_pi((layout & 0xFFFFFFFFFFFFF) | 0x10000000000000, exponent - 1075 + 62,
                         product);
    // Two bits stand before the point; a fraction of a half or more belongs to the next n.
    const std::uint32_t n = (product[5] + 0x20000000U) >> 30;
    const bool negative = (product[5] & 0x20000000U) != 0;
    const std::uint32_t flip = negative ? 0xFFFFFFFFU : 0;
    double high = 0.0;
    double low = 0.0;
    double weight = 0x1p-190;
    for (int part = 0; part < 6; ++part, weight *= 0x1p32) {
        const std::uint32_t fraction = part < 5 ? 0xFFFFFFFFU : 0x1FFFFFFFU;
        const double term = static_cast<double>((product[part] ^ flip) & fraction) * weight;
        const double sum = term + high;
        low += high - (sum - term);
        high = sum;
    }
    const double rest = high * kHalfPi[0];
    const double left = __builtin_fma(high, kHalfPi[0], -rest);
    const double lost = __builtin_fma(low, kHalfPi[0], __builtin_fma(high, kHalfPi[1], left));
    return {static_cast<double>(n), negative ? -rest : rest, negative ? -lost : lost};
}

// Lanes of large angles get what reduce_large makes of them, the others stay.
inline void replace_large(const double* x, double* n, double* rest, double* lost) {
    for (int lane = 0; lane < kLanes<double>; ++lane) {
        const double size = __builtin_fabs(x[lane]);
        if (size >= kLargeAngle) {
            const OneAngle angle = reduce_large(size);
            const double sign = x[lane] < 0 ? -1.0 : 1.0;
            n[lane] = sign * angle.n;
            rest[lane] = sign * angle.rest;
            lost[lane] = sign * angle.lost;
        }
    }
}
CHAINRULE_INLINE Angle with_large(D x, D n, D rest, D lost) {
    if (any(greater_equal(absolute(x), broadcast(kLargeAngle)))) {
        double lanes[4][kLanes<double>];
        store(lanes[0], x);
        store(lanes[1], n);
        store(lanes[2], rest);
        store(lanes[3], lost);
        replace_large(lanes[0], lanes[1], lanes[2], lanes[3]);
        n = load(lanes[1]);
        rest = load(lanes[2]);
        lost = load(lanes[3]);
    }
    return {bits(n + broadcast(Layout<double>::kRound)), rest, lost};
}

CHAINRULE_INLINE D nearest_multiple(D x) {
    const D round = broadcast(Layout<double>::kRound);
    return fma(x, broadcast(0x1.45f306dc9c883p-1), round) - round;
}

// For doubles: rest + lost to 100 bits after the point, so that a rest near 0 is right too.
CHAINRULE_INLINE Angle reduce_angle(D x) {
    const D n = nearest_multiple(x);
    const D first = fma(n, broadcast(-kHalfPi[0]), x);
    const D second = n * broadcast(kHalfPi[1]);
    const D second_lost = fma(n, broadcast(kHalfPi[1]), negate(second));
    const D sum = first - second;
    const D taken = first - sum;
    const D sum_lost = (first - (sum + taken)) + (taken - second);
    const D third = fma(n, broadcast(-kHalfPi[2]), sum_lost - second_lost);
    const D rest = copy_sign(sum + third, sum);  // -0 stays
    return with_large(x, n, rest, (sum - rest) + third);
}

// For x that was a float.
CHAINRULE_INLINE Angle reduce_float_angle(D x) {
    const D n = nearest_multiple(x);
    const D first = fma(n, broadcast(-kHalfPi[0]), x);
    return with_large(x, n, fma(n, broadcast(-kHalfPi[1]), first), zeros<double>());
}

// The value for even or for odd quadrants, negated in the quadrants 2 and 3.
CHAINRULE_INLINE D choose(Whole<double> quadrant, D even, D odd) {
    const Whole<double> odd_bit = shift_left<62>(quadrant) & bits(broadcast(2.0));
    const Whole<double> sign = shift_left<62>(quadrant) & bits(broadcast(-0.0));
    const D value = select(greater(from_bits(odd_bit), zeros<double>()), odd, even);
    return from_bits(bits(value) ^ sign);
}

// sin and cos of the angle left: relative error of the polynomials 2^-57.9 and 2^-64.2.
CHAINRULE_INLINE D sin_near_zero(Angle angle) {
    const D x = angle.rest;
    const D z = x * x;
    const D p = polynomial(z, -0x1.5555555555549p-3, 0x1.111111110f8a4p-7, -0x1.a01a019c1430bp-13,
                           0x1.71de3577f1cf2p-19, -0x1.ae5e65118cb75p-26, 0x1.5d9255e819338p-33);
    const D cos_of_x = fma(z, broadcast(-0.5), broadcast(1.0));
    return copy_sign(x + fma(x * z, p, angle.lost * cos_of_x), x);
}
CHAINRULE_INLINE D cos_near_zero(Angle angle) {
    const D x = angle.rest;
    const D z = x * x;
    const D p = polynomial(z, 0x1.555555555554cp-5, -0x1.6c16c16c1521dp-10, 0x1.a01a019cbf031p-16,
                           -0x1.27e4f8125456ap-22, 0x1.1ee9f0fe649eap-29, -0x1.8fb0fd50c2e76p-37);
    const D half = z * broadcast(0.5);
    const D high = broadcast(1.0) - half;
    const D low = (broadcast(1.0) - high) - half;
    return high + (low + fma(z * z, p, negate(x * angle.lost)));
}

// For floats: 2^-37.6 and 2^-34.1.
CHAINRULE_INLINE D rough_sin_near_zero(D x) {
    return x * polynomial(x * x, 1.0, -0x1.5555554cb90e9p-3, 0x1.11110895aa173p-7,
                          -0x1.a00f9d23047f7p-13, 0x1.6cd838b55654ep-19);
}
CHAINRULE_INLINE D rough_cos_near_zero(D x) {
    return polynomial(x * x, 1.0, -0x1.ffffffd0bc757p-2, 0x1.55553e0cd63e7p-5,
                      -0x1.6c087d147e287p-10, 0x1.9933d62de9e4cp-16);
}
CHAINRULE_INLINE D rough_sin(D x) {
    const Angle angle = reduce_float_angle(x);
    return choose(angle.quadrant, rough_sin_near_zero(angle.rest), rough_cos_near_zero(angle.rest));
}
CHAINRULE_INLINE D rough_cos(D x) {
    const Angle angle = reduce_float_angle(x);
    return choose(angle.quadrant + whole_of<double>(1), rough_sin_near_zero(angle.rest),
                  rough_cos_near_zero(angle.rest));
}

// sin(x); errors up to 0.81 for doubles, 0.51 for floats.
CHAINRULE_INLINE D sin(D x) {
    const Angle angle = reduce_angle(x);
    const D value = choose(angle.quadrant, sin_near_zero(angle), cos_near_zero(angle));
    return select(is_nan(x), x, value);
}
CHAINRULE_INLINE F sin(F x) {
    return to_float(rough_sin(low_as_double(x)), rough_sin(high_as_double(x)));
}

// cos(x) = sin(x + pi/2); errors up to 0.82 for doubles, 0.51 for floats.
CHAINRULE_INLINE D cos(D x) {
    const Angle angle = reduce_angle(x);
    const Whole<double> quadrant = angle.quadrant + whole_of<double>(1);
    const D value = choose(quadrant, sin_near_zero(angle), cos_near_zero(angle));
    return select(is_nan(x), x, value);
}
CHAINRULE_INLINE F cos(F x) {
    return to_float(rough_cos(low_as_double(x)), rough_cos(high_as_double(x)));
}

}  // namespace chainrule::CHAINRULE_SET
