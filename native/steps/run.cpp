// A run bound: its operands, how each is read, where results lie, and what it is called.
#include "run.h"

#include <algorithm>

namespace chainrule {
namespace {

// Bytes of a block of each operand and result: all that a run touches stays in the first cache.
constexpr Index kBlockBytes = 4096;

template <typename T>
constexpr Type own_type() {
    return sizeof(T) == sizeof(float) ? Type::float32 : Type::float64;
}

}  // namespace

template <typename T>
Run<T>::Run(Binding& binding, const std::vector<Instruction>& parts,
            const std::vector<int>& results, int first, const Array* first_array) {
    const Array& last = binding.arrays[static_cast<std::size_t>(parts.back().results[0])];
    shape_ = last.shape;
    count_ = last.count();
    std::map<int, int> slot;  // value -> operand, or -1 - part
    for (const Instruction& part : parts) {
        if (typed<T>(binding.kernels).elementwise(part.name.c_str()) == nullptr) {
            throw Refused("the native engine has no kernel for '" + part.name + "'.");
        }
        if (part.operands.empty() || part.operands.size() > 2) {
            throw Refused("fused: '" + part.name + "' has other operands.");
        }
        for (const int index : part.operands) {
            if (!slot.contains(index)) {
                slot[index] = static_cast<int>(operands_.size());
                add_operand(index == first ? *first_array
                                           : binding.arrays[static_cast<std::size_t>(index)]);
            }
        }
        slot[part.results[0]] = -static_cast<int>(&part - parts.data()) - 1;
    }
    const int operand_count = static_cast<int>(operands_.size());
    if (operand_count + static_cast<int>(parts.size()) > kMostSlots) {
        throw Refused("fused: a run is too long.");
    }
    const auto slot_of = [&](int index) {
        const int found = slot.at(index);
        return found >= 0 ? found : operand_count - found - 1;
    };
    for (const Instruction& part : parts) {
        Part made{};
        made.kernel = typed<T>(binding.kernels).elementwise(part.name.c_str());
        made.x = slot_of(part.operands.at(0));
        made.y = part.operands.size() > 1 ? slot_of(part.operands[1]) : made.x;
        if (part.attributes.size() > 1) {
            throw Refused("fused: '" + part.name + "' has more than one setting.");
        }
        for (const auto& [setting, value] : part.attributes) {
            made.setting = static_cast<T>(value.number);
        }
        parts_.push_back(made);
    }
    collapse();
    choose_modes();
    place_results(binding, parts, results);
    const std::string signature = signed_as(parts);
    if (!signature.empty()) {
        compiled_ = typed<T>(binding.kernels).compiled_run(signature.c_str());
    }
    binding.need_scratch(scratch_numbers_ * static_cast<Index>(sizeof(T)));
    binding.runs.push_back({signature, compiled_ != nullptr});
}

template <typename T>
void Run<T>::add_operand(const Array& array) {
    if (array.type != Type::float32 && array.type != Type::float64) {
        throw Refused("fused: an operand is not a number with a fraction.");
    }
    const Array seen = broadcast(array, shape_);
    operands_.push_back({seen.place, seen.type, seen.strides, Mode::direct, Mode::direct, 0});
}

// Leaves out axes of size 1 and joins those that every operand walks through as one.
template <typename T>
void Run<T>::collapse() {
    std::vector<Shape> strides(operands_.size());
    for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
        if (shape_[axis] == 1) {
            continue;
        }
        bool joins = !axes_.empty();
        for (std::size_t index = 0; joins && index < operands_.size(); ++index) {
            joins = strides[index].back() == operands_[index].strides[axis] * shape_[axis];
        }
        if (joins) {
            axes_.back() *= shape_[axis];
        } else {
            axes_.push_back(shape_[axis]);
        }
        for (std::size_t index = 0; index < operands_.size(); ++index) {
            if (joins) {
                strides[index].back() = operands_[index].strides[axis];
            } else {
                strides[index].push_back(operands_[index].strides[axis]);
            }
        }
    }
    if (axes_.empty()) {
        axes_.push_back(count_);
        for (Shape& one : strides) {
            one.push_back(0);
        }
    }
    for (std::size_t index = 0; index < operands_.size(); ++index) {
        operands_[index].strides = strides[index];
    }
    inner_ = axes_.back();
}

