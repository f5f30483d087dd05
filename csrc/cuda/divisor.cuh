// Quotient and rest by a number known before the launch: for 32-bit numbers by a multiplication and a shift (Granlund
// and Montgomery, Division by invariant integers using multiplication, 1994), for 64-bit ones by dividing.
#pragma once

#include <bit>

#include "cuda/device.cuh"

namespace fastnn::cuda {

template <class I>
struct Quotient {
  I whole, rest;
};

template <class I>
class Divisor;

// Of numbers from 0 to 2^31 - 1.
template <>
class Divisor<int> {
 public:
  Divisor() = default;
  explicit Divisor(int by) : by_(by) {
    if (by == 1) return;
    const auto bits = static_cast<int>(std::bit_width(static_cast<unsigned>(by - 1)));
    factor_ = static_cast<unsigned>(((uint64_t{1} << (31 + bits)) + static_cast<unsigned>(by) - 1) /
                                    static_cast<unsigned>(by));
    shift_ = bits - 1;
  }

  __device__ Quotient<int> operator()(int n) const {
    const int whole = by_ == 1 ? n : static_cast<int>(__umulhi(static_cast<unsigned>(n), factor_) >> shift_);
    return {whole, n - whole * by_};
  }

 private:
  int by_ = 1;
  unsigned factor_ = 0;
  int shift_ = 0;
};

template <>
class Divisor<int64_t> {
 public:
  Divisor() = default;
  explicit Divisor(int64_t by) : by_(by) {}
  __device__ Quotient<int64_t> operator()(int64_t n) const { return {n / by_, n % by_}; }

 private:
  int64_t by_ = 1;
};

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
