#include "ops/pool2d.h"

#include <algorithm>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

namespace fastnn::cpu {
namespace {

// Where a window starts, padding included, and the cell behind it.
PoolRange extent(const WindowAxis& axis, int64_t o) {
  if (axis.stride > 0) return {axis.first(o), axis.first(o) + axis.span()};
  // o * size / output without a product that could overflow.
  const int64_t whole = axis.size / axis.output, rest = axis.size % axis.output;
  return {o * whole + o * rest / axis.output, (o + 1) * whole + ((o + 1) * rest + axis.output - 1) / axis.output};
}

PoolSpan clip(const WindowAxis& axis, int64_t o) {
  const PoolRange window = extent(axis, o);
  const int64_t d = axis.dilation, taps = (window.end - window.begin - 1) / d + 1;
  const int64_t tap = window.begin < 0 ? (-window.begin + d - 1) / d : 0;
  const int64_t room = axis.size - window.begin;
  const int64_t end = room > 0 ? std::min(taps, (room - 1) / d + 1) : 0;
  return {window.begin + tap * d, std::max<int64_t>(0, end - tap), tap};
}

// The tables of one axis.
class AxisTables {
 public:
  AxisTables(const WindowAxis& axis, bool backward)
      : axis_(axis), spans_(axis.output), covers_(backward ? axis.size : 0), whole_{0, 0} {
    for (int64_t o = 0; o < axis.output; ++o) spans_.data()[o] = clip(axis, o);
    if (backward) find_covers();
    if (axis.stride == 0) return;
    const auto is_whole = [&](int64_t o) { return spans_.data()[o].count == axis.kernel; };
    while (whole_.begin < axis.output && !is_whole(whole_.begin)) ++whole_.begin;
    if (whole_.begin == axis.output) whole_.begin = 0;
    whole_.end = whole_.begin;
    while (whole_.end < axis.output && is_whole(whole_.end)) ++whole_.end;
  }

  PoolAxis axis() const {
    return {axis_.size,   axis_.output, axis_.kernel,  axis_.stride,  axis_.dilation,
            axis_.before, whole_,       spans_.data(), covers_.data()};
  }
  const PoolSpan& span(int64_t o) const { return spans_.data()[o]; }

 private:
  // Starts and ends of windows ascend, so two pointers find the windows around each cell.
  void find_covers() {
    PoolRange around{0, 0};
    for (int64_t i = 0; i < axis_.size; ++i) {
      while (around.end < axis_.output && extent(axis_, around.end).begin <= i) ++around.end;
      while (around.begin < around.end && extent(axis_, around.begin).end <= i) ++around.begin;
      covers_.data()[i] = around;
    }
  }

  WindowAxis axis_;
  AlignedBuffer<PoolSpan> spans_;
  AlignedBuffer<PoolRange> covers_;
  PoolRange whole_;
};

// body(plane, rows) for all rows of all planes, `cells` each.
template <class Body>
void for_plane_rows(int64_t planes, int64_t rows, int64_t cells, const Body& body) {
  constexpr int64_t cells_per_task = 1 << 14;
  const int64_t grain = std::max<int64_t>(1, cells_per_task / std::max<int64_t>(1, cells));
  parallel_for(planes * rows, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t plane = begin / rows, first = begin % rows, last = std::min(rows, first + end - begin);
      body(plane, PoolRange{first, last});
      begin += last - first;
    }
  });
}

bool is_empty(const Pool2dSize& size) {
  return size.planes == 0 || size.window.h.output == 0 || size.window.w.output == 0;
}

// Cells that a row of the output reads, and that a row of the input reads in the backward.
int64_t cells_forward(const Window& window) { return window.h.size / window.h.output * window.w.size; }
int64_t cells_backward(const Window& window) {
  return window.w.size + window.h.output * window.w.output / window.h.size;
}

// Cells of a phase of the padded row, or 0 where other ways are better: see kernels/pool_lanes.h.
int64_t lane_length(const WindowAxis& w) {
  const int64_t reach = w.dilation * (w.kernel - 1);
  if ((w.stride != 1 && w.stride != 2) || reach > w.size) return 0;
  return std::max(w.output + reach / w.stride, (w.before + w.size) / w.stride) + 2;
}

// Cells from the corner of a window to each of its taps, where all taps have a number below 256.
class TapOffsets {
 public:
  explicit TapOffsets(const Pool2dSize& size) {
    constexpr int64_t most = 1 << 30;  // far from where the products below could overflow
    const auto& [h, w] = size.window;
    fit_ = taps_fit_bytes(size) && h.span() <= most && w.span() <= most && w.size <= most;
    for (int64_t tap = 0; fit_ && tap < h.kernel * w.kernel; ++tap) {
      cells_[tap] = tap / w.kernel * h.dilation * w.size + tap % w.kernel * w.dilation;
    }
  }
  const int64_t* data() const { return fit_ ? cells_ : nullptr; }

