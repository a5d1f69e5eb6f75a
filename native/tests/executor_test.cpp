#include "executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "check.h"
#include "finite.h"
#include "permutation.h"
#include "philox.h"

namespace chainrule {
namespace {

constexpr Index kColumns = 301;
constexpr Index kUnits = 121;
constexpr Index kWeights = kColumns * kUnits;
constexpr Index kCount = kWeights + kUnits;

const Size kRows{1, true};

Size fixed(Index number) {
    return {number, false};
}

Attribute sizes(std::vector<Index> numbers) {
    Attribute made;
    for (const Index number : numbers) {
        made.sizes.push_back(fixed(number));
    }
    return made;
}

Instruction instruction(const char* name, std::vector<int> operands, int result,
                        std::map<std::string, Attribute> attributes = {}) {
    return {name, std::move(operands), {result}, std::move(attributes), {}};
}

// y = tanh(x @ w + b), loss = the sum of y, and a step of gradient descent.
Description layer() {
    Description tape;
    const auto add = [&](std::vector<Size> shape, Kind kind, Index number = 0, Index offset = 0) {
        tape.values.push_back({Type::float32, std::move(shape), kind, number, offset});
        return static_cast<int>(tape.values.size()) - 1;
    };
    const std::vector<Size> wide{kRows, fixed(kUnits)};
    const int x = add({kRows, fixed(kColumns)}, Kind::input);
    const int w = add({fixed(kColumns), fixed(kUnits)}, Kind::parameters);
    const int b = add({fixed(kUnits)}, Kind::parameters, 0, kWeights * 4);
    const int one = add({}, Kind::constant);
    const int product = add(wide, Kind::own);
    const int moved = add(wide, Kind::own);
    const int y = add(wide, Kind::arena, 0);
    const int loss = add({}, Kind::arena, 1);
    const int square = add(wide, Kind::own);
    const int slope = add(wide, Kind::arena, 2);
    const int turned = add({fixed(kColumns), kRows}, Kind::view);
    const int of_w = add({fixed(kColumns), fixed(kUnits)}, Kind::gradient);
    const int of_b = add({fixed(kUnits)}, Kind::gradient, 0, kWeights * 4);
    const int weight = add({fixed(kCount)}, Kind::flat);
    const int gradient = add({fixed(kCount)}, Kind::gradient);
    const int rate = add({}, Kind::line);
    const int step = add({fixed(kCount)}, Kind::own);
    const int updated = add({fixed(kCount)}, Kind::flat);
    tape.instructions = {
        {"fused",
         {x, w, b},
         {y},
         {},
         {instruction("matmul", {x, w}, product), instruction("add", {product, b}, moved),
          instruction("tanh", {moved}, y)}},
        instruction("sum", {y}, loss, {{"axis", sizes({0, 1})}}),
        {"fused",
         {y, one},
         {slope},
         {},
         {instruction("multiply", {y, y}, square), instruction("subtract", {one, square}, slope)}},
        instruction("transpose", {x}, turned, {{"axes", sizes({1, 0})}}),
        instruction("matmul", {turned, slope}, of_w),
        instruction("sum", {slope}, of_b, {{"axis", sizes({0})}}),
        {"fused",
         {rate, gradient, weight},
         {updated},
         {},
         {instruction("multiply", {rate, gradient}, step),
          instruction("subtract", {weight, step}, updated)}}};
    tape.seam = 6;
    tape.results = {loss, y};
    tape.loss = loss;
    tape.constants.resize(4);
    const float number = 1.0F;
    std::memcpy(tape.constants.data(), &number, 4);
    tape.gradient_bytes = tape.parameter_bytes = kCount * 4;
    tape.flat_bytes = {kCount * 4};
    tape.inputs = {"x"};
    return tape;
}

std::vector<const Kernels*> sets() {
    std::vector<const Kernels*> found{plain_kernels()};
    if (avx2_kernels() != nullptr) {
        found.push_back(avx2_kernels());
    }
    return found;
}

// Data of 200 rows, and what two runs are compared by.
struct Trial {
    std::vector<float> x = std::vector<float>(200 * kColumns);
    std::vector<float> parameters = std::vector<float>(kCount);
    std::vector<Index> order;
    std::vector<double> losses = std::vector<double>(3);
    std::vector<float> y = std::vector<float>(500 * kUnits);

    Trial() {
        // numbers without a pattern, from -1 to 1
        std::uint32_t state = 7;
        for (std::vector<float>* numbers : {&x, &parameters}) {
            for (float& number : *numbers) {
                state = state * 1664525U + 1013904223U;
                number = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1.0F;
            }
        }
        for (float& number : parameters) {
            number *= 0.1F;
        }
        for (Index row = 0; row < 500; ++row) {
            order.push_back(row * 7 % 200);
        }
    }

