// Vec<float> and Vec<double> on AArch64 Advanced SIMD (NEON).
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "cpu/simd/few_bytes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct Vec;

template <>
struct Vec<float> {
  using Scalar = float;
  struct Mask {
    uint32x4_t raw;
  };
  static constexpr int size = 4;

  float32x4_t raw;

  Vec() = default;
  Vec(float32x4_t value) : raw(value) {}
  explicit Vec(float value) : raw(vdupq_n_f32(value)) {}

  static Vec load(const float* p) { return vld1q_f32(p); }
  // The first n lanes from memory, zero or `fill` in the others; nothing past p + n is touched.
  static Vec load(const float* p, int64_t n) { return load(p, n, Vec(0.0f)); }
  static Vec load(const float* p, int64_t n, Vec fill) {
    float32x4_t value = fill.raw;
    if (n > 0) value = vld1q_lane_f32(p, value, 0);
    if (n > 1) value = vld1q_lane_f32(p + 1, value, 1);
    if (n > 2) value = vld1q_lane_f32(p + 2, value, 2);
    if (n > 3) value = vld1q_lane_f32(p + 3, value, 3);
    return value;
  }
  // Lanes [from, n), for load_lanes: those from memory, zero in the others; nothing else is touched.
  static Mask lanes_between(int64_t from, int64_t n) {
    uint32_t set[size];
    for (int64_t i = 0; i < size; ++i) set[i] = i >= from && i < n ? ~0u : 0u;
    return {vld1q_u32(set)};
  }
  static Vec load_lanes(const float* p, Mask lanes) {
    if (vminvq_u32(lanes.raw) != 0) return load(p);
    float32x4_t value = vdupq_n_f32(0.0f);
    if (vgetq_lane_u32(lanes.raw, 0) != 0) value = vld1q_lane_f32(p, value, 0);
    if (vgetq_lane_u32(lanes.raw, 1) != 0) value = vld1q_lane_f32(p + 1, value, 1);
    if (vgetq_lane_u32(lanes.raw, 2) != 0) value = vld1q_lane_f32(p + 2, value, 2);
    if (vgetq_lane_u32(lanes.raw, 3) != 0) value = vld1q_lane_f32(p + 3, value, 3);
    return value;
  }
  void store(float* p) const { vst1q_f32(p, raw); }
  void store(float* p, int64_t n) const {
    if (n > 0) vst1q_lane_f32(p, raw, 0);
    if (n > 1) vst1q_lane_f32(p + 1, raw, 1);
    if (n > 2) vst1q_lane_f32(p + 2, raw, 2);
    if (n > 3) vst1q_lane_f32(p + 3, raw, 3);
  }
  // Whole numbers from 0 to 255, one byte a lane.
  static Vec load_bytes(const uint8_t* p) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes)))));
  }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    uint8_t lanes[size] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load_bytes(lanes);
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    const int8x8_t equal = vreinterpret_s8_u8(vceq_u8(vcreate_u8(bytes), vdup_n_u8(value)));
    return {vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(vmovl_s8(equal))))};
  }
  void store_bytes(uint8_t* p) const {
    const uint16x4_t words = vmovn_u32(vcvtq_u32_f32(raw));
    const uint32_t bytes = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
    __builtin_memcpy(p, &bytes, sizeof bytes);
  }
  void store_bytes(uint8_t* p, int64_t n) const {
    uint8_t lanes[size];
    store_bytes(lanes);
    copy_few_bytes<size>(lanes, n, p);
  }
};

template <>
struct Vec<double> {
  using Scalar = double;
  struct Mask {
    uint64x2_t raw;
  };
  static constexpr int size = 2;

  float64x2_t raw;

  Vec() = default;
  Vec(float64x2_t value) : raw(value) {}
  explicit Vec(double value) : raw(vdupq_n_f64(value)) {}

