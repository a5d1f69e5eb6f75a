// Every kernel on memory that ends where its numbers end, the same bits with each instruction set:
// a sanitizer sees what reads or writes beyond. The keys of shuffles are in executor_test.cpp.
#include "kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "steps.h"

namespace chainrule {
namespace {

constexpr Index kRowCounts[] = {1, 3, 8, 9, 33};
constexpr Index kWidths[] = {1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 70};

// Numbers without a pattern, from -1 to 1, different for each key.
template <typename T>
std::vector<T> numbers(Index count, std::uint32_t key = 1) {
    std::vector<T> made(static_cast<std::size_t>(count));
    std::uint32_t state = key * 2654435761U;
    for (T& number : made) {
        state = state * 1664525U + 1013904223U;
        number = static_cast<T>(state >> 8) / static_cast<T>(1 << 23) - T{1};
    }
    return made;
}

template <typename T>
bool same_bits(const std::vector<T>& left, const std::vector<T>& right) {
    return left.size() == right.size() &&
           std::memcmp(left.data(), right.data(), left.size() * sizeof(T)) == 0;
}

// What compute(kernels, out) writes into `count` numbers, checked to be the same for all sets.
template <typename T, typename Out = T, typename Compute>
std::vector<Out> on_each_set(Index count, Compute compute) {
    std::vector<Out> first(static_cast<std::size_t>(count), Out{7});
    compute(typed<T>(*plain_kernels()), first.data());
    if (avx2_kernels() != nullptr) {
        std::vector<Out> second(static_cast<std::size_t>(count), Out{7});
        compute(typed<T>(*avx2_kernels()), second.data());
        CHECK(same_bits(first, second));
    }
    return first;
}

template <typename T>
bool near(T found, double expected, double allowed) {
    return std::fabs(static_cast<double>(found) - expected) <= allowed;
}

template <typename T>
void rows_as_loops_give_them() {
    const double eps = sizeof(T) == 4 ? 1e-5 : 1e-13;
    for (const Index rows : kRowCounts) {
        for (const Index columns : kWidths) {
            const auto x = numbers<T>(rows * columns);
            const auto targets = numbers<T>(rows * columns, 2);
            const auto slopes = numbers<T>(rows, 3);
            const auto sums = on_each_set<T>(rows, [&](const Typed<T>& known, T* out) {
                known.sum_rows(out, x.data(), rows, columns);
            });
            const auto shares = on_each_set<T>(rows * columns, [&](const Typed<T>& known, T* out) {
                known.softmax(out, x.data(), rows, columns);
            });
            const auto logs = on_each_set<T>(rows * columns, [&](const Typed<T>& known, T* out) {
                known.log_softmax(out, x.data(), rows, columns);
            });
            const auto losses = on_each_set<T>(rows, [&](const Typed<T>& known, T* out) {
                known.softmax_cross_entropy(out, x.data(), targets.data(), rows, columns);
            });
            for (const Index step : {0, 1}) {
                const auto found =
                    on_each_set<T>(rows * columns, [&](const Typed<T>& known, T* out) {
                        known.softmax_cross_entropy_slope(out, x.data(), targets.data(),
                                                          slopes.data(), step, rows, columns);
                    });
                for (Index at = 0; at < rows * columns; ++at) {
                    const Index row = at / columns;
                    double total = 0.0;
                    for (Index column = 0; column < columns; ++column) {
                        total += targets[static_cast<std::size_t>(row * columns + column)];
                    }
                    const auto place = static_cast<std::size_t>(at);
                    const double slope = slopes[static_cast<std::size_t>(row * step)];
                    CHECK(near(found[place], slope * (shares[place] * total - targets[place]),
                               eps * static_cast<double>(columns)));
                }
            }
            for (Index row = 0; row < rows; ++row) {
                double sum = 0.0;
                double powers = 0.0;
                double loss = 0.0;
                for (Index column = 0; column < columns; ++column) {
                    const auto place = static_cast<std::size_t>(row * columns + column);
                    sum += x[place];
                    powers += std::exp(static_cast<double>(x[place]));
                    loss -= static_cast<double>(targets[place]) * logs[place];
                }
                const auto place = static_cast<std::size_t>(row * columns);
                const double allowed = eps * static_cast<double>(columns);
                CHECK(near(sums[static_cast<std::size_t>(row)], sum, allowed));
                CHECK(near(shares[place], std::exp(static_cast<double>(x[place])) / powers, eps));
                CHECK(near(logs[place], x[place] - std::log(powers), eps));
                CHECK(near(losses[static_cast<std::size_t>(row)], loss, allowed));
            }
        }
    }
}

TEST(kernels_along_rows) {
    rows_as_loops_give_them<float>();
    rows_as_loops_give_them<double>();
}

template <typename T>
void columns_and_extremes() {
    for (const Index rows : kRowCounts) {
        for (const Index columns : kWidths) {
            const Index stride = columns + 3;
            const auto x = numbers<T>((rows - 1) * stride + columns);
            const auto along = numbers<T>(rows * columns);
            using Along = void (*)(T*, const T*, Index, Index);
            using Down = void (*)(T*, const T*, Index, Index, Index);
            for (Along Typed<T>::* const kernel : {&Typed<T>::max_rows, &Typed<T>::min_rows}) {
                on_each_set<T>(rows, [&](const Typed<T>& known, T* out) {
                    (known.*kernel)(out, along.data(), rows, columns);
                });
            }
            for (Down Typed<T>::* const kernel :
                 {&Typed<T>::sum_columns, &Typed<T>::max_columns, &Typed<T>::min_columns}) {
                on_each_set<T>(columns, [&](const Typed<T>& known, T* out) {
                    (known.*kernel)(out, x.data(), rows, columns, stride);
                });
            }
            const auto largest =
                on_each_set<T, std::int32_t>(rows, [&](const Typed<T>& known, std::int32_t* out) {
                    known.argmax_rows(out, along.data(), rows, columns);
                });
            for (Index row = 0; row < rows; ++row) {
                const auto first = along.begin() + row * columns;
                CHECK(std::max_element(first, first + columns) - first ==
                      largest[static_cast<std::size_t>(row)]);
            }
        }
    }
}

TEST(kernels_down_columns) {
    columns_and_extremes<float>();
    columns_and_extremes<double>();
}

// A product with either operand turned, whole and in parts.
template <typename T>
void products_of(Index rows, Index depth, Index columns, bool turned_a, bool turned_b) {
    const auto a = numbers<T>(rows * depth);
    const auto b = numbers<T>(depth * columns, 2);
    const auto part = [&](const Typed<T>& known, T* out, Index cut_row, Index cut_column) {
        const Product<T> product{a.data(),
                                 turned_a ? 1 : depth,
                                 turned_a ? rows : 1,
                                 b.data(),
                                 turned_b ? 1 : columns,
                                 turned_b ? depth : 1,
                                 out,
                                 columns,
                                 rows,
                                 columns,
                                 depth};
        const auto bytes = static_cast<std::size_t>(known.matmul_scratch(product)) * sizeof(T);
        void* scratch = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
        for (const auto& [first_row, last_row] : {std::pair{Index{0}, cut_row}, {cut_row, rows}}) {
            for (const auto& [first, last] :
                 {std::pair{Index{0}, cut_column}, {cut_column, columns}}) {
                known.matmul(product, first_row, last_row, first, last, static_cast<T*>(scratch));
            }
        }
        std::free(scratch);
    };
    const auto whole = on_each_set<T>(
        rows * columns, [&](const Typed<T>& known, T* out) { part(known, out, 0, 0); });
    const auto cut = on_each_set<T>(rows * columns, [&](const Typed<T>& known, T* out) {
        part(known, out, rows / 2, columns / 3);
    });
    CHECK(same_bits(whole, cut));
    const double eps = (sizeof(T) == 4 ? 1e-6 : 1e-15) * static_cast<double>(depth + 1);
    for (Index row = 0; row < rows; ++row) {
        for (Index column = 0; column < columns; ++column) {
            double sum = 0.0;
            for (Index k = 0; k < depth; ++k) {
                const Index left = turned_a ? k * rows + row : row * depth + k;
                const Index right = turned_b ? column * depth + k : k * columns + column;
                sum += static_cast<double>(a[static_cast<std::size_t>(left)]) *
                       static_cast<double>(b[static_cast<std::size_t>(right)]);
            }
            CHECK(near(whole[static_cast<std::size_t>(row * columns + column)], sum, eps));
        }
    }
}

TEST(products) {
    constexpr Index sizes[][3] = {{1, 1, 1},   {1, 0, 3},  {2, 3, 1},     {7, 5, 9},
                                  {13, 4, 10}, {32, 2, 4}, {33, 16, 7},   {9, 30, 17},
                                  {6, 40, 64}, {65, 9, 2}, {17, 513, 19}, {100, 21, 33}};
    for (const auto& [rows, depth, columns] : sizes) {
        for (const bool turned_a : {false, true}) {
            for (const bool turned_b : {false, true}) {
                products_of<float>(rows, depth, columns, turned_a, turned_b);
                products_of<double>(rows, depth, columns, turned_a, turned_b);
            }
        }
    }
}

template <typename T>
void elementwise_of(const char* name) {
    for (const Index count : kWidths) {
        for (const Index step : {0, 1}) {
            const auto x = numbers<T>(step == 0 ? 1 : count);
            const auto y = numbers<T>(count, 2);
            on_each_set<T>(count, [&](const Typed<T>& known, T* out) {
                known.elementwise(name)(out, x.data(), y.data(), step, 1, count, T{0.25});
            });
        }
    }
}

TEST(element_wise_kernels) {
    for (const char* name : {"add",
                             "subtract",
                             "multiply",
                             "divide",
                             "power",
                             "maximum",
                             "minimum",
                             "greater",
                             "equal",
                             "squared_error",
                             "absolute_error",
                             "sigmoid_cross_entropy",
                             "negative",
                             "exp",
                             "expm1",
                             "log",
                             "log1p",
                             "sqrt",
                             "abs",
                             "sign",
                             "tanh",
                             "sigmoid",
                             "relu",
                             "flush",
                             "erf",
                             "sin",
                             "cos",
                             "leaky_relu",
                             "elu",
                             "softplus",
                             "stop_gradient"}) {
        elementwise_of<float>(name);
        elementwise_of<double>(name);
    }
}

const char* const kRuns[] = {
#include "kernels/known_runs.inc"
};

// Kinds of a signature's operands in their order: o for an array, p for a row, s for a number.
std::string operands_of(const std::string& signature) {
    std::string kinds;
    for (std::size_t at = 0; at + 2 < signature.size(); ++at) {
        if (signature[at] == ' ' && std::strchr("ops", signature[at + 1]) != nullptr) {
            const auto number = static_cast<std::size_t>(std::atoi(signature.c_str() + at + 2));
            kinds.resize(std::max(kinds.size(), number + 1), 'o');
            kinds[number] = signature[at + 1];
        }
    }
    return kinds;
}

template <typename T>
void compiled_run_of(const std::string& signature, Index rows, Index columns) {
    const Index step = columns + 2;
    const Index count = (rows - 1) * step + columns;
    std::vector<std::vector<T>> given;
    std::vector<const T*> operands;
    for (const char kind : operands_of(signature)) {
        const Index size = kind == 'o' ? count : kind == 'p' ? columns : 1;
        given.push_back(numbers<T>(size, static_cast<std::uint32_t>(given.size()) + 1));
        for (T& number : given.back()) {
            number = std::fabs(number) + T{0.5};  // of roots
        }
        operands.push_back(given.back().data());
    }
    const std::string last = signature.substr(signature.find("> ") + 2);
    const Index results = 1 + std::count(last.begin(), last.end(), ' ');
    const auto made = on_each_set<T>(results * count, [&](const Typed<T>& known, T* out) {
        std::vector<T*> places;
        for (Index result = 0; result < results; ++result) {
            places.push_back(out + result * count);
        }
        known.compiled_run(signature.c_str())(places.data(), operands.data(), rows, columns, step);
    });
    for (Index at = 0; at < results * count; ++at) {
        // between rows nothing is written
        CHECK(at % count % step < columns || made[static_cast<std::size_t>(at)] == T{7});
    }
}

TEST(compiled_runs) {
    for (const char* signature : kRuns) {
        for (const Index columns : {1, 3, 4, 7, 8, 9, 17}) {
            for (const Index rows : {1, 3}) {
                compiled_run_of<float>(signature, rows, columns);
                compiled_run_of<double>(signature, rows, columns);
            }
        }
    }
}

TEST(drawn_numbers_in_parts_are_the_whole) {
    const Stream source{5, 6, 7, 0};
    for (const bool normal : {false, true}) {
        const auto drawn = [&](Index first, Index count) {
            return on_each_set<float>(count, [&](const Typed<float>& known, float* out) {
                (normal ? known.normal : known.uniform)(out, first, count, source);
            });
        };
        const auto whole = drawn(0, 200);
        for (const Index first : {0, 1, 5, 64, 131}) {
            for (const Index count : {1, 4, 15, 64, 69}) {
                const auto part = drawn(first, count);
                CHECK(std::equal(part.begin(), part.end(), whole.begin() + first));
            }
        }
    }
}

TEST(masks_in_parts_are_the_whole) {
    const MaskSource source{{5, 6, 7, 0}, 1U << 30, 1.5};
    const auto whole = on_each_set<float>(
        200, [&](const Typed<float>& known, float* out) { known.mask(out, 0, 200, source); });
    for (const Index first : {0, 1, 5, 64, 131}) {
        for (const Index count : {1, 4, 15, 64, 69}) {
            const auto part = on_each_set<float>(count, [&](const Typed<float>& known, float* out) {
                known.mask(out, first, count, source);
            });
            CHECK(std::equal(part.begin(), part.end(), whole.begin() + first));
            on_each_set<double>(count, [&](const Typed<double>& known, double* out) {
                known.mask(out, first, count, source);
            });
        }
    }
}

}  // namespace
}  // namespace chainrule
