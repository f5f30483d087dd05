#pragma once

#include "bindings/parameter_list.h"
#include "ops/rmsprop.h"

namespace fastnn::bindings {

struct RMSpropState {
  bool centered, momentum;
  ArrayList square_avgs, grad_avgs, momentum_buffers;
};

template <class T>
Batch<RMSpropTensor<T>> rmsprop_batch(const ParameterLists& lists, const RMSpropState& state) {
  return {lists, [&](size_t i, Shape shape) {
            RMSpropTensor<T> tensor{};
            tensor.square_avg = state.square_avgs.in_place<T>(i, shape);
            if (state.centered) tensor.grad_avg = state.grad_avgs.in_place<T>(i, shape);
            if (state.momentum) tensor.momentum_buffer = state.momentum_buffers.in_place<T>(i, shape);
            return tensor;
          }};
}

// `step(span of tensors)` does the work, once for each dtype.
template <class Step>
void step_rmsprop(py::handle params, py::handle grads, py::handle square_avgs, py::handle grad_avgs,
                  py::handle momentum_buffers, bool centered, bool momentum, const Step& step) {
  const ParameterLists lists("rmsprop", params, grads);
  const size_t count = lists.params.count();
  const RMSpropState state{centered, momentum, ArrayList("rmsprop", "square_avgs", square_avgs, count),
                           ArrayList("rmsprop", "grad_avgs", grad_avgs, count, !centered),
                           ArrayList("rmsprop", "momentum_buffers", momentum_buffers, count, !momentum)};
  // Both dtypes are checked before either is stepped.
  const auto f32 = rmsprop_batch<float>(lists, state);
  const auto f64 = rmsprop_batch<double>(lists, state);
  const GilRelease release(10 * (f32.elements() + f64.elements()));
  step(std::span<const RMSpropTensor<float>>(f32.tensors));
  step(std::span<const RMSpropTensor<double>>(f64.tensors));
}

inline void rmsprop_step(py::handle params, py::handle grads, py::handle square_avgs, py::handle grad_avgs,
                         py::handle momentum_buffers, const RMSpropOptions& options) {
  step_rmsprop(params, grads, square_avgs, grad_avgs, momentum_buffers, options.centered, options.momentum != 0.0,
               [&](const auto& tensors) { backend::rmsprop_step(tensors, options); });
}

inline RMSpropOptions make_rmsprop_options(double lr, double alpha, double eps, double weight_decay, double momentum,
                                           bool centered, bool maximize) {
  const RMSpropOptions options{lr, alpha, eps, weight_decay, momentum, centered, maximize};
  validate_rmsprop(options);
  return options;
}

inline void bind_rmsprop(py::module_& m) {
  bind_options<RMSpropOptions>(m, "RMSpropOptions", [](auto options) {
    options.def(py::init(&make_rmsprop_options), py::kw_only(), py::arg("lr"), py::arg("alpha") = 0.99,
                py::arg("eps") = 1e-8, py::arg("weight_decay") = 0.0, py::arg("momentum") = 0.0,
                py::arg("centered") = false, py::arg("maximize") = false);
  });
  m.def("rmsprop_step", &rmsprop_step, py::arg("params"), py::arg("grads"), py::arg("square_avgs"),
        py::arg("grad_avgs"), py::arg("momentum_buffers"), py::arg("options"));
}

}  // namespace fastnn::bindings
