// Runs of element-wise operations that are known now, what follows a dense layer's products and the
// update rules: one pass over memory with everything between operands and results in registers. The
// arithmetic is that of the single operations, so the bits are too.
#include "kernels.h"
#include "operations.h"

namespace chainrule::CHAINRULE_SET {
namespace {

// A signature: parts as `name x y;`, then `>` and the parts that are results. An operand is o and
// its number where it is an array, p where it is one row for all rows, s where it is one number, r
// and the number of an earlier part.
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
constexpr int kMostResults = 8;

struct Part {
    int name = 0;  // where its name begins and ends in the text
    int name_end = 0;
    char kinds[2]{};
    int numbers[2]{};
};

struct Plan {
    Part parts[kMostParts]{};
    int part_count = 0;
    int results[kMostResults]{};
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

    // Local copies of what the call gives: stores of vectors may alias the call's own arrays.
    struct Given {
        T* results[kMostResults];
        const T* operands[kMostParts];
        Vec<T> numbers[kMostParts];
        Vec<T> threshold;
    };

    template <int index, int side>
    static CHAINRULE_INLINE void take(const T* const* operands, Given& given) {
        constexpr Part part = kPlan.parts[index];
        constexpr int number = part.numbers[side];
        if constexpr (part.kinds[side] == 's') {
            given.numbers[number] = broadcast(*operands[number]);
        } else if constexpr (part.kinds[side] == 'o' || part.kinds[side] == 'p') {
            given.operands[number] = operands[number];
        }
    }

    template <int index>
    static CHAINRULE_INLINE void take_operands(const T* const* operands, Given& given) {
        if constexpr (index < kPlan.part_count) {
            take<index, 0>(operands, given);
            take<index, 1>(operands, given);
            take_operands<index + 1>(operands, given);
        }
    }

    template <int index>
    static CHAINRULE_INLINE void take_results(T* const* results, Given& given) {
        if constexpr (index < kPlan.result_count) {
            given.results[index] = results[index];
            take_results<index + 1>(results, given);
        }
    }

    template <int index, int side, bool whole>
    static CHAINRULE_INLINE Vec<T> operand(const Vec<T>* made, const Given& given, Index row,
                                           Index at, int count) {
        constexpr Part part = kPlan.parts[index];
        if constexpr (part.kinds[side] == 'r') {
            return made[part.numbers[side]];
        } else if constexpr (part.kinds[side] == 's') {
            return given.numbers[part.numbers[side]];
        } else if constexpr (part.kinds[side] == 'o' || part.kinds[side] == 'p') {
            const T* from =
                given.operands[part.numbers[side]] + (part.kinds[side] == 'o' ? row + at : at);
            return whole ? load(from) : load_part(from, count);
        } else {
            return zeros<T>();
        }
    }

    template <int index, bool whole>
    static CHAINRULE_INLINE void compute(Vec<T>* made, const Given& given, Index row, Index at,
                                         int count) {
        if constexpr (index < kPlan.part_count) {
            constexpr Part part = kPlan.parts[index];
            const Vec<T> x = operand<index, 0, whole>(made, given, row, at, count);
            const Vec<T> y = operand<index, 1, whole>(made, given, row, at, count);
            const Vec<T> s = given.threshold;
#define CHAINRULE_COMPUTE(name, costly, formula)                \
    if constexpr (named(text, part, name##_operation::kName)) { \
        made[index] = name##_operation{}(x, y, s);              \
    }
            CHAINRULE_BINARY(CHAINRULE_COMPUTE)
            CHAINRULE_UNARY(CHAINRULE_COMPUTE)
#undef CHAINRULE_COMPUTE
            compute<index + 1, whole>(made, given, row, at, count);
        }
    }

    template <int index, bool whole>
    static CHAINRULE_INLINE void keep(const Vec<T>* made, const Given& given, Index at, int count) {
        if constexpr (index < kPlan.result_count) {
            if constexpr (whole) {
                store(given.results[index] + at, made[kPlan.results[index]]);
            } else {
                store_part(given.results[index] + at, made[kPlan.results[index]], count);
            }
            keep<index + 1, whole>(made, given, at, count);
        }
    }

    static void run(T* const* results, const T* const* operands, Index rows, Index columns,
                    Index row_step) {
        Given given;
        take_results<0>(results, given);
        take_operands<0>(operands, given);
        given.threshold = broadcast(static_cast<T>(1e-30));  // of flush, where it is used
        Vec<T> made[kMostParts];
        for (Index row = 0; row < rows * row_step; row += row_step) {
            Index at = 0;
            for (; at + kLanes<T> <= columns; at += kLanes<T>) {
                compute<0, true>(made, given, row, at, 0);
                keep<0, true>(made, given, row + at, 0);
            }
            if (at < columns) {
                const int left = static_cast<int>(columns - at);
                compute<0, false>(made, given, row, at, left);
                keep<0, false>(made, given, row + at, left);
            }
        }
    }
};

bool same(const char* one, const char* other) {
    while (*one != '\0' && *one == *other) {
        ++one;
        ++other;
    }
    return *one == *other;
}

template <typename T, Text... texts>
CompiledRun<T> found(const char* signature) {
    CompiledRun<T> run = nullptr;
    ((run = same(signature, texts.letters) ? Known<texts, T>::run : run), ...);
    return run;
}

template <typename T>
CompiledRun<T> compiled_run(const char* signature) {
    return found<T,
#include "known_runs.inc"
                 >(signature);
}

}  // namespace

void add_runs(Kernels& kernels) {
    kernels.float32.compiled_run = compiled_run<float>;
    kernels.float64.compiled_run = compiled_run<double>;
}

}  // namespace chainrule::CHAINRULE_SET
