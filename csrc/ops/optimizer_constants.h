// What an optimizer's kernels need of its options, worked out once a step. Without includes, because the units of the
// instruction sets see it.
#pragma once

namespace fastnn {

template <class T>
struct SGDConstants {
  T lr, momentum, gradient_share, weight_decay, sign;
  bool nesterov, first_step;
};

template <class T>
struct AdamConstants {
  T beta1, one_minus_beta1, beta2, one_minus_beta2;
  T step_size, eps, weight_decay, keep, sign;
};

template <class T>
struct RMSpropConstants {
  T lr, alpha, one_minus_alpha, eps, weight_decay, momentum, sign;
};

template <class T>
struct AdagradConstants {
  T step_size, eps, weight_decay, sign;
};

}  // namespace fastnn
