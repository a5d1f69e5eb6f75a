// Words of Philox 4x32-10 in vectors, sixteen blocks at once; they are those of philox.h. A vector
// holds one word of four blocks.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace chainrule::CHAINRULE_SET {

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
};

inline Drawing drawing_of(const Stream& source) {
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

CHAINRULE_INLINE Blocks blocks_of(Words numbers, const Drawing& drawing) {
    return {{numbers, drawing.counter[0], drawing.counter[1], drawing.counter[2]}};
}

// kNumbers numbers from the first of a block on: join(first, second) makes one lane of two words,
// finish(numbers) what is written. Two sets hold every other block of eight, so that a lane of
// theirs is eight numbers on end.
template <typename Join, typename Finish>
CHAINRULE_INLINE void draw(float* out, std::uint64_t block, const Drawing& drawing,
                           const Join& join, const Finish& finish) {
    Blocks drawn[kSets];
    for (int set = 0; set < kSets; ++set) {
        drawn[set] = blocks_of(every_other(block + set / 2 * 8 + set % 2), drawing);
    }
    philox(drawn, drawing);
    for (int set = 0; set < kSets; set += 2) {
        D square[4];
        for (int pair = 0; pair < 4; ++pair) {
            const Words* two = drawn[set + pair / 2].c + pair % 2 * 2;
            square[pair] = join(two[0], two[1]);
        }
        transpose(square);
        for (int row = 0; row < 4; ++row) {
            store(out + set * 16 + row * kLanes<float>, finish(halves(square[row])));
        }
    }
}

// The same with one word a lane, given twice.
template <typename Join, typename Finish>
CHAINRULE_INLINE void draw(double* out, std::uint64_t block, const Drawing& drawing,
                           const Join& join, const Finish& finish) {
    Blocks drawn[kSets];
    for (int set = 0; set < kSets; ++set) {
        drawn[set] = blocks_of(words(block + set * 4) + lane_numbers(), drawing);
    }
    philox(drawn, drawing);
    for (int set = 0; set < kSets; ++set) {
        D square[4];
        for (int word = 0; word < 4; ++word) {
            square[word] = join(drawn[set].c[word], drawn[set].c[word]);
        }
        transpose(square);
        for (int row = 0; row < 4; ++row) {
            store(out + set * 16 + row * kLanes<double>, finish(square[row]));
        }
    }
}

// Calls draw(to, block) for numbers first to first + count - 1, kNumbers at a time from the first
// of a block on. Whole groups are written where they belong, the parts at both ends through a copy.
template <typename T, typename Draw>
CHAINRULE_INLINE void fill(T* out, Index first, Index count, const Draw& draw) {
    const Index end = first + count;
    for (Index place = first / 4 * 4; place < end; place += kNumbers) {
        const auto block = static_cast<std::uint64_t>(place / 4);
        if (place >= first && place + kNumbers <= end) {
            draw(out + (place - first), block);
            continue;
        }
        T numbers[kNumbers];
        draw(numbers, block);
        for (Index index = 0; index < kNumbers; ++index) {
            if (place + index >= first && place + index < end) {
                out[place + index - first] = numbers[index];
            }
        }
    }
}

}  // namespace chainrule::CHAINRULE_SET
