// Batch normalisation of one element, with the terms of its channel:
//   y = scale (x - mean) + shift        grad_x = scale (g - offset - slope (x - mean))
// The mean is subtracted first and not folded into the shift: where it is large beside the deviation, the
// difference is exact and the folded shift would not be. ReLU's mask in the backward is y computed again, with
// the same bits, so that y need not be read.
#pragma once

#include "cuda/math.cuh"

namespace fastnn::cuda {

template <class T>
struct NormTerms {
  T mean, scale, shift;

  __device__ T normalized(T x) const { return fma_of(scale, x - mean, shift); }
};

// The arrays of a call, by channel.
template <class T>
struct NormArrays {
  const T *mean, *invstd, *weight, *bias;  // weight and bias may be null: ones, zeros
  bool relu;

  __device__ NormTerms<T> of_channel(int64_t c) const {
    return {mean[c], weight ? weight[c] * invstd[c] : invstd[c], bias ? bias[c] : T(0)};
  }
  // The part of grad_y that passes a ReLU behind the normalisation, also where y is NaN.
  __device__ T passed(const NormTerms<T>& t, T grad_y, T x) const {
    return relu && t.normalized(x) <= T(0) ? T(0) : grad_y;
  }
};

}  // namespace fastnn::cuda
