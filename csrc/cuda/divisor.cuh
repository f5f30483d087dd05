// Quotient and rest of indices. By a number known before the launch: for 32-bit numbers by a multiplication and a shift
// (Granlund and Montgomery, Division by invariant integers using multiplication, 1994), as the processor has no
// division; for 64-bit ones by dividing.
#pragma once

#include <algorithm>
#include <bit>

#include "cuda/device.cuh"

namespace fastnn::cuda {

template <class I>
struct Quotient {
  I whole, rest;
};

// I is int32_t or int64_t. 0 counts as 1: where a size is 0, there is nothing to divide.
template <class I>
class Divisor;

// Of numbers from 0 to 2^31 - 1.
template <>
class Divisor<int32_t> {
 public:
  Divisor() = default;
  explicit Divisor(int64_t by) : by_(static_cast<int32_t>(std::max<int64_t>(1, by))) {
    const auto divisor = static_cast<uint64_t>(by_);
    shift_ = static_cast<int>(std::bit_width(divisor - 1));
    factor_ = static_cast<uint32_t>(((uint64_t{1} << 32) * ((uint64_t{1} << shift_) - divisor)) / divisor + 1);
  }

  __device__ Quotient<int32_t> operator()(int32_t n) const {
    const auto dividend = static_cast<uint32_t>(n);
    const auto whole = static_cast<int32_t>((__umulhi(dividend, factor_) + dividend) >> shift_);
    return {whole, n - whole * by_};
  }

 private:
  int32_t by_ = 1;
  uint32_t factor_ = 1;
  int shift_ = 0;
};

template <>
class Divisor<int64_t> {
 public:
  Divisor() = default;
  explicit Divisor(int64_t by) : by_(std::max<int64_t>(1, by)) {}
  __device__ Quotient<int64_t> operator()(int64_t n) const { return {n / by_, n % by_}; }

 private:
  int64_t by_ = 1;
};

// By any number, neither of them negative: where both fit, by 32-bit instructions, which take a third of the time.
__device__ inline Quotient<int64_t> divide(int64_t n, int64_t by) {
  if (((n | by) >> 32) != 0) return {n / by, n % by};
  const auto short_n = static_cast<uint32_t>(n), short_by = static_cast<uint32_t>(by);
  return {short_n / short_by, short_n % short_by};
}

template <class I>
struct PlaneCell {
  I plane, h, w;
};

// Of n = (plane * h_count + h) * w_count + w.
template <class I>
__device__ inline PlaneCell<I> unfold(I n, const Divisor<I>& by_h, const Divisor<I>& by_w) {
  const Quotient<I> line = by_w(n), plane = by_h(line.whole);
  return {plane.whole, plane.rest, line.rest};
}

}  // namespace fastnn::cuda
