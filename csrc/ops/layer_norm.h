// layer_norm of x over its last axes, those of normalized_shape: with m and v the mean and the biased variance of
// a row of n such elements, rstd = 1 / sqrt(v + eps) and xhat = (x - m) rstd,
//   y = xhat weight + bias                     grad_x = rstd (u - sum u / n - xhat sum (u xhat) / n), u = g weight
//   grad_weight = sum of g xhat over the rows  grad_bias = sum of g over the rows
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "ops/tensor.h"

namespace fastnn {

struct LayerNormSize {
  int64_t rows, length;
  std::vector<int64_t> stats;  // x's shape with 1 for every normalised axis
};

inline void validate_normalized(const char* op, const char* name, Shape normalized, std::optional<Shape> values) {
  if (values && !same(*values, normalized)) {
    fail_value(op, "expected ", name, " of normalized_shape ", to_string(normalized), ", got ", to_string(*values));
  }
}

inline LayerNormSize validate_layer_norm(const char* op, Shape x, Shape normalized) {
  if (normalized.empty()) fail_value(op, "expected normalized_shape to name at least one axis, got ()");
  const size_t axes = normalized.size();
  if (x.size() < axes || !same(x.last(axes), normalized)) {
    fail_value(op, "expected x with the last axes of normalized_shape ", to_string(normalized), ", got shape ",
               to_string(x));
  }
  const Shape lead = x.first(x.size() - axes);
  std::vector<int64_t> stats(lead.begin(), lead.end());
  stats.resize(x.size(), 1);
  return {element_count(op, lead), element_count(op, normalized), std::move(stats)};
}

inline LayerNormSize validate_layer_norm_backward(Shape grad_output, Shape x, Shape normalized) {
  const char* op = "layer_norm_backward";
  LayerNormSize size = validate_layer_norm(op, x, normalized);
  if (!same(grad_output, x)) {
    fail_value(op, "expected grad_output of x's shape ", to_string(x), ", got ", to_string(grad_output));
  }
  return size;
}

namespace FASTNN_BACKEND {

template <class T>
struct LayerNormInputs {
  int64_t rows, length;
  const T* x;
  const T *weight, *bias;  // null: ones, zeros
  double eps;
};

// mean and rstd: one value a row.
template <class T>
void layer_norm_forward(const LayerNormInputs<T>& in, T* y, T* mean, T* rstd);

template <class T>
struct LayerNormBackwardInputs {
  int64_t rows, length;
  const T *grad_output, *x, *mean, *rstd;
  const T* weight;  // null: ones
};

template <class T>
struct LayerNormGradients {
  T *x, *weight, *bias;  // null where not wanted
  bool accumulate;       // add to weight's and bias' gradients
};

template <class T>
void layer_norm_backward(const LayerNormBackwardInputs<T>& in, const LayerNormGradients<T>& grads);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
