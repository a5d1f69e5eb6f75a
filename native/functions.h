// Elementary functions of vectors, for all numbers, from + - * /, fma and moves of bits alone: the
// same bits on every machine, whatever stands in the other lanes. Infinities, nan, -0 and denormal
// numbers are treated as C99 asks. Each function names the largest error that was seen, in units of
// the result's last place: first over all floats, then over 10^8 doubles of all sizes and near the
// ends of its formulas.
#pragma once

#include "functions/error_function.h"
#include "functions/exponential.h"
#include "functions/logarithm.h"
#include "functions/power.h"
#include "functions/trigonometric.h"
