// Reductions in an order that depends on sizes only: lanes of a warp by shuffles, warps of a block through shared
// memory, long arrays by the blocks of a grid whose parts a second kernel adds. Every thread gets the result.
#pragma once

#include "cuda/launch.cuh"

namespace fastnn::cuda {

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

// The larger one, or a NaN where there is one.
struct Max {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

// A value and where it stands.
template <class T>
struct Indexed {
  T value;
  int64_t index;
};

// The larger value; a NaN beats numbers, and the first of equals the others.
struct ArgMax {
  template <class T>
  __device__ Indexed<T> operator()(const Indexed<T>& a, const Indexed<T>& b) const {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool equal = a.value == b.value || (a_nan && b_nan);
    const bool first = equal ? a.index < b.index : a_nan || (!b_nan && a.value > b.value);
    return first ? a : b;
  }
};

template <class T>
__device__ inline T from_lane_xor(T value, int bits) {
  return __shfl_xor_sync(all_lanes, value, bits);
}
template <class T>
__device__ inline Indexed<T> from_lane_xor(const Indexed<T>& value, int bits) {
  return {from_lane_xor(value.value, bits), from_lane_xor(value.index, bits)};
}

// Over groups of `width` lanes, a power of two; all lanes of the warp take part.
template <class T, class Op>
__device__ inline T warp_reduce(T value, Op op, int width = warp_lanes) {
  FASTNN_UNROLL
  for (int bits = warp_lanes / 2; bits > 0; bits /= 2) {
    if (bits < width) value = op(value, from_lane_xor(value, bits));
  }
  return value;
}

template <class T>
__device__ inline T warp_sum(T value) {
  return warp_reduce(value, Sum{});
}
template <class T>
__device__ inline T warp_max(T value) {
  return warp_reduce(value, Max{});
}

// All threads of a block of whole warps take part. `neutral` changes nothing in op.
template <class T, class Op>
__device__ inline T block_reduce(T value, T neutral, Op op) {
  FASTNN_SHARED(T, parts, [warp_lanes]);
  value = warp_reduce(value, op);
  __syncthreads();  // some may still read the parts of the reduction before
  if (lane_of_warp() == 0) parts[warp_of_block()] = value;
  __syncthreads();
  return warp_reduce(lane_of_warp() < threads_of_block() / warp_lanes ? parts[lane_of_warp()] : neutral, op);
}

template <class T>
__device__ inline T block_sum(T value) {
  return block_reduce(value, T(0), Sum{});
}
template <class T>
__device__ inline T block_max(T value) {
  return block_reduce(value, static_cast<T>(-__builtin_inf()), Max{});
}

// Blocks that share a long reduction, by the number of terms; each of their threads has 16 or more of them.
inline int64_t reduction_blocks(int64_t n) {
  constexpr int64_t terms = 16 * block_threads, most = 1024;
  return std::clamp<int64_t>((n + terms - 1) / terms, 1, most);
}

struct Unchanged {
  __device__ double operator()(double value) const { return value; }
};

// An array of T as terms.
template <class T>
struct Element {
  const T* values;
  __device__ double operator()(int64_t i) const { return values[i]; }
};

// Each block's part of the reduction, finished.
template <class Term, class Op, class Finish>
__global__ void reduce_kernel(int64_t n, double neutral, Term term, Op op, Finish finish, double* results) {
  double value = neutral;
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) value = op(value, term(i));
  value = block_reduce(value, neutral, op);
  if (thread_of_block() == 0) results[block_of_grid()] = finish(value);
}

// *result = finish(op over parts), in device memory.
template <class Op, class Finish>
void finish_reduction(const char* name, int64_t count, double neutral, const double* parts, Op op, Finish finish,
                      double* result) {
  launch(name, &reduce_kernel<Element<double>, Op, Finish>, {1, block_threads}, count, neutral, Element<double>{parts},
         op, finish, result);
}

// *result = finish(op over term(i) for i in [0, n)) with doubles, in device memory. Term, Op and Finish are classes
// with a __device__ operator().
template <class Term, class Op, class Finish>
void reduce_terms(const char* name, int64_t n, double neutral, Term term, Op op, Finish finish, double* result) {
  const int64_t blocks = reduction_blocks(n);
  if (blocks == 1) {
    return launch(name, &reduce_kernel<Term, Op, Finish>, {1, block_threads}, n, neutral, term, op, finish, result);
  }
  auto* parts = scratch<double>(blocks);
  launch(name, &reduce_kernel<Term, Op, Unchanged>, {static_cast<unsigned>(blocks), block_threads}, n, neutral, term,
         op, Unchanged{}, parts);
  finish_reduction(name, blocks, neutral, parts, op, finish, result);
}

}  // namespace fastnn::cuda
