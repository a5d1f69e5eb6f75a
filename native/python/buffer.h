// The memory of a Python array, looked at before it is used.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <string>

#include "tape.h"

namespace chainrule {

// The memory of an array while it is looked at; nothing where its numbers do not lie one after the
// other, or may not be written as asked for.
class View {
public:
    explicit View(nanobind::handle object, bool writable = false) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
        }
    }
    View(View&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    View& operator=(View&&) = delete;
    ~View() { PyBuffer_Release(&view_); }

    bool holds() const { return view_.obj != nullptr; }
    const Py_buffer* operator->() const { return &view_; }

    // Whether its numbers are of a type. NumPy gives those that are not aligned another name.
    bool is(Type type) const {
        const char format = view_.format == nullptr ? 'B' : view_.format[0];
        if (view_.itemsize != item_size(type)) {
            return false;
        }
        switch (type) {
            case Type::float32:
                return format == 'f';
            case Type::float64:
                return format == 'd';
            case Type::int32:
            case Type::int64:
                return format == 'i' || format == 'l' || format == 'q';
            case Type::uint64:
                return format == 'L' || format == 'Q';
            case Type::uint8:
                return format == 'B';
            case Type::boolean:
                return format == '?';
        }
        return false;
    }

private:
    Py_buffer view_{};
};

// A view that a run needs: contiguous and of the type wanted, held while it is used.
class Buffer {
public:
    Buffer(nanobind::handle object, Type type, bool writable, const char* what)
        : view_(object, writable), what_(what) {
        if (!view_.holds()) {
            refuse("is not contiguous or is read-only");
        }
        if (!view_.is(type)) {
            refuse("has another type");
        }
    }

    // Its memory, where it has so many bytes.
    std::byte* of_bytes(Index bytes) const {
        if (view_->len != bytes) {
            refuse("has another size");
        }
        return static_cast<std::byte*>(view_->buf);
    }
    // The same where it has one axis.
    std::byte* flat(Index bytes) const {
        of_rows({});
        return of_bytes(bytes);
    }
    // Its memory, where its entries along the first axis have this shape.
    std::byte* of_rows(const Shape& row) const {
        if (static_cast<std::size_t>(view_->ndim) != row.size() + 1 ||
            !std::equal(row.begin(), row.end(), view_->shape + 1)) {
            refuse("has another shape");
        }
        return static_cast<std::byte*>(view_->buf);
    }
    Index rows() const { return view_->ndim == 0 ? 0 : view_->shape[0]; }

private:
    [[noreturn]] void refuse(const char* why) const {
        throw Refused(std::string(what_) + ' ' + why);
    }

    View view_;
    const char* what_;
};

}  // namespace chainrule
