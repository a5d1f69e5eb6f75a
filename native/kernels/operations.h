// The element-wise operations on vectors of numbers: what a run of them is made of.
#pragma once

#include "functions.h"
#include "simd.h"

namespace chainrule::CHAINRULE_SET {

// clang-format off
// name, whether it is costly to compile in many variants, formula in x, y and the setting s
#define CHAINRULE_BINARY(each)                                                                    \
    each(add, false, x + y)                                                                       \
    each(subtract, false, x - y)                                                                  \
    each(multiply, false, x * y)                                                                  \
    each(divide, false, x / y)                                                                    \
    each(power, true, power(x, y))                                                                \
    each(maximum, false, maximum(x, y))                                                           \
    each(minimum, false, minimum(x, y))                                                           \
    each(greater, false, one_where<T>(greater(x, y)))                                             \
    each(equal, false, one_where<T>(equal(x, y)))                                                 \
    each(squared_error, false, (x - y) * (x - y))                                                 \
    each(absolute_error, false, absolute(x - y))                                                  \
    each(masked, false, select(equal(y, zeros<T>()), zeros<T>(), x))                              \
    each(sigmoid_cross_entropy, true,                                                             \
         (max_or_second(zeros<T>(), x) - x * y) + log1p(exp(negate(absolute(x)))))

#define CHAINRULE_UNARY(each)                                                                     \
    each(negative, false, negate(x))                                                              \
    each(exp, false, exp(x))                                                                      \
    each(expm1, false, expm1(x))                                                                  \
    each(log, false, log(x))                                                                      \
    each(log1p, false, log1p(x))                                                                  \
    each(sqrt, false, sqrt(x))                                                                    \
    each(abs, false, absolute(x))                                                                 \
    each(sign, false, sign_of(x))                                                                 \
    each(tanh, false, tanh(x))                                                                    \
    each(sigmoid, false, sigmoid(x))                                                              \
    each(relu, false, max_or_second(zeros<T>(), x))                                               \
    each(flush, false, select(greater(s, absolute(x)), copy_sign(zeros<T>(), x), x))               \
    each(erf, false, erf(x))                                                                      \
    each(sin, false, sin(x))                                                                      \
    each(cos, false, cos(x))                                                                      \
    each(leaky_relu, false, select(greater(x, zeros<T>()), x, x * s))                             \
    each(elu, false, select(greater(x, zeros<T>()), x, s * expm1(x)))                             \
    each(softplus, false, max_or_second(zeros<T>(), x) + log1p(exp(negate(absolute(x)))))         \
    each(stop_gradient, false, x)
// clang-format on

template <typename T>
CHAINRULE_INLINE Vec<T> one_where(Mask<T> where) {
    return select(where, broadcast(T{1}), zeros<T>());
}

template <typename T>
CHAINRULE_INLINE Vec<T> sign_of(Vec<T> x) {
    const Vec<T> one = copy_sign(broadcast(T{1}), x);
    const Vec<T> zero_or_nan = select(is_nan(x), x, zeros<T>());
    return select(greater(absolute(x), zeros<T>()), one, zero_or_nan);
}

// An operation is a type that is called with vectors.
#define CHAINRULE_OPERATION(name, costly, formula)                                               \
    struct name##_operation {                                                                    \
        static constexpr const char* kName = #name;                                              \
        static constexpr bool kCostly = costly;                                                  \
        template <typename T>                                                                    \
        CHAINRULE_INLINE Vec<T> operator()([[maybe_unused]] Vec<T> x, [[maybe_unused]] Vec<T> y, \
                                           [[maybe_unused]] Vec<T> s) const {                    \
            return formula;                                                                      \
        }                                                                                        \
    };
CHAINRULE_BINARY(CHAINRULE_OPERATION)
CHAINRULE_UNARY(CHAINRULE_OPERATION)
#undef CHAINRULE_OPERATION

}  // namespace chainrule::CHAINRULE_SET
