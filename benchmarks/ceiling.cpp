// What the cores can do, for ceiling.py: multiply-adds from registers, and reading and updating
// memory. Prints "NAME VALUE" lines: GFLOP/s and GB/s with 1 thread and with as many as asked for.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

using Vector = float __attribute__((vector_size(32)));
using Clock = std::chrono::steady_clock;

static volatile float sink;

// Work of one piece, in operations or bytes, on memory of its own thread.
struct Memory {
    std::vector<Vector> vectors;
    explicit Memory(std::size_t bytes) : vectors(bytes / sizeof(Vector), Vector{} + 1e-3f) {}
};

// Ten chains of a = a * b + c that do not wait for each other.
static double multiply_add(Memory&) {
    constexpr int chains = 10, rounds = 200000;
    Vector sums[chains];  // of different values, or the compiler makes one chain of them
    for (int chain = 0; chain < chains; ++chain)
        sums[chain] = Vector{} + static_cast<float>(chain);
    Vector factor = Vector{} + 0.999f, term = Vector{} + 1e-3f;
    for (int round = 0; round < rounds; ++round) {
        asm volatile("" : "+x"(factor), "+x"(term));
        for (auto& sum : sums)
            sum = sum * factor + term;
    }
    Vector total = {};
    for (auto& sum : sums)
        total += sum;
    sink = total[0];
    return 2.0 * 8 * chains * rounds;
}

// Sum of everything, in eight chains.
static double read_all(Memory& memory) {
    Vector sums[8] = {};
    for (std::size_t at = 0; at + 8 <= memory.vectors.size(); at += 8)
        for (int lane = 0; lane < 8; ++lane)
            sums[lane] += memory.vectors[at + lane];
    Vector total = {};
    for (auto& sum : sums)
        total += sum;
    sink = total[0];
    return static_cast<double>(memory.vectors.size() * sizeof(Vector));
}

// As Adam does: reads four arrays of equal length and writes three of them.
static double update_all(Memory& memory) {
    const std::size_t count = memory.vectors.size() / 4;
    Vector *weight = memory.vectors.data(), *first = weight + count, *second = first + count;
    const Vector* gradient = second + count;
    for (std::size_t at = 0; at < count; ++at) {
        const Vector slope = gradient[at];
        first[at] = first[at] * 0.9f + slope * 0.1f;
        second[at] = second[at] * 0.999f + slope * slope * 0.001f;
        weight[at] = weight[at] - first[at] * second[at];
    }
    return static_cast<double>(7 * count * sizeof(Vector));
}

// Operations or bytes a second, in thousand millions: the best of many short turns of all threads.
static double fastest(int threads, std::size_t bytes, const std::function<double(Memory&)>& piece) {
    std::vector<std::vector<double>> paces(threads);
    std::atomic<int> ready{0};
    auto work = [&](int index) {
        Memory memory(bytes);
        piece(memory);
        ++ready;
        while (ready < threads)
            std::this_thread::yield();
        const auto end = Clock::now() + std::chrono::milliseconds(500);
        while (Clock::now() < end) {
            const auto start = Clock::now();
            double done = 0;
            std::chrono::duration<double> passed{};
            do {
                done += piece(memory);
                passed = Clock::now() - start;
            } while (passed.count() < 2e-3);
            paces[index].push_back(done / passed.count() / 1e9);
        }
    };
    std::vector<std::thread> others;
    for (int index = 1; index < threads; ++index)
        others.emplace_back(work, index);
    work(0);
    for (auto& one : others)
        one.join();
    double total = 0;
    for (auto& pace : paces) {  // the ninth tenth: without the turns that were disturbed
        std::sort(pace.begin(), pace.end());
        total += pace[pace.size() * 9 / 10];
    }
    return total;
}

int main(int count, char** arguments) {
    const int cores = count > 1 ? std::atoi(arguments[1]) : 1;
    const struct {
        const char* name;
        std::size_t bytes;
    } places[] = {{"L2", 256 << 10}, {"L3", 6 << 20}, {"memory", 192 << 20}};
    for (int threads : {1, cores}) {
        std::printf("fma/%d %.2f\n", threads, fastest(threads, 64, multiply_add));
        for (auto& place : places) {
            std::printf("read %s/%d %.2f\n", place.name, threads,
                        fastest(threads, place.bytes, read_all));
            std::printf("update %s/%d %.2f\n", place.name, threads,
                        fastest(threads, place.bytes, update_all));
        }
    }
}
