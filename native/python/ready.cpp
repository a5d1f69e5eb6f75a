#include "ready.h"

#include <algorithm>
#include <optional>

#include "finite.h"

namespace nb = nanobind;

namespace chainrule {
namespace {

// Below this many numbers, giving the interpreter lock away costs more than it frees.
constexpr Index kLongLook = 4096;

// The memory of an array while it is looked at; without one where its numbers do not lie one after
// the other. NumPy gives those that are not aligned a type of another name.
class View {
public:
    explicit View(nb::handle array, int flags = 0) {
        if (PyObject_GetBuffer(array.ptr(), &view_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | flags)) {
            PyErr_Clear();
            return;
        }
        type_ = view_.format == nullptr ? 'B' : view_.format[0];
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    ~View() { PyBuffer_Release(&view_); }

    const Py_buffer* operator->() const { return &view_; }
    // How the struct module of Python calls the type of its numbers; a space where there is none.
    char type() const { return type_; }
    bool is_flat() const { return view_.ndim == 1; }
    bool is_whole(Py_ssize_t bytes) const {
        return view_.itemsize == bytes && (type_ == 'i' || type_ == 'l' || type_ == 'q');
    }

private:
    Py_buffer view_{};
    char type_ = ' ';
};

template <typename Work>
bool look(Index count, Work work) {
    std::optional<nb::gil_scoped_release> released;
    if (count >= kLongLook) {
        released.emplace();
    }
    return work();
}

bool has_rows(const View& view, const nb::tuple& row) {
    if (static_cast<std::size_t>(view->ndim) != row.size() + 1 || view->shape[0] == 0) {
        return false;
    }
    const Py_ssize_t* size = view->shape + 1;
    const bool same = std::all_of(row.begin(), row.end(), [&](nb::handle wanted) {
        return PyNumber_AsSsize_t(wanted.ptr(), nullptr) == *size++;
    });
    if (!same) {
        PyErr_Clear();  // of what is no whole number
    }
    return same;
}

template <typename Whole>
bool copied(const View& labels, std::uint64_t classes, void* copy) {
    std::uint64_t bad = 0;
    for (Py_ssize_t row = 0; row < labels->shape[0]; ++row) {
        const Whole label = static_cast<const Whole*>(labels->buf)[row];
        static_cast<std::int32_t*>(copy)[row] = static_cast<std::int32_t>(label);
        // as an unsigned number, one below 0 is larger than any class
        bad |= static_cast<std::uint64_t>(label) >= classes ? 1U : 0U;
    }
    return bad == 0;
}

}  // namespace

bool is_ready(nb::handle array, char type, const nb::tuple& row, int threads) {
    const View view(array);
    if (view.type() != type || !has_rows(view, row)) {
        return false;
    }
    const Index count = view->len / view->itemsize;
    return look(count, [&] {
        return type == 'f' ? all_finite(static_cast<const float*>(view->buf), count, threads)
                           : all_finite(static_cast<const double*>(view->buf), count, threads);
    });
}

bool copy_labels(nb::handle labels, std::uint64_t classes, nb::handle copy) {
    const View given(labels), made(copy, PyBUF_WRITABLE);
    if (!given.is_flat() || !made.is_flat() || !made.is_whole(4) ||
        given->shape[0] != made->shape[0]) {
        return false;
    }
    return look(given->shape[0], [&] {
        if (given.is_whole(8)) {
            return copied<std::int64_t>(given, classes, made->buf);
        }
        if (given.is_whole(4)) {
            return copied<std::int32_t>(given, classes, made->buf);
        }
        return given.type() == 'B' && copied<std::uint8_t>(given, classes, made->buf);
    });
}

}  // namespace chainrule
