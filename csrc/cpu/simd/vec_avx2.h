// Vec<float> and Vec<double> on AVX2 + FMA.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "cpu/simd/few_bytes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
struct Vec;

// The first n lanes set, n in [0, 8].
inline __m256i first_lanes_32(int64_t n) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
}

// The first n lanes set, n in [0, 4].
inline __m256i first_lanes_64(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

template <>
struct Vec<float> {
  using Scalar = float;
  struct Mask {
    __m256 raw;
  };
  static constexpr int size = 8;

  __m256 raw;

  Vec() = default;
  Vec(__m256 value) : raw(value) {}
  explicit Vec(float value) : raw(_mm256_set1_ps(value)) {}

  static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  // The first n lanes from memory, zero or `fill` in the others; nothing past p + n is touched.
  static Vec load(const float* p, int64_t n) { return _mm256_maskload_ps(p, first_lanes_32(n)); }
  static Vec load(const float* p, int64_t n, Vec fill) {
    const __m256i lanes = first_lanes_32(n);
    return _mm256_blendv_ps(fill.raw, _mm256_maskload_ps(p, lanes), _mm256_castsi256_ps(lanes));
  }
  // Lanes [from, n), for load_lanes: those from memory, zero in the others; nothing else is touched.
  static Mask lanes_between(int64_t from, int64_t n) {
    return {_mm256_castsi256_ps(_mm256_andnot_si256(first_lanes_32(from), first_lanes_32(n)))};
  }
  static Vec load_lanes(const float* p, Mask lanes) { return _mm256_maskload_ps(p, _mm256_castps_si256(lanes.raw)); }
  void store(float* p) const { _mm256_storeu_ps(p, raw); }
  void store(float* p, int64_t n) const { _mm256_maskstore_ps(p, first_lanes_32(n), raw); }
  // Whole numbers from 0 to 255, one byte a lane.
  static Vec load_bytes(const uint8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    uint8_t lanes[size] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load_bytes(lanes);
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(value)));
    return {_mm256_castsi256_ps(_mm256_cvtepi8_epi32(equal))};
  }
  void store_bytes(uint8_t* p) const {
    const __m256i lanes = _mm256_cvttps_epi32(raw);
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
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
    __m256d raw;
  };
  static constexpr int size = 4;

  __m256d raw;

  Vec() = default;
  Vec(__m256d value) : raw(value) {}
  explicit Vec(double value) : raw(_mm256_set1_pd(value)) {}

  // float32 from memory, widened: the same lanes, each exactly.
  static Vec load(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static Vec load(const float* p, int64_t n) {
    const __m128i lanes = _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(n)), _mm_setr_epi32(0, 1, 2, 3));
    return _mm256_cvtps_pd(_mm_maskload_ps(p, lanes));
  }
  static Vec load(const double* p) { return _mm256_loadu_pd(p); }
  static Vec load(const double* p, int64_t n) { return _mm256_maskload_pd(p, first_lanes_64(n)); }
  static Vec load(const double* p, int64_t n, Vec fill) {
    const __m256i lanes = first_lanes_64(n);
    return _mm256_blendv_pd(fill.raw, _mm256_maskload_pd(p, lanes), _mm256_castsi256_pd(lanes));
  }
  static Mask lanes_between(int64_t from, int64_t n) {
    return {_mm256_castsi256_pd(_mm256_andnot_si256(first_lanes_64(from), first_lanes_64(n)))};
  }
  static Vec load_lanes(const double* p, Mask lanes) { return _mm256_maskload_pd(p, _mm256_castpd_si256(lanes.raw)); }
  void store(double* p) const { _mm256_storeu_pd(p, raw); }
  void store(double* p, int64_t n) const { _mm256_maskstore_pd(p, first_lanes_64(n), raw); }
  static Vec load_bytes(const uint8_t* p) {
    int bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)));
  }
  static Vec load_bytes(const uint8_t* p, int64_t n) {
    uint8_t lanes[size] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load_bytes(lanes);
  }
  static Mask equal_bytes(const uint8_t* p, uint8_t value) {
    int bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    const __m128i equal = _mm_cmpeq_epi8(_mm_cvtsi32_si128(bytes), _mm_set1_epi8(static_cast<char>(value)));
    return {_mm256_castsi256_pd(_mm256_cvtepi8_epi64(equal))};
  }
  void store_bytes(uint8_t* p) const {
    const __m128i lanes = _mm256_cvttpd_epi32(raw);
    const __m128i words = _mm_packus_epi32(lanes, lanes);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    __builtin_memcpy(p, &bytes, sizeof bytes);
  }
  void store_bytes(uint8_t* p, int64_t n) const {
    uint8_t lanes[size];
    store_bytes(lanes);
    copy_few_bytes<size>(lanes, n, p);
  }
};

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = VecF::Mask;
using MaskD = VecD::Mask;

