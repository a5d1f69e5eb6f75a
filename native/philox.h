// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, 2011) and what is drawn with it, bit for bit as
// chainrule/random/philox.py: only + - * /, sqrt and bit operations, never libm.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels.h"
#include "quantile.h"

namespace chainrule {

using Block = std::array<std::uint32_t, 4>;

inline Block philox(const Stream& source, std::uint32_t block) {
    std::uint32_t c0 = block;
    std::uint32_t c1 = source.stream;
    auto c2 = static_cast<std::uint32_t>(source.step);
    std::uint32_t c3 = source.purpose << 24 | static_cast<std::uint32_t>(source.step >> 32);
    auto low_key = static_cast<std::uint32_t>(source.key);
    auto high_key = static_cast<std::uint32_t>(source.key >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t left = std::uint64_t{0xD2511F53} * c0;
        const std::uint64_t right = std::uint64_t{0xCD9E8D57} * c2;
        c0 = static_cast<std::uint32_t>(right >> 32) ^ c1 ^ low_key;
        c1 = static_cast<std::uint32_t>(right);
        c2 = static_cast<std::uint32_t>(left >> 32) ^ c3 ^ high_key;
        c3 = static_cast<std::uint32_t>(left);
        low_key += 0x9E3779B9;
        high_key += 0xBB67AE85;
    }
    return {c0, c1, c2, c3};
}

// Calls take(index, word) for index 0 to count - 1, the word being that of position first + index.
template <typename Take>
inline void each_word(const Stream& source, std::uint64_t first, std::size_t count, Take take) {
    auto block = static_cast<std::uint32_t>(first / 4);
    auto word = static_cast<std::size_t>(first % 4);
    std::size_t index = 0;
    if (word != 0) {
        const Block words = philox(source, block++);
        while (word < 4 && index < count) {
            take(index++, words[word++]);
        }
    }
    for (; index + 4 <= count; index += 4) {
        const Block words = philox(source, block++);
        take(index, words[0]);
        take(index + 1, words[1]);
        take(index + 2, words[2]);
        take(index + 3, words[3]);
    }
    if (index < count) {
        const Block words = philox(source, block);
        for (word = 0; index < count; ++word) {
            take(index++, words[word]);
        }
    }
}

// Calls take(index, left, right) with the two words of each of count numbers.
template <typename Take>
inline void each_pair(const Stream& source, std::size_t count, Take take) {
    for (std::size_t index = 0; index < count; index += 2) {
        const Block words = philox(source, static_cast<std::uint32_t>(index / 2));
        take(index, words[0], words[1]);
        if (index + 1 < count) {
            take(index + 1, words[2], words[3]);
        }
    }
}

inline double uniform(std::uint32_t left, std::uint32_t right) {
    return ((left >> 5) * 67108864.0 + (right >> 6)) * 0x1p-53;
}

inline double open_uniform(std::uint32_t left, std::uint32_t right) {
    return ((left >> 6) * 67108864.0 + (right >> 6) + 0.5) * 0x1p-52;
}

// x = 2**k (1 + f), s = f / (2 + f): log(1 + f) = f - f²/2 + s (f²/2 + 2s²/3 + 2s⁴/5 + ...).
// x is positive and normal.
inline double logarithm(double x) {
    auto bits = std::bit_cast<std::uint64_t>(x);
    auto power = static_cast<double>(static_cast<int>(bits >> 52) - 1022);
    double mantissa = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFF) | 0x3FE0000000000000);
    if (mantissa < 0.7071067811865476) {
        mantissa += mantissa;
        power -= 1.0;
    }
    const double fraction = mantissa - 1.0;
    const double ratio = fraction / (2.0 + fraction);
    const double square = ratio * ratio;
    double rest = 2.0 / 23;
    for (int odd = 21; odd > 1; odd -= 2) {
        rest = rest * square + 2.0 / odd;
    }
    rest *= square;
    const double half = 0.5 * fraction * fraction;
    return power * 0x1.62e42fee00000p-1 -
           ((half - (ratio * (half + rest) + power * 0x1.a39ef35793c76p-33)) - fraction);
}

inline double polynomial(const double (&coefficients)[8], double x) {
    double result = coefficients[0];
    for (int index = 1; index < 8; ++index) {
        result = result * x + coefficients[index];
    }
    return result;
}

// Wichura (1988), AS 241, PPND16: the number below which `share` of a standard normal lies.
inline double inverse_normal(double share) {
    const double centered = share - 0.5;
    if (std::fabs(centered) <= 0.425) {
        const double square = 0.180625 - centered * centered;
        return centered * (polynomial(kCentralAbove, square) / polynomial(kCentralBelow, square));
    }
    const double depth = std::sqrt(-logarithm(centered < 0.0 ? share : 1.0 - share));
    const double size =
        depth <= 5.0 ? polynomial(kMiddleAbove, depth - 1.6) / polynomial(kMiddleBelow, depth - 1.6)
                     : polynomial(kFarAbove, depth - 5.0) / polynomial(kFarBelow, depth - 5.0);
    return centered < 0.0 ? -size : size;
}

inline void fill_words(std::uint32_t* out, std::size_t count, const Stream& source,
                       std::uint64_t first) {
    each_word(source, first, count,
              [=](std::size_t index, std::uint32_t word) { out[index] = word; });
}

inline void fill_uniform(double* out, std::size_t count, const Stream& source) {
    each_pair(source, count, [=](std::size_t index, std::uint32_t left, std::uint32_t right) {
        out[index] = uniform(left, right);
    });
}

inline void fill_normal(double* out, std::size_t count, const Stream& source) {
    each_pair(source, count, [=](std::size_t index, std::uint32_t left, std::uint32_t right) {
        out[index] = inverse_normal(open_uniform(left, right));
    });
}

// Within two deviations: the shares between those below -2 and below 2.
inline void fill_truncated_normal(double* out, std::size_t count, const Stream& source) {
    constexpr double lower = 0.022750131948179207;
    each_pair(source, count, [=](std::size_t index, std::uint32_t left, std::uint32_t right) {
        const double share = lower + open_uniform(left, right) * (1.0 - 2.0 * lower);
        const double number = inverse_normal(share);
        out[index] = number < -2.0 ? -2.0 : number > 2.0 ? 2.0 : number;
    });
}

// 0 where the position's word is below the threshold (up to 2**32), else the scale.
template <typename Number>
inline void fill_mask(Number* out, std::size_t count, const Stream& source, std::uint64_t threshold,
                      double scale) {
    const auto kept = static_cast<Number>(scale);
    if (threshold > 0xFFFFFFFF) {
        for (std::size_t index = 0; index < count; ++index) {
            out[index] = Number{0};
        }
        return;
    }
    const auto limit = static_cast<std::uint32_t>(threshold);
    each_word(source, 0, count, [=](std::size_t index, std::uint32_t word) {
        out[index] = word < limit ? Number{0} : kept;
    });
}

}  // namespace chainrule
