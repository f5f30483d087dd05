// Mean and squared deviations of many numbers. E[x^2] - E[x]^2 loses all digits where the mean is large beside
// the deviation, so a block that stays in L1 is read twice: once for a first mean m, once for s1 = sum (x - m)
// and s2 = sum (x - m)^2, and
//   mean = m + s1 / n        M2 = s2 - s1^2 / n
// where s1 is only the rounding of m and nothing cancels. Blocks are joined in double (Chan, Golub, LeVeque 1983).
#pragma once

#include "cpu/kernel_table.h"
#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int accumulators = 4;  // additions in flight, to hide their latency

// Additions that one lane makes in T before its sum goes to double: fewer are slower, more are less exact.
inline constexpr int64_t additions_in_lane = 64;

// body(k, i, lanes) as for_each_vector has it, where neighbours get different accumulators k.
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_vector_in_turn(int64_t n, const Body& body) {
  constexpr int64_t width = Vec<T>::size;
  int64_t i = 0;
  for (; i + accumulators * width <= n; i += accumulators * width) {
    unroll<accumulators>([&](auto k) [[gnu::always_inline]] { body(k, i + k * width, WholeVector<T>{}); });
  }
  unroll<accumulators - 1>([&](auto k) [[gnu::always_inline]] {
    if (i + width > n) return;
    body(k, i, WholeVector<T>{});
    i += width;
  });
  if (i < n) body(std::integral_constant<int, accumulators - 1>{}, i, PartVector<T>{n - i});
}

// body(offset, block) for pieces of the runs, of about `elements` elements each: several runs, or a part of one.
template <class Body>
[[gnu::always_inline]] inline void for_each_block(const Runs& runs, int64_t elements, const Body& body) {
  if (runs.length == 0) return;
  if (runs.length <= elements) {
    const int64_t together = elements / runs.length;
    for (int64_t r = 0; r < runs.count; r += together) {
      const int64_t count = runs.count - r < together ? runs.count - r : together;
      body(r * runs.stride, Runs{count, runs.length, runs.stride});
    }
    return;
  }
  for (int64_t r = 0; r < runs.count; ++r) {
    for (int64_t i = 0; i < runs.length; i += elements) {
      const int64_t length = runs.length - i < elements ? runs.length - i : elements;
      body(r * runs.stride + i, Runs{1, length, 0});
    }
  }
}

template <class T>
inline constexpr int64_t block_elements = additions_in_lane * accumulators * Vec<T>::size;

// The accumulators, added up at the end.
template <class T>
struct ChainSums {
  Vec<T> at[accumulators] = {Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0))};
  [[gnu::always_inline]] T total() const { return sum((at[0] + at[1]) + (at[2] + at[3])); }
};

// Joins the moments of `n` further numbers to `a`. An infinite mean stays infinite, two of opposite sign are NaN.
inline void join_moments(Moments& a, double n, double mean, double m2) {
  const double total = a.count + n, delta = mean - a.mean;
  a.m2 += m2 + delta * delta * (a.count * n / total);
  a.mean = __builtin_isfinite(delta) ? a.mean + delta * (n / total) : a.mean + mean;
  a.count = total;
}

// What the second reading gives: see above. Rounding may leave M2 a little below 0; a NaN stays.
[[gnu::always_inline]] inline void refine_moments(double n, double first_mean, double s1, double s2, double& mean,
                                                  double& m2) {
  mean = __builtin_isfinite(s1) ? first_mean + s1 / n : first_mean;
  m2 = s2 - s1 * s1 / n;
  m2 = m2 < 0 ? 0 : m2;
}

template <class T>
[[gnu::always_inline]] inline void join_block(const T* x, const Runs& block, Moments& moments) {
  const int64_t n = block.count * block.length;
  ChainSums<T> sums, s1, s2;
  for (int64_t r = 0; r < block.count; ++r) {
    const T* run = x + r * block.stride;
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) [[gnu::always_inline]] {
      sums.at[k] = sums.at[k] + lanes.load(run + i);
    });
  }
  const T first_mean = sums.total() / static_cast<T>(n);
  const Vec<T> shift(first_mean);
  for (int64_t r = 0; r < block.count; ++r) {
    const T* run = x + r * block.stride;
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) [[gnu::always_inline]] {
      const Vec<T> d = lanes.load(run + i, shift) - shift;
      s1.at[k] = s1.at[k] + d;
      s2.at[k] = fma(d, d, s2.at[k]);
    });
  }
  double mean = 0, m2 = 0;
  refine_moments(static_cast<double>(n), static_cast<double>(first_mean), static_cast<double>(s1.total()),
                 static_cast<double>(s2.total()), mean, m2);
  join_moments(moments, static_cast<double>(n), mean, m2);
}

template <class T>
void moments(const T* x, const Runs& runs, Moments* moments) {
  for_each_block(runs, block_elements<T>,
                 [&](int64_t offset, const Runs& block) { join_block(x + offset, block, *moments); });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
