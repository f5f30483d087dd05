// batch_norm of x (N, C, ...) by channel: with m and v the mean and the biased variance of a channel's n values
// (training) or the running ones,
//   xhat = (x - m) / sqrt(v + eps)      y = weight xhat + bias, optionally max(0, y)
// and in training running = (1 - momentum) running + momentum (m or n / (n - 1) v). The gradients:
//   grad_bias = sum g      grad_weight = sum g xhat      with invstd = 1 / sqrt(v + eps)
//   grad_x = weight invstd (g - grad_bias / n - xhat grad_weight / n) in training, or else weight invstd g
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "ops/tensor.h"

namespace fastnn {

struct BatchNormOptions {
  bool training = false;
  double momentum = 0.1;  // the share of the batch in the new running statistics
  double eps = 1e-5;
  bool relu = false;
};

inline void validate_channel_values(const char* op, const char* name, Shape x, std::optional<Shape> values) {
  if (values && (values->size() != 1 || (*values)[0] != x[1])) {
    fail_value(op, "expected ", name, " of shape (", x[1], ",) for x of shape ", to_string(x), ", got ",
               to_string(*values));
  }
}

inline AxisView validate_channels(const char* op, Shape x) {
  if (x.size() < 2) fail_value(op, "expected x of shape (N, C, ...), got ", to_string(x));
  return view_axis(op, x, 1);
}

inline AxisView validate_batch_norm(const char* op, Shape x, bool running, const BatchNormOptions& options) {
  const AxisView view = validate_channels(op, x);
  if (!options.training && !running) {
    fail_value(op, "expected running_mean and running_var with training=False, got None");
  }
  if (options.training && options.eps <= 0) fail_value(op, "expected eps > 0 with training=True, got ", options.eps);
  if (options.training && view.outer * view.inner == 1) {
    fail_value(op, "expected more than one value a channel with training=True, got x of shape ", to_string(x));
  }
  return view;
}

inline void validate_batch_norm_gradient(Shape grad_output, Shape x) {
  if (!same(grad_output, x)) {
    fail_value("batch_norm_backward", "expected grad_output of x's shape ", to_string(x), ", got ",
               to_string(grad_output));
  }
}

namespace FASTNN_BACKEND {

template <class T>
struct BatchNormInputs {
  AxisView view;  // outer N, axis C, inner S
  const T* x;
  const T *weight, *bias;               // null: ones, zeros
  const T *running_mean, *running_var;  // null: none
};

template <class T>
struct BatchNormOutputs {
  T* y;
  T *save_mean, *save_invstd;     // what has been used, for the backward
  T *running_mean, *running_var;  // written in training, the inputs' own memory; null: none
};

// An x without elements leaves the running statistics alone, as torch does.
template <class T>
void batch_norm_forward(const BatchNormInputs<T>& in, const BatchNormOptions& options, const BatchNormOutputs<T>& out);

template <class T>
struct BatchNormBackwardInputs {
  AxisView view;
  const T *grad_output, *x;
  const T *weight, *bias;  // null: ones, zeros; bias is asked for by relu only
  const T *save_mean, *save_invstd;
  bool training;
  bool relu;  // grad_output is that of max(0, y)
};

template <class T>
struct BatchNormGradients {
  T *x, *weight, *bias;  // null where not wanted
  bool accumulate;       // add to weight's and bias' gradients
};

template <class T>
void batch_norm_backward(const BatchNormBackwardInputs<T>& in, const BatchNormGradients<T>& grads);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
