// A bank of few filters on many planes, as in a last layer that makes an image or in the gradient of a first one: lanes
// are neighbouring cells of a row, read where they lie. A vector of them meets all filters and a weight some vectors,
// so that neither is loaded for one multiply-add alone, and no panel is gathered, which few filters do not pay back.
//
// Terms are added in the order of k, as the register tile of the matrix product does: both give the same bits.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

inline constexpr int most_at_once = 6;  // filters

// As many accumulators as the register tile of the matrix product has, less what the vectors of cells take.
template <int Filters>
inline constexpr int bank_vectors = (tile_rows + 1) * tile_vectors / (Filters + 1);

struct CellVector {
  int64_t source, target, lanes;
};

// Of filters first, first + 1, ...
template <class T, int Filters>
[[gnu::always_inline]] inline void store_bank(const FilterBank<T>& bank, int64_t first, Vec<T> (&sums)[size_t{Filters}],
                                              const CellVector& cells) {
  using V = Vec<T>;
  unroll<Filters>([&](auto m) __attribute__((always_inline)) {
    T* y = bank.y + (first + m) * bank.y_plane + cells.target;
    V sum = bank.starts ? sums[m] : V::load(y, cells.lanes) + sums[m];
    if (bank.ends && bank.bias) sum = sum + V(bank.bias[first + m]);
    if (bank.ends && bank.relu) sum = max(V(T(0)), sum);
    sum.store(y, cells.lanes);
  });
}

template <class T, int Filters, int Vectors>
void filter_vectors_of_cells(const FilterBank<T>& bank, int64_t first, const CellVector* cells) {
  using V = Vec<T>;
  V sums[size_t{Vectors}][size_t{Filters}];
  const T* x[size_t{Vectors}];
  unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
    x[v] = bank.x + cells[v].source;
    unroll<Filters>([&](auto m) __attribute__((always_inline)) { sums[v][m] = V(T(0)); });
  });
  const int64_t depth = bank.depth, filters = bank.filters;
  const int64_t* lines = bank.lines;
  const T* weight = bank.weight + first;
  for (int64_t p = 0; p < depth; ++p, weight += filters) {
    const int64_t line = lines[p];
    V under[size_t{Vectors}];
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) { under[v] = pinned(V::load(x[v] + line)); });
    unroll<Filters>([&](auto m) __attribute__((always_inline)) {
      const V w = pinned(V(weight[m]));
      unroll<Vectors>([&](auto v)
                          __attribute__((always_inline)) { sums[v][m] = pinned(fma(w, under[v], sums[v][m])); });
    });
  }
  unroll<Vectors>([&](auto v)
                      __attribute__((always_inline)) { store_bank<T, Filters>(bank, first, sums[v], cells[v]); });
}

template <class T, int Filters>
void filter_rows_of_cells(const FilterBank<T>& bank, int64_t first) {
  constexpr int most = bank_vectors<Filters>;
  CellVector cells[size_t{most}];
  int count = 0;
  for (int64_t i = 0; i < bank.row_count; ++i) {
    for (int64_t j = 0; j < bank.columns; j += Vec<T>::size) {
      cells[count++] = {bank.rows[i].source + j, bank.rows[i].target + j, smaller(bank.columns - j, Vec<T>::size)};
      if (count < most) continue;
      filter_vectors_of_cells<T, Filters, most>(bank, first, cells);
      count = 0;
    }
  }
  for (int k = 0; k < count; ++k) filter_vectors_of_cells<T, Filters, 1>(bank, first, cells + k);
}

// The filters in the fewest parts, all of about one size.
template <class T>
void filter_bank(const FilterBank<T>& bank) {
  int64_t first = 0;
  for (int64_t parts = (bank.filters + most_at_once - 1) / most_at_once; parts > 0; --parts) {
    const int64_t filters = (bank.filters - first + parts - 1) / parts;
    unroll<most_at_once>([&](auto m) __attribute__((always_inline)) {
      if (filters == m + 1) filter_rows_of_cells<T, m + 1>(bank, first);
    });
    first += filters;
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
