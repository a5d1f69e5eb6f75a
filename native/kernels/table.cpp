// One instruction set's kernels in one table.
#include "kernels.h"
#include "simd.h"

namespace chainrule {
namespace CHAINRULE_SET {

void add_activation(Kernels& kernels);
void add_elementwise(Kernels& kernels);
void add_linear(Kernels& kernels);
void add_loss(Kernels& kernels);
void add_numbers(Kernels& kernels);
void add_random(Kernels& kernels);
void add_reduction(Kernels& kernels);
void add_runs(Kernels& kernels);
void add_sampling(Kernels& kernels);

static Kernels collected(const char* name) {
    Kernels kernels{};
    kernels.name = name;
    add_activation(kernels);
    add_elementwise(kernels);
    add_linear(kernels);
    add_loss(kernels);
    add_numbers(kernels);
    add_random(kernels);
    add_reduction(kernels);
    add_runs(kernels);
    add_sampling(kernels);
    return kernels;
}

}  // namespace CHAINRULE_SET

#ifdef CHAINRULE_AVX2
const Kernels& avx2_table() {
    static const Kernels kernels = CHAINRULE_SET::collected("avx2");
    return kernels;
}
#else
const Kernels& plain_table() {
    static const Kernels kernels = CHAINRULE_SET::collected("plain");
    return kernels;
}
#endif

}  // namespace chainrule
