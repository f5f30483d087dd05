// Elementary functions by dtype under one name each, and those that CUDA has not. As accurate as CUDA's own, in the
// tails and for subnormal results too.
#pragma once

#include <cmath>

#include "cuda/device.cuh"

namespace fastnn::cuda {

__device__ inline float exp_of(float x) { return expf(x); }
__device__ inline double exp_of(double x) { return exp(x); }
__device__ inline float expm1_of(float x) { return expm1f(x); }
__device__ inline double expm1_of(double x) { return expm1(x); }
__device__ inline float log_of(float x) { return logf(x); }
__device__ inline double log_of(double x) { return log(x); }
__device__ inline float log1p_of(float x) { return log1pf(x); }
__device__ inline double log1p_of(double x) { return log1p(x); }
__device__ inline float tanh_of(float x) { return tanhf(x); }
__device__ inline double tanh_of(double x) { return tanh(x); }
__device__ inline float sqrt_of(float x) { return sqrtf(x); }
__device__ inline double sqrt_of(double x) { return sqrt(x); }
__device__ inline float abs_of(float x) { return fabsf(x); }
__device__ inline double abs_of(double x) { return fabs(x); }
__device__ inline float fma_of(float a, float b, float c) { return fmaf(a, b, c); }
__device__ inline double fma_of(double a, double b, double c) { return fma(a, b, c); }
// The distribution function of the standard normal.
__device__ inline float normal_cdf(float x) { return normcdff(x); }
__device__ inline double normal_cdf(double x) { return normcdf(x); }

// Its density; the rounding error of the square is put back, which the exponential would magnify.
template <class T>
__device__ inline T normal_density(T x) {
  const T square = x * x, error = fma_of(x, x, -square), power = exp_of(T(-0.5) * square);
  return T(0.39894228040143267794) * (power > T(0) ? fma_of(power, T(-0.5) * error, power) : power);
}

// 1 / (1 + e^-x), for x < 0 as e^x / (1 + e^x), which keeps what is subnormal.
template <class T>
__device__ inline T sigmoid(T x) {
  const T e = exp_of(-abs_of(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// sigmoid(x) and 1 - sigmoid(x), both to full relative accuracy.
template <class T>
struct SigmoidPair {
  T value, complement;
};
template <class T>
__device__ inline SigmoidPair<T> sigmoid_pair(T x) {
  const T e = exp_of(-abs_of(x)), high = T(1) / (T(1) + e), low = e * high;
  return x < T(0) ? SigmoidPair<T>{low, high} : SigmoidPair<T>{high, low};
}

// log(1 + e^x) = max(x, 0) + log1p(e^-|x|)
template <class T>
__device__ inline T softplus(T x) {
  return larger(T(0), x) + log1p_of(exp_of(-abs_of(x)));
}

}  // namespace fastnn::cuda
