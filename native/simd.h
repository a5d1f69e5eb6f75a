// Vectors of numbers, the same lanes on every machine: 8 floats or 4 doubles. Kernel files include
// this once per instruction set, with CHAINRULE_SET naming the set and that set's compiler flags;
// everything lives in a namespace of that name, so that nothing is shared between sets.
//
// Each function is exactly rounded or moves bits, so sets agree to the bit.
#pragma once

#include <cstdint>
#include <cstring>

#ifndef CHAINRULE_SET
#error "define CHAINRULE_SET as avx2 or plain"
#endif
#ifdef CHAINRULE_AVX2
#include <immintrin.h>
#endif

#ifdef CHAINRULE_INLINE  // sanitized builds say it: inlined code would take minutes to compile
#elif defined(__GNUC__) || defined(__clang__)
#define CHAINRULE_INLINE inline __attribute__((always_inline))
#else
#define CHAINRULE_INLINE __forceinline
#endif

namespace chainrule::CHAINRULE_SET {

using Index = std::int64_t;

template <typename T>
struct Vec;
template <typename T>
struct Mask;  // one truth a lane
template <typename T>
struct Whole;  // whole numbers as wide as T: int32 for float, int64 for double

template <typename T>
constexpr int kLanes = 32 / static_cast<int>(sizeof(T));

#ifdef CHAINRULE_AVX2

template <>
struct Vec<float> {
    __m256 value;
};
template <>
struct Vec<double> {
    __m256d value;
};
template <>
struct Mask<float> {
    __m256 value;
};
template <>
struct Mask<double> {
    __m256d value;
};
template <>
struct Whole<float> {
    __m256i value;
};
template <>
struct Whole<double> {
    __m256i value;
};

using F = Vec<float>;
using D = Vec<double>;

CHAINRULE_INLINE F load(const float* from) {
    return {_mm256_loadu_ps(from)};
}
CHAINRULE_INLINE D load(const double* from) {
    return {_mm256_loadu_pd(from)};
}
CHAINRULE_INLINE void store(float* to, F x) {
    _mm256_storeu_ps(to, x.value);
}
CHAINRULE_INLINE void store(double* to, D x) {
    _mm256_storeu_pd(to, x.value);
}
CHAINRULE_INLINE F broadcast(float x) {
    return {_mm256_set1_ps(x)};
}
CHAINRULE_INLINE D broadcast(double x) {
    return {_mm256_set1_pd(x)};
}

// The first count lanes (0 to all), zero in the others; nothing beyond is read or written.
alignas(32) inline constexpr std::int32_t kFirst[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
CHAINRULE_INLINE __m256i first_lanes(int halves) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 8 - halves));
}
CHAINRULE_INLINE F load_part(const float* from, int count) {
    return {_mm256_maskload_ps(from, first_lanes(count))};
}
CHAINRULE_INLINE D load_part(const double* from, int count) {
    return {_mm256_maskload_pd(from, first_lanes(2 * count))};
}

// The first count lanes (0 to all); nothing beyond is written. (A masked store is slow on AMD.)
CHAINRULE_INLINE void store_part(float* to, F x, int count) {
    if (count >= 8) {
        store(to, x);
        return;
    }
    __m128 rest = _mm256_castps256_ps128(x.value);
    if (count & 4) {
        _mm_storeu_ps(to, rest);
        rest = _mm256_extractf128_ps(x.value, 1);
        to += 4;
    }
    if (count & 2) {
        _mm_storel_pi(reinterpret_cast<__m64*>(to), rest);
        rest = _mm_movehl_ps(rest, rest);
        to += 2;
    }
    if (count & 1) {
        _mm_store_ss(to, rest);
    }
}
CHAINRULE_INLINE void store_part(double* to, D x, int count) {
    if (count >= 4) {
        store(to, x);
        return;
    }
    __m128d rest = _mm256_castpd256_pd128(x.value);
    if (count & 2) {
        _mm_storeu_pd(to, rest);
        rest = _mm256_extractf128_pd(x.value, 1);
        to += 2;
    }
    if (count & 1) {
        _mm_store_sd(to, rest);
    }
}

