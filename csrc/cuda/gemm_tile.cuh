// C = A B by tiles: a block of threads owns a tile of C and walks along k; each step brings a slice of A and of B
// into shared memory, two slices in turn, so that the next one is on its way while this one is multiplied. Every
// thread keeps a few rows and columns of the tile in registers.
//
// An element of C is one chain of fused multiply-adds in the order of k, whatever the tile and wherever the element
// lies in it: its bits depend on its row of A and its column of B alone.
#pragma once

#include "cuda/elementwise.cuh"
#include "cuda/math.cuh"

namespace fastnn::cuda {

template <int rows_, int columns_, int depth_, int thread_rows_, int thread_columns_>
struct Tile {
  static constexpr int rows = rows_, columns = columns_, depth = depth_;
  static constexpr int thread_rows = thread_rows_, thread_columns = thread_columns_;
  static constexpr int across = columns / thread_columns;
  static constexpr int threads = rows / thread_rows * across;
};

using LargeTile = Tile<128, 128, 8, 8, 8>;
using MediumTile = Tile<64, 64, 16, 4, 4>;
using LowTile = Tile<32, 128, 8, 4, 4>;
using ThinTile = Tile<16, 64, 16, 2, 4>;

// A row more than the tile has keeps stores along k off each other's banks.
template <class T, class Tile>
struct alignas(16) Stage {
  T a[Tile::depth][Tile::rows + Pack<T>::size];
  T b[Tile::depth][Tile::columns + Pack<T>::size];
};

// The rows, or the columns, of a thread: packs of `width` neighbours, the packs evenly over the tile, which keeps a
// warp's reads of shared memory together.
template <class T, int tile_size, int count>
struct Lines {
  static constexpr int width = count < Pack<T>::size ? count : Pack<T>::size;
  static constexpr int packs = count / width;
  // Of the first in pack p of the thread at place `at`.
  static __device__ int first(int p, int at) { return p * (tile_size / packs) + at * width; }

  static __device__ void load(const T* slice, int at, T* lines) {
    FASTNN_UNROLL
    for (int p = 0; p < packs; ++p) {
      const auto pack = load_pack<T, size_t{width}>(slice + first(p, at), 0);
      FASTNN_UNROLL
      for (int i = 0; i < width; ++i) lines[p * width + i] = pack.lane[i];
    }
  }
};

template <class T, class Tile>
using TileRows = Lines<T, Tile::rows, Tile::thread_rows>;
template <class T, class Tile>
using TileColumns = Lines<T, Tile::columns, Tile::thread_columns>;

template <class T, class Tile>
struct Sums {
  T at[Tile::thread_rows][Tile::thread_columns];
};

template <class T, class Tile>
__device__ inline void multiply_stage(const Stage<T, Tile>& stage, Sums<T, Tile>& sums) {
  const int thread = thread_of_block();
  FASTNN_UNROLL
  for (int k = 0; k < Tile::depth; ++k) {
    T a[Tile::thread_rows], b[Tile::thread_columns];
    TileRows<T, Tile>::load(stage.a[k], thread / Tile::across, a);
    TileColumns<T, Tile>::load(stage.b[k], thread % Tile::across, b);
    FASTNN_UNROLL
    for (int i = 0; i < Tile::thread_rows; ++i) {
      FASTNN_UNROLL
      for (int j = 0; j < Tile::thread_columns; ++j) sums.at[i][j] = fma_of(a[i], b[j], sums.at[i][j]);
    }
  }
}

// Over k in [begin, end). A reader fetches its slice from k on into registers, zeros beyond the end, and puts it into
// a stage. Once in a kernel, by all threads of the block.
template <class T, class Tile, class ReadA, class ReadB>
__device__ inline void multiply(ReadA& a, ReadB& b, int64_t begin, int64_t end, Sums<T, Tile>& sums) {
  using BlockStage = Stage<T, Tile>;
  FASTNN_SHARED(BlockStage, stages, [2]);
  sums = {};
  if (begin >= end) return;
  a.fetch(begin, end);
  b.fetch(begin, end);
  for (int now = 0;; now ^= 1) {
    a.put(stages[now].a);
    b.put(stages[now].b);
    __syncthreads();
    begin += Tile::depth;
    if (begin < end) {
      a.fetch(begin, end);
      b.fetch(begin, end);
    }
    multiply_stage(stages[now], sums);
    if (begin >= end) return;
  }
}

// What is done to a sum on its way to memory.
template <class T>
struct Epilogue {
  const T *row_bias, *column_bias;  // null where there is none
  bool relu, accumulate;

  __device__ T operator()(T sum, int64_t row, int64_t column, const T* old) const {
    if (accumulate) sum = *old + sum;
    if (row_bias) sum += row_bias[row];
    if (column_bias) sum += column_bias[column];
    return relu ? larger(T(0), sum) : sum;
  }
};

// Where neighbouring columns of C lie within a row of it; packed where one store takes them all.
template <size_t width>
struct Spots {
  int64_t offset[width];
  bool packed;
};

// Target says how many rows and columns there are, where they lie (`row(m)` and `spots<width>(n)`), and has the
// epilogue.
template <class T, class Tile, class Target>
__device__ inline void store_tile(const Sums<T, Tile>& sums, int64_t first_row, int64_t first_column,
                                  const Target& target) {
  using Rows = TileRows<T, Tile>;
  using Columns = TileColumns<T, Tile>;
  constexpr int width = Columns::width;
  const int down = thread_of_block() / Tile::across, across = thread_of_block() % Tile::across;
  FASTNN_UNROLL
  for (int p = 0; p < Columns::packs; ++p) {
    const int64_t n = first_column + Columns::first(p, across);
    if (n >= target.columns) continue;
    const auto spots = target.template spots<size_t{width}>(n);
    FASTNN_UNROLL
    for (int i = 0; i < Tile::thread_rows; ++i) {
      const int64_t m = first_row + Rows::first(i / Rows::width, down) + i % Rows::width;
      if (m >= target.rows) continue;
      T* const line = target.row(m);
      Pack<T, size_t{width}> values;
      FASTNN_UNROLL
      for (int j = 0; j < width; ++j) {
        if (n + j < target.columns) {
          T* const to = line + spots.offset[j];
          values.lane[j] = target.epilogue(sums.at[i][p * width + j], m, n + j, to);
          if (!spots.packed) *to = values.lane[j];
        }
      }
      if (spots.packed) store_pack(line + spots.offset[0], 0, values);
    }
  }
}

}  // namespace fastnn::cuda
