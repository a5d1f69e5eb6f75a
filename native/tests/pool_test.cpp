#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "check.h"
#include "threads.h"

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace chainrule {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// for_each with any function of chunk and worker.
template <typename Function>
void each(Team& team, Index chunks, Function function) {
    team.for_each(
        chunks,
        [](void* context, Index chunk, int worker) {
            (*static_cast<Function*>(context))(chunk, worker);
        },
        &function);
}

// The sum of 0 to chunks - 1, as a team makes it.
Index sum(Team& team, Index chunks) {
    std::vector<Index> parts(static_cast<std::size_t>(chunks));
    each(team, chunks, [&](Index chunk, int) { parts[static_cast<std::size_t>(chunk)] = chunk; });
    return std::accumulate(parts.begin(), parts.end(), Index{0});
}

// Calls for_each until some worker had a chunk, or seconds have gone.
template <typename Function>
bool until_helped(Team& team, Function function) {
    const auto end = Clock::now() + std::chrono::seconds(20);
    std::atomic<bool> helped{false};
    while (!helped && Clock::now() < end) {
        each(team, 2, [&](Index, int worker) {
            if (worker != 0) {
                function();
                helped = true;
            } else if (!helped) {
                std::this_thread::sleep_for(milliseconds(1));
            }
        });
    }
    return helped;
}

TEST(every_chunk_is_done_once_by_one_of_the_team) {
    for (int threads = 1; threads <= 5; ++threads) {
        Team team(threads);
        CHECK(team.size() == threads);
        for (Index chunks : {0, 1, 2, 3, 8, 64, 1000}) {
            std::vector<std::atomic<int>> done(static_cast<std::size_t>(chunks));
            std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
            each(team, chunks, [&](Index chunk, int worker) {
                CHECK(worker >= 0 && worker < team.size());
                CHECK(++busy[static_cast<std::size_t>(worker)] == 1);
                ++done[static_cast<std::size_t>(chunk)];
                --busy[static_cast<std::size_t>(worker)];
            });
            for (const auto& times : done) {
                CHECK(times == 1);
            }
        }
    }
}

TEST(what_chunks_wrote_is_seen_when_all_are_done) {
    Team team(4);
    for (Index round = 0; round < 5000; ++round) {
        const Index chunks = 1 + round % 20;
        CHECK(sum(team, chunks) == chunks * (chunks - 1) / 2);
    }
}

TEST(workers_help) {
    Team team(2);
    CHECK(until_helped(team, [] {}));
}

TEST(a_caller_waits_for_a_slow_worker) {
    Team team(2);
    bool written = false;
    CHECK(until_helped(team, [&] {
        std::this_thread::sleep_for(milliseconds(30));
        written = true;
    }));
    CHECK(written);
}

TEST(parked_workers_come_again) {
    Team team(3);
    for (int time = 0; time < 5; ++time) {
        CHECK(until_helped(team, [] {}));
        std::this_thread::sleep_for(milliseconds(10));
    }
}

TEST(workers_of_a_larger_team_stay_out_of_a_smaller) {
    for (int round = 0; round < 200; ++round) {
        {
            Team team(5);
            each(team, 8, [](Index, int) { std::this_thread::sleep_for(microseconds(50)); });
        }
        Team team(2);
        each(team, 8, [](Index, int worker) {
            CHECK(worker < 2);
            std::this_thread::sleep_for(microseconds(20));
        });
    }
}

TEST(a_second_team_works_alone) {
    auto first = std::make_unique<Team>(2);
    Team inner(2);
    CHECK(inner.size() == 1);
    std::thread([] {
        Team other(2);
        CHECK(other.size() == 1);
        CHECK(sum(other, 100) == 4950);
    }).join();
    first.reset();
    CHECK(inner.size() == 1);
    CHECK(Team(2).size() == 2);
}

TEST(a_team_within_a_chunk_works_alone) {
    Team team(2);
    each(team, 8, [](Index, int) {
        Team inner(2);
        CHECK(inner.size() == 1);
        CHECK(sum(inner, 10) == 45);
    });
}

TEST(sizes_that_cannot_be_had_become_those_that_can) {
    CHECK(Team(0).size() == 1);
    CHECK(Team(-3).size() == 1);
    const int most = Team(100000).size();
    CHECK(most > 1 && most < 100000);
}

TEST(many_threads_make_teams_at_once) {
    std::vector<std::thread> hosts;
    for (int host = 0; host < 4; ++host) {
        hosts.emplace_back([] {
            for (int round = 0; round < 500; ++round) {
                Team team(3);
                CHECK(sum(team, 7) == 21);
            }
        });
    }
    for (auto& host : hosts) {
        host.join();
    }
}

TEST(workers_round_as_the_caller_does) {
    for (const int mode : {FE_UPWARD, FE_TONEAREST}) {
        std::fesetround(mode);
        Team team(2);
        CHECK(until_helped(team, [&] { CHECK(std::fegetround() == mode); }));
    }
}

TEST(idle_workers_use_no_core) {
    Team team(4);
    CHECK(until_helped(team, [] {}));
    std::this_thread::sleep_for(milliseconds(20));
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(milliseconds(300));
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 20);
}

// ThreadSanitizer does not know threads that are started after a fork.
#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)

// Whether a forked child ends well within a time.
template <typename Function>
bool child_ends_well(Function function) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        function();
        std::_Exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
}

void need(bool holds) {
    if (!holds) {
        std::_Exit(1);
    }
}

void use_a_fresh_pool() {
    Team team(3);
    need(team.size() == 3);
    need(sum(team, 100) == 4950);
    need(until_helped(team, [] {}));
}

TEST(a_forked_child_has_a_pool_of_its_own) {
    CHECK(until_helped(*std::make_unique<Team>(2), [] {}));
    CHECK(child_ends_well([] {
        use_a_fresh_pool();
        need(child_ends_well(use_a_fresh_pool));
    }));
    Team team(2);
    CHECK(sum(team, 100) == 4950);
}

TEST(a_team_that_was_forked_works_without_its_workers) {
    Team team(3);
    CHECK(until_helped(team, [] {}));
    CHECK(child_ends_well([&] {
        for (int round = 0; round < 1000; ++round) {
            need(sum(team, 100) == 4950);
        }
        use_a_fresh_pool();
    }));
    CHECK(sum(team, 100) == 4950);
}

TEST(a_child_forked_while_another_thread_works_has_a_pool) {
    std::atomic<bool> stop{false};
    std::atomic<bool> started{false};
    std::thread other([&] {
        Team team(2);
        while (!stop) {
            // Nothing here may allocate: AddressSanitizer does not free its locks in the child.
            each(team, 20, [&](Index, int) { started = true; });
        }
    });
    while (!started) {
        std::this_thread::yield();
    }
    for (int time = 0; time < 20; ++time) {
        CHECK(child_ends_well(use_a_fresh_pool));
    }
    stop = true;
    other.join();
}

#endif

}  // namespace
}  // namespace chainrule
