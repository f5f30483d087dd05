#include "ops/sgd.h"

#include "cuda/captured.h"
#include "cuda/decayed_gradient.cuh"
#include "cuda/host_value.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// By the formulas of csrc/cpu/kernels/sgd.h.
template <class T>
struct SGDStep {
  SGDConstants<T> c;
  bool has_buffer;

  __device__ void operator()(T grad, T& param, T& buffer) const {
    T g = decayed_gradient(grad, param, c);
    if (has_buffer) {
      buffer = c.first_step ? g : fma_of(c.momentum, buffer, c.gradient_share * g);
      g = c.nesterov ? fma_of(c.momentum, buffer, g) : buffer;
    }
    param = fma_of(-c.lr, g, param);
  }
};

template <class T>
struct SGDUpdate {
  HostValue<SGDConstants<T>> constants;

  __device__ void operator()(const SGDTensor<T>& t, int64_t begin, int64_t end, int) const {
    const SGDStep<T> step{constants.get(), t.momentum_buffer != nullptr};
    step_piece(begin, end, step, t.grad, t.param, t.momentum_buffer);
  }
};

}  // namespace

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDOptions& options) {
  for_each_piece("sgd", tensors, SGDUpdate<T>{{sgd_constants<T>(options)}});
}

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDConstants<T>* constants) {
  for_each_piece("sgd", tensors, SGDUpdate<T>{{{}, constants}});
}

#define INSTANTIATE(T)                                                      \
  template void sgd_step(std::span<const SGDTensor<T>>, const SGDOptions&); \
  template void sgd_step(std::span<const SGDTensor<T>>, const SGDConstants<T>*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
