// grad_x of a 3 x 3 filter of stride 2 on one plane. Along either axis, cells under tap 1 see one output, those
// between them the two under taps 0 and 2: both kinds of cells of a row are summed side by side and interleaved.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// grad[0] is the output cell under tap 0 of the row's first cell that has one, so grad[-1] that under its tap 2.
// Adds what one row of outputs sends. Odd: the row begins with a cell under tap 1.
template <class T, bool Odd>
[[gnu::always_inline]] inline void add_pairs(const T* grad, const Vec<T>* weight, Vec<T>& middle, Vec<T>& between) {
  using V = Vec<T>;
  middle = fma(weight[1], V::load(grad), middle);
  between = fma(weight[0], V::load(grad + int{Odd}), between);
  between = fma(weight[2], V::load(grad + int{Odd} - 1), between);
}

template <class T, bool Odd>
[[gnu::always_inline]] inline void spread_row(const PairSpread<T>& s, const T* grad, bool middle_row,
                                              const Vec<T>* weight, T* out) {
  using V = Vec<T>;
  for (int64_t j = 0; 2 * j < s.columns; j += V::size) {
    V middle(T(0)), between(T(0));
    if (middle_row) {
      add_pairs<T, Odd>(grad + s.line + j, weight + 3, middle, between);
    } else {
      add_pairs<T, Odd>(grad + s.line + j, weight, middle, between);
      add_pairs<T, Odd>(grad + j, weight + 6, middle, between);
    }
    Odd ? store_pairs(out, s.columns, j, middle, between) : store_pairs(out, s.columns, j, between, middle);
  }
}

template <class T, bool Odd>
void spread_rows(const PairSpread<T>& s) {
  Vec<T> weight[9];
  unroll<9>([&](auto p) __attribute__((always_inline)) { weight[p] = Vec<T>(s.weight[p]); });
  for (int64_t i = 0; i < s.rows; ++i) {
    const int64_t place = i + (s.odd_row ? 1 : 0);
    spread_row<T, Odd>(s, s.grad + place / 2 * s.line + 1, place % 2 == 1, weight, s.grad_x + i * s.columns);
  }
}

template <class T>
void spread_pairs(const PairSpread<T>& s) {
  s.odd_column ? spread_rows<T, true>(s) : spread_rows<T, false>(s);
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
