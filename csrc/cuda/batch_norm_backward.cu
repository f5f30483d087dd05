#include "cuda/batch_norm_terms.cuh"
#include "cuda/channels.cuh"
#include "ops/batch_norm.h"

namespace fastnn::cuda {
namespace {

// Of a channel: sum of g, and sum of g (x - mean).
struct GradientSums {
  double g, product;
};

__device__ inline GradientSums from_lane_xor(const GradientSums& s, int bits) {
  return {cuda::from_lane_xor(s.g, bits), cuda::from_lane_xor(s.product, bits)};
}

struct AddSums {
  __device__ GradientSums operator()(const GradientSums& a, const GradientSums& b) const {
    return {a.g + b.g, a.product + b.product};
  }
};

template <class T>
struct SumsOf : NormArrays<T> {
  using Value = T;
  using Sums = GradientSums;
  using Join = AddSums;
  static __host__ __device__ Sums none() { return {0, 0}; }

  const T *grad_y, *x;

  struct OfChannel {
    SumsOf all;
    NormTerms<T> terms;

    // Some numbers in T, and these in double.
    template <size_t size, size_t packs>
    __device__ void take(Sums& sums, const int64_t (&at)[packs]) const {
      Pack<T, size> g[packs], value[packs];
      FASTNN_UNROLL
      for (int p = 0; p < static_cast<int>(packs); ++p) {
        g[p] = load_pack<T, size>(all.grad_y + at[p], 0);
        value[p] = load_pack<T, size>(all.x + at[p], 0);
      }
      T total(0), product(0);
      FASTNN_UNROLL
      for (int i = 0; i < static_cast<int>(packs * size); ++i) {
        const T v = value[i / g[0].size].lane[i % g[0].size];
        const T passed = all.passed(terms, g[i / g[0].size].lane[i % g[0].size], v);
        total += passed;
        product = fma_of(passed, v - terms.mean, product);
      }
      sums.g += static_cast<double>(total);
      sums.product += static_cast<double>(product);
    }
  };
  __device__ OfChannel of_channel(int64_t c) const { return {*this, NormArrays<T>::of_channel(c)}; }
};

// The gradients of weight and bias, and what grad_x needs of the sums in training.
template <class T>
struct TakeSums {
  T *weight, *bias;  // null where not wanted
  bool accumulate;
  const T* invstd;
  double n;
  T *offset, *slope;  // null where not wanted

  __device__ void operator()(int64_t c, const GradientSums& sums) const {
    const auto scale = static_cast<double>(invstd[c]);
    if (weight) put(weight[c], sums.product * scale);
    if (bias) put(bias[c], sums.g);
    if (!offset) return;
    offset[c] = static_cast<T>(sums.g / n);
    slope[c] = static_cast<T>(scale * scale * sums.product / n);
  }

 private:
  __device__ void put(T& grad, double value) const {
    grad = static_cast<T>(accumulate ? static_cast<double>(grad) + value : value);
  }
};

template <class T>
struct InputGradient : NormArrays<T> {
  const T *offset, *slope;  // null in evaluation

  struct Terms : NormTerms<T> {
    T offset, slope;
  };
  __device__ Terms of_channel(int64_t c) const {
    return {NormArrays<T>::of_channel(c), offset ? offset[c] : T(0), offset ? slope[c] : T(0)};
  }
  __device__ T operator()(const Terms& t, T grad_y, T x) const {
    const T g = this->passed(t, grad_y, x);
    return t.scale * (offset ? fma_of(-t.slope, x - t.mean, g - t.offset) : g);
  }
  // Where x is not asked for.
  __device__ T operator()(const Terms& t, T grad_y) const { return t.scale * grad_y; }
};

}  // namespace

template <class T>
void batch_norm_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads) {
  const char* op = "batch_norm_backward";
  const AxisView& view = in.view;
  const NormArrays<T> arrays{in.save_mean, in.save_invstd, in.weight, in.bias, in.relu};
  const bool by_statistics = grads.x && in.training && !view.empty();
  T* terms = by_statistics ? scratch<T>(2 * view.axis_size) : nullptr;
  const TakeSums<T> take{grads.weight,
                         grads.bias,
                         grads.accumulate,
                         in.save_invstd,
                         static_cast<double>(view.outer * view.inner),
                         terms,
                         terms ? terms + view.axis_size : nullptr};
  if (view.empty()) {
    join_parts<SumsOf<T>>(op, {view.axis_size, 1, 0, 0, 0}, nullptr, take);
    return;
  }
  if (grads.weight || grads.bias || terms) {
    const bool aligned = aligned_to_packs(in.grad_output, in.x);
    sums_by_channel(op, view, aligned, SumsOf<T>{arrays, in.grad_output, in.x}, take);
  }
  if (!grads.x) return;
  const InputGradient<T> gradient{arrays, take.offset, take.slope};
  if (in.training || in.relu) {
    map_channels(op, view, gradient, grads.x, in.grad_output, in.x);
  } else {
    map_channels(op, view, gradient, grads.x, in.grad_output);
  }
}

template void batch_norm_backward(const BatchNormBackwardInputs<float>&, const BatchNormGradients<float>&);
template void batch_norm_backward(const BatchNormBackwardInputs<double>&, const BatchNormGradients<double>&);

}  // namespace fastnn::cuda
