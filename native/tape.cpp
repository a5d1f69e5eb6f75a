#include "tape.h"

#include <algorithm>
#include <set>

namespace chainrule {

Type type_named(const std::string& name) {
    static const std::map<std::string, Type> types{
        {"float32", Type::float32}, {"float64", Type::float64}, {"int32", Type::int32},
        {"int64", Type::int64},     {"uint8", Type::uint8},     {"uint64", Type::uint64},
        {"bool", Type::boolean}};
    const auto found = types.find(name);
    if (found == types.end()) {
        throw Refused("the native engine has no numbers of type '" + name + "'.");
    }
    return found->second;
}

Index item_size(Type type) {
    switch (type) {
        case Type::uint8:
        case Type::boolean:
            return 1;
        case Type::float32:
        case Type::int32:
            return 4;
        default:
            return 8;
    }
}

namespace {

// Numbers in attributes beyond which arithmetic might overflow.
constexpr Index kMostNumber = Index{1} << 40;

[[noreturn]] void refuse(const std::string& what) {
    throw Refused("tape refused: " + what + "; this is a fault of the compiler, please report it.");
}

class Checker {
public:
    explicit Checker(const Description& tape) : tape_(tape) {}

    void check() {
        check_sizes();
        for (const Value& value : tape_.values) {
            check_value(value);
        }
        check_given_once();
        if (tape_.seam > tape_.instructions.size()) {
            refuse("its seam is not among its instructions");
        }
        find_given(false);
        check_order(0, tape_.seam);
        check_outputs();
        find_given(true);
        check_order(tape_.seam, tape_.instructions.size());
        for (const Copy& copy : tape_.updates) {
            check_index(copy.from, "an update");
            if (copy.number < 0 || copy.number >= static_cast<Index>(tape_.flat_bytes.size())) {
                refuse("an update has no flat array");
            }
        }
    }

private:
    const Value& value(int index) const { return tape_.values[static_cast<std::size_t>(index)]; }

    bool is_value(int index) const {
        return index >= 0 && index < static_cast<int>(tape_.values.size());
    }

    void check_sizes() const {
        std::vector<Index> sizes = tape_.flat_bytes;
        sizes.push_back(tape_.gradient_bytes);
        sizes.push_back(tape_.parameter_bytes);
        for (const Index bytes : sizes) {
            if (bytes < 0 || bytes > kMostBytes) {
                refuse("a flat array has no possible size");
            }
        }
        if (!tape_.flat_bytes.empty() && tape_.flat_bytes[0] > tape_.parameter_bytes) {
            refuse("its weight is longer than its parameters");
        }
    }

    static Index bytes_of(const Value& value) {
        Index bytes = item_size(value.type);
        bool empty = false;
        for (const Size& size : value.shape) {
            if (size.number < 0 ||
                __builtin_mul_overflow(bytes, std::max<Index>(size.number, 1), &bytes) ||
                bytes > kMostBytes) {
                refuse("a size is below 0 or too large");
            }
            empty = empty || size.number == 0;
        }
        return empty ? 0 : bytes;
    }

    // Where all but the first axis, which counts rows, are of a fixed size.
    static bool has_rows(const Value& value) {
        if (value.shape.empty() || !value.shape[0].rows || value.shape[0].number != 1) {
            return false;
        }
        return std::none_of(value.shape.begin() + 1, value.shape.end(),
                            [](const Size& size) { return size.rows; });
    }

    static void check_within(const Value& value, Index available) {
        const bool grows = std::any_of(value.shape.begin(), value.shape.end(),
                                       [](const Size& size) { return size.rows; });
        if (grows || value.offset < 0 || value.offset % item_size(value.type) != 0 ||
            value.offset > available || bytes_of(value) > available - value.offset) {
            refuse("a value lies outside of its array");
        }
    }

    void check_value(const Value& value) const {
        bytes_of(value);
        switch (value.kind) {
            case Kind::parameters:
                return check_within(value, tape_.parameter_bytes);
            case Kind::gradient:
                return check_within(value, tape_.gradient_bytes);
            case Kind::constant:
                return check_within(value, static_cast<Index>(tape_.constants.size()));
            case Kind::flat:
                if (value.number < 0 ||
                    value.number >= static_cast<Index>(tape_.flat_bytes.size())) {
                    refuse("a flat array is not there");
                }
                return check_within(value,
                                    tape_.flat_bytes[static_cast<std::size_t>(value.number)]);
            case Kind::input:
                if (!has_rows(value)) {
                    refuse("an input has no rows");
                }
                return;
            case Kind::scalar:
                if (!value.shape.empty() || value.type != Type::uint64 || value.number < 0 ||
                    value.number > 1) {
                    refuse("a scalar is not seed or step");
                }
                return;
            case Kind::line:
                if (!value.shape.empty() ||
                    (value.type != Type::float32 && value.type != Type::float64)) {
                    refuse("a line is not one number");
                }
                return;
            case Kind::arena:
                if (value.number < 0 || value.number > 1'000'000) {
                    refuse("a place is not known");
                }
                return;
            default:
                return;
        }
    }

