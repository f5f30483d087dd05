// softmax(x)_c = exp(x_c - m) / s with m = max x and s = sum exp(x_c - m); log_softmax(x)_c = x_c - m - log s.
//
// Shifting by the maximum keeps exp in range. -inf gives exactly 0; a NaN, a +inf or a row of -inf makes the
// row NaN, because exp(x - m) or s is NaN then.
#pragma once

#include "cpu/kernels/narrow_rows.h"
#include "cpu/simd/math.h"

namespace fastnn::cpu::FASTNN_NAMESPACE {

template <class T>
[[gnu::always_inline]] inline Vec<T> minus_infinity() {
  return Vec<T>(-static_cast<T>(__builtin_inf()));
}

// The largest element; NaNs are passed over, the sum of the exponentials will show them.
template <class T>
[[gnu::always_inline]] inline T row_maximum(const T* x, int64_t n) {
  using V = Vec<T>;
  const auto larger = [](V a, V b) { return max(a, b); };
  const auto step = [=](int64_t c, auto lanes, V top) { return max(lanes.load(x + c, minus_infinity<T>()), top); };
  return reduce_max(fold_vectors<T>(n, minus_infinity<T>(), step, larger));
}

// sum exp(x - shift); the exponentials go to e unless it is null.
template <class T>
[[gnu::always_inline]] inline T sum_exponentials(const T* x, T shift, T* e, int64_t n) {
  using V = Vec<T>;
  const auto step = [=](int64_t c, auto lanes, V total) {
    const V value = exp_of_low(lanes.load(x + c, minus_infinity<T>()) - V(shift));
    if (e) lanes.store(e + c, value);
    // Lanes past the end hold exp(-inf) = 0, or NaN where the shift is infinite and the row NaN anyway.
    return total + value;
  };
  return sum(fold_vectors<T>(n, V(T(0)), step, [](V a, V b) { return a + b; }));
}

template <class T>
[[gnu::always_inline]] inline T log_scalar(T x) {
  T lanes[Vec<T>::size];
  log(Vec<T>(x)).store(lanes);
  return lanes[0];
}

// Lanes are neighbouring positions, classes lie `stride` apart.
template <class T>
void softmax_lanes(const T* x, T* y, int64_t count, int64_t axis_size, int64_t stride, bool log) {
  using V = Vec<T>;
  for_each_vector<T>(count, [=](int64_t i, auto lanes) {
    V top = minus_infinity<T>(), total(T(0));
    for (int64_t c = 0; c < axis_size; ++c) top = max(lanes.load(x + i + c * stride), top);
    for (int64_t c = 0; c < axis_size; ++c) {
      const V value = exp_of_low(lanes.load(x + i + c * stride) - top);
      if (!log) lanes.store(y + i + c * stride, value);
      total = total + value;
    }
    const V scale = V(T(1)) / total, log_total = fastnn::cpu::FASTNN_NAMESPACE::log(total);
    for (int64_t c = 0; c < axis_size; ++c) {
      const int64_t at = i + c * stride;
      lanes.store(y + at, log ? lanes.load(x + at) - top - log_total : lanes.load(y + at) * scale);
    }
  });
}

template <class T>
void softmax_narrow_rows(const T* x, T* y, int64_t rows, int64_t axis_size, bool log) {
  constexpr int64_t size = Vec<T>::size;
  NarrowRows<T> block;
  for_each_narrow_block<T>(rows, [&](int64_t i, int64_t count) {
    block.load(x + i * axis_size, count, axis_size);
    softmax_lanes(block.cells, block.cells, size, axis_size, size, log);
    block.store(y + i * axis_size, count, axis_size);
  });
}

template <class T>
void softmax_rows(const T* x, T* y, int64_t rows, int64_t axis_size, bool log) {
  if (are_narrow<T>(axis_size)) return softmax_narrow_rows(x, y, rows, axis_size, log);
  for (int64_t i = 0; i < rows; ++i, x += axis_size, y += axis_size) {
    const T top = row_maximum(x, axis_size);
    const T total = sum_exponentials(x, top, log ? nullptr : y, axis_size);
    if (log) {
      const Vec<T> shift(top), log_total(log_scalar(total));
      for_each_vector<T>(axis_size,
                         [=](int64_t c, auto lanes) { lanes.store(y + c, lanes.load(x + c) - shift - log_total); });
    } else {
      const Vec<T> scale(T(1) / total);
      for_each_vector<T>(axis_size, [=](int64_t c, auto lanes) { lanes.store(y + c, lanes.load(y + c) * scale); });
    }
  }
}

// softmax: grad_x = y (g - sum g y).  log_softmax: grad_x = g - exp(y) sum g.
template <class T>
[[gnu::always_inline]] inline Vec<T> softmax_grad(Vec<T> g, Vec<T> y, Vec<T> total, bool log) {
  return log ? fnma(exp(y), total, g) : y * (g - total);
}

template <class T>
void softmax_lanes_backward(const T* grad_y, const T* y, T* grad_x, int64_t count, int64_t axis_size, int64_t stride,
                            bool log) {
  using V = Vec<T>;
  for_each_vector<T>(count, [=](int64_t i, auto lanes) {
    V total(T(0));
    for (int64_t c = 0; c < axis_size; ++c) {
      const V g = lanes.load(grad_y + i + c * stride);
      total = log ? total + g : fma(g, lanes.load(y + i + c * stride), total);
    }
    for (int64_t c = 0; c < axis_size; ++c) {
      const int64_t at = i + c * stride;
      lanes.store(grad_x + at, softmax_grad(lanes.load(grad_y + at), lanes.load(y + at), total, log));
    }
  });
}

template <class T>
void softmax_narrow_rows_backward(const T* grad_y, const T* y, T* grad_x, int64_t rows, int64_t axis_size, bool log) {
  constexpr int64_t size = Vec<T>::size;
  NarrowRows<T> gradients, outputs;
  for_each_narrow_block<T>(rows, [&](int64_t i, int64_t count) {
    gradients.load(grad_y + i * axis_size, count, axis_size);
    outputs.load(y + i * axis_size, count, axis_size);
    softmax_lanes_backward(gradients.cells, outputs.cells, gradients.cells, size, axis_size, size, log);
    gradients.store(grad_x + i * axis_size, count, axis_size);
  });
}

template <class T>
void softmax_rows_backward(const T* grad_y, const T* y, T* grad_x, int64_t rows, int64_t axis_size, bool log) {
  using V = Vec<T>;
  if (are_narrow<T>(axis_size)) return softmax_narrow_rows_backward(grad_y, y, grad_x, rows, axis_size, log);
  for (int64_t i = 0; i < rows; ++i, grad_y += axis_size, y += axis_size, grad_x += axis_size) {
    const auto step = [=](int64_t c, auto lanes, V so_far) {
      const V g = lanes.load(grad_y + c);
      return log ? so_far + g : fma(g, lanes.load(y + c), so_far);
    };
    const V total(sum(fold_vectors<T>(axis_size, V(T(0)), step, [](V a, V b) { return a + b; })));
    for_each_vector<T>(axis_size, [=](int64_t c, auto lanes) {
      lanes.store(grad_x + c, softmax_grad(lanes.load(grad_y + c), lanes.load(y + c), total, log));
    });
  }
}

}  // namespace fastnn::cpu::FASTNN_NAMESPACE
