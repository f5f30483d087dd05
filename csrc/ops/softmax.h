// softmax and log_softmax along one axis; y has x's shape.
//   softmax:     y = exp(x - max) / sum exp(x - max)       grad_x = y (g - sum g y)
//   log_softmax: y = x - max - log sum exp(x - max)        grad_x = g - exp(y) sum g
#pragma once

#include "ops/tensor.h"

namespace fastnn {

// As torch has it, a single number has an axis of one element.
inline AxisView validate_softmax(const char* op, Shape x, int64_t axis) {
  if (x.empty() && (axis == 0 || axis == -1)) return {};
  return view_axis(op, x, axis);
}

inline AxisView validate_softmax_backward(const char* op, Shape grad_output, Shape y, int64_t axis) {
  if (!same(grad_output, y)) {
    fail_value(op, "expected grad_output of y's shape ", to_string(y), ", got ", to_string(grad_output));
  }
  return validate_softmax(op, y, axis);
}

namespace FASTNN_BACKEND {

// log: log_softmax
template <class T>
void softmax_forward(const AxisView& view, bool log, const T* x, T* y);
template <class T>
void softmax_backward(const AxisView& view, bool log, const T* grad_output, const T* y, T* grad_x);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
