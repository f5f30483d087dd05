// Convolution with the filters as lanes: a register tile holds some neighbouring output cells x some vectors of
// filters. A cell's input is broadcast from where it lies, whatever the stride, so nothing is gathered into
// panels; the price is a transposition of each finished tile, about 1 % of the work of 9 x 32 taps and more.
//
// Terms are added in the order of k, as the register tile of the matrix product does: both give the same bits.
#pragma once

#include "cpu/conv2d_kernels.h"
#include "cpu/kernels/gemm_micro.h"
#include "cpu/kernels/pack.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// Runs of `Run` cells are `Step` apart, which the compiler knows so that registers hold an address a run: with one for
// each of 14 cells they do not suffice (3 % of the time).
template <class T, int Cells, int Vectors, int Run, int Step>
struct CellTile {
  using V = Vec<T>;

  // at: of each cell.
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
    constexpr int runs = Cells / Run;
    const T* run[size_t{runs}];
    unroll<runs>([&](auto r) __attribute__((always_inline)) { run[r] = product.x + at[r * Run]; });
    for (int64_t p = 0; p < depth; ++p, weight += width) {
      const int64_t line = lines[p];
      // Where the next tile most likely reads: a new line of cache for each plane, which no hardware foresees.
      __builtin_prefetch(run[runs - 1] + line + Run * Step);
      V filters[size_t{Vectors}];
      unroll<Vectors>([&](auto v) __attribute__((always_inline)) { filters[v] = V::load(weight + v * V::size); });
      ((acc = fma(V(run[I / Vectors / Run][line + I / Vectors % Run * Step]), filters[I % Vectors], acc)), ...);
    }
    if (product.accumulate) ((acc = V::load(sums + I / Vectors * width + I % Vectors * V::size) + acc), ...);
    (acc.store(sums + I / Vectors * width + I % Vectors * V::size), ...);
  }
};

template <class T>
using CellFunction = void (*)(const CellProduct<T>& product, const int64_t* at, T* sums, const T* y);

// Any number of cells: one run of them, or each by itself.
template <class T, int Vectors, int Step, int... C>
CellFunction<T> one_run(std::integer_sequence<int, C...>, int64_t cells) {
  static constexpr CellFunction<T> by_cells[] = {CellTile<T, C + 1, Vectors, C + 1, Step>::multiply...};
  return by_cells[cells - 1];
}
template <class T, int Vectors, int... C>
CellFunction<T> single_cells(std::integer_sequence<int, C...>, int64_t cells) {
  static constexpr CellFunction<T> by_cells[] = {CellTile<T, C + 1, Vectors, 1, 1>::multiply...};
  return by_cells[cells - 1];
}

// Rows of 3 cells are those of 3x3 filters, rows of 7 the planes of many a last stage: a tile takes some of them.
template <int Columns>
inline constexpr int whole_rows = tile_rows / Columns * Columns;

inline int64_t most_cells(int64_t columns, int64_t step) {
  return step != 1                        ? tile_rows
         : columns == 3                   ? whole_rows<3>
         : columns == 7 && tile_rows >= 7 ? whole_rows<7>
                                          : tile_rows;
}

// Of a tile that starts at `column`.
template <class T, int Vectors>
CellFunction<T> cell_tile(int64_t cells, int64_t column, int64_t columns, int64_t step) {
  constexpr std::make_integer_sequence<int, tile_rows> counts;
  const bool one = column + cells <= columns;
  if (one && step == 1) return one_run<T, Vectors, 1>(counts, cells);
  if (one && step == 2) return one_run<T, Vectors, 2>(counts, cells);
  if (step == 1 && column == 0) {
    if (columns == 3 && cells == whole_rows<3>) return CellTile<T, whole_rows<3>, Vectors, 3, 1>::multiply;
    if constexpr (whole_rows<7> > 0) {
      if (columns == 7 && cells == whole_rows<7>) return CellTile<T, whole_rows<7>, Vectors, 7, 1>::multiply;
    }
  }
  return single_cells<T, Vectors>(counts, cells);
}

// The cells in whole tiles with a rest of half of one or more, or in tiles of nearly equal size.
template <class T>
void multiply_cells(const CellProduct<T>& product) {
  constexpr int size = Vec<T>::size;
  const int64_t most = most_cells(product.columns, product.step), tiles = (product.cells + most - 1) / most;
  const bool whole = most != tile_rows || product.cells % tile_rows >= tile_rows / 2;
  unroll<tile_vectors>([&](auto v) __attribute__((always_inline)) {
    if ((product.filters + size - 1) / size != v + 1) return;
    const int64_t* row = product.rows;
    int64_t cell = 0, column = 0, at[size_t{tile_rows}];
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t left = product.cells - cell;
      const int64_t cells = whole ? smaller(most, left) : (left + tiles - tile - 1) / (tiles - tile);
      const auto multiply = cell_tile<T, v + 1>(cells, column, product.columns, product.step);
      for (int64_t j = 0; j < cells; ++j) {
        at[j] = *row + column * product.step;
        if (++column == product.columns) column = 0, ++row;
      }
      multiply(product, at, product.sums + cell * tile_vectors * size,
               product.y ? product.y + cell * product.y_step : nullptr);
      cell += cells;
    }
  });
}

// A vector of cells of one filter to its plane.
template <class T, class Lanes>
[[gnu::always_inline]] inline void store_filter(Vec<T> sum, Lanes lanes, T* y, int64_t y_step) {
  if (y_step == 1) return lanes.store(y, sum);
  if (y_step == 2) return store_every_second(y, sum, lanes.size());
  store_apart(y, y_step, sum, lanes.size());
}

// A vector of cells from `cell` on for a vector of filters, of which `filters` exist. Nothing but constants counts
// filters, so that the block stays in registers.
template <class T, class Lanes, class Count>
[[gnu::always_inline]] inline void store_block(const CellStore<T>& s, int64_t cell, Lanes lanes, int64_t first,
                                               Count filters) {
  using V = Vec<T>;
  constexpr int64_t width = tile_vectors * V::size;
  const T* sums = s.sums + cell * width + first;
  V block[size_t{V::size}];
  unroll<V::size>([&](auto i) __attribute__((always_inline)) {
    block[i] = i < lanes.size() ? V::load(sums + i * width) : V(T(0));
  });
  transpose(block);
  const auto each = [&](auto body) __attribute__((always_inline)) {
    unroll<V::size>([&](auto f) __attribute__((always_inline)) {
      if (f < filters) body(f);
    });
  };
  if (s.bias) each([&](auto f) __attribute__((always_inline)) { block[f] = block[f] + V(s.bias[first + f]); });
  // max keeps its second operand where one is NaN.
  if (s.relu) each([&](auto f) __attribute__((always_inline)) { block[f] = max(V(T(0)), block[f]); });
  T* y = s.y + first * s.y_plane + cell * s.y_step;
  each([&](auto f) __attribute__((always_inline)) { store_filter(block[f], lanes, y + f * s.y_plane, s.y_step); });
}

template <class T>
void store_cells(const CellStore<T>& s) {
  constexpr int64_t size = Vec<T>::size;
  for (int64_t first = 0; first < s.filters; first += size) {
    const int64_t filters = s.filters - first;
    for_each_vector_overlapping<T>(s.cells, [&](int64_t cell, auto lanes) __attribute__((always_inline)) {
      if (filters >= size) return store_block(s, cell, lanes, first, std::integral_constant<int64_t, size>{});
      store_block(s, cell, lanes, first, filters);
    });
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