  // float32 from memory, widened: the same lanes, each exactly.
  static Vec load(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
  static Vec load(const float* p, int64_t n) {
    const float32x2_t zero = vdup_n_f32(0.0f);
    return vcvt_f64_f32(n > 1 ? vld1_f32(p) : n > 0 ? vld1_lane_f32(p, zero, 0) : zero);
  }
  static Vec load(const double* p) { return vld1q_f64(p); }
  static Vec load(const double* p, int64_t n) { return load(p, n, Vec(0.0)); }
  static Vec load(const double* p, int64_t n, Vec fill) {
    float64x2_t value = fill.raw;
    if (n > 0) value = vld1q_lane_f64(p, value, 0);
    if (n > 1) value = vld1q_lane_f64(p + 1, value, 1);
    return value;
  }
  static Mask lanes_between(int64_t from, int64_t n) {
    return {
        vcombine_u64(vcreate_u64(from <= 0 && n > 0 ? ~0ull : 0ull), vcreate_u64(from <= 1 && n > 1 ? ~0ull : 0ull))};
  }
  static Vec load_lanes(const double* p, Mask lanes) {
    float64x2_t value = vdupq_n_f64(0.0);
    if (vgetq_lane_u64(lanes.raw, 0) != 0) value = vld1q_lane_f64(p, value, 0);
    if (vgetq_lane_u64(lanes.raw, 1) != 0) value = vld1q_lane_f64(p + 1, value, 1);
    return value;
  }
  void store(double* p) const { vst1q_f64(p, raw); }
  void store(double* p, int64_t n) const {
    if (n > 0) vst1q_lane_f64(p, raw, 0);
    if (n > 1) vst1q_lane_f64(p + 1, raw, 1);
  }
  static Vec load_bytes(const uint8_t* p) { return load_bytes(p, size); }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    const double lanes[size] = {n > 0 ? static_cast<double>(p[0]) : 0.0, n > 1 ? static_cast<double>(p[1]) : 0.0};
    return load(lanes);
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    const uint64_t lanes[size] = {p[0] == value ? ~uint64_t{0} : 0, p[1] == value ? ~uint64_t{0} : 0};
    return {vld1q_u64(lanes)};
  }
  void store_bytes(uint8_t* p) const { store_bytes(p, size); }
  void store_bytes(uint8_t* p, int64_t n) const {
    if (n > 0) p[0] = static_cast<uint8_t>(vgetq_lane_f64(raw, 0));
    if (n > 1) p[1] = static_cast<uint8_t>(vgetq_lane_f64(raw, 1));
  }
};

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = VecF::Mask;
using MaskD = VecD::Mask;

inline VecF operator+(VecF a, VecF b) { return vaddq_f32(a.raw, b.raw); }
inline VecF operator-(VecF a, VecF b) { return vsubq_f32(a.raw, b.raw); }
inline VecF operator*(VecF a, VecF b) { return vmulq_f32(a.raw, b.raw); }
inline VecF operator/(VecF a, VecF b) { return vdivq_f32(a.raw, b.raw); }
inline VecD operator+(VecD a, VecD b) { return vaddq_f64(a.raw, b.raw); }
inline VecD operator-(VecD a, VecD b) { return vsubq_f64(a.raw, b.raw); }
inline VecD operator*(VecD a, VecD b) { return vmulq_f64(a.raw, b.raw); }
inline VecD operator/(VecD a, VecD b) { return vdivq_f64(a.raw, b.raw); }

// The sign bit flipped or cleared, of NaN too.
inline VecF operator-(VecF a) { return vnegq_f32(a.raw); }
inline VecD operator-(VecD a) { return vnegq_f64(a.raw); }
inline VecF abs(VecF a) { return vabsq_f32(a.raw); }
inline VecD abs(VecD a) { return vabsq_f64(a.raw); }

// |a| with the sign bit of b.
inline VecF copysign(VecF a, VecF b) { return vbslq_f32(vdupq_n_u32(0x80000000u), b.raw, a.raw); }
inline VecD copysign(VecD a, VecD b) { return vbslq_f64(vdupq_n_u64(0x8000000000000000u), b.raw, a.raw); }

// a * b + c and c - a * b, one rounding.
inline VecF fma(VecF a, VecF b, VecF c) { return vfmaq_f32(c.raw, a.raw, b.raw); }
inline VecD fma(VecD a, VecD b, VecD c) { return vfmaq_f64(c.raw, a.raw, b.raw); }
inline VecF fnma(VecF a, VecF b, VecF c) { return vfmsq_f32(c.raw, a.raw, b.raw); }
inline VecD fnma(VecD a, VecD b, VecD c) { return vfmsq_f64(c.raw, a.raw, b.raw); }

