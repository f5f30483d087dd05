// One step of Adagrad (Duchi, Hazan and Singer, 2011).
//   s = s + g^2        p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
// The mean of the squares in place of their sum is the same step with other constants:
//   g / (sqrt(s / t) + eps) = sqrt(t) g / (sqrt(s) + eps sqrt(t)).
#pragma once

#include "cpu/kernels/sgd.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
void adagrad(T* param, const T* grad, T* sum, int64_t n, const AdagradConstants<T>& constants) {
  using V = Vec<T>;
  const AdagradConstants<T> c = constants;
  for_each_vector<T>(n, [=](int64_t i, auto lanes) {
    const V p = lanes.load(param + i);
    const V g = decayed_gradient(grad + i, p, c.sign, c.weight_decay, lanes);
    const V s = fma(g, g, lanes.load(sum + i));
    lanes.store(sum + i, s);
    lanes.store(param + i, fnma(V(c.step_size), g / (sqrt(s) + V(c.eps)), p));
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
