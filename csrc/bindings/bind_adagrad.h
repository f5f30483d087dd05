#pragma once

#include "bindings/parameter_list.h"
#include "ops/adagrad.h"

namespace fastnn::bindings {

template <class T>
Batch<AdagradTensor<T>> adagrad_batch(const ParameterLists& lists, const ArrayList& sums) {
  return {lists, [&](size_t i, Shape shape) {
            AdagradTensor<T> tensor{};
            tensor.sum = sums.in_place<T>(i, shape);
            return tensor;
          }};
}

// `step(span of tensors)` does the work, once for each dtype.
template <class Step>
void step_adagrad(py::handle params, py::handle grads, py::handle sums, const Step& step) {
  const ParameterLists lists("adagrad", params, grads);
  const ArrayList sum_list("adagrad", "sums", sums, lists.params.count());
  // Both dtypes are checked before either is stepped.
  const auto f32 = adagrad_batch<float>(lists, sum_list);
  const auto f64 = adagrad_batch<double>(lists, sum_list);
  const GilRelease release(10 * (f32.elements() + f64.elements()));
  step(std::span<const AdagradTensor<float>>(f32.tensors));
  step(std::span<const AdagradTensor<double>>(f64.tensors));
}

inline void adagrad_step(py::handle params, py::handle grads, py::handle sums, const AdagradOptions& options) {
  step_adagrad(params, grads, sums, [&](const auto& tensors) { backend::adagrad_step(tensors, options); });
}

inline AdagradOptions make_adagrad_options(double lr, double lr_decay, double weight_decay, double eps, int64_t step,
                                           bool average, bool maximize) {
  const AdagradOptions options{lr, lr_decay, weight_decay, eps, step, average, maximize};
  validate_adagrad(options);
  return options;
}

inline void bind_adagrad(py::module_& m) {
  bind_options<AdagradOptions>(m, "AdagradOptions", [](auto options) {
    options.def(py::init(&make_adagrad_options), py::kw_only(), py::arg("lr"), py::arg("lr_decay") = 0.0,
                py::arg("weight_decay") = 0.0, py::arg("eps") = 1e-10, py::arg("step"), py::arg("average") = false,
                py::arg("maximize") = false);
  });
  m.def("adagrad_step", &adagrad_step, py::arg("params"), py::arg("grads"), py::arg("sums"), py::arg("options"));
}

}  // namespace fastnn::bindings
