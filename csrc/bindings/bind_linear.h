#pragma once

#include "bindings/gradients.h"
#include "ops/linear.h"

namespace fastnn::bindings {

inline double linear_flops(const LinearSize& size) {
  return 2.0 * static_cast<double>(size.batch) * static_cast<double>(size.in_features) *
         static_cast<double>(size.out_features);
}

// The shape of x with another last dimension.
inline std::vector<int64_t> with_last(Shape x, int64_t last) {
  std::vector<int64_t> shape(x.begin(), x.end());
  shape.back() = last;
  return shape;
}

template <class T>
py::object linear(py::handle x_object, py::handle weight_object, py::handle bias_object, bool relu, py::handle out) {
  Input<T> x("linear", "x", x_object), weight("linear", "weight", weight_object);
  auto bias = optional_input<T>("linear", "bias", bias_object);
  const LinearSize size =
      validate_linear("linear", x.shape(), weight.shape(), bias ? std::optional(bias->shape()) : std::nullopt);
  Output y("linear", out, py::dtype::of<T>(), with_last(x.shape(), size.out_features));
  y.apart_from(Aliasing::none, x, weight, bias);
  const T *x_data = x.data(), *weight_data = weight.data(), *bias_data = data_or_null(bias);
  {
    const GilRelease release(linear_flops(size));
    backend::linear_forward(size, x_data, weight_data, bias_data, relu, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object linear_backward(py::handle grad_object, py::handle x_object, py::handle weight_object,
                           const GradientChoice& choice, py::handle out) {
  const char* op = "linear_backward";
  Input<T> x(op, "x", x_object), grad(op, "grad_output", grad_object), weight(op, "weight", weight_object);
  const LinearSize size = validate_linear_backward(grad.shape(), x.shape(), weight.shape());
  const int64_t bias_shape[] = {size.out_features};
  Gradients<T> gradients(op, choice, out);
  gradients.prepare({x.shape(), weight.shape(), bias_shape}, {}, x, grad, weight);
  const T *grad_data = grad.data(), *x_data = x.data(), *weight_data = weight.data();
  {
    const GilRelease release(2 * linear_flops(size));
    backend::linear_backward<T>(size, grad_data, x_data, weight_data,
                                {gradients.data(0), gradients.data(1), gradients.data(2), choice.accumulate});
  }
  return gradients.finish();
}

inline void bind_linear(py::module_& m) {
  m.def(
      "linear",
      [](py::handle x, py::handle weight, py::handle bias, bool relu, py::handle out) {
        return by_dtype("linear", "x", x, [&](auto t) { return linear<decltype(t)>(x, weight, bias, relu, out); });
      },
      py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("relu"), py::arg("out"));
  m.def(
      "linear_backward",
      [](py::handle grad_output, py::handle x, py::handle weight, const py::tuple& needs, bool accumulate,
         py::handle out) {
        const auto choice = GradientChoice::make("linear_backward", needs, accumulate);
        return by_dtype("linear_backward", "x", x,
                        [&](auto t) { return linear_backward<decltype(t)>(grad_output, x, weight, choice, out); });
      },
      py::arg("grad_output"), py::arg("x"), py::arg("weight"), py::arg("needs"), py::arg("accumulate"), py::arg("out"));
}

}  // namespace fastnn::bindings