CHAINRULE_INLINE F operator+(F a, F b) {
    return {_mm256_add_ps(a.value, b.value)};
}
CHAINRULE_INLINE D operator+(D a, D b) {
    return {_mm256_add_pd(a.value, b.value)};
}
CHAINRULE_INLINE F operator-(F a, F b) {
    return {_mm256_sub_ps(a.value, b.value)};
}
CHAINRULE_INLINE D operator-(D a, D b) {
    return {_mm256_sub_pd(a.value, b.value)};
}
CHAINRULE_INLINE F operator*(F a, F b) {
    return {_mm256_mul_ps(a.value, b.value)};
}
CHAINRULE_INLINE D operator*(D a, D b) {
    return {_mm256_mul_pd(a.value, b.value)};
}
CHAINRULE_INLINE F operator/(F a, F b) {
    return {_mm256_div_ps(a.value, b.value)};
}
CHAINRULE_INLINE D operator/(D a, D b) {
    return {_mm256_div_pd(a.value, b.value)};
}
// a * b + c, rounded once.
CHAINRULE_INLINE F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.value, b.value, c.value)};
}
CHAINRULE_INLINE D fma(D a, D b, D c) {
    return {_mm256_fmadd_pd(a.value, b.value, c.value)};
}
CHAINRULE_INLINE F sqrt(F x) {
    return {_mm256_sqrt_ps(x.value)};
}
CHAINRULE_INLINE D sqrt(D x) {
    return {_mm256_sqrt_pd(x.value)};
}
// a > b ? a : b, so b where either is nan or both are 0.
CHAINRULE_INLINE F max_or_second(F a, F b) {
    return {_mm256_max_ps(a.value, b.value)};
}
CHAINRULE_INLINE D max_or_second(D a, D b) {
    return {_mm256_max_pd(a.value, b.value)};
}
// a < b ? a : b, so b where either is nan or both are 0.
CHAINRULE_INLINE F min_or_second(F a, F b) {
    return {_mm256_min_ps(a.value, b.value)};
}
CHAINRULE_INLINE D min_or_second(D a, D b) {
    return {_mm256_min_pd(a.value, b.value)};
}
CHAINRULE_INLINE F negate(F x) {
    return {_mm256_xor_ps(x.value, _mm256_set1_ps(-0.0F))};
}
CHAINRULE_INLINE D negate(D x) {
    return {_mm256_xor_pd(x.value, _mm256_set1_pd(-0.0))};
}
CHAINRULE_INLINE F absolute(F x) {
    return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), x.value)};
}
CHAINRULE_INLINE D absolute(D x) {
    return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), x.value)};
}
// The size of the first with the sign bit of the second.
CHAINRULE_INLINE F copy_sign(F size, F sign) {
    const __m256 bit = _mm256_set1_ps(-0.0F);
    return {_mm256_or_ps(_mm256_andnot_ps(bit, size.value), _mm256_and_ps(bit, sign.value))};
}
CHAINRULE_INLINE D copy_sign(D size, D sign) {
    const __m256d bit = _mm256_set1_pd(-0.0);
    return {_mm256_or_pd(_mm256_andnot_pd(bit, size.value), _mm256_and_pd(bit, sign.value))};
}

