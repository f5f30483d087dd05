// Asking for memory before it is read. A caller that does nothing else is to be inlined by force as well: gcc takes
// a function that only asks for one that does nothing, and deletes its calls.
#pragma once

#include <cstdint>

namespace fastnn::cpu {

// For the lines of n elements from p on, into L1.
template <class T>
[[gnu::always_inline]] inline void fetch(const T* p, int64_t n) {
  constexpr int64_t line = 64 / sizeof(T);
  for (int64_t i = 0; i < n; i += line) __builtin_prefetch(p + i);
}

}  // namespace fastnn::cpu
