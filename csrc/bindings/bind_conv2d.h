#pragma once

#include <tuple>

#include "bindings/gradients.h"
#include "ops/conv2d.h"

namespace fastnn::bindings {

inline Conv2dOptions make_conv2d_options(std::tuple<int64_t, int64_t> stride,
                                         std::tuple<int64_t, int64_t, int64_t, int64_t> padding,
                                         std::tuple<int64_t, int64_t> dilation, int64_t groups,
                                         const std::string& padding_mode, const std::string& algorithm) {
  const auto [top, bottom, left, right] = padding;
  return {{std::get<0>(stride), std::get<1>(stride)},
          {top, bottom, left, right},
          {std::get<0>(dilation), std::get<1>(dilation)},
          groups,
          parse_padding_mode("conv2d", "padding_mode", padding_mode),
          parse_conv2d_algorithm("conv2d", algorithm)};
}

inline double conv2d_flops(const Conv2dSize& s) {
  return 2.0 * static_cast<double>(s.batch) * static_cast<double>(s.out_channels) *
         static_cast<double>(s.channels / s.groups) * static_cast<double>(s.window.h.kernel * s.window.w.kernel) *
         static_cast<double>(s.window.h.output) * static_cast<double>(s.window.w.output);
}

template <class T>
py::object conv2d(py::handle x_object, py::handle weight_object, py::handle bias_object, const Conv2dOptions& options,
                  bool relu, py::handle out) {
  const char* op = "conv2d";
  Input<T> x(op, "x", x_object), weight(op, "weight", weight_object);
  auto bias = optional_input<T>(op, "bias", bias_object);
  const Conv2dSize size =
      validate_conv2d(op, x.shape(), weight.shape(), bias ? std::optional(bias->shape()) : std::nullopt, options);
  Output y(op, out, py::dtype::of<T>(), conv2d_output_shape(x.shape(), size));
  y.apart_from(Aliasing::none, x, weight, bias);
  const T *x_data = x.data(), *weight_data = weight.data(), *bias_data = data_or_null(bias);
  {
    const GilRelease release(conv2d_flops(size));
    backend::conv2d_forward(size, x_data, weight_data, bias_data, relu, y.data<T>());
  }
  return y.finish();
}

template <class T>
py::object conv2d_backward(py::handle grad_object, py::handle x_object, py::handle weight_object,
                           const Conv2dOptions& options, const GradientChoice& choice, py::handle out) {
  const char* op = "conv2d_backward";
  Input<T> x(op, "x", x_object), grad(op, "grad_output", grad_object), weight(op, "weight", weight_object);
  const Conv2dSize size = validate_conv2d_backward(grad.shape(), x.shape(), weight.shape(), options);
  const int64_t bias_shape[] = {size.out_channels};
  Gradients<T> gradients(op, choice, out);
  gradients.prepare({x.shape(), weight.shape(), bias_shape}, {}, x, grad, weight);
  const T *grad_data = grad.data(), *x_data = x.data(), *weight_data = weight.data();
  {
    const GilRelease release(2 * conv2d_flops(size));
    backend::conv2d_backward<T>(size, grad_data, x_data, weight_data,
                                {gradients.data(0), gradients.data(1), gradients.data(2), choice.accumulate});
  }
  return gradients.finish();
}

inline void bind_conv2d(py::module_& m) {
  bind_options<Conv2dOptions>(m, "Conv2dOptions", [](auto options) {
    options.def(py::init(&make_conv2d_options), py::kw_only(), py::arg("stride"), py::arg("padding"),
                py::arg("dilation"), py::arg("groups"), py::arg("padding_mode"), py::arg("algorithm"));
  });
  m.def(
      "conv2d",
      [](py::handle x, py::handle weight, py::handle bias, const Conv2dOptions& options, bool relu, py::handle out) {
        return by_dtype("conv2d", "x", x,
                        [&](auto t) { return conv2d<decltype(t)>(x, weight, bias, options, relu, out); });
      },
      py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("options"), py::arg("relu"), py::arg("out"));
  m.def(
      "conv2d_backward",
      [](py::handle grad_output, py::handle x, py::handle weight, const Conv2dOptions& options, const py::tuple& needs,
         bool accumulate, py::handle out) {
        const auto choice = GradientChoice::make("conv2d_backward", needs, accumulate);
        return by_dtype("conv2d_backward", "x", x, [&](auto t) {
          return conv2d_backward<decltype(t)>(grad_output, x, weight, options, choice, out);
        });
      },
      py::arg("grad_output"), py::arg("x"), py::arg("weight"), py::arg("options"), py::arg("needs"),
      py::arg("accumulate"), py::arg("out"));
}

}  // namespace fastnn::bindings
