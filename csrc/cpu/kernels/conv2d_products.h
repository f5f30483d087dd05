// Gradients of a bank of filters on few input planes, without a matrix product: lanes are output columns, the
// accumulators of some filters and taps stay in registers over all rows, and nothing is packed or gathered.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// A load of one tap meets three filters, so that the multiply-adds and not the loads are the limit.
inline constexpr int block_filters = 3, block_taps = tile_rows * tile_vectors / block_filters;

// Accumulator I belongs to filter I % Filters and tap I / Filters; a pack of parameters as in gemm_micro.h.
template <class T, int Filters, int Taps>
struct ProductBlock {
  using V = Vec<T>;

  static void add(const FilterProducts<T>& t, const T* grad, const int64_t* taps, T* lanes) {
    start(t, grad, taps, lanes, std::make_integer_sequence<int, Filters * Taps>{});
  }

  template <int... I>
  [[gnu::always_inline]] static void start(const FilterProducts<T>& t, const T* grad, const int64_t* taps, T* lanes,
                                           std::integer_sequence<int, I...> indices) {
    accumulate(t, grad, taps, lanes, indices, V::load(lanes + place<I>(t))...);
  }

  template <int I>
  static int64_t place(const FilterProducts<T>& t) {
    return (I % Filters * t.depth + I / Filters) * V::size;
  }

  template <int... I, class... Accumulators>
  [[gnu::always_inline]] static void accumulate(const FilterProducts<T>& t, const T* grad, const int64_t* taps,
                                                T* lanes, std::integer_sequence<int, I...>, Accumulators... acc) {
    const int64_t rows = t.rows, columns = t.columns, src_line = t.src_line, grad_plane = t.grad_plane;
    const T* src[size_t{Taps}];
    unroll<Taps>([&](auto p) __attribute__((always_inline)) { src[p] = t.src + taps[p]; });
    // The step is written out twice: a lambda kept the accumulators in memory. gcc 12 loaded a tap for every
    // filter, which took twice as long. Lanes past the end of a row are zero on both sides.
    for (int64_t i = 0; i < rows; ++i, grad += columns) {
      int64_t j = 0, at = i * src_line;
      V row[size_t{Filters}];
      for (; j + V::size <= columns; j += V::size, at += V::size) {
        unroll<Filters>([&](auto m) __attribute__((always_inline)) { row[m] = V::load(grad + m * grad_plane + j); });
        V tap(T(0));
        ((tap = I % Filters == 0 ? pinned(V::load(src[I / Filters] + at)) : tap, acc = fma(row[I % Filters], tap, acc)),
         ...);
      }
      if (j == columns) continue;
      const int64_t left = columns - j;
      unroll<Filters>([&](auto m)
                          __attribute__((always_inline)) { row[m] = V::load(grad + m * grad_plane + j, left); });
      ((acc = fma(row[I % Filters], V::load(src[I / Filters] + at, left), acc)), ...);
    }
    (acc.store(lanes + place<I>(t)), ...);
  }
};

template <class T, int Filters, int... P>
void add_products(std::integer_sequence<int, P...>, const FilterProducts<T>& t, const T* grad, T* lanes) {
  using Function = void (*)(const FilterProducts<T>&, const T*, const int64_t*, T*);
  static constexpr Function by_taps[] = {ProductBlock<T, Filters, P + 1>::add...};
  for (int64_t p = 0; p < t.depth; p += block_taps) {
    by_taps[smaller(t.depth - p, block_taps) - 1](t, grad, t.taps + p, lanes + p * Vec<T>::size);
  }
}

template <class T>
void filter_products(const FilterProducts<T>& t) {
  for (int64_t m = 0; m < t.filters; m += block_filters) {
    unroll<block_filters>([&](auto n) __attribute__((always_inline)) {
      if (smaller(t.filters - m, block_filters) != n + 1) return;
      add_products<T, n + 1>(std::make_integer_sequence<int, block_taps>{}, t, t.grad + m * t.grad_plane,
                             t.lanes + m * t.depth * Vec<T>::size);
    });
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
