#include "ops/rmsprop.h"

#include "cuda/captured.h"
#include "cuda/decayed_gradient.cuh"
#include "cuda/host_value.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// By the formulas of csrc/cpu/kernels/rmsprop.h.
template <class T>
struct RMSpropStep {
  RMSpropConstants<T> c;
  bool centered, has_buffer;

  __device__ void operator()(T grad, T& param, T& square_avg, T& grad_avg, T& buffer) const {
    const T g = decayed_gradient(grad, param, c);
    square_avg = fma_of(c.alpha, square_avg, c.one_minus_alpha * g * g);
    grad_avg = fma_of(c.alpha, grad_avg, c.one_minus_alpha * g);
    // At least 0: where the gradient hardly changes, its rounding can be negative. A NaN stays.
    const T v = centered ? larger(T(0), fma_of(-grad_avg, grad_avg, square_avg)) : square_avg;
    const T update = g / (sqrt_of(v) + c.eps);
    buffer = fma_of(c.momentum, buffer, update);
    param = fma_of(-c.lr, has_buffer ? buffer : update, param);
  }
};

template <class T>
struct RMSpropUpdate {
  HostValue<RMSpropConstants<T>> constants;

  __device__ void operator()(const RMSpropTensor<T>& t, int64_t begin, int64_t end, int) const {
    const RMSpropStep<T> step{constants.get(), t.grad_avg != nullptr, t.momentum_buffer != nullptr};
    step_piece(begin, end, step, t.grad, t.param, t.square_avg, t.grad_avg, t.momentum_buffer);
  }
};

}  // namespace

template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropOptions& options) {
  for_each_piece("rmsprop", tensors, RMSpropUpdate<T>{{rmsprop_constants<T>(options)}});
}

template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropConstants<T>* constants) {
  for_each_piece("rmsprop", tensors, RMSpropUpdate<T>{{{}, constants}});
}

#define INSTANTIATE(T)                                                                  \
  template void rmsprop_step(std::span<const RMSpropTensor<T>>, const RMSpropOptions&); \
  template void rmsprop_step(std::span<const RMSpropTensor<T>>, const RMSpropConstants<T>*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
