// Windows of 3 x 3 on one plane, some output rows at a time: a vector of input cells, loaded once for each of
// the three columns of taps, serves all the rows whose windows hold it. Sums run over the taps in their order.
//
// Nine loads an output vector, most of them across cache lines, held the loop over taps at a seventh of the
// FMA peak; eight rows at a time need less than four.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int window_taps = 9;
// Beside nine weights, or nine sums, in the registers.
inline constexpr int most_filter_rows = tile_rows < 8 ? tile_rows : 8, product_rows = 4;

// Lines of input between two output rows, 1 or 2, if the taps are those of a 3 x 3 window whose rows lie side by
// side; otherwise 0.
inline int step_of_window(const int64_t* taps, int64_t depth, int64_t src_line) {
  if (depth != window_taps) return 0;
  const int64_t line = taps[3] - taps[0];
  for (int p = 3; p < window_taps; ++p) {
    if (taps[p] - taps[p - 3] != line) return 0;
  }
  return src_line == line ? 1 : src_line == 2 * line ? 2 : 0;
}

// body(tap, row, x) for all taps of Rows rows of windows and the vector of cells under each.
template <class T, int Rows, int Step, class Lanes, class Body>
[[gnu::always_inline]] inline void for_each_cell(const T* src, int64_t line, const int64_t* taps, Lanes lanes,
                                                 const Body& body) {
  unroll<Step*(Rows - 1) + 3>([&](auto i) __attribute__((always_inline)) {
    unroll<3>([&](auto b) __attribute__((always_inline)) {
      const Vec<T> x = pinned(lanes.load(src + i * line + taps[b]));
      unroll<3>([&](auto a) __attribute__((always_inline)) {
        constexpr int ahead = i - a;
        if constexpr (ahead >= 0 && ahead % Step == 0 && ahead / Step < Rows) {
          body(std::integral_constant<int, 3 * a + b>{}, std::integral_constant<int, ahead / Step>{}, x);
        }
      });
    });
  });
}

template <class T, class Filter>
[[gnu::always_inline]] inline Vec<T> finish(const Filter& f, Vec<T> sum) {
  if (f.bias) sum = sum + Vec<T>(*f.bias);
  return f.relu ? max(Vec<T>(T(0)), sum) : sum;
}

template <class T, int Rows, int Step, class Read, class Written>
[[gnu::always_inline]] inline void filter_cells_of_rows(const PlaneFilter<T>& f, const Vec<T> (&weight)[window_taps],
                                                        int64_t i, int64_t j, Read read, Written written) {
  using V = Vec<T>;
  V sums[size_t{Rows}];
  unroll<Rows>([&](auto r) __attribute__((always_inline)) { sums[r] = V(T(0)); });
  for_each_cell<T, Rows, Step>(f.src + i * f.src_line + j, f.src_line / Step, f.taps, read,
                               [&](auto tap, auto row, V x) __attribute__((always_inline)) {
                                 sums[row] = pinned(fma(weight[tap], x, sums[row]));
                               });
  T* y = f.y + i * f.y_line + j;
  unroll<Rows>([&](auto r) __attribute__((always_inline)) { written.store(y + r * f.y_line, finish(f, sums[r])); });
}

// The last rows overlap the ones before where Rows does not divide them: that is the same result, written twice.
template <class T, int Rows, int Step>
void filter_some_rows(const PlaneFilter<T>& f) {
  using V = Vec<T>;
  V weight[window_taps];
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) { weight[p] = V(f.weight[p]); });
  for (int64_t first = 0; first < f.rows; first += Rows) {
    const int64_t i = first + Rows <= f.rows ? first : f.rows - Rows;
    int64_t j = 0;
    for (; j + V::size <= f.columns; j += V::size) {
      filter_cells_of_rows<T, Rows, Step>(f, weight, i, j, WholeVector<T>{}, WholeVector<T>{});
    }
    const int64_t left = f.columns - j;
    if (left > 0 && f.readable) {
      filter_cells_of_rows<T, Rows, Step>(f, weight, i, j, WholeVector<T>{}, PartVector<T>{left});
    } else if (left > 0) {
      filter_cells_of_rows<T, Rows, Step>(f, weight, i, j, PartVector<T>{left}, PartVector<T>{left});
    }
  }
}

// body(Rows) with the fewest blocks of rows, all of about one height.
template <class Body>
[[gnu::always_inline]] inline void with_rows_of_block(int64_t rows, const Body& body) {
  const int64_t blocks = (rows + most_filter_rows - 1) / most_filter_rows, each = (rows + blocks - 1) / blocks;
  unroll<most_filter_rows>([&](auto r) __attribute__((always_inline)) {
    if (each == r + 1) body(std::integral_constant<int, r + 1>{});
  });
}

template <class T, int Step>
void filter_rows(const PlaneFilter<T>& f) {
  with_rows_of_block(f.rows, [&](auto rows) __attribute__((always_inline)) { filter_some_rows<T, rows, Step>(f); });
}

template <class T, int Rows, int Step>
[[gnu::always_inline]] inline void products_of_some_rows(const TapProducts<T>& t, int64_t i,
                                                         Vec<T> (&sums)[window_taps]) {
  using V = Vec<T>;
  const T* grad = t.grad + i * t.columns;
  for_each_vector<T>(t.columns, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    V g[size_t{Rows}];
    unroll<Rows>([&](auto r) __attribute__((always_inline)) { g[r] = lanes.load(grad + r * t.columns + j); });
    for_each_cell<T, Rows, Step>(t.src + i * t.src_line + j, t.src_line / Step, t.taps, lanes,
                                 [&](auto tap, auto row, V x)
                                     __attribute__((always_inline)) { sums[tap] = pinned(fma(g[row], x, sums[tap])); });
  });
}

template <class T, int Step>
void products_of_rows(const TapProducts<T>& t) {
  using V = Vec<T>;
  V sums[window_taps];
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) { sums[p] = V(T(0)); });
  int64_t i = 0;
  for (; i + product_rows <= t.rows; i += product_rows) products_of_some_rows<T, product_rows, Step>(t, i, sums);
  for (; i < t.rows; ++i) products_of_some_rows<T, 1, Step>(t, i, sums);
  unroll<window_taps>([&](auto p) __attribute__((always_inline)) {
    T* total = t.lanes + p * V::size;
    (V::load(total) + sums[p]).store(total);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
