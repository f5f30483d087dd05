// adagrad: one step of Adagrad over all parameters; the formulas stand in cpu/kernels/adagrad.h.
#pragma once

#include <span>

#include "ops/optimizer_constants.h"
#include "ops/tensor.h"

namespace fastnn {

struct AdagradOptions {
  double lr = 0.0, lr_decay = 0.0, weight_decay = 0.0, eps = 1e-10;
  int64_t step = 1;      // counted from 1
  bool average = false;  // the root of the mean of the squares, not of their sum
  bool maximize = false;
};

inline void validate_adagrad(const AdagradOptions& o) {
  check_non_negative("adagrad", "lr", o.lr);
  check_non_negative("adagrad", "lr_decay", o.lr_decay);
  check_non_negative("adagrad", "weight_decay", o.weight_decay);
  check_non_negative("adagrad", "eps", o.eps);
  if (o.step < 1) fail_value("adagrad", "expected step to count from 1, got ", o.step);
}

template <class T>
struct AdagradTensor {
  int64_t size;
  T* param;
  const T* grad;
  T* sum;
};

template <class T>
AdagradConstants<T> adagrad_constants(const AdagradOptions& o) {
  const auto step = static_cast<double>(o.step);
  const double root = o.average ? std::sqrt(step) : 1.0;
  return {.step_size = static_cast<T>(o.lr * root / (1.0 + (step - 1.0) * o.lr_decay)),
          .eps = static_cast<T>(o.eps * root),
          .weight_decay = static_cast<T>(o.weight_decay),
          .sign = o.maximize ? T(-1) : T(1)};
}

namespace FASTNN_BACKEND {

template <class T>
void adagrad_step(std::span<const AdagradTensor<T>> tensors, const AdagradOptions& options);

}  // namespace FASTNN_BACKEND
}  // namespace fastnn
