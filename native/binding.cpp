// The border to Python: arrays in, filled arrays out. The only file that sees nanobind.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "executor.h"
#include "finite.h"
#include "philox.h"
#include "steps.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Number>
using Array = nb::ndarray<Number, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Below this many numbers, giving the interpreter lock away costs more than it frees.
constexpr std::size_t kLongCall = 4096;

template <typename Work>
void run(std::size_t count, Work work) {
    std::optional<nb::gil_scoped_release> released;
    if (count >= kLongCall) {
        released.emplace();
    }
    work();
}

template <typename Number>
void mask(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose, std::uint64_t threshold, double scale) {
    run(out.size(), [&] {
        chainrule::fill_mask(out.data(), out.size(), {key, stream, step, purpose}, threshold,
                             scale);
    });
}

template <typename Number>
using Fill = void (*)(Number*, std::size_t, const chainrule::Stream&);

template <typename Number, Fill<Number> fill>
void draw(Array<Number> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
          std::uint32_t purpose) {
    run(out.size(), [&] { fill(out.data(), out.size(), {key, stream, step, purpose}); });
}

template <typename Number>
bool all_finite(nb::ndarray<const Number, nb::c_contig, nb::device::cpu> numbers, int threads) {
    bool finite = true;
    run(numbers.size(), [&] {
        finite = chainrule::all_finite(numbers.data(),
                                       static_cast<chainrule::Index>(numbers.size()), threads);
    });
    return finite;
}

// In place, so that tests reach shares that no seed draws in a lifetime.
void inverse_normal(Array<double> shares) {
    run(shares.size(), [&] {
        std::transform(shares.data(), shares.data() + shares.size(), shares.data(),
                       chainrule::inverse_normal);
    });
}

void words(Array<std::uint32_t> out, std::uint64_t key, std::uint32_t stream, std::uint64_t step,
           std::uint32_t purpose, std::uint64_t first) {
    run(out.size(), [&] {
        chainrule::fill_words(out.data(), out.size(), {key, stream, step, purpose}, first);
    });
}

// A buffer of Python, contiguous and of the type wanted, held while it is used.
class Buffer {
public:
    Buffer(nb::handle object, chainrule::Type type, chainrule::Index bytes, bool writable,
           const char* what) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
            throw chainrule::Refused(std::string(what) + " is not contiguous or is read-only");
        }
        if (view_.len != bytes || !fits(type)) {
            PyBuffer_Release(&view_);
            throw chainrule::Refused(std::string(what) + " has another type or size");
        }
    }
    Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() {
        if (view_.obj != nullptr) {
            PyBuffer_Release(&view_);
        }
    }
    std::byte* data() const { return static_cast<std::byte*>(view_.buf); }
    // Whether its entries along the first axis have this shape.
    bool has_rows_of(const chainrule::Shape& shape) const {
        return static_cast<std::size_t>(view_.ndim) == shape.size() + 1 &&
               std::equal(shape.begin(), shape.end(), view_.shape + 1);
    }

private:
    bool fits(chainrule::Type type) const {
        const char format = view_.format == nullptr ? 'B' : view_.format[0];
        if (view_.itemsize != chainrule::item_size(type)) {
            return false;
        }
        switch (type) {
            case chainrule::Type::float32:
                return format == 'f';
            case chainrule::Type::float64:
                return format == 'd';
            case chainrule::Type::int32:
            case chainrule::Type::int64:
                return format == 'i' || format == 'l' || format == 'q';
            case chainrule::Type::uint64:
                return format == 'L' || format == 'Q';
            case chainrule::Type::uint8:
                return format == 'B';
            case chainrule::Type::boolean:
                return format == '?';
        }
        return false;
    }

    Py_buffer view_{};
};

const chainrule::Kernels& kernels_named(const std::string& name) {
    for (const chainrule::Kernels* kernels :
         {chainrule::avx2_kernels(), chainrule::plain_kernels()}) {
        if (kernels != nullptr && name == kernels->name) {
            return *kernels;
        }
    }
    throw chainrule::Refused("instruction set '" + name + "' is not there.");
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const chainrule::Kernels* kernels :
         {chainrule::avx2_kernels(), chainrule::plain_kernels()}) {
        if (kernels != nullptr) {
            names.emplace_back(kernels->name);
        }
    }
    return names;
}

