// The product of a few rows, as in inference with a batch of one: B is read once, in place. Where its columns run
// along memory, blocks of it are transposed in registers; where its rows do, the tile is as wide as it takes to
// keep enough sums going at a time (two, of a row over the usual tile, wait for themselves). Adds in the same order
// as the register tile, so a row has the same bits here as in a large batch.
#pragma once

#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int thin_rows = 4;

// What is added to a finished sum before it is stored, as at the end of a tile.
template <class T>
[[gnu::always_inline]] inline Vec<T> finish(Vec<T> sum, Vec<T> before, Vec<T> bias, const PanelProduct<T>& product) {
  if (product.accumulate) sum = before + sum;
  if (product.epilogue && product.epilogue->bias) sum = sum + bias;
  if (product.epilogue && product.epilogue->relu) sum = max(Vec<T>(T(0)), sum);
  return sum;
}

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

// The same for one row and row_blocks whole vectors of columns, which take turns: a sum of one row alone would wait
// for itself at every term. Measured: with AVX2 0.6 of the time; with blocks of 16 x 16 the transposition is the
// limit, and the turns only cost registers.
inline constexpr int row_blocks = 4;

template <class T>
void multiply_row(const PanelProduct<T>& product, const T* b, T* c, const T* bias) {
  using V = Vec<T>;
  V sums[size_t{row_blocks}];
  unroll<row_blocks>([&](auto block) [[gnu::always_inline]] { sums[block] = V(T(0)); });
  const int64_t whole = product.k - product.k % V::size;
  for (int64_t p = 0; p < whole; p += V::size) {
    unroll<row_blocks>([&](auto block) [[gnu::always_inline]] {
      const T *lines = b + block * V::size * product.b_column + p, *a = product.a + p * product.a_k;
      V column[V::size];
      for (int j = 0; j < V::size; ++j) column[j] = V::load(lines + j * product.b_column);
      transpose(column);
      unroll<V::size>([&](auto q)
                          [[gnu::always_inline]] { sums[block] = fma(V(a[q * product.a_k]), column[q], sums[block]); });
    });
  }
  unroll<row_blocks>([&](auto block) [[gnu::always_inline]] {
    const T* lines = b + block * V::size * product.b_column;
    for (int64_t p = whole; p < product.k; ++p) {
      T terms[V::size];
      for (int j = 0; j < V::size; ++j) terms[j] = lines[j * product.b_column + p];
      sums[block] = fma(V(product.a[p * product.a_k]), V::load(terms), sums[block]);
    }
    T* at = c + block * V::size;
    const V before = product.accumulate ? V::load(at) : V(T(0));
    finish(sums[block], before, bias ? V::load(bias + block * V::size) : V(T(0)), product).store(at);
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
    Tile<T, Rows, Vectors, false>::multiply(product, all.a, all.c + j, nullptr);
  }
  for (; j < all.n; j += Vec<T>::size) {
    product.n = smaller(all.n - j, Vec<T>::size);
    product.b = all.b + j;
    epilogue.bias = bias ? bias + j : nullptr;
    Tile<T, Rows, 1, true>::multiply(product, all.a, all.c + j, nullptr);
  }
}

template <class T>
void multiply_thin(const PanelProduct<T>& product) {
  constexpr int64_t size = Vec<T>::size;
  if (product.b_column == 1) {
    constexpr int vectors[] = {8, 4, 4, 2};  // at least eight sums, and no more than registers
    unroll<thin_rows>([&](auto r) [[gnu::always_inline]] {
      if (product.m == r + 1) multiply_wide<T, r + 1, vectors[r]>(product);
    });
    return;
  }
  const T* bias = product.epilogue ? product.epilogue->bias : nullptr;
  int64_t j = 0;
  for (; product.m == 1 && size <= 8 && j + row_blocks * size <= product.n; j += row_blocks * size) {
    multiply_row(product, product.b + j * product.b_column, product.c + j, bias ? bias + j : nullptr);
  }
  for (; j < product.n; j += size) {
    const int64_t columns = smaller(product.n - j, size);
    unroll<thin_rows>([&](auto r) [[gnu::always_inline]] {
      if (product.m != r + 1) return;
      multiply_thin_columns<T, r + 1>(product, product.b + j * product.b_column, product.c + j,
                                      bias ? bias + j : nullptr, columns);
    });
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
