// Runs of element-wise operations that are known now, mostly the update rules of optimizers: one
// pass over memory with everything between operands and results in registers. The arithmetic is
// that of the single operations, so the bits are too.
#include "kernels.h"
#include "operations.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// A signature: parts as `name x y;`, then `>` and the parts that are results. An operand is o and
// its number where it is an array, s where it is one number, r and the number of an earlier part.
template <int size>
struct Text {
    char letters[size]{};
    // NOLINTNEXTLINE: a literal becomes a template argument
    constexpr Text(const char (&given)[size]) {
        for (int index = 0; index < size; ++index) {
            letters[index] = given[index];
        }
    }
};

constexpr int kMostParts = 24;

struct Part {
    int name = 0;  // where its name begins and ends in the text
    int name_end = 0;
    char kinds[2]{};
    int numbers[2]{};
};

struct Plan {
    Part parts[kMostParts]{};
    int part_count = 0;
    int results[8]{};
    int result_count = 0;
};

template <int size>
constexpr int read_number(const Text<size>& text, int& at) {
    int number = 0;
    while (text.letters[at] >= '0' && text.letters[at] <= '9') {
        number = 10 * number + (text.letters[at++] - '0');
    }
    return number;
}

template <int size>
constexpr Plan read_plan(const Text<size>& text) {
    Plan plan;
    int at = 0;
    while (text.letters[at] != '>') {
        Part& part = plan.parts[plan.part_count++];
        part.name = at;
        while (text.letters[at] != ' ') {
            ++at;
        }
        part.name_end = at;
        for (int operand = 0; text.letters[at] == ' '; ++operand) {
            part.kinds[operand] = text.letters[at + 1];
            at += 2;
            part.numbers[operand] = read_number(text, at);
        }
        ++at;  // the semicolon
    }
    ++at;
    while (text.letters[at] == ' ') {
        ++at;
        plan.results[plan.result_count++] = read_number(text, at);
    }
    return plan;
}

template <int size>
constexpr bool named(const Text<size>& text, const Part& part, const char* name) {
    int at = part.name;
    while (at < part.name_end && text.letters[at] == *name) {
        ++at;
        ++name;
    }
    return at == part.name_end && *name == '\0';
}

template <Text text, typename T>
struct Known {
    static constexpr Plan kPlan = read_plan(text);

    struct Constants {
        Vec<T> numbers[kMostParts];
        Vec<T> threshold;
    };

    template <int index, int side, bool whole>
    static CHAINRULE_INLINE Vec<T> operand(const Vec<T>* made, T* const*, const T* const* operands,
                                           const Constants& constants, Index at, int count) {
        constexpr Part part = kPlan.parts[index];
        if constexpr (part.kinds[side] == 'r') {
            return made[part.numbers[side]];
        } else if constexpr (part.kinds[side] == 's') {
            return constants.numbers[part.numbers[side]];
        } else if constexpr (part.kinds[side] == 'o') {
            const T* from = operands[part.numbers[side]] + at;
            return whole ? load(from) : load_part(from, count);
        } else {
            return zeros<T>();
        }
    }

    template <int index, bool whole>
    static CHAINRULE_INLINE void compute(Vec<T>* made, T* const* results, const T* const* operands,
                                         const Constants& constants, Index at, int count) {
        if constexpr (index < kPlan.part_count) {
            constexpr Part part = kPlan.parts[index];
            const Vec<T> x =
                operand<index, 0, whole>(made, results, operands, constants, at, count);
            const Vec<T> y =
                operand<index, 1, whole>(made, results, operands, constants, at, count);
            const Vec<T> s = constants.threshold;
#define CHAINRULE_COMPUTE(name, costly, formula)                \
    if constexpr (named(text, part, name##_operation::kName)) { \
        made[index] = name##_operation{}(x, y, s);              \
    }
            CHAINRULE_BINARY(CHAINRULE_COMPUTE)
            CHAINRULE_UNARY(CHAINRULE_COMPUTE)
#undef CHAINRULE_COMPUTE
            compute<index + 1, whole>(made, results, operands, constants, at, count);
        }
    }

    template <int index, bool whole>
    static CHAINRULE_INLINE void keep(const Vec<T>* made, T* const* results, Index at, int count) {
        if constexpr (index < kPlan.result_count) {
            if constexpr (whole) {
                store(results[index] + at, made[kPlan.results[index]]);
            } else {
                store_part(results[index] + at, made[kPlan.results[index]], count);
            }
            keep<index + 1, whole>(made, results, at, count);
        }
    }

    static void run(T* const* results, const T* const* operands, Index count) {
        Constants constants;
        constants.threshold = broadcast(static_cast<T>(1e-30));  // of flush, where it is used
        for (int index = 0; index < kPlan.part_count; ++index) {
            for (int side = 0; side < 2; ++side) {
                if (kPlan.parts[index].kinds[side] == 's') {
                    const int number = kPlan.parts[index].numbers[side];
                    constants.numbers[number] = broadcast(*operands[number]);
                }
            }
        }
        Vec<T> made[kMostParts];
        Index at = 0;
        for (; at + kLanes<T> <= count; at += kLanes<T>) {
            compute<0, true>(made, results, operands, constants, at, 0);
            keep<0, true>(made, results, at, 0);
        }
        if (at < count) {
            const int left = static_cast<int>(count - at);
            compute<0, false>(made, results, operands, constants, at, left);
            keep<0, false>(made, results, at, left);
        }
    }

    static constexpr CompiledRun<T> kRun{text.letters, run};
};

bool same(const char* one, const char* other) {
    while (*one != '\0' && *one == *other) {
        ++one;
        ++other;
    }
    return *one == *other;
}

template <typename T, Text... texts>
const CompiledRun<T>* found(const char* signature) {
    const CompiledRun<T>* run = nullptr;
    ((run = same(signature, texts.letters) ? &Known<texts, T>::kRun : run), ...);
    return run;
}

template <typename T>
const CompiledRun<T>* compiled_run(const char* signature) {
    return found<T,
#include "known_runs.inc"
                 >(signature);
}

}  // namespace

void add_update(Kernels& kernels) {
    kernels.float32.compiled_run = compiled_run<float>;
    kernels.float64.compiled_run = compiled_run<double>;
}

}  // namespace chainrule::CHAINRULE_SET
