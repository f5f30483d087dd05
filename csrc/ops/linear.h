// linear: y = x W^T + b, x of shape (..., K), W (O, K), b (O,), y (..., O); optionally max(0, y).
//   grad_x = grad_output W        grad_weight = grad_output^T x        grad_bias = sum of grad_output's rows
#pragma once

#include <optional>

#include "ops/tensor.h"

namespace fastnn {

struct LinearSize {
  int64_t batch, in_features, out_features;
};

inline LinearSize validate_linear(const char* op, Shape x, Shape weight, std::optional<Shape> bias) {
  if (x.empty()) fail_value(op, "expected x of shape (..., K), got ()");
  const int64_t in_features = x.back();
  if (weight.size() != 2 || weight[1] != in_features) {
    fail_value(op, "expected weight of shape (O, ", in_features, ") for x of shape ", to_string(x), ", got ",
               to_string(weight));
  }
  if (bias && (bias->size() != 1 || (*bias)[0] != weight[0])) {
    fail_value(op, "expected bias of shape (", weight[0], ",) for weight of shape ", to_string(weight), ", got ",
               to_string(*bias));
  }
  return {element_count(op, x.first(x.size() - 1)), in_features, weight[0]};
}

inline LinearSize validate_linear_backward(Shape grad_output, Shape x, Shape weight) {
  const LinearSize size = validate_linear("linear_backward", x, weight, std::nullopt);
  const size_t last = x.size() - 1;
  if (grad_output.size() != x.size() || !same(grad_output.first(last), x.first(last)) ||
      grad_output[last] != size.out_features) {
    fail_value("linear_backward", "expected grad_output of shape (..., ", size.out_features, ") for x of shape ",
               to_string(x), " and weight of shape ", to_string(weight), ", got ", to_string(grad_output));
  }
  return size;
}

namespace FASTNN_BACKEND {

template <class T>
void linear_forward(const LinearSize& size, const T* x, const T* weight, const T* bias, bool relu, T* y);

template <class T>
struct LinearGradients {
  T* x;  // null where not wanted
  T* weight;
  T* bias;
  bool accumulate;  // add to weight's and bias' gradients
};

template <class T>
void linear_backward(const LinearSize& size, const T* grad_output, const T* x, const T* weight,
                     const LinearGradients<T>& grads);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