std::vector<chainrule::Size> read_sizes(nb::handle given) {
    std::vector<chainrule::Size> sizes;
    for (const nb::handle pair : nb::cast<nb::tuple>(given)) {
        sizes.push_back({nb::cast<chainrule::Index>(pair[0]), nb::cast<bool>(pair[1])});
    }
    return sizes;
}

chainrule::Kind kind_named(const std::string& name) {
    static const std::map<std::string, chainrule::Kind> kinds{
        {"arena", chainrule::Kind::arena},       {"own", chainrule::Kind::own},
        {"view", chainrule::Kind::view},         {"parameters", chainrule::Kind::parameters},
        {"gradient", chainrule::Kind::gradient}, {"flat", chainrule::Kind::flat},
        {"input", chainrule::Kind::input},       {"constant", chainrule::Kind::constant},
        {"scalar", chainrule::Kind::scalar},     {"line", chainrule::Kind::line}};
    const auto found = kinds.find(name);
    if (found == kinds.end()) {
        throw chainrule::Refused("tape refused: '" + name + "' is no kind of place.");
    }
    return found->second;
}

chainrule::Value read_value(nb::handle given) {
    return {chainrule::type_named(nb::cast<std::string>(given[0])), read_sizes(given[1]),
            kind_named(nb::cast<std::string>(given[2])), nb::cast<chainrule::Index>(given[3]),
            nb::cast<chainrule::Index>(given[4])};
}

chainrule::Instruction read_instruction(nb::handle given, bool is_part = false) {
    chainrule::Instruction made;
    made.name = nb::cast<std::string>(given[0]);
    made.operands = nb::cast<std::vector<int>>(given[1]);
    made.results = nb::cast<std::vector<int>>(given[2]);
    for (const auto [name, value] : nb::cast<nb::dict>(given[3])) {
        chainrule::Attribute attribute;
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
            throw chainrule::Refused("tape refused: a part of a run has parts.");
        }
        made.parts.push_back(read_instruction(part, true));
    }
    return made;
}

std::vector<chainrule::Copy> read_copies(nb::handle given) {
    std::vector<chainrule::Copy> copies;
    for (const nb::handle pair : nb::cast<nb::list>(given)) {
        copies.push_back({nb::cast<int>(pair[0]), nb::cast<chainrule::Index>(pair[1])});
    }
    return copies;
}

chainrule::Description read_description(const nb::dict& given) {
    chainrule::Description tape;
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
    const auto constants = nb::cast<nb::bytes>(given["constants"]);
    const auto* bytes = reinterpret_cast<const std::byte*>(constants.c_str());
    tape.constants.assign(bytes, bytes + constants.size());
    tape.gradient_bytes = nb::cast<chainrule::Index>(given["gradient_bytes"]);
    tape.parameter_bytes = nb::cast<chainrule::Index>(given["parameter_bytes"]);
    tape.flat_bytes = nb::cast<std::vector<chainrule::Index>>(given["flat_bytes"]);
    tape.inputs = nb::cast<std::vector<std::string>>(given["inputs"]);
    return tape;
}

// A description that cannot be read is refused as one that does not fit is.
template <typename Read>
auto refusing(Read read) {
    try {
        return read();
    } catch (const nb::cast_error&) {
        throw chainrule::Refused("tape refused: a part of it has another type than is wanted.");
    } catch (const nb::python_error&) {
        throw chainrule::Refused("tape refused: a part of it is missing.");
    }
}

chainrule::Index product(chainrule::Index rows, chainrule::Index row_bytes) {
    chainrule::Index bytes = 0;
    if (__builtin_mul_overflow(rows, row_bytes, &bytes)) {
        throw chainrule::Refused("there are too many rows");
    }
    return bytes;
}

