#include "ops/pool2d.h"

#include <algorithm>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

// Of a vector of any instruction set.
constexpr int64_t most_lanes = 16;

// Room for n cells and for the whole of the last vector.
int64_t whole_vectors(int64_t n) { return (n + most_lanes - 1) / most_lanes * most_lanes; }

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
int64_t rows_per_task(int64_t cells) {
  constexpr int64_t cells_per_task = 1 << 14;
  return std::max<int64_t>(1, cells_per_task / std::max<int64_t>(1, cells));
}

// Input rows of one plane under the output rows of a task.
int64_t rows_under(const WindowAxis& h, int64_t outputs) {
  if (h.stride == 0) return h.size;
  return std::min(h.size, (std::min(outputs, h.output) - 1) * h.stride + h.span());
}

// Output rows of one plane whose windows hold the input rows of a task.
int64_t rows_over(const WindowAxis& h, int64_t inputs) {
  return std::min(h.output, (std::min(inputs, h.size) + h.span() - 2) / h.stride + 2);
}

// Where rows of windows share rows of cells, unless their number takes too much room.
PoolKept kept_parts(const Window& window) {
  constexpr int64_t most_cells = 1 << 19;
  const auto& [h, w] = window;
  const int64_t step = whole_vectors(w.output);
  const bool overlap = h.stride > 0 && h.dilation == 1 && h.stride < h.kernel;
  return {.rows = overlap && h.kernel <= most_cells / step ? h.kernel : 0, .step = step};
}

bool is_empty(const Pool2dSize& size) {
  return size.planes == 0 || size.window.h.output == 0 || size.window.w.output == 0;
}

// Cells that a row of the output reads, and that a row of the input reads in the backward.
int64_t cells_forward(const Window& window) { return window.h.size / window.h.output * window.w.size; }
int64_t cells_backward(const Window& window) {
  return window.w.size + window.h.output * window.w.output / window.h.size;
}

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

// What is divided by along one axis; a caller's divisor is that of the rows, with a `fixed` 1 for the columns.
template <class T>
Column<T> divisors(const WindowAxis& axis, const AxisTables& tables, const Pool2dOptions& options, int64_t fixed) {
  const bool with_padding = options.count_include_pad && !options.adaptive;
  return Column<T>(axis.output, [&](int64_t o) {
    if (options.divisor != 0) return fixed;
    const int64_t padded = std::min(axis.first(o) + axis.kernel, axis.size + axis.after) - axis.first(o);
    return with_padding ? padded : tables.span(o).count;
  });
}

// Backward, whether the windows of a vector of cells are neighbours, too.
bool shifts_by_1_or_2(const WindowAxis& axis) {
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

}  // namespace

// body(rows, scratch of `cells`) for all rows of all planes, `grain` at a time.
template <class T, class Body>
void for_rows(int64_t rows, int64_t grain, int64_t cells, const Body& body) {
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    AlignedBuffer<T> scratch(cells);
    body(PoolRange{begin, end}, scratch.data());
  });
}

template <class T>
void max_pool2d_forward(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const int64_t grain = rows_per_task(cells_forward(size.window)), copied = rows_under(h, grain);
  const AxisTables rows(h), columns(w);
  const TapOffsets offsets(size);
  const auto first_tap = [&](int64_t q) { return q < w.output ? columns.span(q).tap : 0; };
  const Column<T> first_taps(whole_vectors(w.output), first_tap);
  MaxPoolTask<T> task{.h = rows.axis(),
                      .w = columns.axis(copied),
                      .x = x,
                      .y = y,
                      .indices = places.indices,
                      .taps = places.taps,
                      .tap_offsets = offsets.data(),
                      .first_taps = first_taps.data(),
                      .kept = kept_parts(size.window),
                      .scratch_cells = 0};
  task.scratch_cells = copied * task.w.padded_width;
  for_rows<T>(size.planes * h.output, grain, task.scratch_cells + 2 * task.kept.rows * task.kept.step,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.max(task, range, scratch); });
}

void check_max_pool2d_indices(const Pool2dSize& size, Shape shape, const int64_t* indices) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h), columns(w);
  parallel_for(size.planes * h.output, rows_per_task(w.output), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const PoolSpan& span = rows.span(row % h.output);
      const PoolRange cells = cells_of_rows(size.window, span);
      for (int64_t q = 0; q < w.output; ++q) {
        const int64_t at = row * w.output + q, index = indices[at];
        if (index >= cells.begin && index < cells.end) continue;
        if (index == -1 && (span.count == 0 || columns.span(q).count == 0)) continue;
        fail_pool_index(shape, cells, index, at);
      }
    }
  });
}

