// Layer normalisation of rows (Ba, Kiros, Hinton 2016). With d = x - mean and u = g weight:
//   y = d rstd weight + bias        grad_x = rstd (u - sum u / n - d rstd^2 sum (u d) / n)
//   grad_weight = sum of g d rstd over the rows        grad_bias = sum of g over the rows
#pragma once

#include "cpu/kernels/moments.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
void layer_norm(const LayerNormRows<T>& in, double eps, T* y, T* mean, T* rstd) {
  const auto n = static_cast<double>(in.length);
  for (int64_t row = 0; row < in.rows; ++row) {
    const T* x = in.x + row * in.length;
    T* out = y + row * in.length;
    Moments m{0, 0, 0};
    moments(x, Runs{1, in.length, 0}, &m);
    mean[row] = static_cast<T>(m.mean);
    rstd[row] = static_cast<T>(1 / __builtin_sqrt(m.m2 / n + eps));
    const Vec<T> centre(mean[row]), scale(rstd[row]);
    for_each_vector<T>(in.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      const Vec<T> normal = (lanes.load(x + j) - centre) * scale;
      lanes.store(out + j, fma(normal, lanes.load(in.weight + j), lanes.load(in.bias + j)));
    });
  }
}

// sum u and sum u d of one row.
template <class T>
[[gnu::always_inline]] inline void row_sums(const T* g, const T* x, const T* weight, Vec<T> mean, int64_t n,
                                            double (&sums)[2]) {
  sums[0] = sums[1] = 0;
  for_each_block(Runs{1, n, 0}, block_elements<T>, [&](int64_t at, const Runs& block) {
    ChainSums<T> total, product;
    for_each_vector_in_turn<T>(block.length, [&](auto k, int64_t i, auto lanes) __attribute__((always_inline)) {
      const Vec<T> u = lanes.load(g + at + i) * lanes.load(weight + at + i);
      total.at[k] = total.at[k] + u;
      product.at[k] = fma(u, lanes.load(x + at + i, mean) - mean, product.at[k]);
    });
    sums[0] += static_cast<double>(total.total());
    sums[1] += static_cast<double>(product.total());
  });
}

template <class T>
[[gnu::always_inline]] inline void row_gradient(const LayerNormGradientRows<T>& in, const T* g, const T* x, T mean,
                                                T rstd, T* grad_x) {
  const Vec<T> centre(mean), scale(rstd);
  double sums[2];
  row_sums(g, x, in.weight, centre, in.length, sums);
  const auto n = static_cast<double>(in.length), r = static_cast<double>(rstd);
  const Vec<T> offset(static_cast<T>(sums[0] / n)), slope(static_cast<T>(r * r * sums[1] / n));
  for_each_vector<T>(in.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    const Vec<T> u = lanes.load(g + j) * lanes.load(in.weight + j);
    lanes.store(grad_x + j, scale * fnma(slope, lanes.load(x + j) - centre, u - offset));
  });
}

// Adds what the rows of one block gathered in T to the sums in double, and starts again.
template <class T>
void flush_sums(T* scratch, double* sums, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    sums[j] += static_cast<double>(scratch[j]);
    scratch[j] = T(0);
  }
}

template <class T>
[[gnu::always_inline]] inline void add_parameter_gradients(const LayerNormGradientRows<T>& in, const T* g, const T* x,
                                                           T mean, T rstd) {
  const Vec<T> centre(mean), scale(rstd);
  T *of_weight = in.scratch, *of_bias = in.scratch + in.length;
  for_each_vector<T>(in.length, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
    const Vec<T> grad = lanes.load(g + j), normal = (lanes.load(x + j) - centre) * scale;
    lanes.store(of_weight + j, fma(grad, normal, lanes.load(of_weight + j)));
    lanes.store(of_bias + j, lanes.load(of_bias + j) + grad);
  });
}

// grad_x comes last for each row: it may lie where g or x does.
template <class T>
void layer_norm_backward(const LayerNormGradientRows<T>& in) {
  const int64_t n = in.length;
  for (int64_t row = 0; row < in.rows; ++row) {
    const T *g = in.grad_y + row * n, *x = in.x + row * n;
    if (in.sums) {
      add_parameter_gradients(in, g, x, in.mean[row], in.rstd[row]);
      if ((row + 1) % additions_in_lane == 0 || row + 1 == in.rows) flush_sums(in.scratch, in.sums, 2 * n);
    }
    if (in.grad_x) row_gradient(in, g, x, in.mean[row], in.rstd[row], in.grad_x + row * n);
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
