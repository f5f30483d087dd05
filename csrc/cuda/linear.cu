#include "ops/linear.h"

#include "cuda/gemm.cuh"
#include "cuda/split_sums.cuh"

namespace fastnn::cuda {

template <class T>
void linear_forward(const LinearSize& s, const T* x, const T* weight, const T* bias, bool relu, T* y) {
  gemm<T>({.name = "linear",
           .M = s.batch,
           .N = s.out_features,
           .K = s.in_features,
           .a = {x, s.in_features},
           .b = {weight, s.in_features, true},
           .c = y,
           .column_bias = bias,
           .relu = relu});
}

template <class T>
void linear_backward(const LinearSize& s, const T* grad_output, const T* x, const T* weight,
                     const LinearGradients<T>& grads) {
  const char* name = "linear_backward";
  if (grads.x) {
    gemm<T>({.name = name,
             .M = s.batch,
             .N = s.in_features,
             .K = s.out_features,
             .a = {grad_output, s.out_features},
             .b = {weight, s.in_features},
             .c = grads.x});
  }
  if (grads.weight) {
    gemm<T>({.name = name,
             .M = s.out_features,
             .N = s.in_features,
             .K = s.batch,
             .a = {grad_output, s.out_features, true},
             .b = {x, s.in_features},
             .c = grads.weight,
             .accumulate = grads.accumulate,
             .may_split = true});
  }
  if (grads.bias) sum_channels(name, {s.batch, s.out_features, 1}, grad_output, grads.accumulate, grads.bias);
}

#define INSTANTIATE(T)                                                                     \
  template void linear_forward(const LinearSize&, const T*, const T*, const T*, bool, T*); \
  template void linear_backward(const LinearSize&, const T*, const T*, const T*, const LinearGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
