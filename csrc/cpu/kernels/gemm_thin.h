// The product of a few rows, as in inference with a batch of one: B is read once, in place. Where its columns run
// along memory, blocks of it are transposed in registers; where its rows do, the tile is as wide as it takes to
// keep enough sums going at a time (two, of a row over the usual tile, wait for themselves). Adds in the same order
// as the register tile, so a row has the same bits here as in a large batch.
#pragma once

#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

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

// Rows x Vectors sums at a time.
template <class T, int Rows, int Vectors>
void multiply_wide(const PanelProduct<T>& all) {
  constexpr int64_t width = Vectors * Vec<T>::size;
  const T* bias = all.epilogue ? all.epilogue->bias : nullptr;
  PanelProduct<T> product = all;
  Epilogue<T> epilogue{bias, all.epilogue && all.epilogue->relu};
  if (all.epilogue) product.epilogue = &epilogue;
  product.n = width;
  int64_t j = 0;
  for (; j + width <= all.n; j += width) {
    product.b = all.b + j;
    epilogue.bias = bias ? bias + j : nullptr;
    Tile<T, Rows, Vectors, false>::multiply(product, all.a, all.c + j);
  }
  for (; j < all.n; j += Vec<T>::size) {
    product.n = smaller(all.n - j, Vec<T>::size);
    product.b = all.b + j;
    epilogue.bias = bias ? bias + j : nullptr;
    Tile<T, Rows, 1, true>::multiply(product, all.a, all.c + j);
  }
}

template <class T>
void multiply_thin(const PanelProduct<T>& product) {
  constexpr int size = Vec<T>::size;
  if (product.b_column == 1) {
    constexpr int vectors[] = {8, 4, 4, 2};  // at least eight sums, and no more than registers
    unroll<thin_rows>([&](auto r) [[gnu::always_inline]] {
      if (product.m == r + 1) multiply_wide<T, r + 1, vectors[r]>(product);
    });
    return;
  }
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
