#include "cpu/machine.h"

#include <algorithm>
#include <chrono>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

template <class T>
double fma_peak(int64_t milliseconds) {
  constexpr int64_t rounds = 20000;
  const int64_t threads = num_threads();
  const double end = seconds_now() + static_cast<double>(milliseconds) * 1e-3;
  double best = 0;
  do {
    const double start = seconds_now();
    AlignedBuffer<double> flops(threads);
    parallel_for(threads, 1, [&](int64_t thread, int64_t) { flops.data()[thread] = kernels<T>().burn_fma(rounds); });
    const double elapsed = seconds_now() - start;
    best = std::max(best, flops.data()[0] * static_cast<double>(threads) / elapsed);
  } while (seconds_now() < end);
  return best;
}

double triad(int64_t elements, int64_t repeats) {
  AlignedBuffer<float> a(elements), b(elements), c(elements);
  const auto each_chunk = [&](auto body) {
    parallel_for(elements, 1 << 15, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) body(i);
    });
  };
  float* pa = a.data();
  float* pb = b.data();
  float* pc = c.data();
  each_chunk([=](int64_t i) { pa[i] = pb[i] = pc[i] = 1.0f; });
  double best = 0;
  for (int64_t repeat = 0; repeat < repeats; ++repeat) {
    const double start = seconds_now();
    each_chunk([=](int64_t i) { pa[i] = pb[i] + 0.5f * pc[i]; });
    best = std::max(best, 12.0 * static_cast<double>(elements) / (seconds_now() - start));
  }
  return best;
}

template double fma_peak<float>(int64_t);
template double fma_peak<double>(int64_t);

}  // namespace fastnn::cpu