    // Inputs and lines are numbered from 0 on, each of them once.
    void check_given_once() const {
        std::vector<Index> inputs;
        std::vector<Index> lines;
        for (const Value& value : tape_.values) {
            if (value.kind == Kind::input) {
                inputs.push_back(value.number);
            } else if (value.kind == Kind::line) {
                lines.push_back(value.number);
            }
        }
        if (inputs.size() != tape_.inputs.size()) {
            refuse("its inputs are not each declared once");
        }
        for (std::vector<Index>* numbers : {&inputs, &lines}) {
            std::sort(numbers->begin(), numbers->end());
            for (std::size_t index = 0; index < numbers->size(); ++index) {
                if ((*numbers)[index] != static_cast<Index>(index)) {
                    refuse("an input or a line is not numbered in order");
                }
            }
        }
    }

    // What is there without an instruction that makes it, before or after the seam.
    void find_given(bool after_seam) {
        for (int index = 0; is_value(index); ++index) {
            switch (value(index).kind) {
                case Kind::parameters:
                case Kind::input:
                case Kind::constant:
                case Kind::scalar:
                    written_.insert(index);
                    break;
                case Kind::gradient:
                case Kind::flat:
                case Kind::line:
                    if (after_seam) {
                        written_.insert(index);
                    }
                    break;
                default:
                    break;
            }
        }
    }

    void check_index(int index, const char* what) const {
        if (!written_.contains(index)) {
            refuse(std::string(what) + " %" + std::to_string(index) + " is never written");
        }
    }

    void check_outputs() const {
        for (const int index : tape_.results) {
            check_index(index, "a result");
            if (!value(index).shape.empty() && !has_rows(value(index))) {
                refuse("a result is no scalar and has no entry a row");
            }
        }
        if (tape_.loss != -1) {
            check_index(tape_.loss, "the loss");
            const Value& loss = value(tape_.loss);
            if (!loss.shape.empty() || (loss.type != Type::float32 && loss.type != Type::float64)) {
                refuse("its loss is not one number");
            }
        }
        check_copies(tape_.gradients, "a gradient");
        check_copies(tape_.states, "a state");
    }

    void check_copies(const std::vector<Copy>& copies, const char* what) const {
        for (const Copy& copy : copies) {
            check_index(copy.from, what);
            if (copy.number < 0 || copy.number % item_size(value(copy.from).type) != 0) {
                refuse(std::string(what) + " lies outside of its array");
            }
        }
    }

    void check_order(std::size_t first, std::size_t last) {
        for (std::size_t position = first; position < last; ++position) {
            const Instruction& instruction = tape_.instructions[position];
            const bool after_seam = position >= tape_.seam;
            check_instruction(instruction, written_, after_seam);
            if (!instruction.parts.empty()) {
                check_run(instruction, after_seam);
            } else if (instruction.results.size() != 1) {
                refuse(instruction.name + " does not have one result");
            }
            written_.insert(instruction.results.begin(), instruction.results.end());
        }
    }

    void check_run(const Instruction& run, bool after_seam) const {
        std::set<int> inside(run.operands.begin(), run.operands.end());
        std::set<int> made;
        for (const Instruction& part : run.parts) {
            if (!part.parts.empty() || part.results.size() != 1) {
                refuse("a part of a run has parts, or not one result");
            }
            check_instruction(part, inside, after_seam);
            for (const int index : part.results) {
                if (!inside.insert(index).second || value(index).kind == Kind::view) {
                    refuse("a part of a run writes what is already there");
                }
                made.insert(index);
            }
        }
        for (const int index : run.results) {
            if (!made.contains(index)) {
                refuse("a run gives what no part makes");
            }
        }
        // what a product before it made lies there on the way
        if (std::find(run.results.begin(), run.results.end(), run.parts.back().results[0]) ==
            run.results.end()) {
            refuse("the last part of a run is no result");
        }
    }

    void check_instruction(const Instruction& instruction, const std::set<int>& known,
                           bool after_seam) const {
        for (const int index : instruction.operands) {
            if (!known.contains(index)) {
                refuse(instruction.name + " reads %" + std::to_string(index) +
                       " before it is written");
            }
        }
        for (const int index : instruction.results) {
            if (!is_value(index)) {
                refuse(instruction.name + " writes what is not declared");
            }
            const Kind kind = value(index).kind;
            const bool own = kind == Kind::arena || kind == Kind::own || kind == Kind::view ||
                             kind == (after_seam ? Kind::flat : Kind::gradient);
            if (!own) {
                refuse(instruction.name + " writes what is given");
            }
        }
        if (instruction.results.empty()) {
            refuse(instruction.name + " has no result");
        }
        for (const auto& [name, attribute] : instruction.attributes) {
            for (const Size& size : attribute.sizes) {
                if (size.number < -kMostNumber || size.number > kMostNumber) {
                    refuse(instruction.name + " has an attribute that is too large");
                }
            }
        }
    }

    const Description& tape_;
    std::set<int> written_;
};

}  // namespace

void check(const Description& tape) {
    Checker(tape).check();
}

}  // namespace chainrule
