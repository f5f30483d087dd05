// The activations of ops/activation_list.h as small classes: forward(x) gives y, backward(g, v) the gradient by x,
// where v is x or y as the list says. Formulas and the treatment of NaN are those of csrc/cpu/kernels/activation.h
// and activation_smooth.h.
#pragma once

#include "cuda/math.cuh"
#include "ops/activation_list.h"

namespace fastnn::cuda {

template <class T>
struct ReLU {
  explicit ReLU(const ActivationParameters&) {}

  __device__ T forward(T x) const { return larger(T(0), x); }
  __device__ T backward(T g, T y) const { return y <= T(0) ? T(0) : g; }
};

template <class T>
struct LeakyReLU {
  T slope;
  explicit LeakyReLU(const ActivationParameters& p) : slope(static_cast<T>(p.first)) {}

  __device__ T forward(T x) const { return x * (T(0) < x ? T(1) : slope); }
  __device__ T backward(T g, T x) const { return g * (T(0) < x ? T(1) : slope); }
};

// Passes g inside (low, high), not at the kinks, nor at NaN.
template <class T>
__device__ inline T pass_inside(T low, T high, T g, T x) {
  return low < x && x < high ? g : T(0);
}

template <class T>
struct Hardtanh {
  T low, high;
  explicit Hardtanh(const ActivationParameters& p) : low(static_cast<T>(p.first)), high(static_cast<T>(p.second)) {}

  __device__ T forward(T x) const { return smaller(high, larger(low, x)); }
  __device__ T backward(T g, T x) const { return pass_inside(low, high, g, x); }
};

template <class T>
struct ReLU6 : Hardtanh<T> {
  explicit ReLU6(const ActivationParameters&) : Hardtanh<T>({0.0, 6.0}) {}
};

template <class T>
struct Hardsigmoid {
  T alpha, low, high;
  explicit Hardsigmoid(const ActivationParameters& p)
      : alpha(static_cast<T>(p.first)),
        low(static_cast<T>(-p.second / p.first)),
        high(static_cast<T>((1.0 - p.second) / p.first)) {}

  __device__ T forward(T x) const { return smaller(T(1), alpha * larger(T(0), x - low)); }
  __device__ T backward(T g, T x) const { return alpha * pass_inside(low, high, g, x); }
};

template <class T>
struct Sigmoid {
  explicit Sigmoid(const ActivationParameters&) {}

  __device__ T forward(T x) const { return sigmoid(x); }
  __device__ T backward(T g, T y) const { return g * (T(1) - y) * y; }
};

template <class T>
struct Tanh {
  explicit Tanh(const ActivationParameters&) {}

  __device__ T forward(T x) const { return tanh_of(x); }
  __device__ T backward(T g, T y) const { return g * fma_of(-y, y, T(1)); }
};

template <class T>
struct SiLU {
  explicit SiLU(const ActivationParameters&) {}

  __device__ T forward(T x) const { return x * sigmoid(x); }
  __device__ T backward(T g, T x) const {
    const SigmoidPair<T> s = sigmoid_pair(x);
    return g * (s.value * fma_of(x, s.complement, T(1)));
  }
};

// x Phi(x), and Phi(x) + x phi(x); NaN where an infinity meets a zero, as in PyTorch.
template <class T>
struct GELU {
  explicit GELU(const ActivationParameters&) {}

  __device__ T forward(T x) const { return x * normal_cdf(x); }
  __device__ T backward(T g, T x) const { return g * fma_of(x, normal_density(x), normal_cdf(x)); }
};

template <class T>
struct GELUTanh {
  static constexpr T linear = T(1.59576912160573071176), cubic = T(0.07135481627260025777);
  explicit GELUTanh(const ActivationParameters&) {}

  __device__ T forward(T x) const { return x * sigmoid(argument(x)); }
  __device__ T backward(T g, T x) const {
    // 1 - s is 0 beyond 50, where the cubic may overflow; x * 0 brings the NaN of the infinities back.
    const T near = larger(T(-50), smaller(T(50), x));
    const SigmoidPair<T> s = sigmoid_pair(argument(near));
    const T slope = near * fma_of(T(3) * cubic, near * near, linear);
    return g * fma_of(x, T(0), s.value * fma_of(slope, s.complement, T(1)));
  }

 private:
  __device__ static T argument(T x) { return x * fma_of(cubic, x * x, linear); }
};

template <class T>
struct ELU {
  T alpha;
  explicit ELU(const ActivationParameters& p) : alpha(static_cast<T>(p.first)) {}

  __device__ T forward(T x) const { return T(0) < x ? x : alpha * expm1_of(x); }
  __device__ T backward(T g, T x) const { return T(0) < x ? g : g * alpha * exp_of(x); }
};

template <class T>
struct Softplus {
  T beta, threshold;
  explicit Softplus(const ActivationParameters& p)
      : beta(static_cast<T>(p.first)), threshold(static_cast<T>(p.second)) {}

  __device__ T forward(T x) const {
    const T z = beta * x;
    return threshold < z ? x : softplus(z) / beta;
  }
  __device__ T backward(T g, T x) const {
    const T z = beta * x;
    return threshold < z ? g : g * sigmoid(z);
  }
};

template <class T>
struct LogSigmoid {
  explicit LogSigmoid(const ActivationParameters&) {}

  __device__ T forward(T x) const { return -softplus(-x); }
  __device__ T backward(T g, T x) const { return g * sigmoid(-x); }
};

}  // namespace fastnn::cuda
