// GELU, x Phi(x) with Phi the distribution function of the standard normal, and its derivative
// Phi(x) + x phi(x): at most 4 ULP, in the tail at the left too, where 1 + erf cancels.
//
// Phi(-t) = w G(u) e^(-t^2/2) for t >= 0, with w = 1 / (t + k) and u = 2 t w - 1, which maps [0, inf) to
// [-1, 1) and G(u) = constant + u poly(u), after Shepherd and Laframboise (Chebyshev approximation of (1 + 2x) exp(x^2)
// erfc x in 0 <= x < inf, 1981); G is a minimax fit (Remez) of its own, its stated error relative.
#pragma once

#include "cpu/simd/math.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Beyond `largest`, t Phi(-t) is zero.
template <class T>
struct NormalConstants;
template <>
struct NormalConstants<float> {
  static constexpr float largest = 15.0f, k = 3.5f;
  // Degree 9, error 2.7e-8.
  static constexpr float constant = 0x1.7d241ap-1f;
  static constexpr float poly[] = {-0x1.21914ep-1f, 0x1.42fee8p-2f,   -0x1.db5af4p-4f, 0x1.1d1fa2p-6f, 0x1.a99f18p-8f,
                                   -0x1.9e9592p-9f, -0x1.02429ap-11f, 0x1.abdb10p-12f, 0x1.ade8f8p-14f};
};
template <>
struct NormalConstants<double> {
  static constexpr double largest = 39.0, k = 3.5;
  // Degree 23, error 4.723e-18.
  static constexpr double constant = 0x1.7d241a953a614p-1;
  static constexpr double poly[] = {
      -0x1.2191517fa27b8p-1,  0x1.42fec3680acaap-2,   -0x1.db5837f7f556ep-4,  0x1.1d35bdee16ee6p-6,
      0x1.a86cec7670d26p-8,   -0x1.a200796a971a4p-9,  -0x1.d2a141141dc73p-12, 0x1.f3cfaae62caf0p-12,
      0x1.1928629d6bb50p-14,  -0x1.3d066ddbc83dfp-14, -0x1.3b39b46e1ca14p-16, 0x1.82198fc5f94adp-17,
      0x1.7b4b2b452fba4p-18,  -0x1.38bf460994da5p-20, -0x1.8d100dd2b4f59p-20, -0x1.338527cd0e371p-23,
      0x1.3c21d62610974p-22,  0x1.0a355adfcce1ap-23,  -0x1.02ca59f2b7c7cp-25, -0x1.389ff5ed5d3ecp-25,
      -0x1.097d02ef7c50dp-28, 0x1.52c2c2c3de61ep-28,  0x1.9ac37c64ef6dbp-30};
};

// The coefficients of exp at r = -s / 2, as those of a polynomial in s; halving is exact.
template <class T>
struct HalfNegated {
  static constexpr std::size_t count = sizeof(ExpConstants<T>::poly) / sizeof(T);
  T poly[count];

  constexpr HalfNegated() : poly() {
    T factor = T(-0.5);
    for (std::size_t i = 0; i < count; ++i, factor *= T(-0.5)) poly[i] = factor * ExpConstants<T>::poly[i];
  }
};

// For t = |x|: e^(-t^2/2) = (1 + growth) * 2^exponent, and -Phi(-t) / e^(-t^2/2) = G / divisor with the divisor
// -(t + k), whose sign saves GELU a negation; share = t / divisor.
template <class T>
struct NormalTail {
  Vec<T> t, growth, exponent, divisor, share, G;

  // v e^(-t^2/2), with one rounding less than by 1 + growth.
  Vec<T> times_power(Vec<T> v) const { return ldexp(fma(v, growth, v), exponent); }
};

// The rounding error of the square is added to the reduced argument; the exponential would magnify it.
// u comes from t w, not from w: then the error of t + k, large beside a small t, does not reach it.
template <class T>
inline NormalTail<T> normal_tail(Vec<T> x) {
  using C = NormalConstants<T>;
  static constexpr HalfNegated<T> exponential;
  const Vec<T> one(T(1)), to_integer(ExpConstants<T>::to_integer);
  const Vec<T> t = min(Vec<T>(C::largest), abs(x)), square = t * t;
  const Vec<T> n = fma(square, Vec<T>(T(-0.5) * ExpConstants<T>::log2_e), to_integer) - to_integer;
  const Vec<T> reduced = fma(n, Vec<T>(2 * Ln2<T>::lo), fma(n, Vec<T>(2 * Ln2<T>::hi), square));
  const Vec<T> s = reduced + product_error(t, t, square);
  const Vec<T> divisor = Vec<T>(-C::k) - t, share = t / divisor, u = fma(share, Vec<T>(T(-2)), -one);
  const Vec<T> G = fma(u, polynomial(u, C::poly), Vec<T>(C::constant));
  return {t, s * polynomial(s, exponential.poly), n, divisor, share, G};
}

// x Phi(x) = max(x, 0) - t Phi(-t). As in PyTorch -inf gives NaN, the product of -inf and 0.
template <class T>
inline Vec<T> gelu(Vec<T> x) {
  const NormalTail<T> tail = normal_tail(x);
  const Vec<T> positive = select(Vec<T>(T(0)) < x, Vec<T>(T(1)), Vec<T>(T(0)));
  return fma(x, positive, tail.times_power(tail.share * tail.G));
}

// With right = t phi(t) - Phi(-t): 1 + right where x > 0, -right elsewhere; NaN at the infinities as in PyTorch.
template <class T>
inline Vec<T> gelu_derivative(Vec<T> x) {
  const NormalTail<T> tail = normal_tail(x);
  const Vec<T> zero(T(0)), one(T(1)), density(T(0.39894228040143267794));  // 1 / sqrt(2 pi)
  const Vec<T> right = tail.times_power(fma(tail.t, density, tail.G / tail.divisor));
  return fma(x, zero, select(zero < x, one + right, -right));
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
