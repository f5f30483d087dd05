// GELU, x Phi(x) with Phi the distribution function of the standard normal, and its derivative
// Phi(x) + x phi(x): at most 4 ULP, in the tail at the left too, where 1 + erf cancels.
//
// Phi(-t) = w G(u) e^(-t^2/2) for t >= 0, with w = 1 / (t + k) and u = 1 - 2 k w, which maps [0, inf) to
// [-1, 1), after Shepherd and Laframboise (Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in
// 0 <= x < inf, 1981); G is a minimax fit (Remez) of its own, its stated error relative.
#pragma once

#include "cpu/simd/math.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Beyond `largest`, t Phi(-t) is zero. Adding and taking off to_grid rounds t so that its square is exact.
template <class T>
struct NormalConstants;
template <>
struct NormalConstants<float> {
  static constexpr float largest = 15.0f, k = 4.0f;
  static constexpr float to_grid = 98304.0f;  // 1.5 * 2^16: multiples of 2^-7
  // Degree 9, error 2.1e-8.
  static constexpr float poly[] = {0x1.82b4bcp-1f,  -0x1.373e38p-1f, 0x1.8c6d8ep-2f,  -0x1.7e0034p-3f,
                                   0x1.eed734p-5f,  -0x1.ed06e6p-8f, -0x1.ccc58ep-9f, 0x1.9a4f22p-10f,
                                   0x1.78b4e4p-13f, -0x1.119438p-13f};
};
template <>
struct NormalConstants<double> {
  static constexpr double largest = 39.0, k = 5.0;
  static constexpr double to_grid = 6442450944.0;  // 1.5 * 2^32: multiples of 2^-20
  // Degree 22, error 2.3e-17.
  static constexpr double poly[] = {
      0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca17p-1, 0x1.fb31653876f7bp-2,   -0x1.410ed5f875a1bp-2,
      0x1.51f6329f01b1bp-3,   -0x1.1b1c254c9d510p-4, 0x1.54b4d4f4b3944p-6,   -0x1.88590ea51e1fep-9,
      -0x1.a25037d420937p-11, 0x1.1daf1c8c66abdp-11, -0x1.f21460b300c2cp-15, -0x1.a17097d8e7fbbp-15,
      0x1.17dd0e3e6975ap-16,  0x1.0b214e779d70fp-18, -0x1.73ac4e80f61fep-19, -0x1.68a80f481211cp-22,
      0x1.d10e51d0b3193p-22,  0x1.6320702c0bf50p-25, -0x1.1be204da7ee9cp-24, -0x1.28bef6c1a8508p-27,
      0x1.0f30ac5d8e420p-27,  0x1.a7713c52757f2p-30, -0x1.200f57085c8a9p-32};
};

// e^(-t^2/2) = significand * 2^exponent, and ratio = Phi(-t) / e^(-t^2/2), for t = |x|.
template <class T>
struct NormalTail {
  Vec<T> t, significand, exponent, ratio;
};

// t^2 = g^2 + (t - g) (t + g): the first term is exact, an error of which the exponential would magnify.
template <class T>
inline NormalTail<T> normal_tail(Vec<T> x) {
  using C = NormalConstants<T>;
  const Vec<T> half(T(0.5)), one(T(1)), k(C::k), to_grid(C::to_grid);
  const Vec<T> t = min(Vec<T>(C::largest), abs(x)), g = (t + to_grid) - to_grid;
  const Vec<T> n = nearest_exponent(-half * t * t);
  const Vec<T> r = fnma(half * (t - g), t + g, less_exponent(-half * g * g, n));
  const Vec<T> w = one / (t + k), u = fnma(k + k, w, one);
  return {t, fma(r, polynomial(r, ExpConstants<T>::poly), one), n, w * polynomial(u, C::poly)};
}

// x Phi(x) = max(x, 0) - t Phi(-t). As in PyTorch -inf gives NaN, the product of -inf and 0.
template <class T>
inline Vec<T> gelu(Vec<T> x) {
  const NormalTail<T> tail = normal_tail(x);
  const Vec<T> zero(T(0)), larger = select(zero < x, x, x * zero);
  return larger - ldexp(tail.t * tail.ratio * tail.significand, tail.exponent);
}

// Phi(-t) - t phi(t) where x < 0, its difference from 1 where x > 0; NaN at the infinities as in PyTorch.
template <class T>
inline Vec<T> gelu_derivative(Vec<T> x) {
  const NormalTail<T> tail = normal_tail(x);
  const Vec<T> zero(T(0)), one(T(1)), density(T(0.39894228040143267794));  // 1 / sqrt(2 pi)
  const Vec<T> left = ldexp(fnma(tail.t, density, tail.ratio) * tail.significand, tail.exponent);
  return fma(x, zero, select(zero < x, one - left, left));
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
