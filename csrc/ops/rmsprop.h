// rmsprop: one step of RMSprop over all parameters; the formulas stand in cpu/kernels/rmsprop.h.
#pragma once

#include <span>

#include "ops/tensor.h"

namespace fastnn {

struct RMSpropOptions {
  double lr = 0.0, alpha = 0.99, eps = 1e-8, weight_decay = 0.0, momentum = 0.0;
  bool centered = false, maximize = false;
};

inline void validate_rmsprop(const RMSpropOptions& o) {
  check_non_negative("rmsprop", "lr", o.lr);
  if (!(o.alpha >= 0.0 && o.alpha <= 1.0)) fail_value("rmsprop", "expected alpha in [0, 1], got ", o.alpha);
  check_non_negative("rmsprop", "eps", o.eps);
  check_non_negative("rmsprop", "weight_decay", o.weight_decay);
  check_non_negative("rmsprop", "momentum", o.momentum);
}

template <class T>
struct RMSpropTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* square_avg;
  T* grad_avg;         // null unless centered
  T* momentum_buffer;  // null without momentum
};

namespace FASTNN_BACKEND {

template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
