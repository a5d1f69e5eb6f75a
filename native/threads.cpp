// The caller publishes an offer of chunks; whoever replaces the offer by a smaller one has a chunk.
// Nobody is waited for who has not begun: a caller whose workers sleep, or have no core, does all
// chunks itself. Workers spin between two offers for a moment, then park.
#include "threads.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace chainrule {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// Waking a parked worker takes some 30 us: spinning as long costs no more than that.
constexpr microseconds kWorkerSpin{30};
// A worker that has a core is soon done; one that has none may need the caller's.
constexpr microseconds kCallerSpin{30};
// A wake takes the caller some 10 us: seldom, and ever more seldom while nobody comes.
constexpr microseconds kShortestBetweenWakes{100};
constexpr microseconds kLongestBetweenWakes{3200};

constexpr int kMostThreads = 64;

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("isb");
#endif
}

// Whether `holds` came true within a time.
template <typename Holds>
bool spin(microseconds time, Holds holds) {
    const auto end = Clock::now() + time;
    do {
        for (int turn = 0; turn < 16; ++turn) {
            if (holds()) {
                return true;
            }
            relax();
        }
    } while (Clock::now() < end);
    return false;
}

// Chunks first to last - 1, which nobody has begun, for so many threads, in one word. Equal words
// are the same offer even where one of them is old: what a chunk is, is read after it was taken.
struct Offer {
    static constexpr int kBits = 24;
    static constexpr std::uint64_t kMost = (std::uint64_t{1} << kBits) - 1;

    std::uint64_t word;

    static Offer of(int threads, Index chunks) {
        return {static_cast<std::uint64_t>(threads) << 2 * kBits |
                static_cast<std::uint64_t>(chunks)};
    }
    int threads() const { return static_cast<int>(word >> 2 * kBits); }
    Index first() const { return static_cast<Index>(word >> kBits & kMost); }
    Index last() const { return static_cast<Index>(word & kMost); }
    bool holds(int worker) const { return worker < threads() && first() < last(); }
    Offer without_first() const { return {word + (std::uint64_t{1} << kBits)}; }
    Offer without_last() const { return {word - 1}; }
};

// One bit a worker.
using Workers = std::uint64_t;

Workers only(int worker) {
    return Workers{1} << worker;
}
Workers all_of(int threads) {
    return ~Workers{0} >> (64 - threads);
}

}  // namespace

class Pool {
public:
    static Pool& of_process();

    bool borrow() { return !borrowed_.exchange(true, std::memory_order_acquire); }
    void give_back() { borrowed_.store(false, std::memory_order_release); }

    // How many threads of those asked for there are, the caller's included.
    int begin_team(int threads);
    void run(int threads, Index chunks, Team::Work work, void* context);

private:
    // What the chunks on offer are: read by those who have one, written when all are done.
    struct Job {
        Team::Work work;
        void* context;
        Index before;
        std::uint64_t team;
    };
    struct alignas(64) Bell {
        std::atomic<std::uint32_t> rung{0};
    };

    bool start_worker();
    Index do_own();
    void wait_for(std::uint32_t finished);
    void wake(Workers team);
    void wake_now_and_then(Workers team);
    void ring_one();

    void serve(int worker) noexcept;
    bool help(int worker, std::uint64_t& team);
    void park(int worker);

    alignas(64) std::atomic<std::uint64_t> offer_{0};
    Job job_{};
    alignas(64) std::atomic<std::uint32_t> finished_{0};  // chunks, by workers
    std::atomic<std::uint32_t> awaited_{0};               // by a caller that sleeps
    alignas(64) std::atomic<Workers> parked_{0};
    std::atomic<Workers> called_{0};  // no longer parked, yet to be rung for
    alignas(64) std::atomic<bool> borrowed_{false};

    // Used by the borrower only.
    int threads_ = 1;
    std::uint64_t teams_ = 0;
    std::fenv_t rounding_{};
    Clock::time_point woken_{};
    microseconds between_wakes_ = kShortestBetweenWakes;
    bool helped_ = false;
    Bell bells_[kMostThreads];
};

namespace {

std::atomic<Pool*> process_pool{nullptr};

#if !defined(_WIN32)
// Workers stay behind at a fork; the child makes a pool of its own when it needs one.
[[maybe_unused]] const int watched = pthread_atfork(
    nullptr, nullptr, [] { process_pool.store(nullptr, std::memory_order_relaxed); });
#endif

}  // namespace

// Never deleted: workers wait in it until the process is gone.
Pool& Pool::of_process() {
    Pool* pool = process_pool.load(std::memory_order_acquire);
    if (pool != nullptr) {
        return *pool;
    }
    Pool* made = new Pool;
    if (process_pool.compare_exchange_strong(pool, made, std::memory_order_acq_rel)) {
        return *made;
    }
    delete made;
    return *pool;
}

bool Pool::start_worker() {
#if !defined(_WIN32)
    // Signals are for the threads of the host.
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
#endif
    bool started = true;
    try {
        std::thread(&Pool::serve, this, threads_).detach();
        ++threads_;
    } catch (const std::system_error&) {
        started = false;
    }
#if !defined(_WIN32)
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
    return started;
}