 private:
  int64_t cells_[256];
  bool fit_;
};

// "(3, 0, 1)" for the flat position in shape.
std::string index_text(Shape shape, int64_t position) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = position % shape[d];
    position /= shape[d];
  }
  return to_string(index);
}

// Divisors of the output cells along one axis; those of both axes are multiplied.
template <class T>
class Divisors {
 public:
  Divisors(const WindowAxis& axis, const AxisTables& tables, const Pool2dOptions& options, int64_t fixed)
      : values_(axis.output) {
    for (int64_t o = 0; o < axis.output; ++o) {
      const int64_t padded = std::min(axis.first(o) + axis.kernel, axis.size + axis.after) - axis.first(o);
      const bool with_padding = options.count_include_pad && !options.adaptive;
      const int64_t cells = with_padding ? padded : tables.span(o).count;
      values_.data()[o] = static_cast<T>(options.divisor != 0 ? fixed : cells);
    }
  }
  const T* data() const { return values_.data(); }

 private:
  AlignedBuffer<T> values_;
};

}  // namespace

template <class T>
void max_pool2d_forward(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, false), columns(w, false);
  const TapOffsets offsets(size);
  const MaxPoolTask<T> task{rows.axis(), columns.axis(), x, y, places.indices, places.taps, offsets.data()};
  for_plane_rows(size.planes, h.output, cells_forward(size.window),
                 [&](int64_t plane, PoolRange range) { kernels<T>().pool.max(task, plane, range); });
}

void check_max_pool2d_indices(const Pool2dSize& size, Shape shape, const int64_t* indices) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, false), columns(w, false);
  for_plane_rows(size.planes, h.output, w.output, [&](int64_t plane, PoolRange range) {
    for (int64_t o = range.begin; o < range.end; ++o) {
      const PoolSpan& span = rows.span(o);
      const int64_t at = (plane * h.output + o) * w.output, first = span.first * w.size;
      const int64_t last = span.count == 0 ? first : (span.first + (span.count - 1) * h.dilation + 1) * w.size;
      for (int64_t q = 0; q < w.output; ++q) {
        const int64_t index = indices[at + q];
        if (index >= first && index < last) continue;
        if (index == -1 && (span.count == 0 || columns.span(q).count == 0)) continue;
        fail_index("max_pool2d_backward", "expected indices in the rows of their windows, [", first, ", ", last,
                   ") here, got ", index, " at position ", index_text(shape, at + q));
      }
    }
  });
}

template <class T>
void max_pool2d_backward(const Pool2dSize& size, const T* grad_output, const MaxPlaces& places, T* grad_x) {
  if (size.planes == 0) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, true), columns(w, false);
  const MaxPoolBackwardTask<T> task{rows.axis(), columns.axis(), grad_output,   places.indices,
                                    places.taps, grad_x,         lane_length(w)};
  for_plane_rows(size.planes, h.size, cells_backward(size.window), [&](int64_t plane, PoolRange range) {
    AlignedBuffer<T> scratch(2 * task.lane_length);
    kernels<T>().pool.max_backward(task, plane, range, scratch.data());
  });
}

template <class T>
void avg_pool2d_forward(const Pool2dSize& size, const Pool2dOptions& options, const T* x, T* y) {
  if (is_empty(size)) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, false), columns(w, false);
  const Divisors<T> row_divisors(h, rows, options, options.divisor), column_divisors(w, columns, options, 1);
  const AvgPoolTask<T> task{rows.axis(), columns.axis(), x, y, row_divisors.data(), column_divisors.data()};
  for_plane_rows(size.planes, h.output, cells_forward(size.window),
                 [&](int64_t plane, PoolRange range) { kernels<T>().pool.avg(task, plane, range); });
}

template <class T>
void avg_pool2d_backward(const Pool2dSize& size, const Pool2dOptions& options, const T* grad_output, T* grad_x) {
  if (size.planes == 0) return;
  const auto& [h, w] = size.window;
  const AxisTables rows(h, true), columns(w, false);
  const Divisors<T> row_divisors(h, rows, options, options.divisor), column_divisors(w, columns, options, 1);
  const AvgPoolBackwardTask<T> task{rows.axis(),         columns.axis(),         grad_output,   grad_x,
                                    row_divisors.data(), column_divisors.data(), lane_length(w)};
  for_plane_rows(size.planes, h.size, cells_backward(size.window), [&](int64_t plane, PoolRange range) {
    AlignedBuffer<T> scratch(w.output + 2 * task.lane_length);
    kernels<T>().pool.avg_backward(task, plane, range, scratch.data());
  });
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
