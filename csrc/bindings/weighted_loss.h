// Losses weighed by their samples, and the gradients by what that leaves as factors.
#pragma once

#include "bindings/loss_result.h"
#include "ops/loss.h"

namespace fastnn::bindings {

struct WeightedArguments {
  py::handle losses, weight, shares, out;
};

// The factors stand where other losses have their gradient.
template <class T>
py::object weighted_loss(const WeightedArguments& args, Reduction reduction) {
  const char* op = "weighted_loss";
  Input<T> losses(op, "losses", args.losses), weight(op, "weight", args.weight);
  auto shares = optional_input<T>(op, "shares", args.shares);
  validate_weighted_loss(op, losses.shape(), weight.shape(), shares ? std::optional(shares->shape()) : std::nullopt);
  LossResult<T> result(op, reduction, true, args.out, weight.shape(), losses.shape());
  result.apart_from(Aliasing::none, losses, weight, shares);
  const backend::WeightedLosses<T> in{.samples = weight.size(),
                                      .each = element_count(op, losses.shape().subspan(1)),
                                      .losses = losses.data(),
                                      .weight = weight.data(),
                                      .shares = data_or_null(shares)};
  {
    const GilRelease release(2.0 * static_cast<double>(losses.size()));
    backend::weighted_loss(in, reduction, result.losses(), result.grad(), result.reduced());
  }
  return result.finish();
}

template <class T>
py::object scale(py::handle x_object, py::handle factor_object, py::handle out) {
  const char* op = "scale";
  Input<T> x(op, "x", x_object), factor(op, "factor", factor_object);
  const AxisView view = validate_scale(op, x.shape(), factor.shape());
  Output y(op, out, py::dtype::of<T>(), x.shape());
  y.apart_from(Aliasing::elementwise, x).apart_from(Aliasing::none, factor);
  const T *x_data = x.data(), *factor_data = factor.data();
  {
    const GilRelease release(static_cast<double>(x.size()));
    backend::scale(view, factor_data, x_data, y.data<T>());
  }
  return y.finish();
}

inline void bind_weighing(py::module_& m) {
  m.def(
      "weighted_loss",
      [](py::handle losses, py::handle weight, py::handle shares, const LossOptions& options, py::handle out) {
        return by_dtype("weighted_loss", "losses", losses, [&](auto t) {
          return weighted_loss<decltype(t)>({losses, weight, shares, out}, options.reduction);
        });
      },
      py::arg("losses"), py::arg("weight"), py::arg("shares"), py::arg("options"), py::arg("out"));
  m.def(
      "scale",
      [](py::handle x, py::handle factor, py::handle out) {
        return by_dtype("scale", "x", x, [&](auto t) { return scale<decltype(t)>(x, factor, out); });
      },
      py::arg("x"), py::arg("factor"), py::arg("out"));
}

}  // namespace fastnn::bindings
