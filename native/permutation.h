// Random orders: the stable order of 64-bit random keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.h"

namespace chainrule {

// Orders one after the other, each of the numbers 0 to length - 1, length below 2**31: the stable
// order of keys of which number i is made of words 2i (high) and 2i + 1 (low) of the stream, whose
// step is one more for each order.
void fill_permutations(std::int64_t* out, std::size_t count, std::size_t length,
                       const Stream& first, const Kernels& kernels, int threads);

}  // namespace chainrule
