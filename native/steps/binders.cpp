// Operations by name, and what their binders ask of an instruction.
#include <map>

#include "../steps.h"

namespace chainrule {
namespace {

const std::map<std::string, Binder>& binders() {
    static const std::map<std::string, Binder> known{
        {"argmax", bind_argmax},
        {"cast", bind_cast},
        {"concatenate", bind_concatenate},
        {"count", bind_count},
        {"dropout_mask", bind_mask},
        {"flip", bind_flip},
        {"gather", bind_gather},
        {"log_softmax", bind_along},
        {"matmul", bind_matmul},
        {"max", bind_reduction},
        {"min", bind_reduction},
        {"narrow", bind_narrow},
        {"one_hot", bind_one_hot},
        {"random_normal", bind_random},
        {"random_uniform", bind_random},
        {"sample_bilinear", bind_sampling},
        {"scatter_add", bind_scatter_add},
        {"softmax", bind_along},
        {"softmax_cross_entropy", bind_cross_entropy},
        {"softmax_cross_entropy_slope", bind_cross_entropy_slope},
        {"spread_bilinear", bind_sampling},
        {"sum", bind_reduction},
        {"widen", bind_widen},
    };
    return known;
}

}  // namespace

Binder binder_of(const std::string& name) {
    const auto found = binders().find(name);
    return found == binders().end() ? nullptr : found->second;
}

std::vector<std::string> operation_names() {
    std::vector<std::string> names{"broadcast_to", "reshape", "transpose"};
    for (const auto& [name, binder] : binders()) {
        names.push_back(name);
    }
    return names;
}

const Attribute& Bound::attribute(const char* name) const {
    const auto found = instruction.attributes.find(name);
    if (found == instruction.attributes.end()) {
        refuse(std::string("its attribute ") + name + " is missing");
    }
    return found->second;
}

std::vector<Index> Bound::wholes(const char* name, Index rows) const {
    std::vector<Index> made;
    for (const Size& size : attribute(name).sizes) {
        made.push_back(size.bound(rows));
    }
    return made;
}

Index Bound::whole(const char* name, Index rows) const {
    const std::vector<Index> made = wholes(name, rows);
    if (made.size() != 1) {
        refuse(std::string("its attribute ") + name + " is not one number");
    }
    return made[0];
}

const std::string& Bound::text(const char* name) const {
    return attribute(name).text;
}

double Bound::number(const char* name) const {
    return attribute(name).number;
}

void Bound::need_operands(std::size_t count) const {
    if (operands.size() != count) {
        refuse("it has " + std::to_string(operands.size()) + " operands");
    }
}

void Bound::refuse(const std::string& why) const {
    throw Refused("the native engine cannot run '" + instruction.name + "': " + why + ".");
}

}  // namespace chainrule
