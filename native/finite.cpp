#include "finite.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "threads.h"

namespace chainrule {
namespace {

constexpr Index kPiece = Index{1} << 18;

// No early way out, so that it is compiled to vectors.
template <typename T>
bool piece_is_finite(const T* numbers, Index count) {
    int bad = 0;
    for (Index index = 0; index < count; ++index) {
        bad |= std::fabs(numbers[index]) <= std::numeric_limits<T>::max() ? 0 : 1;
    }
    return bad == 0;
}

}  // namespace

template <typename T>
bool all_finite(const T* numbers, Index count, int threads) {
    struct Shared {
        const T* numbers;
        Index count;
        std::atomic<bool> finite;
    } shared{numbers, count, true};
    Team team(count > 2 * kPiece ? threads : 1);
    team.for_each((count + kPiece - 1) / kPiece,
                  [](void* context, Index piece, int) {
                      Shared& given = *static_cast<Shared*>(context);
                      const Index first = piece * kPiece;
                      if (given.finite && !piece_is_finite(given.numbers + first,
                                                           std::min(kPiece, given.count - first))) {
                          given.finite = false;
                      }
                  },
                  &shared);
    return shared.finite;
}

template bool all_finite(const float*, Index, int);
template bool all_finite(const double*, Index, int);

}  // namespace chainrule
