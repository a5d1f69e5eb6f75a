// Data that is given: whether it is as programs read it, or can be made so in one pass.
#pragma once

#include <nanobind/nanobind.h>

namespace chainrule {

// Whether an array has rows of a shape, one or more, of finite numbers of a type ("f" or "d"), one
// after the other in memory. Throws nothing: what is not ready may be made so.
bool is_ready(nanobind::handle array, char type, const nanobind::tuple& row, int threads);

// Copy numbers, float64, float32, int64, int32, uint8 or bool, into as many float64, float32 or, of
// whole ones, int32. False where an array is none of these, or a number, as copied, is not finite
// and from `least` to `most`; the copy is of no use then.
bool copy_numbers(nanobind::handle given, nanobind::handle copy, double least, double most);

}  // namespace chainrule
