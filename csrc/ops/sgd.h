// sgd: one step of gradient descent over all parameters; the formulas stand in cpu/kernels/sgd.h.
#pragma once

#include <span>

#include "ops/optimizer_constants.h"
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

template <class T>
SGDConstants<T> sgd_constants(const SGDOptions& o) {
  return {.lr = static_cast<T>(o.lr),
          .momentum = static_cast<T>(o.momentum),
          .gradient_share = static_cast<T>(1.0 - o.dampening),
          .weight_decay = static_cast<T>(o.weight_decay),
          .sign = o.maximize ? T(-1) : T(1),
          .nesterov = o.nesterov,
          .first_step = o.first_step};
}

namespace FASTNN_BACKEND {

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
