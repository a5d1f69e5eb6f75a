#include "loaded.h"

#include <nanobind/stl/string.h>

#include <algorithm>

#include "description.h"

namespace nb = nanobind;

namespace chainrule {
namespace {

Shape row_shape(const Value& value) {
    Shape row;
    for (std::size_t axis = 1; axis < value.shape.size(); ++axis) {
        row.push_back(value.shape[axis].number);
    }
    return row;
}

Index product(Index count, Index bytes) {
    Index made = 0;
    if (__builtin_mul_overflow(count, bytes, &made)) {
        throw Refused("there are too many rows");
    }
    return made;
}

nb::str interned(const std::string& name) {
    return nb::steal<nb::str>(PyUnicode_InternFromString(name.c_str()));
}

// Whether a signal's handler has raised, in the main thread.
bool signaled() {
    const nb::gil_scoped_acquire held;
    return PyErr_CheckSignals() != 0;
}

void set_batches(Call& call, Index batch_size, std::optional<Index> epoch_rows) {
    call.epoch_rows = epoch_rows.value_or(std::max<Index>(call.rows, 1));
    if (batch_size < 1 || call.epoch_rows < 1 || call.rows % call.epoch_rows != 0) {
        throw Refused("epochs do not divide the rows");
    }
    call.batch_size = std::min(batch_size, call.epoch_rows);
}

void count_rows(const Call& call, Index* counts) {
    const Index in_epoch = call.epoch_batches();
    const Index last = call.epoch_rows - (in_epoch - 1) * call.batch_size;
    for (Index batch = 0, all = call.batches(); batch < all; ++batch) {
        counts[batch] = (batch + 1) % in_epoch == 0 ? last : call.batch_size;
    }
}

}  // namespace

Loaded::Loaded(const nb::dict& description, const Kernels& kernels)
    : executor_(read_description(description), kernels) {
    const Description& tape = executor_.tape();
    const nb::module_ numpy = nb::module_::import_("numpy");
    empty_ = numpy.attr("empty");
    int64_ = numpy.attr("dtype")("int64");
    line_count_ = executor_.line_count();
    inputs_.resize(tape.inputs.size());
    for (const Value& value : tape.values) {
        if (value.kind == Kind::input) {
            const auto number = static_cast<std::size_t>(value.number);
            inputs_[number] = {interned(tape.inputs[number]), value.type, row_shape(value)};
        }
    }
    refusing([&] {
        number_type_ = type_named(nb::cast<std::string>(description["number_type"]));
        for (const Value& value : tape.values) {
            const bool flat = value.kind == Kind::parameters || value.kind == Kind::gradient ||
                              value.kind == Kind::flat;
            if (flat && value.type != number_type_) {
                throw Refused("tape refused: parameters are of several types.");
            }
        }
        const nb::object names = description["result_names"], values = description["values"];
        for (std::size_t index = 0; index < tape.results.size(); ++index) {
            const Value& value = tape.values[static_cast<std::size_t>(tape.results[index])];
            const bool scalar = executor_.is_scalar(index);
            const Type type = scalar ? Type::float64 : value.type;
            const nb::object name = scalar ? nb::object(nb::str("float64"))
                                           : nb::object(values[tape.results[index]][0]);
            results_.push_back({interned(nb::cast<std::string>(names[index])), type,
                                numpy.attr("dtype")(name), row_shape(value), scalar});
        }
        return 0;
    });
}

nb::tuple Loaded::run(const nb::dict& arrays, nb::handle parameters, nb::handle order,
                      Index batch_size, std::optional<Index> epoch_rows, const nb::tuple& slots,
                      nb::handle lines, std::uint64_t seed, std::uint64_t step, nb::handle gradient,
                      int threads) {
    Call call;
    Held held;
    held.reserve(inputs_.size() + slots.size() + results_.size() + 5);
    call.update = gradient.is_none() && !executor_.tape().flat_bytes.empty();
    call.seed = seed;
    call.step = step;
    call.threads = std::max(threads, 1);
    call.interrupted = signaled;
    take_inputs(call, held, arrays);
    take_order(call, held, order);
    set_batches(call, batch_size, epoch_rows);
    take_state(call, held, parameters, slots, gradient);
    take_lines(call, held, lines);
    const nb::dict results = make_results(call, held);
    const nb::object counts = made(nb::int_(call.batches()), int64_);
    held.emplace_back(counts, Type::int64, true, "rows");
    count_rows(call, reinterpret_cast<Index*>(held.back().of_bytes(call.batches() * 8)));
    Outcome outcome;
    {
        const nb::gil_scoped_release released;
        outcome = executor_.run(call);
    }
    if (outcome.interrupted) {
        throw nb::python_error();
    }
    return nb::make_tuple(results, counts,
                          outcome.stopped ? nb::object(nb::int_(outcome.batches - 1)) : nb::none());
}

void Loaded::take_inputs(Call& call, Held& held, const nb::dict& arrays) const {
    for (const Input& input : inputs_) {
        PyObject* array = PyDict_GetItemWithError(arrays.ptr(), input.name.ptr());
        if (array == nullptr) {
            throw Refused("an input is missing");
        }
        held.emplace_back(array, input.type, false, "an input");
        call.inputs.push_back(held.back().of_rows(input.row));
        if (call.inputs.size() > 1 && held.back().rows() != call.data_rows) {
            throw Refused("inputs have different numbers of rows");
        }
        call.data_rows = held.back().rows();
    }
}

void Loaded::take_order(Call& call, Held& held, nb::handle order) const {
    call.rows = inputs_.empty() ? 1 : call.data_rows;
    if (!order.is_none()) {
        held.emplace_back(order, Type::int64, false, "order");
        call.order = reinterpret_cast<const Index*>(held.back().of_rows({}));
        call.rows = held.back().rows();
    }
    if (inputs_.empty()) {  // no data that an order could be one of
        call.order = nullptr;
        call.data_rows = call.rows;
    }
}

void Loaded::take_state(Call& call, Held& held, nb::handle parameters, const nb::tuple& slots,
                        nb::handle gradient) const {
    const Description& tape = executor_.tape();
    if (slots.size() != (call.update ? tape.flat_bytes.size() - 1 : 0)) {
        throw Refused("other numbers of slots are wanted");
    }
    if (tape.parameter_bytes > 0) {
        held.emplace_back(parameters, number_type_, call.update, "the array of parameters");
        call.parameters = held.back().flat(tape.parameter_bytes);
    } else if (PyObject_Length(parameters.ptr()) != 0) {
        PyErr_Clear();
        throw Refused("there are no parameters");
    }
    if (!tape.flat_bytes.empty()) {
        call.flat.push_back(call.parameters);
    }
    for (std::size_t index = 0; index < slots.size(); ++index) {
        held.emplace_back(slots[index], number_type_, true, "a slot");
        call.flat.push_back(held.back().flat(tape.flat_bytes[index + 1]));
    }
    if (!gradient.is_none()) {
        if (call.rows > call.batch_size) {
            throw Refused("a gradient is that of one batch");
        }
        if (tape.gradient_bytes > 0) {
            held.emplace_back(gradient, number_type_, true, "the gradient");
            call.gradient = held.back().flat(tape.gradient_bytes);
        }
    }
}

void Loaded::take_lines(Call& call, Held& held, nb::handle lines) const {
    if (lines.is_none() && (line_count_ == 0 || !call.update)) {
        return;
    }
    held.emplace_back(lines, Type::float64, false, "lines");
    call.lines = reinterpret_cast<const double*>(held.back().of_rows({line_count_}));
    if (held.back().rows() != call.batches()) {
        throw Refused("lines have another number of rows");
    }
}

nb::dict Loaded::make_results(Call& call, Held& held) const {
    nb::dict results;
    const Index batches = call.batches();
    for (const Result& result : results_) {
        nb::object shape = nb::int_(result.scalar ? batches : call.rows);
        Index bytes = product(result.scalar ? batches : call.rows, item_size(result.type));
        if (!result.scalar && !result.row.empty()) {
            nb::list sizes;
            sizes.append(shape);
            for (const Index size : result.row) {
                sizes.append(size);
                bytes = product(bytes, size);
            }
            shape = nb::tuple(sizes);
        }
        const nb::object array = made(shape, result.numpy_type);
        held.emplace_back(array, result.type, true, "a result");
        call.results.push_back(held.back().of_bytes(bytes));
        results[result.name] = array;
    }
    return results;
}

nb::list Loaded::runs(Index rows) {
    nb::list made;
    for (const RunNote& run : executor_.runs(rows)) {
        made.append(nb::make_tuple(run.signature, run.compiled));
    }
    return made;
}

}  // namespace chainrule
