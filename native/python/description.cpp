#include "description.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <string>
#include <utility>

namespace nb = nanobind;

namespace chainrule {
namespace {

std::vector<Size> read_sizes(nb::handle given) {
    std::vector<Size> sizes;
    for (const nb::handle pair : nb::cast<nb::tuple>(given)) {
        sizes.push_back({nb::cast<Index>(pair[0]), nb::cast<bool>(pair[1])});
    }
    return sizes;
}

Kind kind_named(const std::string& name) {
    static const std::map<std::string, Kind> kinds{
        {"arena", Kind::arena},       {"own", Kind::own},
        {"view", Kind::view},         {"parameters", Kind::parameters},
        {"gradient", Kind::gradient}, {"flat", Kind::flat},
        {"input", Kind::input},       {"constant", Kind::constant},
        {"scalar", Kind::scalar},     {"line", Kind::line}};
    const auto found = kinds.find(name);
    if (found == kinds.end()) {
        throw Refused("tape refused: '" + name + "' is no kind of place.");
    }
    return found->second;
}

Value read_value(nb::handle given) {
    return {type_named(nb::cast<std::string>(given[0])), read_sizes(given[1]),
            kind_named(nb::cast<std::string>(given[2])), nb::cast<Index>(given[3]),
            nb::cast<Index>(given[4])};
}

Instruction read_instruction(nb::handle given, bool is_part = false) {
    Instruction made;
    made.name = nb::cast<std::string>(given[0]);
    made.operands = nb::cast<std::vector<int>>(given[1]);
    made.results = nb::cast<std::vector<int>>(given[2]);
    for (const auto [name, value] : nb::cast<nb::dict>(given[3])) {
        Attribute attribute;
        if (nb::isinstance<nb::str>(value)) {
            attribute.text = nb::cast<std::string>(value);
        } else if (nb::isinstance<nb::float_>(value)) {
            attribute.number = nb::cast<double>(value);
        } else {
            attribute.sizes = read_sizes(value);
            if (attribute.sizes.size() == 1) {
                attribute.number = static_cast<double>(attribute.sizes[0].number);
            }
        }
        made.attributes[nb::cast<std::string>(name)] = attribute;
    }
    for (const nb::handle part : nb::cast<nb::list>(given[4])) {
        if (is_part) {
            throw Refused("tape refused: a part of a run has parts.");
        }
        made.parts.push_back(read_instruction(part, true));
    }
    return made;
}

std::vector<Copy> read_copies(nb::handle given) {
    std::vector<Copy> copies;
    for (const nb::handle pair : nb::cast<nb::list>(given)) {
        copies.push_back({nb::cast<int>(pair[0]), nb::cast<Index>(pair[1])});
    }
    return copies;
}

Description read(const nb::dict& given) {
    Description tape;
    for (const nb::handle value : nb::cast<nb::list>(given["values"])) {
        tape.values.push_back(read_value(value));
    }
    for (const nb::handle instruction : nb::cast<nb::list>(given["instructions"])) {
        tape.instructions.push_back(read_instruction(instruction));
    }
    tape.seam = nb::cast<std::size_t>(given["seam"]);
    tape.results = nb::cast<std::vector<int>>(given["results"]);
    tape.loss = nb::cast<int>(given["loss"]);
    tape.gradients = read_copies(given["gradients"]);
    tape.updates = read_copies(given["updates"]);
    tape.states = read_copies(given["states"]);
    const auto constants = nb::cast<nb::bytes>(given["constants"]);
    const auto* bytes = reinterpret_cast<const std::byte*>(constants.c_str());
    tape.constants.assign(bytes, bytes + constants.size());
    tape.gradient_bytes = nb::cast<Index>(given["gradient_bytes"]);
    tape.parameter_bytes = nb::cast<Index>(given["parameter_bytes"]);
    tape.flat_bytes = nb::cast<std::vector<Index>>(given["flat_bytes"]);
    tape.inputs = nb::cast<std::vector<std::string>>(given["inputs"]);
    return tape;
}

}  // namespace

Description read_description(const nb::dict& given) {
    return refusing([&] { return read(given); });
}

}  // namespace chainrule
