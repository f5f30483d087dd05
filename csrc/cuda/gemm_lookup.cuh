// Factors of a product whose elements have to be looked up: a thread brings one k of a slice, for rows evenly apart.
// Neighbouring threads take neighbours along k or along the rows, whichever lie together in memory. What belongs to
// the rows is worked out once, and what belongs to k once a slice.
#pragma once

#include "cuda/conv2d_axis.cuh"
#include "cuda/gemm_tile.cuh"

namespace fastnn::cuda {

template <class T, class Tile, int size, bool along_k>
struct Share {
  static constexpr int count = size * Tile::depth / Tile::threads;
  static constexpr int apart = size / count;

  static __device__ int k() { return along_k ? thread_of_block() % Tile::depth : thread_of_block() / apart; }
  static __device__ int row(int i) {
    return (along_k ? thread_of_block() / Tile::depth : thread_of_block() % apart) + i * apart;
  }
  __device__ void put(T (&slice)[Tile::depth][size + Pack<T>::size]) const {
    FASTNN_UNROLL
    for (int i = 0; i < count; ++i) slice[k()][row(i)] = held[i];
  }

  T held[size_t{count}];
};

// Element (row, k) of Places lies at data + row(r) + step(k), for r < rows.
template <class T, class I, class Tile, int size, bool along_k, class Places>
class LookupReader {
 public:
  __device__ LookupReader(const Places& places, int64_t first_row) : places_(places) {
    FASTNN_UNROLL
    for (int i = 0; i < Part::count; ++i) {
      const I row = static_cast<I>(first_row) + Part::row(i);
      row_[i] = row < places.rows ? places.row(row) : I(-1);
    }
  }

  __device__ void fetch(int64_t begin, int64_t end) {
    const I k = static_cast<I>(begin) + Part::k();
    const bool exists = k < end;
    const T* const from = places_.data + places_.step(exists ? k : I(0));
    FASTNN_UNROLL
    for (int i = 0; i < Part::count; ++i) part_.held[i] = exists && row_[i] >= 0 ? from[row_[i]] : T(0);
  }

  template <class Slice>
  __device__ void put(Slice& slice) const {
    part_.put(slice);
  }

 private:
  using Part = Share<T, Tile, size, along_k>;
  Places places_;
  I row_[size_t{Part::count}];  // -1 beyond the last
  Part part_;
};

// Element (row, k) of Places is the cell (h, w) = row(r) + step(k) of planes of height x width, 0 outside them; the
// planes are given by their first elements, which add up too.
template <class T, class I, class Tile, int size, bool along_k, class Places>
class WindowReader {
 public:
  __device__ WindowReader(const Places& places, int64_t first_row) : places_(places) {
    FASTNN_UNROLL
    for (int i = 0; i < Part::count; ++i) {
      const I row = static_cast<I>(first_row) + Part::row(i);
      row_[i] = row < places.rows ? places.row(row) : PlaneCell<I>{-1, 0, 0};
    }
  }

  __device__ void fetch(int64_t begin, int64_t end) {
    const I k = static_cast<I>(begin) + Part::k(), height = places_.height(), width = places_.width();
    const bool exists = k < end;
    const PlaneCell<I> step = places_.step(exists ? k : I(0));
    const T* const from = places_.data + step.plane;
    FASTNN_UNROLL
    for (int i = 0; i < Part::count; ++i) {
      const I h = row_[i].h + step.h, w = row_[i].w + step.w;
      const bool has_value = exists && row_[i].plane >= 0 && inside(h, height) && inside(w, width);
      part_.held[i] = has_value ? from[row_[i].plane + h * width + w] : T(0);
    }
  }

  template <class Slice>
  __device__ void put(Slice& slice) const {
    part_.put(slice);
  }

 private:
  using Part = Share<T, Tile, size, along_k>;
  Places places_;
  PlaneCell<I> row_[size_t{Part::count}];  // plane -1 beyond the last
  Part part_;
};

}  // namespace fastnn::cuda
