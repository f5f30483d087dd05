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

template <class T>
struct SGDTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* momentum_buffer;  // null without momentum
};

namespace cpu {

template <class T>
void sgd_step(std::span<const SGDTensor<T>> tensors, const SGDOptions& options);

}  // namespace cpu
}  // namespace fastnn
