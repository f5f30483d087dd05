#pragma once

#include "bindings/output.h"
#include "ops/dropout.h"

namespace fastnn::bindings {

// `kernel(x, y)` does the work; the masks of both forms differ in it alone.
template <class T, class Kernel>
py::object dropout(const char* op, py::handle x_object, double p, py::handle out, const Kernel& kernel) {
  Input<T> x(op, "x", x_object);
  validate_dropout(op, p);
  Output y(op, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x);
  const T* x_data = x.data();
  {
    const GilRelease release(10.0 * static_cast<double>(x.size()));
    kernel(x_data, y.data<T>());
  }
  return y.finish();
}

// `run(n, x, y)` and `run(planes, x, y)` call a driver.
template <class Run>
py::object dropout_elements(py::handle x, double p, py::handle out, const Run& run) {
  return by_dtype("dropout", "x", x, [&](auto t) {
    using T = decltype(t);
    const Array array = as_array("dropout", "x", x);
    const int64_t n = array.size();
    return dropout<T>("dropout", array, p, out, [&](const T* from, T* to) { run(n, from, to); });
  });
}

template <class Run>
py::object dropout_planes(py::handle x, double p, py::handle out, const Run& run) {
  return by_dtype("dropout2d", "x", x, [&](auto t) {
    using T = decltype(t);
    const Array array = as_array("dropout2d", "x", x);
    const Planes planes = validate_dropout2d(shape_of(array));
    return dropout<T>("dropout2d", array, p, out, [&](const T* from, T* to) { run(planes, from, to); });
  });
}

inline void bind_dropout(py::module_& m) {
  m.def(
      "dropout",
      [](py::handle x, double p, uint64_t seed, uint64_t call, py::handle out) {
        return dropout_elements(x, p, out, [&](int64_t n, const auto* from, auto* to) {
          backend::dropout(n, p, DropoutKey{seed, call}, from, to);
        });
      },
      py::arg("x"), py::arg("p"), py::arg("seed"), py::arg("call"), py::arg("out"));
  m.def(
      "dropout2d",
      [](py::handle x, double p, uint64_t seed, uint64_t call, py::handle out) {
        return dropout_planes(x, p, out, [&](const Planes& planes, const auto* from, auto* to) {
          backend::dropout2d(planes, p, DropoutKey{seed, call}, from, to);
        });
      },
      py::arg("x"), py::arg("p"), py::arg("seed"), py::arg("call"), py::arg("out"));
}

}  // namespace fastnn::bindings
