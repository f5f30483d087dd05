// What pooling finds out once a call, from the windows alone: tables of either axis, and how rows are shared out.
#pragma once

#include <algorithm>

#include "cpu/aligned_buffer.h"
#include "cpu/parallel.h"
#include "cpu/pool2d_task.h"
#include "ops/pool2d.h"

namespace fastnn::cpu {

// Of a vector of any instruction set.
inline constexpr int64_t most_lanes = 16;

// Room for n cells and for the whole of the last vector.
inline int64_t whole_vectors(int64_t n) { return (n + most_lanes - 1) / most_lanes * most_lanes; }

// The tables of one axis, those of input cells for a backward only.
class AxisTables {
 public:
  explicit AxisTables(const WindowAxis& axis, bool backward = false)
      : axis_(axis), spans_(axis.output), covers_(backward ? axis.size : 0) {
    for (int64_t o = 0; o < axis.output; ++o) {
      spans_.data()[o] = pool_span(axis, o);
      inside_ = inside_ && axis.stride > 0 && spans_.data()[o].count == axis.kernel;
    }
    if (backward) find_covers();
  }

  // `copied`: rows that a task may have to copy with padding.
  PoolAxis axis(int64_t copied = 1) const {
    const int64_t width = inside_ ? 0 : padded_width();
    const bool by_lanes = lanes_pay() && width <= most_scratch / std::max<int64_t>(1, copied);
    return {.size = axis_.size,
            .output = axis_.output,
            .kernel = axis_.kernel,
            .stride = axis_.stride,
            .dilation = axis_.dilation,
            .before = axis_.before,
            .by_lanes = by_lanes,
            .padded_width = by_lanes ? width : 0,
            .spans = spans_.data(),
            .covers = covers_.data()};
  }
  const PoolSpan& span(int64_t o) const { return spans_.data()[o]; }

 private:
  static constexpr int64_t most_scratch = 1 << 20;

  // Starts and ends of windows ascend, so two pointers find the windows around each cell.
  void find_covers() {
    PoolRange around{0, 0};
    for (int64_t i = 0; i < axis_.size; ++i) {
      while (around.end < axis_.output && pool_extent(axis_, around.end).begin <= i) ++around.end;
      while (around.begin < around.end && pool_extent(axis_, around.begin).end <= i) ++around.begin;
      covers_.data()[i] = around;
    }
  }

  // Rather than lanes along the window: where windows are narrow, or many.
  bool lanes_pay() const {
    return axis_.stride > 0 && (axis_.dilation > 1 || axis_.kernel <= 4 || axis_.output >= axis_.kernel);
  }

  // Room for all that windows reach, for all of the row, and for whole vectors.
  int64_t padded_width() const {
    const int64_t reach = (axis_.output - 1) * axis_.stride + axis_.span();
    return whole_vectors(std::max(reach, axis_.before + axis_.size) + most_lanes * axis_.stride);
  }

  WindowAxis axis_;
  AlignedBuffer<PoolSpan> spans_;
  AlignedBuffer<PoolRange> covers_;
  bool inside_ = true;
};

// Rows of a task, of `cells` each.
inline int64_t rows_per_task(int64_t cells) {
  constexpr int64_t cells_per_task = 1 << 14;
  return std::max<int64_t>(1, cells_per_task / std::max<int64_t>(1, cells));
}

// Input rows of one plane under the output rows of a task.
inline int64_t rows_under(const WindowAxis& h, int64_t outputs) {
  if (h.stride == 0) return h.size;
  return std::min(h.size, (std::min(outputs, h.output) - 1) * h.stride + h.span());
}

// Output rows of one plane whose windows hold the input rows of a task.
inline int64_t rows_over(const WindowAxis& h, int64_t inputs) {
  return std::min(h.output, (std::min(inputs, h.size) + h.span() - 2) / h.stride + 2);
}

// Where rows of windows share rows of cells, unless their number takes too much room.
inline PoolKept kept_parts(const Window& window) {
  constexpr int64_t most_cells = 1 << 19;
  const auto& [h, w] = window;
  const int64_t step = whole_vectors(w.output);
  const bool overlap = h.stride > 0 && h.dilation == 1 && h.stride < h.kernel;
  return {.rows = overlap && h.kernel <= most_cells / step ? h.kernel : 0, .step = step};
}

inline bool is_empty(const Pool2dSize& size) {
  return size.planes == 0 || size.window.h.output == 0 || size.window.w.output == 0;
}

// Cells that a row of the output reads, and that a row of the input reads in the backward.
inline int64_t cells_forward(const Window& window) { return window.h.size / window.h.output * window.w.size; }
inline int64_t cells_backward(const Window& window) {
  return window.w.size + window.h.output * window.w.output / window.h.size;
}

// A value for each output cell of an axis.
template <class T>
class Column {
 public:
  template <class Value>
  Column(int64_t n, const Value& value) : values_(n) {
    for (int64_t o = 0; o < n; ++o) values_.data()[o] = static_cast<T>(value(o));
  }
  const T* data() const { return values_.data(); }

 private:
  AlignedBuffer<T> values_;
};

// Backward, whether the windows of a vector of cells are neighbours, too.
inline bool shifts_by_1_or_2(const WindowAxis& axis) {
  return (axis.stride == 1 || axis.stride == 2) && axis.dilation == 1 && axis.kernel <= axis.size;
}

// A row of the output with room for the windows before its start and behind its end that there are not, and for
// whole vectors.
struct SentRow {
  int64_t margin = 0, length = 0;

  SentRow(const WindowAxis& w, bool wanted) {
    if (!wanted) return;
    margin = w.kernel;
    length = margin + std::max(w.output, (w.before + w.size) / w.stride + 2 * most_lanes);
  }
};

// body(rows, scratch of `cells`) for all rows of all planes, `grain` at a time.
template <class T, class Body>
void for_rows(int64_t rows, int64_t grain, int64_t cells, const Body& body) {
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    AlignedBuffer<T> scratch(cells);
    body(PoolRange{begin, end}, scratch.data());
  });
}

}  // namespace fastnn::cpu
