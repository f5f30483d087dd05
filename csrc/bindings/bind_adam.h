#pragma once

#include "bindings/parameter_list.h"
#include "ops/adam.h"

namespace fastnn::bindings {

struct AdamState {
  ArrayList exp_avgs, exp_avg_sqs, max_exp_avg_sqs;
};

template <class T>
Batch<AdamTensor<T>> adam_batch(const ParameterLists& lists, const AdamState& state) {
  return {lists, [&](size_t i, Shape shape) {
            AdamTensor<T> tensor{};
            tensor.exp_avg = state.exp_avgs.in_place<T>(i, shape);
            tensor.exp_avg_sq = state.exp_avg_sqs.in_place<T>(i, shape);
            tensor.max_exp_avg_sq = state.max_exp_avg_sqs.in_place<T>(i, shape);
            return tensor;
          }};
}

// `step(span of tensors)` does the work, once for each dtype.
template <class Step>
void step_adam(py::handle params, py::handle grads, py::handle exp_avgs, py::handle exp_avg_sqs,
               py::handle max_exp_avg_sqs, const Step& step) {
  const ParameterLists lists("adam", params, grads);
  const size_t count = lists.params.count();
  const AdamState state{ArrayList("adam", "exp_avgs", exp_avgs, count),
                        ArrayList("adam", "exp_avg_sqs", exp_avg_sqs, count),
                        ArrayList("adam", "max_exp_avg_sqs", max_exp_avg_sqs, count, true)};
  // Both dtypes are checked before either is stepped.
  const auto f32 = adam_batch<float>(lists, state);
  const auto f64 = adam_batch<double>(lists, state);
  const GilRelease release(10 * (f32.elements() + f64.elements()));
  step(std::span<const AdamTensor<float>>(f32.tensors));
  step(std::span<const AdamTensor<double>>(f64.tensors));
}

inline void adam_step(py::handle params, py::handle grads, py::handle exp_avgs, py::handle exp_avg_sqs,
                      py::handle max_exp_avg_sqs, const AdamOptions& options) {
  step_adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs,
            [&](const auto& tensors) { backend::adam_step(tensors, options); });
}

inline AdamOptions make_adam_options(double lr, double beta1, double beta2, double eps, double weight_decay,
                                     int64_t step, bool decoupled, bool maximize) {
  const AdamOptions options{lr, beta1, beta2, eps, weight_decay, step, decoupled, maximize};
  validate_adam(options);
  return options;
}

inline void bind_adam(py::module_& m) {
  bind_options<AdamOptions>(m, "AdamOptions", [](auto options) {
    options.def(py::init(&make_adam_options), py::kw_only(), py::arg("lr"), py::arg("beta1") = 0.9,
                py::arg("beta2") = 0.999, py::arg("eps") = 1e-8, py::arg("weight_decay") = 0.0, py::arg("step"),
                py::arg("decoupled") = false, py::arg("maximize") = false);
  });
  m.def("adam_step", &adam_step, py::arg("params"), py::arg("grads"), py::arg("exp_avgs"), py::arg("exp_avg_sqs"),
        py::arg("max_exp_avg_sqs"), py::arg("options"));
}

}  // namespace fastnn::bindings
