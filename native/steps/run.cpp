#include "run.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>

namespace chainrule {
namespace {

// Bytes of a block of each operand and result: all that a run touches stays in the first cache.
constexpr Index kBlockBytes = 4096;
// Rows at least this long are taken one by one; shorter ones together, row vectors repeated.
constexpr Index kLongRow = 512;
// Operations below which a second thread costs more than it does.
constexpr Index kWorthSplitting = 16384;

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
        made.out = slot_of(part.results[0]);
        made.x = slot_of(part.operands.at(0));
        made.y = part.operands.size() > 1 ? slot_of(part.operands[1]) : made.x;
        const auto setting = part.attributes.find("threshold");
        made.setting =
            setting == part.attributes.end() ? T{0} : static_cast<T>(setting->second.number);
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
    const Type own = sizeof(T) == 4 ? Type::float32 : Type::float64;
    const Shape canonical = contiguous_strides(axes_);
    bool patterned = false;
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
        patterned = patterned || given.flat == Mode::pattern;
    }
    const Index most = kBlockBytes / static_cast<Index>(sizeof(T));
    block_ = patterned && inner_ <= most ? most / inner_ * inner_ : most;
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
            if (!array.contiguous() || array.shape != shape_) {
                throw Refused("fused: a result is not contiguous.");
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
            if (mode != Mode::direct && mode != Mode::single) {
                return {};
            }
            signature.append(mode == Mode::direct ? " o" : " s").append(std::to_string(slot));
        }
        signature += ";";
    }
    signature += ">";
    for (const int position : compiled_results_) {
        signature.append(" ").append(std::to_string(position));
    }
    return compiled_results_.size() <= 8 && operand_count <= 24 ? signature : std::string();
}

template <typename T>
void Run<T>::run(const Frame& frame) const {
    const Index parts = static_cast<Index>(parts_.size());
    if (inner_ >= kLongRow && axes_.size() > 1) {
        const Index least = std::max<Index>(1, kWorthSplitting / (inner_ * parts));
        split(frame, count_ / inner_, least, [&](Index begin, Index end, int worker) {
            row_range(frame, worker, begin * inner_, end * inner_);
        });
        return;
    }
    const Index blocks = (count_ + block_ - 1) / block_;
    const Index least = std::max<Index>(1, kWorthSplitting / (block_ * parts));
    split(frame, blocks, least, [&](Index begin, Index end, int worker) {
        range(frame, worker, begin * block_, std::min(end * block_, count_));
    });
}

template <typename T>
void Run<T>::rectangle(const Frame& frame, int worker, Index first_row, Index last_row,
                       Index columns, Index first_column, Index last_column) const {
    if (first_column == 0 && last_column == columns && (inner_ < kLongRow || axes_.size() == 1)) {
        range(frame, worker, first_row * columns, last_row * columns);
        return;
    }
    for (Index row = first_row; row < last_row; ++row) {
        row_range(frame, worker, row * columns + first_column, row * columns + last_column);
    }
}

// Elements from the start of a block on.
template <typename T>
void Run<T>::range(const Frame& frame, int worker, Index begin, Index end) const {
    if (compiled_ != nullptr) {
        const T* operands[kMostSlots];
        T* results[8];
        for (std::size_t index = 0; index < operands_.size(); ++index) {
            const Operand& given = operands_[index];
            operands[index] = frame.at<T>(given.place) + (given.flat == Mode::direct ? begin : 0);
        }
        for (std::size_t index = 0; index < compiled_results_.size(); ++index) {
            const Made& made = made_[static_cast<std::size_t>(compiled_results_[index])];
            results[index] = frame.at<T>(made.place) + begin;
        }
        compiled_->run(results, operands, end - begin);
        return;
    }
    T* scratch = frame.scratch_of<T>(worker);
    for (Index at = begin; at < end; at += block_) {
        block(frame, scratch, at, std::min(block_, end - at), false, at == begin);
    }
}

