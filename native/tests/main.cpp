// Runs every test, or those whose names have the text that is given.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"

namespace chainrule::tests {
namespace {

struct Test {
    const char* name;
    void (*run)();
};

std::vector<Test>& all() {
    static std::vector<Test> tests;
    return tests;
}

std::atomic<int> failures{0};

}  // namespace

bool add(const char* name, void (*run)()) {
    all().push_back({name, run});
    return true;
}

void check(bool holds, const char* text, const char* file, int line) {
    if (!holds) {
        ++failures;
        std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    }
}

}  // namespace chainrule::tests

int main(int count, char** arguments) {
    using namespace chainrule::tests;
    int ran = 0;
    for (const Test& test : all()) {
        if (count > 1 && std::strstr(test.name, arguments[1]) == nullptr) {
            continue;
        }
        std::printf("%s\n", test.name);
        std::fflush(stdout);
        test.run();
        ++ran;
    }
    std::printf("%d tests, %d failures\n", ran, failures.load());
    return ran == 0 || failures != 0;
}