// Comparisons are false where either is nan.
CHAINRULE_INLINE Mask<float> greater(F a, F b) {
    return {_mm256_cmp_ps(a.value, b.value, _CMP_GT_OQ)};
}
CHAINRULE_INLINE Mask<double> greater(D a, D b) {
    return {_mm256_cmp_pd(a.value, b.value, _CMP_GT_OQ)};
}
CHAINRULE_INLINE Mask<float> greater_equal(F a, F b) {
    return {_mm256_cmp_ps(a.value, b.value, _CMP_GE_OQ)};
}
CHAINRULE_INLINE Mask<double> greater_equal(D a, D b) {
    return {_mm256_cmp_pd(a.value, b.value, _CMP_GE_OQ)};
}
CHAINRULE_INLINE Mask<float> equal(F a, F b) {
    return {_mm256_cmp_ps(a.value, b.value, _CMP_EQ_OQ)};
}
CHAINRULE_INLINE Mask<double> equal(D a, D b) {
    return {_mm256_cmp_pd(a.value, b.value, _CMP_EQ_OQ)};
}
CHAINRULE_INLINE Mask<float> is_nan(F x) {
    return {_mm256_cmp_ps(x.value, x.value, _CMP_UNORD_Q)};
}
CHAINRULE_INLINE Mask<double> is_nan(D x) {
    return {_mm256_cmp_pd(x.value, x.value, _CMP_UNORD_Q)};
}
CHAINRULE_INLINE F select(Mask<float> where, F yes, F no) {
    return {_mm256_blendv_ps(no.value, yes.value, where.value)};
}
CHAINRULE_INLINE D select(Mask<double> where, D yes, D no) {
    return {_mm256_blendv_pd(no.value, yes.value, where.value)};
}
CHAINRULE_INLINE bool any(Mask<float> where) {
    return _mm256_movemask_ps(where.value) != 0;
}
CHAINRULE_INLINE bool any(Mask<double> where) {
    return _mm256_movemask_pd(where.value) != 0;
}

// Bits as whole numbers and back.
CHAINRULE_INLINE Whole<float> bits(F x) {
    return {_mm256_castps_si256(x.value)};
}
CHAINRULE_INLINE Whole<double> bits(D x) {
    return {_mm256_castpd_si256(x.value)};
}
CHAINRULE_INLINE F from_bits(Whole<float> x) {
    return {_mm256_castsi256_ps(x.value)};
}
CHAINRULE_INLINE D from_bits(Whole<double> x) {
    return {_mm256_castsi256_pd(x.value)};
}
// Each number's bits as two numbers, the low half first.
CHAINRULE_INLINE F halves(D x) {
    return {_mm256_castpd_ps(x.value)};
}
CHAINRULE_INLINE Whole<float> whole(std::int32_t x, F) {
    return {_mm256_set1_epi32(x)};
}
CHAINRULE_INLINE Whole<double> whole(std::int64_t x, D) {
    return {_mm256_set1_epi64x(x)};
}
CHAINRULE_INLINE Whole<float> operator+(Whole<float> a, Whole<float> b) {
    return {_mm256_add_epi32(a.value, b.value)};
}
CHAINRULE_INLINE Whole<double> operator+(Whole<double> a, Whole<double> b) {
    return {_mm256_add_epi64(a.value, b.value)};
}
CHAINRULE_INLINE Whole<float> operator-(Whole<float> a, Whole<float> b) {
    return {_mm256_sub_epi32(a.value, b.value)};
}
CHAINRULE_INLINE Whole<double> operator-(Whole<double> a, Whole<double> b) {
    return {_mm256_sub_epi64(a.value, b.value)};
}
CHAINRULE_INLINE Whole<float> operator&(Whole<float> a, Whole<float> b) {
    return {_mm256_and_si256(a.value, b.value)};
}
CHAINRULE_INLINE Whole<double> operator&(Whole<double> a, Whole<double> b) {
    return {_mm256_and_si256(a.value, b.value)};
}
CHAINRULE_INLINE Whole<float> operator|(Whole<float> a, Whole<float> b) {
    return {_mm256_or_si256(a.value, b.value)};
}
CHAINRULE_INLINE Whole<double> operator|(Whole<double> a, Whole<double> b) {
    return {_mm256_or_si256(a.value, b.value)};
}
CHAINRULE_INLINE Whole<float> operator^(Whole<float> a, Whole<float> b) {
    return {_mm256_xor_si256(a.value, b.value)};
}
CHAINRULE_INLINE Whole<double> operator^(Whole<double> a, Whole<double> b) {
    return {_mm256_xor_si256(a.value, b.value)};
}
template <int count>
CHAINRULE_INLINE Whole<float> shift_left(Whole<float> x) {
    return {_mm256_slli_epi32(x.value, count)};
}
template <int count>
CHAINRULE_INLINE Whole<double> shift_left(Whole<double> x) {
    return {_mm256_slli_epi64(x.value, count)};
}
// Zeros come in from the left.
template <int count>
CHAINRULE_INLINE Whole<float> shift_right(Whole<float> x) {
    return {_mm256_srli_epi32(x.value, count)};
}
template <int count>
CHAINRULE_INLINE Whole<double> shift_right(Whole<double> x) {
    return {_mm256_srli_epi64(x.value, count)};
}

