// One step of RMSprop (Tieleman and Hinton, Coursera lecture 6.5, 2012; centered: Graves, 2013), in torch's form.
//   v = alpha v + (1 - alpha) g^2        a = alpha a + (1 - alpha) g
//   u = g / (sqrt(v) + eps), centered: g / (sqrt(v - a^2) + eps)
//   p -= lr u, with momentum: b = momentum b + u, p -= lr b
#pragma once

#include "cpu/kernels/sgd.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// v - a^2, at least 0: where the gradient hardly changes, its rounding can be negative. A NaN stays.
template <class T>
[[gnu::always_inline]] inline Vec<T> centered_square(Vec<T> v, Vec<T> a) {
  return max(Vec<T>(T(0)), fnma(a, a, v));
}

template <class T>
void rmsprop(const RMSpropPiece<T>& piece, const RMSpropConstants<T>& constants) {
  using V = Vec<T>;
  const RMSpropPiece<T> t = piece;
  const RMSpropConstants<T> c = constants;
  for_each_vector<T>(t.n, [=](int64_t i, auto lanes) {
    const V p = lanes.load(t.param + i);
    const V g = decayed_gradient(t.grad + i, p, c.sign, c.weight_decay, lanes);
    V v = fma(V(c.alpha), lanes.load(t.square_avg + i), V(c.one_minus_alpha) * g * g);
    lanes.store(t.square_avg + i, v);
    if (t.grad_avg) {
      const V a = fma(V(c.alpha), lanes.load(t.grad_avg + i), V(c.one_minus_alpha) * g);
      lanes.store(t.grad_avg + i, a);
      v = centered_square(v, a);
    }
    V update = g / (sqrt(v) + V(c.eps));
    if (t.momentum_buffer) {
      update = fma(V(c.momentum), lanes.load(t.momentum_buffer + i), update);
      lanes.store(t.momentum_buffer + i, update);
    }
    lanes.store(t.param + i, fnma(V(c.lr), update, p));
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