template <class T>
void max_pool2d_backward(const Pool2dSize& size, const T* grad_output, const MaxPlaces& places, T* grad_x) {
  if (size.planes == 0) return;
  const auto& [h, w] = size.window;
  const int64_t grain = rows_per_task(cells_backward(size.window));
  const AxisTables rows(h, true), columns(w);
  const TapOffsets offsets(size);
  const bool by_taps = places.taps && shifts_by_1_or_2(h) && shifts_by_1_or_2(w);
  const SentRow sent(w, by_taps);
  const MaxPoolBackwardTask<T> task{.h = rows.axis(),
                                    .w = columns.axis(),
                                    .grad_y = grad_output,
                                    .indices = places.indices,
                                    .taps = places.taps,
                                    .tap_offsets = offsets.data(),
                                    .grad_x = grad_x,
                                    .margin = sent.margin,
                                    .sent_length = sent.length,
                                    .scratch_rows = by_taps ? rows_over(h, grain) : 0};
  for_rows<T>(size.planes * h.size, grain, 2 * task.scratch_rows * task.sent_length,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.max_backward(task, range, scratch); });
}

template <class T>
void avg_pool2d_forward(const Pool2dSize& size, const Pool2dOptions& options, const T* x, T* y) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const int64_t grain = rows_per_task(cells_forward(size.window)), copied = rows_under(h, grain);
  const AxisTables rows(h), columns(w);
  const auto row_divisors = divisors<T>(h, rows, options, options.divisor);
  const auto column_divisors = divisors<T>(w, columns, options, 1);
  AvgPoolTask<T> task{.h = rows.axis(),
                      .w = columns.axis(copied),
                      .x = x,
                      .y = y,
                      .row_divisors = row_divisors.data(),
                      .column_divisors = column_divisors.data(),
                      .kept = kept_parts(size.window),
                      .scratch_cells = 0};
  task.scratch_cells = copied * task.w.padded_width;
  for_rows<T>(size.planes * h.output, grain, task.scratch_cells + task.kept.rows * task.kept.step,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.avg(task, range, scratch); });
}

template <class T>
void avg_pool2d_backward(const Pool2dSize& size, const Pool2dOptions& options, const T* grad_output, T* grad_x) {
  if (size.planes == 0) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, true), columns(w);
  const auto row_divisors = divisors<T>(h, rows, options, options.divisor);
  const auto column_divisors = divisors<T>(w, columns, options, 1);
  const bool by_shifts = h.stride > 0 && shifts_by_1_or_2(w);
  const SentRow sent(w, by_shifts);
  const AvgPoolBackwardTask<T> task{.h = rows.axis(),
                                    .w = columns.axis(),
                                    .grad_y = grad_output,
                                    .grad_x = grad_x,
                                    .row_divisors = row_divisors.data(),
                                    .column_divisors = column_divisors.data(),
                                    .margin = sent.margin,
                                    .sent_length = by_shifts ? sent.length : w.output,
                                    .divided_rows = by_shifts ? rows_over(h, avg_rows_at_once) : 0};
  const int64_t rows_of_scratch = by_shifts ? task.divided_rows + avg_rows_at_once : 1;
  for_rows<T>(size.planes * h.size, rows_per_task(cells_backward(size.window)), rows_of_scratch * task.sent_length,
              [&](PoolRange range, T* scratch) { kernels<T>().pool.avg_backward(task, range, scratch); });
}

template void max_pool2d_forward(const Pool2dSize&, const float*, float*, const MaxPlaces&);
template void max_pool2d_forward(const Pool2dSize&, const double*, double*, const MaxPlaces&);
template void max_pool2d_backward(const Pool2dSize&, const float*, const MaxPlaces&, float*);
template void max_pool2d_backward(const Pool2dSize&, const double*, const MaxPlaces&, double*);
template void avg_pool2d_forward(const Pool2dSize&, const Pool2dOptions&, const float*, float*);
template void avg_pool2d_forward(const Pool2dSize&, const Pool2dOptions&, const double*, double*);
template void avg_pool2d_backward(const Pool2dSize&, const Pool2dOptions&, const float*, float*);
template void avg_pool2d_backward(const Pool2dSize&, const Pool2dOptions&, const double*, double*);

}  // namespace fastnn::cpu
