// Mean and squared deviations of many numbers. E[x^2] - E[x]^2 loses all digits where the mean is large beside the
// deviation, so some numbers in registers are read twice: once for a first mean m, once for s1 = sum (x - m) and
// s2 = sum (x - m)^2, and
//   mean = m + s1 / n        M2 = s2 - s1^2 / n
// where s1 is only the rounding of m and nothing cancels. These are joined in double (Chan, Golub, LeVeque 1983), by
// threads and between them, in an order that depends on sizes only.
#pragma once

#include "cuda/elementwise.cuh"
#include "cuda/math.cuh"
#include "cuda/reduce.cuh"

namespace fastnn::cuda {

__device__ inline bool is_finite(double x) { return x - x == 0; }

struct Moments {
  double count, mean, m2;
};

__device__ inline Moments from_lane_xor(const Moments& m, int bits) {
  return {from_lane_xor(m.count, bits), from_lane_xor(m.mean, bits), from_lane_xor(m.m2, bits)};
}

// Equal means stay as they are, an infinite one stays infinite, two of opposite sign are NaN.
struct JoinMoments {
  __device__ Moments operator()(const Moments& a, const Moments& b) const {
    if (a.count == 0 || b.count == 0) return a.count == 0 ? b : a;
    const double total = a.count + b.count, delta = b.mean - a.mean, share = b.count / total;
    const double mean = is_finite(delta) ? a.mean + delta * share : a.mean + b.mean;
    return {total, mean, a.m2 + b.m2 + delta * delta * (a.count * share)};
  }
};

// From s1 and s2 about a first mean.
__device__ inline Moments moments_about(double first_mean, double n, double s1, double s2) {
  const double m2 = s2 - s1 * s1 / n;  // rounding may leave it a little below 0; a NaN stays
  return {n, is_finite(s1) ? first_mean + s1 / n : first_mean, m2 < 0 ? 0 : m2};
}

template <class T, size_t count>
__device__ inline Moments moments_of(const T (&value)[count]) {
  constexpr int n = static_cast<int>(count);
  T sum(0), s1(0), s2(0);
  FASTNN_UNROLL
  for (int i = 0; i < n; ++i) sum += value[i];
  const T first_mean = sum / static_cast<T>(n);
  FASTNN_UNROLL
  for (int i = 0; i < n; ++i) {
    const T d = value[i] - first_mean;
    s1 += d;
    s2 = fma_of(d, d, s2);
  }
  return moments_about(static_cast<double>(first_mean), n, static_cast<double>(s1), static_cast<double>(s2));
}

// What for_each_batch and channels.cuh call: the moments of x.
template <class T>
struct MomentsOf {
  using Value = T;
  using Sums = Moments;
  using Join = JoinMoments;
  static __host__ __device__ Sums none() { return {0, 0, 0}; }

  const T* x;

  __device__ MomentsOf of_channel(int64_t) const { return *this; }

  // Of packs that begin at these elements.
  template <size_t size, size_t packs>
  __device__ void take(Sums& sums, const int64_t (&at)[packs]) const {
    T value[packs * size];
    FASTNN_UNROLL
    for (int p = 0; p < static_cast<int>(packs); ++p) {
      const Pack<T, size> pack = load_pack<T, size>(x + at[p], 0);
      FASTNN_UNROLL
      for (int i = 0; i < pack.size; ++i) value[p * pack.size + i] = pack.lane[i];
    }
    sums = JoinMoments{}(sums, moments_of(value));
  }
};

// take(numbers) for k = first, first + step, ... below end, as many at once as keep the memory busy.
template <size_t batch, class I, class Take>
__device__ inline I take_batches(I first, I end, I step, const Take& take) {
  constexpr I count = batch;
  I k = first;
  for (; k + (count - 1) * step < end; k += count * step) {
    I at[batch];
    FASTNN_UNROLL
    for (int i = 0; i < static_cast<int>(batch); ++i) at[i] = k + i * step;
    take(at);
  }
  return k;
}
template <size_t batch, class I, class Take>
__device__ inline void for_each_batch(I first, I end, I step, const Take& take) {
  I k = take_batches<batch>(first, end, step, take);
  if constexpr (batch > 4) k = take_batches<4>(k, end, step, take);
  take_batches<1>(k, end, step, take);
}

}  // namespace fastnn::cuda
