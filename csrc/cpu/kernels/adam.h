// One step of Adam (Kingma and Ba, 2015), AMSGrad (Reddi et al., 2018) or AdamW (Loshchilov and Hutter, 2019).
//   m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
//   p = keep p - lr (m / c1) / (sqrt(v / c2) + eps)      with c = 1 - beta^step
// The corrections are folded into two constants, so an element costs one root and one division:
//   p = keep p - step_size m / (sqrt(v) + eps'),  step_size = lr sqrt(c2) / c1,  eps' = eps sqrt(c2).
#pragma once

#include "cpu/kernels/sgd.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
void adam(T* param, const T* grad, T* exp_avg, T* exp_avg_sq, T* max_exp_avg_sq, int64_t n,
          const AdamConstants<T>& constants) {
  using V = Vec<T>;
  const AdamConstants<T> c = constants;
  for_each_vector<T>(n, [=](int64_t i, auto lanes) {
    const V p = lanes.load(param + i);
    const V g = decayed_gradient(grad + i, p, c.sign, c.weight_decay, lanes);
    const V m = fma(V(c.beta1), lanes.load(exp_avg + i), V(c.one_minus_beta1) * g);
    V v = fma(V(c.beta2), lanes.load(exp_avg_sq + i), V(c.one_minus_beta2) * g * g);
    lanes.store(exp_avg + i, m);
    lanes.store(exp_avg_sq + i, v);
    if (max_exp_avg_sq) {
      const V highest = lanes.load(max_exp_avg_sq + i);
      v = select(is_nan(highest), highest, max(highest, v));  // max keeps a NaN of v only
      lanes.store(max_exp_avg_sq + i, v);
    }
    const V step = V(c.step_size) * m / (sqrt(v) + V(c.eps));
    lanes.store(param + i, V(c.keep) * p - step);
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
