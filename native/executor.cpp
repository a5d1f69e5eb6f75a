#include "executor.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

namespace chainrule {
namespace {

// Multiply-adds of a step below which one thread is faster than two.
constexpr double kWorthThreads = 5e6;
constexpr std::size_t kMostPrograms = 8;
constexpr std::size_t kMostIdle = 4;
// A larger arena is not kept: beside its steps, making it anew costs nothing.
constexpr Index kMostIdleBytes = Index{1} << 25;

// Bases of places, in order; flat arrays, inputs and constants follow.
constexpr int kArena = 0;
constexpr int kParameters = 1;
constexpr int kGradient = 2;
constexpr int kFlat = 3;

struct GivenScalar {
    Place place;
    Index number;
    Type type;
};

struct GivenInput {
    int base;
    Index number;
    Index row_bytes;
    Place buffer;
};

struct Wanted {
    Place place;
    Type type;
    bool scalar;
    Index row_bytes;
};

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

struct Executor::Program {
    Index rows = 0;
    Steps forward;
    Steps update;
    Index arena_bytes = 0;
    Index scratch_bytes = 0;
    Index gradient_offset = 0;
    std::vector<GivenInput> inputs;
    std::vector<GivenScalar> scalars;
    std::vector<GivenScalar> lines;
    std::vector<Wanted> results;
    Wanted loss{};
    double work = 0.0;
    std::vector<RunNote> runs;
};

struct Executor::Arena {
    std::byte* memory = nullptr;
    Index bytes = 0;

    ~Arena() { std::free(memory); }
    void grow(Index wanted) {
        if (wanted <= bytes) {
            return;
        }
        std::free(memory);
        bytes = 0;
        const Index rounded = (wanted + 4095) / 4096 * 4096;
        memory =
            static_cast<std::byte*>(std::aligned_alloc(4096, static_cast<std::size_t>(rounded)));
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        bytes = rounded;
    }
};

namespace {

// Turns a description into steps for one number of rows.
class Binder_ {
public:
    Binder_(const Description& tape, const Kernels& kernels, Index rows)
        : tape_(tape),
          binding_{kernels, rows, arrays_, steps_},
          constants_base_(kFlat + static_cast<int>(tape.flat_bytes.size()) +
                          static_cast<int>(tape.inputs.size())) {}

    template <typename Program>
    void bind(Program& program) {
        program.rows = binding_.rows;
        place_values(program);
        bind_instructions(0, tape_.seam);
        for (const Copy& copy : tape_.gradients) {
            copy_gradient(copy);
        }
        for (const int index : tape_.results) {
            program.results.push_back(wanted(index));
        }
        if (tape_.loss >= 0) {
            const Array& loss = arrays_[static_cast<std::size_t>(tape_.loss)];
            program.loss = {loss.place, loss.type, true, 0};
        }
        program.forward = std::move(steps_);
        steps_.clear();
        bind_instructions(tape_.seam, tape_.instructions.size());
        copy_updates();
        program.update = std::move(steps_);
        program.arena_bytes = binding_.arena_bytes;
        program.scratch_bytes = binding_.scratch_bytes;
        program.work = binding_.work;
        program.runs = std::move(binding_.runs);
    }

private:
    Shape bound_shape(const Value& value) const {
        Shape shape;
        Index bytes = item_size(value.type);
        for (const Size& size : value.shape) {
            shape.push_back(size.bound(binding_.rows));
            if (__builtin_mul_overflow(bytes, std::max<Index>(shape.back(), 1), &bytes) ||
                bytes > kMostBytes) {
                throw Refused("a batch of " + std::to_string(binding_.rows) +
                              " rows needs too much memory.");
            }
        }
        return shape;
    }

    template <typename Program>
    void place_values(Program& program) {
        std::map<Index, Index> place_bytes;
        for (const Value& value : tape_.values) {
            const Shape shape = bound_shape(value);
            arrays_.push_back({value.type, shape, contiguous_strides(shape), {}});
            if (value.kind == Kind::arena) {
                Index& bytes = place_bytes[value.number];
                bytes = std::max(bytes, arrays_.back().count() * item_size(value.type));
            }
        }
        std::map<Index, Index> place_offset;
        for (const auto& [place, bytes] : place_bytes) {
            place_offset[place] = binding_.temporary(Type::uint8, {bytes}).place.offset;
        }
        program.gradient_offset =
            binding_.temporary(Type::uint8, {tape_.gradient_bytes}).place.offset;
        for (std::size_t index = 0; index < arrays_.size(); ++index) {
            place_value(program, tape_.values[index], arrays_[index], place_offset);
        }
    }

