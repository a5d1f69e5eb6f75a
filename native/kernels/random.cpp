// What is drawn from a Philox 4x32-10 stream. Masks: number i is 0 where word i is below a
// threshold, else a scale.
#include "words.h"

namespace chainrule::CHAINRULE_SET {
namespace {

CHAINRULE_INLINE std::uint64_t twice_bits(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits | std::uint64_t{bits} << 32;
}
CHAINRULE_INLINE std::uint64_t twice_bits(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

template <typename T>
void mask(T* out, Index first, Index count, const MaskSource& source) {
    const Drawing drawing = drawing_of(source.stream);
    const Words limit = words(source.threshold - 1);
    const Words scale = words(twice_bits(static_cast<T>(source.scale)));
    // negative, so with ones in its high half, where a word is at least the threshold
    const auto kept = [=](Words word) { return limit - (word & words(kLow)); };
    const auto scaled = [=](Words left, Words right) {
        const Words both = shift_right<32>(kept(left)) | (kept(right) & words(~kLow));
        return from_bits(both & scale);
    };
    const auto as_is = [](Vec<T> x) { return x; };
    fill(out, first, count,
         [&](T* to, std::uint64_t block) { draw(to, block, drawing, scaled, as_is); });
}

// Of each block, words 0 and 2 go to two numbers on end.
void shuffle_keys(std::uint64_t* out, Index count, const Stream& source) {
    const Drawing drawing = drawing_of(source);
    constexpr Index kKeys = kSets * 8;
    for (Index first = 0; first < count; first += kKeys) {
        Blocks drawn[kSets];
        Words numbers[kSets];
        for (int set = 0; set < kSets; ++set) {
            const auto block = static_cast<std::uint64_t>(first / 2 + set / 2 * 8 + set % 2);
            numbers[set] = every_other(block);
            drawn[set] = blocks_of(numbers[set], drawing);
        }
        philox(drawn, drawing);
        double keys[kKeys];
        for (int set = 0; set < kSets; set += 2) {
            D square[4];
            for (int word = 0; word < 4; ++word) {
                const Words place = shift_left<1>(numbers[set + word / 2]) | words(word % 2);
                square[word] =
                    from_bits(shift_left<32>(drawn[set + word / 2].c[word % 2 * 2]) | place);
            }
            transpose(square);
            for (int row = 0; row < 4; ++row) {
                store(keys + set * 8 + row * kLanes<double>, square[row]);
            }
        }
        const Index left = count - first < kKeys ? count - first : kKeys;
        std::memcpy(out + first, keys, static_cast<std::size_t>(left) * sizeof *out);
    }
}

}  // namespace

void add_random(Kernels& kernels) {
    kernels.shuffle_keys = shuffle_keys;
    kernels.float32.mask = mask<float>;
    kernels.float64.mask = mask<double>;
}

}  // namespace chainrule::CHAINRULE_SET
