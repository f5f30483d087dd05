// Convolution with the filters as lanes: a register tile holds some neighbouring output cells x some vectors of
// filters. A cell's input is broadcast from where it lies, whatever the stride, so nothing is gathered into
// panels; the price is a transposition of each finished tile, 1 to 4 % of the work of 9 x 32 taps and more.
//
// Terms are added in the order of k, as the register tile of the matrix product does: both give the same bits.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Even: the cells are equally far apart, which takes fewer registers than an address each (2 to 4 % of the time
// with 14 cells).
template <class T, int Cells, int Vectors, bool Even>
struct CellTile {
  using V = Vec<T>;

  static void multiply(const CellProduct<T>& product, const int64_t* at, T* sums, const T* y) {
    if (y) {
      for (int64_t f = 0; f < product.filters; ++f) __builtin_prefetch(y + f * product.y_plane, 1);
    }
    start(product, at, sums, std::make_integer_sequence<int, Cells * Vectors>{});
  }

  template <int... I>
  [[gnu::always_inline]] static void start(const CellProduct<T>& product, const int64_t* at, T* sums,
                                           std::integer_sequence<int, I...> indices) {
    accumulate(product, at, sums, indices, (static_cast<void>(I), V(T(0)))...);
  }

  template <int... I, class... Accumulators>
  [[gnu::always_inline]] static void accumulate(const CellProduct<T>& product, const int64_t* at, T* sums,
                                                std::integer_sequence<int, I...>, Accumulators... acc) {
    constexpr int width = tile_vectors * V::size;
    const int64_t depth = product.depth;
    const int64_t* lines = product.lines;
    const T* weight = product.weight;
    const int64_t step = Cells > 1 ? at[Cells > 1] - at[0] : 0;
    const T* cell[size_t{Cells}];
    unroll<Cells>([&](auto j) __attribute__((always_inline)) { cell[j] = product.x + at[Even ? 0 : j]; });
    for (int64_t p = 0; p < depth; ++p, weight += width) {
      const int64_t line = lines[p];
      // Where the next tile most likely reads: a new line of cache for each plane, which no hardware foresees.
      const T* first = cell[0] + line;
      __builtin_prefetch(Even ? first + Cells * step : cell[Cells - 1] + line + step);
      V filters[size_t{Vectors}];
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) { filters[v] = V::load(weight + v * V::size); });
      ((acc = fma(V(Even ? first[I / Vectors * step] : cell[I / Vectors][line]), filters[I % Vectors], acc)), ...);
    }
    if (product.accumulate) ((acc = V::load(sums + I / Vectors * width + I % Vectors * V::size) + acc), ...);
    (acc.store(sums + I / Vectors * width + I % Vectors * V::size), ...);
  }
};

template <class T>
using CellFunction = void (*)(const CellProduct<T>& product, const int64_t* at, T* sums, const T* y);

template <class T, int Vectors, bool Even, int... C>
CellFunction<T> cell_tile(std::integer_sequence<int, C...>, int64_t cells) {
  static constexpr CellFunction<T> by_cells[] = {CellTile<T, C + 1, Vectors, Even>::multiply...};
  return by_cells[cells - 1];
}
template <class T, int Vectors, bool Even>
CellFunction<T> cell_tile(int64_t cells) {
  return cell_tile<T, Vectors, Even>(std::make_integer_sequence<int, tile_rows>{}, cells);
}

inline bool equally_far(const int64_t* at, int64_t cells) {
  bool even = true;
  for (int64_t j = 2; j < cells; ++j) even &= at[j] - at[j - 1] == at[1] - at[0];
  return even;
}

// The cells in tiles of nearly equal size.
template <class T>
void multiply_cells(const CellProduct<T>& product) {
  constexpr int size = Vec<T>::size;
  const int64_t tiles = (product.cells + tile_rows - 1) / tile_rows;
  unroll<tile_vectors>([&](auto v) __attribute__((always_inline)) {
    if ((product.filters + size - 1) / size != v + 1) return;
    int64_t cell = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t cells = (product.cells - cell + tiles - tile - 1) / (tiles - tile);
      const int64_t* at = product.at + cell;
      const auto multiply =
          equally_far(at, cells) ? cell_tile<T, v + 1, true>(cells) : cell_tile<T, v + 1, false>(cells);
      multiply(product, at, product.sums + cell * tile_vectors * size,
               product.y ? product.y + cell * product.y_step : nullptr);
      cell += cells;
    }
  });
}

template <class T>
[[gnu::always_inline]] inline void store_filter(const CellStore<T>& s, Vec<T> sum, int64_t filter, T* y, int64_t n) {
  using V = Vec<T>;
  if (s.bias) sum = sum + V(s.bias[filter]);
  if (s.relu) sum = max(V(T(0)), sum);
  if (s.y_step != 1) {
    T cells[V::size];
    sum.store(cells);
    for (int64_t i = 0; i < n; ++i) y[i * s.y_step] = cells[i];
  } else if (n == V::size) {
    sum.store(y);
  } else {
    sum.store(y, n);
  }
}

template <class T>
void store_cells(const CellStore<T>& s) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  for (int64_t first = 0; first < s.filters; first += V::size) {
    const int64_t filters = smaller(s.filters - first, V::size);
    for (int64_t cell = 0; cell < s.cells; cell += V::size) {
      const int64_t cells = smaller(s.cells - cell, V::size);
      V rows[V::size];
      for (int64_t i = 0; i < V::size; ++i) {
        rows[i] = i < cells ? V::load(s.sums + (cell + i) * width + first) : V(T(0));
      }
      transpose(rows);
      T* y = s.y + first * s.y_plane + cell * s.y_step;
      for (int64_t f = 0; f < filters; ++f) store_filter(s, rows[f], first + f, y + f * s.y_plane, cells);
    }
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
