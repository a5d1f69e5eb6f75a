// The interpreter's lock, given away while there is much to do without Python.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <optional>

namespace chainrule {

// Below this many numbers, giving the lock away costs more than it frees.
constexpr std::size_t kLongCall = 4096;

template <typename Work>
auto unlocked(std::size_t count, Work work) {
    std::optional<nanobind::gil_scoped_release> released;
    if (count >= kLongCall) {
        released.emplace();
    }
    return work();
}

}  // namespace chainrule
