#pragma once

#include "bindings/parameter_list.h"
#include "ops/sgd.h"

namespace fastnn::bindings {

template <class T>
Batch<SGDTensor<T>> sgd_batch(const ParameterLists& lists, const ArrayList& buffers, bool momentum) {
  return {lists, [&](size_t i, Shape shape) {
            SGDTensor<T> tensor{};
            if (momentum) tensor.momentum_buffer = buffers.in_place<T>(i, shape);
            return tensor;
          }};
}

// `step(span of tensors)` does the work, once for each dtype.
template <class Step>
void step_sgd(py::handle params, py::handle grads, py::handle momentum_buffers, bool momentum, const Step& step) {
  const ParameterLists lists("sgd", params, grads);
  const ArrayList buffers("sgd", "momentum_buffers", momentum_buffers, lists.params.count(), !momentum);
  // Both dtypes are checked before either is stepped.
  const auto f32 = sgd_batch<float>(lists, buffers, momentum);
  const auto f64 = sgd_batch<double>(lists, buffers, momentum);
  const GilRelease release(5 * (f32.elements() + f64.elements()));
  step(std::span<const SGDTensor<float>>(f32.tensors));
  step(std::span<const SGDTensor<double>>(f64.tensors));
}

inline void sgd_step(py::handle params, py::handle grads, py::handle momentum_buffers, const SGDOptions& options) {
  step_sgd(params, grads, momentum_buffers, options.momentum != 0.0,
           [&](const auto& tensors) { backend::sgd_step(tensors, options); });
}

inline void bind_sgd(py::module_& m) {
  bind_options<SGDOptions>(m, "SGDOptions", [](auto type) {
    type.def(py::init([](double lr, double momentum, double dampening, double weight_decay, bool nesterov,
                         bool maximize, bool first_step) {
               const SGDOptions options{lr, momentum, dampening, weight_decay, nesterov, maximize, first_step};
               validate_sgd(options);
               return options;
             }),
             py::kw_only(), py::arg("lr"), py::arg("momentum") = 0.0, py::arg("dampening") = 0.0,
             py::arg("weight_decay") = 0.0, py::arg("nesterov") = false, py::arg("maximize") = false,
             py::arg("first_step") = false);
  });
  m.def("sgd_step", &sgd_step, py::arg("params"), py::arg("grads"), py::arg("momentum_buffers"), py::arg("options"));
}

}  // namespace fastnn::bindings
