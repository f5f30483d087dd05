// Losses weighed by their samples. The sum of the weights stays on the device, where what divides by it reads it.
#include "cuda/divisor.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/reduce.cuh"
#include "ops/loss.h"

namespace fastnn::cuda {
namespace {

// values[i], or 1 where that is null, times the weight of its sample.
template <class T>
struct WeightedTerm {
  const T *values, *weight;
  int64_t each;
  __device__ double operator()(int64_t i) const {
    const double value = values ? static_cast<double>(values[i]) : 1.0;
    return value * static_cast<double>(weight[divide(i, each).whole]);
  }
};

struct WeightedMean {
  const double* weights;  // null: no division
  __device__ double operator()(double sum) const { return weights ? weighted_mean(sum, *weights) : sum; }
};

template <class T>
struct SampleFactor {
  WeightedMean mean;
  __device__ T operator()(T weight) const { return static_cast<T>(mean(static_cast<double>(weight))); }
};

template <class T, class I>
__global__ void scale_kernel(I n, Divisor<I> by_image, Divisor<I> by_inner, I inner, const T* factor, const T* x,
                             T* y) {
  const auto stride = static_cast<I>(threads_of_grid());
  for (auto i = static_cast<I>(thread_of_grid()); i < n; i += stride) {
    y[i] = x[i] * factor[by_image(i).whole * inner + by_inner(i).rest];
  }
}

}  // namespace

template <class T>
void weighted_loss(const WeightedLosses<T>& in, Reduction reduction, T* weighted, T* factor, double* reduced) {
  const char* name = "weighted_loss";
  const int64_t n = in.samples * in.each;
  double* weights = nullptr;
  if (reduction == Reduction::mean) {
    weights = scratch<double>(1);
    reduce_terms(name, n, 0.0, WeightedTerm<T>{in.shares, in.weight, in.each}, Sum{}, Unchanged{}, weights);
  }
  if (reduction == Reduction::none) {
    scale({in.samples, in.each, 1}, in.weight, in.losses, weighted);
  } else {
    reduce_terms(name, n, 0.0, WeightedTerm<T>{in.losses, in.weight, in.each}, Sum{}, WeightedMean{weights}, reduced);
  }
  map(name, in.samples, SampleFactor<T>{{weights}}, factor, in.weight);
}

template <class T>
void scale(const AxisView& view, const T* factor, const T* x, T* y) {
  const int64_t image = view.axis_size * view.inner, n = view.outer * image;
  by_width(fits_32_bits(n), [&](auto index) {
    using I = decltype(index);
    launch("scale", &scale_kernel<T, I>, grid_for(n), n, Divisor<I>(image), Divisor<I>(view.inner), view.inner, factor,
           x, y);
  });
}

#define INSTANTIATE(T)                                                               \
  template void weighted_loss(const WeightedLosses<T>&, Reduction, T*, T*, double*); \
  template void scale(const AxisView&, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace fastnn::cuda
