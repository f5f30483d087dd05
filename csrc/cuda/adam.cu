#include "ops/adam.h"

#include "cuda/captured.h"
#include "cuda/decayed_gradient.cuh"
#include "cuda/host_value.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

// By the formulas of csrc/cpu/kernels/adam.h.
template <class T>
struct AdamStep {
  AdamConstants<T> c;
  bool amsgrad;

  __device__ void operator()(T grad, T& param, T& m, T& v, T& highest) const {
    const T g = decayed_gradient(grad, param, c);
    m = fma_of(c.beta1, m, c.one_minus_beta1 * g);
    v = fma_of(c.beta2, v, c.one_minus_beta2 * g * g);
    highest = highest != highest ? highest : larger(highest, v);  // a NaN stays
    param = c.keep * param - c.step_size * m / (sqrt_of(amsgrad ? highest : v) + c.eps);
  }
};

template <class T>
struct AdamUpdate {
  HostValue<AdamConstants<T>> constants;

  __device__ void operator()(const AdamTensor<T>& t, int64_t begin, int64_t end, int) const {
    const AdamStep<T> step{constants.get(), t.max_exp_avg_sq != nullptr};
    step_piece(begin, end, step, t.grad, t.param, t.exp_avg, t.exp_avg_sq, t.max_exp_avg_sq);
  }
};

}  // namespace

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options) {
  for_each_piece("adam", tensors, AdamUpdate<T>{{adam_constants<T>(options)}});
}

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamConstants<T>* constants) {
  for_each_piece("adam", tensors, AdamUpdate<T>{{{}, constants}});
}

#define INSTANTIATE(T)                                                         \
  template void adam_step(std::span<const AdamTensor<T>>, const AdamOptions&); \
  template void adam_step(std::span<const AdamTensor<T>>, const AdamConstants<T>*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