inline VecF operator+(VecF a, VecF b) { return _mm256_add_ps(a.raw, b.raw); }
inline VecF operator-(VecF a, VecF b) { return _mm256_sub_ps(a.raw, b.raw); }
inline VecF operator*(VecF a, VecF b) { return _mm256_mul_ps(a.raw, b.raw); }
inline VecF operator/(VecF a, VecF b) { return _mm256_div_ps(a.raw, b.raw); }
inline VecD operator+(VecD a, VecD b) { return _mm256_add_pd(a.raw, b.raw); }
inline VecD operator-(VecD a, VecD b) { return _mm256_sub_pd(a.raw, b.raw); }
inline VecD operator*(VecD a, VecD b) { return _mm256_mul_pd(a.raw, b.raw); }
inline VecD operator/(VecD a, VecD b) { return _mm256_div_pd(a.raw, b.raw); }

// The sign bit flipped or cleared, of NaN too.
inline VecF operator-(VecF a) { return _mm256_xor_ps(a.raw, _mm256_set1_ps(-0.0f)); }
inline VecD operator-(VecD a) { return _mm256_xor_pd(a.raw, _mm256_set1_pd(-0.0)); }
inline VecF abs(VecF a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.raw); }
inline VecD abs(VecD a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a.raw); }

// |a| with the sign bit of b.
inline VecF copysign(VecF a, VecF b) { return _mm256_or_ps(abs(a).raw, _mm256_and_ps(_mm256_set1_ps(-0.0f), b.raw)); }
inline VecD copysign(VecD a, VecD b) { return _mm256_or_pd(abs(a).raw, _mm256_and_pd(_mm256_set1_pd(-0.0), b.raw)); }

// a * b + c and c - a * b, one rounding.
inline VecF fma(VecF a, VecF b, VecF c) { return _mm256_fmadd_ps(a.raw, b.raw, c.raw); }
inline VecD fma(VecD a, VecD b, VecD c) { return _mm256_fmadd_pd(a.raw, b.raw, c.raw); }
inline VecF fnma(VecF a, VecF b, VecF c) { return _mm256_fnmadd_ps(a.raw, b.raw, c.raw); }
inline VecD fnma(VecD a, VecD b, VecD c) { return _mm256_fnmadd_pd(a.raw, b.raw, c.raw); }

// a * b - product exactly, where product is a * b rounded.
inline VecF product_error(VecF a, VecF b, VecF product) { return _mm256_fmsub_ps(a.raw, b.raw, product.raw); }
inline VecD product_error(VecD a, VecD b, VecD product) { return _mm256_fmsub_pd(a.raw, b.raw, product.raw); }

// a > b ? a : b and a < b ? a : b: the second operand wins where one is NaN.
inline VecF max(VecF a, VecF b) { return _mm256_max_ps(a.raw, b.raw); }
inline VecD max(VecD a, VecD b) { return _mm256_max_pd(a.raw, b.raw); }
inline VecF min(VecF a, VecF b) { return _mm256_min_ps(a.raw, b.raw); }
inline VecD min(VecD a, VecD b) { return _mm256_min_pd(a.raw, b.raw); }

inline VecF sqrt(VecF a) { return _mm256_sqrt_ps(a.raw); }
inline VecD sqrt(VecD a) { return _mm256_sqrt_pd(a.raw); }

