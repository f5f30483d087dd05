// Vec<float> and Vec<double> on AVX-512 F, DQ, BW and VL.
#pragma once

// Before GCC 13 this header spells "undefined" as a variable initialised with itself.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct Vec;

// The first n lanes set, n in [0, 16] and [0, 8].
inline __mmask16 first_lanes_16(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
inline __mmask8 first_lanes_8(int64_t n) { return static_cast<__mmask8>((1u << n) - 1u); }

template <>
struct Vec<float> {
  using Scalar = float;
  struct Mask {
    __mmask16 raw;
  };
  static constexpr int size = 16;

  __m512 raw;

  Vec() = default;
  Vec(__m512 value) : raw(value) {}
  explicit Vec(float value) : raw(_mm512_set1_ps(value)) {}

  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  // The first n lanes from memory, zero or `fill` in the others; nothing past p + n is touched.
  static Vec load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes_16(n), p); }
  static Vec load(const float* p, int64_t n, Vec fill) { return _mm512_mask_loadu_ps(fill.raw, first_lanes_16(n), p); }
  // Lanes [from, n), for load_lanes: those from memory, zero in the others; nothing else is touched.
  static Mask lanes_between(int64_t from, int64_t n) {
    return {static_cast<__mmask16>(first_lanes_16(n) & ~first_lanes_16(from))};
  }
  static Vec load_lanes(const float* p, Mask lanes) { return _mm512_maskz_loadu_ps(lanes.raw, p); }
  void store(float* p) const { _mm512_storeu_ps(p, raw); }
  void store(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, first_lanes_16(n), raw); }
  // Whole numbers from 0 to 255, one byte a lane.
  static Vec load_bytes(const uint8_t* p) { return load_bytes(p, size); }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes_16(n), p)));
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    return {_mm_cmpeq_epi8_mask(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)),
                                _mm_set1_epi8(static_cast<char>(value)))};
  }
  // Narrowing into memory at once takes AMD's processors about ten times as long.
  void store_bytes(uint8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(raw)));
  }
  void store_bytes(uint8_t* p, int64_t n) const {
    _mm_mask_storeu_epi8(p, first_lanes_16(n), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(raw)));
  }
};

template <>
struct Vec<double> {
  using Scalar = double;
  struct Mask {
    __mmask8 raw;
  };
  static constexpr int size = 8;

  __m512d raw;

  Vec() = default;
  Vec(__m512d value) : raw(value) {}
  explicit Vec(double value) : raw(_mm512_set1_pd(value)) {}

  // float32 from memory, widened: the same lanes, each exactly.
  static Vec load(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static Vec load(const float* p, int64_t n) {
    return _mm512_cvtps_pd(_mm512_castps512_ps256(_mm512_maskz_loadu_ps(first_lanes_16(n), p)));
  }
  static Vec load(const double* p) { return _mm512_loadu_pd(p); }
  static Vec load(const double* p, int64_t n) { return _mm512_maskz_loadu_pd(first_lanes_8(n), p); }
  static Vec load(const double* p, int64_t n, Vec fill) { return _mm512_mask_loadu_pd(fill.raw, first_lanes_8(n), p); }
  static Mask lanes_between(int64_t from, int64_t n) {
    return {static_cast<__mmask8>(first_lanes_8(n) & ~first_lanes_8(from))};
  }
  static Vec load_lanes(const double* p, Mask lanes) { return _mm512_maskz_loadu_pd(lanes.raw, p); }
  void store(double* p) const { _mm512_storeu_pd(p, raw); }
  void store(double* p, int64_t n) const { _mm512_mask_storeu_pd(p, first_lanes_8(n), raw); }
  static Vec load_bytes(const uint8_t* p) { return load_bytes(p, size); }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes_8(n), p)));
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {static_cast<__mmask8>(_mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8(static_cast<char>(value))))};
  }
  void store_bytes(uint8_t* p) const {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm256_cvtepi32_epi8(_mm512_cvttpd_epi32(raw)));
  }
  void store_bytes(uint8_t* p, int64_t n) const {
    _mm_mask_storeu_epi8(p, first_lanes_8(n), _mm256_cvtepi32_epi8(_mm512_cvttpd_epi32(raw)));
  }
};

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = VecF::Mask;
using MaskD = VecD::Mask;

