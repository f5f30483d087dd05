// tanh and the logistic function, and what they and their relatives are made of: expm1 and log1p on the half
// lines that activations need. All keep their relative accuracy down to the subnormal numbers: at most 3 ULP
// (expm1 and log1p 2). The polynomial is a minimax fit (Remez), its stated error relative to expm1.
#pragma once

#include "cpu/simd/math.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// expm1(r) = r + r^2 * poly(r) on |r| <= ln(2) / 2; expm1 rounds to -1 below lowest.
template <class T>
struct Expm1Constants;
template <>
struct Expm1Constants<float> {
  static constexpr float lowest = -18.0f;
  // Degree 6, error 1.4e-8.
  static constexpr float poly[] = {0x1.fffffep-2f, 0x1.5554aep-3f, 0x1.555714p-5f, 0x1.122998p-7f, 0x1.6b78dep-10f};
};
template <>
struct Expm1Constants<double> {
  static constexpr double lowest = -38.0;
  // Degree 11, error 3.9e-17.
  static constexpr double poly[] = {0x1.000000000000ap-1,  0x1.555555555555ap-3,  0x1.555555554ff01p-5,
                                    0x1.111111110eef6p-7,  0x1.6c16c1871898ep-10, 0x1.a01a01b39125dp-13,
                                    0x1.a01990c0e8e03p-16, 0x1.71ddee089f081p-19, 0x1.28b6c1e96171ep-22,
                                    0x1.af71eaf177cb3p-26};
};

// e^x - 1 for x <= 0: 2^n expm1(r) + (2^n - 1), where the bracket is exact or rounds to -1.
template <class T>
inline Vec<T> expm1(Vec<T> x) {
  x = max(Vec<T>(Expm1Constants<T>::lowest), x);
  const Vec<T> n = nearest_exponent(x), r = less_exponent(x, n);
  const Vec<T> power = fma(r * r, polynomial(r, Expm1Constants<T>::poly), r);
  const Vec<T> one(T(1)), scale = ldexp(one, n);
  return fma(scale, power, scale - one);
}

// log(1 + x) for x in [0, 1], halved above sqrt(2) - 1 as log does it.
template <class T>
inline Vec<T> log1p(Vec<T> x) {
  const Vec<T> one(T(1));
  const auto upper = Vec<T>(T(0.41421356237309504880)) < x;
  return log_of_reduced(select(upper, (x - one) * Vec<T>(T(0.5)), x), select(upper, one, Vec<T>(T(0))));
}

// tanh |x| = -e / (2 + e) with e = expm1(-2 |x|), which never cancels.
template <class T>
inline Vec<T> tanh(Vec<T> x) {
  const Vec<T> e = expm1(abs(x) * Vec<T>(T(-2)));
  return copysign(e / (e + Vec<T>(T(2))), x);
}

// 1 / (1 + e^-x), for x < 0 as e^x / (1 + e^x), which keeps what is subnormal.
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one(T(1)), e = exp_of_low(-abs(x));
  return select(x < Vec<T>(T(0)), e, one) / (one + e);
}

// sigmoid(x) and 1 - sigmoid(x), both to full relative accuracy.
template <class T>
struct SigmoidPair {
  Vec<T> value, complement;
};
template <class T>
inline SigmoidPair<T> sigmoid_pair(Vec<T> x) {
  const Vec<T> one(T(1)), e = exp_of_low(-abs(x)), larger = one / (one + e), smaller = e * larger;
  const auto negative = x < Vec<T>(T(0));
  return {select(negative, smaller, larger), select(negative, larger, smaller)};
}

// log(1 + e^x) = max(x, 0) + log1p(e^-|x|)
template <class T>
inline Vec<T> softplus(Vec<T> x) {
  return max(Vec<T>(T(0)), x) + log1p(exp_of_low(-abs(x)));
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
