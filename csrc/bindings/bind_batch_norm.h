#pragma once

#include "bindings/gradients.h"
#include "ops/batch_norm.h"

namespace fastnn::bindings {

// An array of one value a channel, or none.
template <class T>
std::optional<Input<T>> channel_values(const char* op, const char* name, py::handle object, Shape x) {
  auto values = optional_input<T>(op, name, object);
  if (values) validate_channel_values(op, name, x, values->shape());
  return values;
}

inline BatchNormOptions make_batch_norm_options(bool training, double momentum, double eps, bool relu) {
  check_non_negative("batch_norm", "eps", eps);
  return {training, momentum, eps, relu};
}

// The running statistics: read in evaluation; in training written in place, through a copy where they are strided.
template <class T>
struct RunningStatistics {
  const char* op;
  std::optional<Input<T>> inputs[2];
  std::optional<Output> outputs[2];

  RunningStatistics(const char* name, const py::tuple& arrays, Shape x, bool training) : op(name) {
    static constexpr const char* names[] = {"running_mean", "running_var"};
    if (arrays[0].is_none() != arrays[1].is_none()) {
      fail_value(op, "expected running_mean and running_var to be both arrays or both None, got None for ",
                 names[arrays[0].is_none() ? 0 : 1]);
    }
    for (size_t i = 0; i < 2; ++i) {
      inputs[i] = channel_values<T>(op, names[i], arrays[i], x);
      if (training && inputs[i]) outputs[i].emplace(op, arrays[i], py::dtype::of<T>(), inputs[i]->shape(), names[i]);
    }
  }

  // Writing them must change nothing else of the call.
  template <class... Arrays>
  void refuse_overlap(const Arrays&... arrays) const {
    for (const auto& output : outputs) {
      if (output && (... || output->overlaps(arrays))) {
        fail_value(op, "expected running_mean and running_var not to overlap other arrays, got some that do");
      }
    }
    if (outputs[0] && outputs[0]->overlaps(*outputs[1])) {
      fail_value(op, "expected running_mean and running_var not to overlap each other, got two that do");
    }
  }

  T* write(size_t i) {
    if (!outputs[i]) return nullptr;
    outputs[i]->keep_contents();
    return outputs[i]->template data<T>();
  }

  void finish() {
    for (auto& output : outputs) {
      if (output) output->finish();
    }
  }
};

// The arrays of a forward, but for y.
template <class T>
struct BatchNormArrays {
  const char* op;
  Input<T> x;
  AxisView view;
  std::optional<Input<T>> weight, bias;
  RunningStatistics<T> running;
  Output mean, invstd;

  BatchNormArrays(const char* name, py::handle x_object, const py::tuple& running_arrays, py::handle weight_object,
                  py::handle bias_object, const BatchNormOptions& options)
      : op(name),
        x(op, "x", x_object),
        view(validate_batch_norm(op, x.shape(), !running_arrays[0].is_none() || !running_arrays[1].is_none(), options)),
        weight(channel_values<T>(op, "weight", weight_object, x.shape())),
        bias(channel_values<T>(op, "bias", bias_object, x.shape())),
        running(op, running_arrays, x.shape(), options.training),
        mean(of_channels()),
        invstd(of_channels()) {}

  void keep_apart(Output& y, Aliasing of_x) const {
    y.apart_from(of_x, x);
    y.apart_from(Aliasing::none, weight, bias, running.inputs[0], running.inputs[1]);
    running.refuse_overlap(y, x, weight, bias);
  }
  backend::BatchNormInputs<T> inputs() {
    return {.view = view,
            .x = x.data(),
            .weight = data_or_null(weight),
            .bias = data_or_null(bias),
            .running_mean = data_or_null(running.inputs[0]),
            .running_var = data_or_null(running.inputs[1])};
  }
  backend::BatchNormOutputs<T> outputs(Output& y) {
    return {.y = y.data<T>(),
            .save_mean = mean.data<T>(),
            .save_invstd = invstd.data<T>(),
            .running_mean = running.write(0),
            .running_var = running.write(1)};
  }
  double flops() const { return 3.0 * static_cast<double>(x.size()); }

 private:
  Output of_channels() const {
    const int64_t channels[] = {view.axis_size};
    return Output(op, py::none(), py::dtype::of<T>(), channels);
  }
};

// y and, for the backward, the mean and 1 / sqrt(variance + eps) that it was made with.
template <class T>
py::object batch_norm(py::handle x, const py::tuple& running, py::handle weight, py::handle bias,
                      const BatchNormOptions& options, py::handle out) {
  BatchNormArrays<T> arrays("batch_norm", x, running, weight, bias, options);
  Output y(arrays.op, out, py::dtype::of<T>(), arrays.x.shape());
  arrays.keep_apart(y, Aliasing::elementwise);
  const auto inputs = arrays.inputs();
  const auto outputs = arrays.outputs(y);
  {
    const GilRelease release(arrays.flops());
    backend::batch_norm_forward(inputs, options, outputs);
  }
  arrays.running.finish();
  return py::make_tuple(y.finish(), arrays.mean.finish(), arrays.invstd.finish());
}

struct BatchNormGradientOptions {
  bool training, relu;
  GradientChoice choice;

