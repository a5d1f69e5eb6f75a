#include "executor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <optional>

#include "arena.h"

namespace chainrule {
namespace {

// Multiply-adds of a step, those of float64 twice, below which one thread is as fast as two.
constexpr double kWorthThreads = 4e6;
// Batches a thread that come out even where each is wholly one thread's.
constexpr Index kManyBatches = 4;
// Bytes to gather below which one thread does it alone.
constexpr Index kWorthSplitting = 16384;
constexpr std::size_t kMostPrograms = 8;

double as_double(const std::byte* at, Type type) {
    switch (type) {
        case Type::float32:
            return *reinterpret_cast<const float*>(at);
        case Type::float64:
            return *reinterpret_cast<const double*>(at);
        case Type::int32:
            return *reinterpret_cast<const std::int32_t*>(at);
        case Type::int64:
            return static_cast<double>(*reinterpret_cast<const std::int64_t*>(at));
        case Type::uint64:
            return static_cast<double>(*reinterpret_cast<const std::uint64_t*>(at));
        default:
            return static_cast<double>(*reinterpret_cast<const std::uint8_t*>(at));
    }
}

}  // namespace

namespace {

Index memory_of(const Program& program, int workers) {
    return program.arena_bytes + program.scratch_bytes * workers;
}

void gather_rows(const Frame& frame, std::byte* to, const std::byte* from, Index row_bytes,
                 const Index* order, Index rows) {
    const auto bytes = static_cast<std::size_t>(row_bytes);
    if (row_bytes == 4) {
        for (Index row = 0; row < rows; ++row) {
            std::memcpy(to + row * 4, from + order[row] * 4, 4);
        }
        return;
    }
    if (row_bytes == 8) {
        for (Index row = 0; row < rows; ++row) {
            std::memcpy(to + row * 8, from + order[row] * 8, 8);
        }
        return;
    }
    split(frame, rows, std::max<Index>(1, kWorthSplitting / std::max<Index>(row_bytes, 1)),
          [&](Index begin, Index end, int) {
              for (Index row = begin; row < end; ++row) {
                  std::memcpy(to + row * row_bytes, from + order[row] * row_bytes, bytes);
              }
          });
}

}  // namespace

// Asks whether a call was interrupted, so seldom that it costs nothing.
class Interruption {
public:
    explicit Interruption(const Call& call) : ask_(call.update ? nullptr : call.interrupted) {}
    bool came() {
        if (ask_ == nullptr || Clock::now() < next_) {
            return false;
        }
        next_ = Clock::now() + kBetween;
        return ask_();
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kBetween{50};

    bool (*ask_)();
    Clock::time_point next_ = Clock::now() + kBetween;
};

// A batch of a call: its number, and where in the order its rows begin.
struct Piece {
    const Program& program;
    Index number;
    Index first;
};

// One thread's way through batches of a call.
struct Batch {
    const Description& tape;
    const Call& call;
    Arena& arena;
    Team& team;
    std::vector<std::byte*> bases;

    Batch(const Description& of_tape, const Call& of_call, Arena& memory, Team& workers)
        : tape(of_tape),
          call(of_call),
          arena(memory),
          team(workers),
          bases(kFlat + tape.flat_bytes.size() + tape.inputs.size() + 1, nullptr) {
        bases[kParameters] = call.parameters;
        std::copy(call.flat.begin(), call.flat.end(), bases.begin() + kFlat);
        bases.back() = const_cast<std::byte*>(tape.constants.data());
    }

    // False where it stopped at a loss that is not finite, before its update.
    bool run(const Piece& piece) {
        const Program& program = piece.program;
        arena.grow(memory_of(program, team.size()));
        bases[kArena] = arena.memory;
        bases[kGradient] =
            call.gradient != nullptr ? call.gradient : arena.memory + program.gradient_offset;
        const Frame frame{bases.data(), team, arena.memory + program.arena_bytes,
                          program.scratch_bytes};
        set_inputs(program, frame, piece.first);
        for (const auto& given : program.scalars) {
            *frame.at<std::uint64_t>(given.place) =
                given.number == 0 ? call.seed
                                  : call.step + static_cast<std::uint64_t>(piece.number);
        }
        for (const auto& step : program.forward) {
            step->run(frame);
        }
        keep_results(program, frame, piece);
        if (tape.loss >= 0 &&
            !std::isfinite(as_double(frame.at<std::byte>(program.loss.place), program.loss.type))) {
            return false;
        }
        if (!call.update) {
            return true;
        }
        set_lines(program, frame, piece.number);
        for (const auto& step : program.update) {
            step->run(frame);
        }
        return true;
    }

    void set_inputs(const Program& program, const Frame& frame, Index first) {
        for (const GivenInput& given : program.inputs) {
            const std::byte* data = call.inputs[static_cast<std::size_t>(given.number)];
            std::byte*& base = bases[static_cast<std::size_t>(given.base)];
            if (call.order == nullptr) {
                base = const_cast<std::byte*>(data) + first * given.row_bytes;
                continue;
            }
            base = frame.at<std::byte>(given.buffer);
            gather_rows(frame, base, data, given.row_bytes, call.order + first, program.rows);
        }
    }

    void set_lines(const Program& program, const Frame& frame, Index number) {
        const auto count = static_cast<Index>(program.lines.size());
        for (const auto& given : program.lines) {
            const double value = call.lines[number * count + given.number];
            if (given.type == Type::float32) {
                *frame.at<float>(given.place) = static_cast<float>(value);
            } else {
                *frame.at<double>(given.place) = value;
            }
        }
    }