    template <typename Program>
    void place_value(Program& program, const Value& value, Array& array,
                     const std::map<Index, Index>& place_offset) {
        const int inputs_base = kFlat + static_cast<int>(tape_.flat_bytes.size());
        switch (value.kind) {
            case Kind::arena:
                array.place = {kArena, place_offset.at(value.number)};
                return;
            case Kind::own:
                array.place = binding_.temporary(array.type, array.shape).place;
                return;
            case Kind::view:
                return;
            case Kind::parameters:
                array.place = {kParameters, value.offset};
                return;
            case Kind::gradient:
                array.place = {kGradient, value.offset};
                return;
            case Kind::flat:
                array.place = {kFlat + static_cast<int>(value.number), value.offset};
                return;
            case Kind::constant:
                array.place = {constants_base_, value.offset};
                return;
            case Kind::input: {
                array.place = {inputs_base + static_cast<int>(value.number), 0};
                const Place buffer = binding_.temporary(array.type, array.shape).place;
                program.inputs.push_back(
                    {array.place.base, value.number, row_bytes(array), buffer});
                return;
            }
            case Kind::scalar:
            case Kind::line: {
                array.place = binding_.temporary(array.type, {}).place;
                auto& list = value.kind == Kind::line ? program.lines : program.scalars;
                list.push_back({array.place, value.number, array.type});
                return;
            }
        }
    }

    Index row_bytes(const Array& array) const {
        Index bytes = item_size(array.type);
        for (std::size_t axis = 1; axis < array.shape.size(); ++axis) {
            bytes *= array.shape[axis];
        }
        return bytes;
    }

    void bind_instructions(std::size_t first, std::size_t last) {
        for (std::size_t index = first; index < last; ++index) {
            bind_instruction(tape_.instructions[index]);
        }
    }

    void bind_instruction(const Instruction& instruction) {
        if (!instruction.parts.empty()) {
            if (instruction.parts.front().name == "matmul") {
                bind_product_run(binding_, instruction);
            } else {
                bind_run(binding_, instruction);
            }
            return;
        }
        Bound bound{instruction, {}, arrays_[static_cast<std::size_t>(instruction.results[0])]};
        for (const int index : instruction.operands) {
            bound.operands.push_back(arrays_[static_cast<std::size_t>(index)]);
        }
        if (tape_.values[static_cast<std::size_t>(instruction.results[0])].kind == Kind::view) {
            arrays_[static_cast<std::size_t>(instruction.results[0])] = view(bound);
        } else if (const Binder binder = binder_of(instruction.name)) {
            binder(binding_, bound);
        } else {
            bind_run(binding_,
                     {"fused", instruction.operands, instruction.results, {}, {instruction}});
        }
    }

    Array view(const Bound& bound) {
        bound.need_operands(1);
        const Array& x = bound.operands[0];
        const Shape& shape = bound.result.shape;
        if (bound.instruction.name == "transpose") {
            const std::vector<Index> axes = bound.wholes("axes");
            std::vector<Index> sorted = axes;
            std::sort(sorted.begin(), sorted.end());
            for (std::size_t axis = 0; axis < axes.size(); ++axis) {
                if (sorted[axis] != static_cast<Index>(axis)) {
                    bound.refuse("its axes are not each named once");
                }
            }
            if (axes.size() != x.shape.size() || transposed(x, axes).shape != shape) {
                bound.refuse("its result does not fit");
            }
            return transposed(x, axes);
        }
        if (bound.instruction.name == "broadcast_to") {
            if (bound.wholes("shape", binding_.rows) != shape) {
                bound.refuse("its result does not fit");
            }
            return broadcast(x, shape);
        }
        if (bound.instruction.name != "reshape" || bound.result.count() != x.count()) {
            bound.refuse("its result does not fit");
        }
        Array seen;
        if (reshaped(x, shape, seen)) {
            return seen;
        }
        const Array made = bind_contiguous(binding_, x);
        reshaped(made, shape, seen);
        return seen;
    }

    void copy_gradient(const Copy& copy) {
        const Array& x = arrays_[static_cast<std::size_t>(copy.from)];
        Array out = x;
        out.strides = contiguous_strides(x.shape);
        out.place = {kGradient, copy.number};
        if (copy.number > tape_.gradient_bytes - x.count() * item_size(x.type)) {
            throw Refused("tape refused: a gradient lies outside of its array.");
        }
        bind_copy(binding_, out, x);
    }

    // New values that could not be written over the old ones: all are saved, then all are moved.
    void copy_updates() {
        std::vector<Array> saved;
        for (const Copy& copy : tape_.updates) {
            const Array& x = arrays_[static_cast<std::size_t>(copy.from)];
            saved.push_back(binding_.temporary(x.type, x.shape));
            bind_copy(binding_, saved.back(), x);
        }
        for (std::size_t index = 0; index < saved.size(); ++index) {
            const Index number = tape_.updates[index].number;
            if (saved[index].count() * item_size(saved[index].type) >
                tape_.flat_bytes[static_cast<std::size_t>(number)]) {
                throw Refused("tape refused: a new value is longer than the old one.");
            }
            Array out = saved[index];
            out.place = {kFlat + static_cast<int>(number), 0};
            bind_copy(binding_, out, saved[index]);
        }
    }