inline VecF operator+(VecF a, VecF b) { return _mm512_add_ps(a.raw, b.raw); }
inline VecF operator-(VecF a, VecF b) { return _mm512_sub_ps(a.raw, b.raw); }
inline VecF operator*(VecF a, VecF b) { return _mm512_mul_ps(a.raw, b.raw); }
inline VecF operator/(VecF a, VecF b) { return _mm512_div_ps(a.raw, b.raw); }
inline VecD operator+(VecD a, VecD b) { return _mm512_add_pd(a.raw, b.raw); }
inline VecD operator-(VecD a, VecD b) { return _mm512_sub_pd(a.raw, b.raw); }
inline VecD operator*(VecD a, VecD b) { return _mm512_mul_pd(a.raw, b.raw); }
inline VecD operator/(VecD a, VecD b) { return _mm512_div_pd(a.raw, b.raw); }

// The sign bit flipped or cleared, of NaN too.
inline VecF operator-(VecF a) { return _mm512_xor_ps(a.raw, _mm512_set1_ps(-0.0f)); }
inline VecD operator-(VecD a) { return _mm512_xor_pd(a.raw, _mm512_set1_pd(-0.0)); }
inline VecF abs(VecF a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.raw); }
inline VecD abs(VecD a) { return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a.raw); }

// |a| with the sign bit of b.
inline VecF copysign(VecF a, VecF b) { return _mm512_or_ps(abs(a).raw, _mm512_and_ps(_mm512_set1_ps(-0.0f), b.raw)); }
inline VecD copysign(VecD a, VecD b) { return _mm512_or_pd(abs(a).raw, _mm512_and_pd(_mm512_set1_pd(-0.0), b.raw)); }

// a * b + c and c - a * b, one rounding.
inline VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a.raw, b.raw, c.raw); }
inline VecD fma(VecD a, VecD b, VecD c) { return _mm512_fmadd_pd(a.raw, b.raw, c.raw); }
inline VecF fnma(VecF a, VecF b, VecF c) { return _mm512_fnmadd_ps(a.raw, b.raw, c.raw); }
inline VecD fnma(VecD a, VecD b, VecD c) { return _mm512_fnmadd_pd(a.raw, b.raw, c.raw); }

// a * b - product exactly, where product is a * b rounded.
inline VecF product_error(VecF a, VecF b, VecF product) { return _mm512_fmsub_ps(a.raw, b.raw, product.raw); }
inline VecD product_error(VecD a, VecD b, VecD product) { return _mm512_fmsub_pd(a.raw, b.raw, product.raw); }

// a > b ? a : b and a < b ? a : b: the second operand wins where one is NaN.
inline VecF max(VecF a, VecF b) { return _mm512_max_ps(a.raw, b.raw); }
inline VecD max(VecD a, VecD b) { return _mm512_max_pd(a.raw, b.raw); }
inline VecF min(VecF a, VecF b) { return _mm512_min_ps(a.raw, b.raw); }
inline VecD min(VecD a, VecD b) { return _mm512_min_pd(a.raw, b.raw); }

inline VecF sqrt(VecF a) { return _mm512_sqrt_ps(a.raw); }
inline VecD sqrt(VecD a) { return _mm512_sqrt_pd(a.raw); }

// To the nearest integer, ties to even, and to the next one below.
inline VecF round(VecF a) { return _mm512_roundscale_ps(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline VecD round(VecD a) { return _mm512_roundscale_pd(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline VecF floor(VecF a) { return _mm512_roundscale_ps(a.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
inline VecD floor(VecD a) { return _mm512_roundscale_pd(a.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }

// Ordered comparisons: false where an operand is NaN.
inline MaskF operator<(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_LT_OQ)}; }
inline MaskD operator<(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.raw, b.raw, _CMP_LT_OQ)}; }
inline MaskF operator<=(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_LE_OQ)}; }
inline MaskD operator<=(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.raw, b.raw, _CMP_LE_OQ)}; }
inline MaskF operator==(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_EQ_OQ)}; }
inline MaskD operator==(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.raw, b.raw, _CMP_EQ_OQ)}; }
inline MaskF is_nan(VecF a) { return {_mm512_cmp_ps_mask(a.raw, a.raw, _CMP_UNORD_Q)}; }
inline MaskD is_nan(VecD a) { return {_mm512_cmp_pd_mask(a.raw, a.raw, _CMP_UNORD_Q)}; }

