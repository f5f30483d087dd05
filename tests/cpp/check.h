// CHECK for the C++ test programs: a failure is printed and counted, and finish() turns the count into
// the exit code. Not for use from several threads at once.
#pragma once

#include <cstdio>

namespace check {

inline int passed = 0;
inline int failed = 0;

inline void record(bool holds, const char* text, const char* file, int line) {
  ++(holds ? passed : failed);
  if (!holds) std::printf("%s:%d: failed: %s\n", file, line, text);
}

// The last statement of main: return check::finish("test_something");
inline int finish(const char* name) {
  if (failed == 0) std::printf("%s: %d checks passed\n", name, passed);
  if (failed != 0) std::printf("%s: %d of %d checks failed\n", name, failed, passed + failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(...) check::record(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