// An executor with what the border must know of its tape.
class Loaded {
public:
    Loaded(const nb::dict& description, const std::string& set)
        : executor_(refusing([&] { return read_description(description); }), kernels_named(set)) {
        const chainrule::Description& tape = executor_.tape();
        inputs_.resize(tape.inputs.size());
        for (const chainrule::Value& value : tape.values) {
            if (value.kind == chainrule::Kind::input) {
                Input& input = inputs_[static_cast<std::size_t>(value.number)];
                input = {value.type, row_bytes(value), {}};
                for (std::size_t axis = 1; axis < value.shape.size(); ++axis) {
                    input.shape.push_back(value.shape[axis].number);
                }
            }
        }
        number_type_ = refusing([&] {
            return chainrule::type_named(nb::cast<std::string>(description["number_type"]));
        });
    }

    nb::tuple run(const nb::tuple& inputs, chainrule::Index data_rows, nb::handle order,
                  chainrule::Index rows, chainrule::Index batch_size, chainrule::Index epoch_rows,
                  nb::handle parameters, const nb::tuple& slots, nb::handle gradient,
                  nb::handle lines, std::uint64_t seed, std::uint64_t step, int threads,
                  bool update, const nb::tuple& results) {
        const chainrule::Description& tape = executor_.tape();
        std::vector<Buffer> held;
        held.reserve(inputs.size() + slots.size() + results.size() + 4);
        const auto hold = [&](nb::handle object, chainrule::Type type, chainrule::Index bytes,
                              bool writable, const char* what) {
            held.emplace_back(object, type, bytes, writable, what);
            return held.back().data();
        };
        const bool updates = !tape.flat_bytes.empty();
        if (inputs.size() != inputs_.size() || results.size() != tape.results.size() ||
            slots.size() != (update && updates ? tape.flat_bytes.size() - 1 : 0) ||
            batch_size < 1 || rows < 0 || data_rows < 0) {
            throw chainrule::Refused("other numbers of arrays are wanted");
        }
        if (epoch_rows < 1 || rows % epoch_rows != 0) {
            throw chainrule::Refused("epochs do not divide the rows");
        }
        if (!gradient.is_none() && rows > batch_size) {
            throw chainrule::Refused("a gradient is that of one batch");
        }
        chainrule::Call call;
        for (std::size_t index = 0; index < inputs.size(); ++index) {
            call.inputs.push_back(hold(inputs[index], inputs_[index].type,
                                       product(data_rows, inputs_[index].row_bytes), false,
                                       "an input"));
            if (!held.back().has_rows_of(inputs_[index].shape)) {
                throw chainrule::Refused("an input has another shape");
            }
        }
        call.data_rows = data_rows;
        call.rows = rows;
        call.batch_size = batch_size;
        call.epoch_rows = epoch_rows;
        if (!order.is_none()) {
            call.order = reinterpret_cast<const chainrule::Index*>(
                hold(order, chainrule::Type::int64, product(rows, 8), false, "order"));
            if (!held.back().has_rows_of({})) {
                throw chainrule::Refused("order has another shape");
            }
        } else if (rows > data_rows) {
            throw chainrule::Refused("there are fewer rows");
        }
        if (tape.parameter_bytes > 0) {
            call.parameters = hold(parameters, number_type_, tape.parameter_bytes,
                                   updates && update, "parameters");
        }
        if (updates) {
            call.flat.push_back(call.parameters);
        }
        for (std::size_t index = 0; index < slots.size(); ++index) {
            call.flat.push_back(
                hold(slots[index], number_type_, tape.flat_bytes[index + 1], true, "a slot"));
        }
        if (!gradient.is_none() && tape.gradient_bytes > 0) {
            call.gradient = hold(gradient, number_type_, tape.gradient_bytes, true, "gradient");
        }
        const chainrule::Index batches = call.batches();
        if (executor_.line_count() > 0 && update) {
            call.lines = reinterpret_cast<const double*>(
                hold(lines, chainrule::Type::float64, product(batches, executor_.line_count() * 8),
                     false, "lines"));
        }
        for (std::size_t index = 0; index < results.size(); ++index) {
            const chainrule::Value& value =
                tape.values[static_cast<std::size_t>(tape.results[index])];
            const bool scalar = executor_.is_scalar(index);
            call.results.push_back(hold(
                results[index], scalar ? chainrule::Type::float64 : value.type,
                scalar ? product(batches, 8) : product(rows, row_bytes(value)), true, "a result"));
        }
        call.seed = seed;
        call.step = step;
        call.threads = std::max(threads, 1);
        call.update = update && updates;
        chainrule::Outcome outcome;
        {
            const nb::gil_scoped_release released;
            outcome = executor_.run(call);
        }
        return nb::make_tuple(outcome.batches, outcome.stopped);
    }

