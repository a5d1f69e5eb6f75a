// A tape bound for one number of rows: its steps, and what a run fills in before them.
#pragma once

#include <memory>
#include <vector>

#include "kernels.h"
#include "steps.h"
#include "tape.h"

namespace chainrule {

// Bases of places, in order; flat arrays, inputs and constants follow.
constexpr int kArena = 0;
constexpr int kParameters = 1;
constexpr int kGradient = 2;
constexpr int kFlat = 3;

struct GivenScalar {
    Place place;
    Index number;
    Type type;
};

struct GivenInput {
    int base;
    Index number;
    Index row_bytes;
    Place buffer;
};

struct Wanted {
    Place place;
    Type type;
    bool scalar;
    Index row_bytes;
};

struct Program {
    Index rows = 0;
    Steps forward;
    Steps update;
    Index arena_bytes = 0;
    Index scratch_bytes = 0;
    Index gradient_offset = 0;
    std::vector<GivenInput> inputs;
    std::vector<GivenScalar> scalars;
    std::vector<GivenScalar> lines;
    std::vector<Wanted> results;
    Wanted loss{};
    double work = 0.0;
    std::vector<RunNote> runs;
};

// Throws Refused where the tape cannot be bound.
std::shared_ptr<const Program> bind_program(const Description& tape, const Kernels& kernels,
                                            Index rows);

}  // namespace chainrule
