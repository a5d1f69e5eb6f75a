// A tape in plain Python values, read into a Description.
#pragma once

#include <nanobind/nanobind.h>

#include "tape.h"

namespace chainrule {

// Throws Refused where a part is missing or has another type than is wanted.
Description read_description(const nanobind::dict& given);

// A description that cannot be read is refused as one that does not fit is.
template <typename Read>
auto refusing(Read read) {
    try {
        return read();
    } catch (const nanobind::cast_error&) {
        throw Refused("tape refused: a part of it has another type than is wanted.");
    } catch (const nanobind::python_error&) {
        throw Refused("tape refused: a part of it is missing.");
    }
}

}  // namespace chainrule
