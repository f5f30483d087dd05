#include "ops/adagrad.h"

#include "cuda/decayed_gradient.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// By the formulas of csrc/cpu/kernels/adagrad.h.
template <class T>
struct AdagradUpdate {
  AdagradConstants<T> c;

  __device__ void operator()(T grad, T& param, T& sum) const {
    const T g = decayed_gradient(grad, param, c);
    sum = fma_of(g, g, sum);
    param = fma_of(-c.step_size, g / (sqrt_of(sum) + c.eps), param);
  }

  __device__ void operator()(const AdagradTensor<T>& t, int64_t begin, int64_t end, int) const {
    step_piece(begin, end, *this, t.grad, t.param, t.sum);
  }
};

}  // namespace

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradOptions& options) {
  for_each_piece("adagrad", tensors, AdagradUpdate<T>{adagrad_constants<T>(options)});
}

template void adagrad_step(std::span<const AdagradTensor<float>>, const AdagradOptions&);
template void adagrad_step(std::span<const AdagradTensor<double>>, const AdagradOptions&);

}  // namespace fastnn::cuda
