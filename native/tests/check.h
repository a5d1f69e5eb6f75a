// A test is `TEST(what_holds) { CHECK(truth); }` in any file of this folder; main runs them all.
#pragma once

namespace chainrule::tests {

bool add(const char* name, void (*run)());
void check(bool holds, const char* text, const char* file, int line);

}  // namespace chainrule::tests

#define TEST(name)                                                              \
    static void name();                                                         \
    [[maybe_unused]] static const bool name##_added = tests::add(#name, &name); \
    static void name()

// May be used in any thread.
#define CHECK(truth) tests::check(static_cast<bool>(truth), #truth, __FILE__, __LINE__)
