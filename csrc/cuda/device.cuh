// The one header through which kernels see CUDA, or the shim of tests/simt that runs them on the host. Arrays in
// shared memory are declared by its macros, and kernels are launched by launch.cuh.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#include <cuda_runtime.h>

// FASTNN_SHARED(float, tile, [32][33]);
#define FASTNN_SHARED(T, name, dims) __shared__ T name dims
// FASTNN_DYNAMIC_SHARED(float, rows); as many bytes as the launch asks for, aligned to 16
#define FASTNN_DYNAMIC_SHARED(T, name)                          \
  extern __shared__ __align__(16) char fastnn_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(fastnn_dynamic_shared)
#define FASTNN_UNROLL _Pragma("unroll")

#else
#include "simt/cuda_runtime.h"

#define FASTNN_SHARED(T, name, dims) \
  static const char name##_name = 0; \
  auto& name = *static_cast<T(*) dims>(simt::shared_array(&name##_name, sizeof(T dims)))
#define FASTNN_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(simt::dynamic_shared())
#define FASTNN_UNROLL
#endif

namespace fastnn::cuda {

inline constexpr int warp_lanes = 32;
inline constexpr unsigned all_lanes = 0xFFFFFFFF;

// Of one-dimensional blocks and grids.
__device__ inline int thread_of_block() { return static_cast<int>(threadIdx.x); }
__device__ inline int threads_of_block() { return static_cast<int>(blockDim.x); }
__device__ inline int64_t block_of_grid() { return static_cast<int64_t>(blockIdx.x); }
__device__ inline int64_t blocks_of_grid() { return static_cast<int64_t>(gridDim.x); }
__device__ inline int lane_of_warp() { return thread_of_block() % warp_lanes; }
__device__ inline int warp_of_block() { return thread_of_block() / warp_lanes; }
__device__ inline int64_t thread_of_grid() { return block_of_grid() * threads_of_block() + thread_of_block(); }
__device__ inline int64_t threads_of_grid() { return blocks_of_grid() * threads_of_block(); }
__device__ inline int64_t warp_of_grid() { return thread_of_grid() / warp_lanes; }

// The larger and the smaller of two, as the CPU's vectors have them: b where one is NaN.
template <class T>
__device__ inline T larger(T a, T b) {
  return a > b ? a : b;
}
template <class T>
__device__ inline T smaller(T a, T b) {
  return a < b ? a : b;
}

}  // namespace fastnn::cuda
