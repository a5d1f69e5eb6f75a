// power: |x|^y = e^(y log|x|) in more precision than the result has.
#pragma once

#include "functions/exponential.h"
#include "functions/logarithm.h"

namespace chainrule::CHAINRULE_SET {

// The sum of a number and what its rounding left.
struct Pair {
    D high;
    D low;
};

// a * b; what is lost of low is below 2^-104 of the product.
CHAINRULE_INLINE Pair times(Pair a, Pair b) {
    const D high = a.high * b.high;
    const D rounded = fma(a.high, b.high, negate(high));
    return {high, rounded + fma(a.high, b.low, a.low * b.high)};
}

// a + b where |a| >= |b| or a is 0.
CHAINRULE_INLINE Pair plus(D a, Pair b) {
    const D high = a + b.high;
    return {high, ((a - high) + b.high) + b.low};
}

// log(1 + f) / 2 = s + s z c with s = f / (2 + f), z = s^2, c = 1/3 + z p(z); error 2^-64.
CHAINRULE_INLINE Pair half_log(D f) {
    const D two = broadcast(2.0);
    const D sum = two + f;
    const D inverse = broadcast(1.0) / sum;
    const D high = f * inverse;
    const D left = fma(negate(high), sum, f);
    const Pair s = {high, fma(negate(high), f - (sum - two), left) * inverse};
    const D z_high = s.high * s.high;
    const Pair z = {z_high, fma(s.high, s.high, negate(z_high)) + two * s.high * s.low};
    const D p = polynomial(z.high, 0x1.9999999999b33p-3, 0x1.2492492457781p-3, 0x1.c71c722def201p-4,
                           0x1.745ce9b2a9069p-4, 0x1.3b1ef52300287p-4, 0x1.0f7f0e99ddb03p-4,
                           0x1.0e4adc42d5909p-4);
    const Pair c = plus(broadcast(0x1.5555555555555p-2),
                        {z.high * p, fma(z.low, p, broadcast(0x1.5555555555555p-56))});
    const Pair rest = times(s, times(z, c));
    return plus(s.high, {rest.high, rest.low + s.low});
}

// x^y for x > 0; the largest and smallest results are infinite and 0.
CHAINRULE_INLINE D power_of_positive(D x, D y) {
    const Scaled<double> split = split_by_two(x);
    const Pair half = half_log(split.f);
    const D low = fma(split.k, broadcast(0x1.ef35793c7673p-45), half.low + half.low);
    const Pair log = plus(split.k * broadcast(0x1.62e42fefa38p-1), {half.high + half.high, low});
    const Mask<double> finite = greater(broadcast(Layout<double>::kInfinity), x);
    const D log_high = select(equal(x, zeros<double>()), broadcast(-Layout<double>::kInfinity),
                              select(finite, log.high, x));
    const D high = y * log_high;
    const D bounded = min_or_second(broadcast(kExpHighest<double>), high);
    const D within = max_or_second(broadcast(kExpLowest<double>), bounded);
    const D left = fma(y, log.high, negate(high)) + y * log.low;
    const D rest_low = select(equal(within, high), left, zeros<double>());
    const Halved<double> e = split_by_ln2<2 * Layout<double>::kBias>(within);
    return scale_one_and(expm1_beside_one(e.rest + rest_low), e.exponent);
}

// The same to 2^-33, for floats: log(1 + f) = 2s + s z p(z), relative error 2^-37.6.
CHAINRULE_INLINE D rough_power_of_positive(D x, D y) {
    using L = Layout<double>;
    const Whole<double> exponent = biased_exponent(x);
    const Whole<double> moved = shift_left<L::kFraction>(exponent) - whole_of<double>(L::kOne);
    const D f = from_bits(bits(x) - moved) - broadcast(1.0);
    const D s = f / (f + broadcast(2.0));
    const D z = s * s;
    const D p = polynomial(z, 2.0, 0x1.555554fd4184ep-1, 0x1.999a7b3b238ccp-2, 0x1.2438a88a2e638p-2,
                           0x1.e2fdd0309f036p-3);
    const D k = number_of(exponent, broadcast(double{L::kBias}));
    const D finite = fma(k, broadcast(0x1.62e42fefa39efp-1), s * p);
    const D log = select(equal(x, zeros<double>()), broadcast(-L::kInfinity),
                         select(greater(broadcast(L::kInfinity), x), finite, x));
    const D bounded = min_or_second(broadcast(200.0), y * log);
    const Halved<double> e = split_by_ln2<L::kBias>(max_or_second(broadcast(-200.0), bounded));
    const D near_one =
        polynomial(e.rest, 1.0, 1.0, 0.5, 0x1.555553e0421d1p-3, 0x1.5554e7146b329p-5,
                   0x1.1113304c61e91p-7, 0x1.6d4dc64981e46p-10, 0x1.9dd736dcb2eadp-13);
    return near_one * power_of_two<double>(e.exponent);
}
CHAINRULE_INLINE F power_of_positive(F x, F y) {
    return to_float(rough_power_of_positive(low_as_double(x), low_as_double(y)),
                    rough_power_of_positive(high_as_double(x), high_as_double(y)));
}

// Whether x >= 0 has no fraction: so from 2^kFraction on; false for nan.
template <typename T>
CHAINRULE_INLINE Mask<T> is_whole(Vec<T> x) {
    const Vec<T> large = broadcast(static_cast<T>(std::int64_t{1} << Layout<T>::kFraction));
    const Vec<T> small = min_or_second(large, x);
    return equal((small + large) - large, small);
}

// x^y as C's pow: 1 where x = 1 or y = 0, even with nan; a negative x has real powers only where y
// is whole, and they are negative where y is odd. Errors up to 0.51 (over 10^8 pairs) and 1.24.
template <typename T>
CHAINRULE_INLINE Vec<T> power(Vec<T> x, Vec<T> y) {
    const Vec<T> one = broadcast(T{1});
    const Vec<T> nan = broadcast(Layout<T>::kNan);
    const Vec<T> size = absolute(x);
    const Vec<T> y_size = absolute(y);
    const Mask<T> whole_y = is_whole(y_size);
    Vec<T> value = power_of_positive(size, y);
    value = select(equal(size, one), select(is_nan(y), nan, one), value);
    value = select(is_nan(value), nan, value);
    // odd: y is whole and y / 2 is not
    const Vec<T> even = select(is_whole(y_size * broadcast(T{0.5})), value, copy_sign(value, x));
    const Vec<T> defined =
        select(greater(size, zeros<T>()),
               select(greater(broadcast(Layout<T>::kInfinity), size), nan, value), value);
    value = select(whole_y, even, select(greater(zeros<T>(), x), defined, value));
    return select(equal(x, one), one, select(equal(y, zeros<T>()), one, value));
}

}  // namespace chainrule::CHAINRULE_SET
