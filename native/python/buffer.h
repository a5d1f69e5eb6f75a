// The memory of a Python array, looked at before it is used.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <string>

#include "tape.h"

namespace chainrule {

// A buffer of Python, contiguous and of the type wanted, held while it is used.
class Buffer {
public:
    Buffer(nanobind::handle object, Type type, bool writable, const char* what) : what_(what) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
            refuse("is not contiguous or is read-only");
        }
        if (!fits(type)) {
            PyBuffer_Release(&view_);
            refuse("has another type");
        }
    }
    Buffer(Buffer&& other) noexcept : view_(other.view_), what_(other.what_) {
        other.view_.obj = nullptr;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() {
        if (view_.obj != nullptr) {
            PyBuffer_Release(&view_);
        }
    }

    // Its memory, where it has so many bytes.
    std::byte* of_bytes(Index bytes) const {
        if (view_.len != bytes) {
            refuse("has another size");
        }
        return static_cast<std::byte*>(view_.buf);
    }
    // The same where it has one axis.
    std::byte* flat(Index bytes) const {
        of_rows({});
        return of_bytes(bytes);
    }
    // Its memory, where its entries along the first axis have this shape.
    std::byte* of_rows(const Shape& row) const {
        if (static_cast<std::size_t>(view_.ndim) != row.size() + 1 ||
            !std::equal(row.begin(), row.end(), view_.shape + 1)) {
            refuse("has another shape");
        }
        return static_cast<std::byte*>(view_.buf);
    }
    Index rows() const { return view_.ndim == 0 ? 0 : view_.shape[0]; }

private:
    [[noreturn]] void refuse(const char* why) const {
        throw Refused(std::string(what_) + ' ' + why);
    }

    bool fits(Type type) const {
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

    Py_buffer view_{};
    const char* what_;
};

}  // namespace chainrule
