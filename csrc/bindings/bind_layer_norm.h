#pragma once

#include "bindings/gradients.h"
#include "bindings/integers.h"
#include "ops/layer_norm.h"

namespace fastnn::bindings {

// y and, for the backward, the mean and 1 / sqrt(variance + eps) of each row.
template <class T>
py::object layer_norm(py::handle x_object, const py::tuple& normalized_shape, py::handle weight_object,
                      py::handle bias_object, double eps, py::handle out) {
  const char* op = "layer_norm";
  Input<T> x(op, "x", x_object);
  const auto normalized = as_integers(op, "normalized_shape", normalized_shape);
  const LayerNormSize size = validate_layer_norm(op, x.shape(), normalized);
  auto weight = optional_input<T>(op, "weight", weight_object), bias = optional_input<T>(op, "bias", bias_object);
  Output y(op, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x);
  y.apart_from(Aliasing::none, weight, bias);
  if (weight) validate_normalized(op, "weight", normalized, weight->shape());
  if (bias) validate_normalized(op, "bias", normalized, bias->shape());
  check_non_negative(op, "eps", eps);
  Output mean(op, py::none(), py::dtype::of<T>(), size.stats), rstd(op, py::none(), py::dtype::of<T>(), size.stats);
  const backend::LayerNormInputs<T> inputs{.rows = size.rows,
                                           .length = size.length,
                                           .x = x.data(),
                                           .weight = data_or_null(weight),
                                           .bias = data_or_null(bias),
                                           .eps = eps};
  {
    const GilRelease release(3.0 * static_cast<double>(x.size()));
    backend::layer_norm_forward(inputs, y.data<T>(), mean.data<T>(), rstd.data<T>());
  }
  return py::make_tuple(y.finish(), mean.finish(), rstd.finish());
}

struct LayerNormGradientOptions {
  std::vector<int64_t> normalized_shape;
  GradientChoice choice;

  static LayerNormGradientOptions make(const py::tuple& normalized_shape, const py::tuple& needs, bool accumulate) {
    const char* op = "layer_norm_backward";
    return {as_integers(op, "normalized_shape", normalized_shape), GradientChoice::make(op, needs, accumulate)};
  }
};

// stats: mean and rstd.
template <class T>
py::object layer_norm_backward(py::handle grad_object, py::handle x_object, const py::tuple& stats,
                               py::handle weight_object, const LayerNormGradientOptions& options, py::handle out) {
  const char* op = "layer_norm_backward";
  Input<T> x(op, "x", x_object), grad(op, "grad_output", grad_object);
  const Shape normalized = options.normalized_shape;
  const LayerNormSize size = validate_layer_norm_backward(grad.shape(), x.shape(), normalized);
  Input<T> mean(op, "mean", stats[0]), rstd(op, "rstd", stats[1]);
  for (const auto& [name, values] : {std::pair{"mean", &mean}, std::pair{"rstd", &rstd}}) {
    if (!same(values->shape(), size.stats)) {
      fail_value(op, "expected ", name, " of shape ", to_string(size.stats), " for x of shape ", to_string(x.shape()),
                 ", got ", to_string(values->shape()));
    }
  }
  auto weight = optional_input<T>(op, "weight", weight_object);
  if (weight) validate_normalized(op, "weight", normalized, weight->shape());
  Gradients<T> gradients(op, options.choice, out);
  gradients.prepare({x.shape(), normalized, normalized}, {&grad.array(), &x.array()}, mean, rstd, weight);
  const backend::LayerNormBackwardInputs<T> inputs{.rows = size.rows,
                                                   .length = size.length,
                                                   .grad_output = grad.data(),
                                                   .x = x.data(),
                                                   .mean = mean.data(),
                                                   .rstd = rstd.data(),
                                                   .weight = data_or_null(weight)};
  {
    const GilRelease release(6.0 * static_cast<double>(x.size()));
    backend::layer_norm_backward<T>(
        inputs, {gradients.data(0), gradients.data(1), gradients.data(2), options.choice.accumulate});
  }
  return gradients.finish();
}

inline void bind_layer_norm(py::module_& m) {
  bind_options<LayerNormGradientOptions>(m, "LayerNormGradientOptions", [](auto options) {
    options.def(py::init(&LayerNormGradientOptions::make), py::kw_only(), py::arg("normalized_shape"), py::arg("needs"),
                py::arg("accumulate"));
  });
  m.def(
      "layer_norm",
      [](py::handle x, const py::tuple& normalized_shape, py::handle weight, py::handle bias, double eps,
         py::handle out) {
        return by_dtype("layer_norm", "x", x,
                        [&](auto t) { return layer_norm<decltype(t)>(x, normalized_shape, weight, bias, eps, out); });
      },
      py::arg("x"), py::arg("normalized_shape"), py::arg("weight"), py::arg("bias"), py::arg("eps"), py::arg("out"));
  m.def(
      "layer_norm_backward",
      [](py::handle grad_output, py::handle x, const py::tuple& stats, py::handle weight,
         const LayerNormGradientOptions& options, py::handle out) {
        return by_dtype("layer_norm_backward", "x", x, [&](auto t) {
          return layer_norm_backward<decltype(t)>(grad_output, x, stats, weight, options, out);
        });
      },
      py::arg("grad_output"), py::arg("x"), py::arg("stats"), py::arg("weight"), py::arg("options"), py::arg("out"));
}

}  // namespace fastnn::bindings