int Pool::begin_team(int threads) {
    while (threads_ < threads && start_worker()) {
    }
    threads = std::min(threads, threads_);
    ++teams_;
    std::fegetenv(&rounding_);
    offer_.store(Offer::of(threads, 0).word, std::memory_order_relaxed);
    woken_ = Clock::now();
    between_wakes_ = kShortestBetweenWakes;
    helped_ = false;
    wake(all_of(threads));
    return threads;
}

void Pool::run(int threads, Index chunks, Team::Work work, void* context) {
    constexpr Index most = Offer::kMost;
    for (Index before = 0; before < chunks; before += most) {
        const Index count = std::min(chunks - before, most);
        job_ = {work, context, before, teams_};
        finished_.store(0, std::memory_order_relaxed);
        offer_.store(Offer::of(threads, count).word, std::memory_order_release);
        wake_now_and_then(all_of(threads));
        const Index own = do_own();
        if (own < count) {
            helped_ = true;
            wait_for(static_cast<std::uint32_t>(count - own));
        }
    }
}

// The caller takes chunks from the front and workers from the back, so that each meets much the
// same ones, in its cache, every time.
Index Pool::do_own() {
    Index done = 0;
    Offer offer{offer_.load(std::memory_order_relaxed)};
    while (offer.first() < offer.last()) {
        if (offer_.compare_exchange_weak(offer.word, offer.without_first().word,
                                         std::memory_order_relaxed)) {
            job_.work(job_.context, job_.before + offer.first(), 0);
            ++done;
            offer.word = offer_.load(std::memory_order_relaxed);
        }
    }
    return done;
}

void Pool::wait_for(std::uint32_t finished) {
    const auto done = [&] { return finished_.load(std::memory_order_acquire) == finished; };
    if (spin(kCallerSpin, done)) {
        return;
    }
    awaited_.store(finished);
    for (auto seen = finished_.load(); seen != finished; seen = finished_.load()) {
        finished_.wait(seen);
    }
    awaited_.store(0, std::memory_order_relaxed);
}

// The caller rings for one worker, and each that wakes for two more.
void Pool::wake(Workers team) {
    const Workers called = parked_.fetch_and(~team) & team;
    if (called != 0) {
        called_.fetch_or(called);
        ring_one();
    }
}

void Pool::ring_one() {
    Workers called = called_.load();
    while (called != 0 && !called_.compare_exchange_weak(called, called & (called - 1))) {
    }
    if (called != 0) {
        std::atomic<std::uint32_t>& rung = bells_[std::countr_zero(called)].rung;
        rung.fetch_add(1);
        rung.notify_one();
    }
}

void Pool::wake_now_and_then(Workers team) {
    if ((parked_.load(std::memory_order_relaxed) & team) == 0) {
        return;
    }
    const auto now = Clock::now();
    if (now - woken_ < between_wakes_) {
        return;
    }
    between_wakes_ =
        helped_ ? kShortestBetweenWakes : std::min(2 * between_wakes_, kLongestBetweenWakes);
    woken_ = now;
    helped_ = false;
    wake(team);
}

void Pool::serve(int worker) noexcept {
    std::uint64_t team = 0;
    const auto offered = [&] {
        return Offer{offer_.load(std::memory_order_relaxed)}.holds(worker);
    };
    for (;;) {
        while (help(worker, team)) {
        }
        if (!spin(kWorkerSpin, offered)) {
            park(worker);
        }
    }
}

// Does one chunk, if there is one to have; `team` is the last that the worker was in.
bool Pool::help(int worker, std::uint64_t& team) {
    Offer offer{offer_.load(std::memory_order_relaxed)};
    do {
        if (!offer.holds(worker)) {
            return false;
        }
    } while (!offer_.compare_exchange_weak(offer.word, offer.without_last().word,
                                           std::memory_order_acquire, std::memory_order_relaxed));
    if (team != job_.team) {
        team = job_.team;
        std::fesetenv(&rounding_);  // the same bits as the caller, whatever its mode
    }
    job_.work(job_.context, job_.before + offer.last() - 1, worker);
    if (finished_.fetch_add(1) + 1 == awaited_.load()) {
        finished_.notify_one();
    }
    return true;
}

void Pool::park(int worker) {
    std::atomic<std::uint32_t>& rung = bells_[worker].rung;
    const auto before = rung.load();
    parked_.fetch_or(only(worker));
    rung.wait(before);
    ring_one();
    ring_one();
}

Team::Team(int threads) {
    if (threads <= 1) {
        return;
    }
    Pool& pool = Pool::of_process();
    if (pool.borrow()) {
        pool_ = &pool;
        size_ = pool.begin_team(std::min(threads, kMostThreads));
    }
}

Team::~Team() {
    if (pool_ != nullptr) {
        pool_->give_back();
    }
}

void Team::for_each(Index chunks, Work work, void* context) {
    if (size_ > 1 && chunks > 1) {
        pool_->run(size_, chunks, work, context);
        return;
    }
    for (Index chunk = 0; chunk < chunks; ++chunk) {
        work(context, chunk, 0);
    }
}

}  // namespace chainrule