// a * b - product exactly, where product is a * b rounded.
inline VecF product_error(VecF a, VecF b, VecF product) { return vfmaq_f32(vnegq_f32(product.raw), a.raw, b.raw); }
inline VecD product_error(VecD a, VecD b, VecD product) { return vfmaq_f64(vnegq_f64(product.raw), a.raw, b.raw); }

// a > b ? a : b and a < b ? a : b: the second operand wins where one is NaN, unlike fmax's.
inline VecF max(VecF a, VecF b) { return vbslq_f32(vcgtq_f32(a.raw, b.raw), a.raw, b.raw); }
inline VecD max(VecD a, VecD b) { return vbslq_f64(vcgtq_f64(a.raw, b.raw), a.raw, b.raw); }
inline VecF min(VecF a, VecF b) { return vbslq_f32(vcltq_f32(a.raw, b.raw), a.raw, b.raw); }
inline VecD min(VecD a, VecD b) { return vbslq_f64(vcltq_f64(a.raw, b.raw), a.raw, b.raw); }

inline VecF sqrt(VecF a) { return vsqrtq_f32(a.raw); }
inline VecD sqrt(VecD a) { return vsqrtq_f64(a.raw); }

// To the nearest integer, ties to even, and to the next one below.
inline VecF round(VecF a) { return vrndnq_f32(a.raw); }
inline VecD round(VecD a) { return vrndnq_f64(a.raw); }
inline VecF floor(VecF a) { return vrndmq_f32(a.raw); }
inline VecD floor(VecD a) { return vrndmq_f64(a.raw); }

// Ordered comparisons: false where an operand is NaN.
inline MaskF operator<(VecF a, VecF b) { return {vcltq_f32(a.raw, b.raw)}; }
inline MaskD operator<(VecD a, VecD b) { return {vcltq_f64(a.raw, b.raw)}; }
inline MaskF operator<=(VecF a, VecF b) { return {vcleq_f32(a.raw, b.raw)}; }
inline MaskD operator<=(VecD a, VecD b) { return {vcleq_f64(a.raw, b.raw)}; }
inline MaskF operator==(VecF a, VecF b) { return {vceqq_f32(a.raw, b.raw)}; }
inline MaskD operator==(VecD a, VecD b) { return {vceqq_f64(a.raw, b.raw)}; }
inline MaskF is_nan(VecF a) { return {vmvnq_u32(vceqq_f32(a.raw, a.raw))}; }
inline MaskD is_nan(VecD a) { return {veorq_u64(vceqq_f64(a.raw, a.raw), vdupq_n_u64(~uint64_t{0}))}; }

inline MaskF operator|(MaskF a, MaskF b) { return {vorrq_u32(a.raw, b.raw)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {vorrq_u64(a.raw, b.raw)}; }

// Whether a lane is set.
inline bool any(MaskF a) { return vmaxvq_u32(a.raw) != 0; }
inline bool any(MaskD a) { return vmaxvq_u32(vreinterpretq_u32_u64(a.raw)) != 0; }

// mask ? a : b, lane by lane.
inline VecF select(MaskF mask, VecF a, VecF b) { return vbslq_f32(mask.raw, a.raw, b.raw); }
inline VecD select(MaskD mask, VecD a, VecD b) { return vbslq_f64(mask.raw, a.raw, b.raw); }

// a * 2^n for integral n, |n| <= 252 (2044 for double), a near 1: one rounding. 2^n itself may be
// out of range, hence two factors. Adding 1.5 * 2^24 leaves round(n / 2) in the low bits of the
// significand, 1.5 * 2^23 leaves n (2^53 and 2^52 for double), with the biases of the exponents.
inline VecF ldexp(VecF a, VecF n) {
  const uint32x4_t half = vreinterpretq_u32_f32(vaddq_f32(n.raw, vdupq_n_f32(25165824.0f + 254.0f)));
  const uint32x4_t whole = vreinterpretq_u32_f32(vaddq_f32(n.raw, vdupq_n_f32(12582912.0f + 254.0f)));
  const VecF first = vreinterpretq_f32_u32(vshlq_n_u32(half, 23));
  const VecF second = vreinterpretq_f32_u32(vshlq_n_u32(vsubq_u32(whole, half), 23));
  return a * first * second;
}
inline VecD ldexp(VecD a, VecD n) {
  const uint64x2_t half = vreinterpretq_u64_f64(vaddq_f64(n.raw, vdupq_n_f64(13510798882111488.0 + 2046.0)));
  const uint64x2_t whole = vreinterpretq_u64_f64(vaddq_f64(n.raw, vdupq_n_f64(6755399441055744.0 + 2046.0)));
  const VecD first = vreinterpretq_f64_u64(vshlq_n_u64(half, 52));
  const VecD second = vreinterpretq_f64_u64(vshlq_n_u64(vsubq_u64(whole, half), 52));
  return a * first * second;
}

// a = significand * 2^exponent with significand in [1, 2), for positive normal a.
inline VecF significand(VecF a) {
  const uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(a.raw), vdupq_n_u32(0x007fffff));
  return vreinterpretq_f32_u32(vorrq_u32(bits, vdupq_n_u32(0x3f800000)));
}
inline VecD significand(VecD a) {
  const uint64x2_t bits = vandq_u64(vreinterpretq_u64_f64(a.raw), vdupq_n_u64(0x000fffffffffffff));
  return vreinterpretq_f64_u64(vorrq_u64(bits, vdupq_n_u64(0x3ff0000000000000)));
}
inline VecF exponent(VecF a) {
  const uint32x4_t biased = vshrq_n_u32(vreinterpretq_u32_f32(a.raw), 23);
  return vsubq_f32(vcvtq_f32_u32(biased), vdupq_n_f32(127.0f));
}
inline VecD exponent(VecD a) {
  const uint64x2_t biased = vshrq_n_u64(vreinterpretq_u64_f64(a.raw), 52);
  return vsubq_f64(vcvtq_f64_u64(biased), vdupq_n_f64(1023.0));
}

