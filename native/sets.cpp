// Which instruction sets this build has and this machine can run; compiled for any machine.
#include "kernels.h"

namespace chainrule {

const Kernels& avx2_table();
const Kernels& plain_table();

const Kernels* avx2_kernels() {
#ifdef CHAINRULE_HAS_AVX2
#if defined(__GNUC__) || defined(__clang__)
    static const bool runs = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return runs ? &avx2_table() : nullptr;
#else
    return nullptr;
#endif
#else
    return nullptr;
#endif
}

const Kernels* plain_kernels() {
    return &plain_table();
}

}  // namespace chainrule