// The first and last four lanes; to_float rounds.
CHAINRULE_INLINE D low_as_double(F x) {
    return {_mm256_cvtps_pd(_mm256_castps256_ps128(x.value))};
}
CHAINRULE_INLINE D high_as_double(F x) {
    return {_mm256_cvtps_pd(_mm256_extractf128_ps(x.value, 1))};
}
CHAINRULE_INLINE F to_float(D low, D high) {
    return {_mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low.value)),
                                 _mm256_cvtpd_ps(high.value), 1)};
}

// 0, 1, 2, 3.
CHAINRULE_INLINE Whole<double> lane_numbers() {
    return {_mm256_setr_epi64x(0, 1, 2, 3)};
}
// The products of the low halves.
CHAINRULE_INLINE Whole<double> multiply_low(Whole<double> a, Whole<double> b) {
    return {_mm256_mul_epu32(a.value, b.value)};
}

// The numbers at some places and those behind them. (The instruction that gathers is slower.)
CHAINRULE_INLINE __m256d pairs_at(const float* from, std::int32_t a, std::int32_t b, std::int32_t c,
                                  std::int32_t d) {
    const auto pair = [from](std::int32_t at) {
        double both;
        std::memcpy(&both, from + at, sizeof both);
        return both;
    };
    return _mm256_setr_pd(pair(a), pair(b), pair(c), pair(d));
}
CHAINRULE_INLINE void pairs(const float* from, const std::int32_t (&at)[8], F& first, F& second) {
    const __m256 outer = _mm256_castpd_ps(pairs_at(from, at[0], at[1], at[4], at[5]));
    const __m256 inner = _mm256_castpd_ps(pairs_at(from, at[2], at[3], at[6], at[7]));
    first = {_mm256_shuffle_ps(outer, inner, 0x88)};
    second = {_mm256_shuffle_ps(outer, inner, 0xDD)};
}
CHAINRULE_INLINE void pairs(const double* from, const std::int64_t (&at)[4], D& first, D& second) {
    const __m256d outer = _mm256_setr_m128d(_mm_loadu_pd(from + at[0]), _mm_loadu_pd(from + at[2]));
    const __m256d inner = _mm256_setr_m128d(_mm_loadu_pd(from + at[1]), _mm_loadu_pd(from + at[3]));
    first = {_mm256_unpacklo_pd(outer, inner)};
    second = {_mm256_unpackhi_pd(outer, inner)};
}

