// What is drawn from a Philox 4x32-10 stream, whose words are those of philox.h; a vector holds one
// word of four blocks. Masks: number i is 0 where word i is below a threshold, else a scale.
#include "kernels.h"
#include "simd.h"

namespace chainrule::CHAINRULE_SET {
namespace {

using Words = Whole<double>;  // a word in the low half of each lane; the high half means nothing

CHAINRULE_INLINE Words words(std::uint64_t x) {
    return whole(static_cast<Index>(x), D{});
}

constexpr int kRounds = 10;
constexpr int kSets = 4;  // of four blocks, drawn at once
constexpr int kNumbers = kSets * 16;
constexpr std::uint64_t kLow = 0xFFFFFFFF;

// What all blocks share. Words 1 and 3 are joined with the key of the next round already
// while the multiplications go on.
struct Drawing {
    Words keys[kRounds + 1][2];  // those after the last round are zero
    Words counter[3];            // words 1 to 3 at first; word 0 is the number of the block
    Words limit;                 // of a mask: threshold - 1
    std::uint64_t kept;          // the bits of its scale, for float twice
};

Drawing drawing_of(const Stream& source) {
    Drawing made{};
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        made.keys[round][0] = words(source.key + round * 0x9E3779B9);
        made.keys[round][1] = words((source.key >> 32) + round * 0xBB67AE85);
    }
    made.keys[kRounds][0] = made.keys[kRounds][1] = words(0);
    made.counter[0] = words(source.stream) ^ made.keys[0][0];
    made.counter[1] = words(source.step);
    const std::uint64_t purpose = std::uint64_t{source.purpose} << 24;
    made.counter[2] = words(source.step >> 32 | purpose) ^ made.keys[0][1];
    return made;
}

// The four words of four blocks, of which c[0] holds the numbers at first.
struct Blocks {
    Words c[4];
};

// Several at once, since each round waits for the one before. Unrolled, the compiler would undo the
// order of the exclusive ors and run out of registers.
CHAINRULE_INLINE void philox(Blocks (&blocks)[kSets], const Drawing& drawing) {
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 1
#endif
    for (int round = 1; round <= kRounds; ++round) {
        for (Blocks& x : blocks) {
            const Words left = multiply_low(x.c[0], words(0xD2511F53));
            const Words right = multiply_low(x.c[2], words(0xCD9E8D57));
            x.c[0] = shift_right<32>(right) ^ x.c[1];
            x.c[1] = right ^ drawing.keys[round][0];
            x.c[2] = shift_right<32>(left) ^ x.c[3];
            x.c[3] = left ^ drawing.keys[round][1];
        }
    }
}

// The numbers of four blocks, every other one of eight.
CHAINRULE_INLINE Words every_other(std::uint64_t first) {
    return words(first) + shift_left<1>(lane_numbers());
}

// Negative where a word is at least the threshold.
CHAINRULE_INLINE Words is_kept(Words word, const Drawing& drawing) {
    return drawing.limit - (word & words(kLow));
}

// Two words a lane in one number of 64 bits: those of float, or the same word twice.
CHAINRULE_INLINE D scaled(Words first, Words second, const Drawing& drawing) {
    const Words low = shift_right<32>(first);
    const Words high = second & words(~kLow);
    return from_bits((low | high) & words(drawing.kept));
}

CHAINRULE_INLINE Blocks blocks_of(Words numbers, const Drawing& drawing) {
    return {{numbers, drawing.counter[0], drawing.counter[1], drawing.counter[2]}};
}

// kNumbers numbers of the mask, from the first of a block on. Two sets hold every other block of
// eight, so that a lane of theirs is eight numbers on end.
CHAINRULE_INLINE void draw(float* out, std::uint64_t block, const Drawing& drawing) {
    Blocks drawn[kSets];
    for (int set = 0; set < kSets; ++set) {
        drawn[set] = blocks_of(every_other(block + set / 2 * 8 + set % 2), drawing);
    }
    philox(drawn, drawing);
    for (int set = 0; set < kSets; set += 2) {
        D square[4];
        for (int pair = 0; pair < 4; ++pair) {
            const Words* two = drawn[set + pair / 2].c + pair % 2 * 2;
            square[pair] = scaled(is_kept(two[0], drawing), is_kept(two[1], drawing), drawing);
        }
        transpose(square);
        for (int row = 0; row < 4; ++row) {
            store(out + set * 16 + row * kLanes<float>, halves(square[row]));
        }
    }
}

CHAINRULE_INLINE void draw(double* out, std::uint64_t block, const Drawing& drawing) {
    Blocks drawn[kSets];
    for (int set = 0; set < kSets; ++set) {
        drawn[set] = blocks_of(words(block + set * 4) + lane_numbers(), drawing);
    }
    philox(drawn, drawing);
    for (int set = 0; set < kSets; ++set) {
        D square[4];
        for (int word = 0; word < 4; ++word) {
            const Words kept = is_kept(drawn[set].c[word], drawing);
            square[word] = scaled(kept, kept, drawing);
        }
        transpose(square);
        for (int row = 0; row < 4; ++row) {
            store(out + set * 16 + row * kLanes<double>, square[row]);
        }
    }
}

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

// Whole groups of kNumbers are written where they belong, the parts at both ends through a copy.
template <typename T>
void mask(T* out, Index first, Index count, const MaskSource& source) {
    Drawing drawing = drawing_of(source.stream);
    drawing.limit = words(source.threshold - 1);
    drawing.kept = twice_bits(static_cast<T>(source.scale));
    const Index end = first + count;
    for (Index place = first / 4 * 4; place < end; place += kNumbers) {
        const auto block = static_cast<std::uint64_t>(place / 4);
        if (place >= first && place + kNumbers <= end) {
            draw(out + (place - first), block, drawing);
            continue;
        }
        T numbers[kNumbers];
        draw(numbers, block, drawing);
        for (Index index = 0; index < kNumbers; ++index) {
            if (place + index >= first && place + index < end) {
                out[place + index - first] = numbers[index];
            }
        }
    }
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