    Outcome run(Executor& executor, int threads, Index batch_size = 200, bool update = true) {
        const std::vector<double> rates{1e-4, 1e-4, 1e-4};
        Call call;
        call.inputs = {reinterpret_cast<const std::byte*>(x.data())};
        call.data_rows = 200;
        call.order = order.data();
        call.rows = static_cast<Index>(order.size());
        call.batch_size = batch_size;
        call.epoch_rows = call.rows;
        call.update = update;
        call.parameters = reinterpret_cast<std::byte*>(parameters.data());
        call.flat = {call.parameters};
        call.lines = rates.data();
        call.threads = threads;
        call.results = {reinterpret_cast<std::byte*>(losses.data()),
                        reinterpret_cast<std::byte*>(y.data())};
        return executor.run(call);
    }

    bool operator==(const Trial& other) const {
        return losses == other.losses && y == other.y && parameters == other.parameters;
    }
};

template <typename Work>
bool refuses(Work work) {
    try {
        work();
    } catch (const Refused&) {
        return true;
    }
    return false;
}

TEST(a_step_gives_what_loops_in_double_give) {
    Executor executor(layer(), *plain_kernels());
    Trial trial;
    const Trial before = trial;
    trial.order.resize(200);
    const Outcome outcome = trial.run(executor, 1);
    CHECK(outcome.batches == 1 && !outcome.stopped);
    std::vector<double> gradient(kCount);
    double loss = 0.0;
    double farthest = 0.0;
    for (Index row = 0; row < 200; ++row) {
        const float* from = &before.x[static_cast<std::size_t>(before.order[row] * kColumns)];
        for (Index unit = 0; unit < kUnits; ++unit) {
            double sum = before.parameters[static_cast<std::size_t>(kWeights + unit)];
            for (Index column = 0; column < kColumns; ++column) {
                sum += static_cast<double>(from[column]) *
                       before.parameters[static_cast<std::size_t>(column * kUnits + unit)];
            }
            const double y = std::tanh(sum);
            loss += y;
            farthest = std::max(
                farthest, std::fabs(y - trial.y[static_cast<std::size_t>(row * kUnits + unit)]));
            gradient[static_cast<std::size_t>(kWeights + unit)] += 1 - y * y;
            for (Index column = 0; column < kColumns; ++column) {
                gradient[static_cast<std::size_t>(column * kUnits + unit)] +=
                    from[column] * (1 - y * y);
            }
        }
    }
    CHECK(farthest < 1e-5);
    CHECK(std::fabs(trial.losses[0] - loss) < 1e-2);
    for (std::size_t index = 0; index < gradient.size(); ++index) {
        const double expected = before.parameters[index] - 1e-4 * gradient[index];
        CHECK(std::fabs(trial.parameters[index] - expected) < 1e-7);
    }
}

TEST(threads_and_instruction_sets_change_no_bit) {
    Executor executor(layer(), *plain_kernels());
    CHECK(executor.work(200) > 5e6);
    Trial expected;
    expected.run(executor, 1);
    for (const Kernels* kernels : sets()) {
        Executor other(layer(), *kernels);
        for (int threads = 1; threads <= 4; ++threads) {
            Trial trial;
            CHECK(trial.run(other, threads).batches == 3);
            CHECK(trial == expected);
        }
    }
}

TEST(batches_without_updates_are_the_same_on_any_thread) {
    Executor executor(layer(), *sets().back());
    std::vector<Trial> found(5);
    for (Trial& trial : found) {
        trial.losses.resize(25);
        const int threads = static_cast<int>(&trial - found.data());
        CHECK(trial.run(executor, threads, 20, false).batches == 25);
        CHECK(trial == found[0]);
    }
    CHECK(found[0].parameters == Trial().parameters);
    Trial one;
    one.losses.resize(500);
    CHECK(one.run(executor, 1, 1, false).batches == 500);
    CHECK(one.y == found[0].y);
}

TEST(one_number_that_is_not_finite_is_found) {
    std::vector<double> numbers(700'001, 1.0);
    for (int threads = 1; threads <= 3; ++threads) {
        CHECK(all_finite(numbers.data(), static_cast<Index>(numbers.size()), threads));
        for (const std::size_t place : {std::size_t{0}, numbers.size() / 2, numbers.size() - 1}) {
            numbers[place] = std::numeric_limits<double>::infinity();
            CHECK(!all_finite(numbers.data(), static_cast<Index>(numbers.size()), threads));
            numbers[place] = 1.0;
        }
    }
}

TEST(permutations_are_the_stable_order_of_their_keys) {
    constexpr std::size_t kOrders = 5;
    const Stream source{0x123456789ABCDEF, 7, (std::uint64_t{3} << 32) - 2, 2};
    for (const std::size_t count : {0, 1, 2, 31, 32, 33, 63, 64, 1000, 2047, 2048, 16384, 50'000}) {
        std::vector<std::int64_t> expected;
        for (std::uint64_t step = 0; step < kOrders; ++step) {
            const Stream own{source.key, source.stream, source.step + step, source.purpose};
            std::vector<std::uint64_t> keys;
            each_pair(own, count, [&](std::size_t, std::uint32_t left, std::uint32_t right) {
                keys.push_back(std::uint64_t{left} << 32 | right);
            });
            std::vector<std::int64_t> order(count);
            std::iota(order.begin(), order.end(), 0);
            std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
                return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
            });
            expected.insert(expected.end(), order.begin(), order.end());
        }
        for (const Kernels* kernels : sets()) {
            for (const int threads : {1, 3}) {
                std::vector<std::int64_t> orders(expected.size(), -1);
                fill_permutations(orders.data(), kOrders, count, source, *kernels, threads);
                CHECK(orders == expected);
            }
        }
    }
}

TEST(threads_share_an_executor) {
    Executor executor(layer(), *sets().back());
    Trial expected;
    expected.run(executor, 1);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&, caller] {
            Trial trial;
            trial.run(executor, 1 + caller);
            CHECK(trial == expected);
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
}

TEST(a_loss_that_is_not_finite_stops_before_its_update) {
    Executor executor(layer(), *sets().back());
    Trial expected;
    expected.order.resize(200);
    expected.run(executor, 2);
    Trial trial;
    const Index last = trial.order[250];
    for (Index row = 0; row < 200; ++row) {
        trial.order[static_cast<std::size_t>(row)] = expected.order[static_cast<std::size_t>(row)];
    }
    // a row that the first batch would meet too is left out of it
    for (Index& row : trial.order) {
        row = row == last && &row < trial.order.data() + 200 ? 0 : row;
    }
    for (Index& row : expected.order) {
        row = row == last ? 0 : row;
    }
    expected.parameters = Trial().parameters;
    expected.run(executor, 2);
    trial.x[static_cast<std::size_t>(last * kColumns)] = std::numeric_limits<float>::quiet_NaN();
    const Outcome outcome = trial.run(executor, 2);
    CHECK(outcome.stopped && outcome.batches == 2);
    CHECK(trial.parameters == expected.parameters);
    CHECK(std::isnan(trial.losses[1]));
}

TEST(what_does_not_fit_is_refused) {
    const auto loads = [](const Description& tape) { Executor(tape, *plain_kernels()); };
    const auto damaged = [&](auto damage) {
        return refuses([&] {
            Description tape = layer();
            damage(tape);
            loads(tape);
        });
    };
    CHECK(!damaged([](Description&) {}));
    CHECK(damaged([](Description& tape) { tape.values[2].offset += 4; }));
    CHECK(damaged([](Description& tape) { tape.values[2].offset = -4; }));
    CHECK(damaged([](Description& tape) { tape.values[0].shape[1].number = -1; }));
    CHECK(damaged([](Description& tape) { tape.values[1].shape[0].number += 1; }));
    CHECK(damaged([](Description& tape) { tape.values[15].number = 1; }));
    CHECK(damaged([](Description& tape) { tape.constants.clear(); }));
    CHECK(damaged([](Description& tape) { tape.seam = 7; }));
    CHECK(damaged([](Description& tape) { tape.results[0] = 17; }));
    CHECK(damaged([](Description& tape) { tape.loss = 6; }));
    CHECK(damaged([](Description& tape) { tape.instructions[0].parts.clear(); }));
    CHECK(damaged([](Description& tape) { tape.instructions[3].attributes.clear(); }));
    CHECK(damaged([](Description& tape) { tape.instructions[4].operands.pop_back(); }));
    CHECK(damaged([](Description& tape) { tape.instructions[1].results[0] = 99; }));
    CHECK(damaged([](Description& tape) { tape.parameter_bytes = 8; }));
    Executor executor(layer(), *plain_kernels());
    CHECK(refuses([&] { executor.work(-1); }));
    CHECK(refuses([&] { executor.work(Index{1} << 60); }));
}

TEST(rows_that_are_not_there_are_told) {
    Executor executor(layer(), *plain_kernels());
    for (const Index row : {Index{-1}, Index{200}}) {
        Trial trial;
        trial.order[3] = row;
        bool told = false;
        try {
            trial.run(executor, 1);
        } catch (const BadData&) {
            told = true;
        }
        CHECK(told);
        CHECK(trial.parameters == Trial().parameters);
    }
}

}  // namespace
}  // namespace chainrule
