// Convolution without a matrix product, for filters that share no input (depthwise): with one filter a plane
// there is nothing that packing could be paid back by.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/conv2d_rows.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Vectors in flight: enough to hide the latency of the multiply-add and to share a weight's load.
inline constexpr int filter_vectors = 8, product_taps = 10;

// Where the vectors of a block of output cells are read and written.
template <class T>
struct CellBlock {
  const T* src[filter_vectors];
  T* y[filter_vectors];
  int64_t lanes[filter_vectors];
  int count = 0;
  bool whole = true;
};

template <class T>
[[gnu::always_inline]] inline void store_cells(const PlaneFilter<T>& f, Vec<T> sum, T* y, int64_t n) {
  using V = Vec<T>;
  sum = finish(f, sum);
  if (f.y_step == 1) {
    if (n == V::size) return sum.store(y);
    return sum.store(y, n);
  }
  T cells[V::size];
  sum.store(cells);
  for (int64_t i = 0; i < n; ++i) y[i * f.y_step] = cells[i];
}

template <class T, int Count, bool Masked>
void filter_block(const PlaneFilter<T>& f, const CellBlock<T>& block) {
  using V = Vec<T>;
  V acc[size_t{Count}];
  unroll<Count>([&](auto v) __attribute__((always_inline)) { acc[v] = V(T(0)); });
  for (int64_t p = 0; p < f.depth; ++p) {
    const V weight(f.weight[p]);
    const int64_t tap = f.taps[p];
    unroll<Count>([&](auto v) __attribute__((always_inline)) {
      const T* src = block.src[v] + tap;
      acc[v] = fma(weight, Masked ? V::load(src, block.lanes[v]) : V::load(src), acc[v]);
    });
  }
  unroll<Count>([&](auto v) __attribute__((always_inline)) { store_cells(f, acc[v], block.y[v], block.lanes[v]); });
}

template <class T>
void filter_cells(const PlaneFilter<T>& f, CellBlock<T>& block) {
  unroll<filter_vectors>([&](auto v) __attribute__((always_inline)) {
    if (block.count != v + 1) return;
    if (f.readable || block.whole) {
      filter_block<T, v + 1, false>(f, block);
    } else {
      filter_block<T, v + 1, true>(f, block);
    }
  });
  block.count = 0;
  block.whole = true;
}

template <class T>
void filter_plane(const PlaneFilter<T>& f) {
  const int step = f.y_step == 1 ? step_of_window(f.taps, f.depth, f.src_line) : 0;
  if (step == 1) return filter_rows<T, 1>(f);
  if (step == 2) return filter_rows<T, 2>(f);
  constexpr int size = Vec<T>::size;
  CellBlock<T> block;
  for (int64_t i = 0; i < f.rows; ++i) {
    for (int64_t j = 0; j < f.columns; j += size) {
      const int64_t left = f.columns - j;
      block.src[block.count] = f.src + i * f.src_line + j;
      block.y[block.count] = f.y + i * f.y_line + j * f.y_step;
      block.lanes[block.count] = left < size ? left : size;
      block.whole &= left >= size;
      if (++block.count == filter_vectors) filter_cells(f, block);
    }
  }
  if (block.count > 0) filter_cells(f, block);
}

// Taps first, first + 1, ... of the products. Lanes past the end of a row are zero on both sides.
template <class T, int Taps>
void products_of_taps(const TapProducts<T>& t, int64_t first) {
  using V = Vec<T>;
  const T* src = t.src;
  const T* grad = t.grad;
  const int64_t* taps = t.taps + first;
  V acc[size_t{Taps}];
  unroll<Taps>([&](auto p) __attribute__((always_inline)) { acc[p] = V(T(0)); });
  for (int64_t i = 0; i < t.rows; ++i, src += t.src_line, grad += t.columns) {
    for_each_vector<T>(t.columns, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      const V g = lanes.load(grad + j);
      unroll<Taps>([&](auto p)
                       __attribute__((always_inline)) { acc[p] = fma(g, lanes.load(src + taps[p] + j), acc[p]); });
    });
  }
  unroll<Taps>([&](auto p) __attribute__((always_inline)) {
    T* total = t.lanes + (first + p) * V::size;
    (V::load(total) + acc[p]).store(total);
  });
}

template <class T>
void tap_products(const TapProducts<T>& t) {
  const int step = step_of_window(t.taps, t.depth, t.src_line);
  if (step == 1) return products_of_rows<T, 1>(t);
  if (step == 2) return products_of_rows<T, 2>(t);
  int64_t p = 0;
  for (; p + product_taps <= t.depth; p += product_taps) products_of_taps<T, product_taps>(t, p);
  unroll<product_taps - 1>([&](auto n) __attribute__((always_inline)) {
    if (t.depth - p == n + 1) products_of_taps<T, n + 1>(t, p);
  });
}

template <class T>
void fold_lanes(const T* lanes, int64_t vectors, T* out) {
  for (int64_t i = 0; i < vectors; ++i) out[i] = sum(Vec<T>::load(lanes + i * Vec<T>::size));
}

template <class T>
T sum_values(const T* x, int64_t n) {
  constexpr int chains = 4;
  using V = Vec<T>;
  V acc[chains];
  unroll<chains>([&](auto k) __attribute__((always_inline)) { acc[k] = V(T(0)); });
  int64_t i = 0;
  for (; i + chains * V::size <= n; i += chains * V::size) {
    unroll<chains>([&](auto k) __attribute__((always_inline)) { acc[k] = acc[k] + V::load(x + i + k * V::size); });
  }
  for_each_vector<T>(n - i, [&](int64_t j, auto lanes) { acc[0] = acc[0] + lanes.load(x + i + j); });
  return sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