inline MaskF operator|(MaskF a, MaskF b) { return {static_cast<__mmask16>(a.raw | b.raw)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {static_cast<__mmask8>(a.raw | b.raw)}; }

// Whether a lane is set.
inline bool any(MaskF a) { return a.raw != 0; }
inline bool any(MaskD a) { return a.raw != 0; }

// mask ? a : b, lane by lane.
inline VecF select(MaskF mask, VecF a, VecF b) { return _mm512_mask_blend_ps(mask.raw, b.raw, a.raw); }
inline VecD select(MaskD mask, VecD a, VecD b) { return _mm512_mask_blend_pd(mask.raw, b.raw, a.raw); }

// a * 2^n for integral n, |n| <= 252 (2044 for double), a near 1: one rounding.
inline VecF ldexp(VecF a, VecF n) { return _mm512_scalef_ps(a.raw, n.raw); }
inline VecD ldexp(VecD a, VecD n) { return _mm512_scalef_pd(a.raw, n.raw); }

// a = significand * 2^exponent with significand in [1, 2), for positive normal a.
inline VecF significand(VecF a) { return _mm512_getmant_ps(a.raw, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src); }
inline VecD significand(VecD a) { return _mm512_getmant_pd(a.raw, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src); }
inline VecF exponent(VecF a) { return _mm512_getexp_ps(a.raw); }
inline VecD exponent(VecD a) { return _mm512_getexp_pd(a.raw); }

// Horizontal sum, halves first: a fixed tree.
inline double sum(VecD a) {
  const __m256d half = _mm256_add_pd(_mm512_castpd512_pd256(a.raw), _mm512_extractf64x4_pd(a.raw, 1));
  const __m128d quarter = _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
  return _mm_cvtsd_f64(_mm_add_sd(quarter, _mm_unpackhi_pd(quarter, quarter)));
}
inline float sum(VecF a) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a.raw), _mm512_extractf32x8_ps(a.raw, 1));
  const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 eighth = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(eighth, _mm_movehdup_ps(eighth)));
}

// Horizontal maximum; anything where a lane is NaN.
inline double reduce_max(VecD a) {
  const __m256d half = _mm256_max_pd(_mm512_castpd512_pd256(a.raw), _mm512_extractf64x4_pd(a.raw, 1));
  const __m128d quarter = _mm_max_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
  return _mm_cvtsd_f64(_mm_max_sd(quarter, _mm_unpackhi_pd(quarter, quarter)));
}
inline float reduce_max(VecF a) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(a.raw), _mm512_extractf32x8_ps(a.raw, 1));
  const __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  const __m128 eighth = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(eighth, _mm_movehdup_ps(eighth)));
}

// v, computed here, into a register. gcc 12 otherwise loads a vector again for each of its uses, and puts off long
// unrolled sums until they are stored, one after the other.
inline VecF pinned(VecF v) {
  asm("" : "+v"(v.raw));
  return v;
}
inline VecD pinned(VecD v) {
  asm("" : "+v"(v.raw));
  return v;
}

template <class T>
struct VecPair {
  Vec<T> first, second;
};

// The lanes of a, then b: those at even places and those at odd ones; and back.
inline VecPair<float> deinterleave(VecF a, VecF b) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_permutex2var_ps(a.raw, even, b.raw), _mm512_permutex2var_ps(a.raw, odd, b.raw)};
}
inline VecPair<double> deinterleave(VecD a, VecD b) {
  const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
  return {_mm512_permutex2var_pd(a.raw, even, b.raw), _mm512_permutex2var_pd(a.raw, odd, b.raw)};
}
inline VecPair<float> interleave(VecF even, VecF odd) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return {_mm512_permutex2var_ps(even.raw, low, odd.raw), _mm512_permutex2var_ps(even.raw, high, odd.raw)};
}
inline VecPair<double> interleave(VecD even, VecD odd) {
  const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  return {_mm512_permutex2var_pd(even.raw, low, odd.raw), _mm512_permutex2var_pd(even.raw, high, odd.raw)};
}

