// Windows that slide over a plane: the geometry that convolution, pooling and im2col share.
//
// Output cell o of an axis sees the input cells o * stride - before + tap * dilation for tap in [0, kernel);
// cells outside [0, size) are padding.
#pragma once

#include <algorithm>

#include "ops/tensor.h"

namespace fastnn {

// One axis of a plane and of the window on it.
struct WindowAxis {
  int64_t size;  // of the input
  int64_t kernel, stride, dilation;
  int64_t before, after;  // padding cells at the two ends
  int64_t output;

  // Cells that a window spans.
  int64_t span() const { return dilation * (kernel - 1) + 1; }
  // The input cell under tap 0 of output cell o; may lie in the padding.
  int64_t first(int64_t o) const { return o * stride - before; }
};

struct Window {
  WindowAxis h, w;
};

// What a caller chooses for an axis.
struct WindowOptions {
  int64_t kernel, stride, dilation, before, after;
};

// Output cells of an axis that sees whole windows only.
inline int64_t output_size(int64_t size, const WindowOptions& o) {
  const int64_t room = size + o.before + o.after - (o.dilation * (o.kernel - 1) + 1);
  return room < 0 ? 0 : room / o.stride + 1;
}

// Far below where sums of a size, paddings and spans could overflow.
inline constexpr int64_t max_window_option = int64_t{1} << 40;

inline void validate_window_option(const char* op, const char* name, int64_t value, int64_t least) {
  if (value < least || value > max_window_option) {
    fail_value(op, "expected ", name, " from ", least, " to 2**40, got ", value);
  }
}

inline void validate_window_options(const char* op, const WindowOptions& o) {
  validate_window_option(op, "kernel_size", o.kernel, 1);
  validate_window_option(op, "stride", o.stride, 1);
  validate_window_option(op, "dilation", o.dilation, 1);
  validate_window_option(op, "padding", o.before, 0);
  validate_window_option(op, "padding", o.after, 0);
  int64_t span = 0;
  if (__builtin_mul_overflow(o.dilation, o.kernel - 1, &span) || span > max_window_option) {
    fail_value(op, "expected dilation * (kernel_size - 1) up to 2**40, got ", o.dilation, " * (", o.kernel, " - 1)");
  }
}

inline WindowAxis make_axis(int64_t size, const WindowOptions& o) {
  return {size, o.kernel, o.stride, o.dilation, o.before, o.after, output_size(size, o)};
}

}  // namespace fastnn
