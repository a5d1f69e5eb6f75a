#include "arena.h"

#include <cstdlib>
#include <new>
#include <vector>

namespace chainrule {
namespace {

// What a thread keeps of the memory of its last runs: the system gives fresh memory page by page,
// for longer than a step takes.
constexpr std::size_t kMostIdle = 4;
constexpr Index kMostIdleBytes = Index{1} << 26;

// Arenas of this thread that no run has, whatever tape they were made for; the last one given back
// is the last.
std::vector<std::unique_ptr<Arena>>& idle_arenas() {
    thread_local std::vector<std::unique_ptr<Arena>> idle;
    return idle;
}

}  // namespace

Arena::~Arena() {
    std::free(memory);
}

void Arena::grow(Index wanted) {
    if (wanted <= bytes) {
        return;
    }
    std::free(memory);
    bytes = 0;
    const Index rounded = (wanted + 4095) / 4096 * 4096;
    memory = static_cast<std::byte*>(std::aligned_alloc(4096, static_cast<std::size_t>(rounded)));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    bytes = rounded;
}

std::unique_ptr<Arena> take_arena(Index wanted) {
    auto& idle = idle_arenas();
    auto best = idle.end();
    for (auto one = idle.begin(); one != idle.end(); ++one) {
        if ((*one)->bytes >= wanted && (best == idle.end() || (*one)->bytes < (*best)->bytes)) {
            best = one;
        }
    }
    if (best == idle.end()) {
        return std::make_unique<Arena>();
    }
    auto arena = std::move(*best);
    idle.erase(best);
    return arena;
}

void give_back(std::unique_ptr<Arena> arena) {
    if (arena->bytes > kMostIdleBytes) {
        return;
    }
    auto& idle = idle_arenas();
    idle.push_back(std::move(arena));
    Index kept = 0;
    for (const auto& one : idle) {
        kept += one->bytes;
    }
    while (idle.size() > kMostIdle || kept > kMostIdleBytes) {
        kept -= idle.front()->bytes;  // the one not used for longest
        idle.erase(idle.begin());
    }
}

}  // namespace chainrule
