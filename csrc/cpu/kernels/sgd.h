// One step of stochastic gradient descent with momentum (Sutskever et al., 2013, in torch's form: the
// learning rate stays outside the buffer).
//   g = +-grad + weight_decay p        b = momentum b + (1 - dampening) g, or g at the first step
//   p -= lr (nesterov ? g + momentum b : b)
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// +-grad + weight_decay p; without decay an infinite p must not turn g into NaN.
template <class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> decayed_gradient(const T* grad, Vec<T> p, T sign, T weight_decay, Lanes lanes) {
  const Vec<T> g = Vec<T>(sign) * lanes.load(grad);
  return weight_decay != T(0) ? fma(Vec<T>(weight_decay), p, g) : g;
}

template <class T>
void sgd(T* param, const T* grad, T* buffer, int64_t n, const SGDConstants<T>& constants) {
  using V = Vec<T>;
  const SGDConstants<T> c = constants;
  for_each_vector<T>(n, [=](int64_t i, auto lanes) {
    const V p = lanes.load(param + i);
    V g = decayed_gradient(grad + i, p, c.sign, c.weight_decay, lanes);
    if (buffer) {
      const V b = c.first_step ? g : fma(V(c.momentum), lanes.load(buffer + i), V(c.gradient_share) * g);
      lanes.store(buffer + i, b);
      g = c.nesterov ? fma(V(c.momentum), b, g) : b;
    }
    lanes.store(param + i, fnma(V(c.lr), g, p));
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