  static BatchNormGradientOptions make(bool training, bool relu, const py::tuple& needs, bool accumulate) {
    return {training, relu, GradientChoice::make("batch_norm_backward", needs, accumulate)};
  }
};

// What a backward reads beside grad_output. affine: weight and bias.
template <class T>
struct BatchNormSaved {
  const char* op;
  Input<T> x;
  AxisView view;
  std::optional<Input<T>> weight, bias;
  Input<T> mean, invstd;

  BatchNormSaved(const char* name, py::handle x_object, const py::tuple& affine, py::handle mean_object,
                 py::handle invstd_object)
      : op(name),
        x(op, "x", x_object),
        view(validate_channels(op, x.shape())),
        weight(channel_values<T>(op, "weight", affine[0], x.shape())),
        bias(channel_values<T>(op, "bias", affine[1], x.shape())),
        mean(op, "save_mean", mean_object),
        invstd(op, "save_invstd", invstd_object) {
    validate_channel_values(op, "save_mean", x.shape(), mean.shape());
    validate_channel_values(op, "save_invstd", x.shape(), invstd.shape());
  }

  template <class... Others>
  void prepare(Gradients<T>& gradients, std::initializer_list<const Array*> replaceable,
               const Others&... others) const {
    const int64_t channels[] = {view.axis_size};
    gradients.prepare({x.shape(), channels, channels}, replaceable, mean, invstd, weight, bias, others...);
  }
  backend::BatchNormBackwardInputs<T> inputs(Input<T>& grad, const BatchNormGradientOptions& options) {
    return {.view = view,
            .grad_output = grad.data(),
            .x = x.data(),
            .weight = data_or_null(weight),
            .bias = data_or_null(bias),
            .save_mean = mean.data(),
            .save_invstd = invstd.data(),
            .training = options.training,
            .relu = options.relu};
  }
  double flops() const { return 5.0 * static_cast<double>(x.size()); }
};

template <class T>
backend::BatchNormGradients<T> batch_norm_gradients(Gradients<T>& gradients, const BatchNormGradientOptions& options) {
  return {gradients.data(0), gradients.data(1), gradients.data(2), options.choice.accumulate};
}

// stats: save_mean and save_invstd.
template <class T>
py::object batch_norm_backward(py::handle grad_object, py::handle x, const py::tuple& affine, const py::tuple& stats,
                               const BatchNormGradientOptions& options, py::handle out) {
  BatchNormSaved<T> saved("batch_norm_backward", x, affine, stats[0], stats[1]);
  Input<T> grad(saved.op, "grad_output", grad_object);
  validate_batch_norm_gradient(grad.shape(), saved.x.shape());
  Gradients<T> gradients(saved.op, options.choice, out);
  saved.prepare(gradients, {&grad.array(), &saved.x.array()});
  const auto inputs = saved.inputs(grad, options);
  const auto wanted = batch_norm_gradients(gradients, options);
  {
    const GilRelease release(saved.flops());
    backend::batch_norm_backward<T>(inputs, wanted);
  }
  return gradients.finish();
}

inline void bind_batch_norm(py::module_& m) {
  bind_options<BatchNormOptions>(m, "BatchNormOptions", [](auto options) {
    options.def(py::init(&make_batch_norm_options), py::kw_only(), py::arg("training") = false,
                py::arg("momentum") = 0.1, py::arg("eps") = 1e-5, py::arg("relu") = false);
  });
  bind_options<BatchNormGradientOptions>(m, "BatchNormGradientOptions", [](auto options) {
    options.def(py::init(&BatchNormGradientOptions::make), py::kw_only(), py::arg("training"), py::arg("relu"),
                py::arg("needs"), py::arg("accumulate"));
  });
  m.def(
      "batch_norm",
      [](py::handle x, const py::tuple& running, py::handle weight, py::handle bias, const BatchNormOptions& options,
         py::handle out) {
        return by_dtype("batch_norm", "x", x,
                        [&](auto t) { return batch_norm<decltype(t)>(x, running, weight, bias, options, out); });
      },
      py::arg("x"), py::arg("running"), py::arg("weight"), py::arg("bias"), py::arg("options"), py::arg("out"));
  m.def(
      "batch_norm_backward",
      [](py::handle grad_output, py::handle x, const py::tuple& affine, const py::tuple& stats,
         const BatchNormGradientOptions& options, py::handle out) {
        return by_dtype("batch_norm_backward", "x", x, [&](auto t) {
          return batch_norm_backward<decltype(t)>(grad_output, x, affine, stats, options, out);
        });
      },
      py::arg("grad_output"), py::arg("x"), py::arg("affine"), py::arg("stats"), py::arg("options"), py::arg("out"));
}

}  // namespace fastnn::bindings