// Elements of which no block crosses from one row to the next.
template <typename T>
void Run<T>::row_range(const Frame& frame, int worker, Index begin, Index end) const {
    T* scratch = frame.scratch_of<T>(worker);
    for (Index at = begin; at < end;) {
        const Index row_end = (at / inner_ + 1) * inner_;
        const Index count = std::min({block_, end - at, row_end - at});
        block(frame, scratch, at, count, true, true);
        at += count;
    }
}

template <typename T>
void Run<T>::block(const Frame& frame, T* scratch, Index begin, Index count, bool by_row,
                   bool patterns) const {
    T* address[kMostSlots];
    Index steps[kMostSlots];
    const std::size_t operand_count = operands_.size();
    for (std::size_t index = 0; index < operand_count; ++index) {
        const Operand& given = operands_[index];
        const Mode mode = by_row ? given.by_row : given.flat;
        address[index] =
            const_cast<T*>(operand(frame, given, scratch, begin, count, mode, patterns));
        steps[index] = mode == Mode::single ? 0 : 1;
    }
    for (std::size_t index = 0; index < parts_.size(); ++index) {
        const Made& made = made_[index];
        const Part& part = parts_[index];
        T* out = made.kept ? frame.at<T>(made.place) + begin : scratch + made.scratch;
        address[operand_count + index] = out;
        steps[operand_count + index] = 1;
        part.kernel(out, address[part.x], address[part.y], steps[part.x], steps[part.y], count,
                    part.setting);
    }
}

template <typename T>
const T* Run<T>::operand(const Frame& frame, const Operand& given, T* scratch, Index begin,
                         Index count, Mode mode, bool patterns) const {
    T* expansion = scratch + given.expansion;
    switch (mode) {
        case Mode::direct:
        case Mode::single:
            if (axes_.size() == 1) {
                return frame.at<T>(given.place) + (mode == Mode::direct ? begin : 0);
            }
            if (given.flat == mode) {
                return frame.at<T>(given.place) + (mode == Mode::direct ? begin : 0);
            }
            return frame.at<T>(given.place) + row_offset(given, begin / inner_) +
                   begin % inner_ * given.strides.back();
        case Mode::pattern: {
            // blocks are whole rows, so one expansion serves them all
            const T* from = frame.at<T>(given.place);
            if (inner_ > block_) {
                expand(from, given, expansion, begin, count);
                return expansion;
            }
            if (!patterns) {
                return expansion;
            }
            std::memcpy(expansion, from, static_cast<std::size_t>(inner_) * sizeof(T));
            for (Index done = inner_; done < count; done *= 2) {
                std::memcpy(expansion + done, expansion,
                            static_cast<std::size_t>(std::min(done, count - done)) * sizeof(T));
            }
            return expansion;
        }
        case Mode::expanded:
            if (given.type == Type::float32) {
                expand(frame.at<float>(given.place), given, expansion, begin, count);
            } else {
                expand(frame.at<double>(given.place), given, expansion, begin, count);
            }
            return expansion;
    }
    return nullptr;
}

template <typename T>
Index Run<T>::row_offset(const Operand& given, Index row) const {
    Index offset = 0;
    for (std::size_t axis = axes_.size() - 1; axis-- > 0;) {
        offset += row % axes_[axis] * given.strides[axis];
        row /= axes_[axis];
    }
    return offset;
}

template <typename T>
template <typename From>
void Run<T>::expand(const From* from, const Operand& given, T* to, Index begin, Index count) const {
    const Index stride = given.strides.back();
    Index row = begin / inner_;
    Index column = begin % inner_;
    for (Index done = 0; done < count; ++row, column = 0) {
        const From* source = from + row_offset(given, row) + column * stride;
        const Index length = std::min(inner_ - column, count - done);
        for (Index index = 0; index < length; ++index) {
            to[done + index] = static_cast<T>(source[index * stride]);
        }
        done += length;
    }
}

template class Run<float>;
template class Run<double>;

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
