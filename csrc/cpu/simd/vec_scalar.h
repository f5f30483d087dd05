// Vec<T> of one lane, for machines without a vector unit of their own here. The baseline has no
// FMA and libm's is slow, so fma() rounds twice; the compiler may vectorise across iterations.
#pragma once

#include <cstdint>

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct Vec {
  using Scalar = T;
  struct Mask {
    bool raw;
  };
  static constexpr int size = 1;

  T raw;

  Vec() = default;
  explicit Vec(T value) : raw(value) {}

  static Vec load(const T* p) { return Vec(*p); }
  // float32 from memory, widened.
  template <class Narrow>
  static Vec load(const Narrow* p) {
    return Vec(T(*p));
  }
  template <class Narrow>
  static Vec load(const Narrow* p, int64_t n) {
    return n > 0 ? Vec(T(*p)) : Vec(T(0));
  }
  // The first n lanes from memory, zero or `fill` in the others; nothing past p + n is touched.
  static Vec load(const T* p, int64_t n) { return n > 0 ? Vec(*p) : Vec(T(0)); }
  static Vec load(const T* p, int64_t n, Vec fill) { return n > 0 ? Vec(*p) : fill; }
  // Lanes [from, n), for load_lanes: those from memory, zero in the others; nothing else is touched.
  static Mask lanes_between(int64_t from, int64_t n) { return {n > from}; }
  static Vec load_lanes(const T* p, Mask lanes) { return lanes.raw ? Vec(*p) : Vec(T(0)); }
  void store(T* p) const { *p = raw; }
  void store(T* p, int64_t n) const {
    if (n > 0) *p = raw;
  }
  // Whole numbers from 0 to 255, one byte a lane.
  static Vec load_bytes(const uint8_t* p) { return Vec(static_cast<T>(*p)); }
  static Vec load_bytes(const uint8_t* p, int64_t n) { return n > 0 ? load_bytes(p) : Vec(T(0)); }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) { return {*p == value}; }
  void store_bytes(uint8_t* p) const { *p = static_cast<uint8_t>(raw); }
  void store_bytes(uint8_t* p, int64_t n) const {
    if (n > 0) store_bytes(p);
  }
};

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = VecF::Mask;
using MaskD = VecD::Mask;

template <class T>
Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw + b.raw);
}
template <class T>
Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw - b.raw);
}
template <class T>
Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw * b.raw);
}
template <class T>
Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw / b.raw);
}

// The sign bit flipped or cleared, of NaN too.
template <class T>
Vec<T> operator-(Vec<T> a) {
  return Vec<T>(-a.raw);
}
inline VecF abs(VecF a) { return VecF(__builtin_fabsf(a.raw)); }
inline VecD abs(VecD a) { return VecD(__builtin_fabs(a.raw)); }

// |a| with the sign bit of b.
inline VecF copysign(VecF a, VecF b) { return VecF(__builtin_copysignf(a.raw, b.raw)); }
inline VecD copysign(VecD a, VecD b) { return VecD(__builtin_copysign(a.raw, b.raw)); }

// a * b + c and c - a * b, two roundings.
template <class T>
Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return a * b + c;
}
template <class T>
Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return c - a * b;
}

// a * b - product exactly, where product is a * b rounded; for double by halves of 26 bits (Dekker, 1971).
inline VecF product_error(VecF a, VecF b, VecF product) {
  return VecF(
      static_cast<float>(static_cast<double>(a.raw) * static_cast<double>(b.raw) - static_cast<double>(product.raw)));
}
inline VecD high_half(VecD a) {
  const double scaled = 0x1.0000002p27 * a.raw;
  return VecD(scaled - (scaled - a.raw));
}
inline VecD product_error(VecD a, VecD b, VecD product) {
  const VecD a_high = high_half(a), b_high = high_half(b), a_low = a - a_high, b_low = b - b_high;
  return a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
}

// a > b ? a : b and a < b ? a : b: the second operand wins where one is NaN.
template <class T>
Vec<T> max(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw > b.raw ? a.raw : b.raw);
}
template <class T>
Vec<T> min(Vec<T> a, Vec<T> b) {
  return Vec<T>(a.raw < b.raw ? a.raw : b.raw);
}

inline VecF sqrt(VecF a) { return VecF(__builtin_sqrtf(a.raw)); }
inline VecD sqrt(VecD a) { return VecD(__builtin_sqrt(a.raw)); }

// To the nearest integer, ties to even, and to the next one below.
inline VecF round(VecF a) { return VecF(__builtin_rintf(a.raw)); }
inline VecD round(VecD a) { return VecD(__builtin_rint(a.raw)); }
inline VecF floor(VecF a) { return VecF(__builtin_floorf(a.raw)); }
inline VecD floor(VecD a) { return VecD(__builtin_floor(a.raw)); }

