// Elementary functions, written once on Vec<T>: at most 2 ULP over the whole range on every ISA,
// with FMA or without. Reduction by ln 2 in two parts after Cody and Waite (Software Manual for
// the Elementary Functions, 1980); the polynomials are minimax fits (Remez), the stated errors
// relative to the function and before rounding. Include after the Vec header of the ISA.
#pragma once

#include <cstddef>

namespace fastnn::cpu::FASTNN_NAMESPACE {

// ln 2 = hi + lo; n * hi is exact for every exponent n, without FMA too.
template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float hi = 0x1.62e4p-1f, lo = 0x1.7f7d1cp-20f;
};
template <>
struct Ln2<double> {
  static constexpr double hi = 0x1.62e42feep-1, lo = 0x1.a39ef35793c76p-33;
};

// exp(r) = 1 + r * poly(r) on |r| <= ln(2) / 2; exp is infinite above highest, and zero at lowest,
// so far below that ldexp need not round.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float lowest = -107.0f, highest = 89.0f;
  static constexpr float to_integer = 12582912.0f;  // 1.5 * 2^23
  static constexpr float log2_e = 0x1.715476p+0f;
  // Degree 6, error 2.6e-9.
  static constexpr float poly[] = {1.0f,           0x1.000002p-1f, 0x1.5553cp-3f,
                                   0x1.55515cp-5f, 0x1.1290a4p-7f, 0x1.709c94p-10f};
};
template <>
struct ExpConstants<double> {
  static constexpr double lowest = -748.0, highest = 710.0;
  static constexpr double to_integer = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  // Degree 11, error 1.8e-17.
  static constexpr double poly[] = {0x1.0000000000003p+0,  0x1.0000000000005p-1,  0x1.555555555481ap-3,
                                    0x1.55555555520c0p-5,  0x1.111111137ba6cp-7,  0x1.6c16c17f41d44p-10,
                                    0x1.a019f6205d89cp-13, 0x1.a019a6699e6c9p-16, 0x1.71f6151ee9f5dp-19,
                                    0x1.28a2c6ddb28cap-22, 0x1.8ad111e3ac183p-26};
};

// With s = f / (2 + f) and z = s^2: log(1 + f) = f - f^2 / 2 + s * (f^2 / 2 + z * poly(z)) on
// sqrt(1/2) <= 1 + f <= sqrt(2), the form of fdlibm's e_log.c (Sun Microsystems, 1993).
template <class T>
struct LogConstants;
template <>
struct LogConstants<float> {
  static constexpr float smallest_normal = 0x1p-126f;
  static constexpr float subnormal_exponent = 24.0f, subnormal_scale = 0x1p24f;
  // Degree 2, error 8.1e-10.
  static constexpr float poly[] = {0x1.55557ap-1f, 0x1.995ebap-2f, 0x1.31e2fp-2f};
};
template <>
struct LogConstants<double> {
  static constexpr double smallest_normal = 0x1p-1022;
  static constexpr double subnormal_exponent = 53.0, subnormal_scale = 0x1p53;
  // Degree 6, error 1.2e-18.
  static constexpr double poly[] = {0x1.5555555555592p-1, 0x1.999999997fdb8p-2, 0x1.24924941f119cp-2,
                                    0x1.c71c520964f77p-3, 0x1.74663ee6f6d00p-3, 0x1.39a1bada90570p-3,
                                    0x1.2f056235b7f3bp-3};
};

// c[0] + c[1] x + c[2] x^2 + ...: Horner's rule in x^2 over pairs of terms. One operation more
// than in x, but half the chain of dependent ones (exp of double: 7 % faster on Zen 5, AVX2).
template <class T, std::size_t count>
inline Vec<T> polynomial(Vec<T> x, const T (&c)[count]) {
  const auto pair = [&](std::size_t i) { return fma(Vec<T>(c[i + 1]), x, Vec<T>(c[i])); };
  const Vec<T> square = x * x;
  constexpr std::size_t last = (count - 1) / 2 * 2;
  Vec<T> value = count % 2 == 1 ? Vec<T>(c[last]) : pair(last);
  for (std::size_t i = last; i > 0; i -= 2) value = fma(value, square, pair(i - 2));
  return value;
}

// The integer nearest to x / ln 2.
template <class T>
inline Vec<T> nearest_exponent(Vec<T> x) {
  const Vec<T> to_integer(ExpConstants<T>::to_integer);
  return fma(x, Vec<T>(ExpConstants<T>::log2_e), to_integer) - to_integer;
}

// x - n ln 2
template <class T>
inline Vec<T> less_exponent(Vec<T> x, Vec<T> n) {
  return fnma(n, Vec<T>(Ln2<T>::lo), fnma(n, Vec<T>(Ln2<T>::hi), x));
}

// e^x for x up to `highest`, as where the largest of a row is taken off. NaN gives NaN: max returns its second operand
// then, and min, too.
template <class T>
inline Vec<T> exp_of_low(Vec<T> x) {
  using C = ExpConstants<T>;
  x = max(Vec<T>(C::lowest), x);
  const Vec<T> n = nearest_exponent(x), r = less_exponent(x, n);
  return ldexp(fma(r, polynomial(r, C::poly), Vec<T>(T(1))), n);
}

// e^x
template <class T>
inline Vec<T> exp(Vec<T> x) {
  return exp_of_low(min(Vec<T>(ExpConstants<T>::highest), x));
}

// log(1 + f) + n ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2).
template <class T>
inline Vec<T> log_of_reduced(Vec<T> f, Vec<T> n) {
  const Vec<T> s = f / (f + Vec<T>(T(2)));
  const Vec<T> z = s * s, half_square = Vec<T>(T(0.5)) * f * f;
  const Vec<T> tail = fma(s, fma(z, polynomial(z, LogConstants<T>::poly), half_square), n * Vec<T>(Ln2<T>::lo));
  return fma(n, Vec<T>(Ln2<T>::hi), f - (half_square - tail));
}

// log(m * 2^e) for normal m in [1, 2).
template <class T>
inline Vec<T> log_of_parts(Vec<T> m, Vec<T> e) {
  const Vec<T> one(T(1)), half(T(0.5));
  const auto upper = Vec<T>(T(1.41421356237309504880)) < m;
  return log_of_reduced(select(upper, m * half, m) - one, select(upper, e + one, e));
}

// The natural logarithm: -inf of zero, NaN of negative numbers and of NaN.
template <class T>
inline Vec<T> log(Vec<T> x) {
  using C = LogConstants<T>;
  const Vec<T> zero(T(0)), infinity(static_cast<T>(__builtin_inf()));
  const auto subnormal = x < Vec<T>(C::smallest_normal);
  const Vec<T> scaled = select(subnormal, x * Vec<T>(C::subnormal_scale), x);
  const Vec<T> e = exponent(scaled) - select(subnormal, Vec<T>(C::subnormal_exponent), zero);
  const Vec<T> special = select(x == zero, -infinity, Vec<T>(static_cast<T>(__builtin_nan(""))));
  const Vec<T> finite = select(zero < x, log_of_parts(significand(scaled), e), special);
  return select(x < infinity, finite, x);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
