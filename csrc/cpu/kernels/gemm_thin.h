// The product of a few rows with a B whose columns run along memory, as in inference with a batch of one:
// blocks of B are transposed in registers and used at once. Adds in the same order as the register tile, so
// a row has the same bits here as in a large batch.
#pragma once

#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int thin_rows = 4;

// `columns` columns of C, at most a vector.
template <class T, int Rows>
void multiply_thin_columns(const PanelProduct<T>& product, const T* b, T* c, const T* bias, int64_t columns) {
  using V = Vec<T>;
  V acc[size_t{Rows}];
  unroll<Rows>([&](auto r) [[gnu::always_inline]] { acc[r] = V(T(0)); });
  for (int64_t p = 0; p < product.k; p += V::size) {
    const int64_t steps = product.k - p < V::size ? product.k - p : V::size;
    V block[V::size];
    for (int j = 0; j < V::size; ++j) {
      const T* line = b + j * product.b_column + p;
      block[j] = j >= columns ? V(T(0)) : steps == V::size ? V::load(line) : V::load(line, steps);
    }
    transpose(block);
    for (int64_t q = 0; q < steps; ++q) {
      unroll<Rows>([&](auto r) [[gnu::always_inline]] {
        acc[r] = fma(V(product.a[r * product.a_row + (p + q) * product.a_k]), block[q], acc[r]);
      });
    }
  }
  const PartVector<T> lanes{columns};
  unroll<Rows>([&](auto r) [[gnu::always_inline]] {
    T* at = c + r * product.c_row;
    const V before = product.accumulate ? lanes.load(at) : V(T(0));
    lanes.store(at, finish(acc[r], before, bias ? lanes.load(bias) : V(T(0)), product));
  });
}

template <class T>
void multiply_thin(const PanelProduct<T>& product) {
  constexpr int size = Vec<T>::size;
  const T* bias = product.epilogue ? product.epilogue->bias : nullptr;
  for (int64_t j = 0; j < product.n; j += size) {
    const int64_t columns = product.n - j < size ? product.n - j : size;
    unroll<thin_rows>([&](auto r) [[gnu::always_inline]] {
      if (product.m != r + 1) return;
      multiply_thin_columns<T, r + 1>(product, product.b + j * product.b_column, product.c + j,
                                      bias ? bias + j : nullptr, columns);
    });
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
