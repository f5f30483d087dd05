// n / by for many n and one number by: with 32 bits as a product and a shift (Granlund and Montgomery 1994), where
// the processor has no division. Kernels are compiled for both, and take 64 bits where a size needs them.
#pragma once

#include <bit>

#include "cuda/device.cuh"

namespace fastnn::cuda {

// I is int32_t or int64_t; 0 <= n, 1 <= by.
template <class I>
class Divider {
 public:
  explicit Divider(int64_t by) : by_(static_cast<I>(by)) {}
  __device__ I quotient(I n) const { return n / by_; }
  __device__ I remainder(I n) const { return n % by_; }

 private:
  I by_;
};

template <>
class Divider<int32_t> {
 public:
  explicit Divider(int64_t by) : by_(static_cast<int32_t>(by)) {
    const auto divisor = static_cast<uint64_t>(by);
    shift_ = static_cast<int>(std::bit_width(divisor - 1));
    factor_ = static_cast<uint32_t>(((uint64_t{1} << 32) * ((uint64_t{1} << shift_) - divisor)) / divisor + 1);
  }
  __device__ int32_t quotient(int32_t n) const {
    const auto dividend = static_cast<uint32_t>(n);
    return static_cast<int32_t>((__umulhi(dividend, factor_) + dividend) >> shift_);
  }
  __device__ int32_t remainder(int32_t n) const { return n - quotient(n) * by_; }

 private:
  int32_t by_;
  uint32_t factor_;
  int shift_;
};

// body(int32_t{}) where that is wide enough, or else body(int64_t{}).
template <class Body>
void by_width(bool narrow, const Body& body) {
  if (narrow) {
    body(int32_t{});
  } else {
    body(int64_t{});
  }
}

// With room for the numbers of the threads of some blocks behind the last.
inline bool fits_32_bits(int64_t most) { return most < (int64_t{1} << 31) - (int64_t{1} << 20); }

}  // namespace fastnn::cuda
