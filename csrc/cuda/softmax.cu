#include "ops/softmax.h"

#include "cuda/softmax_row.cuh"

namespace fastnn::cuda {
namespace {

template <class T>
struct Forward {
  bool log;
  const T* x;
  T* y;

  template <class Row>
  __device__ void operator()(const Row& row, int64_t) const {
    const auto values = read(row, x);
    const auto e = exponentials(row, values);
    if (log) {
      const T log_total = log_of(e.total);
      write(row, y, [=, top = e.top](int64_t, T v) { return v - top - log_total; }, values);
    } else {
      const T scale = T(1) / e.total;
      write(row, y, [=](int64_t, T power) { return power * scale; }, e.values);
    }
  }
};

template <class T>
struct Backward {
  bool log;
  const T *grad_output, *y;
  T* grad_x;

  template <class Row>
  __device__ void operator()(const Row& row, int64_t) const {
    const auto g = read(row, grad_output), values = read(row, y);
    const bool logarithms = log;
    const auto add = [=](int64_t, T so_far, T a, T b) { return logarithms ? so_far + a : fma_of(a, b, so_far); };
    const T total = fold(row, T(0), Sum{}, add, g, values);
    const auto grad = [=](int64_t, T a, T b) { return logarithms ? fma_of(-exp_of(b), total, a) : b * (a - total); };
    write(row, grad_x, grad, g, values);
  }
};

}  // namespace

template <class T>
void softmax_forward(const AxisView& view, bool log, const T* x, T* y) {
  for_each_row<T>(log ? "log_softmax" : "softmax", view, Forward<T>{log, x, y}, x, y);
}

template <class T>
void softmax_backward(const AxisView& view, bool log, const T* grad_output, const T* y, T* grad_x) {
  const char* name = log ? "log_softmax_backward" : "softmax_backward";
  for_each_row<T>(name, view, Backward<T>{log, grad_output, y, grad_x}, grad_output, y, grad_x);
}

template void softmax_forward(const AxisView&, bool, const float*, float*);
template void softmax_forward(const AxisView&, bool, const double*, double*);
template void softmax_backward(const AxisView&, bool, const float*, const float*, float*);
template void softmax_backward(const AxisView&, bool, const double*, const double*, double*);

}  // namespace fastnn::cuda