// Ordered comparisons: false where an operand is NaN.
inline MaskF operator<(VecF a, VecF b) { return {a.raw < b.raw}; }
inline MaskD operator<(VecD a, VecD b) { return {a.raw < b.raw}; }
inline MaskF operator<=(VecF a, VecF b) { return {a.raw <= b.raw}; }
inline MaskD operator<=(VecD a, VecD b) { return {a.raw <= b.raw}; }
inline MaskF operator==(VecF a, VecF b) { return {a.raw == b.raw}; }
inline MaskD operator==(VecD a, VecD b) { return {a.raw == b.raw}; }
inline MaskF is_nan(VecF a) { return {a.raw != a.raw}; }
inline MaskD is_nan(VecD a) { return {a.raw != a.raw}; }

inline MaskF operator|(MaskF a, MaskF b) { return {a.raw || b.raw}; }
inline MaskD operator|(MaskD a, MaskD b) { return {a.raw || b.raw}; }

// Whether a lane is set.
inline bool any(MaskF a) { return a.raw; }
inline bool any(MaskD a) { return a.raw; }

// mask ? a : b, lane by lane.
template <class T>
Vec<T> select(typename Vec<T>::Mask mask, Vec<T> a, Vec<T> b) {
  return mask.raw ? a : b;
}

// a * 2^n for integral n, |n| <= 252 (2044 for double), a near 1: one rounding. 2^n itself may be
// out of range, hence two factors. Adding 1.5 * 2^24 leaves round(n / 2) in the low bits of the
// significand, 1.5 * 2^23 leaves n (2^53 and 2^52 for double), with the biases of the exponents.
inline VecF ldexp(VecF a, VecF n) {
  const auto half = __builtin_bit_cast(uint32_t, n.raw + (25165824.0f + 254.0f));
  const auto whole = __builtin_bit_cast(uint32_t, n.raw + (12582912.0f + 254.0f));
  return a * VecF(__builtin_bit_cast(float, half << 23)) * VecF(__builtin_bit_cast(float, (whole - half) << 23));
}
inline VecD ldexp(VecD a, VecD n) {
  const auto half = __builtin_bit_cast(uint64_t, n.raw + (13510798882111488.0 + 2046.0));
  const auto whole = __builtin_bit_cast(uint64_t, n.raw + (6755399441055744.0 + 2046.0));
  return a * VecD(__builtin_bit_cast(double, half << 52)) * VecD(__builtin_bit_cast(double, (whole - half) << 52));
}

// a = significand * 2^exponent with significand in [1, 2), for positive normal a.
inline VecF significand(VecF a) {
  const auto bits = __builtin_bit_cast(uint32_t, a.raw) & 0x007fffffu;
  return VecF(__builtin_bit_cast(float, bits | 0x3f800000u));
}
inline VecD significand(VecD a) {
  const auto bits = __builtin_bit_cast(uint64_t, a.raw) & 0x000fffffffffffffu;
  return VecD(__builtin_bit_cast(double, bits | 0x3ff0000000000000u));
}
inline VecF exponent(VecF a) {
  const auto biased = static_cast<int32_t>(__builtin_bit_cast(uint32_t, a.raw) >> 23);
  return VecF(static_cast<float>(biased - 127));
}
inline VecD exponent(VecD a) {
  const auto biased = static_cast<int32_t>(__builtin_bit_cast(uint64_t, a.raw) >> 52);
  return VecD(static_cast<double>(biased - 1023));
}

// Horizontal sum and maximum. reduce_max may return anything where a lane is NaN.
template <class T>
T sum(Vec<T> a) {
  return a.raw;
}
template <class T>
T reduce_max(Vec<T> a) {
  return a.raw;
}

// Of use to wider vectors only.
template <class T>
Vec<T> pinned(Vec<T> v) {
  return v;
}

template <class T>
struct VecPair {
  Vec<T> first, second;
};

// The lanes of a, then b: those at even places and those at odd ones; and back.
template <class T>
VecPair<T> deinterleave(Vec<T> a, Vec<T> b) {
  return {a, b};
}
template <class T>
VecPair<T> interleave(Vec<T> even, Vec<T> odd) {
  return {even, odd};
}

// rows[i] lane j <-> rows[j] lane i.
template <class T>
void transpose(Vec<T> (&)[1]) {}

// columns[k] lane j = src[j * line + k]
template <class T>
[[gnu::always_inline]] inline void load_transposed(const T* src, int64_t line, Vec<T> (&columns)[Vec<T>::size]) {
  for (int j = 0; j < Vec<T>::size; ++j) columns[j] = Vec<T>::load(src + j * line);
  transpose(columns);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