// Lane j of square[i] and lane i of square[j] change places.
CHAINRULE_INLINE void transpose(D (&square)[4]) {
    const __m256d even_low = _mm256_unpacklo_pd(square[0].value, square[1].value);
    const __m256d odd_low = _mm256_unpackhi_pd(square[0].value, square[1].value);
    const __m256d even_high = _mm256_unpacklo_pd(square[2].value, square[3].value);
    const __m256d odd_high = _mm256_unpackhi_pd(square[2].value, square[3].value);
    square[0] = {_mm256_permute2f128_pd(even_low, even_high, 0x20)};
    square[1] = {_mm256_permute2f128_pd(odd_low, odd_high, 0x20)};
    square[2] = {_mm256_permute2f128_pd(even_low, even_high, 0x31)};
    square[3] = {_mm256_permute2f128_pd(odd_low, odd_high, 0x31)};
}
// Squares of four, first within each half of the lanes.
CHAINRULE_INLINE void transpose_in_halves(F (&rows)[8], int first) {
    const __m256 even_low = _mm256_unpacklo_ps(rows[first].value, rows[first + 1].value);
    const __m256 odd_low = _mm256_unpackhi_ps(rows[first].value, rows[first + 1].value);
    const __m256 even_high = _mm256_unpacklo_ps(rows[first + 2].value, rows[first + 3].value);
    const __m256 odd_high = _mm256_unpackhi_ps(rows[first + 2].value, rows[first + 3].value);
    rows[first] = {_mm256_shuffle_ps(even_low, even_high, 0x44)};
    rows[first + 1] = {_mm256_shuffle_ps(even_low, even_high, 0xEE)};
    rows[first + 2] = {_mm256_shuffle_ps(odd_low, odd_high, 0x44)};
    rows[first + 3] = {_mm256_shuffle_ps(odd_low, odd_high, 0xEE)};
}
CHAINRULE_INLINE void transpose(F (&square)[8]) {
    transpose_in_halves(square, 0);
    transpose_in_halves(square, 4);
    for (int row = 0; row < 4; ++row) {
        const __m256 top = square[row].value;
        const __m256 bottom = square[row + 4].value;
        square[row] = {_mm256_permute2f128_ps(top, bottom, 0x20)};
        square[row + 4] = {_mm256_permute2f128_ps(top, bottom, 0x31)};
    }
}

#else

template <>
struct Vec<float> {
    float value[8];
};
template <>
struct Vec<double> {
    double value[4];
};
template <>
struct Mask<float> {
    bool value[8];
};
template <>
struct Mask<double> {
    bool value[4];
};
template <>
struct Whole<float> {
    std::uint32_t value[8];
};
template <>
struct Whole<double> {
    std::uint64_t value[4];
};

using F = Vec<float>;
using D = Vec<double>;

