// Mean and squared deviations of many numbers. E[x^2] - E[x]^2 loses all digits where the mean is large beside
// the deviation, so a block that stays in L1 is read twice: once for a first mean m, once for s1 = sum (x - m)
// and s2 = sum (x - m)^2, and
//   mean = m + s1 / n        M2 = s2 - s1^2 / n
// where s1 is only the rounding of m and nothing cancels. Blocks are joined in double (Chan, Golub, LeVeque 1983).
#pragma once

#include "cpu/fetch.h"
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
    unroll<accumulators>([&](auto k) __attribute__((always_inline)) { body(k, i + k * width, WholeVector<T>{}); });
  }
  unroll<accumulators - 1>([&](auto k) __attribute__((always_inline)) {
    if (i + width > n) return;
    body(k, i, WholeVector<T>{});
    i += width;
  });
  if (i < n) body(std::integral_constant<int, accumulators - 1>{}, i, PartVector<T>{n - i});
}

// body(run, at, block) for pieces of the runs, of about `elements` elements each: several runs from `run` on, or a part
// of one from its element `at` on.
template <class Body>
[[gnu::always_inline]] inline void for_each_block(const Runs& runs, int64_t elements, const Body& body) {
  if (runs.length == 0) return;
  if (runs.length <= elements) {
    const int64_t together = elements / runs.length;
    for (int64_t r = 0; r < runs.count; r += together) {
      const int64_t count = runs.count - r < together ? runs.count - r : together;
      body(r, int64_t{0}, Runs{count, runs.length, runs.stride});
    }
    return;
  }
  for (int64_t r = 0; r < runs.count; ++r) {
    for (int64_t i = 0; i < runs.length; i += elements) {
      const int64_t length = runs.length - i < elements ? runs.length - i : elements;
      body(r, i, Runs{1, length, 0});
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

// The second reading of `n` numbers and the join of their moments to those of numbers before; what the join needs
// of the counts is worked out once for all columns of a block.
struct MomentsJoin {
  double total, reciprocal, share, cross;

  MomentsJoin(double before, double n)
      : total(before + n), reciprocal(1 / n), share(n / total), cross(before * n / total) {}

  // An infinite mean stays infinite, two of opposite sign are NaN.
  [[gnu::always_inline]] void operator()(Moments& a, double first_mean, double s1, double s2) const {
    const double mean = __builtin_isfinite(s1) ? first_mean + s1 * reciprocal : first_mean;
    const double m2 = s2 - s1 * s1 * reciprocal, delta = mean - a.mean;
    a.m2 += (m2 < 0 ? 0 : m2) + delta * delta * cross;  // rounding may leave M2 a little below 0; a NaN stays
    a.mean = __builtin_isfinite(delta) ? a.mean + delta * share : a.mean + mean;
    a.count = total;
  }
};

// Asks for the start of a run about 4 KiB ahead: the processor's own prefetching begins anew with every run, which
// cost a tenth of the time of planes of 14 x 14 and 28 x 28.
template <class T>
[[gnu::always_inline]] inline void prefetch_ahead(const T* run, const Runs& runs) {
  constexpr int64_t distance = 4096 / sizeof(T);
  if (runs.count == 1) return;
  const int64_t runs_ahead = runs.length < distance ? distance / runs.length : 1;
  fetch(run + runs_ahead * runs.stride, runs.length < distance ? runs.length : distance);
}

template <class T>
[[gnu::always_inline]] inline void join_block(const T* x, const Runs& block, Moments& moments) {
  const int64_t n = block.count * block.length;
  ChainSums<T> sums, s1, s2;
  for (int64_t r = 0; r < block.count; ++r) {
    const T* run = x + r * block.stride;
    prefetch_ahead(run, block);
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) __attribute__((always_inline)) {
      sums.at[k] = sums.at[k] + lanes.load(run + i);
    });
  }
  const T first_mean = sums.total() / static_cast<T>(n);
  const Vec<T> shift(first_mean);
  for (int64_t r = 0; r < block.count; ++r) {
    const T* run = x + r * block.stride;
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) __attribute__((always_inline)) {
      const Vec<T> d = lanes.load(run + i, shift) - shift;
      s1.at[k] = s1.at[k] + d;
      s2.at[k] = fma(d, d, s2.at[k]);
    });
  }
  const MomentsJoin join(moments.count, static_cast<double>(n));
  join(moments, static_cast<double>(first_mean), static_cast<double>(s1.total()), static_cast<double>(s2.total()));
}

template <class T>
void moments(const T* x, const Runs& runs, Moments* moments) {
  for_each_block(runs, block_elements<T>, [&](int64_t run, int64_t at, const Runs& block) {
    join_block(x + run * runs.stride + at, block, *moments);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
