// Errors of the CUDA runtime as exceptions.
#pragma once

#include "cuda/device.cuh"
#include "ops/check.h"

namespace fastnn::cuda {

inline std::string error_text(cudaError_t error) {
  return concat(cudaGetErrorName(error), ": ", cudaGetErrorString(error));
}

// `what` names the kernel or the function that gave the error.
inline void check(const char* what, cudaError_t error) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // or the next call would report it again
  throw std::runtime_error(concat(what, ": ", error_text(error)));
}

}  // namespace fastnn::cuda
