// The border to Python: arrays in, filled arrays out. The only file that sees nanobind.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <optional>

#include "philox.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Number>
using Array = nb::ndarray<Number, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Below this many numbers, giving the interpreter lock away costs more than it frees.
constexpr std::size_t kLongCall = 4096;

template <typename Work>
void run(std::size_t count, Work work) {
    std::optional<nb::gil_scoped_release> released;
    if (count >= kLongCall) {
        released.emplace();
    }
    work();
}

template <typename Number>
void mask(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose, std::uint64_t threshold, double scale) {
    run(out.size(), [&] {
        chainrule::fill_mask(out.data(), out.size(), {key, stream, step, purpose}, threshold,
                             scale);
    });
}

template <typename Number>
using Fill = void (*)(Number*, std::size_t, const chainrule::Stream&);

template <typename Number, Fill<Number> fill>
void draw(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose) {
    run(out.size(), [&] { fill(out.data(), out.size(), {key, stream, step, purpose}); });
}

// In place, so that tests reach shares that no seed draws in a lifetime.
void inverse_normal(Array<double> shares) {
    run(shares.size(), [&] {
        std::transform(shares.data(), shares.data() + shares.size(), shares.data(),
                       chainrule::inverse_normal);
    });
}

void words(Array<std::uint32_t> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
           std::uint32_t purpose, std::uint64_t first) {
    run(out.size(), [&] {
        chainrule::fill_words(out.data(), out.size(), {key, stream, step, purpose}, first);
    });
}

}  // namespace

NB_MODULE(_native, module) {
    module.doc() = "The native core of chainrule.";
    module.def("fill_words", &words, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "first"_a);
    module.def("fill_uniform", &draw<double, chainrule::fill_uniform>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_normal", &draw<double, chainrule::fill_normal>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_truncated_normal", &draw<double, chainrule::fill_truncated_normal>,
               "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_permutation", &draw<std::int64_t, chainrule::fill_permutation>,
               "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a, "purpose"_a);
    module.def("inverse_normal", &inverse_normal, "shares"_a.noconvert());
    module.def("fill_mask", &mask<float>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);
    module.def("fill_mask", &mask<double>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);
}
