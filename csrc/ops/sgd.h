// sgd: one step of gradient descent over all parameters; the formulas stand in cpu/kernels/sgd.h.
#pragma once

#include <span>

#include "ops/tensor.h"

namespace fastnn {

struct SGDOptions {
  double lr = 0.0, momentum = 0.0, dampening = 0.0, weight_decay = 0.0;
  bool nesterov = false, maximize = false;
  bool first_step = false;  // the buffers are set to the gradient
};

inline void validate_sgd(const SGDOptions& o) {
  check_non_negative("sgd", "lr", o.lr);
  check_non_negative("sgd", "momentum", o.momentum);
  check_non_negative("sgd", "weight_decay", o.weight_decay);
  if (!std::isfinite(o.dampening)) fail_value("sgd", "expected dampening to be finite, got ", o.dampening);
  if (o.nesterov && (o.momentum == 0.0 || o.dampening != 0.0)) {
    fail_value("sgd", "expected momentum > 0 and dampening = 0 with nesterov, got momentum=", o.momentum,
               ", dampening=", o.dampening);
  }
}

template <class T>
struct SGDTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* momentum_buffer;  // null without momentum
};

namespace FASTNN_BACKEND {

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
