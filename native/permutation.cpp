#include "permutation.h"

#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "philox.h"
#include "threads.h"

namespace chainrule {
namespace {

// Numbers in all orders together from which on more threads than one draw them.
constexpr std::size_t kWorthThreads = 1 << 14;

// The high words are sorted digit by digit together with their indices, so far that few pairs are
// left out of order: those are put right by insertion. Low words are seldom needed, and drawn then.
class Permutation {
public:
    // `out` and `entries` are room for count numbers; `out` holds the order after `write`.
    Permutation(std::uint64_t* out, std::uint64_t* entries, std::size_t count, const Stream& source,
                const Kernels& kernels)
        : source_(source), count_(count), out_(out), from_(entries), to_(out) {
        kernels.shuffle_keys(from_, static_cast<Index>(count), source);
        const int digits = count < 64 ? 0 : count < 2048 ? 1 : count < 1 << 14 ? 2 : 3;
        for (int digit = digits; digit-- > 0;) {
            sort_by(64 - kBits * (digit + 1));
        }
    }

    void write() {
        for (std::size_t place = 1; place < count_; ++place) {
            const std::uint64_t entry = from_[place];
            std::size_t hole = place;
            for (; hole > 0 && after(from_[hole - 1], entry); --hole) {
                from_[hole] = from_[hole - 1];
            }
            from_[hole] = entry;
        }
        for (std::size_t place = 0; place < count_; ++place) {
            out_[place] = from_[place] & 0xFFFFFFFF;
        }
    }

private:
    static constexpr int kBits = 10;

    void sort_by(int shift) {
        std::array<std::uint32_t, 1 << kBits> ends{};
        const auto digit_of = [=](std::uint64_t entry) {
            return entry >> shift & ((1 << kBits) - 1);
        };
        for (std::size_t index = 0; index < count_; ++index) {
            ++ends[digit_of(from_[index])];
        }
        std::exclusive_scan(ends.begin(), ends.end(), ends.begin(), std::uint32_t{0});
        for (std::size_t index = 0; index < count_; ++index) {
            to_[ends[digit_of(from_[index])]++] = from_[index];
        }
        std::swap(from_, to_);
    }

    std::uint32_t low_word(std::uint64_t entry) const {
        const auto index = static_cast<std::uint32_t>(entry);
        return philox(source_, index / 2)[index % 2 * 2 + 1];
    }

    bool after(std::uint64_t left, std::uint64_t right) const {
        if (left >> 32 != right >> 32) {
            return left > right;
        }
        const std::uint32_t left_low = low_word(left);
        const std::uint32_t right_low = low_word(right);
        return left_low != right_low ? left_low > right_low : left > right;
    }

    const Stream& source_;
    std::size_t count_;
    std::uint64_t* out_;
    std::uint64_t* from_;  // entries: the high word of a key, and its index
    std::uint64_t* to_;
};

}  // namespace

void fill_permutations(std::int64_t* out, std::size_t count, std::size_t length,
                       const Stream& first, const Kernels& kernels, int threads) {
    struct Shared {
        std::uint64_t* out;
        std::uint64_t* entries;
        std::size_t length;
        const Stream& first;
        const Kernels& kernels;
    };
    const bool worth = count > 1 && count * length >= kWorthThreads;
    Team team(worth ? threads : 1);
    std::vector<std::uint64_t> entries(length * static_cast<std::size_t>(team.size()));
    Shared shared{reinterpret_cast<std::uint64_t*>(out), entries.data(), length, first, kernels};
    team.for_each(
        static_cast<Index>(count),
        [](void* context, Index number, int worker) {
            const Shared& given = *static_cast<Shared*>(context);
            const auto order = static_cast<std::size_t>(number);
            Stream source = given.first;
            source.step += order;
            std::uint64_t* const own =
                given.entries + static_cast<std::size_t>(worker) * given.length;
            Permutation(given.out + order * given.length, own, given.length, source, given.kernels)
                .write();
        },
        &shared);
}

}  // namespace chainrule