template <typename T>
void Run<T>::choose_modes() {
    const Type own = own_type<T>();
    const Shape canonical = contiguous_strides(axes_);
    for (Operand& given : operands_) {
        const bool single = std::all_of(given.strides.begin(), given.strides.end(),
                                        [](Index stride) { return stride == 0; });
        const bool along = given.strides.back() == 1 || (inner_ == 1 && axes_.size() == 1);
        const bool outer_still = std::all_of(given.strides.begin(), given.strides.end() - 1,
                                             [](Index stride) { return stride == 0; });
        if (given.type != own) {
            given.flat = given.by_row = Mode::expanded;
        } else {
            given.flat = single                       ? Mode::single
                         : given.strides == canonical ? Mode::direct
                         : outer_still && along       ? Mode::pattern
                                                      : Mode::expanded;
            given.by_row = given.strides.back() == 0 ? Mode::single
                           : along                   ? Mode::direct
                                                     : Mode::expanded;
        }
        patterned_ = patterned_ || given.flat == Mode::pattern;
    }
    const Index most = kBlockBytes / static_cast<Index>(sizeof(T));
    block_ = patterned_ && inner_ <= most ? most / inner_ * inner_ : most;
    block_ = std::max<Index>(std::min(block_, count_), 1);
    for (Operand& given : operands_) {
        if (given.flat == Mode::pattern || given.flat == Mode::expanded ||
            given.by_row == Mode::expanded) {
            given.expansion = scratch_numbers_;
            scratch_numbers_ += (block_ + 15) / 16 * 16;
        }
    }
}

// Results lie where they are wanted; what lives only inside the run takes turns in scratch.
template <typename T>
void Run<T>::place_results(Binding& binding, const std::vector<Instruction>& parts,
                           const std::vector<int>& results) {
    std::map<int, std::size_t> last;
    for (std::size_t position = 0; position < parts.size(); ++position) {
        for (const int index : parts[position].operands) {
            last[index] = position;
        }
    }
    std::vector<Index> free;
    std::map<int, Index> held;
    const Index size = (block_ + 15) / 16 * 16;
    for (std::size_t position = 0; position < parts.size(); ++position) {
        const int result = parts[position].results[0];
        for (const int index : parts[position].operands) {
            const auto found = held.find(index);
            if (found != held.end() && last[index] == position) {
                free.push_back(found->second);  // element-wise, so it may be written over
                held.erase(found);
            }
        }
        if (std::find(results.begin(), results.end(), result) != results.end()) {
            const Array& array = binding.arrays[static_cast<std::size_t>(result)];
            if (!array.contiguous() || array.shape != shape_ || array.type != own_type<T>()) {
                throw Refused("fused: a result is not contiguous, or of another type.");
            }
            made_.push_back({true, array.place, 0});
            compiled_results_.push_back(static_cast<int>(position));
            continue;
        }
        Index place = scratch_numbers_;
        if (free.empty()) {
            scratch_numbers_ += size;
        } else {
            place = free.back();
            free.pop_back();
        }
        made_.push_back({false, {}, place});
        if (last.contains(result)) {
            held[result] = place;
        } else {
            free.push_back(place);
        }
    }
}

template <typename T>
std::string Run<T>::signed_as(const std::vector<Instruction>& parts) const {
    const int operand_count = static_cast<int>(operands_.size());
    std::string signature;
    for (std::size_t position = 0; position < parts.size(); ++position) {
        const Part& part = parts_[position];
        signature += parts[position].name;
        // the threshold that compiled runs have built in
        if (parts[position].name == "flush" && part.setting != static_cast<T>(1e-30)) {
            return {};
        }
        for (std::size_t side = 0; side < parts[position].operands.size(); ++side) {
            const int slot = side == 0 ? part.x : part.y;
            if (slot >= operand_count) {
                signature.append(" r").append(std::to_string(slot - operand_count));
                continue;
            }
            const Mode mode = operands_[static_cast<std::size_t>(slot)].flat;
            if (mode == Mode::expanded) {
                return {};
            }
            signature.append(mode == Mode::direct   ? " o"
                             : mode == Mode::single ? " s"
                                                    : " p")
                .append(std::to_string(slot));
        }
        signature += ";";
    }
    signature += ">";
    for (const int position : compiled_results_) {
        signature.append(" ").append(std::to_string(position));
    }
    return compiled_results_.size() <= 8 && operand_count <= 24 ? signature : std::string();
}

template Run<float>::Run(Binding&, const std::vector<Instruction>&, const std::vector<int>&, int,
                         const Array*);
template Run<double>::Run(Binding&, const std::vector<Instruction>&, const std::vector<int>&, int,
                          const Array*);

void bind_run(Binding& binding, const Instruction& run) {
    const Array& last = binding.arrays[static_cast<std::size_t>(run.parts.back().results[0])];
    if (last.count() == 0) {
        return;
    }
    if (last.type == Type::float32) {
        binding.add(std::make_unique<Run<float>>(binding, run.parts, run.results));
    } else if (last.type == Type::float64) {
        binding.add(std::make_unique<Run<double>>(binding, run.parts, run.results));
    } else {
        throw Refused("fused: a result is not a number with a fraction.");
    }
}

}  // namespace chainrule