// p[2 * i] = lane i for the first n lanes.
inline void store_every_second(float* p, VecF v, int64_t n) {
  const auto lanes = static_cast<uint32_t>((uint64_t{1} << 2 * n) - 1) & 0x55555555;
  const auto pair = interleave(v, v);
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>(lanes), pair.first.raw);
  _mm512_mask_storeu_ps(p + 16, static_cast<__mmask16>(lanes >> 16), pair.second.raw);
}
inline void store_every_second(double* p, VecD v, int64_t n) {
  const auto lanes = ((uint32_t{1} << 2 * n) - 1) & 0x5555;
  const auto pair = interleave(v, v);
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>(lanes), pair.first.raw);
  _mm512_mask_storeu_pd(p + 8, static_cast<__mmask8>(lanes >> 8), pair.second.raw);
}

// rows[i] lane j <-> rows[j] lane i. Unpacks gather the columns of two rows, shuffles those of
// four, each in its 128-bit quarter; two rounds of quarter shuffles then join the row groups.
inline void transpose(VecD (&rows)[8]) {
  __m512d pair[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm512_unpacklo_pd(rows[i].raw, rows[i + 1].raw);
    pair[i + 1] = _mm512_unpackhi_pd(rows[i].raw, rows[i + 1].raw);
  }
  for (int i = 0; i < 2; ++i) {
    const __m512d even_a = _mm512_shuffle_f64x2(pair[i], pair[i + 2], 0x88);
    const __m512d even_b = _mm512_shuffle_f64x2(pair[i + 4], pair[i + 6], 0x88);
    const __m512d odd_a = _mm512_shuffle_f64x2(pair[i], pair[i + 2], 0xdd);
    const __m512d odd_b = _mm512_shuffle_f64x2(pair[i + 4], pair[i + 6], 0xdd);
    rows[i] = _mm512_shuffle_f64x2(even_a, even_b, 0x88);
    rows[i + 2] = _mm512_shuffle_f64x2(odd_a, odd_b, 0x88);
    rows[i + 4] = _mm512_shuffle_f64x2(even_a, even_b, 0xdd);
    rows[i + 6] = _mm512_shuffle_f64x2(odd_a, odd_b, 0xdd);
  }
}
inline void transpose(VecF (&rows)[16]) {
  __m512 pair[16], quad[16];
  for (int i = 0; i < 16; i += 2) {
    pair[i] = _mm512_unpacklo_ps(rows[i].raw, rows[i + 1].raw);
    pair[i + 1] = _mm512_unpackhi_ps(rows[i].raw, rows[i + 1].raw);
  }
  for (int i = 0; i < 16; i += 4) {
    quad[i] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512 even_a = _mm512_shuffle_f32x4(quad[i], quad[i + 4], 0x88);
    const __m512 even_b = _mm512_shuffle_f32x4(quad[i + 8], quad[i + 12], 0x88);
    const __m512 odd_a = _mm512_shuffle_f32x4(quad[i], quad[i + 4], 0xdd);
    const __m512 odd_b = _mm512_shuffle_f32x4(quad[i + 8], quad[i + 12], 0xdd);
    rows[i] = _mm512_shuffle_f32x4(even_a, even_b, 0x88);
    rows[i + 4] = _mm512_shuffle_f32x4(odd_a, odd_b, 0x88);
    rows[i + 8] = _mm512_shuffle_f32x4(even_a, even_b, 0xdd);
    rows[i + 12] = _mm512_shuffle_f32x4(odd_a, odd_b, 0xdd);
  }
}

// columns[k] lane j = src[j * line + k]. Joining quarters of rows by the loads, as with AVX2, measured slower: two
// loads a cycle are fewer than the shuffles they save.
template <class T>
[[gnu::always_inline]] inline void load_transposed(const T* src, int64_t line, Vec<T> (&columns)[Vec<T>::size]) {
  for (int j = 0; j < Vec<T>::size; ++j) columns[j] = Vec<T>::load(src + j * line);
  transpose(columns);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
