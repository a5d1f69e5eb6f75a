#include "program.h"

#include <algorithm>
#include <map>

namespace chainrule {
namespace {

// Turns a description into steps for one number of rows.
class ProgramBinder {
public:
    ProgramBinder(const Description& tape, const Kernels& kernels, Index rows)
        : tape_(tape),
          binding_{kernels, rows, arrays_, steps_},
          constants_base_(kFlat + static_cast<int>(tape.flat_bytes.size()) +
                          static_cast<int>(tape.inputs.size())) {}

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
        copy_states();
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

    // The values that need memory: what an instruction gives, and nothing that parts of one run
    // hand to each other, which may take many times as much as all the rest (an optimizer's values
    // are as long as the parameters).
    std::vector<bool> values_in_memory() const {
        std::vector<bool> needed(tape_.values.size(), false);
        for (const Instruction& instruction : tape_.instructions) {
            for (const int index : instruction.results) {
                needed[static_cast<std::size_t>(index)] = true;
            }
        }
        return needed;
    }

    void place_values(Program& program) {
        const std::vector<bool> needed = values_in_memory();
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
            if (needed[index] || tape_.values[index].kind != Kind::own) {
                place_value(program, tape_.values[index], arrays_[index], place_offset);
            }
        }
    }

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
        if (x.type != bound.result.type) {
            bound.refuse("its result has another type");
        }
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

    // One may be another's old value: all are saved, then all are moved.
    std::vector<Array> saved_values(const std::vector<Copy>& copies) {
        std::vector<Array> saved;
        for (const Copy& copy : copies) {
            const Array& x = arrays_[static_cast<std::size_t>(copy.from)];
            saved.push_back(binding_.temporary(x.type, x.shape));
            bind_copy(binding_, saved.back(), x);
        }
        return saved;
    }

    void copy_states() {
        const std::vector<Array> saved = saved_values(tape_.states);
        for (std::size_t index = 0; index < saved.size(); ++index) {
            Array out = saved[index];
            out.place = {kParameters, tape_.states[index].number};
            const Index bytes = out.count() * item_size(out.type);
            if (out.place.offset > tape_.parameter_bytes - bytes) {
                throw Refused("tape refused: a state lies outside of its array.");
            }
            bind_copy(binding_, out, saved[index]);
        }
    }

    // New values that could not be written over the old ones.
    void copy_updates() {
        const std::vector<Array> saved = saved_values(tape_.updates);
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

}  // namespace

std::shared_ptr<const Program> bind_program(const Description& tape, const Kernels& kernels,
                                            Index rows) {
    if (rows < 0 || rows > kMostBytes) {
        throw Refused("a batch cannot have " + std::to_string(rows) + " rows.");
    }
    auto program = std::make_shared<Program>();
    ProgramBinder(tape, kernels, rows).bind(*program);
    return program;
}

}  // namespace chainrule
