// erf.
#pragma once

#include "functions/exponential.h"

namespace chainrule::CHAINRULE_SET {

// erf(x) for |x| <= 1 as x + x p(x^2), relative error 2^-29.2 and 2^-56.
CHAINRULE_INLINE F erf_near_zero(F x) {
    const F p = polynomial(x * x, 0x1.06eba8p-3F, -0x1.81273ep-2F, 0x1.ce2ce6p-4F, -0x1.b7f71ap-6F,
                           0x1.53f224p-8F, -0x1.a3516ap-11F, 0x1.47723p-14F);
    return fma(x, p, x);
}
CHAINRULE_INLINE D erf_near_zero(D x) {
    const D p = polynomial(x * x, 0x1.06eba8214db68p-3, -0x1.812746b03799dp-2, 0x1.ce2f21a03f8bbp-4,
                           -0x1.b82ce311a98c1p-6, 0x1.565bcceedc541p-8, -0x1.c02daeb735479p-11,
                           0x1.f9a296b13bc5bp-14, -0x1.f4c82e013dc28p-17, 0x1.b96b420e9987fp-20,
                           -0x1.5b8b8f5ab9b2bp-23, 0x1.d3d4c2f80e35ap-27, -0x1.a2198fec417adp-31);
    return fma(x, p, x);
}

// log(1 - erf(x)) for 1 <= x <= kErfHighest: the error of 1 - erf(x) is 2^-29.8 and 2^-59.5.
CHAINRULE_INLINE F log_of_rest(F x) {
    return polynomial(x, -0x1.72eb62p-12F, -0x1.2085bp+0F, -0x1.46c588p-1F, -0x1.a60a6p-4F,
                      0x1.6541dcp-6F, -0x1.814c46p-9F, 0x1.852c48p-13F);
}
CHAINRULE_INLINE D log_of_rest(D x) {
    return polynomial(x, -0x1.8c06ee7cd854bp-23, -0x1.20dd55641c393p+0, -0x1.45f43299a8148p-1,
                      -0x1.a4d9a897dbfacp-4, 0x1.388e821d3d6dap-6, 0x1.27f44f3d5bf98p-12,
                      -0x1.d03dffc0d1e6fp-10, 0x1.5109dbd5f255cp-11, -0x1.819a788d8c6c7p-15,
                      -0x1.2486f1fc6b992p-14, 0x1.778850b7bfa72p-15, -0x1.137d2242d3626p-16,
                      0x1.20aabab039a82p-18, -0x1.c5b8e143b8bc1p-21, 0x1.0c0be32e4e787p-23,
                      -0x1.d091530f53e61p-27, 0x1.1786d23847feep-30, -0x1.a1e645ff2408ap-35,
                      0x1.2469da14c18f4p-40);
}

// From here on erf(x) is 1 after rounding.
template <typename T>
constexpr T kErfHighest = sizeof(T) == 4 ? T(3.95) : T(5.95);

// erf(x): 1 - e^log(1 - erf(|x|)) from |x| = 1 on; errors up to 1.26 and 1.16.
template <typename T>
CHAINRULE_INLINE Vec<T> erf(Vec<T> x) {
    const Vec<T> one = broadcast(T{1});
    const Vec<T> size = absolute(x);
    const Vec<T> within = min_or_second(broadcast(kErfHighest<T>), size);
    const Halved<T> split = split_by_ln2<Layout<T>::kBias>(log_of_rest(within));
    const Vec<T> power = power_of_two<T>(split.exponent);
    const Vec<T> rest = fma(expm1_beside_one(split.rest), power, power);
    const Vec<T> large = copy_sign(one - rest, x);
    return select(greater(size, one), large, erf_near_zero(x));
}

}  // namespace chainrule::CHAINRULE_SET