template <typename T>
CHAINRULE_INLINE Vec<T> load(const T* from) {
    Vec<T> made;
    std::memcpy(made.value, from, sizeof made.value);
    return made;
}
template <typename T>
CHAINRULE_INLINE void store(T* to, Vec<T> x) {
    std::memcpy(to, x.value, sizeof x.value);
}
template <typename T, typename Value>
CHAINRULE_INLINE Vec<T> each(Value value) {
    Vec<T> made;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        made.value[lane] = value(lane);
    }
    return made;
}
template <typename T, typename Value>
CHAINRULE_INLINE Mask<T> each_truth(Value value) {
    Mask<T> made;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        made.value[lane] = value(lane);
    }
    return made;
}
template <typename T, typename Value>
CHAINRULE_INLINE Whole<T> each_whole(Value value) {
    Whole<T> made;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        made.value[lane] = value(lane);
    }
    return made;
}
CHAINRULE_INLINE F broadcast(float x) {
    return each<float>([=](int) { return x; });
}
CHAINRULE_INLINE D broadcast(double x) {
    return each<double>([=](int) { return x; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> load_part(const T* from, int count) {
    return each<T>([=](int lane) { return lane < count ? from[lane] : T{0}; });
}
// The first count lanes (0 to all); nothing beyond is written.
template <typename T>
CHAINRULE_INLINE void store_part(T* to, Vec<T> x, int count) {
    for (int lane = 0; lane < count; ++lane) {
        to[lane] = x.value[lane];
    }
}
template <typename T>
CHAINRULE_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
    return each<T>([&](int lane) { return a.value[lane] + b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
    return each<T>([&](int lane) { return a.value[lane] - b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
    return each<T>([&](int lane) { return a.value[lane] * b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
    return each<T>([&](int lane) { return a.value[lane] / b.value[lane]; });
}
// a * b + c, rounded once.
CHAINRULE_INLINE F fma(F a, F b, F c) {
    return each<float>(
        [&](int lane) { return __builtin_fmaf(a.value[lane], b.value[lane], c.value[lane]); });
}
CHAINRULE_INLINE D fma(D a, D b, D c) {
    return each<double>(
        [&](int lane) { return __builtin_fma(a.value[lane], b.value[lane], c.value[lane]); });
}
CHAINRULE_INLINE F sqrt(F x) {
    return each<float>([&](int lane) { return __builtin_sqrtf(x.value[lane]); });
}
CHAINRULE_INLINE D sqrt(D x) {
    return each<double>([&](int lane) { return __builtin_sqrt(x.value[lane]); });
}
// a > b ? a : b, so b where either is nan or both are 0.
template <typename T>
CHAINRULE_INLINE Vec<T> max_or_second(Vec<T> a, Vec<T> b) {
    return each<T>(
        [&](int lane) { return a.value[lane] > b.value[lane] ? a.value[lane] : b.value[lane]; });
}
// a < b ? a : b, so b where either is nan or both are 0.
template <typename T>
CHAINRULE_INLINE Vec<T> min_or_second(Vec<T> a, Vec<T> b) {
    return each<T>(
        [&](int lane) { return a.value[lane] < b.value[lane] ? a.value[lane] : b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> negate(Vec<T> x) {
    return each<T>([&](int lane) { return -x.value[lane]; });
}
CHAINRULE_INLINE F absolute(F x) {
    return each<float>([&](int lane) { return __builtin_fabsf(x.value[lane]); });
}
CHAINRULE_INLINE D absolute(D x) {
    return each<double>([&](int lane) { return __builtin_fabs(x.value[lane]); });
}
// The size of the first with the sign bit of the second.
CHAINRULE_INLINE F copy_sign(F size, F sign) {
    return each<float>(
        [&](int lane) { return __builtin_copysignf(size.value[lane], sign.value[lane]); });
}
CHAINRULE_INLINE D copy_sign(D size, D sign) {
    return each<double>(
        [&](int lane) { return __builtin_copysign(size.value[lane], sign.value[lane]); });
}
// Comparisons are false where either is nan.
template <typename T>
CHAINRULE_INLINE Mask<T> greater(Vec<T> a, Vec<T> b) {
    return each_truth<T>([&](int lane) { return a.value[lane] > b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Mask<T> greater_equal(Vec<T> a, Vec<T> b) {
    return each_truth<T>([&](int lane) { return a.value[lane] >= b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Mask<T> equal(Vec<T> a, Vec<T> b) {
    return each_truth<T>([&](int lane) { return a.value[lane] == b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Mask<T> is_nan(Vec<T> x) {
    return each_truth<T>([&](int lane) { return x.value[lane] != x.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Vec<T> select(Mask<T> where, Vec<T> yes, Vec<T> no) {
    return each<T>([&](int lane) { return where.value[lane] ? yes.value[lane] : no.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE bool any(Mask<T> where) {
    bool found = false;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        found = found || where.value[lane];
    }
    return found;
}
// Bits as whole numbers and back.
template <typename T>
CHAINRULE_INLINE Whole<T> bits(Vec<T> x) {
    Whole<T> made;
    std::memcpy(made.value, x.value, sizeof made.value);
    return made;
}
template <typename T>
CHAINRULE_INLINE Vec<T> from_bits(Whole<T> x) {
    Vec<T> made;
    std::memcpy(made.value, x.value, sizeof made.value);
    return made;
}
// Each number's bits as two numbers, the low half first.
CHAINRULE_INLINE F halves(D x) {
    F made;
    std::memcpy(made.value, x.value, sizeof made.value);
    return made;
}
CHAINRULE_INLINE Whole<float> whole(std::int32_t x, F) {
    return each_whole<float>([=](int) { return static_cast<std::uint32_t>(x); });
}
CHAINRULE_INLINE Whole<double> whole(std::int64_t x, D) {
    return each_whole<double>([=](int) { return static_cast<std::uint64_t>(x); });
}
template <typename T>
CHAINRULE_INLINE Whole<T> operator+(Whole<T> a, Whole<T> b) {
    return each_whole<T>([&](int lane) { return a.value[lane] + b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Whole<T> operator-(Whole<T> a, Whole<T> b) {
    return each_whole<T>([&](int lane) { return a.value[lane] - b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Whole<T> operator&(Whole<T> a, Whole<T> b) {
    return each_whole<T>([&](int lane) { return a.value[lane] & b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Whole<T> operator|(Whole<T> a, Whole<T> b) {
    return each_whole<T>([&](int lane) { return a.value[lane] | b.value[lane]; });
}
template <typename T>
CHAINRULE_INLINE Whole<T> operator^(Whole<T> a, Whole<T> b) {
    return each_whole<T>([&](int lane) { return a.value[lane] ^ b.value[lane]; });
}
template <int count, typename T>
CHAINRULE_INLINE Whole<T> shift_left(Whole<T> x) {
    return each_whole<T>([&](int lane) { return x.value[lane] << count; });
}
// Zeros come in from the left.
template <int count, typename T>
CHAINRULE_INLINE Whole<T> shift_right(Whole<T> x) {
    return each_whole<T>([&](int lane) { return x.value[lane] >> count; });
}

// The first and last four lanes; to_float rounds.
CHAINRULE_INLINE D low_as_double(F x) {
    return each<double>([&](int lane) { return static_cast<double>(x.value[lane]); });
}
CHAINRULE_INLINE D high_as_double(F x) {
    return each<double>([&](int lane) { return static_cast<double>(x.value[lane + 4]); });
}
CHAINRULE_INLINE F to_float(D low, D high) {
    return each<float>([&](int lane) {
        return static_cast<float>(lane < 4 ? low.value[lane] : high.value[lane - 4]);
    });
}

// 0, 1, 2, 3.
CHAINRULE_INLINE Whole<double> lane_numbers() {
    return each_whole<double>([](int lane) { return static_cast<std::uint64_t>(lane); });
}
// The products of the low halves.
CHAINRULE_INLINE Whole<double> multiply_low(Whole<double> a, Whole<double> b) {
    return each_whole<double>(
        [&](int lane) { return (a.value[lane] & 0xFFFFFFFF) * (b.value[lane] & 0xFFFFFFFF); });
}

// The numbers at some places and those behind them.
template <typename T, typename Place, int lanes>
CHAINRULE_INLINE void pairs(const T* from, const Place (&at)[lanes], Vec<T>& first,
                            Vec<T>& second) {
    static_assert(lanes == kLanes<T>);
    first = each<T>([&](int lane) { return from[at[lane]]; });
    second = each<T>([&](int lane) { return from[at[lane] + 1]; });
}

// Lane j of square[i] and lane i of square[j] change places.
template <typename T, int size>
CHAINRULE_INLINE void transpose(Vec<T> (&square)[size]) {
    static_assert(size == kLanes<T>);
    for (int row = 0; row < size; ++row) {
        for (int lane = 0; lane < row; ++lane) {
            const T number = square[row].value[lane];
            square[row].value[lane] = square[lane].value[row];
            square[lane].value[row] = number;
        }
    }
}

#endif

// A hint to bring the line at this address, which need not exist, into the first cache; for
// writing, away from other cores as well.
CHAINRULE_INLINE void prefetch(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(address);
#else
    static_cast<void>(address);
#endif
}
CHAINRULE_INLINE void prefetch_to_write(void* address) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(address, 1);
#else
    static_cast<void>(address);
#endif
}

template <typename T>
CHAINRULE_INLINE Vec<T> zeros() {
    return broadcast(T{0});
}

// max(a, b), nan where either is.
template <typename T>
CHAINRULE_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) {
    return select(is_nan(a), a, max_or_second(a, b));
}
template <typename T>
CHAINRULE_INLINE Vec<T> minimum(Vec<T> a, Vec<T> b) {
    return select(is_nan(a), a, min_or_second(a, b));
}

}  // namespace chainrule::CHAINRULE_SET
