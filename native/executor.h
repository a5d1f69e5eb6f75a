// Loads a tape once and runs any number of steps a call. Free of Python.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "kernels.h"
#include "program.h"
#include "steps.h"
#include "tape.h"

namespace chainrule {

// What a run is given; arrays are contiguous and of the declared types and sizes.
struct Call {
    std::vector<const std::byte*> inputs;  // by number, each with data_rows rows
    Index data_rows = 0;
    const Index* order = nullptr;  // rows of the data in the order of the run; nullptr: as they lie
    Index rows = 0;
    Index batch_size = 1;
    Index epoch_rows = 1;  // rows after which batches begin anew; divides rows
    std::byte* parameters = nullptr;
    std::vector<std::byte*> flat;   // the weight, then slots
    std::byte* gradient = nullptr;  // where it is wanted
    const double* lines = nullptr;  // a row of scalars a step
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    int threads = 1;
    bool update = true;  // whether what is after the seam runs
    // Asked now and then between batches, where there is no update, by the thread that calls.
    bool (*interrupted)() = nullptr;
    // Results in the tape's order: scalars as a double a batch, others an entry a row.
    std::vector<std::byte*> results;

    Index epoch_batches() const { return epoch_rows / batch_size + (epoch_rows % batch_size != 0); }
    Index batches() const { return rows / epoch_rows * epoch_batches(); }
};

struct Outcome {
    Index batches = 0;     // run, the stopped one included
    bool stopped = false;  // at a loss that is not finite, before its update
    bool interrupted = false;
};

class Executor {
public:
    // Throws Refused where the tape cannot be run.
    Executor(Description tape, const Kernels& kernels);
    ~Executor();

    // Throws BadData where an operation meets positions that its table has not.
    Outcome run(const Call& call);

    const Description& tape() const { return tape_; }
    // Whether a result is one number a batch, and the bytes of its entry a row otherwise.
    bool is_scalar(std::size_t result) const;
    Index line_count() const;
    double work(Index rows);  // multiply-adds of a step
    std::vector<RunNote> runs(Index rows);
    Index arena_bytes(Index rows);

private:
    std::shared_ptr<const Program> program(Index rows);
    template <typename PieceOf>
    Outcome run_apart(const Call& call, Index batches, PieceOf piece, Team& team);

    Description tape_;
    const Kernels& kernels_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<const Program>> programs_;  // last used first

    friend struct Batch;
};

}  // namespace chainrule
