// The product of a few rows, or of a short k, as in inference and training with a batch of one. Of a few rows: B is
// read once, in place. Where its columns run along memory, blocks of it are transposed in registers; where its rows do,
// the tile is as wide as it takes to keep enough sums going at a time (two, of a row over the usual tile, wait for
// themselves). Adds in the same order as the register tile, so a row has the same bits here as in a large batch.
#pragma once

#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int thin_rows = 4, shallow_depth = 4;

// What is added to a finished sum before it is stored, as at the end of a tile.
template <class T>
[[gnu::always_inline]] inline Vec<T> finish(Vec<T> sum, Vec<T> before, Vec<T> bias, const PanelProduct<T>& product) {
  if (product.accumulate) sum = before + sum;
  if (product.epilogue && product.epilogue->bias) sum = sum + bias;
  if (product.epilogue && product.epilogue->relu) sum = max(Vec<T>(T(0)), sum);
  return sum;
}

// A vector of columns, `line` apart.
template <class T>
[[gnu::always_inline]] inline void fetch_columns(const T* p, int64_t line) {
  for (int j = 0; j < Vec<T>::size; ++j) __builtin_prefetch(p + j * line, 0, 2);
}

// `columns` columns of C, at most a vector.
template <class T, int Rows>
void multiply_thin_columns(const PanelProduct<T>& product, const T* b, T* c, const T* bias, int64_t columns) {
  using V = Vec<T>;
  V acc[size_t{Rows}];
  unroll<Rows>([&](auto r) { acc[r] = V(T(0)); });
  for (int64_t p = 0; p < product.k; p += V::size) {
    const int64_t steps = product.k - p < V::size ? product.k - p : V::size;
    V block[V::size];
    for (int j = 0; j < V::size; ++j) {
      const T* line = b + j * product.b_column + p;
      block[j] = j >= columns ? V(T(0)) : steps == V::size ? V::load(line) : V::load(line, steps);
    }
    transpose(block);
    for (int64_t q = 0; q < steps; ++q) {
      unroll<Rows>(
          [&](auto r) { acc[r] = fma(V(product.a[r * product.a_row + (p + q) * product.a_k]), block[q], acc[r]); });
    }
  }
  const PartVector<T> lanes{columns};
  unroll<Rows>([&](auto r) {
    T* at = c + r * product.c_row;
    const V before = product.accumulate ? lanes.load(at) : V(T(0));
    lanes.store(at, finish(acc[r], before, bias ? lanes.load(bias) : V(T(0)), product));
  });
}

