// The process's one pool of threads, and what a run of the executor borrows of it.
#pragma once

#include "kernels.h"

namespace chainrule {

class Pool;

// Borrows the pool where no other Team has it, else works alone; one thread makes and uses it.
class Team {
public:
    using Work = void (*)(void* context, Index chunk, int worker);

    explicit Team(int threads);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    // Threads that may work, the caller's included.
    int size() const { return size_; }

    // Calls work(context, chunk, worker) once for each chunk from 0 to chunks - 1, and returns when
    // all are done. The caller is worker 0, others are below size(). `work` must not throw.
    void for_each(Index chunks, Work work, void* context);

private:
    Pool* pool_ = nullptr;
    int size_ = 1;
};

}  // namespace chainrule
