// rmsprop: one step of RMSprop over all parameters; the formulas stand in cpu/kernels/rmsprop.h.
#pragma once

#include <span>

#include "ops/optimizer_constants.h"
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

template <class T>
RMSpropConstants<T> rmsprop_constants(const RMSpropOptions& o) {
  return {.lr = static_cast<T>(o.lr),
          .alpha = static_cast<T>(o.alpha),
          .one_minus_alpha = static_cast<T>(1.0 - o.alpha),
          .eps = static_cast<T>(o.eps),
          .weight_decay = static_cast<T>(o.weight_decay),
          .momentum = static_cast<T>(o.momentum),
          .sign = o.maximize ? T(-1) : T(1)};
}

namespace FASTNN_BACKEND {

template <class T>
void rmsprop_step(std::span<const RMSpropTensor<T>> tensors, const RMSpropOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
