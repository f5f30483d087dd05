// Rows that are normalised: short ones by a warp each, in its registers, longer ones by a block each.
#pragma once

#include "cuda/moments.cuh"

namespace fastnn::cuda {

inline constexpr int64_t longest_in_warp = 1024;

// What one lane of a warp holds of a row: packs of `size` neighbours, every warp_lanes-th of the row.
template <size_t size, size_t packs>
struct WarpRow {
  int length;  // a multiple of size

  static constexpr int step = static_cast<int>(size);

  // body(number of the pack, its first element) for those inside.
  template <class Body>
  __device__ void for_each_pack(const Body& body) const {
    FASTNN_UNROLL
    for (int p = 0; p < static_cast<int>(packs); ++p) {
      const int at = (p * warp_lanes + lane_of_warp()) * step;
      if (at < length) body(p, at);
    }
  }
};

// The row of this thread's warp.
__device__ inline int64_t row_of_warp() { return thread_of_grid() / warp_lanes; }

// Values at `at` of an array, or the same one everywhere where there is no array.
template <class T, size_t size>
__device__ inline Pack<T, size> load_or(const T* array, int64_t at, T otherwise, bool aligned) {
  if (array) return load_numbers<T, size>(array + at, aligned);
  Pack<T, size> same;
  FASTNN_UNROLL
  for (int i = 0; i < same.size; ++i) same.lane[i] = otherwise;
  return same;
}

// For rows of a length: body(size, packs) with the packs of a lane, 0 for a block a row, and their size as constants.
template <class T, class Body>
void choose_row(int64_t length, const Body& body) {
  constexpr size_t pack = 16 / sizeof(T);
  const auto with_size = [&]<size_t size>(std::integral_constant<size_t, size> constant) {
    const auto with_values = [&]<size_t values>(std::integral_constant<size_t, values>) {
      body(constant, std::integral_constant<size_t, values / size>{});
    };
    if (length == 0 || length > longest_in_warp) return with_values(std::integral_constant<size_t, 0>{});
    if (length > longest_in_warp / 2) return with_values(std::integral_constant<size_t, 32>{});
    if (length > longest_in_warp / 4) return with_values(std::integral_constant<size_t, 16>{});
    with_values(std::integral_constant<size_t, 8>{});
  };
  if (length % Pack<T>::size == 0) {
    with_size(std::integral_constant<size_t, pack>{});
  } else {
    with_size(std::integral_constant<size_t, 1>{});
  }
}

inline Grid grid_of_warps(int64_t rows) { return grid_for(rows * warp_lanes); }
inline Grid grid_of_blocks(int64_t rows) { return {static_cast<unsigned>(rows), block_threads}; }

}  // namespace fastnn::cuda
