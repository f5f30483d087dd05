#pragma once

#include "bindings/output.h"
#include "ops/softmax.h"

namespace fastnn::bindings {

inline constexpr double flops_per_exponential = 20;

template <class T>
py::object softmax(const char* op, bool log, py::handle x_object, int64_t axis, py::handle out) {
  Input<T> x(op, "x", x_object);
  const AxisView view = validate_softmax(op, x.shape(), axis);
  Output y(op, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x);
  const T* x_data = x.data();
  {
    const GilRelease release(flops_per_exponential * static_cast<double>(x.size()));
    backend::softmax_forward(view, log, x_data, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object softmax_backward(const char* op, bool log, py::handle grad_object, py::handle y_object, int64_t axis,
                            py::handle out) {
  Input<T> y(op, "y", y_object), grad(op, "grad_output", grad_object);
  const AxisView view = validate_softmax_backward(op, grad.shape(), y.shape(), axis);
  Output grad_x(op, out, py::dtype::of<T>(), y.shape());
  grad_x.apart_from(Aliasing::elementwise, grad, y);
  const T *grad_data = grad.data(), *y_data = y.data();
  {
    const GilRelease release((log ? flops_per_exponential : 4) * static_cast<double>(y.size()));
    backend::softmax_backward(view, log, grad_data, y_data, grad_x.data<T>());
  }
  return grad_x.finish();
}

inline void bind_softmax_pair(py::module_& m, const char* name, const char* backward_name, bool log) {
  m.def(
      name,
      [name, log](py::handle x, int64_t axis, py::handle out) {
        return by_dtype(name, "x", x, [&](auto t) { return softmax<decltype(t)>(name, log, x, axis, out); });
      },
      py::arg("x"), py::arg("axis"), py::arg("out"));
  m.def(
      backward_name,
      [backward_name, log](py::handle grad_output, py::handle y, int64_t axis, py::handle out) {
        return by_dtype(backward_name, "y", y, [&](auto t) {
          return softmax_backward<decltype(t)>(backward_name, log, grad_output, y, axis, out);
        });
      },
      py::arg("grad_output"), py::arg("y"), py::arg("axis"), py::arg("out"));
}

inline void bind_softmax(py::module_& m) {
  bind_softmax_pair(m, "softmax", "softmax_backward", false);
  bind_softmax_pair(m, "log_softmax", "log_softmax_backward", true);
}

}  // namespace fastnn::bindings
