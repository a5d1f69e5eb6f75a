// Random orders: the stable order of 64-bit random keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.h"

namespace chainrule {

// The numbers 0 to count - 1, count below 2**31, in the stable order of keys of which number i is
// made of words 2i (high) and 2i + 1 (low) of the stream.
void fill_permutation(std::int64_t* out, std::size_t count, const Stream& source,
                      const Kernels& kernels);

}  // namespace chainrule
