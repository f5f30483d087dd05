// Elementwise activations: y has x's shape. relu(x) = max(0, x), NaN stays NaN; its derivative by its own
// output: grad_x = y <= 0 ? 0 : grad_output.
#pragma once

#include "ops/tensor.h"

namespace fastnn {

inline int64_t validate_activation_backward(const char* op, Shape grad_output, Shape y) {
  if (!same(grad_output, y)) {
    fail_value(op, "expected grad_output of y's shape ", to_string(y), ", got ", to_string(grad_output));
  }
  return element_count(op, y);
}

namespace cpu {

template <class T>
void relu_forward(int64_t n, const T* x, T* y);
template <class T>
void relu_backward(int64_t n, const T* grad_output, const T* y, T* grad_x);

}  // namespace cpu
}  // namespace fastnn
