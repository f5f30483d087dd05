// How grad_weight is cut: the output cells are many and the result is small, so chunks of rows give partial sums that
// are added in order. Depends on shapes only, as the bits of a sum do on it.
#pragma once

#include <algorithm>
#include <bit>

#include "cpu/gemm_blocks.h"

namespace fastnn::cpu {

inline constexpr int64_t wanted_units = 16;  // of work, in all: chunks times what else is shared among threads

struct RowChunks {
  int64_t rows, count;  // of a chunk; of chunks
  int64_t band_rows;    // under which x is copied at a time

  // `others`: units that each chunk is cut into; band_cells: the cells of a band.
  RowChunks(int64_t all, int64_t columns, double flops, int64_t others, int64_t band_cells = 1024) {
    constexpr double least_chunk_flops = 1 << 20;
    const int64_t most_rows = std::clamp<int64_t>(band_cells / columns, 1, all);
    const auto worth = static_cast<int64_t>(std::min(flops / least_chunk_flops, 1e6));
    const int64_t most = std::min(ceil_div(wanted_units, others), ceil_div(all, most_rows));
    // Equal ones, and a power of two, which threads can share evenly.
    const auto wanted = static_cast<uint64_t>(std::clamp<int64_t>(worth, 1, most));
    rows = ceil_div(all, static_cast<int64_t>(std::bit_ceil(wanted)));
    count = ceil_div(all, rows);
    band_rows = ceil_div(rows, ceil_div(rows, most_rows));
  }
};

}  // namespace fastnn::cpu
