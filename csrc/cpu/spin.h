// Waiting without sleeping, for threads that expect an answer within microseconds.
#pragma once

#include <sched.h>

#include <chrono>

namespace fastnn::cpu {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Checks `done` for up to 50 us. The yield matters where another thread wants this processor, often the very
// one that is waited for: without it two threads on one processor cost each other the full 50 us.
template <class Done>
bool spin(const Done& done) {
  if (done()) return true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
    sched_yield();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace fastnn::cpu
