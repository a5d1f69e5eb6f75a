// The memory of runs, which threads keep from one run to the next.
#pragma once

#include <cstddef>
#include <memory>

#include "kernels.h"

namespace chainrule {

struct Arena {
    std::byte* memory = nullptr;
    Index bytes = 0;

    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();
    // At least so many bytes; what it held is lost where it grows.
    void grow(Index wanted);
};

// The smallest of this thread's idle arenas that is large enough, whatever tape it was made for, or
// a new one.
std::unique_ptr<Arena> take_arena(Index wanted);
void give_back(std::unique_ptr<Arena> arena);

}  // namespace chainrule