// To the nearest integer, ties to even, and to the next one below.
inline VecF round(VecF a) { return _mm256_round_ps(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline VecD round(VecD a) { return _mm256_round_pd(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline VecF floor(VecF a) { return _mm256_floor_ps(a.raw); }
inline VecD floor(VecD a) { return _mm256_floor_pd(a.raw); }

// Ordered comparisons: false where an operand is NaN.
inline MaskF operator<(VecF a, VecF b) { return {_mm256_cmp_ps(a.raw, b.raw, _CMP_LT_OQ)}; }
inline MaskD operator<(VecD a, VecD b) { return {_mm256_cmp_pd(a.raw, b.raw, _CMP_LT_OQ)}; }
inline MaskF operator<=(VecF a, VecF b) { return {_mm256_cmp_ps(a.raw, b.raw, _CMP_LE_OQ)}; }
inline MaskD operator<=(VecD a, VecD b) { return {_mm256_cmp_pd(a.raw, b.raw, _CMP_LE_OQ)}; }
inline MaskF operator==(VecF a, VecF b) { return {_mm256_cmp_ps(a.raw, b.raw, _CMP_EQ_OQ)}; }
inline MaskD operator==(VecD a, VecD b) { return {_mm256_cmp_pd(a.raw, b.raw, _CMP_EQ_OQ)}; }
inline MaskF is_nan(VecF a) { return {_mm256_cmp_ps(a.raw, a.raw, _CMP_UNORD_Q)}; }
inline MaskD is_nan(VecD a) { return {_mm256_cmp_pd(a.raw, a.raw, _CMP_UNORD_Q)}; }

inline MaskF operator|(MaskF a, MaskF b) { return {_mm256_or_ps(a.raw, b.raw)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {_mm256_or_pd(a.raw, b.raw)}; }

// Whether a lane is set.
inline bool any(MaskF a) { return _mm256_movemask_ps(a.raw) != 0; }
inline bool any(MaskD a) { return _mm256_movemask_pd(a.raw) != 0; }

// mask ? a : b, lane by lane.
inline VecF select(MaskF mask, VecF a, VecF b) { return _mm256_blendv_ps(b.raw, a.raw, mask.raw); }
inline VecD select(MaskD mask, VecD a, VecD b) { return _mm256_blendv_pd(b.raw, a.raw, mask.raw); }

// a * 2^n for integral n, |n| <= 252 (2044 for double), a near 1: one rounding. 2^n itself may be
// out of range, hence two factors. Adding 1.5 * 2^24 leaves round(n / 2) in the low bits of the
// significand, 1.5 * 2^23 leaves n (2^53 and 2^52 for double), with the biases of the exponents.
// A product that underflows takes 6 ns a vector on Zen 5, 28 where all wait for it. So the first factor
// is 0 where n leaves nothing of an a up to 16: of what is masked with -inf before an exponential.
inline VecF ldexp(VecF a, VecF n) {
  const __m256i half = _mm256_castps_si256(_mm256_add_ps(n.raw, _mm256_set1_ps(25165824.0f + 254.0f)));
  const __m256i whole = _mm256_castps_si256(_mm256_add_ps(n.raw, _mm256_set1_ps(12582912.0f + 254.0f)));
  const __m256 vanishes = _mm256_cmp_ps(n.raw, _mm256_set1_ps(-153.5f), _CMP_LT_OQ);
  const VecF first = _mm256_andnot_ps(vanishes, _mm256_castsi256_ps(_mm256_slli_epi32(half, 23)));
  const VecF second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_sub_epi32(whole, half), 23));
  return a * first * second;
}
inline VecD ldexp(VecD a, VecD n) {
  const __m256i half = _mm256_castpd_si256(_mm256_add_pd(n.raw, _mm256_set1_pd(13510798882111488.0 + 2046.0)));
  const __m256i whole = _mm256_castpd_si256(_mm256_add_pd(n.raw, _mm256_set1_pd(6755399441055744.0 + 2046.0)));
  const __m256d vanishes = _mm256_cmp_pd(n.raw, _mm256_set1_pd(-1078.5), _CMP_LT_OQ);
  const VecD first = _mm256_andnot_pd(vanishes, _mm256_castsi256_pd(_mm256_slli_epi64(half, 52)));
  const VecD second = _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_sub_epi64(whole, half), 52));
  return a * first * second;
}

// a = significand * 2^exponent with significand in [1, 2), for positive normal a.
inline VecF significand(VecF a) {
  const __m256 bits = _mm256_and_ps(a.raw, _mm256_castsi256_ps(_mm256_set1_epi32(0x007fffff)));
  return _mm256_or_ps(bits, _mm256_set1_ps(1.0f));
}
inline VecD significand(VecD a) {
  const __m256d bits = _mm256_and_pd(a.raw, _mm256_castsi256_pd(_mm256_set1_epi64x(0x000fffffffffffff)));
  return _mm256_or_pd(bits, _mm256_set1_pd(1.0));
}
inline VecF exponent(VecF a) {
  const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(a.raw), 23);
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)));
}
inline VecD exponent(VecD a) {
  // 2^52 + biased exponent as a double, less 2^52 and the bias.
  const __m256i biased = _mm256_srli_epi64(_mm256_castpd_si256(a.raw), 52);
  const __m256d shifted =
      _mm256_castsi256_pd(_mm256_or_si256(biased, _mm256_castpd_si256(_mm256_set1_pd(4503599627370496.0))));
  return _mm256_sub_pd(shifted, _mm256_set1_pd(4503599627370496.0 + 1023.0));
}

// Horizontal sum, halves first: a fixed tree.
inline double sum(VecD a) {
  const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(a.raw), _mm256_extractf128_pd(a.raw, 1));
  return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}
inline float sum(VecF a) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(a.raw), _mm256_extractf128_ps(a.raw, 1));
  const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

