// The sums that the gradients of a normalisation need: of g, and of g times what stands beside it. Some numbers in
// their own type, and these sums in double.
#pragma once

#include "cuda/math.cuh"
#include "cuda/reduce.cuh"

namespace fastnn::cuda {

struct GradientSums {
  double g, product;

  template <class T, size_t count>
  __device__ void add(const T (&grad)[count], const T (&beside)[count]) {
    T total(0), products(0);
    FASTNN_UNROLL
    for (int i = 0; i < static_cast<int>(count); ++i) {
      total += grad[i];
      products = fma_of(grad[i], beside[i], products);
    }
    g += static_cast<double>(total);
    product += static_cast<double>(products);
  }
};

__device__ inline GradientSums from_lane_xor(const GradientSums& s, int bits) {
  return {from_lane_xor(s.g, bits), from_lane_xor(s.product, bits)};
}

struct AddSums {
  __device__ GradientSums operator()(const GradientSums& a, const GradientSums& b) const {
    return {a.g + b.g, a.product + b.product};
  }
};

// Of weight and bias, null where not wanted.
template <class T>
struct ParameterGradients {
  T *weight, *bias;
  bool accumulate;

  __device__ void put(int64_t at, double of_weight, double of_bias) const {
    if (weight) put(weight[at], of_weight);
    if (bias) put(bias[at], of_bias);
  }

 private:
  __device__ void put(T& grad, double value) const {
    grad = static_cast<T>(accumulate ? static_cast<double>(grad) + value : value);
  }
};

}  // namespace fastnn::cuda
