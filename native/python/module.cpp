// The native module: its functions and types.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "executor.h"
#include "loaded.h"
#include "lock.h"
#include "permutation.h"
#include "philox.h"
#include "ready.h"
#include "steps.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Number>
using Array = nb::ndarray<Number, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// The set that shuffles use; CHAINRULE_INSTRUCTION_SET says "plain" where it shall not be the
// widest.
const chainrule::Kernels& kernels_of_process() {
    static const chainrule::Kernels& chosen = []() -> const chainrule::Kernels& {
        const char* wanted = std::getenv("CHAINRULE_INSTRUCTION_SET");
        const chainrule::Kernels* widest = chainrule::avx2_kernels();
        const bool plain = wanted != nullptr && std::string(wanted) == "plain";
        return plain || widest == nullptr ? *chainrule::plain_kernels() : *widest;
    }();
    return chosen;
}

template <typename Number>
void mask(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose, std::uint64_t threshold, double scale) {
    chainrule::unlocked(out.size(), [&] {
        chainrule::fill_mask(out.data(), out.size(), {key, stream, step, purpose}, threshold,
                             scale);
    });
}

template <typename Number>
using Fill = void (*)(Number*, std::size_t, const chainrule::Stream&);

template <typename Number, Fill<Number> fill>
void draw(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose) {
    chainrule::unlocked(out.size(),
                        [&] { fill(out.data(), out.size(), {key, stream, step, purpose}); });
}

void permutations(Array<std::int64_t> out, std::size_t count, std::uint64_t key,
                  std::uint32_t stream, std::uint64_t step, std::uint32_t purpose, int threads) {
    if (count == 0 || out.size() % count != 0) {
        throw chainrule::Refused("permutations: they have several lengths.");
    }
    chainrule::unlocked(out.size(), [&] {
        chainrule::fill_permutations(out.data(), count, out.size() / count,
                                     {key, stream, step, purpose}, kernels_of_process(), threads);
    });
}

// In place, so that tests reach shares that no seed draws in a lifetime.
void inverse_normal(Array<double> shares) {
    chainrule::unlocked(shares.size(), [&] {
        std::transform(shares.data(), shares.data() + shares.size(), shares.data(),
                       chainrule::inverse_normal);
    });
}

void words(Array<std::uint32_t> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
           std::uint32_t purpose, std::uint64_t first) {
    chainrule::unlocked(out.size(), [&] {
        chainrule::fill_words(out.data(), out.size(), {key, stream, step, purpose}, first);
    });
}

const chainrule::Kernels& kernels_named(const std::string& name) {
    for (const chainrule::Kernels* kernels :
         {chainrule::avx2_kernels(), chainrule::plain_kernels()}) {
        if (kernels != nullptr && name == kernels->name) {
            return *kernels;
        }
    }
    throw chainrule::Refused("instruction set '" + name + "' is not there.");
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const chainrule::Kernels* kernels :
         {chainrule::avx2_kernels(), chainrule::plain_kernels()}) {
        if (kernels != nullptr) {
            names.emplace_back(kernels->name);
        }
    }
    return names;
}

// One element-wise operation over arrays, for tests of what an instruction set computes.
template <typename T>
void apply(const std::string& name, const std::string& set, Array<T> out, Array<const T> x,
           std::optional<Array<const T>> y) {
    const auto kernel = chainrule::typed<T>(kernels_named(set)).elementwise(name.c_str());
    if (kernel == nullptr || x.size() != out.size() || (y && y->size() != out.size())) {
        throw chainrule::Refused("apply: no kernel '" + name + "', or sizes differ.");
    }
    const auto count = static_cast<chainrule::Index>(out.size());
    kernel(out.data(), x.data(), y ? y->data() : x.data(), 1, 1, count, T{0});
}

}  // namespace

NB_MODULE(_native, module) {
    module.doc() = "The native core of chainrule.";
    // Programs that live as long as the process are no leak to tell users of: an error that ends a
    // script holds its frames, and with them its models.
    nb::set_leak_warnings(false);
    module.def("fill_words", &words, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "first"_a);
    module.def("fill_uniform", &draw<double, chainrule::fill_uniform>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_normal", &draw<double, chainrule::fill_normal>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_truncated_normal", &draw<double, chainrule::fill_truncated_normal>,
               "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_permutations", &permutations, "out"_a.noconvert(), "count"_a, "key"_a,
               "stream"_a, "step"_a, "purpose"_a, "threads"_a);
    module.def("is_ready", &chainrule::is_ready, "array"_a, "type"_a, "row"_a, "threads"_a);
    module.def("copy_numbers", &chainrule::copy_numbers, "given"_a, "copy"_a, "least"_a, "most"_a);
    module.def("inverse_normal", &inverse_normal, "shares"_a.noconvert());
    module.def("fill_mask", &mask<float>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);
    module.def("fill_mask", &mask<double>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);

    nb::exception<chainrule::Refused>(module, "Refused", PyExc_ValueError);
    nb::exception<chainrule::BadData>(module, "BadData", PyExc_ValueError);
    nb::class_<chainrule::Loaded>(module, "Executor")
        .def(
            "__init__",
            [](chainrule::Loaded* made, const nb::dict& description, const std::string& set) {
                new (made) chainrule::Loaded(description, kernels_named(set));
            },
            "description"_a, "set"_a)
        .def("run", &chainrule::Loaded::run, "arrays"_a, "parameters"_a, "order"_a.none(),
             "batch_size"_a, "epoch_rows"_a.none(), "slots"_a, "lines"_a.none(), "seed"_a, "step"_a,
             "gradient"_a.none(), "threads"_a)
        .def("work", &chainrule::Loaded::work, "rows"_a)
        .def("runs", &chainrule::Loaded::runs, "rows"_a)
        .def("arena_bytes", &chainrule::Loaded::arena_bytes, "rows"_a);
    module.def("instruction_sets", &instruction_sets);
    module.def("operation_names", &chainrule::operation_names);
    module.def("apply", &apply<float>, "name"_a, "set"_a, "out"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert().none() = nb::none());
    module.def("apply", &apply<double>, "name"_a, "set"_a, "out"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert().none() = nb::none());
}
