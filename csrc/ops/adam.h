// adam: one step of Adam, AMSGrad or AdamW over all parameters; the formulas stand in cpu/kernels/adam.h.
#pragma once

#include <span>

#include "ops/optimizer_constants.h"
#include "ops/tensor.h"

namespace fastnn {

struct AdamOptions {
  double lr = 0.0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
  int64_t step = 1;  // counted from 1
  bool decoupled = false, maximize = false;
};

inline void validate_adam(const AdamOptions& o) {
  check_non_negative("adam", "lr", o.lr);
  check_decay("adam", "beta1", o.beta1);
  check_decay("adam", "beta2", o.beta2);
  check_non_negative("adam", "eps", o.eps);
  check_non_negative("adam", "weight_decay", o.weight_decay);
  if (o.step < 1) fail_value("adam", "expected step to count from 1, got ", o.step);
}

template <class T>
struct AdamTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // null without amsgrad
};

// The bias corrections are worked out in double, where 1 - 0.999 still has its digits.
template <class T>
AdamConstants<T> adam_constants(const AdamOptions& o) {
  const auto step = static_cast<double>(o.step);
  const double correction1 = 1.0 - std::pow(o.beta1, step);
  const double root2 = std::sqrt(1.0 - std::pow(o.beta2, step));
  return {.beta1 = static_cast<T>(o.beta1),
          .one_minus_beta1 = static_cast<T>(1.0 - o.beta1),
          .beta2 = static_cast<T>(o.beta2),
          .one_minus_beta2 = static_cast<T>(1.0 - o.beta2),
          .step_size = static_cast<T>(o.lr * root2 / correction1),
          .eps = static_cast<T>(o.eps * root2),
          .weight_decay = o.decoupled ? T(0) : static_cast<T>(o.weight_decay),
          .keep = o.decoupled ? static_cast<T>(1.0 - o.lr * o.weight_decay) : T(1),
          .sign = o.maximize ? T(-1) : T(1)};
}

namespace FASTNN_BACKEND {

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
