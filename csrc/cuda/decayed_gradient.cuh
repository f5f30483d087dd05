#pragma once

#include "cuda/math.cuh"

namespace fastnn::cuda {

// +-grad + weight_decay p; without decay an infinite p must not turn the gradient into NaN.
template <class T, class Constants>
__device__ inline T decayed_gradient(T grad, T p, const Constants& c) {
  const T g = c.sign * grad;
  return c.weight_decay != T(0) ? fma_of(c.weight_decay, p, g) : g;
}

}  // namespace fastnn::cuda
