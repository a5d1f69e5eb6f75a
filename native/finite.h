// Whether data can be trained on.
#pragma once

#include "kernels.h"

namespace chainrule {

// Whether none of the numbers is nan or infinite; shared over threads where there are many.
template <typename T>
bool all_finite(const T* numbers, Index count, int threads);

}  // namespace chainrule
