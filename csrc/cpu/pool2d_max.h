// Maximum pooling of rows of planes, on the thread that calls. What depends on the windows alone is found once, for all
// calls; planes may lie apart from each other, as those of one channel do.
#pragma once

#include "cpu/dispatch.h"
#include "cpu/pool2d_tables.h"

namespace fastnn::cpu {

// Cells from the corner of a window to each of its taps; bytes that are no tap lead to the corner.
class TapOffsets {
 public:
  explicit TapOffsets(const Pool2dSize& size) : fit_(taps_fit_bytes(size)) {
    const auto& [h, w] = size.window;
    for (int64_t tap = 0; fit_ && tap < h.kernel * w.kernel; ++tap) {
      cells_[tap] = tap / w.kernel * h.dilation * w.size + tap % w.kernel * w.dilation;
    }
  }
  const int64_t* data() const { return fit_ ? cells_ : nullptr; }

 private:
  int64_t cells_[256] = {};
  bool fit_;
};

// Planes of the input, and of the output and the places of its maxima; the steps are cells from plane to plane.
template <class T>
struct MaxPoolPlanes {
  const T* x;
  T* y;
  MaxPlaces places;
  int64_t x_step, y_step;
};

template <class T>
struct MaxPoolGradients {
  const T* grad_y;
  MaxPlaces places;
  T* grad_x;
  int64_t x_step, y_step;
};

template <class T>
class MaxPoolForward {
 public:
  // At most `rows_at_once` rows of the output of a plane at a time.
  MaxPoolForward(const Pool2dSize& size, int64_t rows_at_once)
      : window_(size.window),
        rows_at_once_(rows_at_once),
        rows_(window_.h),
        columns_(window_.w),
        offsets_(size),
        first_taps_(whole_vectors(window_.w.output),
                    [this](int64_t q) { return q < window_.w.output ? columns_.span(q).tap : 0; }),
        kept_(kept_parts(window_)) {}

  int64_t rows_at_once() const { return rows_at_once_; }
  int64_t cells() const { return window_.h.size * window_.w.size; }
  int64_t outputs() const { return window_.h.output * window_.w.output; }
  int64_t scratch_cells() const { return padded_cells(columns()) + 2 * kept_.rows * kept_.step; }

  // Rows of the output, of all planes one after the other.
  void run(const MaxPoolPlanes<T>& planes, PoolRange rows, T* scratch) const {
    const PoolAxis w = columns();
    kernels<T>().pool.max({.h = rows_.axis(),
                           .w = w,
                           .x = planes.x,
                           .y = planes.y,
                           .x_step = planes.x_step,
                           .y_step = planes.y_step,
                           .indices = planes.places.indices,
                           .taps = planes.places.taps,
                           .tap_offsets = offsets_.data(),
                           .first_taps = first_taps_.data(),
                           .kept = kept_,
                           .scratch_cells = padded_cells(w)},
                          rows, scratch);
  }

 private:
  int64_t copied_rows() const { return rows_under(window_.h, rows_at_once_); }
  PoolAxis columns() const { return columns_.axis(copied_rows()); }
  int64_t padded_cells(const PoolAxis& w) const { return copied_rows() * w.padded_width; }

  Window window_;
  int64_t rows_at_once_;
  AxisTables rows_, columns_;
  TapOffsets offsets_;
  Column<T> first_taps_;
  PoolKept kept_;
};

template <class T>
class MaxPoolBackward {
 public:
  // At most `rows_at_once` rows of the input of a plane at a time; `taps` says in what form places come.
  MaxPoolBackward(const Pool2dSize& size, bool taps, int64_t rows_at_once)
      : window_(size.window),
        rows_at_once_(rows_at_once),
        rows_(window_.h, true),
        columns_(window_.w),
        offsets_(size),
        by_taps_(taps && shifts_by_1_or_2(window_.h) && shifts_by_1_or_2(window_.w)),
        sent_(window_.w, by_taps_) {}

  int64_t rows_at_once() const { return rows_at_once_; }
  int64_t cells() const { return window_.h.size * window_.w.size; }
  int64_t outputs() const { return window_.h.output * window_.w.output; }
  int64_t scratch_cells() const { return 2 * scratch_rows() * sent_.length; }

  // Rows of the input, of all planes one after the other.
  void run(const MaxPoolGradients<T>& planes, PoolRange rows, T* scratch) const {
    kernels<T>().pool.max_backward({.h = rows_.axis(),
                                    .w = columns_.axis(),
                                    .grad_y = planes.grad_y,
                                    .x_step = planes.x_step,
                                    .y_step = planes.y_step,
                                    .indices = planes.places.indices,
                                    .taps = planes.places.taps,
                                    .tap_offsets = offsets_.data(),
                                    .grad_x = planes.grad_x,
                                    .margin = sent_.margin,
                                    .sent_length = sent_.length,
                                    .scratch_rows = scratch_rows()},
                                   rows, scratch);
  }

 private:
  int64_t scratch_rows() const { return by_taps_ ? rows_over(window_.h, rows_at_once_) : 0; }

  Window window_;
  int64_t rows_at_once_;
  AxisTables rows_, columns_;
  TapOffsets offsets_;
  bool by_taps_;
  SentRow sent_;
};

}  // namespace fastnn::cpu
