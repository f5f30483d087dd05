// Division of indices: where both fit, by 32-bit instructions, which take a third of the time of 64-bit ones.
#pragma once

#include "cuda/device.cuh"

namespace fastnn::cuda {

struct Division {
  int64_t quotient, remainder;
};

// Of numbers that are not negative.
__device__ inline Division divide(int64_t a, int64_t b) {
  if (((a | b) >> 32) != 0) return {a / b, a % b};
  const auto short_a = static_cast<uint32_t>(a), short_b = static_cast<uint32_t>(b);
  return {short_a / short_b, short_a % short_b};
}

}  // namespace fastnn::cuda
