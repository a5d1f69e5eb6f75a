// Uniform and normal numbers, one for each word of a Philox 4x32-10 stream.
#include "../quantile.h"
#include "words.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// Two words in one lane, the first in its low half.
CHAINRULE_INLINE D joined(Words first, Words second) {
    return from_bits((first & words(kLow)) | shift_left<32>(second));
}

// The upper 23 bits of a word are those of a number from 1 to below 2.
CHAINRULE_INLINE F as_uniform(F x) {
    return from_bits(shift_right<9>(bits(x)) | whole(0x3F800000, F{})) - broadcast(1.0F);
}
CHAINRULE_INLINE D as_uniform(D x) {
    const Words upper = shift_right<12>(bits(x)) & words(0x000FFFFFE0000000);
    return from_bits(upper | words(0x3FF0000000000000)) - broadcast(1.0);
}

template <typename T>
void uniform(T* out, Index first, Index count, const Stream& source) {
    const Drawing drawing = drawing_of(source);
    const auto finish = [](Vec<T> x) { return as_uniform(x); };
    fill(out, first, count,
         [&](T* to, std::uint64_t block) { draw(to, block, drawing, joined, finish); });
}

// A whole number of up to 52 bits.
CHAINRULE_INLINE D number_of(Words x) {
    return from_bits(x | words(0x4330000000000000)) - broadcast(0x1p52);
}

CHAINRULE_INLINE D polynomial(const double (&coefficients)[8], D x) {
    D result = broadcast(coefficients[0]);
    for (int index = 1; index < 8; ++index) {
        result = result * x + broadcast(coefficients[index]);
    }
    return result;
}

// As in philox.h, number by number.
CHAINRULE_INLINE D logarithm(D x) {
    D power = number_of(shift_right<52>(bits(x))) - broadcast(1022.0);
    const Words half_and_more = words(0x3FE0000000000000);
    D mantissa = from_bits((bits(x) & words(0xFFFFFFFFFFFFF)) | half_and_more);
    const Mask<double> small = greater(broadcast(0.7071067811865476), mantissa);
    mantissa = select(small, mantissa + mantissa, mantissa);
    power = select(small, power - broadcast(1.0), power);
    const D fraction = mantissa - broadcast(1.0);
    const D ratio = fraction / (broadcast(2.0) + fraction);
    const D square = ratio * ratio;
    D rest = broadcast(2.0 / 23);
    for (int odd = 21; odd > 1; odd -= 2) {
        rest = rest * square + broadcast(2.0 / odd);
    }
    rest = rest * square;
    const D half = broadcast(0.5) * fraction * fraction;
    const D low = ratio * (half + rest) + power * broadcast(0x1.a39ef35793c76p-33);
    return power * broadcast(0x1.62e42fee00000p-1) - ((half - low) - fraction);
}

constexpr double kCentral = 0.425;

CHAINRULE_INLINE D central(D share) {
    const D centered = share - broadcast(0.5);
    const D square = broadcast(0.180625) - centered * centered;
    return centered * (polynomial(kCentralAbove, square) / polynomial(kCentralBelow, square));
}

// No share of 32 bits is so near to 0 or 1 that the third of AS 241's ratios is needed.
CHAINRULE_INLINE D tail(D share) {
    const D nearer = min_or_second(share, broadcast(1.0) - share);
    const D depth = sqrt(negate(logarithm(nearer))) - broadcast(1.6);
    const D size = polynomial(kMiddleAbove, depth) / polynomial(kMiddleBelow, depth);
    return copy_sign(size, share - broadcast(0.5));
}

// In place. The few shares of the tails are brought together first.
CHAINRULE_INLINE void as_normal(double* shares) {
    double outer[kNumbers + kLanes<double>];
    int places[kNumbers];
    int found = 0;
    for (int index = 0; index < kNumbers; ++index) {
        places[found] = index;
        outer[found] = shares[index];
        const double centered = shares[index] - 0.5;
        found += centered > kCentral || centered < -kCentral ? 1 : 0;
    }
    for (int index = 0; index < kNumbers; index += kLanes<double>) {
        store(shares + index, central(load(shares + index)));
    }
    store(outer + found, broadcast(0.25));
    for (int index = 0; index < found; index += kLanes<double>) {
        store(outer + index, tail(load(outer + index)));
    }
    for (int index = 0; index < found; ++index) {
        shares[places[index]] = outer[index];
    }
}

CHAINRULE_INLINE void converted(float* out, const double* from) {
    for (int index = 0; index < kNumbers; index += kLanes<float>) {
        store(out + index, to_float(load(from + index), load(from + index + kLanes<double>)));
    }
}
CHAINRULE_INLINE void converted(double* out, const double* from) {
    std::memcpy(out, from, kNumbers * sizeof *out);
}

template <typename T>
void normal(T* out, Index first, Index count, const Stream& source) {
    const Drawing drawing = drawing_of(source);
    const auto share = [](D x) {
        return (number_of(bits(x) & words(kLow)) + broadcast(0.5)) * broadcast(0x1p-32);
    };
    fill(out, first, count, [&](T* to, std::uint64_t block) {
        double shares[kNumbers];
        draw(shares, block, drawing, joined, share);
        as_normal(shares);
        converted(to, shares);
    });
}

}  // namespace

void add_numbers(Kernels& kernels) {
    kernels.float32.uniform = uniform<float>;
    kernels.float32.normal = normal<float>;
    kernels.float64.uniform = uniform<double>;
    kernels.float64.normal = normal<double>;
}

}  // namespace chainrule::CHAINRULE_SET
