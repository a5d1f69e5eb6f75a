// A run of element-wise operations, block by block: one pass over memory whatever its length.
#pragma once

#include "../steps.h"

namespace chainrule {

constexpr int kMostSlots = 128;

template <typename T>
class Run : public Step {
public:
    // parts: the element-wise instructions; `first_array` replaces value `first` where the run
    // takes on a product's result.
    Run(Binding& binding, const std::vector<Instruction>& parts, const std::vector<int>& results,
        int first = -1, const Array* first_array = nullptr);

    void run(const Frame& frame) const override;
    // Rows and columns of a result with `columns` in a row: all columns, or a part of them.
    void rectangle(const Frame& frame, int worker, Index first_row, Index last_row, Index columns,
                   Index first_column, Index last_column) const;
    bool is_compiled() const { return compiled_ != nullptr; }

private:
    // How an operand is read: where it lies with step 1 or as one number, or copied to scratch.
    enum class Mode { direct, single, expanded, pattern };
    struct Operand {
        Place place;
        Type type;
        Shape strides;  // along axes_
        Mode flat, by_row;
        Index expansion;  // in scratch
    };
    struct Part {
        Elementwise<T> kernel;
        int x, y;
        T setting;
    };
    struct Made {
        bool kept;
        Place place;
        Index scratch;
    };

    void add_operand(const Array& array);
    void collapse();
    void choose_modes();
    void place_results(Binding& binding, const std::vector<Instruction>& parts,
                       const std::vector<int>& results);
    std::string signed_as(const std::vector<Instruction>& parts) const;
    void range(const Frame& frame, int worker, Index begin, Index end) const;
    void run_compiled(const Frame& frame, const T* patterns, Index begin, Index rows, Index columns,
                      Index row_step) const;
    void compiled_rows(const Frame& frame, int worker, Index begin, Index end) const;
    void repeat(const T* row, T* out, Index count) const;
    void row_range(const Frame& frame, int worker, Index begin, Index end) const;
    void block(const Frame& frame, T* scratch, Index begin, Index count, bool by_row,
               bool patterns) const;
    const T* operand(const Frame& frame, const Operand& given, T* scratch, Index begin, Index count,
                     Mode mode, bool patterns) const;
    template <typename From>
    void expand(const From* from, const Operand& given, T* to, Index begin, Index count) const;
    Index row_offset(const Operand& given, Index row) const;

    Shape shape_;
    Shape axes_;  // collapsed sizes
    Index count_ = 0;
    Index inner_ = 1;
    bool patterned_ = false;  // an operand is one row for all rows
    Index block_ = 0;
    std::vector<Operand> operands_;
    std::vector<Part> parts_;
    std::vector<Made> made_;  // by part
    Index scratch_numbers_ = 0;
    CompiledRun<T> compiled_ = nullptr;
    std::vector<int> compiled_results_;  // parts
};

}  // namespace chainrule
