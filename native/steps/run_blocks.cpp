// A run at work: compiled, or block by block through its operations.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "run.h"

namespace chainrule {
namespace {

// Rows at least this long are taken one by one; shorter ones together, row vectors repeated.
constexpr Index kLongRow = 512;
// Rows of a compiled run at least this long are taken one by one: their last vector counts little.
constexpr Index kManyColumns = 64;
// Operations below which a second thread costs more than it does.
constexpr Index kWorthSplitting = 16384;
constexpr Index kWorthSplittingBlocks = 4096;  // of the block interpreter

}  // namespace

template <typename T>
void Run<T>::run(const Frame& frame) const {
    const Index worth = (compiled_ != nullptr ? kWorthSplitting : kWorthSplittingBlocks) /
                        static_cast<Index>(parts_.size());
    if (inner_ >= kLongRow && axes_.size() > 1) {
        const Index least = std::max<Index>(1, worth / inner_);
        split(frame, count_ / inner_, least, [&](Index begin, Index end, int worker) {
            if (compiled_ != nullptr) {
                range(frame, worker, begin * inner_, end * inner_);
            } else {
                row_range(frame, worker, begin * inner_, end * inner_);
            }
        });
        return;
    }
    const Index blocks = (count_ + block_ - 1) / block_;
    const Index least = std::max<Index>(1, worth / block_);
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
    if (compiled_ != nullptr) {
        run_compiled(frame, nullptr, first_row * columns + first_column, last_row - first_row,
                     last_column - first_column, columns);
        return;
    }
    for (Index row = first_row; row < last_row; ++row) {
        row_range(frame, worker, row * columns + first_column, row * columns + last_column);
    }
}

// A matrix within the run's shape, from element `begin` on. Operands that are one row begin at the
// column of `begin`, or lie at `patterns` one after the other, a row of `columns` each.
template <typename T>
void Run<T>::run_compiled(const Frame& frame, const T* patterns, Index begin, Index rows,
                          Index columns, Index row_step) const {
    const T* operands[kMostSlots];
    T* results[kMostSlots];
    const Index column = patterned_ ? begin % inner_ : 0;
    for (std::size_t index = 0; index < operands_.size(); ++index) {
        const Operand& given = operands_[index];
        if (given.flat == Mode::pattern && patterns != nullptr) {
            operands[index] = patterns + given.expansion;
        } else {
            const Index skipped = given.flat == Mode::direct    ? begin
                                  : given.flat == Mode::pattern ? column
                                                                : 0;
            operands[index] = frame.at<T>(given.place) + skipped;
        }
    }
    for (std::size_t index = 0; index < compiled_results_.size(); ++index) {
        const Made& made = made_[static_cast<std::size_t>(compiled_results_[index])];
        results[index] = frame.at<T>(made.place) + begin;
    }
    compiled_(results, operands, rows, columns, row_step);
}

// Whole rows, where operands are one row for all. Short ones are taken several at once, with such
// operands repeated to whole vectors.
template <typename T>
void Run<T>::compiled_rows(const Frame& frame, int worker, Index begin, Index end) const {
    constexpr Index lanes = 32 / static_cast<Index>(sizeof(T));
    const Index width = std::lcm(inner_, lanes);
    if (inner_ % lanes == 0 || inner_ >= kManyColumns || end - begin < 2 * width) {
        run_compiled(frame, nullptr, begin, (end - begin) / inner_, inner_, inner_);
        return;
    }
    T* const patterns = frame.scratch_of<T>(worker);
    for (const Operand& given : operands_) {
        if (given.flat == Mode::pattern) {
            repeat(frame.at<T>(given.place), patterns + given.expansion, width);
        }
    }
    const Index rows = (end - begin) / width;
    run_compiled(frame, patterns, begin, rows, width, width);
    const Index rest = begin + rows * width;
    if (rest < end) {
        run_compiled(frame, patterns, rest, 1, end - rest, width);
    }
}

// A row again and again, count numbers in all.
template <typename T>
void Run<T>::repeat(const T* row, T* out, Index count) const {
    for (Index index = 0; index < inner_; ++index) {
        out[index] = row[index];
    }
    for (Index index = inner_; index < count; ++index) {
        out[index] = out[index - inner_];
    }
}

// Elements from the start of a block on.
template <typename T>
void Run<T>::range(const Frame& frame, int worker, Index begin, Index end) const {
    if (compiled_ != nullptr && patterned_) {
        compiled_rows(frame, worker, begin, end);
        return;
    }
    if (compiled_ != nullptr) {
        run_compiled(frame, nullptr, begin, 1, end - begin, end - begin);
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

template void Run<float>::run(const Frame&) const;
template void Run<double>::run(const Frame&) const;
template void Run<float>::rectangle(const Frame&, int, Index, Index, Index, Index, Index) const;
template void Run<double>::rectangle(const Frame&, int, Index, Index, Index, Index, Index) const;

}  // namespace chainrule