// Horizontal maximum; anything where a lane is NaN.
inline double reduce_max(VecD a) {
  const __m128d half = _mm_max_pd(_mm256_castpd256_pd128(a.raw), _mm256_extractf128_pd(a.raw, 1));
  return _mm_cvtsd_f64(_mm_max_sd(half, _mm_unpackhi_pd(half, half)));
}
inline float reduce_max(VecF a) {
  const __m128 half = _mm_max_ps(_mm256_castps256_ps128(a.raw), _mm256_extractf128_ps(a.raw, 1));
  const __m128 quarter = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_movehdup_ps(quarter)));
}

// v, computed here, into a register. gcc 12 otherwise loads a vector again for each of its uses, and puts off long
// unrolled sums until they are stored, one after the other.
inline VecF pinned(VecF v) {
  asm("" : "+x"(v.raw));
  return v;
}
inline VecD pinned(VecD v) {
  asm("" : "+x"(v.raw));
  return v;
}

template <class T>
struct VecPair {
  Vec<T> first, second;
};

// The lanes of a, then b: those at even places and those at odd ones; and back.
inline VecPair<float> deinterleave(VecF a, VecF b) {
  const auto ordered = [](__m256 v) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0b11'01'10'00));
  };
  return {ordered(_mm256_shuffle_ps(a.raw, b.raw, 0x88)), ordered(_mm256_shuffle_ps(a.raw, b.raw, 0xdd))};
}
inline VecPair<double> deinterleave(VecD a, VecD b) {
  return {_mm256_permute4x64_pd(_mm256_unpacklo_pd(a.raw, b.raw), 0b11'01'10'00),
          _mm256_permute4x64_pd(_mm256_unpackhi_pd(a.raw, b.raw), 0b11'01'10'00)};
}
inline VecPair<float> interleave(VecF even, VecF odd) {
  const __m256 low = _mm256_unpacklo_ps(even.raw, odd.raw), high = _mm256_unpackhi_ps(even.raw, odd.raw);
  return {_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31)};
}
inline VecPair<double> interleave(VecD even, VecD odd) {
  const __m256d low = _mm256_unpacklo_pd(even.raw, odd.raw), high = _mm256_unpackhi_pd(even.raw, odd.raw);
  return {_mm256_permute2f128_pd(low, high, 0x20), _mm256_permute2f128_pd(low, high, 0x31)};
}

// rows[i] lane j <-> rows[j] lane i.
inline void transpose(VecD (&rows)[4]) {
  const __m256d a = _mm256_unpacklo_pd(rows[0].raw, rows[1].raw), b = _mm256_unpackhi_pd(rows[0].raw, rows[1].raw);
  const __m256d c = _mm256_unpacklo_pd(rows[2].raw, rows[3].raw), d = _mm256_unpackhi_pd(rows[2].raw, rows[3].raw);
  rows[0] = _mm256_permute2f128_pd(a, c, 0x20);
  rows[1] = _mm256_permute2f128_pd(b, d, 0x20);
  rows[2] = _mm256_permute2f128_pd(a, c, 0x31);
  rows[3] = _mm256_permute2f128_pd(b, d, 0x31);
}
inline void transpose(VecF (&rows)[8]) {
  __m256 pair[8], quad[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps(rows[i].raw, rows[i + 1].raw);
    pair[i + 1] = _mm256_unpackhi_ps(rows[i].raw, rows[i + 1].raw);
  }
  for (int i = 0; i < 8; i += 4) {
    quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31);
  }
}

// columns[k] lane j = src[j * line + k]. Halves of two rows are joined by the loads, which saves shuffles.
[[gnu::always_inline]] inline void load_transposed(const float* src, int64_t line, VecF (&columns)[8]) {
  const auto halves = [=](int64_t row, int64_t k) {
    const float* from = src + row * line + k;
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(from + 4 * line), 1);
  };
  for (int k = 0; k < 8; k += 4) {
    const __m256 a = halves(0, k), b = halves(1, k), c = halves(2, k), d = halves(3, k);
    const __m256 ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    columns[k] = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
    columns[k + 1] = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
    columns[k + 2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
    columns[k + 3] = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
  }
}
[[gnu::always_inline]] inline void load_transposed(const double* src, int64_t line, VecD (&columns)[4]) {
  const auto halves = [=](int64_t row, int64_t k) {
    const double* from = src + row * line + k;
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(from)), _mm_loadu_pd(from + 2 * line), 1);
  };
  for (int k = 0; k < 4; k += 2) {
    const __m256d even = halves(0, k), odd = halves(1, k);
    columns[k] = _mm256_unpacklo_pd(even, odd);
    columns[k + 1] = _mm256_unpackhi_pd(even, odd);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
