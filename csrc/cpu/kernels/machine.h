// The arithmetic limit of a core: fused multiply-adds on registers, enough of them in flight to hide their
// latency (4 cycles on 2 units need 8; 12 leave room).
#pragma once

#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
double burn_fma(int64_t rounds) {
  using V = Vec<T>;
  constexpr int chains = 12, unrolled = 8;
  V acc[chains];
  unroll<chains>([&](auto i) __attribute__((always_inline)) { acc[i] = V(T(i)); });
  V factor(T(0.999)), term(T(0.001));
  for (int64_t round = 0; round < rounds; ++round) {
    // The factors are hidden from the optimiser, so that no round can be dropped.
    asm volatile("" : : "r"(&factor), "r"(&term) : "memory");
    unroll<unrolled>([&](auto) __attribute__((always_inline)) {
      unroll<chains>([&](auto i) __attribute__((always_inline)) { acc[i] = fma(acc[i], factor, term); });
    });
  }
  V total(T(0));
  unroll<chains>([&](auto i) __attribute__((always_inline)) { total = total + acc[i]; });
  volatile T sink = sum(total);
  static_cast<void>(sink);
  return 2.0 * static_cast<double>(rounds) * unrolled * chains * V::size;
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
