// Elementwise activations and their derivatives.
#pragma once

#include "cpu/kernels/lanes.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

// max(0, x); a NaN stays, because max keeps its second operand where one is NaN.
template <class T>
void relu(const T* x, T* y, int64_t n) {
  for_each_vector<T>(n, [=](int64_t i, auto lanes) { lanes.store(y + i, max(Vec<T>(T(0)), lanes.load(x + i))); });
}

// The gradient passes unless y <= 0, so it passes where y is NaN.
template <class T>
void relu_backward(const T* grad_y, const T* y, T* grad_x, int64_t n) {
  const Vec<T> zero(T(0));
  for_each_vector<T>(n, [=](int64_t i, auto lanes) {
    lanes.store(grad_x + i, select(lanes.load(y + i) <= zero, zero, lanes.load(grad_y + i)));
  });
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
