// A tape as it is loaded: what chainrule.engine.native hands over, free of Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels.h"

namespace chainrule {

// A tape or a call that cannot be run; the sentence is shown to the user.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Numbers of the data that an operation cannot take, found while it ran.
struct BadData : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class Type { float32, float64, int32, int64, uint8, uint64, boolean };

Type type_named(const std::string& name);
Index item_size(Type type);

// number, or number times the rows of the batch.
struct Size {
    Index number = 0;
    bool rows = false;

    Index bound(Index row_count) const {
        Index made = number;
        if (rows && __builtin_mul_overflow(number, row_count, &made)) {
            throw Refused("a batch of " + std::to_string(row_count) + " rows is too large.");
        }
        return made;
    }
};

using Shape = std::vector<Index>;

// Where a value lies. `arena` is a place that values share one after the other, `own` memory for
// itself, `view` its operand's memory.
enum class Kind { arena, own, view, parameters, gradient, flat, input, constant, scalar, line };

struct Value {
    Type type;
    std::vector<Size> shape;
    Kind kind;
    Index number;  // of the place, flat array, input, scalar or line
    Index offset;  // in bytes, within parameters, gradient and constants
};

struct Attribute {
    std::vector<Size> sizes;  // whole numbers and sizes; one unless a tuple
    double number = 0.0;
    std::string text;
};

struct Instruction {
    std::string name;  // "fused" where it has parts
    std::vector<int> operands;
    std::vector<int> results;
    std::map<std::string, Attribute> attributes;
    std::vector<Instruction> parts;
};

struct Copy {
    int from;      // value
    Index number;  // of the flat array, or the offset in bytes within gradient or parameters
};

struct Description {
    std::vector<Value> values;
    std::vector<Instruction> instructions;
    std::size_t seam = 0;
    std::vector<int> results;          // values the caller is given, in order
    int loss = -1;                     // value, -1 without one
    std::vector<Copy> gradients;       // copied into the gradient before the seam
    std::vector<Copy> updates;         // copied over the flat arrays at the end
    std::vector<Copy> states;          // copied over parameters after the seam
    std::vector<std::byte> constants;  // their memory, one after the other
    Index gradient_bytes = 0;
    Index parameter_bytes = 0;
    std::vector<Index> flat_bytes;  // of the weight and each slot
    std::vector<std::string> inputs;
};

// Bytes of one array or of a run beyond which arithmetic might overflow.
constexpr Index kMostBytes = Index{1} << 46;

// Throws Refused where an index or a size does not fit; kernels check their own operands later.
void check(const Description& tape);

}  // namespace chainrule
