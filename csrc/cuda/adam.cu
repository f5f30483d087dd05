#include "ops/adam.h"

#include "cuda/decayed_gradient.cuh"
#include "cuda/tensor_list.cuh"

namespace fastnn::cuda {
namespace {

template <class T>
struct AdamStep {
  AdamConstants<T> c;

  // By the formulas of csrc/cpu/kernels/adam.h.
  __device__ void step(T g, T& param, T& m, T v) const {
    m = fma_of(c.beta1, m, c.one_minus_beta1 * g);
    param = c.keep * param - c.step_size * m / (sqrt_of(v) + c.eps);
  }
  __device__ T second_moment(T g, T v) const { return fma_of(c.beta2, v, c.one_minus_beta2 * g * g); }

  __device__ void operator()(T grad, T& param, T& m, T& v) const {
    const T g = decayed_gradient(grad, param, c);
    v = second_moment(g, v);
    step(g, param, m, v);
  }
  // AMSGrad; a NaN of the highest one stays.
  __device__ void operator()(T grad, T& param, T& m, T& v, T& highest) const {
    const T g = decayed_gradient(grad, param, c);
    v = second_moment(g, v);
    highest = highest != highest ? highest : larger(highest, v);
    step(g, param, m, highest);
  }

  __device__ void operator()(const AdamTensor<T>& t, int64_t begin, int64_t end, int) const {
    if (t.max_exp_avg_sq) {
      step_piece(begin, end, *this, t.grad, t.param, t.exp_avg, t.exp_avg_sq, t.max_exp_avg_sq);
    } else {
      step_piece(begin, end, *this, t.grad, t.param, t.exp_avg, t.exp_avg_sq);
    }
  }
};

}  // namespace

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options) {
  for_each_piece("adam", tensors, AdamStep<T>{adam_constants<T>(options)});
}

template void adam_step(std::span<const AdamTensor<float>>, const AdamOptions&);
template void adam_step(std::span<const AdamTensor<double>>, const AdamOptions&);

}  // namespace fastnn::cuda