    double work(chainrule::Index rows) { return executor_.work(rows); }
    nb::list runs(chainrule::Index rows) {
        nb::list made;
        for (const chainrule::RunNote& run : executor_.runs(rows)) {
            made.append(nb::make_tuple(run.signature, run.compiled));
        }
        return made;
    }
    chainrule::Index arena_bytes(chainrule::Index rows) { return executor_.arena_bytes(rows); }

private:
    struct Input {
        chainrule::Type type = chainrule::Type::float32;
        chainrule::Index row_bytes = 0;
        chainrule::Shape shape;  // of a row
    };

    static chainrule::Index row_bytes(const chainrule::Value& value) {
        chainrule::Index bytes = chainrule::item_size(value.type);
        for (std::size_t axis = 1; axis < value.shape.size(); ++axis) {
            bytes *= value.shape[axis].number;
        }
        return bytes;
    }

    chainrule::Executor executor_;
    std::vector<Input> inputs_;
    chainrule::Type number_type_ = chainrule::Type::float32;
};

// One element-wise operation over arrays, for tests of what an instruction set computes.
template <typename T>
void apply(const std::string& name, const std::string& set, Array<T> out, Array<const T> x,
           std::optional<Array<const T>> y) {
    const auto kernel = chainrule::typed<T>(kernels_named(set)).elementwise(name.c_str());
    if (kernel == nullptr || x.size() != out.size() || (y && y->size() != out.size())) {
        throw chainrule::Refused("apply: no kernel '" + name + "', or sizes differ.");
    }
    const auto count = static_cast<chainrule::Index>(out.size());
    kernel(out.data(), x.data(), y ? y->data() : x.data(), 1, 1, count, T{0});
}

}  // namespace

NB_MODULE(_native, module) {
    module.doc() = "The native core of chainrule.";
    module.def("fill_words", &words, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "first"_a);
    module.def("fill_uniform", &draw<double, chainrule::fill_uniform>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_normal", &draw<double, chainrule::fill_normal>, "out"_a.noconvert(), "key"_a,
               "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_truncated_normal", &draw<double, chainrule::fill_truncated_normal>,
               "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a, "purpose"_a);
    module.def("fill_permutation", &draw<std::int64_t, chainrule::fill_permutation>,
               "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a, "purpose"_a);
    module.def("all_finite", &all_finite<float>, "numbers"_a.noconvert(), "threads"_a);
    module.def("all_finite", &all_finite<double>, "numbers"_a.noconvert(), "threads"_a);
    module.def("inverse_normal", &inverse_normal, "shares"_a.noconvert());
    module.def("fill_mask", &mask<float>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);
    module.def("fill_mask", &mask<double>, "out"_a.noconvert(), "key"_a, "stream"_a, "step"_a,
               "purpose"_a, "threshold"_a, "scale"_a);

    nb::exception<chainrule::Refused>(module, "Refused", PyExc_ValueError);
    nb::exception<chainrule::BadData>(module, "BadData", PyExc_ValueError);
    nb::class_<Loaded>(module, "Executor")
        .def(nb::init<const nb::dict&, const std::string&>(), "description"_a, "set"_a)
        .def("run", &Loaded::run, "inputs"_a, "data_rows"_a, "order"_a.none(), "rows"_a,
             "batch_size"_a, "epoch_rows"_a, "parameters"_a, "slots"_a, "gradient"_a.none(),
             "lines"_a.none(), "seed"_a, "step"_a, "threads"_a, "update"_a, "results"_a)
        .def("work", &Loaded::work, "rows"_a)
        .def("runs", &Loaded::runs, "rows"_a)
        .def("arena_bytes", &Loaded::arena_bytes, "rows"_a);
    module.def("instruction_sets", &instruction_sets);
    module.def("operation_names", &chainrule::operation_names);
    module.def("apply", &apply<float>, "name"_a, "set"_a, "out"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert().none() = nb::none());
    module.def("apply", &apply<double>, "name"_a, "set"_a, "out"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert().none() = nb::none());
}
