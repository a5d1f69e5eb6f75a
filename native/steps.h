// From instructions to steps: an instruction bound to shapes and places for one number of rows.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels.h"
#include "tape.h"
#include "threads.h"

namespace chainrule {

// An address as a base, known when a run begins, and an offset in bytes from it.
struct Place {
    int base = 0;
    Index offset = 0;
};

// An array that is bound: strides count numbers.
struct Array {
    Type type = Type::float32;
    Shape shape;
    Shape strides;
    Place place;

    Index count() const;
    bool contiguous() const;
};

Shape contiguous_strides(const Shape& shape);

// What steps see while they run.
struct Frame {
    std::byte* const* bases;
    Team& team;
    std::byte* scratch;  // scratch_bytes for each worker
    Index scratch_bytes;

    template <typename T>
    T* at(const Place& place) const {
        return reinterpret_cast<T*>(bases[place.base] + place.offset);
    }
    template <typename T>
    T* scratch_of(int worker) const {
        return reinterpret_cast<T*>(scratch + worker * scratch_bytes);
    }
};

class Step {
public:
    virtual ~Step() = default;
    virtual void run(const Frame& frame) const = 0;
};

using Steps = std::vector<std::unique_ptr<Step>>;

// What a run of element-wise operations is called, and whether it was compiled with the set; no
// signature where an operand is neither an array of the run's shape, nor one row, nor one number.
struct RunNote {
    std::string signature;
    bool compiled;
};

// What a binder knows: the set's kernels, the tape's values as arrays, and memory to ask for.
struct Binding {
    const Kernels& kernels;
    Index rows;
    std::vector<Array>& arrays;
    Steps& steps;
    Index arena_bytes = 0;
    Index scratch_bytes = 0;
    double work = 0.0;  // multiply-adds of all products; of float64 each counts as two
    std::vector<RunNote> runs{};

    // Memory of the arena that nobody shares, and an array on it.
    Array temporary(Type type, const Shape& shape);
    void need_scratch(Index bytes);
    void add(std::unique_ptr<Step> step) { steps.push_back(std::move(step)); }
};

// An instruction with its operands and result as arrays. Binders append steps, or throw Refused.
struct Bound {
    const Instruction& instruction;
    std::vector<Array> operands;
    Array result;

    const Attribute& attribute(const char* name) const;
    Index whole(const char* name, Index rows = 0) const;
    std::vector<Index> wholes(const char* name, Index rows = 0) const;
    const std::string& text(const char* name) const;
    double number(const char* name) const;
    void need_operands(std::size_t count) const;
    [[noreturn]] void refuse(const std::string& why) const;
};

using Binder = void (*)(Binding& binding, const Bound& bound);

// A step that is a function of the frame.
template <typename Work>
class Does : public Step {
public:
    explicit Does(Work work) : work_(std::move(work)) {}
    void run(const Frame& frame) const override { work_(frame); }

private:
    Work work_;
};

template <typename Work>
void add_step(Binding& binding, Work work) {
    binding.add(std::make_unique<Does<Work>>(std::move(work)));
}

// By operation name; nullptr where there is none: views are the executor's, what is element-wise is
// bound as a run.
Binder binder_of(const std::string& name);
// All but the element-wise ones, which an instruction set knows.
std::vector<std::string> operation_names();

// out = x, numbers converted where types differ; any strides.
void bind_copy(Binding& binding, const Array& out, const Array& x);
// The array contiguous: itself, or a temporary that a step fills.
Array bind_contiguous(Binding& binding, const Array& x, Type type);
Array bind_contiguous(Binding& binding, const Array& x);
Array transposed(const Array& x, const std::vector<Index>& axes);
// x seen in another shape; false where strides do not allow it.
bool reshaped(const Array& x, const Shape& shape, Array& seen);
Array broadcast(const Array& x, const Shape& shape);

// A run of element-wise parts, alone or after a product whose result it takes on.
void bind_run(Binding& binding, const Instruction& run);
// The same with a matrix product as the first part.
void bind_product_run(Binding& binding, const Instruction& fused);

// families
void bind_matmul(Binding& binding, const Bound& bound);
void bind_reduction(Binding& binding, const Bound& bound);
void bind_argmax(Binding& binding, const Bound& bound);
void bind_along(Binding& binding, const Bound& bound);
void bind_cross_entropy(Binding& binding, const Bound& bound);
void bind_cross_entropy_slope(Binding& binding, const Bound& bound);
void bind_cast(Binding& binding, const Bound& bound);
void bind_concatenate(Binding& binding, const Bound& bound);
void bind_narrow(Binding& binding, const Bound& bound);
void bind_widen(Binding& binding, const Bound& bound);
void bind_gather(Binding& binding, const Bound& bound);
void bind_scatter_add(Binding& binding, const Bound& bound);
void bind_one_hot(Binding& binding, const Bound& bound);
void bind_count(Binding& binding, const Bound& bound);
void bind_mask(Binding& binding, const Bound& bound);
void bind_random(Binding& binding, const Bound& bound);
void bind_sampling(Binding& binding, const Bound& bound);
void bind_flip(Binding& binding, const Bound& bound);

template <typename T>
const Typed<T>& typed(const Kernels& kernels);
template <>
inline const Typed<float>& typed(const Kernels& kernels) {
    return kernels.float32;
}
template <>
inline const Typed<double>& typed(const Kernels& kernels) {
    return kernels.float64;
}

// Calls work(begin, end, worker) over 0..count in chunks of at least `least`, split over the team
// where there is enough to do.
template <typename Work>
void split(const Frame& frame, Index count, Index least, const Work& work) {
    const Index most = 4 * frame.team.size();
    const Index chunks = frame.team.size() == 1 ? 1 : count / least < most ? count / least : most;
    if (chunks <= 1) {
        work(Index{0}, count, 0);
        return;
    }
    struct Shared {
        const Work& work;
        Index count;
        Index chunks;
    } shared{work, count, chunks};
    frame.team.for_each(
        chunks,
        [](void* context, Index chunk, int worker) {
            const Shared& given = *static_cast<Shared*>(context);
            given.work(given.count * chunk / given.chunks, given.count * (chunk + 1) / given.chunks,
                       worker);
        },
        &shared);
}

}  // namespace chainrule
