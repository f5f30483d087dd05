// x = big + small + a rest below 2**-22 of x, both tf32: floats whose last 13 bits are zero.
#pragma once

#include "cuda/device.cuh"

namespace fastnn::cuda {

struct Tf32Parts {
  float big, small;
};

__device__ inline bool is_finite_bits(unsigned bits) { return (bits & 0x7F800000) != 0x7F800000; }

// To nearest; towards zero where that would overflow.
__device__ inline float round_to_tf32(float x) {
  constexpr unsigned kept = 0xFFFFE000;
  const unsigned bits = __float_as_uint(x), rounded = (bits + 0x1000) & kept;
  return __uint_as_float(is_finite_bits(rounded) ? rounded : bits & kept);
}

// What is not finite stays as it is, in the big part.
__device__ inline Tf32Parts split_to_tf32(float x) {
  if (!is_finite_bits(__float_as_uint(x))) return {x, 0.0f};
  const float big = round_to_tf32(x);
  return {big, round_to_tf32(x - big)};
}

}  // namespace fastnn::cuda
