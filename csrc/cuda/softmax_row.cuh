// The exponentials of a row: with m = max x, e_c = exp(x_c - m) and their sum. Shifting by the maximum keeps exp in
// range. -inf gives exactly 0; a NaN, a +inf or a row of -inf makes the sum NaN or 0 / 0, and so the row NaN.
#pragma once

#include "cuda/math.cuh"
#include "cuda/rows.cuh"

namespace fastnn::cuda {

template <class T>
__device__ constexpr T minus_infinity() {
  return static_cast<T>(-__builtin_inf());
}

// The maximum and the sum in one reading: where a larger element comes, the sum is rescaled (Milakov and Gimelshein,
// Online normalizer calculation for softmax, 2018). As long as the maximum is -inf, the sum is 0, or NaN after a NaN.
template <class T>
struct ShiftedSum {
  T top, total;

  __device__ T total_by(T shift) const { return top == shift ? total : total * exp_of(top - shift); }
};

struct AddExponential {
  template <class T>
  __device__ ShiftedSum<T> operator()(int64_t, ShiftedSum<T> sum, T x) const {
    if (x == minus_infinity<T>()) return sum;
    if (x > sum.top) sum = {x, sum.total_by(x)};
    return {sum.top, sum.total + exp_of(x - sum.top)};
  }
};

struct JoinSums {
  template <class T>
  __device__ ShiftedSum<T> operator()(const ShiftedSum<T>& a, const ShiftedSum<T>& b) const {
    const T top = larger(a.top, b.top);
    return {top, a.total_by(top) + b.total_by(top)};
  }
};

template <class T>
__device__ inline ShiftedSum<T> from_lane_xor(const ShiftedSum<T>& sum, int bits) {
  return {from_lane_xor(sum.top, bits), from_lane_xor(sum.total, bits)};
}

template <class T, class Values>
struct Exponentials {
  T top, total;
  Values values;
};

template <class Row, class Values>
__device__ inline auto exponentials(const Row& row, const Values& x) {
  using T = typename Row::Element;
  const auto shifted = [&](T top) { return map_values(row, [=](int64_t, T v) { return exp_of(v - top); }, x); };
  if constexpr (Row::held) {
    // NaNs are passed over, the sum will show them.
    const auto raise = [](int64_t, T top, T v) { return larger(v, top); };
    const T top = fold(row, minus_infinity<T>(), Max{}, raise, x);
    const auto powers = shifted(top);
    const T total = fold(row, T(0), Sum{}, [](int64_t, T so_far, T e) { return so_far + e; }, powers);
    return Exponentials<T, decltype(powers)>{top, total, powers};
  } else {
    const auto sum = fold(row, ShiftedSum<T>{minus_infinity<T>(), T(0)}, JoinSums{}, AddExponential{}, x);
    const auto powers = shifted(sum.top);
    return Exponentials<T, decltype(powers)>{sum.top, sum.total, powers};
  }
}

}  // namespace fastnn::cuda