    Wanted wanted(int index) {
        const Array& given = arrays_[static_cast<std::size_t>(index)];
        const Array x = given.shape.empty() ? given : bind_contiguous(binding_, given);
        return {x.place, x.type, x.shape.empty(), x.shape.empty() ? 0 : row_bytes(x)};
    }

    const Description& tape_;
    std::vector<Array> arrays_;
    Steps steps_;
    Binding binding_;
    int constants_base_;
};

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
    split(frame, rows, std::max<Index>(1, 65536 / std::max<Index>(row_bytes, 1)),
          [&](Index begin, Index end, int) {
              for (Index row = begin; row < end; ++row) {
                  std::memcpy(to + row * row_bytes, from + order[row] * row_bytes, bytes);
              }
          });
}

}  // namespace

// One call's way through its batches.
struct Batch {
    const Description& tape;
    const Call& call;
    Executor::Arena& arena;
    Team& team;
    std::vector<std::byte*> bases;

    void run(const Executor::Program& program, Index number, Index first, Outcome& outcome) {
        arena.grow(program.arena_bytes + program.scratch_bytes * team.size());
        bases[kArena] = arena.memory;
        bases[kGradient] =
            call.gradient != nullptr ? call.gradient : arena.memory + program.gradient_offset;
        const Frame frame{bases.data(), team, arena.memory + program.arena_bytes,
                          program.scratch_bytes};
        set_inputs(program, frame, first);
        for (const auto& given : program.scalars) {
            *frame.at<std::uint64_t>(given.place) =
                given.number == 0 ? call.seed : call.step + static_cast<std::uint64_t>(number);
        }
        for (const auto& step : program.forward) {
            step->run(frame);
        }
        keep_results(program, frame, number, first);
        ++outcome.batches;
        if (tape.loss >= 0 &&
            !std::isfinite(as_double(frame.at<std::byte>(program.loss.place), program.loss.type))) {
            outcome.stopped = true;
            return;
        }
        if (!call.update) {
            return;
        }
        set_lines(program, frame, number);
        for (const auto& step : program.update) {
            step->run(frame);
        }
    }

    void set_inputs(const Executor::Program& program, const Frame& frame, Index first) {
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

    void set_lines(const Executor::Program& program, const Frame& frame, Index number) {
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

    void keep_results(const Executor::Program& program, const Frame& frame, Index number,
                      Index first) {
        for (std::size_t index = 0; index < program.results.size(); ++index) {
            const Wanted& wanted = program.results[index];
            const std::byte* from = frame.at<std::byte>(wanted.place);
            if (wanted.scalar) {
                reinterpret_cast<double*>(call.results[index])[number] =
                    as_double(from, wanted.type);
            } else if (wanted.row_bytes != 0) {
                std::memcpy(call.results[index] + first * wanted.row_bytes, from,
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

std::shared_ptr<const Executor::Program> Executor::bind(Index rows) const {
    if (rows < 0 || rows > kMostBytes) {
        throw Refused("a batch cannot have " + std::to_string(rows) + " rows.");
    }
    auto program = std::make_shared<Program>();
    Binder_(tape_, kernels_, rows).bind(*program);
    return program;
}

std::shared_ptr<const Executor::Program> Executor::program(Index rows) {
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
    auto made = bind(rows);
    const std::lock_guard lock(mutex_);
    programs_.insert(programs_.begin(), made);
    if (programs_.size() > kMostPrograms) {
        programs_.pop_back();
    }
    return made;
}

std::unique_ptr<Executor::Arena> Executor::take_arena() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
        return std::make_unique<Arena>();
    }
    auto arena = std::move(idle_.back());
    idle_.pop_back();
    return arena;
}

void Executor::give_back(std::unique_ptr<Arena> arena) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle && arena->bytes <= kMostIdleBytes) {
        idle_.push_back(std::move(arena));
    }
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
    Team team(whole->work >= kWorthThreads ? call.threads : 1);
    auto arena = take_arena();
    Batch batch{tape_, call, *arena, team, {}};
    batch.bases.assign(kFlat + tape_.flat_bytes.size() + tape_.inputs.size() + 1, nullptr);
    batch.bases[kParameters] = call.parameters;
    std::copy(call.flat.begin(), call.flat.end(), batch.bases.begin() + kFlat);
    batch.bases.back() = const_cast<std::byte*>(tape_.constants.data());
    for (Index number = 0; number < batches && !outcome.stopped; ++number) {
        const Index place = number % in_epoch;
        const Index first = number / in_epoch * call.epoch_rows + place * call.batch_size;
        batch.run(place + 1 < in_epoch ? *whole : *last, number, first, outcome);
    }
    give_back(std::move(arena));
    return outcome;
}

bool Executor::is_scalar(std::size_t result) const {
    return tape_.values[static_cast<std::size_t>(tape_.results[result])].shape.empty();
}

Index Executor::scalar_count() const {
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
