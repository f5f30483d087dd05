// adam: one step of Adam, AMSGrad or AdamW over all parameters; the formulas stand in cpu/kernels/adam.h.
#pragma once

#include <span>

#include "ops/tensor.h"

namespace fastnn {

struct AdamOptions {
  double lr = 0.0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
  int64_t step = 1;  // counted from 1
  bool decoupled = false, maximize = false;
};

template <class T>
struct AdamTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // null without amsgrad
};

namespace cpu {

template <class T>
void adam_step(std::span<const AdamTensor<T>> tensors, const AdamOptions& options);

}  // namespace cpu
}  // namespace fastnn
