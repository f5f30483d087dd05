#pragma once

#include "bindings/integers.h"
#include "bindings/output.h"
#include "ops/pad.h"

namespace fastnn::bindings {

inline double pad_flops(const PadSize& size) {
  const Sides& s = size.sides;
  return static_cast<double>(size.planes) * static_cast<double>(size.H + s.top + s.bottom) *
         static_cast<double>(size.W + s.left + s.right);
}

template <class T>
py::object pad(py::handle x_object, const std::vector<int64_t>& cells, PaddingMode mode, double value, py::handle out) {
  Input<T> x("pad", "x", x_object);
  const Sides sides = validate_pad_sides("pad", "x", x.shape(), cells);
  const bool two_axes = cells.size() == 4;
  const PadSize size = validate_pad_size("pad", x.shape(), sides, two_axes, mode);
  Output y("pad", out, py::dtype::of<T>(), resized(x.shape(), sides, two_axes, 1));
  y.apart_from(Aliasing::none, x);
  const T* x_data = x.data();
  {
    const GilRelease release(pad_flops(size));
    backend::pad_planes(mode, size.planes, size.H, size.W, sides, x_data, y.data<T>(), static_cast<T>(value));
  }
  return y.finish();
}

template <class T>
py::object pad_backward(py::handle grad_object, const std::vector<int64_t>& cells, PaddingMode mode, py::handle out) {
  const char* op = "pad_backward";
  Input<T> grad(op, "grad_output", grad_object);
  const Sides sides = validate_pad_sides(op, "grad_output", grad.shape(), cells);
  const bool two_axes = cells.size() == 4;
  const std::vector<int64_t> shape = resized(grad.shape(), sides, two_axes, -1);
  const PadSize size = validate_pad_size(op, shape, sides, two_axes, mode);
  Output grad_x(op, out, py::dtype::of<T>(), shape);
  grad_x.apart_from(Aliasing::none, grad);
  const T* grad_data = grad.data();
  {
    const GilRelease release(pad_flops(size));
    backend::pad_planes_backward(mode, size.planes, size.H, size.W, sides, grad_data, grad_x.data<T>());
  }
  return grad_x.finish();
}

inline void bind_pad(py::module_& m) {
  m.def(
      "pad",
      [](py::handle x, const py::tuple& cells, const std::string& mode, double value, py::handle out) {
        const PaddingMode chosen = parse_padding_mode("pad", "mode", mode, "constant");
        return by_dtype("pad", "x", x, [&](auto t) {
          return pad<decltype(t)>(x, as_integers("pad", "pad", cells), chosen, value, out);
        });
      },
      py::arg("x"), py::arg("pad"), py::arg("mode"), py::arg("value"), py::arg("out"));
  m.def(
      "pad_backward",
      [](py::handle grad_output, const py::tuple& cells, const std::string& mode, py::handle out) {
        const PaddingMode chosen = parse_padding_mode("pad_backward", "mode", mode, "constant");
        return by_dtype("pad_backward", "grad_output", grad_output, [&](auto t) {
          return pad_backward<decltype(t)>(grad_output, as_integers("pad_backward", "pad", cells), chosen, out);
        });
      },
      py::arg("grad_output"), py::arg("pad"), py::arg("mode"), py::arg("out"));
}

}  // namespace fastnn::bindings
