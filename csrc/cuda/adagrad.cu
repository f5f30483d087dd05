#include "ops/adagrad.h"

#include "cuda/captured.h"
#include "cuda/decayed_gradient.cuh"
#include "cuda/host_value.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// By the formulas of csrc/cpu/kernels/adagrad.h.
template <class T>
struct AdagradStep {
  AdagradConstants<T> c;

  __device__ void operator()(T grad, T& param, T& sum) const {
    const T g = decayed_gradient(grad, param, c);
    sum = fma_of(g, g, sum);
    param = fma_of(-c.step_size, g / (sqrt_of(sum) + c.eps), param);
  }
};

template <class T>
struct AdagradUpdate {
  HostValue<AdagradConstants<T>> constants;

  __device__ void operator()(const AdagradTensor<T>& t, int64_t begin, int64_t end, int) const {
    step_piece(begin, end, AdagradStep<T>{constants.get()}, t.grad, t.param, t.sum);
  }
};

}  // namespace

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradOptions& options) {
  for_each_piece("adagrad", tensors, AdagradUpdate<T>{{adagrad_constants<T>(options)}});
}

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradConstants<T>* constants) {
  for_each_piece("adagrad", tensors, AdagradUpdate<T>{{{}, constants}});
}

#define INSTANTIATE(T)                                                                  \
  template void adagrad_step(std::span<const AdagradTensor<T>>, const AdagradOptions&); \
  template void adagrad_step(std::span<const AdagradTensor<T>>, const AdagradConstants<T>*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
