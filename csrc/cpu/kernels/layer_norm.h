// Layer normalisation of rows (Ba, Kiros, Hinton 2016). With d = x - mean and u = g weight:
//   y = d rstd weight + bias        grad_x = rstd (u - sum u / n - d rstd^2 sum (u d) / n)
//   grad_weight = sum of g d rstd over the rows        grad_bias = sum of g over the rows
#pragma once

#include "cpu/kernels/moments.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Elements from a row that is written to the one to be asked for meanwhile, at least `rows` further: the last pass over
// a row finds it in the cache, and without that the memory would rest. About 8 KiB where rows are short.
template <class T>
constexpr int64_t fetch_distance(int64_t length, int64_t rows) {
  constexpr int64_t least = 8192 / sizeof(T);
  return length * (rows * length < least && length > 0 ? least / length : rows);
}

template <class T>
void layer_norm(const LayerNormRows<T>& in, double eps, T* y, T* mean, T* rstd) {
  const auto n = static_cast<double>(in.length);
  const int64_t ahead = fetch_distance<T>(in.length, 1);
  for (int64_t row = 0; row < in.rows; ++row) {
    const T* x = in.x + row * in.length;
    T* out = y + row * in.length;
    Moments m{0, 0, 0};
    moments(x, Runs{1, in.length, 0}, &m);
    mean[row] = static_cast<T>(m.mean);
    rstd[row] = static_cast<T>(1 / __builtin_sqrt(m.m2 / n + eps));
    const Vec<T> centre(mean[row]), scale(rstd[row]);
    for_each_vector<T>(in.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      __builtin_prefetch(x + ahead + j);
      const Vec<T> normal = (lanes.load(x + j) - centre) * scale;
      lanes.store(out + j, fma(normal, lanes.load(in.weight + j), lanes.load(in.bias + j)));
    });
  }
}

// Rows of the backward that are worked on together, so that what their parameters gather is read and written once.
inline constexpr int rows_together = 2;

// The rows from `first` on.
template <class T, int Rows>
struct NormRows {
  int64_t length;
  const T *g, *x;
  T* grad_x;
  Vec<T> mean[size_t{Rows}], rstd[size_t{Rows}];

  NormRows(const LayerNormGradientRows<T>& in, int64_t first)
      : length(in.length), g(in.grad_y + first * length), x(in.x + first * length), grad_x(in.grad_x) {
    if (grad_x) grad_x += first * length;
    unroll<Rows>([&](auto r) {
      mean[r] = Vec<T>(in.mean[first + r]);
      rstd[r] = Vec<T>(in.rstd[first + r]);
    });
  }
};

// sum u and sum u d of a row.
struct RowSums {
  double u = 0, ud = 0;
};

// Adds the rows to the gradients of weight and bias, where these are wanted, and finds the sums of each.
template <class T, int Rows, bool gathers>
[[gnu::always_inline]] inline void read_rows(const LayerNormGradientRows<T>& in, const NormRows<T, Rows>& those,
                                             RowSums* sums) {
  for_each_block(Runs{1, in.length, 0}, block_elements<T>, [&](int64_t /*run*/, int64_t at, const Runs& block) {
    const NormRows<T, Rows> rows = those;  // in registers: stores to what is gathered might reach another's
    const int64_t n = rows.length;
    ChainSums<T> total[size_t{Rows}], product[size_t{Rows}];
    const T *g = rows.g + at, *x = rows.x + at, *weight = in.weight + at;
    const T* grad_x = rows.grad_x ? rows.grad_x + at : nullptr;
    T *of_weight = in.scratch + at, *of_bias = in.scratch + n + at;
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) __attribute__((always_inline)) {
      const Vec<T> w = lanes.load(weight + i);
      Vec<T> grad_weight, grad_bias;
      if constexpr (gathers) {
        grad_weight = lanes.load(of_weight + i);
        grad_bias = lanes.load(of_bias + i);
      }
      unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        if (grad_x) __builtin_prefetch(grad_x + r * n + i, 1);
        const Vec<T> grad = lanes.load(g + r * n + i), u = grad * w;
        const Vec<T> d = lanes.load(x + r * n + i, rows.mean[r]) - rows.mean[r];
        if constexpr (gathers) {
          grad_weight = fma(grad, d * rows.rstd[r], grad_weight);
          grad_bias = grad_bias + grad;
        }
        total[r].at[k] = total[r].at[k] + u;
        product[r].at[k] = fma(u, d, product[r].at[k]);
      });
      if constexpr (gathers) {
        lanes.store(of_weight + i, grad_weight);
        lanes.store(of_bias + i, grad_bias);
      }
    });
    unroll<Rows>([&](auto r) {
      sums[r].u += static_cast<double>(total[r].total());
      sums[r].ud += static_cast<double>(product[r].total());
    });
  });
}

// grad_x comes last for each row: it may lie where g or x does.
template <class T>
[[gnu::always_inline]] inline void write_row(const LayerNormGradientRows<T>& in, int64_t row, const RowSums& sums) {
  const T *g = in.grad_y + row * in.length, *x = in.x + row * in.length, *weight = in.weight;
  T* grad_x = in.grad_x + row * in.length;
  const auto n = static_cast<double>(in.length), r = static_cast<double>(in.rstd[row]);
  const Vec<T> centre(in.mean[row]), scale(in.rstd[row]);
  const int64_t ahead = fetch_distance<T>(in.length, rows_together);
  const Vec<T> offset(static_cast<T>(sums.u / n)), slope(static_cast<T>(r * r * sums.ud / n));
  for_each_vector<T>(in.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    __builtin_prefetch(g + ahead + j);
    __builtin_prefetch(x + ahead + j);
    const Vec<T> u = lanes.load(g + j) * lanes.load(weight + j);
    lanes.store(grad_x + j, scale * fnma(slope, lanes.load(x + j) - centre, u - offset));
  });
}

template <class T, int Rows>
void rows_gradient(const LayerNormGradientRows<T>& in, int64_t first) {
  const NormRows<T, Rows> rows(in, first);
  RowSums sums[size_t{Rows}];
  in.sums ? read_rows<T, Rows, true>(in, rows, sums) : read_rows<T, Rows, false>(in, rows, sums);
  if (!in.grad_x) return;
  unroll<Rows>([&](auto r) { write_row(in, first + r, sums[r]); });
}

// The sums of the gathered values, in double; those of the rows before are there already unless these are the first.
template <class T>
void add_gathered(const T* gathered, int64_t n, bool first, double* sums) {
  for (int64_t j = 0; j < n; ++j) sums[j] = static_cast<double>(gathered[j]) + (first ? 0 : sums[j]);
}

template <class T>
void layer_norm_backward(const LayerNormGradientRows<T>& in) {
  static_assert(additions_in_lane % rows_together == 0);
  for (int64_t begin = 0; begin < in.rows; begin += additions_in_lane) {
    const int64_t end = begin + additions_in_lane < in.rows ? begin + additions_in_lane : in.rows;
    if (in.sums) __builtin_memset(in.scratch, 0, static_cast<size_t>(2 * in.length) * sizeof(T));
    int64_t row = begin;
    for (; row + rows_together <= end; row += rows_together) rows_gradient<T, rows_together>(in, row);
    for (; row < end; ++row) rows_gradient<T, 1>(in, row);
    if (in.sums) add_gathered(in.scratch, 2 * in.length, begin == 0, in.sums);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
