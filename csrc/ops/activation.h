// Elementwise activations: y has x's shape. By the formulas of csrc/cpu/kernels/activation.h and
// activation_smooth.h; NaN stays NaN, and values and gradients at kinks and infinities are PyTorch's.
#pragma once

#include <cmath>

#include "ops/activation_list.h"
#include "ops/tensor.h"

namespace fastnn {

struct ActivationInfo {
  Activation kind;
  const char* name;
  const char* backward_name;
  const char* kept;  // "x" or "y"
  const char* first;
  const char* second;  // null: no such parameter
  int cost;
};

inline constexpr ActivationInfo activations[] = {
#define FASTNN_ROW(name, kernel, kept, first, second, cost) \
  {Activation::name, #name, #name "_backward", kept, first, second, cost},
    FASTNN_FOR_EACH_ACTIVATION(FASTNN_ROW)
#undef FASTNN_ROW
};

inline void expect_finite(const char* op, const char* name, double value) {
  if (!std::isfinite(value)) fail_value(op, "expected ", name, " to be finite, got ", value);
}

inline void validate_hardtanh(const char* op, double min_val, double max_val) {
  if (!(min_val <= max_val)) fail_value(op, "expected min_val <= max_val, got ", min_val, " and ", max_val);
}

inline void validate_hardsigmoid(const char* op, double alpha, double beta) {
  if (!(alpha > 0 && std::isfinite(alpha))) fail_value(op, "expected alpha to be finite and > 0, got ", alpha);
  expect_finite(op, "beta", beta);
}

inline void validate_softplus(const char* op, double beta, double threshold) {
  if (beta == 0 || !std::isfinite(beta)) fail_value(op, "expected beta to be finite and not 0, got ", beta);
  if (std::isnan(threshold)) fail_value(op, "expected threshold to be a number, got ", threshold);
}

inline void validate_activation(const char* op, Activation kind, const ActivationParameters& p) {
  if (kind == Activation::leaky_relu) expect_finite(op, "negative_slope", p.first);
  if (kind == Activation::elu) expect_finite(op, "alpha", p.first);
  if (kind == Activation::hardtanh) validate_hardtanh(op, p.first, p.second);
  if (kind == Activation::hardsigmoid) validate_hardsigmoid(op, p.first, p.second);
  if (kind == Activation::softplus) validate_softplus(op, p.first, p.second);
}

inline int64_t validate_activation_backward(const ActivationInfo& info, Shape grad_output, Shape kept) {
  if (!same(grad_output, kept)) {
    fail_value(info.backward_name, "expected grad_output of ", info.kept, "'s shape ", to_string(kept), ", got ",
               to_string(grad_output));
  }
  return element_count(info.backward_name, kept);
}

namespace FASTNN_BACKEND {

template <class T>
void activation_forward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n, const T* x,
                        T* y);
// kept: x or y, as info says
template <class T>
void activation_backward(const ActivationInfo& info, const ActivationParameters& parameters, int64_t n,
                         const T* grad_output, const T* kept, T* grad_x);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
