// Norms of gradients, and their scaling and clamping in place. Sums run in double: the square of a float32
// neither overflows nor vanishes there.
#pragma once

#include "cpu/kernels/lanes.h"
#include "cpu/simd/math.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// The sum of what add(total, values) adds, in four chains to hide the latency of an addition.
template <class T, class Add>
[[gnu::always_inline]] inline double sum_in_double(const T* x, int64_t n, const Add& add) {
  using V = Vec<double>;
  V a(0.0), b(0.0), c(0.0), d(0.0);
  int64_t i = 0;
  for (; i + 4 * V::size <= n; i += 4 * V::size) {
    a = add(a, V::load(x + i));
    b = add(b, V::load(x + i + V::size));
    c = add(c, V::load(x + i + 2 * V::size));
    d = add(d, V::load(x + i + 3 * V::size));
  }
  for (; i + V::size <= n; i += V::size) a = add(a, V::load(x + i));
  if (i < n) a = add(a, V::load(x + i, n - i));
  return sum((a + b) + (c + d));
}

// The largest |x|, or NaN where there is one; max() would lose a NaN that comes early.
template <class T>
double largest(const T* x, int64_t n) {
  Vec<T> top(T(0)), spoilt(T(0));
  for_each_vector<T>(n, [&](int64_t i, auto lanes) {
    const Vec<T> v = lanes.load(x + i);
    top = max(abs(v), top);
    spoilt = select(is_nan(v), v, spoilt);
  });
  return static_cast<double>(reduce_max(top)) + static_cast<double>(sum(spoilt));
}

template <class T>
double norm_sum(const T* x, int64_t n, double p) {
  using V = Vec<double>;
  if (p == __builtin_inf()) return largest(x, n);
  if (p == 2.0) return sum_in_double(x, n, [](V total, V v) { return fma(v, v, total); });
  if (p == 1.0) return sum_in_double(x, n, [](V total, V v) { return total + abs(v); });
  return sum_in_double(x, n, [=](V total, V v) { return total + exp(V(p) * log(abs(v))); });
}

template <class T>
void scale_grad(T* x, int64_t n, T factor) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.store(x + i, Vec<T>(factor) * lanes.load(x + i)); });
}

// NaN stays: it is the second operand of max and of min.
template <class T>
void clamp_grad(T* x, int64_t n, T limit) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) {
    lanes.store(x + i, min(Vec<T>(limit), max(Vec<T>(-limit), lanes.load(x + i))));
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
