// A tape loaded for Python: what a call is given is looked at, its results are made.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <vector>

#include "buffer.h"
#include "executor.h"

namespace chainrule {

class Loaded {
public:
    // description: as chainrule.engine.native makes it. Throws Refused.
    Loaded(const nanobind::dict& description, const Kernels& kernels);

    // As Program.run; with an array for the gradient, no update is made. Gives the results by
    // name, the rows of each batch, and the batch that stopped the run, or None; after that one
    // results hold nothing. Throws Refused for what does not fit, BadData for positions that a
    // table has not.
    nanobind::tuple run(const nanobind::dict& arrays, nanobind::handle parameters,
                        nanobind::handle order, Index batch_size, std::optional<Index> epoch_rows,
                        const nanobind::tuple& slots, nanobind::handle lines, std::uint64_t seed,
                        std::uint64_t step, nanobind::handle gradient, int threads);

    double work(Index rows) { return executor_.work(rows); }
    nanobind::list runs(Index rows);
    Index arena_bytes(Index rows) { return executor_.arena_bytes(rows); }

private:
    struct Input {
        nanobind::str name;
        Type type;
        Shape row;
    };
    struct Result {
        nanobind::str name;
        Type type;
        nanobind::object numpy_type;
        Shape row;
        bool scalar;
    };
    using Held = std::vector<Buffer>;

    void take_inputs(Call& call, Held& held, const nanobind::dict& arrays) const;
    void take_order(Call& call, Held& held, nanobind::handle order) const;
    void take_state(Call& call, Held& held, nanobind::handle parameters,
                    const nanobind::tuple& slots, nanobind::handle gradient) const;
    void take_lines(Call& call, Held& held, nanobind::handle lines) const;
    nanobind::dict make_results(Call& call, Held& held) const;
    nanobind::object made(const nanobind::object& shape, const nanobind::object& type) const {
        return empty_(shape, type);
    }

    Executor executor_;
    std::vector<Input> inputs_;
    std::vector<Result> results_;
    Type number_type_ = Type::float32;
    Index line_count_ = 0;
    nanobind::object empty_;
    nanobind::object int64_;
};

}  // namespace chainrule
