// clip_grad: gradients cut down in place, all at once.
//   by norm:  g *= min(1, max_norm / (norm + 1e-6)), where norm = (sum |g|^p)^(1/p) over all gradients together
//   by value: g = min(max(g, -clip_value), clip_value)
#pragma once

#include <span>

#include "ops/tensor.h"

namespace fastnn {

template <class T>
struct GradTensor {
  int64_t size;
  T* grad;
};

struct GradTensors {
  std::span<const GradTensor<float>> f32;
  std::span<const GradTensor<double>> f64;
};

// p is infinity for the largest absolute value.
inline void validate_clip_grad_norm(double max_norm, double p) {
  if (!(max_norm >= 0.0)) fail_value("clip_grad_norm", "expected max_norm >= 0, got ", max_norm);
  if (!(p > 0.0)) fail_value("clip_grad_norm", "expected norm_type > 0, got ", p);
}

inline void validate_clip_grad_value(double clip_value) {
  if (!(clip_value >= 0.0)) fail_value("clip_grad_value", "expected clip_value >= 0, got ", clip_value);
}

namespace FASTNN_BACKEND {

void grad_norm(const GradTensors& grads, double p, double* norm);
void clip_grad_norm(const GradTensors& grads, double max_norm, const double* norm);
void clip_grad_value(const GradTensors& grads, double clip_value);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
