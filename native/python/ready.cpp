#include "ready.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "buffer.h"
#include "finite.h"
#include "lock.h"

namespace nb = nanobind;

namespace chainrule {
namespace {

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

struct Copying {
    const void* from;
    void* to;
    Index count;
    double least, most;
};

template <typename From, typename To>
bool copied(const Copying& job) {
    const From* const from = static_cast<const From*>(job.from);
    To* const to = static_cast<To*>(job.to);
    int bad = 0;
    for (Index index = 0; index < job.count; ++index) {
        to[index] = static_cast<To>(from[index]);
        // a float may have become infinite; a whole number too large has lost what it was
        const double seen = std::is_floating_point_v<To> ? static_cast<double>(to[index])
                                                         : static_cast<double>(from[index]);
        const bool finite = std::fabs(seen) <= std::numeric_limits<double>::max();
        bad |= finite && seen >= job.least && seen <= job.most ? 0 : 1;
    }
    return bad == 0;
}

template <typename To>
bool copied_to(const View& given, const Copying& job) {
    if (given.is(Type::int64)) {
        return copied<std::int64_t, To>(job);
    }
    if (given.is(Type::int32)) {
        return copied<std::int32_t, To>(job);
    }
    if (given.is(Type::uint8) || given.is(Type::boolean)) {
        return copied<std::uint8_t, To>(job);
    }
    if constexpr (std::is_floating_point_v<To>) {
        if (given.is(Type::float32)) {
            return copied<float, To>(job);
        }
        return given.is(Type::float64) && copied<double, To>(job);
    }
    return false;
}

}  // namespace

bool is_ready(nb::handle array, char type, const nb::tuple& row, int threads) {
    const View view(array);
    const Type wanted = type == 'f' ? Type::float32 : Type::float64;
    if (!view.holds() || !view.is(wanted) || !has_rows(view, row)) {
        return false;
    }
    const Index count = view->len / view->itemsize;
    return unlocked(static_cast<std::size_t>(count), [&] {
        return wanted == Type::float32
                   ? all_finite(static_cast<const float*>(view->buf), count, threads)
                   : all_finite(static_cast<const double*>(view->buf), count, threads);
    });
}

bool copy_numbers(nb::handle given, nb::handle copy, double least, double most) {
    const View from(given), to(copy, true);
    if (!from.holds() || !to.holds() || from->itemsize == 0) {
        return false;
    }
    const Index count = from->len / from->itemsize;
    const Copying job{from->buf, to->buf, count, least, most};
    return count == to->len / to->itemsize && unlocked(static_cast<std::size_t>(count), [&] {
               return (to.is(Type::float32) && copied_to<float>(from, job)) ||
                      (to.is(Type::float64) && copied_to<double>(from, job)) ||
                      (to.is(Type::int32) && copied_to<std::int32_t>(from, job));
           });
}

}  // namespace chainrule
