// pool2d: the maximum or the mean of windows that slide over the planes of x, (C, H, W) or (N, C, H, W).
//   max: padding counts as -inf and never wins, the first of equal maxima and the last NaN do; a place is the
//        number of that cell in its plane, H * W cells row by row, or -1 for a window without a cell
//   avg: the sum, padding counting as 0, over the divisor: cells of the window within the padded plane
//        (count_include_pad) or within x, or a number of the caller's
// An adaptive window is [floor(o * H / O), ceil((o + 1) * H / O)) for output cell o of O.
#pragma once

#include <vector>

#include "ops/conv_geometry.h"
#include "ops/pool_window.h"

namespace fastnn {

struct Pool2dOptions {
  WindowOptions h{1, 1, 1, 0, 0}, w{1, 1, 1, 0, 0};
  bool ceil_mode = false, count_include_pad = true;
  int64_t divisor = 0;  // 0: the number of cells
  bool adaptive = false;
  int64_t output_h = 0, output_w = 0;  // of adaptive windows; -1: as x has, -2: as grad_output has
};

// An axis with stride 0 has adaptive windows of several sizes, `kernel` cells at most.
struct Pool2dSize {
  int64_t planes;
  Window window;
};

// With ceil_mode a last window may reach over the end, but has to start before the padding there.
inline int64_t pooled_size(int64_t size, const WindowOptions& o, bool ceil_mode) {
  const int64_t room = size + o.before + o.after - (o.dilation * (o.kernel - 1) + 1);
  if (!ceil_mode || room % o.stride == 0) return output_size(size, o);
  // Windows that start up to `room` fit; the next one reaches over, and is the first one where none fits.
  const int64_t next = room < 0 ? 0 : room / o.stride + 1;
  const bool starts_inside = room + o.stride > 0 && next * o.stride < size + o.before;
  return starts_inside ? next + 1 : next;
}

// -1 stands for the size of x; the square of a size has to fit into 64 bits.
inline void validate_adaptive_output(const char* op, int64_t output) {
  if (output < -1 || output >= int64_t{1} << 31) {
    fail_value(op, "expected output_size from 0 to 2**31 - 1, got ", output);
  }
}

inline WindowAxis adaptive_axis(int64_t size, int64_t output) {
  if (output < 0) return {size, 1, 1, 1, 0, 0, size};
  if (output == 0) return {size, 1, 1, 1, 0, 0, 0};
  const int64_t cells = size / output;
  if (size % output == 0) return {size, cells, cells, 1, 0, 0, output};
  return {size, cells + 2, 0, 1, 0, 0, output};
}

inline void validate_pool2d_padding(const char* op, const WindowOptions& o) {
  const int64_t span = o.dilation * (o.kernel - 1) + 1;
  if (o.before >= span || o.after >= span) {
    fail_value(op, "expected padding smaller than the window, of dilation * (kernel_size - 1) + 1 = ", span,
               " cells, got ", o.before, " and ", o.after);
  }
}

inline WindowAxis validate_pool2d_axis(const char* op, Shape x, int64_t size, const WindowOptions& o, bool ceil_mode) {
  validate_window_options(op, o);
  validate_pool2d_padding(op, o);
  const WindowAxis axis{size, o.kernel, o.stride, o.dilation, o.before, o.after, pooled_size(size, o, ceil_mode)};
  if (axis.output < 1) {
    fail_value(op, "expected a window of ", axis.span(), " cells to fit into ", size, " cells with padding ", o.before,
               " and ", o.after, ", got x of shape ", to_string(x));
  }
  return axis;
}

inline Pool2dSize validate_pool2d(const char* op, const char* name, Shape x, const Pool2dOptions& options) {
  const size_t ndim = x.size();
  if (ndim != 3 && ndim != 4) {
    fail_value(op, "expected ", name, " of shape (C, H, W) or (N, C, H, W), got ", to_string(x));
  }
  const int64_t H = x[ndim - 2], W = x[ndim - 1];
  if (H < 1 || W < 1 || H > max_window_option || W > max_window_option) {
    fail_value(op, "expected ", name, " with H and W from 1 to 2**40, got shape ", to_string(x));
  }
  const int64_t planes = element_count(op, x.first(ndim - 2));
  if (options.adaptive) {
    validate_adaptive_output(op, options.output_h);
    validate_adaptive_output(op, options.output_w);
    return {planes, {adaptive_axis(H, options.output_h), adaptive_axis(W, options.output_w)}};
  }
  return {planes,
          {validate_pool2d_axis(op, x, H, options.h, options.ceil_mode),
           validate_pool2d_axis(op, x, W, options.w, options.ceil_mode)}};
}

// The shape of the result.
inline std::vector<int64_t> pooled_shape(Shape x, const Pool2dSize& size) {
  std::vector<int64_t> shape(x.begin(), x.end());
  shape[x.size() - 2] = size.window.h.output;
  shape[x.size() - 1] = size.window.w.output;
  return shape;
}

inline void validate_pooled(const char* op, const char* name, Shape given, Shape x, const Pool2dSize& size) {
  const auto expected = pooled_shape(x, size);
  if (!same(given, expected)) {
    fail_value(op, "expected ", name, " of shape ", to_string(expected), " for an input of shape ", to_string(x),
               ", got ", to_string(given));
  }
}

// The backwards of adaptive pooling learn the size of the result from grad_output; layers know it.
inline void take_adaptive_output(const char* op, Shape grad_output, Shape x, Pool2dOptions& options) {
  if (!options.adaptive || options.output_h != -2) return;
  const size_t ndim = x.size();
  if (grad_output.size() != ndim || ndim < 2) {
    fail_value(op, "expected grad_output with as many axes as an input of shape ", to_string(x), ", got ",
               to_string(grad_output));
  }
  options.output_h = grad_output[ndim - 2];
  options.output_w = grad_output[ndim - 1];
}

// Whether the number of a window's cell fits into a byte, and every window has a cell: with a dilation beyond the
// plane, all its taps may lie in the padding.
inline bool taps_fit_bytes(const Pool2dSize& size) {
  constexpr int64_t most = 1 << 30;  // far from where a distance between cells could overflow
  const auto& [h, w] = size.window;
  const auto fits = [](const WindowAxis& axis) {
    return axis.kernel <= 256 && axis.span() <= most && axis.dilation <= axis.size;
  };
  return fits(h) && fits(w) && h.kernel * w.kernel <= 256 && w.size <= most;
}

// The cells of a plane in the rows of a window, where an index into the plane may lead to.
constexpr PoolRange cells_of_rows(const Window& window, const PoolSpan& rows) {
  const int64_t width = window.w.size, first = rows.first * width;
  return {first, rows.count == 0 ? first : (rows.first + (rows.count - 1) * window.h.dilation + 1) * width};
}

[[noreturn]] inline void fail_pool_index(Shape shape, const PoolRange& cells, int64_t index, int64_t position) {
  fail_index("max_pool2d_backward", "expected indices in the rows of their windows, [", cells.begin, ", ", cells.end,
             ") here, got ", index, " at position ", index_text(shape, position));
}

namespace FASTNN_BACKEND {

// Where the maxima lie: at most one of the two is wanted of a forward, and one is given to a backward.
struct MaxPlaces {
  int64_t* indices = nullptr;  // in the plane
  uint8_t* taps = nullptr;     // in the window: row * kernel + column
};

template <class T>
void max_pool2d_forward(const Pool2dSize& size, const T* x, T* y, const MaxPlaces& places);
// Throws std::out_of_range for an index outside the rows of its window.
void check_max_pool2d_indices(const Pool2dSize& size, Shape shape, const int64_t* indices);
template <class T>
void max_pool2d_backward(const Pool2dSize& size, const T* grad_output, const MaxPlaces& places, T* grad_x);

template <class T>
void avg_pool2d_forward(const Pool2dSize& size, const Pool2dOptions& options, const T* x, T* y);
template <class T>
void avg_pool2d_backward(const Pool2dSize& size, const Pool2dOptions& options, const T* grad_output, T* grad_x);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
