// y[i] = function(x[i], ...): 16 bytes a load where all arrays are aligned, one number elsewhere. y may be an input.
#pragma once

#include "cuda/launch.cuh"

namespace fastnn::cuda {

// Numbers read and written at once, sixteen bytes of them unless it says otherwise.
template <class T, size_t count = 16 / sizeof(T)>
struct alignas(count * sizeof(T)) Pack {
  static constexpr int size = static_cast<int>(count);
  T lane[count];
};

template <class T, size_t size = 16 / sizeof(T)>
__device__ inline Pack<T, size> load_pack(const T* x, int64_t pack) {
  return reinterpret_cast<const Pack<T, size>*>(x)[pack];
}
template <class T, size_t size>
__device__ inline void store_pack(T* y, int64_t pack, const Pack<T, size>& value) {
  reinterpret_cast<Pack<T, size>*>(y)[pack] = value;
}

// The same where the array may not be aligned: which numbers a thread has, and so the order of sums, is left alone.
template <class T, size_t size>
__device__ inline Pack<T, size> load_numbers(const T* first, bool aligned) {
  if (aligned) return load_pack<T, size>(first, 0);
  Pack<T, size> value;
  FASTNN_UNROLL
  for (int i = 0; i < value.size; ++i) value.lane[i] = first[i];
  return value;
}
template <class T, size_t size>
__device__ inline void store_numbers(T* first, const Pack<T, size>& value, bool aligned) {
  if (aligned) return store_pack(first, 0, value);
  FASTNN_UNROLL
  for (int i = 0; i < value.size; ++i) first[i] = value.lane[i];
}

// Null is aligned.
template <class... T>
__host__ __device__ inline bool aligned_to_packs(const T*... arrays) {
  return ((reinterpret_cast<uintptr_t>(arrays) % 16 == 0) && ...);
}

template <class T, class Function, class... Packs>
__device__ inline Pack<T> map_pack(const Function& function, const Packs&... x) {
  Pack<T> y;
  FASTNN_UNROLL
  for (int i = 0; i < Pack<T>::size; ++i) y.lane[i] = function(x.lane[i]...);
  return y;
}

// The first elements in packs, the others one by one.
template <class T, class Function, class... Inputs>
__global__ void map_kernel(int64_t n, int64_t packs, Function function, T* y, const Inputs*... x) {
  const int64_t first = thread_of_grid(), stride = threads_of_grid();
  for (int64_t i = first; i < packs; i += stride) store_pack(y, i, map_pack<T>(function, load_pack(x, i)...));
  for (int64_t i = packs * Pack<T>::size + first; i < n; i += stride) y[i] = function(x[i]...);
}

// Function is a class with a __device__ operator() const.
template <class T, class Function, class... Inputs>
void map(const char* name, int64_t n, const Function& function, T* y, const Inputs*... x) {
  const int64_t packs = aligned_to_packs(y, x...) ? n / Pack<T>::size : 0;
  launch(name, &map_kernel<T, Function, Inputs...>, grid_for(packs > 0 ? packs : n), n, packs, function, y, x...);
}

}  // namespace fastnn::cuda
