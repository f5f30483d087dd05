// Matrices in memory as a tiled product meets them: read in packs along their contiguous axis, and written row by row.
#pragma once

#include "cuda/gemm_tile.cuh"

namespace fastnn::cuda {

// Lines of `line` elements apart: rows of k, or where k is not contiguous, for each k a line of rows.
template <class T>
struct DenseFactor {
  const T* data;
  int64_t line;
  int64_t rows;
  bool packed;  // every pack of a line is aligned
};

// `size` rows of it from first_row on, a slice in k at a time.
template <class T, class Tile, int size, bool k_contiguous>
class DenseReader {
 public:
  __device__ DenseReader(const DenseFactor<T>& factor, int64_t first_row) : factor_(factor), first_row_(first_row) {}

  __device__ void fetch(int64_t begin, int64_t end) {
    FASTNN_UNROLL
    for (int i = 0; i < mine; ++i) held_[i] = read(i, begin, end);
  }

  __device__ void put(T (&slice)[Tile::depth][size + Pack<T>::size]) const {
    FASTNN_UNROLL
    for (int i = 0; i < mine; ++i) {
      if (!exists(i)) continue;
      if constexpr (k_contiguous) {
        FASTNN_UNROLL
        for (int lane = 0; lane < width; ++lane) slice[k(i) + lane][row(i)] = held_[i].lane[lane];
      } else {
        store_pack(&slice[k(i)][row(i)], 0, held_[i]);
      }
    }
  }

 private:
  static constexpr int width = Pack<T>::size;
  static constexpr int packs = size * Tile::depth / width;
  static constexpr int mine = (packs + Tile::threads - 1) / Tile::threads;

  static __device__ int place(int i) { return thread_of_block() + i * Tile::threads; }
  static __device__ bool exists(int i) { return packs % Tile::threads == 0 || place(i) < packs; }
  static __device__ int row(int i) {
    return k_contiguous ? place(i) / (Tile::depth / width) : place(i) % (size / width) * width;
  }
  static __device__ int k(int i) {
    return k_contiguous ? place(i) % (Tile::depth / width) * width : place(i) / (size / width);
  }

  __device__ Pack<T> read(int i, int64_t begin, int64_t end) const {
    Pack<T> pack{};
    const int64_t at_row = first_row_ + row(i), at_k = begin + k(i);
    if (!exists(i) || at_row >= factor_.rows || at_k >= end) return pack;
    const T* from = factor_.data + (k_contiguous ? at_row * factor_.line + at_k : at_k * factor_.line + at_row);
    const int64_t left = k_contiguous ? end - at_k : factor_.rows - at_row;
    if (factor_.packed && left >= width) return load_pack(from, 0);
    FASTNN_UNROLL
    for (int lane = 0; lane < width; ++lane) {
      if (lane < left) pack.lane[lane] = from[lane];
    }
    return pack;
  }

  DenseFactor<T> factor_;
  int64_t first_row_;
  Pack<T> held_[size_t{mine}];
};

template <class T>
struct DenseTarget {
  T* data;
  int64_t line, rows, columns;
  bool packed;  // the first elements of all rows are aligned
  Epilogue<T> epilogue;

  __device__ T* row(int64_t m) const { return data + m * line; }
  template <size_t width>
  __device__ Spots<width> spots(int64_t n) const {
    Spots<width> spots;
    FASTNN_UNROLL
    for (int j = 0; j < static_cast<int>(width); ++j) spots.offset[j] = n + j;
    spots.packed = packed && n + static_cast<int>(width) <= columns;
    return spots;
  }
};

}  // namespace fastnn::cuda