// The same for Blocks whole vectors of columns, which take turns: the sums of one would wait for themselves at every
// term. Four on one row take 0.5 of the time of one block with AVX2, 0.65 with AVX-512; of more rows registers run out.
// So many columns are more streams than the processor foresees: those of a Far matrix are asked for ahead, into L2,
// since columns a power of two apart would push each other out of L1.
template <class T, int Rows, int Blocks, bool Far>
void multiply_thin_blocks(const PanelProduct<T>& product, const T* b, T* c, const T* bias) {
  using V = Vec<T>;
  const int64_t a_row = product.a_row, a_k = product.a_k, line = product.b_column;
  V sums[size_t{Rows * Blocks}];
  unroll<Rows * Blocks>([&](auto i) { sums[i] = V(T(0)); });
  const auto add = [&](auto block, int64_t p, const V& column) {
    unroll<Rows>([&](auto r) {
      V& sum = sums[r * Blocks + block];
      sum = fma(V(product.a[r * a_row + p * a_k]), column, sum);
    });
  };
  const int64_t whole = product.k - product.k % V::size;
  for (int64_t p = 0; p < whole; p += V::size) {
    unroll<Blocks>([&](auto block) {
      V columns[V::size];
      const T* from = b + block * V::size * line + p;
      if (Far) fetch_columns(from + 256 / sizeof(T), line);
      load_transposed(from, line, columns);
      unroll<V::size>([&](auto q) { add(block, p + q, columns[q]); });
    });
  }
  unroll<Blocks>([&](auto block) {
    if (whole < product.k) {
      V columns[V::size];
      for (int j = 0; j < V::size; ++j) {
        columns[j] = V::load(b + (block * V::size + j) * line + whole, product.k - whole);
      }
      transpose(columns);
      for (int64_t p = whole; p < product.k; ++p) add(block, p, columns[p - whole]);
    }
    unroll<Rows>([&](auto r) {
      T* at = c + r * product.c_row + block * V::size;
      const V before = product.accumulate ? V::load(at) : V(T(0));
      finish(sums[r * Blocks + block], before, bias ? V::load(bias + block * V::size) : V(T(0)), product).store(at);
    });
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

template <class T, int Rows, bool Far>
void multiply_columns(const PanelProduct<T>& product) {
  constexpr int64_t size = Vec<T>::size;
  constexpr int blocks = Rows == 1 ? (Far ? 2 : 4) : Rows == 2 && size <= 8 ? 2 : 1;
  const T* bias = product.epilogue ? product.epilogue->bias : nullptr;
  const auto b = [&](int64_t j) { return product.b + j * product.b_column; };
  const auto bias_at = [&](int64_t j) { return bias ? bias + j : nullptr; };
  int64_t j = 0;
  for (; j + blocks * size <= product.n; j += blocks * size) {
    multiply_thin_blocks<T, Rows, blocks, Far>(product, b(j), product.c + j, bias_at(j));
  }
  for (; j < product.n; j += size) {
    multiply_thin_columns<T, Rows>(product, b(j), product.c + j, bias_at(j), smaller(product.n - j, size));
  }
}

template <class T>
void multiply_thin(const PanelProduct<T>& product) {
  if (product.b_column == 1) {
    constexpr int vectors[] = {8, 4, 4, 2};  // at least eight sums, and no more than registers
    unroll<thin_rows>([&](auto r) __attribute__((always_inline)) {
      if (product.m == r + 1) multiply_wide<T, r + 1, vectors[r]>(product);
    });
    return;
  }
  unroll<thin_rows>([&](auto r) __attribute__((always_inline)) {
    if (product.m != r + 1) return;
    product.b_far ? multiply_columns<T, r + 1, true>(product) : multiply_columns<T, r + 1, false>(product);
  });
}

// All Depth terms of a row of A in registers. Plain: C = A * B and no more, without the questions at every vector,
// which took half of the time.
template <class T, int Depth, bool Plain>
void multiply_depth(const PanelProduct<T>& product) {
  using V = Vec<T>;
  const T* bias = product.epilogue ? product.epilogue->bias : nullptr;
  const T* b = product.b;
  const int64_t b_k = product.b_k;
  for (int64_t i = 0; i < product.m; ++i) {
    V a[size_t{Depth}];
    unroll<Depth>([&](auto p)
                      __attribute__((always_inline)) { a[p] = V(product.a[i * product.a_row + p * product.a_k]); });
    T* c = product.c + i * product.c_row;
    for_each_vector<T>(product.n, [&](int64_t j, auto lanes) __attribute__((always_inline)) {
      V sum(T(0));
      unroll<Depth>([&](auto p) __attribute__((always_inline)) { sum = fma(a[p], lanes.load(b + p * b_k + j), sum); });
      if (!Plain) {
        const V before = product.accumulate ? lanes.load(c + j) : V(T(0));
        sum = finish(sum, before, bias ? lanes.load(bias + j) : V(T(0)), product);
      }
      lanes.store(c + j, sum);
    });
  }
}

// C is written more than it is computed, so its rows are written one after the other.
template <class T>
void multiply_shallow(const PanelProduct<T>& product) {
  const Epilogue<T>* epilogue = product.epilogue;
  const bool plain = !product.accumulate && !(epilogue && (epilogue->bias || epilogue->relu));
  unroll<shallow_depth>([&](auto p) __attribute__((always_inline)) {
    if (product.k != p + 1) return;
    plain ? multiply_depth<T, p + 1, true>(product) : multiply_depth<T, p + 1, false>(product);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