// Horizontal sum, halves first: a fixed tree.
inline double sum(VecD a) { return vgetq_lane_f64(a.raw, 0) + vgetq_lane_f64(a.raw, 1); }
inline float sum(VecF a) {
  const float32x2_t half = vadd_f32(vget_low_f32(a.raw), vget_high_f32(a.raw));
  return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
}

// Horizontal maximum; anything where a lane is NaN.
inline double reduce_max(VecD a) { return vmaxvq_f64(a.raw); }
inline float reduce_max(VecF a) { return vmaxvq_f32(a.raw); }

// v, computed here, into a register. gcc 12 otherwise loads a vector again for each of its uses, and puts off long
// unrolled sums until they are stored, one after the other.
inline VecF pinned(VecF v) {
  asm("" : "+w"(v.raw));
  return v;
}
inline VecD pinned(VecD v) {
  asm("" : "+w"(v.raw));
  return v;
}

template <class T>
struct VecPair {
  Vec<T> first, second;
};

// The lanes of a, then b: those at even places and those at odd ones; and back.
inline VecPair<float> deinterleave(VecF a, VecF b) { return {vuzp1q_f32(a.raw, b.raw), vuzp2q_f32(a.raw, b.raw)}; }
inline VecPair<double> deinterleave(VecD a, VecD b) { return {vuzp1q_f64(a.raw, b.raw), vuzp2q_f64(a.raw, b.raw)}; }
inline VecPair<float> interleave(VecF even, VecF odd) {
  return {vzip1q_f32(even.raw, odd.raw), vzip2q_f32(even.raw, odd.raw)};
}
inline VecPair<double> interleave(VecD even, VecD odd) {
  return {vzip1q_f64(even.raw, odd.raw), vzip2q_f64(even.raw, odd.raw)};
}

// rows[i] lane j <-> rows[j] lane i.
inline void transpose(VecD (&rows)[2]) {
  const float64x2_t first = rows[0].raw, second = rows[1].raw;
  rows[0] = vtrn1q_f64(first, second);
  rows[1] = vtrn2q_f64(first, second);
}
inline void transpose(VecF (&rows)[4]) {
  const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(rows[0].raw, rows[1].raw));
  const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(rows[0].raw, rows[1].raw));
  const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(rows[2].raw, rows[3].raw));
  const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(rows[2].raw, rows[3].raw));
  rows[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
  rows[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
  rows[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
  rows[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

// columns[k] lane j = src[j * line + k]
template <class T>
[[gnu::always_inline]] inline void load_transposed(const T* src, int64_t line, Vec<T> (&columns)[Vec<T>::size]) {
  for (int j = 0; j < Vec<T>::size; ++j) columns[j] = Vec<T>::load(src + j * line);
  transpose(columns);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
