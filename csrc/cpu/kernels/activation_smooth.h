// Elementwise activations made of exponentials; activation.h says how they are used.
#pragma once

#include "cpu/kernels/activation.h"
#include "cpu/simd/math_normal.h"
#include "cpu/simd/math_sigmoid.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// y = 1 / (1 + e^-x), y' = y (1 - y)
template <class T>
struct Sigmoid {
  explicit Sigmoid(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return sigmoid(x); }
  Vec<T> backward(Vec<T> g, Vec<T> y) const { return g * (Vec<T>(T(1)) - y) * y; }
};

// y' = 1 - y^2
template <class T>
struct Tanh {
  explicit Tanh(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return tanh(x); }
  Vec<T> backward(Vec<T> g, Vec<T> y) const { return g * fnma(y, y, Vec<T>(T(1))); }
};

// y = x s with s = sigmoid(x), y' = s (1 + x (1 - s))
template <class T>
struct SiLU {
  explicit SiLU(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return x * sigmoid(x); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const {
    const SigmoidPair<T> s = sigmoid_pair(x);
    return g * (s.value * fma(x, s.complement, Vec<T>(T(1))));
  }
};

template <class T>
struct GELU {
  explicit GELU(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return gelu(x); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return g * gelu_derivative(x); }
};

// x/2 (1 + tanh(p)) = x s with s = sigmoid(2 p) and p = sqrt(2/pi) (x + 0.044715 x^3); y' = s (1 + x (1 - s) 2p').
// In this form nothing cancels at the left.
template <class T>
struct GELUTanh {
  const Vec<T> one{T(1)};
  const Vec<T> linear{T(1.59576912160573071176)}, cubic{T(0.07135481627260025777)};  // 2 sqrt(2/pi), times 0.044715
  explicit GELUTanh(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return x * sigmoid(argument(x)); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const {
    // 1 - s is 0 beyond 50, where the cubic may overflow; x * 0 brings the NaN of the infinities back.
    const Vec<T> near = max(Vec<T>(T(-50)), min(Vec<T>(T(50)), x));
    const SigmoidPair<T> s = sigmoid_pair(argument(near));
    const Vec<T> slope = near * fma(Vec<T>(T(3)) * cubic, near * near, linear);
    return g * fma(x, Vec<T>(T(0)), s.value * fma(slope, s.complement, one));
  }

 private:
  Vec<T> argument(Vec<T> x) const { return x * fma(cubic, x * x, linear); }
};

// x above 0, alpha (e^x - 1) elsewhere.
template <class T>
struct ELU {
  const Vec<T> zero{T(0)}, alpha;
  explicit ELU(const ActivationParameters& p) : alpha(static_cast<T>(p.first)) {}

  Vec<T> forward(Vec<T> x) const { return select(zero < x, x, alpha * expm1(x)); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return select(zero < x, g, g * alpha * exp(x)); }
};

// log(1 + e^z) / beta with z = beta x, and x itself where z is above the threshold.
template <class T>
struct Softplus {
  const Vec<T> beta, threshold;
  explicit Softplus(const ActivationParameters& p)
      : beta(static_cast<T>(p.first)), threshold(static_cast<T>(p.second)) {}

  Vec<T> forward(Vec<T> x) const {
    const Vec<T> z = beta * x;
    return select(threshold < z, x, softplus(z) / beta);
  }
  Vec<T> backward(Vec<T> g, Vec<T> x) const {
    const Vec<T> z = beta * x;
    return select(threshold < z, g, g * sigmoid(z));
  }
};

// log(sigmoid(x)) = -softplus(-x)
template <class T>
struct LogSigmoid {
  explicit LogSigmoid(const ActivationParameters&) {}

  Vec<T> forward(Vec<T> x) const { return -softplus(-x); }
  Vec<T> backward(Vec<T> g, Vec<T> x) const { return g * sigmoid(-x); }
};

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
