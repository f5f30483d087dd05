#include "ops/softmax.h"

#include "cpu/axis_blocks.h"
#include "cpu/dispatch.h"

namespace fastnn::cpu {

template <class T>
void softmax_forward(const AxisView& view, bool log, const T* x, T* y) {
  const auto& kernel = kernels<T>().softmax;
  const int64_t axis = view.axis_size;
  for_axis_blocks(
      view, [&](int64_t first, int64_t count) { kernel.rows(x + first * axis, y + first * axis, count, axis, log); },
      [&](int64_t, int64_t offset, int64_t count) {
        kernel.lanes(x + offset, y + offset, count, axis, view.inner, log);
      });
}

template <class T>
void softmax_backward(const AxisView& view, bool log, const T* grad_output, const T* y, T* grad_x) {
  const auto& kernel = kernels<T>().softmax;
  const int64_t axis = view.axis_size;
  for_axis_blocks(
      view,
      [&](int64_t first, int64_t count) {
        const int64_t at = first * axis;
        kernel.rows_backward(grad_output + at, y + at, grad_x + at, count, axis, log);
      },
      [&](int64_t, int64_t at, int64_t count) {
        kernel.lanes_backward(grad_output + at, y + at, grad_x + at, count, axis, view.inner, log);
      });
}

template void softmax_forward(const AxisView&, bool, const float*, float*);
template void softmax_forward(const AxisView&, bool, const double*, double*);
template void softmax_backward(const AxisView&, bool, const float*, const float*, float*);
template void softmax_backward(const AxisView&, bool, const double*, const double*, double*);

}  // namespace fastnn::cpu
