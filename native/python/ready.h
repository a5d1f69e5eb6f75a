// Data that is given: whether it is as programs read it already.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

namespace chainrule {

// Whether an array has rows of a shape, one or more, of finite numbers of a type ("f" or "d"), one
// after the other in memory. Throws nothing: what is not ready may be made so.
bool is_ready(nanobind::handle array, char type, const nanobind::tuple& row, int threads);

// Copy labels, int64, int32 or uint8 with one axis, into an int32 array of their length. False
// where an array is none of these, or a label not from 0 to below `classes`; the copy is of no use
// then.
bool copy_labels(nanobind::handle labels, std::uint64_t classes, nanobind::handle copy);

}  // namespace chainrule
