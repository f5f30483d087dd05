#pragma once

#include "bindings/output.h"
#include "ops/activation.h"

namespace fastnn::bindings {

template <class T, class Kernel>
py::object activation(const char* op, py::handle x_object, py::handle out, const Kernel& kernel) {
  Input<T> x(op, "x", x_object);
  Output y(op, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x.array());
  const T* x_data = x.data();
  {
    const GilRelease release(static_cast<double>(x.size()));
    kernel(x.size(), x_data, y.data<T>());
  }
  return y.finish();
}

template <class T, class Kernel>
py::object activation_backward(const char* op, py::handle grad_object, py::handle y_object, py::handle out,
                               const Kernel& kernel) {
  Input<T> y(op, "y", y_object), grad(op, "grad_output", grad_object);
  const int64_t n = validate_activation_backward(op, grad.shape(), y.shape());
  Output grad_x(op, out, py::dtype::of<T>(), y.shape());
  grad_x.apart_from(Aliasing::elementwise, grad.array(), y.array());
  const T *grad_data = grad.data(), *y_data = y.data();
  {
    const GilRelease release(static_cast<double>(n));
    kernel(n, grad_data, y_data, grad_x.data<T>());
  }
  return grad_x.finish();
}

inline void bind_activation(py::module_& m) {
  m.def(
      "relu",
      [](py::handle x, py::handle out) {
        return by_dtype("relu", "x", x, [&](auto t) {
          return activation<decltype(t)>("relu", x, out, cpu::relu_forward<decltype(t)>);
        });
      },
      py::arg("x"), py::arg("out"));
  m.def(
      "relu_backward",
      [](py::handle grad_output, py::handle y, py::handle out) {
        return by_dtype("relu_backward", "y", y, [&](auto t) {
          return activation_backward<decltype(t)>("relu_backward", grad_output, y, out,
                                                  cpu::relu_backward<decltype(t)>);
        });
      },
      py::arg("grad_output"), py::arg("y"), py::arg("out"));
}

}  // namespace fastnn::bindings
