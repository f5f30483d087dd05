#pragma once

#include "bindings/output.h"
#include "ops/dropout.h"

namespace fastnn::bindings {

template <class T>
py::object dropout(py::handle x_object, double p, DropoutKey key, py::handle out) {
  Input<T> x("dropout", "x", x_object);
  validate_dropout(p);
  Output y("dropout", out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x.array());
  const T* x_data = x.data();
  {
    const GilRelease release(10.0 * static_cast<double>(x.size()));
    cpu::dropout(x.size(), p, key, x_data, y.data<T>());
  }
  return y.finish();
}

inline void bind_dropout(py::module_& m) {
  m.def(
      "dropout",
      [](py::handle x, double p, uint64_t seed, uint64_t call, py::handle out) {
        return by_dtype("dropout", "x", x,
                        [&](auto t) { return dropout<decltype(t)>(x, p, DropoutKey{seed, call}, out); });
      },
      py::arg("x"), py::arg("p"), py::arg("seed"), py::arg("call"), py::arg("out"));
}

}  // namespace fastnn::bindings
