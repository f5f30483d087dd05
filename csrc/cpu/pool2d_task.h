// What a pooling kernel is given: plain pointers, and the windows of either axis as tables, so that no kernel
// knows the rules of padding or of adaptive windows.
#pragma once

#include <cstdint>

#include "ops/pool_window.h"

namespace fastnn::cpu {

struct PoolAxis {
  int64_t size, output;
  int64_t kernel, stride, dilation, before;  // stride 0: windows of several sizes
  bool by_lanes;                             // worth a lane for each window
  int64_t padded_width;                      // of a copy of a row with padding; 0: windows stay inside
  const PoolSpan* spans;                     // by output cell
  const PoolRange* covers;                   // by input cell: output cells whose windows may hold it
};

// Rows of what windows come to in one row of cells, for rows of windows that overlap; none where they do not.
struct PoolKept {
  int64_t rows, step;
};

template <class T>
struct MaxPoolTask {
  PoolAxis h, w;
  const T* x;
  T* y;
  int64_t x_step, y_step;      // cells from plane to plane
  int64_t* indices;            // one of the two, or none
  uint8_t* taps;               // row * w.kernel + column in the window
  const int64_t* tap_offsets;  // cells from a window's corner to each of 256 taps; null where they have no byte
  const T* first_taps;         // by output column, and for whole vectors: the first tap inside
  PoolKept kept;
  int64_t scratch_cells;  // of padded copies, before those that are kept
};

template <class T>
struct MaxPoolBackwardTask {
  PoolAxis h, w;
  const T* grad_y;
  int64_t x_step, y_step;  // cells from plane to plane
  const int64_t* indices;  // one of the two
  const uint8_t* taps;
  const int64_t* tap_offsets;
  T* grad_x;
  int64_t margin, sent_length;  // of a copy of an output row: cells before it, and all; 0: no copies
  int64_t scratch_rows;
};

// The divisor of a window is that of its row times that of its column.
template <class T>
struct AvgPoolTask {
  PoolAxis h, w;
  const T* x;
  T* y;
  const T *row_divisors, *column_divisors;
  PoolKept kept;
  int64_t scratch_cells;
};

// Input rows that the backward of the average takes together.
inline constexpr int64_t avg_rows_at_once = 8;

template <class T>
struct AvgPoolBackwardTask {
  PoolAxis h, w;
  const T* grad_y;
  T* grad_x;
  const T *row_divisors, *column_divisors;
  int64_t margin, sent_length;  // of a row of what is sent: zeros before it, and all
  int64_t divided_rows;         // above the input rows that are taken together; 0: one by one
};

// Each call serves the rows [begin, end) of all planes: output rows forward, input rows backward.
template <class T>
struct PoolKernels {
  void (*max)(const MaxPoolTask<T>& task, PoolRange rows, T* scratch);
  void (*max_backward)(const MaxPoolBackwardTask<T>& task, PoolRange rows, T* scratch);
  void (*avg)(const AvgPoolTask<T>& task, PoolRange rows, T* scratch);
  void (*avg_backward)(const AvgPoolBackwardTask<T>& task, PoolRange rows, T* scratch);
};

}  // namespace fastnn::cpu