    void keep_results(const Program& program, const Frame& frame, const Piece& piece) {
        for (std::size_t index = 0; index < program.results.size(); ++index) {
            const Wanted& wanted = program.results[index];
            const std::byte* from = frame.at<std::byte>(wanted.place);
            if (wanted.scalar) {
                reinterpret_cast<double*>(call.results[index])[piece.number] =
                    as_double(from, wanted.type);
            } else if (wanted.row_bytes != 0) {
                std::memcpy(call.results[index] + piece.first * wanted.row_bytes, from,
                            static_cast<std::size_t>(program.rows * wanted.row_bytes));
            }
        }
    }
};

Executor::Executor(Description tape, const Kernels& kernels)
    : tape_(std::move(tape)), kernels_(kernels) {
    check(tape_);
    program(1);  // whatever a kernel refuses, it refuses now
}

Executor::~Executor() = default;

std::shared_ptr<const Program> Executor::program(Index rows) {
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t index = 0; index < programs_.size(); ++index) {
            if (programs_[index]->rows == rows) {
                std::rotate(programs_.begin(), programs_.begin() + static_cast<Index>(index),
                            programs_.begin() + static_cast<Index>(index) + 1);
                return programs_.front();
            }
        }
    }
    auto made = bind_program(tape_, kernels_, rows);
    const std::lock_guard lock(mutex_);
    programs_.insert(programs_.begin(), made);
    if (programs_.size() > kMostPrograms) {
        programs_.pop_back();
    }
    return made;
}

Outcome Executor::run(const Call& call) {
    Outcome outcome;
    if (call.rows == 0) {
        return outcome;
    }
    if (call.order != nullptr) {
        for (Index row = 0; row < call.rows; ++row) {
            if (call.order[row] < 0 || call.order[row] >= call.data_rows) {
                throw BadData("program: order names row " + std::to_string(call.order[row]) +
                              ", the data has rows 0 to " + std::to_string(call.data_rows - 1) +
                              "; give numbers of rows.");
            }
        }
    }
    const Index batches = call.batches();
    const Index in_epoch = call.epoch_batches();
    const auto whole = program(std::min(call.batch_size, call.epoch_rows));
    const Index rest = call.epoch_rows - (in_epoch - 1) * call.batch_size;
    const auto last = rest == whole->rows ? whole : program(rest);
    const auto piece = [&](Index number) -> Piece {
        const Index place = number % in_epoch;
        return {place + 1 < in_epoch ? *whole : *last, number,
                number / in_epoch * call.epoch_rows + place * call.batch_size};
    };
    if (!call.update && batches >= kManyBatches * call.threads) {
        const double work = whole->work * static_cast<double>(batches);
        Team team(work >= kWorthThreads ? call.threads : 1);
        return run_apart(call, batches, piece, team);
    }
    Team team(whole->work >= kWorthThreads ? call.threads : 1);
    auto arena = take_arena(memory_of(*whole, team.size()));
    Batch batch(tape_, call, *arena, team);
    Interruption interruption(call);
    for (Index number = 0; number < batches && !outcome.stopped; ++number) {
        if (interruption.came()) {
            outcome.interrupted = true;
            break;
        }
        outcome.stopped = !batch.run(piece(number));
        ++outcome.batches;
    }
    give_back(std::move(arena));
    return outcome;
}

// Without updates batches do not wait for one another: each is wholly one thread's, whose caches
// keep what goes from layer to layer.
template <typename PieceOf>
Outcome Executor::run_apart(const Call& call, Index batches, PieceOf piece, Team& team) {
    struct Worker {
        Team alone{1};
        std::unique_ptr<Arena> arena;
        std::optional<Batch> batch;
    };
    std::vector<Worker> workers(static_cast<std::size_t>(team.size()));
    for (Worker& worker : workers) {
        worker.arena = take_arena(memory_of(piece(0).program, 1));
        worker.batch.emplace(tape_, call, *worker.arena, worker.alone);
    }
    std::mutex mutex;
    std::atomic<Index> stopped{batches};  // the first batch that was
    std::exception_ptr error;
    Interruption interruption(call);
    bool interrupted = false;
    auto work = [&](Index number, int worker) {
        std::exception_ptr raised;
        if (worker == 0 && interruption.came()) {
            interrupted = true;
            stopped = -1;
        }
        if (number > stopped.load(std::memory_order_relaxed)) {
            return;
        }
        try {
            if (workers[static_cast<std::size_t>(worker)].batch->run(piece(number))) {
                return;
            }
        } catch (...) {
            raised = std::current_exception();
        }
        const std::lock_guard lock(mutex);
        if (number < stopped) {
            stopped = number;
            error = raised;
        }
    };
    team.for_each(
        batches,
        [](void* context, Index number, int worker) {
            (*static_cast<decltype(work)*>(context))(number, worker);
        },
        &work);
    for (Worker& worker : workers) {
        give_back(std::move(worker.arena));
    }
    if (interrupted) {
        return {0, false, true};
    }
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
    return {std::min(stopped + 1, batches), stopped < batches, false};
}

bool Executor::is_scalar(std::size_t result) const {
    return tape_.values[static_cast<std::size_t>(tape_.results[result])].shape.empty();
}

Index Executor::line_count() const {
    return std::count_if(tape_.values.begin(), tape_.values.end(),
                         [](const Value& value) { return value.kind == Kind::line; });
}

double Executor::work(Index rows) {
    return program(rows)->work;
}

std::vector<RunNote> Executor::runs(Index rows) {
    return program(rows)->runs;
}

Index Executor::arena_bytes(Index rows) {
    return program(rows)->arena_bytes;
}

}  // namespace chainrule
