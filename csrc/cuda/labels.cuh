// Resolved labels on the device, where nothing can be thrown: a wrong one stays recognizable, and what is made of its
// position is NaN. Never an index.
#pragma once

#include "cuda/reduce.cuh"

namespace fastnn::cuda {

inline constexpr int64_t ignored_label = -1, wrong_label = -2;

// What loss and gradient are where a label is none.
template <class T>
__device__ inline T without_label(int64_t label) {
  return label == wrong_label ? static_cast<T>(__builtin_nan("")) : T(0);
}

}  // namespace fastnn::cuda
